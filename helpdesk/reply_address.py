"""Signed reply addresses: ``helpdesk+t12.u7.<mark>@our.domain`` names a ticket and a participant; it cannot be forged.

The mark covers the participant's key version: raising that, or removing the person, ends the addresses given before.
"""

import re
from collections.abc import Iterable

from flask import current_app
from sqlalchemy import select
from sqlalchemy.orm import joinedload

from core import signing
from core.db import db
from core.settings import Settings
from helpdesk.models import Participant, Ticket

PURPOSE = "reply-address"

_SIGNED = re.compile(r"t([1-9]\d{0,17})\.u([1-9]\d{0,17})\.([a-z2-7]{26})")
# A mail may name a thousand addresses; each of ours costs a look into the database.
_MOST = 20


def make(ticket: Ticket, participant: Participant) -> str:
    """The address to which one participant answers in one ticket; short enough for RFC 5321, 4.5.3.1.1 (64 octets)."""
    mailbox, domain = _own()
    return f"{mailbox}{_separator()}t{ticket.id}.u{participant.user_id}.{_mark(participant)}@{domain}"


def find(addresses: Iterable[str]) -> tuple[Ticket, Participant] | None:
    """The ticket and the participant of the first address that we signed; None if there is none that still works."""
    mailbox, domain = _own()
    start = f"{mailbox}{_separator()}".lower()
    tried = 0
    for address in addresses:
        local, _, host = address.strip().lower().rpartition("@")
        known = _SIGNED.fullmatch(local[len(start) :]) if host == domain and local.startswith(start) else None
        if known is None or tried >= _MOST:
            continue
        tried += 1
        part = db.session.scalar(
            select(Participant)
            .where(Participant.ticket_id == int(known[1]), Participant.user_id == int(known[2]))
            .options(joinedload(Participant.ticket))
        )
        if part is not None and signing.is_mark(PURPOSE, _signed_text(part), known[3]) and not part.user.is_disabled:
            return part.ticket, part
    return None


def is_own(address: str) -> bool:
    """Whether mail to this address comes to us: one of our addresses, with or without a signed part."""
    settings: Settings = current_app.extensions["settings"]
    low = address.strip().lower()
    mailbox, domain = _own()
    return low in settings.own_addresses or (
        low.endswith(f"@{domain}") and low.startswith(f"{mailbox}{_separator()}".lower())
    )


def _mark(part: Participant) -> str:
    return signing.mark(PURPOSE, _signed_text(part))


def _signed_text(part: Participant) -> str:
    return f"{part.ticket_id}|{part.user_id}|{part.key_version}"


def _own() -> tuple[str, str]:
    settings: Settings = current_app.extensions["settings"]
    return settings.mail.sender.rpartition("@")[0].lower(), settings.reply_domain


def _separator() -> str:
    return str(current_app.extensions["settings"].mail.reply_separator)

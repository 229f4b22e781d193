"""Signed reply addresses: ``helpdesk+t12.u7.<mark>@our.domain`` names a ticket and a participant; it cannot be forged.

The mark covers the participant's key version: raising that, or removing the person, ends the addresses given before.
Staff who are told of a ticket get one of their own, ``helpdesk+t12.s3.<mark>@…``, which ends when they leave the desk.
"""

import re
from collections.abc import Iterable
from typing import NamedTuple

from flask import current_app
from sqlalchemy import select
from sqlalchemy.orm import joinedload

from accounts.models import User
from core import signing
from core.db import db
from core.settings import Settings
from helpdesk.models import Participant, Ticket

PURPOSE = "reply-address"

_SIGNED = re.compile(r"t([1-9]\d{0,17})\.([us])([1-9]\d{0,17})\.([a-z2-7]{26})")
# A mail may name a thousand addresses; each of ours costs a look into the database.
_MOST = 20


def make(ticket: Ticket, participant: Participant) -> str:
    """The address to which one participant answers in one ticket; short enough for RFC 5321, 4.5.3.1.1 (64 octets)."""
    mailbox, domain = _own()
    return f"{mailbox}{_separator()}t{ticket.id}.u{participant.user_id}.{_mark(participant)}@{domain}"


def make_for_staff(ticket: Ticket, user: User) -> str:
    """The address to which somebody of the desk answers a notice about a ticket."""
    mailbox, domain = _own()
    mark = signing.mark(PURPOSE, _signed_for_staff(ticket.id, user.id))
    return f"{mailbox}{_separator()}t{ticket.id}.s{user.id}.{mark}@{domain}"


class Signed(NamedTuple):
    """What a signed address names: a ticket, and the one person to whom the address was given."""

    ticket: Ticket
    user: User


def find(addresses: Iterable[str]) -> Signed | None:
    """What the first address names that we signed; None if there is none that still works."""
    mailbox, domain = _own()
    start = f"{mailbox}{_separator()}".lower()
    tried = 0
    for address in addresses:
        local, _, host = address.strip().lower().rpartition("@")
        known = _SIGNED.fullmatch(local[len(start) :]) if host == domain and local.startswith(start) else None
        if known is None or tried >= _MOST:
            continue
        tried += 1
        number, user = int(known[1]), int(known[3])
        found = _of_staff(number, user, known[4]) if known[2] == "s" else _of_participant(number, user, known[4])
        if found is not None:
            return found
    return None


def _of_participant(number: int, user: int, mark: str) -> Signed | None:
    part = db.session.scalar(
        select(Participant)
        .where(Participant.ticket_id == number, Participant.user_id == user)
        .options(joinedload(Participant.ticket))
    )
    if part is None or not signing.is_mark(PURPOSE, _signed_text(part), mark) or part.user.is_disabled:
        return None
    return Signed(part.ticket, part.user)


def _of_staff(number: int, user: int, mark: str) -> Signed | None:
    if not signing.is_mark(PURPOSE, _signed_for_staff(number, user), mark):
        return None
    ticket, person = db.session.get(Ticket, number), db.session.get(User, user)
    if ticket is None or person is None or not person.is_staff or person.is_disabled:
        return None
    return Signed(ticket, person)


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


def _signed_for_staff(ticket: int, user: int) -> str:
    return f"{ticket}|staff|{user}"


def _own() -> tuple[str, str]:
    settings: Settings = current_app.extensions["settings"]
    return settings.mail.sender.rpartition("@")[0].lower(), settings.reply_domain


def _separator() -> str:
    return str(current_app.extensions["settings"].mail.reply_separator)

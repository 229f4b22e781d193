"""Signed envelope senders: a bounce comes back to ``helpdesk+bounce.<mail>.<mark>@our.domain``, whatever it says.

One address for each mail (VERP), so that also a report that names nothing is matched; the mark keeps strangers from
having mails marked as failed.
"""

import re
from collections.abc import Iterable

from flask import current_app

from core import signing
from core.settings import Settings

PURPOSE = "bounce-address"

_SIGNED = re.compile(r"bounce\.([1-9]\d{0,17})\.([a-z2-7]{26})")
# A mail may name a thousand addresses.
_MOST = 50


def make(number: int) -> str:
    """The envelope sender of an outgoing mail, by its number; the plain address where the settings say so."""
    settings: Settings = current_app.extensions["settings"]
    if not settings.mail.signed_bounces:
        return settings.mail.sender
    return f"{_start(settings)}bounce.{number}.{signing.mark(PURPOSE, str(number))}@{settings.reply_domain}"


def find(addresses: Iterable[str]) -> int | None:
    """The number of the mail to whose envelope sender something came; None if no address is a signed one of ours."""
    settings: Settings = current_app.extensions["settings"]
    start = _start(settings)
    for address in list(addresses)[:_MOST]:
        local, _at, domain = address.strip().lower().rpartition("@")
        known = _SIGNED.fullmatch(local[len(start) :]) if local.startswith(start) else None
        if known and domain == settings.reply_domain and signing.is_mark(PURPOSE, known[1], known[2]):
            return int(known[1])
    return None


def _start(settings: Settings) -> str:
    return f"{settings.mail.sender.rpartition('@')[0]}{settings.mail.reply_separator}".lower()

"""Signed links to a ticket: what a person without an account holds instead of a sign-in.

A link names ticket, person and the version of that person's keys, and works for some days. Opened once, it is kept in
the
browser's signed session and leaves the address bar. Removing the person, or raising their key version, ends all of
theirs.
"""

import time
from typing import Any

from flask import current_app, has_request_context, session

from accounts.models import User
from core import signing
from core.web import external, person
from helpdesk.models import Participant, Ticket

PURPOSE = "ticket-link"
MOST_GRANTS = 20


def link(ticket: Ticket, user: User, *, key_version: int) -> str:
    """The address of a ticket for one participant, for a mail."""
    key = signing.sign(PURPOSE, [ticket.id, user.id, key_version])
    return external("helpdesk.show", number=ticket.number, key=key)


def accept(ticket: Ticket, key: str) -> Participant | None:
    """The participant that a key was made for; None if it is forged, old, for another ticket or has been ended."""
    value = signing.unsign(PURPOSE, key, _seconds())
    if not isinstance(value, list) or len(value) != 3 or value[0] != ticket.id:
        return None
    return _live(ticket, value[1], value[2])


def remember(part: Participant) -> None:
    """Keep an accepted link in the browser's session."""
    kept: dict[str, Any] = dict(session.get("ticket_grants", {}))
    kept[str(part.ticket_id)] = [part.user_id, part.key_version, int(time.time()) + _seconds()]
    session["ticket_grants"] = dict(list(kept.items())[-MOST_GRANTS:])


def holder(ticket: Ticket) -> int | None:
    """The id of the person whose link to this ticket was opened in this browser, as long as it still works."""
    if not has_request_context():
        return None
    kept = session.get("ticket_grants", {}).get(str(ticket.id))
    if not kept or kept[2] < time.time():
        return None
    part = _live(ticket, kept[0], kept[1])
    return part.user_id if part is not None else None


def actor(ticket: Ticket) -> User | None:
    """Who acts on a ticket in this request: the signed-in person, else the holder of a link."""
    who: User | None = person()
    if who is not None:
        return who
    by_link = holder(ticket)
    return next((part.user for part in ticket.participants if part.user_id == by_link), None)


def _live(ticket: Ticket, user_id: int, key_version: int) -> Participant | None:
    for part in ticket.participants:
        if part.user_id == user_id and part.key_version == key_version and not part.user.is_disabled:
            return part
    return None


def _seconds() -> int:
    return int(current_app.extensions["settings"].security.ticket_link_days) * 86400

"""Signed links to a connection: with one, each side can answer without signing in."""

import time
from typing import Any

from flask import has_request_context, session

from accounts.models import User
from core import signing
from core.web import external, person
from peers.models import Connection

PURPOSE = "connection-link"
SECONDS = 30 * 86400
MOST_GRANTS = 20


def link(connection: Connection, user: User) -> str:
    """The address of a connection for one of its two sides, for a mail. It ends with that person's next password."""
    return external(
        "connections.show", number=connection.id, key=signing.sign(PURPOSE, [connection.id, user.id, user.epoch])
    )


def accept(connection: Connection, key: str) -> User | None:
    """The side that a key was made for; None if it is forged, old, ended or for another connection."""
    value = signing.unsign(PURPOSE, key, SECONDS)
    if not isinstance(value, list) or len(value) != 3 or value[0] != connection.id:
        return None
    return _live(connection, value[1], value[2])


def remember(connection: Connection, user: User) -> None:
    """Keep an accepted link in the browser's session."""
    kept: dict[str, Any] = dict(session.get("connection_grants", {}))
    kept[str(connection.id)] = [user.id, user.epoch, int(time.time()) + SECONDS]
    session["connection_grants"] = dict(list(kept.items())[-MOST_GRANTS:])


def holder(connection: Connection) -> User | None:
    """The side whose link was opened in this browser, as long as it still works."""
    if not has_request_context():
        return None
    kept = session.get("connection_grants", {}).get(str(connection.id))
    if not kept or kept[2] < time.time():
        return None
    return _live(connection, kept[0], kept[1])


def actor(connection: Connection) -> User | None:
    """Who acts on a connection in this request: the signed-in person, else the holder of a link."""
    who: User | None = person()
    return who if who is not None else holder(connection)


def _live(connection: Connection, user_id: int, epoch: int) -> User | None:
    for user in (connection.seeker, connection.helper):
        if user.id == user_id and user.epoch == epoch and not user.is_disabled:
            return user
    return None

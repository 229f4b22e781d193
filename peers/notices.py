"""What people are told about connections, by mail. Names and addresses are shared only in the introduction."""

from flask import Flask

from accounts.models import User
from core import mail
from core.db import db
from core.events import Event, on
from core.mail import Recipient
from peers import grants
from peers.models import Connection
from peers.states import INTRODUCED, PROPOSED


def register(app: Flask) -> None:
    """Importing this module is what subscribes it."""


def recipient(user: User) -> Recipient:
    """A person as the recipient of a mail."""
    return Recipient(user.email, user.shown_name, user.language or "en")


@on("connection.proposed")
def ask_both(event: Event) -> None:
    """Ask whoever has not accepted yet, the helper first of all, with a link that needs no sign-in.

    The mail knows of the other side no more than the country.
    """
    connection = db.session.get(Connection, event.subject_id)
    if connection is None or connection.state != PROPOSED:
        return
    sides = ((connection.helper, connection.seeker, connection.helper_accepted_at),
             (connection.seeker, connection.helper, connection.seeker_accepted_at))  # fmt: skip
    for user, other, accepted in sides:
        if accepted is None:
            mail.queue(
                "connection_proposed", recipient(user), f"event-{event.id}", about=connection, is_automatic=True,
                country=other.country, connection=connection, link=grants.link(connection, user),
                helps=user is connection.helper,
            )  # fmt: skip


@on("connection.introduced")
def introduce(event: Event) -> None:
    """Introduce the two to each other: names, places and addresses, which neither had before."""
    connection = db.session.get(Connection, event.subject_id)
    if connection is None or connection.state != INTRODUCED:
        return
    for user, other in ((connection.helper, connection.seeker), (connection.seeker, connection.helper)):
        mail.queue(
            "connection_introduced", recipient(user), f"event-{event.id}", about=connection, reply_to=other.email,
            other=other, connection=connection, link=grants.link(connection, user),
        )  # fmt: skip


@on("connection.declined", "connection.expired")
def tell_the_proposer(event: Event) -> None:
    """Tell whoever proposed it that it will not happen, not who said no, nor whether anybody did."""
    connection = db.session.get(Connection, event.subject_id)
    if connection is None or event.actor_id == connection.proposed_by_id:
        return
    mail.queue(
        "connection_declined", recipient(connection.proposed_by), f"event-{event.id}", about=connection,
        is_automatic=True, connection=connection,
    )  # fmt: skip


@on("connection.closed")
def thank_both(event: Event) -> None:
    """Thank the side that did not close it (both, if staff did), with the outcome that was noted."""
    connection = db.session.get(Connection, event.subject_id)
    if connection is None:
        return
    for user in (connection.helper, connection.seeker):
        if user.id != event.actor_id:
            mail.queue(
                "connection_closed", recipient(user), f"event-{event.id}", about=connection, is_automatic=True,
                connection=connection, link=grants.link(connection, user),
            )  # fmt: skip

"""Tickets for tests of the desk, made by the ordinary verbs."""

from sqlalchemy import select

from core.db import db
from core.events import Event
from helpdesk import tickets
from helpdesk.models import Message, Ticket
from helpdesk.tickets import Words
from tests.conftest import member

QUESTION = "Should the health ministry reuse our prefix?"


def ask(app, by="paula", title="Prefix for a second system", body=QUESTION, **more) -> int:
    """A question; its number."""
    with app.app_context():
        number = tickets.ask(by=member(by), title=title, words=Words(body=body), **more).number
        db.session.commit()
        db.session.remove()
    return number


def act(app, number, verb, *args, by="bruno", **more):
    """Let somebody do something with a ticket, in a transaction of its own."""
    with app.app_context():
        ticket = db.session.get(Ticket, number)
        result = getattr(tickets, verb)(ticket, *args, by=member(by), **more)
        found = getattr(result, "id", None)
        db.session.commit()
        db.session.remove()
    return found


def words(text, **more) -> Words:
    return Words(body=text, **more)


def ticket_of(app, number) -> dict:
    """The columns of a ticket as they are now, with its tags."""
    with app.app_context():
        row = db.session.get(Ticket, number)
        found = {column.key: getattr(row, column.key) for column in Ticket.__table__.columns} | {"tags": row.tags}
        db.session.remove()
    return found


def messages_of(app, number) -> list[dict]:
    """Who wrote what in a ticket, with recipients, oldest first."""
    with app.app_context():
        rows = db.session.scalars(select(Message).where(Message.ticket_id == number).order_by(Message.id)).all()
        found = [
            {
                "id": row.id, "body": row.body, "kind": row.kind, "by": row.author.email,
                "to": [each.user.email for each in row.recipients if each.kind == "to"],
                "cc": [each.user.email for each in row.recipients if each.kind == "cc"],
                "files": [file.filename for file in row.attachments],
            }
            for row in rows
        ]  # fmt: skip
        db.session.remove()
    return found


def events_of(app, number) -> list[str]:
    """What happened to a ticket, by name."""
    with app.app_context():
        names = db.session.scalars(
            select(Event.name).where(Event.subject_kind == "ticket", Event.subject_id == number).order_by(Event.id)
        ).all()
        db.session.remove()
    return list(names)


def seen_in(page) -> str:
    """The mark of what a ticket's page showed."""
    return page.text.partition('name="seen" value="')[2].partition('"')[0]

"""Mail for tests: written by hand, delivered through the ordinary door."""

import email
import socket
from dataclasses import replace
from email.message import EmailMessage
from email.policy import default
from email.utils import make_msgid

import pytest
from aiosmtpd.controller import Controller
from sqlalchemy import select

from core import jobs
from core.db import db
from helpdesk import inbound
from helpdesk.intake_models import InboundMail
from helpdesk.models import Message, Ticket


def compose(
    sender="Paula Ortiz <paula@compras.example>",
    subject="Prefix for a second system",
    text="How do we get a prefix?",
    to="helpdesk@helpdesk.example",
    **headers,
) -> bytes:
    message = EmailMessage()
    message["From"] = sender
    message["To"] = to
    message["Subject"] = subject
    message["Date"] = "Mon, 02 Nov 2026 10:00:00 +0000"
    if "Message_ID" not in headers:
        message["Message-ID"] = make_msgid(domain="mail.example")
    for name, value in headers.items():
        message[name.replace("_", "-")] = value
    message.set_content(text)
    return bytes(message)


@pytest.fixture
def deliver(context):
    """Stores a mail, lets the worker do everything that follows, and gives back the row of the mail log."""

    def run(raw: bytes) -> InboundMail:
        number = inbound.store(raw, source="pipe").id
        db.session.commit()
        jobs.run_until_idle()
        return fated(number)

    return run


def fated(number: int) -> InboundMail:
    """A row of the mail log as it is now; it stays readable when the worker ends its session."""
    db.session.rollback()
    row = db.session.execute(select(InboundMail).where(InboundMail.id == number)).scalar_one()
    assert row.raw is not None
    db.session.expunge(row)
    return row


def the(number: int) -> Ticket:
    """A ticket, in the present session."""
    return db.session.execute(select(Ticket).where(Ticket.id == number)).scalar_one()


def thread(number: int) -> list[Message]:
    """All messages of a ticket."""
    return list(db.session.scalars(select(Message).where(Message.ticket_id == number).order_by(Message.id)))


class Inbox:
    """Takes every mail, as (envelope, message)."""

    def __init__(self):
        self.received = []

    async def handle_DATA(self, server, session, envelope):  # The server calls it so.
        self.received.append((envelope, email.message_from_bytes(envelope.content, policy=default)))
        return "250 OK"

    def to(self, address: str) -> list[EmailMessage]:
        """The mails that were sent to an address, oldest first."""
        return [message for envelope, message in self.received if envelope.rcpt_tos == [address]]


@pytest.fixture
def smtp(context):
    """A real SMTP server, which the application sends to."""
    inbox = Inbox()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    controller = Controller(inbox, hostname="127.0.0.1", port=port)
    controller.start()
    settings = context.extensions["settings"]
    context.extensions["settings"] = replace(
        settings, mail=replace(settings.mail, host="127.0.0.1", port=port, tls="none")
    )
    yield inbox
    controller.stop()

"""The mail log of the demo data: the mails that its tickets came by, and some that became none."""

import email.utils
import hashlib
from datetime import datetime, timedelta
from email.message import EmailMessage
from typing import Any

from flask import current_app
from sqlalchemy import select

from core.db import db
from helpdesk import inbound, intake
from helpdesk.intake_models import InboundMail, RawMail
from helpdesk.models import PUBLIC, Message, Ticket


def load(others: list[dict[str, Any]], moment: datetime) -> dict[int, datetime]:
    """Write the log of the mails that tickets came by, and hand in those that become no ticket.

    :param others: these, as mails.yaml has them. Their numbers are given, with when they came; they have no fate yet.
    """
    messages = db.session.scalars(
        select(Message).where(Message.channel == "mail", Message.kind == PUBLIC, Message.by_staff.is_(False))
    )  # fmt: skip
    arrivals: list[tuple[datetime, Message | dict[str, Any]]] = [(each.created_at, each) for each in messages]
    arrivals += [(moment - timedelta(hours=item["hours_ago"]), item) for item in others]
    handed_in = {}
    for at, what in sorted(arrivals, key=lambda arrival: arrival[0]):
        if isinstance(what, Message):
            _log(what)
        else:
            row = inbound.store(bytes(_written(what, at)), source="pipe")
            db.session.flush()
            handed_in[row.id] = at
    db.session.flush()
    return handed_in


def _log(message: Message) -> None:
    ticket = db.session.get_one(Ticket, message.ticket_id)
    is_first = message.id == min(each.id for each in ticket.messages)
    author = message.author
    mail = _written(
        {"from": email.utils.formataddr((author.shown_name, author.email)), "text": message.body,
         "subject": ticket.title if is_first else f"Re: {ticket.title}",
         "id": f"demo-{message.id}@{author.email.rpartition('@')[2]}"}, message.created_at,
    )  # fmt: skip
    raw = bytes(mail)
    sha256 = hashlib.sha256(raw).hexdigest()
    message.mail_message_id = str(mail["Message-ID"]).strip("<>")
    db.session.add(RawMail(sha256=sha256, content=raw))
    db.session.flush()
    db.session.add(InboundMail(
        sha256=sha256, size=len(raw), source="pipe", received_at=message.created_at,
        fated_at=message.created_at + timedelta(seconds=2), fate="ticket" if is_first else "reply",
        message_id=message.mail_message_id, content_sha256=sha256, sender=author.email,
        sender_name=author.shown_name, subject=str(mail["Subject"]), ticket_id=ticket.id,
        ticket_message_id=message.id,
    ))  # fmt: skip
    db.session.flush()


def read(number: int, at: datetime) -> None:
    """Give a mail that was handed in, and committed, its fate."""
    intake.read(number)
    row = db.session.get_one(InboundMail, number)
    row.received_at, row.fated_at = at, at + timedelta(seconds=2)


def _written(item: dict[str, Any], at: datetime) -> EmailMessage:
    mail = EmailMessage()
    if item["from"]:
        mail["From"] = item["from"]
    mail["To"] = current_app.extensions["settings"].mail.sender
    mail["Subject"] = item["subject"]
    mail["Date"] = email.utils.format_datetime(at)
    mail["Message-ID"] = f"<{item['id']}>"
    for name, value in (item.get("headers") or {}).items():
        mail[name] = value
    mail.set_content(item["text"])
    return mail

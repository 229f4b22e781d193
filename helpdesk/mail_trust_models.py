"""What is remembered about mails and their senders beside the mails themselves."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from accounts.models import User
from core.db import Model, now
from helpdesk.models import Ticket


class AwaitedMail(Model):
    """A Message-ID to which a mail in a ticket refers and that never came: when it comes, it belongs there too."""

    __tablename__ = "awaited_mail"
    __table_args__ = (Index("ix_awaited_mail_message_id", "message_id"), Index("ix_awaited_mail_ticket", "ticket_id"))

    message_id: Mapped[str] = mapped_column(String(255))
    ticket_id: Mapped[int] = mapped_column(ForeignKey("ticket.id", ondelete="CASCADE"))


class ProposedParticipant(Model):
    """Somebody whom a mail brought along, in Cc or by answering for another: staff decide whether they take part."""

    __tablename__ = "proposed_participant"
    __table_args__ = (UniqueConstraint("ticket_id", "email"),)

    ticket_id: Mapped[int] = mapped_column(ForeignKey("ticket.id", ondelete="CASCADE"))
    email: Mapped[str] = mapped_column(String(254))
    name: Mapped[str] = mapped_column(String(200), default="")
    # open, accepted or dismissed
    state: Mapped[str] = mapped_column(String(10), default="open")
    # cc, or sender where they wrote themselves
    way: Mapped[str] = mapped_column(String(6), default="cc")
    proposed_at: Mapped[datetime] = mapped_column(default=now)

    ticket: Mapped[Ticket] = relationship(lazy="select")


class SpamSender(Model):
    """An address whose mail staff marked as spam."""

    __tablename__ = "spam_sender"

    email: Mapped[str] = mapped_column(String(254), unique=True)
    by_id: Mapped[int] = mapped_column(ForeignKey("user.id"))
    at: Mapped[datetime] = mapped_column(default=now)

    by: Mapped[User] = relationship(lazy="select")

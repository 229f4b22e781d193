"""Replies that have not left yet, and the wording of mails that admins changed."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from accounts.models import User
from core.db import Id, Model, now
from helpdesk.models import Ticket


class PlannedReply(Model):
    """A reply that waits: for a few seconds, to be undone, or until the moment that its writer chose.

    Until it leaves nobody but staff sees it, and the ticket is as it was.
    """

    __tablename__ = "planned_reply"
    __table_args__ = (Index("ix_planned_reply_ticket", "ticket_id", "id"),)

    ticket_id: Mapped[int] = mapped_column(ForeignKey("ticket.id", ondelete="CASCADE"))
    by_id: Mapped[int] = mapped_column(ForeignKey("user.id"))
    body: Mapped[str] = mapped_column(Text)
    # The move that follows instead of waiting: "solve", "open" or "".
    then: Mapped[str] = mapped_column(String(10), default="")
    # Ids of people; None in To where nothing was chosen: everyone who takes part.
    to_ids: Mapped[list[Any] | None]
    cc_ids: Mapped[list[Any]] = mapped_column(default=list)
    # [{"file": id, "name": file name}]
    files: Mapped[list[Any]] = mapped_column(default=list)
    # What it points to, as the reply box names it.
    cites: Mapped[list[Any]] = mapped_column(default=list)
    # Whether its writer chose the moment; such a reply is held when the other side writes first.
    is_later: Mapped[bool] = mapped_column(default=False)
    # The last message of the ticket when it was written.
    last_seen: Mapped[int] = mapped_column(Id, default=0)
    leaves_at: Mapped[datetime]
    # Why it did not leave at its time: "answered", "refused", "writer", or "".
    held: Mapped[str] = mapped_column(Text, default="")
    created_at: Mapped[datetime] = mapped_column(default=now)
    version: Mapped[int] = mapped_column(default=1)

    ticket: Mapped[Ticket] = relationship(lazy="select")
    by: Mapped[User] = relationship(lazy="joined")

    __mapper_args__ = {"version_id_col": version}


class MailText(Model):
    """The wording of one mail in one language, where an admin changed it."""

    __tablename__ = "mail_text"
    __table_args__ = (UniqueConstraint("name", "language"),)

    name: Mapped[str] = mapped_column(String(40))
    language: Mapped[str] = mapped_column(String(8))
    subject: Mapped[str] = mapped_column(Text, default="")
    body: Mapped[str] = mapped_column(Text, default="")
    changed_at: Mapped[datetime] = mapped_column(default=now)
    changed_by_id: Mapped[int | None] = mapped_column(ForeignKey("user.id"))
    version: Mapped[int] = mapped_column(default=1)

    __mapper_args__ = {"version_id_col": version}

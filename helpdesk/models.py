"""Tickets, their threads and who takes part; which article answered what."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, Index, Select, String, Text, UniqueConstraint, select, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from accounts.models import Organisation, User
from core.db import Model, now
from core.files import StoredFile
from helpdesk.states import NEW
from kb import topics
from kb.models import Answer

PUBLIC, INTERNAL = "public", "internal"

# Only of messages that came by mail: with all the others under "", SQLite would rather read the whole table.
_BY_MAIL_ID = Index(
    "ix_message_mail", "mail_message_id", sqlite_where=text("mail_message_id <> ''"),
    postgresql_where=text("mail_message_id <> ''"),
)  # fmt: skip


class Ticket(Model):
    """One question and all that was said about it. Its number is its id: a label, not a key to anything."""

    __tablename__ = "ticket"
    __table_args__ = (
        Index("ix_ticket_state_activity", "state", "last_activity_at", "id"),
        Index("ix_ticket_assignee", "assignee_id", "state", "last_activity_at", "id"),
        Index("ix_ticket_assignee_turn", "assignee_id", "state", "turn_since", "id"),
        Index("ix_ticket_activity", "last_activity_at", "id"),
        Index("ix_ticket_turn", "state", "turn_since", "id"),
        Index("ix_ticket_priority", "state", "priority", "turn_since", "id"),
        Index("ix_ticket_newest", "state", "id"),
        Index("ix_ticket_requester", "requester_id", "id"),
        Index("ix_ticket_organisation", "organisation_id", "id"),
        Index("ix_ticket_topic", "topic", "state", "last_activity_at", "id"),
        Index("ix_ticket_country", "country", "state", "last_activity_at", "id"),
        Index("ix_ticket_team", "team", "state", "last_activity_at", "id"),
        Index("ix_ticket_follows", "follows_id"),
    )

    title: Mapped[str] = mapped_column(Text)
    # The first words of the last public message, for lists.
    excerpt: Mapped[str] = mapped_column(String(200), default="")
    requester_id: Mapped[int] = mapped_column(ForeignKey("user.id"))
    organisation_id: Mapped[int | None] = mapped_column(ForeignKey("organisation.id"))
    country: Mapped[str] = mapped_column(String(2), default="")
    language: Mapped[str] = mapped_column(String(8), default="")
    topic: Mapped[str] = mapped_column(String(60), default="")
    service: Mapped[str] = mapped_column(String(30), default="enquiry")
    # A name from the settings of mailboxes, "" for none.
    team: Mapped[str] = mapped_column(String(60), default="", server_default="")
    state: Mapped[str] = mapped_column(String(10), default=NEW)
    priority: Mapped[str] = mapped_column(String(10), default="normal")
    assignee_id: Mapped[int | None] = mapped_column(ForeignKey("user.id"))
    # web, mail, api or desk
    channel: Mapped[str] = mapped_column(String(10), default="web")
    may_publish: Mapped[bool] = mapped_column(default=False)
    message_count: Mapped[int] = mapped_column(default=0)
    created_at: Mapped[datetime] = mapped_column(default=now)
    last_activity_at: Mapped[datetime] = mapped_column(default=now)
    # Since when it is the turn of the side whose turn it is; notes and second questions do not change it.
    turn_since: Mapped[datetime] = mapped_column(default=now)
    first_reply_at: Mapped[datetime | None]
    solved_at: Mapped[datetime | None]
    # Why somebody should look at it though nobody wrote: "mail-failed", or "".
    attention: Mapped[str] = mapped_column(String(20), default="")
    # The closed ticket that it goes on with.
    follows_id: Mapped[int | None] = mapped_column(ForeignKey("ticket.id"))
    version: Mapped[int] = mapped_column(default=1)

    requester: Mapped[User] = relationship(foreign_keys=[requester_id], lazy="select")
    assignee: Mapped[User | None] = relationship(foreign_keys=[assignee_id], lazy="select")
    organisation: Mapped[Organisation | None] = relationship(lazy="select")
    messages: Mapped[list[Message]] = relationship(back_populates="ticket", order_by="Message.id", lazy="select")
    participants: Mapped[list[Participant]] = relationship(
        back_populates="ticket", order_by="Participant.id", lazy="select"
    )
    tag_rows: Mapped[list[TicketTag]] = relationship(
        lazy="select", order_by="TicketTag.tag", cascade="all, delete-orphan"
    )

    __mapper_args__ = {"version_id_col": version}

    @property
    def number(self) -> int:
        """How people call it."""
        return self.id

    @property
    def tags(self) -> list[str]:
        """Its tags, in order."""
        return [row.tag for row in self.tag_rows]

    @property
    def topic_name(self) -> str:
        """The topic in the reader's language; "" if none was chosen."""
        return topics.topic_name(self.topic) if self.topic else ""

    @classmethod
    def visible_to(cls, user: User | None) -> Select[tuple[Ticket]]:  # type: ignore[override]
        """Staff see all; others see those in which they take part; strangers see none."""
        if user is None:
            return select(cls).where(False)  # type: ignore[arg-type]
        if user.is_staff:
            return select(cls)
        return select(cls).where(cls.id.in_(select(Participant.ticket_id).where(Participant.user_id == user.id)))


class Participant(Model):
    """Somebody outside the desk who takes part in a ticket and receives its replies."""

    __tablename__ = "participant"
    __table_args__ = (UniqueConstraint("ticket_id", "user_id"), Index("ix_participant_user", "user_id", "ticket_id"))

    ticket_id: Mapped[int] = mapped_column(ForeignKey("ticket.id", ondelete="CASCADE"))
    user_id: Mapped[int] = mapped_column(ForeignKey("user.id"))
    # requester or cc
    kind: Mapped[str] = mapped_column(String(10), default="requester")
    # Rises when links and reply addresses given to this person must stop working.
    key_version: Mapped[int] = mapped_column(default=1)
    added_by_id: Mapped[int | None] = mapped_column(ForeignKey("user.id"))
    added_at: Mapped[datetime] = mapped_column(default=now)

    ticket: Mapped[Ticket] = relationship(back_populates="participants")
    user: Mapped[User] = relationship(foreign_keys=[user_id], lazy="joined")


class Message(Model):
    """One public reply or internal note. What a person wrote is kept whole; HTML is made once, when it is written."""

    __tablename__ = "message"
    __table_args__ = (Index("ix_message_ticket", "ticket_id", "id"), _BY_MAIL_ID)

    ticket_id: Mapped[int] = mapped_column(ForeignKey("ticket.id", ondelete="CASCADE"))
    author_id: Mapped[int] = mapped_column(ForeignKey("user.id"))
    kind: Mapped[str] = mapped_column(String(10), default=PUBLIC)
    # Markdown from pages and the API, plain text from mail.
    is_markdown: Mapped[bool] = mapped_column(default=True)
    # The new words alone, without quotation and signature; what the thread shows.
    body: Mapped[str] = mapped_column(Text, default="")
    body_html: Mapped[str] = mapped_column(Text, default="")
    # The whole text as it came, where it says more than ``body``; "" otherwise.
    full_text: Mapped[str] = mapped_column(Text, default="", deferred=True)
    has_more: Mapped[bool] = mapped_column(default=False)
    # Whether it came from the desk, as it was at the time.
    by_staff: Mapped[bool] = mapped_column(default=False)
    channel: Mapped[str] = mapped_column(String(10), default="web")
    # Message-ID of the mail that it came by, "" otherwise.
    mail_message_id: Mapped[str] = mapped_column(String(255), default="")
    # False for a mail whose sender was not shown to be who they say.
    is_verified: Mapped[bool] = mapped_column(default=True)
    # What our mail server says of its sender, as `InboundMail.proof`.
    proof: Mapped[str] = mapped_column(String(16), default="")
    # Why a mail is kept the way it is, for staff, where that needs a word.
    remark: Mapped[str] = mapped_column(Text, default="")
    language: Mapped[str] = mapped_column(String(8), default="")
    created_at: Mapped[datetime] = mapped_column(default=now)

    ticket: Mapped[Ticket] = relationship(back_populates="messages")
    author: Mapped[User] = relationship(lazy="select")
    attachments: Mapped[list[Attachment]] = relationship(order_by="Attachment.id", lazy="select")
    recipients: Mapped[list[MessageRecipient]] = relationship(order_by="MessageRecipient.id", lazy="select")

    @property
    def is_internal(self) -> bool:
        """Whether only staff see it."""
        return self.kind == INTERNAL


class MessageRecipient(Model):
    """Who an analyst's reply was meant for, as chosen before it left."""

    __tablename__ = "message_recipient"
    __table_args__ = (UniqueConstraint("message_id", "user_id"),)

    message_id: Mapped[int] = mapped_column(ForeignKey("message.id", ondelete="CASCADE"))
    user_id: Mapped[int] = mapped_column(ForeignKey("user.id"))
    # to or cc
    kind: Mapped[str] = mapped_column(String(2), default="to")

    user: Mapped[User] = relationship(lazy="joined")


class Attachment(Model):
    """A file that came with a message."""

    __tablename__ = "attachment"
    __table_args__ = (Index("ix_attachment_message", "message_id"),)

    message_id: Mapped[int] = mapped_column(ForeignKey("message.id", ondelete="CASCADE"))
    file_id: Mapped[str] = mapped_column(ForeignKey("stored_file.id"), index=True)
    filename: Mapped[str] = mapped_column(String(200))
    is_inline: Mapped[bool] = mapped_column(default=False)
    content_id: Mapped[str] = mapped_column(String(255), default="")

    file: Mapped[StoredFile] = relationship(lazy="joined")
    message: Mapped[Message] = relationship(overlaps="attachments", lazy="select")


class TicketTag(Model):
    """One tag of one ticket."""

    __tablename__ = "ticket_tag"
    __table_args__ = (UniqueConstraint("ticket_id", "tag"), Index("ix_ticket_tag_tag", "tag", "ticket_id"))

    ticket_id: Mapped[int] = mapped_column(ForeignKey("ticket.id", ondelete="CASCADE"))
    tag: Mapped[str] = mapped_column(String(60))


class Citation(Model):
    """A reply that pointed to an article or a past answer."""

    __tablename__ = "citation"
    __table_args__ = (
        UniqueConstraint("message_id", "target_kind", "target_id"),
        Index("ix_citation_target", "target_kind", "target_id"),
        Index("ix_citation_ticket", "ticket_id"),
    )

    ticket_id: Mapped[int] = mapped_column(ForeignKey("ticket.id", ondelete="CASCADE"))
    message_id: Mapped[int] = mapped_column(ForeignKey("message.id", ondelete="CASCADE"))
    # article or answer
    target_kind: Mapped[str] = mapped_column(String(10))
    target_id: Mapped[int]
    by_id: Mapped[int] = mapped_column(ForeignKey("user.id"))
    at: Mapped[datetime] = mapped_column(default=now)


class AnswerSource(Model):
    """Which ticket a past answer was made from. Only staff ever see this link."""

    __tablename__ = "answer_source"
    __table_args__ = (Index("ix_answer_source_ticket", "ticket_id"),)

    answer_id: Mapped[int] = mapped_column(ForeignKey("answer.id", ondelete="CASCADE"), unique=True)
    ticket_id: Mapped[int] = mapped_column(ForeignKey("ticket.id", ondelete="CASCADE"))

    # Why it carries nothing of theirs, in the words of whoever vouched for it; "" where the asker agreed.
    reason: Mapped[str] = mapped_column(Text, default="")

    answer: Mapped[Answer] = relationship(lazy="joined")
    ticket: Mapped[Ticket] = relationship(lazy="select")

"""What is known of each mailbox: how far it was read, who reads it, and the mails in it that could not be had."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import BigInteger, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from core.db import Model, now

# Why a mail of a mailbox needs a person.
FAILED, TOO_LARGE, UNEXPLAINED = "failed", "too-large", "unexplained"


class MailboxState(Model):
    """How far one folder of one mailbox was read. ``place`` says user, server and folder."""

    __tablename__ = "mailbox_state"
    __table_args__ = (UniqueConstraint("mailbox", "place"),)

    mailbox: Mapped[str] = mapped_column(String(100))
    place: Mapped[str] = mapped_column(String(255))
    uidvalidity: Mapped[int] = mapped_column(BigInteger, default=0)
    # Every mail up to this one is stored, gone, or among the troubles.
    last_uid: Mapped[int] = mapped_column(BigInteger, default=0)
    tried_at: Mapped[datetime | None]
    fetched_at: Mapped[datetime | None]
    reconciled_at: Mapped[datetime | None]
    reconciled_words: Mapped[str] = mapped_column(Text, default="")
    # The longest silence that is usual here; 0 where too little is known.
    usual_seconds: Mapped[int] = mapped_column(default=0, server_default="0")
    # Why the last try failed, or why mail in pauses; "" when it went well.
    last_error: Mapped[str] = mapped_column(Text, default="")
    failures: Mapped[int] = mapped_column(default=0)
    lease_until: Mapped[datetime | None]
    lease_token: Mapped[str] = mapped_column(String(32), default="")
    # Which process has it, so that one that was killed is not waited for.
    lease_owner: Mapped[str] = mapped_column(String(200), default="")


class MailTrouble(Model):
    """A mail on a server that could not be fetched, or that nobody can explain; the others went on."""

    __tablename__ = "mail_trouble"
    __table_args__ = (
        UniqueConstraint("mailbox", "place", "uidvalidity", "uid"),
        Index("ix_mail_trouble_next", "mailbox", "next_at"),
    )

    mailbox: Mapped[str] = mapped_column(String(100))
    place: Mapped[str] = mapped_column(String(255))
    uidvalidity: Mapped[int] = mapped_column(BigInteger)
    uid: Mapped[int] = mapped_column(BigInteger)
    kind: Mapped[str] = mapped_column(String(12), default=FAILED)
    reason: Mapped[str] = mapped_column(Text, default="")
    tries: Mapped[int] = mapped_column(default=0)
    since: Mapped[datetime] = mapped_column(default=now)
    # When it is tried again; None for never.
    next_at: Mapped[datetime | None]

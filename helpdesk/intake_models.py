"""Every mail that ever reached us: raw bytes first, then exactly one fate."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import BigInteger, ForeignKey, Index, LargeBinary, Select, String, Text, select, text, true
from sqlalchemy.orm import Mapped, mapped_column, relationship

from accounts.models import User
from core.db import Model, db, now
from core.i18n import lazy
from core.mail import OutgoingMail
from helpdesk.models import Message, Ticket

# "" means that the worker has not come to it yet.
FATES = {
    "": lazy("Waiting"),
    "ticket": lazy("New ticket"),
    "reply": lazy("Reply"),
    "duplicate": lazy("Duplicate"),
    "automatic": lazy("Automatic"),
    "bounce": lazy("Bounce"),
    "spam": lazy("Spam"),
    "quarantine": lazy("Quarantine"),
    "ignored": lazy("Ignored"),
}


class RawMail(db.Model):  # type: ignore[name-defined,misc] # Flask-SQLAlchemy makes its base at run time.
    """The bytes of a mail, once, by their hash."""

    __tablename__ = "raw_mail"

    sha256: Mapped[str] = mapped_column(String(64), primary_key=True)
    content: Mapped[bytes] = mapped_column(LargeBinary)


class InboundMail(Model):
    """One arrival of a mail, and what became of it."""

    __tablename__ = "inbound_mail"
    __table_args__ = (
        Index("ix_inbound_mail_fate", "fate", "id"),
        Index("ix_inbound_mail_message_id", "message_id"),
        Index("ix_inbound_mail_sender", "sender", "id"),
        Index("ix_inbound_mail_sha256", "sha256"),
        Index("ix_inbound_mail_ticket", "ticket_id"),
        Index("uq_inbound_mail_place", "mailbox", "place", "uidvalidity", "uid", unique=True),
        Index(
            "ix_inbound_mail_unsettled",
            "mailbox",
            "id",
            sqlite_where=text("NOT is_settled"),
            postgresql_where=text("NOT is_settled"),
        ),
        Index("ix_inbound_mail_message", "ticket_message_id"),
        Index("ix_inbound_mail_mailbox", "mailbox", "id"),
        Index("ix_inbound_mail_mailbox_fate", "mailbox", "fate", "id"),
        Index("ix_inbound_mail_received", "received_at", "id"),
    )

    sha256: Mapped[str] = mapped_column(ForeignKey("raw_mail.sha256"))
    size: Mapped[int]
    # pipe, api, imap or lmtp
    source: Mapped[str] = mapped_column(String(10))
    mailbox: Mapped[str] = mapped_column(String(100), default="")
    # Where it was fetched from: user, server and folder, UIDVALIDITY and UID (RFC 9051, 2.3.1.1); "" if handed in.
    place: Mapped[str] = mapped_column(String(255), default="", server_default="")
    uidvalidity: Mapped[int | None] = mapped_column(BigInteger)
    uid: Mapped[int | None] = mapped_column(BigInteger)
    # False until the server was told that we have it (marked, moved or deleted there).
    is_settled: Mapped[bool] = mapped_column(default=True, server_default=true())
    received_at: Mapped[datetime] = mapped_column(default=now)
    fate: Mapped[str] = mapped_column(String(12), default="")
    reason: Mapped[str] = mapped_column(Text, default="")
    fated_at: Mapped[datetime | None]
    # Filled when it was parsed.
    message_id: Mapped[str] = mapped_column(String(255), default="")
    # Hash of what was written (people, subject, text, files): two deliveries of one mail share it, not their bytes.
    content_sha256: Mapped[str] = mapped_column(String(64), default="")
    sender: Mapped[str] = mapped_column(String(254), default="")
    sender_name: Mapped[str] = mapped_column(String(200), default="")
    subject: Mapped[str] = mapped_column(Text, default="")
    # Whether its sender is proved: "dmarc", "none", or "" where no server of ours judges mail; then the single words.
    proof: Mapped[str] = mapped_column(String(16), default="")
    spf: Mapped[str] = mapped_column(String(16), default="")
    dkim: Mapped[str] = mapped_column(String(16), default="")
    dmarc: Mapped[str] = mapped_column(String(16), default="")
    duplicate_of_id: Mapped[int | None] = mapped_column(ForeignKey("inbound_mail.id"))
    # The mail of ours that it reports on.
    bounce_of_id: Mapped[int | None] = mapped_column(ForeignKey("outgoing_mail.id", ondelete="SET NULL"))
    ticket_id: Mapped[int | None] = mapped_column(ForeignKey("ticket.id", ondelete="SET NULL"))
    ticket_message_id: Mapped[int | None] = mapped_column(ForeignKey("message.id", ondelete="SET NULL"))

    raw: Mapped[RawMail] = relationship(lazy="select")
    bounce_of: Mapped[OutgoingMail | None] = relationship(lazy="select")
    ticket: Mapped[Ticket | None] = relationship(lazy="select")
    ticket_message: Mapped[Message | None] = relationship(lazy="select")

    @classmethod
    def visible_to(cls, user: User | None) -> Select[tuple[InboundMail]]:  # type: ignore[override]
        """Staff see the mail log; nobody else does."""
        return select(cls) if user is not None and user.is_staff else select(cls).where(False)  # type: ignore[arg-type]

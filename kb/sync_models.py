"""What two-way syncing with a Git repository remembers."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from accounts.models import User
from core.db import Model, now
from kb.models import Article

CHANGED, DELETED = "changed", "deleted"


class SyncRun(Model):
    """The last sync with a repository: the commit that both sides agreed on, and what went wrong."""

    __tablename__ = "kb_sync_run"

    folder: Mapped[str] = mapped_column(String(500), unique=True)
    head: Mapped[str] = mapped_column(String(64), default="")
    at: Mapped[datetime] = mapped_column(default=now)
    pulled: Mapped[int] = mapped_column(default=0)
    written: Mapped[int] = mapped_column(default=0)
    # Sentences, one a line.
    problems: Mapped[str] = mapped_column(Text, default="")


class SyncedFile(Model):
    """A page on which both sides agreed last, by the hash that Git has for it."""

    __tablename__ = "kb_synced_file"

    path: Mapped[str] = mapped_column(String(500), unique=True)
    blob: Mapped[str] = mapped_column(String(64))


class SyncConflict(Model):
    """A page that changed on both sides, or that is gone from the repository: for a person to decide."""

    __tablename__ = "kb_sync_conflict"
    __table_args__ = (UniqueConstraint("path", "their_blob", "our_blob"),)

    kind: Mapped[str] = mapped_column(String(10))
    path: Mapped[str] = mapped_column(String(500))
    article_id: Mapped[int] = mapped_column(ForeignKey("article.id", ondelete="CASCADE"), index=True)
    our_blob: Mapped[str] = mapped_column(String(64))
    their_blob: Mapped[str] = mapped_column(String(64))
    ours: Mapped[str] = mapped_column(Text, default="")
    theirs: Mapped[str] = mapped_column(Text, default="")
    author: Mapped[str] = mapped_column(Text, default="")
    message: Mapped[str] = mapped_column(Text, default="")
    at: Mapped[datetime] = mapped_column(default=now)
    settled_at: Mapped[datetime | None]
    settled_by_id: Mapped[int | None] = mapped_column(ForeignKey("user.id"))

    article: Mapped[Article] = relationship(lazy="joined")
    settled_by: Mapped[User | None] = relationship(lazy="select")

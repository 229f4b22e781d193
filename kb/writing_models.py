"""What lies between a text and its readers: changes that are not published, reviews, drafts, old addresses, views."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from accounts.models import User
from core.db import Model, now
from kb.models import NORMAL, Article


class ArticleChange(Model):
    """What a published article is to say: readers see what it said before until this is published."""

    __tablename__ = "article_change"

    article_id: Mapped[int] = mapped_column(ForeignKey("article.id", ondelete="CASCADE"), unique=True)
    # The revision that it was made from.
    base_number: Mapped[int]
    title: Mapped[str] = mapped_column(Text)
    summary: Mapped[str] = mapped_column(Text, default="")
    body: Mapped[str] = mapped_column(Text, default="")
    topic: Mapped[str] = mapped_column(String(60), default="other")
    tags: Mapped[list[Any]] = mapped_column(default=list)
    visibility: Mapped[str] = mapped_column(String(10))
    reason: Mapped[str] = mapped_column(Text, default="")
    significance: Mapped[str] = mapped_column(String(10), default=NORMAL)
    author_id: Mapped[int | None] = mapped_column(ForeignKey("user.id"))
    updated_at: Mapped[datetime] = mapped_column(default=now)
    version: Mapped[int] = mapped_column(default=1)

    author: Mapped[User | None] = relationship(lazy="joined")

    __mapper_args__ = {"version_id_col": version}


class ArticleReview(Model):
    """That somebody is asked to read an article, or the change of it, before it is published."""

    __tablename__ = "article_review"
    __table_args__ = (
        Index("ix_article_review_article", "article_id", "id"),
        Index("ix_article_review_reviewer", "reviewer_id", "state"),
    )

    article_id: Mapped[int] = mapped_column(ForeignKey("article.id", ondelete="CASCADE"))
    reviewer_id: Mapped[int] = mapped_column(ForeignKey("user.id"))
    author_id: Mapped[int | None] = mapped_column(ForeignKey("user.id"))
    # asked, approved, returned (changes are asked for), dropped
    state: Mapped[str] = mapped_column(String(10))
    note: Mapped[str] = mapped_column(Text, default="")
    at: Mapped[datetime] = mapped_column(default=now)
    decided_at: Mapped[datetime | None]

    reviewer: Mapped[User] = relationship(foreign_keys=[reviewer_id], lazy="joined")
    author: Mapped[User | None] = relationship(foreign_keys=[author_id], lazy="joined")


class ArticleComment(Model):
    """What somebody says of a line of a text that is in review; line 0 is the whole."""

    __tablename__ = "article_comment"
    __table_args__ = (Index("ix_article_comment_article", "article_id", "id"),)

    article_id: Mapped[int] = mapped_column(ForeignKey("article.id", ondelete="CASCADE"))
    author_id: Mapped[int | None] = mapped_column(ForeignKey("user.id"))
    line: Mapped[int] = mapped_column(default=0)
    # The line as it was, by which it is found again when lines have moved.
    quoted: Mapped[str] = mapped_column(Text, default="")
    text: Mapped[str] = mapped_column(Text)
    at: Mapped[datetime] = mapped_column(default=now)
    settled_at: Mapped[datetime | None]

    author: Mapped[User | None] = relationship(lazy="joined")


class ArticleAddress(Model):
    """An address that an article had: it leads to the article for ever."""

    __tablename__ = "article_address"
    __table_args__ = (UniqueConstraint("language", "slug"),)

    language: Mapped[str] = mapped_column(String(8))
    slug: Mapped[str] = mapped_column(String(200))
    article_id: Mapped[int] = mapped_column(ForeignKey("article.id", ondelete="CASCADE"), index=True)
    at: Mapped[datetime] = mapped_column(default=now)

    article: Mapped[Article] = relationship(lazy="joined")


class ArticleTyping(Model):
    """What a person has typed into the editor and not saved; ``place`` is ``new`` or ``article-12``."""

    __tablename__ = "article_typing"
    __table_args__ = (UniqueConstraint("person_id", "place"),)

    person_id: Mapped[int] = mapped_column(ForeignKey("user.id", ondelete="CASCADE"))
    place: Mapped[str] = mapped_column(String(40))
    fields: Mapped[dict[str, Any]] = mapped_column(default=dict)
    at: Mapped[datetime] = mapped_column(default=now, index=True)


class ArticleViews(Model):
    """How often an article was read on a day. Nothing is kept of who read it."""

    __tablename__ = "article_views"
    __table_args__ = (UniqueConstraint("article_id", "day"),)

    article_id: Mapped[int] = mapped_column(ForeignKey("article.id", ondelete="CASCADE"))
    day: Mapped[date]
    count: Mapped[int] = mapped_column(default=0)

"""What lies between articles: collections in their order, what is like what, and translations message by message."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, Select, String, Text, UniqueConstraint, select
from sqlalchemy.orm import Mapped, mapped_column, relationship

from accounts.models import User
from core.db import Model, now
from kb.models import PUBLIC, Article, visibilities_of


class Collection(Model):
    """A named list of articles in an order, with a text; it may stand inside another one, one level deep.

    It names sources; readers are given each article in their language where there is one.
    """

    __tablename__ = "collection"
    __table_args__ = (Index("ix_collection_order", "parent_id", "position", "id"),)

    slug: Mapped[str] = mapped_column(String(200), unique=True)
    language: Mapped[str] = mapped_column(String(8), default="en")
    title: Mapped[str] = mapped_column(Text)
    text: Mapped[str] = mapped_column(Text, default="")
    visibility: Mapped[str] = mapped_column(String(10), default=PUBLIC)
    parent_id: Mapped[int | None] = mapped_column(ForeignKey("collection.id", ondelete="SET NULL"))
    position: Mapped[int] = mapped_column(default=0)
    updated_at: Mapped[datetime] = mapped_column(default=now)
    version: Mapped[int] = mapped_column(default=1)
    # The table of contents or menu of an imported folder that it came from, and what that said when it came last:
    # {"title": "…", "articles": [1, 2]}; "" and {} otherwise.
    source_path: Mapped[str] = mapped_column(String(500), default="", server_default="")
    source_says: Mapped[dict[str, Any]] = mapped_column(default=dict, server_default="{}", deferred=True)

    parent: Mapped[Collection | None] = relationship(remote_side="Collection.id", lazy="select")
    members: Mapped[list[CollectionMember]] = relationship(
        order_by="CollectionMember.position", lazy="select", cascade="all, delete-orphan"
    )

    titles: Mapped[list[CollectionTitle]] = relationship(
        order_by="CollectionTitle.language", lazy="select", cascade="all, delete-orphan"
    )

    __mapper_args__ = {"version_id_col": version}

    def said_in(self, language: str) -> CollectionTitle | Collection:
        """What it is called, in a language if that is known, else in its own."""
        return next((each for each in self.titles if each.language == language), self)

    @classmethod
    def visible_to(cls, user: User | None) -> Select[tuple[Collection]]:  # type: ignore[override]
        """Those of a visibility that the person has."""
        return select(cls).where(cls.visibility.in_(visibilities_of(user)))


class CollectionTitle(Model):
    """What a collection is called in another language."""

    __tablename__ = "collection_title"
    __table_args__ = (UniqueConstraint("collection_id", "language"),)

    collection_id: Mapped[int] = mapped_column(ForeignKey("collection.id", ondelete="CASCADE"))
    language: Mapped[str] = mapped_column(String(8))
    title: Mapped[str] = mapped_column(Text)
    text: Mapped[str] = mapped_column(Text, default="")


class CollectionMember(Model):
    """That an article belongs to a collection, and where in it."""

    __tablename__ = "collection_member"
    __table_args__ = (
        UniqueConstraint("collection_id", "article_id"),
        Index("ix_collection_member_order", "collection_id", "position"),
    )

    collection_id: Mapped[int] = mapped_column(ForeignKey("collection.id", ondelete="CASCADE"))
    article_id: Mapped[int] = mapped_column(ForeignKey("article.id", ondelete="CASCADE"), index=True)
    position: Mapped[int]

    article: Mapped[Article] = relationship(lazy="select")


class RelatedArticle(Model):
    """That an article is worth reading after another one; the worker finds out which, see `kb.related`."""

    __tablename__ = "related_article"
    __table_args__ = (UniqueConstraint("article_id", "related_id"),)

    article_id: Mapped[int] = mapped_column(ForeignKey("article.id", ondelete="CASCADE"))
    related_id: Mapped[int] = mapped_column(ForeignKey("article.id", ondelete="CASCADE"), index=True)
    # 0 is the best.
    position: Mapped[int]


class TranslationMessage(Model):
    """What a translators' tool sent back for one block of the source: also what is not ready to be read yet."""

    __tablename__ = "translation_message"
    __table_args__ = (UniqueConstraint("article_id", "digest"),)

    # The translation.
    article_id: Mapped[int] = mapped_column(ForeignKey("article.id", ondelete="CASCADE"))
    # Of context and text of the source; both can be long.
    digest: Mapped[str] = mapped_column(String(64))
    text: Mapped[str] = mapped_column(Text)
    # Why it is not ready: the translator's tool says so ("fuzzy"), or something of the source is missing from it.
    problem: Mapped[str] = mapped_column(Text, default="")

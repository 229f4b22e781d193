"""Articles with their revisions and files, published past answers, and what became of suggestions."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, Select, String, Text, UniqueConstraint, false, select, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from accounts.models import User
from core.db import Model, now
from core.files import StoredFile
from kb import topics

PUBLIC, CHAMPIONS, STAFF = "public", "champions", "staff"
VISIBILITIES = (PUBLIC, CHAMPIONS, STAFF)
DRAFT, PUBLISHED, WITHDRAWN = "draft", "published", "withdrawn"
# Of articles alone: what it says is to be looked through, and readers see it as before; readers are led elsewhere.
NEEDS_UPDATE, RETIRED = "needs_update", "retired"
# What those may read who may read the text at all.
READABLE = (PUBLISHED, NEEDS_UPDATE)
MINOR, NORMAL, MAJOR = "minor", "normal", "major"
SIGNIFICANCES = (MINOR, NORMAL, MAJOR)
# Raised when the renderer makes something else of the same text.
RENDERER = 2
# The place in its topic of an article that nobody put in order: behind those that somebody did.
UNPLACED = 10_000
# A second person reads it; of past answers alone: it may be published; another one stands in its place.
IN_REVIEW, APPROVED, MERGED = "in_review", "approved", "merged"


def visibilities_of(user: User | None) -> tuple[str, ...]:
    """What a person may read, as codes of visibility."""
    if user is not None and user.is_staff:
        return VISIBILITIES
    if user is not None and user.is_champion:
        return (PUBLIC, CHAMPIONS)
    return (PUBLIC,)


class Article(Model):
    """One article in one language: the source, or a translation of the one that ``source_id`` names."""

    __tablename__ = "article"
    __table_args__ = (
        UniqueConstraint("language", "slug"),
        Index("ix_article_browse", "state", "visibility", "language", "topic", "position", "title"),
        # Most have none: with those in it, databases would rather read the whole table.
        Index(
            "ix_article_source_id",
            "source_id",
            sqlite_where=text("source_id IS NOT NULL"),
            postgresql_where=text("source_id IS NOT NULL"),
        ),
        Index("ix_article_feed", "state", "visibility", "published_at", "id"),
    )

    language: Mapped[str] = mapped_column(String(8), default="en")
    slug: Mapped[str] = mapped_column(String(200))
    title: Mapped[str] = mapped_column(Text)
    summary: Mapped[str] = mapped_column(Text, default="")
    body: Mapped[str] = mapped_column(Text, default="", deferred=True)
    # Rendered when written, never per view.
    body_html: Mapped[str] = mapped_column(Text, default="", deferred=True)
    body_text: Mapped[str] = mapped_column(Text, default="", deferred=True)
    # [{"level": 2, "id": "h-…", "title": "…"}]
    contents: Mapped[list[Any]] = mapped_column(default=list, deferred=True)
    topic: Mapped[str] = mapped_column(String(60), default="other")
    tags: Mapped[list[Any]] = mapped_column(default=list)
    visibility: Mapped[str] = mapped_column(String(10), default=PUBLIC)
    state: Mapped[str] = mapped_column(String(20), default=DRAFT)
    # Who sees to it that it stays true, and the day by which somebody looks through it again.
    owner_id: Mapped[int | None] = mapped_column(ForeignKey("user.id"), index=True)
    review_by: Mapped[date | None]
    reminded_at: Mapped[datetime | None]
    # Of a retired one: where its readers are led.
    replaced_by_id: Mapped[int | None] = mapped_column(ForeignKey("article.id", ondelete="SET NULL"))
    # The renderer that laid it out; what an older one laid out is laid out again.
    renderer: Mapped[int] = mapped_column(default=RENDERER, server_default="0")
    # Where the file came from in an imported folder, and any front matter that is not ours; "" and {} otherwise.
    source_path: Mapped[str] = mapped_column(String(500), default="")
    # The article that this one is a translation of (never one that is a translation itself), and the version of it.
    source_id: Mapped[int | None] = mapped_column(ForeignKey("article.id", ondelete="SET NULL"))
    source_revision_number: Mapped[int] = mapped_column(default=0, server_default="0")
    position: Mapped[int] = mapped_column(default=UNPLACED, server_default=str(UNPLACED))
    front_matter: Mapped[dict[str, Any]] = mapped_column(default=dict, deferred=True)
    # What each relative link of the body leads to: {"guidance/map.md": "/kb/en/guidance-map"}; "" leads nowhere.
    links: Mapped[dict[str, Any]] = mapped_column(default=dict, deferred=True)
    helpful_count: Mapped[int] = mapped_column(default=0)
    unhelpful_count: Mapped[int] = mapped_column(default=0)
    revision_number: Mapped[int] = mapped_column(default=0)
    created_at: Mapped[datetime] = mapped_column(default=now)
    updated_at: Mapped[datetime] = mapped_column(default=now)
    published_at: Mapped[datetime | None]
    version: Mapped[int] = mapped_column(default=1)

    revisions: Mapped[list[Revision]] = relationship(
        back_populates="article", order_by="Revision.number.desc()", lazy="select", cascade="all, delete-orphan"
    )

    __mapper_args__ = {"version_id_col": version}

    # Set when the text was too complicated to be laid out and stands as it was written.
    is_plain: bool = False

    @property
    def topic_name(self) -> str:
        """The topic in the reader's language."""
        return topics.topic_name(self.topic)

    @classmethod
    def visible_to(cls, user: User | None) -> Select[tuple[Article]]:  # type: ignore[override]
        """Published ones of a visibility that the person has; staff see drafts too."""
        statement = select(cls).where(cls.visibility.in_(visibilities_of(user)))
        return statement if user is not None and user.is_staff else statement.where(cls.state.in_(READABLE))


class Revision(Model):
    """What an article said at one time: who changed it, when and why."""

    __tablename__ = "article_revision"
    __table_args__ = (UniqueConstraint("article_id", "number"),)

    article_id: Mapped[int] = mapped_column(ForeignKey("article.id", ondelete="CASCADE"))
    number: Mapped[int]
    title: Mapped[str] = mapped_column(Text)
    summary: Mapped[str] = mapped_column(Text, default="")
    body: Mapped[str] = mapped_column(Text, default="", deferred=True)
    reason: Mapped[str] = mapped_column(Text, default="")
    author_id: Mapped[int | None] = mapped_column(ForeignKey("user.id"))
    # How much the change means to those who read it or translate it: minor, normal, major.
    significance: Mapped[str] = mapped_column(String(10), default=NORMAL, server_default=NORMAL)
    at: Mapped[datetime] = mapped_column(default=now)

    article: Mapped[Article] = relationship(back_populates="revisions")
    author: Mapped[User | None] = relationship(lazy="joined")


class ArticleFile(Model):
    """A picture or file of the knowledge base. ``path`` is its place in an imported folder, "" if it was uploaded."""

    __tablename__ = "article_file"
    __table_args__ = (Index("ix_article_file_path", "path"),)

    file_id: Mapped[str] = mapped_column(ForeignKey("stored_file.id"), unique=True)
    path: Mapped[str] = mapped_column(String(500), default="")
    # As open as the most open published article that shows it; staff's alone while none does.
    visibility: Mapped[str] = mapped_column(String(10), default=STAFF)

    file: Mapped[StoredFile] = relationship(lazy="joined")


class ArticleFileUse(Model):
    """That the text of an article shows a file or links to it."""

    __tablename__ = "article_file_use"
    __table_args__ = (UniqueConstraint("article_id", "article_file_id"),)

    article_id: Mapped[int] = mapped_column(ForeignKey("article.id", ondelete="CASCADE"))
    article_file_id: Mapped[int] = mapped_column(ForeignKey("article_file.id", ondelete="CASCADE"), index=True)


class IndexEntry(Model):
    """What the search index holds, so that what changed since can be told, whatever was lost or restored.

    ``document`` is a document's id (``article:12``) and ``mark`` the version of its row; one row named ``*`` has the
    version of the whole index.
    """

    __tablename__ = "index_entry"

    document: Mapped[str] = mapped_column(String(40), unique=True)
    mark: Mapped[str] = mapped_column(String(80))


class Feedback(Model):
    """Whether an article or a past answer helped, and what was missing."""

    __tablename__ = "feedback"
    __table_args__ = (Index("ix_feedback_about", "about_kind", "about_id", "id"),)

    about_kind: Mapped[str] = mapped_column(String(10))
    about_id: Mapped[int]
    is_helpful: Mapped[bool]
    comment: Mapped[str] = mapped_column(Text, default="")
    by_id: Mapped[int | None] = mapped_column(ForeignKey("user.id"))
    at: Mapped[datetime] = mapped_column(default=now)
    seen_at: Mapped[datetime | None]


class Answer(Model):
    """A past answer: a solved question, published without what belongs to the asker."""

    __tablename__ = "answer"
    __table_args__ = (
        Index("ix_answer_browse", "state", "visibility", "published_at", "id"),
        Index("ix_answer_topic", "state", "topic", "published_at", "id"),
    )

    slug: Mapped[str] = mapped_column(String(200), unique=True)
    title: Mapped[str] = mapped_column(Text)
    question: Mapped[str] = mapped_column(Text, default="")
    question_html: Mapped[str] = mapped_column(Text, default="")
    answer: Mapped[str] = mapped_column(Text, default="")
    answer_html: Mapped[str] = mapped_column(Text, default="")
    answer_text: Mapped[str] = mapped_column(Text, default="")
    topic: Mapped[str] = mapped_column(String(60), default="other")
    country: Mapped[str] = mapped_column(String(2), default="")
    language: Mapped[str] = mapped_column(String(8), default="en")
    tags: Mapped[list[Any]] = mapped_column(default=list)
    visibility: Mapped[str] = mapped_column(String(10), default=PUBLIC)
    state: Mapped[str] = mapped_column(String(10), default=DRAFT)
    # Why it may be published: "consent" (the asker agreed) or "nothing-personal" (an analyst vouches).
    basis: Mapped[str] = mapped_column(String(20), default="")
    # The name under which the asker wants to be thanked; "" for none.
    credit: Mapped[str] = mapped_column(Text, default="", server_default="")
    # Made from somebody's question, so that it takes a second person and a consent to publish it.
    is_from_ticket: Mapped[bool] = mapped_column(default=False, server_default=false())
    # Of the text that a second person let pass, see `kb.answers.digest`.
    reviewed_digest: Mapped[str] = mapped_column(String(64), default="", server_default="")
    # Who wrote what it says now: the one who cannot be its second reader.
    text_by_id: Mapped[int | None] = mapped_column(ForeignKey("user.id"))
    # The past answer that took its place, and the article that it became or was added to.
    merged_into_id: Mapped[int | None] = mapped_column(ForeignKey("answer.id"), index=True)
    article_id: Mapped[int | None] = mapped_column(ForeignKey("article.id", ondelete="SET NULL"), index=True)
    author_id: Mapped[int | None] = mapped_column(ForeignKey("user.id"))
    helpful_count: Mapped[int] = mapped_column(default=0)
    unhelpful_count: Mapped[int] = mapped_column(default=0)
    created_at: Mapped[datetime] = mapped_column(default=now)
    updated_at: Mapped[datetime] = mapped_column(default=now)
    published_at: Mapped[datetime | None]
    version: Mapped[int] = mapped_column(default=1)

    author: Mapped[User | None] = relationship(foreign_keys=[author_id], lazy="select")
    merged_into: Mapped[Answer | None] = relationship(remote_side="Answer.id", lazy="select")
    article: Mapped[Article | None] = relationship(lazy="select")

    __mapper_args__ = {"version_id_col": version}

    @property
    def topic_name(self) -> str:
        """The topic in the reader's language."""
        return topics.topic_name(self.topic)

    @classmethod
    def visible_to(cls, user: User | None) -> Select[tuple[Answer]]:  # type: ignore[override]
        """Published ones of a visibility that the person has; staff see drafts and withdrawn ones too."""
        statement = select(cls).where(cls.visibility.in_(visibilities_of(user)))
        return statement if user is not None and user.is_staff else statement.where(cls.state.in_(READABLE))


class SuggestionUse(Model):
    """What became of a suggestion: it was opened, cited, or it answered the question."""

    __tablename__ = "suggestion_use"
    __table_args__ = (Index("ix_suggestion_use_target", "target_kind", "target_id", "what"),)

    # opened, cited, answered (the asker said so and did not ask), dismissed
    what: Mapped[str] = mapped_column(String(10))
    # ask (the ask page), desk (a ticket page)
    place: Mapped[str] = mapped_column(String(10))
    target_kind: Mapped[str] = mapped_column(String(10))
    target_id: Mapped[int]
    # Only for staff's own use of suggestions; an asker's words are not kept.
    by_id: Mapped[int | None] = mapped_column(ForeignKey("user.id"))
    at: Mapped[datetime] = mapped_column(default=now)


def published_articles() -> Select[tuple[Article]]:
    """What the index holds of articles."""
    return select(Article).where(Article.state.in_(READABLE))


def published_answers() -> Select[tuple[Answer]]:
    """What the index holds of past answers."""
    return select(Answer).where(Answer.state == PUBLISHED)

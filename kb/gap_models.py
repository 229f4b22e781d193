"""Searches that found nothing or led nowhere, and what staff decided about them."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from accounts.models import User as User  # noqa: PLC0414 # Its table is referred to.
from core.db import Model, now

# How a search ended: nothing was found; something, and none of it was opened; something was opened.
NOTHING, LEFT, OPENED = "nothing", "left", "opened"
OUTCOMES = (NOTHING, LEFT, OPENED)
# What staff decide.
DISMISSED, SETTLED = "dismissed", "settled"


class SearchMade(Model):
    """One search and how it ended, without who made it."""

    __tablename__ = "search_made"
    __table_args__ = (Index("ix_search_made_words", "words", "at"), Index("ix_search_made_at", "at"))

    # Folded and in order of the alphabet, by which searches for the same are one.
    words: Mapped[str] = mapped_column(String(200))
    text: Mapped[str] = mapped_column(String(200))
    language: Mapped[str] = mapped_column(String(8), default="")
    outcome: Mapped[str] = mapped_column(String(10))
    at: Mapped[datetime] = mapped_column(default=now)


class GapDecision(Model):
    """That staff looked at searches of some words: nothing is to be done, or an article answers them now."""

    __tablename__ = "gap_decision"

    words: Mapped[str] = mapped_column(String(200), unique=True)
    what: Mapped[str] = mapped_column(String(10))
    article_id: Mapped[int | None] = mapped_column(ForeignKey("article.id", ondelete="SET NULL"), index=True)
    by_id: Mapped[int] = mapped_column(ForeignKey("user.id"))
    at: Mapped[datetime] = mapped_column(default=now)


class ArticleVector(Model):
    """What a document is about, as a vector of the optional extra for search by meaning: little-endian float16."""

    __tablename__ = "article_vector"

    # `article:12`, and the version of its row, as in `IndexEntry`.
    document: Mapped[str] = mapped_column(String(40), unique=True)
    mark: Mapped[str] = mapped_column(String(80))
    # How many vectors one after the other, for passages of the text.
    passages: Mapped[int]
    vectors: Mapped[bytes]

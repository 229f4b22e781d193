"""What suggestions led to: each showing, what became of it, and how the ranking does on solved tickets."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from core.db import Model, now

# Where suggestions are shown: while a question is typed, beside a ticket.
ASK, DESK = "ask", "desk"
PLACES = (ASK, DESK)
# What becomes of one, each step worth more than the one before.
OPENED, CITED, ANSWERED = "opened", "cited", "answered"


class SuggestionShowing(Model):
    """That suggestions were shown: which and in what order, never to whom nor what was typed."""

    __tablename__ = "suggestion_showing"
    __table_args__ = (
        Index("ix_suggestion_showing_at", "at"),
        Index("ix_suggestion_showing_ticket", "ticket_id", "id"),
    )

    # Known to the page that shows them alone, so that nobody else says what became of them.
    token: Mapped[str] = mapped_column(String(32), unique=True)
    place: Mapped[str] = mapped_column(String(10))
    ticket_id: Mapped[int | None] = mapped_column(ForeignKey("ticket.id", ondelete="CASCADE"))
    language: Mapped[str] = mapped_column(String(8), default="")
    topic: Mapped[str] = mapped_column(String(60), default="")
    # ["article:12", "answer:3", "ticket:4"], best first, similar tickets (only staff see them) last
    targets: Mapped[list[Any]] = mapped_column(default=list)
    at: Mapped[datetime] = mapped_column(default=now)


class SuggestionStep(Model):
    """What became of one suggestion of a showing: it was opened, cited in the reply, or it answered the question."""

    __tablename__ = "suggestion_step"
    __table_args__ = (
        UniqueConstraint("showing_id", "what", "target_kind", "target_id"),
        Index("ix_suggestion_step_target", "target_kind", "target_id", "what"),
    )

    showing_id: Mapped[int] = mapped_column(ForeignKey("suggestion_showing.id", ondelete="CASCADE"))
    what: Mapped[str] = mapped_column(String(10))
    target_kind: Mapped[str] = mapped_column(String(10))
    target_id: Mapped[int]
    # From 1; 0 for what was found otherwise.
    rank: Mapped[int]
    at: Mapped[datetime] = mapped_column(default=now)


class SuggestionTrial(Model):
    """How the ranking did on the solved tickets of one day: for how many stood what was cited among the first."""

    __tablename__ = "suggestion_trial"

    at: Mapped[datetime] = mapped_column(default=now, index=True)
    asked: Mapped[int]
    top1: Mapped[int]
    top3: Mapped[int]
    top10: Mapped[int]
    # {"es": [asked, top1, top3, top10]}
    by_language: Mapped[dict[str, Any]] = mapped_column(default=dict)
    seconds: Mapped[float]

"""Mails about articles: to reviewers and authors, to owners on the day of review, and what readers found missing."""

from datetime import timedelta
from typing import Any

from flask import Flask
from sqlalchemy import select

from accounts import mail_choices
from accounts.models import User
from core import jobs, mail
from core.db import db, now
from core.events import Event, on, record
from core.mail import Recipient
from core.web import external
from kb.models import NEEDS_UPDATE, READABLE, Article, Feedback
from kb.writing_models import ArticleReview

CHECK_SECONDS = 3600
BATCH = 100
# Who does nothing on the day is told again, not every hour.
AGAIN = timedelta(days=14)
EXCERPT_LENGTH = 1000


def register(_app: Flask) -> None:
    """Importing this module is what subscribes it."""


@on("article.review_asked", "article.review_approved", "article.review_returned")
def tell_of_review(event: Event) -> None:
    """Tell the reviewer that a text waits for them, and who asked what the reviewer said."""
    review = db.session.get(ArticleReview, event.data.get("review"))
    row = db.session.get(Article, event.subject_id)
    if review is None or row is None:
        return
    what = event.name.rpartition("_")[2]
    to, by = (review.reviewer, review.author) if what == "asked" else (review.author, review.reviewer)
    if to is None or (by is not None and to.id == by.id):
        return
    page = "kb.article" if what == "approved" else "kb.review"
    _tell("article_review", to, f"event-{event.id}", row, link=external(page, language=row.language, slug=row.slug),
          by=by, what=what, note=review.note[:EXCERPT_LENGTH])  # fmt: skip


@on("article.review_due")
def tell_the_owner(event: Event) -> None:
    """Tell the owner that the day has come on which somebody has to look through an article."""
    row = db.session.get(Article, event.subject_id)
    owner = db.session.get(User, row.owner_id) if row is not None and row.owner_id else None
    if row is None or owner is None or row.state not in READABLE or row.review_by is None:
        return
    _tell("article_due", owner, f"event-{event.id}", row, day=row.review_by,
          link=external("kb.care", language=row.language, slug=row.slug))  # fmt: skip


@on("feedback.given")
def tell_what_was_missing(event: Event) -> None:
    """Tell the owner what a reader did not find, if they say so.

    A reader says no first and why afterwards, so the mail waits a while for their words.
    """
    if event.subject_kind == Article.__tablename__:
        jobs.enqueue("kb.unhelpful", key=f"kb.unhelpful-{event.id}", delay=600, feedback=event.data.get("feedback"))


@jobs.job("kb.unhelpful")
def tell_why(feedback: int) -> None:
    """Send the owner the words of a reader whom an article did not help; without words there is nothing to tell."""
    said = db.session.get(Feedback, feedback)
    if said is None or said.is_helpful or not said.comment or said.about_kind != Article.__tablename__:
        return
    row = db.session.get(Article, said.about_id)
    owner = db.session.get(User, row.owner_id) if row is not None and row.owner_id else None
    if row is not None and owner is not None:
        _tell("article_unhelpful", owner, f"feedback-{said.id}", row, link=external("kb.inbox"),
              comment=said.comment[:EXCERPT_LENGTH])  # fmt: skip


@jobs.every("kb.review_due", CHECK_SECONDS)
def find_due() -> None:
    """Mark articles whose day of review has come, and have their owners told."""
    rows = db.session.scalars(
        select(Article).where(Article.state.in_(READABLE), Article.review_by <= now().date())
        .where((Article.reminded_at.is_(None)) | (Article.reminded_at < now() - AGAIN))
        .order_by(Article.review_by, Article.id).limit(BATCH)
    ).all()  # fmt: skip
    for row in rows:
        row.state, row.reminded_at = NEEDS_UPDATE, now()
        record("article.review_due", row, by=None)


def _tell(notice: str, user: User, key: str, row: Article, **more: Any) -> None:
    if user.is_disabled or not user.is_staff or not mail_choices.of(user).wants_notices:
        return
    mail.queue(
        notice, Recipient(user.email, user.name, user.language or "en"), key, about=row, is_automatic=True,
        list_name="notices", unsubscribe=mail_choices.unsubscribe_link(user, "notices"), article=row, **more,
    )  # fmt: skip

"""Once a week, for champions who chose it: the new past answers on the topics of their profile."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from flask import Flask
from sqlalchemy import Select, or_, select

from accounts import mail_choices
from accounts.mail_choices import MailChoice
from accounts.models import User
from core import jobs, mail
from core.db import db, now
from core.web import external
from kb.models import PUBLISHED, Answer
from peers import profiles
from peers.notices import recipient

WEEK = timedelta(days=7)
MOST_ANSWERS = 20
# People for whom one is put together at a turn of the clock; the next turn takes the next.
BATCH = 500


def register(app: Flask) -> None:
    """Importing this module is what registers its clock and its job."""


@jobs.every("peers.digest", 3600)
def begin_digests() -> None:
    """Owe a digest to everybody whose last one is a week old."""
    due = select(MailChoice.user_id).where(
        MailChoice.wants_digest, or_(MailChoice.digest_at.is_(None), MailChoice.digest_at <= now() - WEEK)
    )
    for number in db.session.scalars(due.order_by(MailChoice.digest_at, MailChoice.id).limit(BATCH)).all():
        jobs.enqueue("peers.digest", key=f"digest-{number}", person=number)


@jobs.job("peers.digest")
def send_digest(person: int) -> None:
    """Mail one person the answers since their last digest; no mail where there is none."""
    user = db.session.get(User, person)
    choice = db.session.scalar(select(MailChoice).where(MailChoice.user_id == person).with_for_update())
    moment = now()
    if user is None or choice is None or not choice.wants_digest:
        return
    if choice.digest_at is not None and choice.digest_at > moment - WEEK:
        return
    since = choice.digest_at or moment - WEEK
    choice.digest_at = moment
    answers = new_answers(user, since) if user.is_champion and not user.is_disabled else []
    if not answers:
        return
    mail.queue(
        "answers_digest", recipient(user), f"digest-{user.id}-{since:%Y%m%d%H%M%S}", is_automatic=True,
        list_name="digest", unsubscribe=mail_choices.unsubscribe_link(user, "digest"),
        stop=mail_choices.unsubscribe_link(user, "digest"),
        answers=[(answer, external("kb.answer", slug=answer.slug)) for answer in answers],
    )  # fmt: skip


def new_answers(user: User, since: datetime) -> Sequence[Answer]:
    """The past answers on a champion’s topics that were published since and that they may read, newest first."""
    profile = profiles.of(user)
    topics = [row.topic for row in profile.topics] if profile is not None else []
    if not topics:
        return []
    statement: Select[Any] = (
        Answer.visible_to(user)
        .where(Answer.state == PUBLISHED, Answer.topic.in_(topics), Answer.published_at > since)
        .order_by(Answer.published_at.desc(), Answer.id.desc()).limit(MOST_ANSWERS)
    )  # fmt: skip
    return db.session.scalars(statement).all()

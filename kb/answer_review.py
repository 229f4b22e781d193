"""The second reader: not the writer; reads a past answer beside its thread before it is published."""

from sqlalchemy import select
from sqlalchemy.orm import joinedload

from accounts.models import User
from core.db import db, now
from core.events import record
from core.exceptions import NotNow, Refused
from core.i18n import _
from kb.answer_models import APPROVED, ASKED, SENT_BACK, AnswerReview
from kb.answer_standing import digest as digest_of
from kb.models import APPROVED as READ
from kb.models import DRAFT, IN_REVIEW, WITHDRAWN, Answer

COMMENT_LENGTH = 2000


def may_read(row: Answer, user: User) -> bool:
    """Whether somebody can be the second reader: nobody is of what they wrote last."""
    return row.text_by_id != user.id


def ask(row: Answer, *, by: User) -> AnswerReview:
    """Have a past answer read by a second person.

    :raises NotNow: if it is not a draft.
    :raises Refused: without an answer in it.
    """
    if row.state not in {DRAFT, WITHDRAWN}:
        raise NotNow(_("Only a draft can be sent to a second reader."))
    if not row.answer.strip():
        raise Refused(_("There is no answer to publish yet."), "answer")
    row.state = IN_REVIEW
    review = AnswerReview(answer_id=row.id, digest=digest_of(row), asked_by_id=by.id)
    db.session.add(review)
    record("answer.review_asked", row, by=by, review=review)
    return review


def approve(row: Answer, *, by: User, digest: str, comment: str = "") -> AnswerReview:
    """Let a text pass.

    :param digest: of the text that the reader had before them.
    :raises NotNow: for the writer of the text, or if it is not the one that was read.
    """
    review = _open(row, by, digest)
    review.comment = _comment(comment)
    review.state, review.decided_by_id, review.decided_at = APPROVED, by.id, now()
    row.state, row.reviewed_digest = READ, digest
    record("answer.review_approved", row, by=by, review=review)
    return review


def send_back(row: Answer, *, by: User, digest: str, comment: str) -> AnswerReview:
    """Say what has to change.

    :raises NotNow: for the writer of the text, or if it is not the one that was read.
    :raises Refused: without a word on what is wrong.
    """
    comment = _comment(comment)
    if not comment:
        raise Refused(_("Say what has to change."), "comment")
    review = _open(row, by, digest)
    review.comment = comment
    review.state, review.decided_by_id, review.decided_at = SENT_BACK, by.id, now()
    row.state = DRAFT
    record("answer.review_sent_back", row, by=by, review=review)
    return review


def last(row: Answer) -> AnswerReview | None:
    """The latest review of a past answer."""
    return db.session.scalar(
        select(AnswerReview)
        .where(AnswerReview.answer_id == row.id)
        .order_by(AnswerReview.id.desc())
        .limit(1)
        .options(
            joinedload(AnswerReview.asked_by).lazyload(User.role_rows),
            joinedload(AnswerReview.decided_by).lazyload(User.role_rows),
        )
    )


def _open(row: Answer, by: User, digest: str) -> AnswerReview:
    review = last(row)
    if row.state != IN_REVIEW or review is None or review.state != ASKED:
        raise NotNow(_("Nobody waits for a second reader here."))
    if not may_read(row, by):
        raise NotNow(_("You wrote this text. Somebody else has to read it."))
    if digest != digest_of(row):
        raise NotNow(_("The text was changed since you opened it. Please read it again."))
    return review


def _comment(text: str) -> str:
    text = text.replace("\r\n", "\n").replace("\x00", "").strip()
    if len(text) > COMMENT_LENGTH:
        raise Refused(_("A comment may have %(count)s characters.", count=COMMENT_LENGTH), "comment")
    return text

"""Whether a text helped: a yes or a no by anybody, and a comment that staff read."""

from sqlalchemy import Table, update

from accounts.models import User
from core.db import db, now
from core.events import record
from core.exceptions import NotNow, Refused
from core.i18n import _
from kb.models import Answer, Article, Feedback

COMMENT_LENGTH = 2000


def give(about: Article | Answer, *, is_helpful: bool, by: User | None, comment: str = "") -> Feedback:
    """Say whether a text helped."""
    row = Feedback(
        about_kind=about.__tablename__,
        about_id=about.id,
        is_helpful=is_helpful,
        comment=_comment(comment),
        by_id=by.id if by else None,
    )
    db.session.add(row)
    _count(about, is_helpful=is_helpful, step=1)
    record("feedback.given", about, by=by, feedback=row, helpful=is_helpful)
    return row


def change(row: Feedback, about: Article | Answer, *, is_helpful: bool, comment: str = "") -> None:
    """Say it differently, or say more."""
    if row.is_helpful != is_helpful:
        _count(about, is_helpful=row.is_helpful, step=-1)
        _count(about, is_helpful=is_helpful, step=1)
        row.is_helpful = is_helpful
    row.comment = _comment(comment) or row.comment
    row.seen_at = None


def see(row: Feedback) -> None:
    """Mark a comment as read by staff.

    :raises NotNow: if it is marked already.
    """
    if row.seen_at is not None:
        raise NotNow(_("Somebody has read this already."))
    row.seen_at = now()


def _comment(text: str) -> str:
    text = text.replace("\r\n", "\n").strip()
    if len(text) > COMMENT_LENGTH:
        raise Refused(_("A comment may have %(count)s characters.", count=COMMENT_LENGTH), "comment")
    if "\x00" in text:
        raise Refused(_("The text contains a character that cannot be kept."), "comment")
    return text


def _count(about: Article | Answer, *, is_helpful: bool, step: int) -> None:
    table: Table = about.__table__  # type: ignore[assignment]
    column = table.c.helpful_count if is_helpful else table.c.unhelpful_count
    # Past the session, so that the version stays: a reader's click must not get in the way of who edits the text.
    db.session.flush()
    db.session.execute(update(table).where(table.c.id == about.id).values({column: column + step}))
    db.session.expire(about, ["helpful_count", "unhelpful_count"])

"""An article on its way: a change that is not published yet, a reviewer, a day of review, an end.

Readers of a published article see what it said until its change is published. None of these verbs commits.
"""

from dataclasses import replace
from datetime import date

from sqlalchemy import select

from accounts.models import User
from core.db import db, now
from core.events import record
from core.exceptions import NotNow, Refused
from core.i18n import _
from kb import article_files, articles, merging
from kb.models import (
    DRAFT,
    IN_REVIEW,
    NEEDS_UPDATE,
    NORMAL,
    PUBLISHED,
    READABLE,
    RETIRED,
    VISIBILITIES,
    Article,
    Revision,
)  # fmt: skip
from kb.pages import Details, one_line
from kb.states import can_move
from kb.writing_models import ArticleChange, ArticleComment, ArticleReview

COMMENT_LENGTH = 2000
ASKED, APPROVED, RETURNED, DROPPED = "asked", "approved", "returned", "dropped"


def change_of(article: Article) -> ArticleChange | None:
    """What a published article is to say, if somebody works on it."""
    return db.session.scalar(select(ArticleChange).where(ArticleChange.article_id == article.id))


def review_of(article: Article) -> ArticleReview | None:
    """The last review of an article that was not dropped."""
    return db.session.scalar(
        select(ArticleReview).where(ArticleReview.article_id == article.id, ArticleReview.state != DROPPED)
        .order_by(ArticleReview.id.desc()).limit(1)
    )  # fmt: skip


def waiting_for(reader: User | None) -> list[Article]:
    """What somebody is asked to read, the oldest first."""
    if reader is None:
        return []
    statement = select(Article).join(ArticleReview, ArticleReview.article_id == Article.id)
    statement = statement.where(ArticleReview.reviewer_id == reader.id, ArticleReview.state == ASKED)
    return list(db.session.scalars(statement.order_by(ArticleReview.id).limit(50)))


def keep_change(
    article: Article, details: Details, body: str, *, by: User | None, reason: str = "", significance: str = NORMAL,
    base_number: int = 0,
) -> ArticleChange:  # fmt: skip
    """Keep a change of a published article without showing it to readers.

    :param base_number: the revision that it is made from; by default the newest one.
    :raises NotNow: if the article is not published; then its own text is a draft.
    :raises Refused: for a detail that cannot be.
    """
    if article.state not in READABLE:
        raise NotNow(_("Readers do not see this article. Change its text itself."))
    details = articles.checked(details, body)
    row = change_of(article)
    if row is None:
        row = ArticleChange(article_id=article.id, base_number=article.revision_number)
        db.session.add(row)
    if 0 < base_number <= article.revision_number:
        row.base_number = base_number
    row.title, row.summary, row.body, row.topic = details.title, details.summary, body, details.topic
    row.tags, row.visibility = list(details.tags), details.visibility
    row.reason, row.significance = one_line(reason)[: articles.REASON_LENGTH], significance
    row.author_id, row.updated_at = by.id if by is not None else None, now()
    db.session.flush()
    record("article.change_kept", article, by=by, change=row)
    return row


def publish_change(article: Article, *, by: User | None) -> Revision | None:
    """Show readers the change. What was published meanwhile is kept, too, where it does not touch the same lines.

    :raises NotNow: if there is no change, or if it cannot be put together with what was published meanwhile.
    """
    row = change_of(article)
    if row is None:
        raise NotNow(_("There is no change that could be published."))
    body = row.body
    if row.base_number != article.revision_number:
        base = db.session.scalar(
            select(Revision.body).where(Revision.article_id == article.id, Revision.number == row.base_number)
        )
        merged = merging.merge(base or "", article.body, row.body)
        if merged.overlaps:
            raise NotNow(
                _("The article was changed meanwhile in the same lines. Open the change and put both together.")
            )
        body = merged.text()
    details = replace(
        articles.details_of(article), title=row.title, summary=row.summary, topic=row.topic, tags=tuple(row.tags),
        visibility=row.visibility,
    )  # fmt: skip
    author = db.session.get(User, row.author_id) if row.author_id else by
    revision = articles.edit(article, details, body, by=author, reason=row.reason, significance=row.significance)
    db.session.delete(row)
    record("article.change_published", article, by=by)
    return revision


def drop_change(article: Article, *, by: User | None) -> None:
    """Forget a change that was not published.

    :raises NotNow: if there is none.
    """
    row = change_of(article)
    if row is None:
        raise NotNow(_("There is no change that could be dropped."))
    _drop_review(article)
    db.session.delete(row)
    record("article.change_dropped", article, by=by)


def ask_review(article: Article, reviewer: User | None, *, by: User, note: str = "") -> ArticleReview:
    """Ask somebody to read a draft, or the change of a published article, before readers see it.

    :raises Refused: if the reviewer is not of our staff, or wrote it themselves without being an administrator.
    :raises NotNow: if there is nothing to read.
    """
    if reviewer is None or not reviewer.is_staff or reviewer.is_disabled:
        raise Refused(_("Choose somebody of our staff."), "reviewer")
    if reviewer.id == by.id and not by.is_admin:
        raise Refused(_("Somebody else than you has to read it."), "reviewer")
    if article.state in READABLE:
        if change_of(article) is None:
            raise NotNow(_("There is no change to be read. Edit the text, and keep it without publishing it."))
    elif article.state != IN_REVIEW:
        if not can_move(article.state, IN_REVIEW):
            raise NotNow(_("This article cannot be reviewed now."))
        article.state = IN_REVIEW
    _drop_review(article)
    review = ArticleReview(article_id=article.id, reviewer=reviewer, author=by, state=ASKED, note=_words(note))
    db.session.add(review)
    db.session.flush()
    record("article.review_asked", article, by=by, review=review)
    return review


def may_decide(article: Article, person: User | None) -> bool:
    """Whether somebody may say what becomes of a text in review: the reviewer or an administrator.

    Who asked for the review may not, unless they are an administrator.
    """
    review = review_of(article)
    if person is None or review is None or review.state != ASKED:
        return False
    return person.is_admin or (review.reviewer_id == person.id and review.author_id != person.id)


def approve(article: Article, *, by: User, note: str = "") -> None:
    """Publish what was in review.

    :raises NotNow: if this person is not asked.
    """
    review = _open_review(article, by)
    if article.state in READABLE:
        publish_change(article, by=by)
    else:
        articles.publish(article, by=by)
    review.state, review.note, review.decided_at = APPROVED, _words(note), now()
    _settle_all(article)
    record("article.review_approved", article, by=by, review=review)


def send_back(article: Article, *, by: User, note: str) -> None:
    """Ask for changes.

    :raises NotNow: if this person is not asked.
    :raises Refused: without a word about what to change, here or at a line.
    """
    review = _open_review(article, by)
    note = _words(note)
    if not note and not comments(article):
        raise Refused(_("Please say what has to change."), "note")
    review.state, review.note, review.decided_at = RETURNED, note, now()
    if article.state == IN_REVIEW:
        article.state = DRAFT
    record("article.review_returned", article, by=by, review=review)


def comments(article: Article) -> list[ArticleComment]:
    """What was said of lines and is not settled, from the top of the text down."""
    return list(
        db.session.scalars(
            select(ArticleComment).where(ArticleComment.article_id == article.id, ArticleComment.settled_at.is_(None))
            .order_by(ArticleComment.line, ArticleComment.id).limit(500)
        )
    )  # fmt: skip


def text_in_review(article: Article) -> str:
    """The text that a reviewer reads: the change if there is one."""
    change = change_of(article)
    return change.body if change is not None else article.body


def comment(article: Article, text: str, *, line: int, by: User) -> ArticleComment:
    """Say something of a line (from 1; 0 is the whole text).

    :raises Refused: without words, or of a line that there is not.
    """
    lines = text_in_review(article).splitlines()
    if not 0 <= line <= len(lines):
        raise Refused(_("There is no line %(number)s.", number=line), "line")
    if not (text := _words(text)):
        raise Refused(_("Please write something here."), "text")
    row = ArticleComment(
        article_id=article.id, author=by, line=line, quoted=lines[line - 1][:500] if line else "", text=text
    )
    db.session.add(row)
    db.session.flush()
    record("article.commented", article, by=by, comment=row)
    return row


def settle(article: Article, number: int, *, by: User) -> None:
    """Mark a comment as dealt with.

    :raises NotNow: if it is no open comment of this article.
    """
    row = db.session.get(ArticleComment, number)
    if row is None or row.article_id != article.id or row.settled_at is not None:
        raise NotNow(_("This is dealt with already."))
    row.settled_at = now()
    record("article.comment_settled", article, by=by, comment=row)


def placed(text: str, rows: list[ArticleComment]) -> dict[int, list[ArticleComment]]:
    """Comments by the line that they belong to now: where the line went, or where it was; 0 for the whole."""
    lines = text.splitlines()
    found: dict[int, list[ArticleComment]] = {}
    for row in rows:
        line = row.line
        if line and (line > len(lines) or lines[line - 1][:500] != row.quoted):
            same = [
                number for number, words in enumerate(lines, 1) if words[:500] == row.quoted and row.quoted.strip()
            ]
            line = min(same, key=lambda number: abs(number - row.line)) if same else min(line, len(lines))
        found.setdefault(line, []).append(row)
    return found


def need_update(article: Article, *, by: User | None, reason: str = "") -> None:
    """Say that a published article is to be looked through; readers go on to see it.

    :raises NotNow: if it is not published.
    """
    if article.state != PUBLISHED:
        raise NotNow(_("This article is not published."))
    article.state = NEEDS_UPDATE
    record("article.update_needed", article, by=by, reason=one_line(reason)[: articles.REASON_LENGTH])


def confirm(article: Article, *, by: User, review_by: date | None) -> None:
    """Say that a published article was looked through and is true, until the next day of review."""
    if article.state not in READABLE:
        raise NotNow(_("This article is not published."))
    article.state, article.review_by, article.reminded_at = PUBLISHED, review_by, None
    record("article.confirmed", article, by=by)


def retire(article: Article, replacement: Article | None, *, by: User | None) -> None:
    """Take an article away for good; its address leads to the replacement.

    :raises Refused: if the replacement is the article itself, is not published, or is open to fewer people.
    :raises NotNow: if it is not published.
    """
    if not can_move(article.state, RETIRED):
        raise NotNow(_("This article is not published."))
    if replacement is not None:
        if replacement.id == article.id or replacement.state not in READABLE:
            raise Refused(_("Choose another article that is published."), "replacement")
        if VISIBILITIES.index(replacement.visibility) > VISIBILITIES.index(article.visibility):
            raise Refused(_("Not all readers of this article may read that one."), "replacement")
    article.state = RETIRED
    article.replaced_by_id = replacement.id if replacement is not None else None
    for row in db.session.scalars(select(Article).where(Article.replaced_by_id == article.id)):
        # No chains: who was led here is led on at once.
        row.replaced_by_id = article.replaced_by_id
    article_files.follow(article)
    record("article.retired", article, by=by, replacement=article.replaced_by_id)


def care(article: Article, *, owner: User | None, review_by: date | None, by: User) -> None:
    """Say who sees to it that an article stays true, and by when somebody looks through it.

    :raises Refused: if the owner is not of our staff.
    """
    if owner is not None and (not owner.is_staff or owner.is_disabled):
        raise Refused(_("Choose somebody of our staff."), "owner")
    article.owner_id, article.review_by = owner.id if owner is not None else None, review_by
    article.reminded_at = None
    record("article.cared_for", article, by=by, owner=article.owner_id)


def _open_review(article: Article, by: User) -> ArticleReview:
    review = review_of(article)
    if review is None or not may_decide(article, by):
        raise NotNow(_("You are not asked to decide about this text."))
    return review


def _drop_review(article: Article) -> None:
    review = review_of(article)
    if review is not None and review.state == ASKED:
        review.state, review.decided_at = DROPPED, now()


def _settle_all(article: Article) -> None:
    for row in comments(article):
        row.settled_at = now()


def _words(text: str) -> str:
    text = text.replace("\r\n", "\n").replace("\x00", "").strip()
    if len(text) > COMMENT_LENGTH:
        raise Refused(_("A comment may have %(count)s characters.", count=COMMENT_LENGTH), "note")
    return text

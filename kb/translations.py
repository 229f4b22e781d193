"""Which articles say the same in another language, and whether a translation still says what its source says.

Each translation names its source and the version of it that it was made from. Small changes of the source ("minor")
do not make a translation out of date.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, func, or_, select
from sqlalchemy.orm import aliased

from accounts.models import User
from core.db import db
from core.events import record
from core.exceptions import Refused
from core.i18n import _
from kb.models import MINOR, Article, Revision


@dataclass(frozen=True)
class Behind:
    """That the source changed: when for the first time since, and how often."""

    since: datetime
    changes: int


def head_of(article: Article) -> int:
    """The number of the source of an article: its own if it is the source."""
    return article.source_id or article.id


def same_in_other_words(number: int) -> ColumnElement[bool]:
    """The condition for an article to be the source with this number, or a translation of it."""
    return or_(Article.id == number, Article.source_id == number)


def of(source: Article) -> Sequence[Article]:
    """The translations of a source, whoever may read them."""
    return db.session.scalars(
        select(Article).where(Article.source_id == source.id).order_by(Article.language, Article.id)
    ).all()


def source_of(article: Article) -> Article:
    """The source of an article: itself if it is no translation."""
    return article if article.source_id is None else db.session.get_one(Article, article.source_id)


def find(source: Article, language: str) -> Article | None:
    """The translation into a language, if there is one; the source itself in its own."""
    found: Article | None = db.session.scalar(
        select(Article).where(same_in_other_words(source.id), Article.language == language).limit(1)
    )
    return found


def adopt(article: Article, *, is_from_file: bool = False) -> None:
    """Make a new article a translation of the one that has the same slug in another language.

    In a folder a translation may come before its source: there the English article is the source.
    """
    if article.source_id is not None:
        return
    other = db.session.scalar(
        select(Article).where(Article.slug == article.slug, Article.id != article.id)
        .order_by(Article.source_id.is_not(None), Article.id).limit(1)
    )  # fmt: skip
    if other is None:
        return
    head = source_of(other)
    if is_from_file and article.language == "en" and head.language != "en":
        for row in (head, *of(head)):
            row.source_id, row.source_revision_number = article.id, article.revision_number
    elif find(head, article.language) is None:
        article.source_id, article.source_revision_number = head.id, head.revision_number
    db.session.flush()


def link(article: Article, source: Article | None, *, by: User | None) -> None:
    """Make an article a translation of another one; of none (None), and it is a source again.

    :raises Refused: if there is a translation into its language, or the article is a source with translations.
    """
    if source is None:
        article.source_id, article.source_revision_number = None, 0
        return
    source = source_of(source)
    if source.id == article.id or source.language == article.language:
        raise Refused(_("An article cannot be a translation into its own language."), "source")
    known = find(source, article.language)
    if known is not None and known.id != article.id:
        raise Refused(_("There is a translation into this language already."), "source")
    if of(article):
        raise Refused(_("Other articles are translations of this one."), "source")
    article.source_id, article.source_revision_number = source.id, source.revision_number
    record("article.translated", article, by=by, source=source)


def mark_current(article: Article, number: int | None = None) -> None:
    """Note that a translation says what its source says.

    :param number: the version of the source that was read; by default the newest. Never one that there is not, and
        never an older one than was noted before.
    """
    if article.source_id is None:
        return
    source = db.session.get_one(Article, article.source_id)
    read = source.revision_number if number is None else min(number, source.revision_number)
    article.source_revision_number = max(article.source_revision_number, read)


def counts_as_change() -> ColumnElement[bool]:
    """The condition for a version to make translations out of date."""
    return Revision.significance != MINOR


def behind(article: Article) -> Behind | None:
    """Whether the source of a translation changed since; None if it did not, or the article is a source."""
    if article.source_id is None:
        return None
    found = db.session.execute(
        select(func.min(Revision.at), func.count()).where(
            Revision.article_id == article.source_id, Revision.number > article.source_revision_number,
            counts_as_change(),
        )
    ).one()  # fmt: skip
    return Behind(found[0], found[1]) if found[1] else None


def behind_by_article() -> Any:
    """A subquery: for each translation that is out of date its number (``id``), and ``since`` when."""
    translation = aliased(Article)
    return (
        select(translation.id.label("id"), func.min(Revision.at).label("since"))
        .join(
            Revision,
            and_(Revision.article_id == translation.source_id, Revision.number > translation.source_revision_number),
        )
        .where(counts_as_change())
        .group_by(translation.id)
        .subquery()
    )


def then(article: Article) -> Revision | None:
    """What the source said when the translation was made, as far as it is known."""
    if article.source_id is None:
        return None
    return db.session.scalar(
        select(Revision).where(
            Revision.article_id == article.source_id, Revision.number <= max(article.source_revision_number, 1)
        ).order_by(Revision.number.desc()).limit(1)
    )  # fmt: skip

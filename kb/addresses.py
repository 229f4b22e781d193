"""Old addresses of articles: an address that an article had leads to it for ever."""

from sqlalchemy import delete, select

from accounts.models import User
from core.db import db
from kb.models import READABLE, RETIRED, Article, visibilities_of
from kb.writing_models import ArticleAddress


def remember(article: Article, language: str, slug: str) -> None:
    """Lead from an address that the article had until now to the one that it has.

    Every old address names the article itself, so that there are no chains.
    """
    known = db.session.scalar(
        select(ArticleAddress).where(ArticleAddress.language == language, ArticleAddress.slug == slug)
    )
    if known is not None:
        known.article_id = article.id
    else:
        db.session.add(ArticleAddress(language=language, slug=slug, article_id=article.id))
    free(article.language, article.slug)


def free(language: str, slug: str) -> None:
    """Let an address be that of an article again."""
    db.session.execute(
        delete(ArticleAddress).where(ArticleAddress.language == language, ArticleAddress.slug == slug)
    )  # fmt: skip


def moved_to(language: str, slug: str) -> Article | None:
    """The article that had this address, None if none had."""
    row = db.session.scalar(
        select(ArticleAddress).where(ArticleAddress.language == language, ArticleAddress.slug == slug)
    )
    return row.article if row is not None else None


def lead(language: str, slug: str, reader: User | None) -> Article | None:
    """The article to which an old address leads: the one that moved, or the one in place of a retired one.

    None if nothing took its place that the reader may see.
    """
    row = moved_to(language, slug)
    if row is None:
        row = db.session.scalar(
            select(Article).where(Article.language == language, Article.slug == slug, Article.state == RETIRED)
        )
    if row is not None and row.state == RETIRED and row.replaced_by_id is not None:
        row = db.session.get(Article, row.replaced_by_id)
    if row is None or row.state not in READABLE or row.visibility not in visibilities_of(reader):
        return None
    return row


def is_gone(language: str, slug: str, reader: User | None) -> bool:
    """Whether an article stood at an address that is retired, with nothing in its place; one that was never published
    never stood there.
    """
    row = moved_to(language, slug) or db.session.scalar(
        select(Article).where(Article.language == language, Article.slug == slug)
    )
    if row is None or row.state != RETIRED or row.published_at is None:
        return False
    return row.visibility in visibilities_of(reader)

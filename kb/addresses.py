"""Old addresses of articles: an address that an article had leads to it for ever."""

from sqlalchemy import delete, select

from core.db import db
from kb.models import Article
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

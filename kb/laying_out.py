"""Articles are laid out again by the worker: those of an older renderer, and those that bring in what changed."""

from flask import Flask
from sqlalchemy import String, cast, select
from sqlalchemy.orm import undefer

from core import jobs
from core.db import db
from core.events import Event, on
from kb import articles
from kb.includes import BROUGHT_IN
from kb.links import Places
from kb.models import RENDERER, Article
from kb.slugs import article_path

CHECK_SECONDS = 60
BATCH = 20


def register(_app: Flask) -> None:
    """Importing this module is what tells the clock."""


@jobs.every("kb.lay_out", CHECK_SECONDS)
def lay_out_older() -> None:
    """Lay out again what an older renderer laid out; nobody wrote anything, so that it is no revision."""
    rows = db.session.scalars(
        select(Article).where(Article.renderer < RENDERER).order_by(Article.id).limit(BATCH)
        .options(undefer(Article.body), undefer(Article.links), undefer(Article.front_matter))
    ).all()  # fmt: skip
    places = Places()
    for row in rows:
        articles.refresh(row, places)


@on("article.edited", "article.published", "article.restored", "article.withdrawn")
def note_change(_event: Event) -> None:
    """Have what brings in the text of another article follow it; many changes are one job."""
    jobs.enqueue("kb.lay_out_includes", key="kb.lay_out_includes")


@jobs.job("kb.lay_out_includes", slow=True)
def lay_out_includes() -> None:
    """Lay out again what brings in a text that says something else by now, or that fewer people may read."""
    lay_out_bringing_in()


def lay_out_bringing_in(article: Article | None = None) -> None:
    """Lay out again the articles that bring in others, where those changed.

    :param article: only where this one is brought in.
    """
    links = cast(Article.links, String)
    statement = select(Article).where(links.contains(BROUGHT_IN, autoescape=True)).order_by(Article.id)
    if article is not None:
        statement = statement.where(links.contains(article_path(article.language, article.slug), autoescape=True))
    rows = db.session.scalars(
        statement.options(undefer(Article.body), undefer(Article.links), undefer(Article.front_matter))
    ).all()
    places = Places()
    for row in rows:
        articles.refresh(row, places)

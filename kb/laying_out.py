"""Articles that an older renderer laid out are laid out again by the worker, a few at a time."""

from flask import Flask
from sqlalchemy import select
from sqlalchemy.orm import undefer

from core import jobs
from core.db import db
from kb import articles
from kb.links import Places
from kb.models import RENDERER, Article

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

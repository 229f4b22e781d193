"""What is worth reading after an article: cited together, linked, alike. The worker finds it out and keeps it.

Who may read it is asked when it is shown; so more is kept than is shown.
"""

from collections import Counter
from collections.abc import Callable
from urllib.parse import unquote

from flask import Flask
from sqlalchemy import delete, select
from sqlalchemy.orm import undefer

from core import jobs
from core.db import db
from core.events import Event, on
from kb import translations
from kb.collection_models import RelatedArticle
from kb.indexing import search_index
from kb.models import READABLE, VISIBILITIES, Article
from kb.search import IndexUnavailable, Query
from kb.slugs import article_path

KEPT = 10
BATCH = 100
CHECK_SECONDS = 600
# What speaks for another article: people cited both in answers, one links to the other, their words are alike.
CITED, LINKED, ALIKE = 3.0, 2.0, 1.0

# Of other parts: for the number of an article, how strongly others belong to it (0 to 1 each).
signals: list[Callable[[int], dict[int, float]]] = []


def register(_app: Flask) -> None:
    """Importing this module subscribes."""


@on("article.published", "article.edited")
def note_change(event: Event) -> None:
    """Have the worker find anew what belongs to an article."""
    jobs.enqueue("kb.relate", key=f"kb.relate-{event.subject_id}", delay=5, article=event.subject_id)


@jobs.every("kb.relate", CHECK_SECONDS)
def find_missing() -> None:
    """Find what belongs to articles that have nothing yet, a few at a time."""
    known = select(RelatedArticle.article_id)
    rows = db.session.scalars(
        select(Article.id).where(Article.state.in_(READABLE), Article.source_id.is_(None), Article.id.not_in(known))
        .order_by(Article.helpful_count.desc(), Article.id).limit(BATCH)
    )  # fmt: skip
    for number in rows:
        jobs.enqueue("kb.relate", key=f"kb.relate-{number}", article=number)


@jobs.job("kb.relate", slow=True)
def relate(article: int) -> None:
    """Find what belongs to an article, and keep the best."""
    row = db.session.get(Article, article, options=[undefer(Article.links), undefer(Article.body_text)])
    if row is None:
        return
    source = translations.source_of(row)
    found = scores(source)
    best = [number for number, _score in found.most_common(KEPT)]
    db.session.execute(delete(RelatedArticle).where(RelatedArticle.article_id == source.id))
    db.session.add_all(
        RelatedArticle(article_id=source.id, related_id=number, position=place) for place, number in enumerate(best)
    )
    db.session.commit()


def scores(source: Article) -> Counter[int]:
    """The numbers of other sources with how strongly each belongs to this one."""
    found: Counter[int] = Counter()
    for signal in signals:
        for number, strength in signal(source.id).items():
            found[number] += CITED * strength  # type: ignore[assignment] # Counters count in fractions too.
    for number in _linked(source):
        found[number] += LINKED  # type: ignore[assignment]
    for number, strength in _alike(source).items():
        found[number] += ALIKE * strength  # type: ignore[assignment]
    rows = db.session.execute(
        select(Article.id, Article.source_id).where(Article.id.in_(found), Article.state.in_(READABLE))
    )
    heads = {row.id: row.source_id for row in rows}
    by_head: Counter[int] = Counter()
    for number, strength in found.items():
        if number in heads:
            by_head[heads[number] or number] += strength
    by_head.pop(source.id, None)
    return by_head


def _linked(source: Article) -> set[int]:
    addresses = {str(address).partition("#")[0] for address in (source.links or {}).values() if address}
    slugs = {unquote(address.rpartition("/")[2]) for address in addresses}
    rows = db.session.execute(select(Article.id, Article.language, Article.slug).where(Article.slug.in_(slugs)))
    return {row.id for row in rows if article_path(row.language, row.slug) in addresses}


def _alike(source: Article) -> dict[int, float]:
    # Many words: the index then asks for some of them, not for all.
    text = " ".join([source.title, *map(str, source.tags), source.summary, source.body_text[:200]])[:350]
    query = Query(
        text=text, kinds=("article",), languages=(source.language,), visibilities=VISIBILITIES,
        prefer_language=source.language, limit=KEPT + 1,
    )  # fmt: skip
    try:
        hits = search_index().search(query).hits
    except IndexUnavailable as problem:
        raise jobs.Later(30, str(problem)) from problem
    highest = max((hit.score for hit in hits), default=0.0)
    numbers = {int(hit.id.partition(":")[2]): hit.score / highest for hit in hits if highest > 0}
    return {number: strength for number, strength in numbers.items() if number != source.id}

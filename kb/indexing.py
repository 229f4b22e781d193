"""The search index as a consequence of the database: the worker brings it up to what is published, whatever happened.

What the index holds is noted row by row in `IndexEntry`. So a change, a lost job, a restored database and an index
that was removed, damaged or made by another version are all found by one comparison, and mended by one job.
"""

from collections.abc import Iterable, Iterator
from typing import Any

from flask import Flask, current_app
from sqlalchemy import ColumnElement, String, cast, delete, func, insert, literal, select, union_all

from core import jobs
from core.db import db, may_write
from core.events import Event, on
from kb.models import READABLE, Answer, Article, IndexEntry
from kb.search import Document, IndexUnavailable, SearchIndex
from kb.slugs import answer_path, article_path

WHOLE = "*"
# How much the votes of readers can move a text, and how many it takes to move it half so far.
_HELPFULNESS = 0.12
_FEW_VOTES = 5
BATCH = 200
CHECK_SECONDS = 5


def register(_app: Flask) -> None:
    """Importing this module subscribes."""


def search_index(app: Flask | None = None) -> SearchIndex:
    """The index that the settings choose; one object for each application, shared by its threads."""
    app = app or current_app
    settings = app.extensions["settings"]
    known: tuple[Any, SearchIndex] | None = app.extensions.get("search_index")
    if known is None or known[0] is not settings:
        known = app.extensions["search_index"] = (settings, open_index(app))
    return known[1]


def open_index(app: Flask | None = None) -> SearchIndex:
    """The same index, opened anew, so that nothing of it is remembered."""
    settings = (app or current_app).extensions["settings"]
    on_postgresql = settings.database_url.startswith("postgresql")
    if settings.search.backend == "postgresql" or (settings.search.backend == "auto" and on_postgresql):
        from kb.search.postgres_index import PostgresIndex

        return PostgresIndex(db.engine)
    from kb.search.whoosh_index import WhooshIndex

    return WhooshIndex(settings.data_dir / "index")


@on(
    "article.written", "article.edited", "article.published", "article.withdrawn", "article.restored", "answer.edited",
    "answer.published", "answer.withdrawn",
)  # fmt: skip
def note_change(_event: Event) -> None:
    """Have the worker bring the index up to date; many changes are one job."""
    jobs.enqueue("search.apply", key="search.apply")


@jobs.every("search.check", CHECK_SECONDS)
def check() -> None:
    """Have the index mended if it is not what it should be."""
    health = open_index().health()
    if not health.ok or health.version != _noted_version() or any(_differences()):
        jobs.enqueue("search.apply", key="search.apply")


@jobs.job("search.apply", slow=True, lease_seconds=900)
def apply_changes() -> None:
    """Bring the index up to date; while another process writes it, wait."""
    try:
        catch_up(open_index())
    except IndexUnavailable as problem:
        raise jobs.Later(2, str(problem)) from problem


def catch_up(index: SearchIndex) -> int:
    """Put what changed into the index and take out what is gone; build it anew if it is not the one that was noted.

    :return: how many documents were put in or taken out.
    :raises IndexUnavailable: while another process writes.
    """
    health = index.health()
    if not health.ok or health.version != _noted_version():
        return rebuild(index)
    changed, gone = _differences()
    if not changed and not gone:
        return 0
    marks: dict[str, str] = {}
    for start in range(0, max(len(changed), 1), BATCH):
        batch = changed[start : start + BATCH]
        puts = list(_noting(documents(batch), marks))
        # What was withdrawn since the comparison is gone too.
        index.apply(puts, [*(gone if start == 0 else ()), *(name for name in batch if name not in marks)])
    _note(marks, [*gone, *changed], index.health().version)
    return len(changed) + len(gone)


def rebuild(index: SearchIndex) -> int:
    """Build the index anew beside the old one, then swap. Returns how many documents it holds.

    :raises IndexUnavailable: while another process writes.
    """
    marks: dict[str, str] = {}
    count = index.rebuild(_noting(documents(), marks))
    _note(marks, None, index.health().version)
    return count


def documents(names: Iterable[str] | None = None) -> Iterator[tuple[Document, str]]:
    """What is published, as documents for the index, each with the version of its row.

    :param names: only these (``article:12``).
    """
    wanted = None if names is None else _numbers(names)
    for model, kind in ((Article, "article"), (Answer, "answer")):
        last = 0
        while True:
            statement = (
                _columns(model).where(model.state.in_(READABLE), model.id > last).order_by(model.id).limit(BATCH)
            )
            if wanted is not None:
                statement = statement.where(model.id.in_(wanted[kind]))
            rows = _read(statement)
            for row in rows:
                yield (_article_document(row) if kind == "article" else _answer_document(row)), str(row.version)
            if len(rows) < BATCH:
                break
            last = rows[-1].id


def _columns(model: Any) -> Any:
    shared = (model.id, model.slug, model.title, model.topic, model.tags, model.language, model.visibility,
              model.updated_at, model.version, model.helpful_count, model.unhelpful_count)  # fmt: skip
    if model is Article:
        return select(*shared, Article.summary, Article.body_text, Article.contents)
    return select(*shared, Answer.country, Answer.question, Answer.answer_text)


def _boost(row: Any) -> float:
    """What readers found helpful ranks a little higher, what they did not a little lower; few votes say little."""
    votes = row.helpful_count + row.unhelpful_count
    return float(1 + _HELPFULNESS * (row.helpful_count - row.unhelpful_count) / (votes + _FEW_VOTES))


def _article_document(row: Any) -> Document:
    return Document(
        id=f"article:{row.id}", kind="article", title=row.title, summary=row.summary, text=row.body_text,
        headings=tuple(heading["title"] for heading in row.contents), tags=tuple(row.tags), topic=row.topic,
        language=row.language, visibility=row.visibility, updated=row.updated_at,
        url=article_path(row.language, row.slug), boost=_boost(row),
    )  # fmt: skip


def _answer_document(row: Any) -> Document:
    return Document(
        id=f"answer:{row.id}", kind="answer", title=row.title, text=f"{row.answer_text}\n\n{row.question}",
        tags=tuple(row.tags), topic=row.topic, country=row.country, language=row.language, visibility=row.visibility,
        updated=row.updated_at, url=answer_path(row.slug), boost=_boost(row),
    )  # fmt: skip


def _noting(pairs: Iterable[tuple[Document, str]], marks: dict[str, str]) -> Iterator[Document]:
    for document, mark in pairs:
        marks[document.id] = mark
        yield document


def _numbers(names: Iterable[str]) -> dict[str, list[int]]:
    numbers: dict[str, list[int]] = {"article": [], "answer": []}
    for name in names:
        kind, _colon, number = name.partition(":")
        numbers[kind].append(int(number))
    return numbers


def _differences() -> tuple[list[str], list[str]]:
    """Documents that are missing in the index or older there, and documents that should not be there."""
    articles, answers = _published(Article, "article"), _published(Answer, "answer")
    there = union_all(articles, answers).subquery()
    changed = (
        select(there.c.document)
        .outerjoin(IndexEntry, IndexEntry.document == there.c.document)
        .where(func.coalesce(IndexEntry.mark, "") != there.c.mark)
    )
    gone = select(IndexEntry.document).where(
        IndexEntry.document != WHOLE, IndexEntry.document.not_in(select(there.c.document))
    )
    return [row.document for row in _read(changed)], [row.document for row in _read(gone)]


def _published(model: Any, kind: str) -> Any:
    name: ColumnElement[str] = literal(f"{kind}:") + cast(model.id, String)
    mark = cast(model.version, String)
    return select(name.label("document"), mark.label("mark")).where(model.state.in_(READABLE))


def _noted_version() -> str:
    rows = _read(select(IndexEntry.mark).where(IndexEntry.document == WHOLE))
    return rows[0].mark if rows else ""


def _read(statement: Any) -> list[Any]:
    """Rows, read in a transaction of their own that never waits for a writer nor holds one up."""
    token = may_write.set(False)
    try:
        with db.engine.connect() as connection:
            return list(connection.execute(statement).all())
    finally:
        may_write.reset(token)


def _note(marks: dict[str, str], gone: Iterable[str] | None, version: str) -> None:
    """Remember what the index holds now.

    :param gone: entries to forget first; None forgets all.
    """
    old = delete(IndexEntry)
    if gone is not None:
        old = old.where(IndexEntry.document.in_([WHOLE, *gone]))
    db.session.execute(old.execution_options(synchronize_session=False))
    rows = [{"document": name, "mark": mark} for name, mark in (marks | {WHOLE: version}).items()]
    db.session.execute(insert(IndexEntry), rows)

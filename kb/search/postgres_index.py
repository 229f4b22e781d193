"""The search index inside PostgreSQL, for installations of more than one machine."""

import contextlib
from collections.abc import Callable, Iterable, Iterator
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import SQLAlchemyError

from kb.search import analysis, postgres_tables, searching
from kb.search.postgres_reader import Changed, PostgresSnapshot, Remembered, current
from kb.search.postgres_tables import STAMP
from kb.search.protocol import Document, Health, Hit, IndexUnavailable, Query, Results

# How long a writer waits for another one, in seconds.
_WAIT = 5.0
# How often a search begins again because the index was written meanwhile.
_TRIES = 50

_Answer = TypeVar("_Answer")


class PostgresIndex:
    """A `SearchIndex` in the tables of `kb.search.postgres_tables`."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._reading = engine.execution_options(isolation_level="AUTOCOMMIT")
        self._remembered: Remembered | None = None

    def search(self, query: Query) -> Results:
        """Documents that hold all of the words (or, when those are few, some of them), best first."""
        plan = analysis.plan(query.text, prefer_language=query.prefer_language, prefix_last=query.prefix_last)
        if not plan.needs:
            return Results(refused=plan.refused)
        return self._read(lambda snapshot: searching.search(snapshot, query, plan), query.visibilities)

    def suggest(
        self, text: str, *, visibilities: tuple[str, ...], prefer_language: str = "", limit: int = 5
    ) -> list[Hit]:
        """Documents that may answer a question being typed."""
        return self._read(
            lambda snapshot: searching.suggest(snapshot, text, visibilities, prefer_language, limit), visibilities
        )

    def apply(self, puts: Iterable[Document], deletes: Iterable[str]) -> None:
        """Add or replace documents and remove others, all or nothing."""
        documents = {document.id: document for document in puts}
        with _trouble_is_unavailability(), self._engine.begin() as connection:
            postgres_tables.lock(connection, _WAIT)
            _check(connection)
            postgres_tables.replace(connection, list(documents.values()), deletes)

    def rebuild(self, documents: Iterable[Document]) -> int:
        """Build the index anew in one transaction: until it ends, everybody searches the old one."""
        with _trouble_is_unavailability(), self._engine.begin() as connection:
            postgres_tables.lock(connection, _WAIT)
            count = postgres_tables.replace_all(connection, _each_once(documents))
            connection.exec_driver_sql("ANALYZE search_document, search_posting, search_word")
        return count

    def health(self) -> Health:
        """Whether the index can be read, and what is in it."""
        try:
            with _trouble_is_unavailability(), self._engine.connect() as connection:
                version = _check(connection).version
                documents = connection.execute(text("SELECT count(*) FROM search_document")).scalar_one()
        except IndexUnavailable as problem:
            return Health(ok=False, problem=str(problem))
        return Health(ok=True, documents=documents, version=str(version))

    def _read(self, answer: Callable[[PostgresSnapshot], _Answer], visibilities: tuple[str, ...]) -> _Answer:
        for _ in range(_TRIES):
            with contextlib.suppress(Changed), _trouble_is_unavailability(), self._reading.connect() as connection:
                # Every statement tells whether what is remembered still holds: often no other has to ask for it.
                if self._remembered is not None:
                    with contextlib.suppress(Changed):
                        return self._answer(connection, self._remembered, answer, visibilities)
                state = _check(connection)
                self._remembered = current(connection, self._remembered, state.version, state.removed)
                return self._answer(connection, self._remembered, answer, visibilities)
        raise IndexUnavailable("The index is being written all the time")

    def _answer(
        self,
        connection: Connection,
        remembered: Remembered,
        answer: Callable[[PostgresSnapshot], _Answer],
        visibilities: tuple[str, ...],
    ) -> _Answer:
        snapshot = PostgresSnapshot(connection, remembered, visibilities)
        answered = answer(snapshot)
        if not snapshot.has_asked and _check(connection).version != remembered.version:
            raise Changed
        return answered


@contextlib.contextmanager
def _trouble_is_unavailability() -> Iterator[None]:
    try:
        yield
    except SQLAlchemyError as problem:
        raise IndexUnavailable(f"The index cannot be read or written ({type(problem).__name__})") from problem


def _each_once(documents: Iterable[Document]) -> Iterator[Document]:
    seen: set[str] = set()
    for document in documents:
        if document.id not in seen:
            seen.add(document.id)
            yield document


def _check(connection: Connection) -> Any:
    """The state of the index. Raises `IndexUnavailable` when it was not made by this version of the code."""
    row = connection.exec_driver_sql("SELECT stamp, version, removed FROM search_state").one_or_none()
    if row is None:
        raise IndexUnavailable("There is no index yet")
    if row.stamp != STAMP:
        raise IndexUnavailable("The index is of another version")
    return row

"""The search index inside PostgreSQL, for installations of more than one machine."""

import contextlib
import math
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import SQLAlchemyError

from core.query_words import TOO_COMMON
from core.tsvector import all_of, any_of, lexeme, phrase
from core.words import LANGUAGES, base_language, fold
from kb.search import analysis, postgres_tables
from kb.search.analysis import LANGUAGE_BOOST, Need, Plan
from kb.search.facets import Cube, count_facets
from kb.search.hits import Marker, Shown, hit
from kb.search.postgres_tables import STAMP
from kb.search.protocol import MOST_COUNTED, Document, Health, Hit, IndexUnavailable, Query, Results
from kb.search.spelling import is_checked, letters, most_edits, nearest, respell
from kb.search.suggestions import CLOSELY_LOOKED_AT, MOST_QUESTION_NEEDS, Near, closest

_WAIT = 5.0
_MOST_BEGINNINGS = 60

# The weights of D, C, B and A: the same as those of text, summary, headings and title elsewhere, with the title as 1.
_RANK = "ts_rank('{0.25, 0.375, 0.5, 1.0}', tsv, CAST(:rank AS tsquery), 1)"
_SHOWN = "id, kind, topic, country, language, url, title, summary, body, updated"

_Answer = TypeVar("_Answer")


@dataclass(slots=True)
class _Condition:
    """What documents must meet, in SQL."""

    sql: str
    values: dict[str, Any] = field(default_factory=dict)

    def plus(self, sql: str, **values: Any) -> "_Condition":
        return _Condition(f"{self.sql} AND {sql}", {**self.values, **values})


class PostgresIndex:
    """A `SearchIndex` in the tables of `kb.search.postgres_tables`."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def search(self, query: Query) -> Results:
        """Documents that hold all of the words (or, when those are few, some of them), best first."""
        plan = analysis.plan(query.text, prefer_language=query.prefer_language, prefix_last=query.prefix_last)
        if not plan.needs:
            return Results(refused=plan.refused)
        return self._read(lambda connection: _search(connection, query, plan))

    def suggest(
        self, text: str, *, visibilities: tuple[str, ...], prefer_language: str = "", limit: int = 5
    ) -> list[Hit]:
        """Documents that may answer a question being typed."""
        return self._read(lambda connection: _suggest(connection, text, visibilities, prefer_language, limit))

    def apply(self, puts: Iterable[Document], deletes: Iterable[str]) -> None:
        """Add or replace documents and remove others, all or nothing."""
        documents = {document.id: document for document in puts}
        with _trouble_is_unavailability(), self._engine.begin() as connection:
            postgres_tables.lock(connection, _WAIT)
            _check(connection)
            postgres_tables.remove(connection, [*documents, *deletes])
            postgres_tables.add(connection, documents.values())
            postgres_tables.touch(connection)

    def rebuild(self, documents: Iterable[Document]) -> int:
        """Build the index anew in one transaction: until it ends, everybody searches the old one."""
        with _trouble_is_unavailability(), self._engine.begin() as connection:
            postgres_tables.lock(connection, _WAIT)
            postgres_tables.clear(connection)
            count = postgres_tables.add(connection, _each_once(documents))
            postgres_tables.touch(connection)
            connection.exec_driver_sql("ANALYZE search_document, search_word")
        return count

    def health(self) -> Health:
        """Whether the index can be read, and what is in it."""
        try:
            version, documents = self._read(
                lambda connection: (
                    _check(connection),
                    connection.execute(text("SELECT count(*) FROM search_document")).scalar_one(),
                )
            )
        except IndexUnavailable as problem:
            return Health(ok=False, problem=str(problem))
        return Health(ok=True, documents=documents, version=version)

    def _read(self, answer: Callable[[Connection], _Answer]) -> _Answer:
        with _trouble_is_unavailability(), self._engine.connect() as connection:
            _check(connection)
            return answer(connection)


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


def _check(connection: Connection) -> str:
    """The version of what is there. Raises `IndexUnavailable` when it was not made by this version of the code."""
    row = connection.execute(text("SELECT stamp, version FROM search_state")).one_or_none()
    if row is None:
        raise IndexUnavailable("There is no index yet")
    if row.stamp != STAMP:
        raise IndexUnavailable("The index is of another version")
    return str(row.version)


def _search(connection: Connection, query: Query, plan: Plan) -> Results:
    beginnings = _beginnings(connection, plan.needs, query.visibilities)
    asked = {need: _tsquery(need, beginnings) for need in (*plan.needs, *plan.unwanted)}
    seen = _Condition("visibility = ANY(:visibilities)", {"visibilities": list(query.visibilities)})
    if plan.unwanted:
        seen = seen.plus("NOT tsv @@ CAST(:without AS tsquery)", without=any_of(asked[need] for need in plan.unwanted))
    full = seen.plus("tsv @@ CAST(:full AS tsquery)", full=all_of(asked[need] for need in plan.required))
    cube = _cube(connection, full)
    total = _passing(cube, query)
    matching, tier, suggestion = full, "1", ""
    if total < analysis.FEW:
        frequencies = _frequencies(connection, plan.required, asked, query.visibilities)
        suggestion = _respelled(connection, plan, frequencies, query.visibilities)
        known = [need for need in plan.required if frequencies[need]]
        if known and len(plan.required) > 1:
            weights = _rarity([frequencies[need] for need in known], _count(connection, query.visibilities))
            share, values = _share([asked[need] for need in known], weights)
            tier = f"CASE WHEN tsv @@ CAST(:full AS tsquery) THEN 2.0 ELSE {share} / {sum(weights)!r} END"
            some = any_of(asked[need] for need in known)
            matching = seen.plus("tsv @@ CAST(:some AS tsquery)", some=some, full=full.values["full"], **values)
            matching = matching.plus(f"{tier} >= {analysis.LEAST_SHARE!r}")
            cube = _cube(connection, matching)
            total = _passing(cube, query)
    rank = any_of(asked[need] for need in plan.needs)
    hits = _hits(connection, query, plan, matching, tier, rank) if total else ()
    nothing_asked = not total and not any(need.required for need in plan.needs)
    return Results(
        hits=hits,
        total=min(total, MOST_COUNTED),
        is_capped=total > MOST_COUNTED,
        facets=count_facets(cube, query),
        suggestion=suggestion,
        refused=plan.refused or (TOO_COMMON if nothing_asked else ""),
    )


def _tsquery(need: Need, beginnings: dict[str, list[str]]) -> str:
    ways = [phrase(alternative.terms) for alternative in need.alternatives]
    return any_of(dict.fromkeys(ways + [lexeme(term) for term in beginnings.get(need.prefix, ())]))


def _beginnings(connection: Connection, needs: Iterable[Need], visibilities: tuple[str, ...]) -> dict[str, list[str]]:
    """For each prefix the terms of the most frequent visible words that begin so."""
    found: dict[str, list[str]] = {}
    for prefix in {need.prefix for need in needs if need.prefix}:
        found[prefix] = list(
            connection.execute(
                text(
                    "SELECT term FROM search_word WHERE folded LIKE :prefix AND visibility = ANY(:visibilities) "
                    "GROUP BY term ORDER BY sum(documents) DESC LIMIT :most"
                ),
                {
                    "prefix": prefix.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_") + "%",
                    "visibilities": list(visibilities),
                    "most": _MOST_BEGINNINGS,
                },
            ).scalars()
        )
    return found


def _cube(connection: Connection, condition: _Condition) -> Cube:
    rows = connection.execute(
        text(
            f"SELECT kind, topic, language, country, count(*) FROM search_document WHERE {condition.sql} "  # noqa: S608
            "GROUP BY kind, topic, language, country"
        ),
        condition.values,
    )
    return Counter({(kind, topic, language, country): count for kind, topic, language, country, count in rows})


def _passing(cube: Cube, query: Query) -> int:
    filters = (query.kinds, query.topics, query.languages, query.countries)
    return sum(
        count
        for key, count in cube.items()
        if all(not wanted or value in wanted for value, wanted in zip(key, filters, strict=True))
    )


def _count(connection: Connection, visibilities: tuple[str, ...]) -> int:
    return int(
        connection.execute(
            text("SELECT count(*) FROM search_document WHERE visibility = ANY(:visibilities)"),
            {"visibilities": list(visibilities)},
        ).scalar_one()
    )


def _rarity(frequencies: Sequence[int], documents: int) -> list[float]:
    return [round(math.log(1 + max(documents - n, 0) / (n + 0.5) + 0.5), 4) for n in frequencies]


def _share(queries: Sequence[str], weights: Sequence[float]) -> tuple[str, dict[str, str]]:
    """In SQL, what the words that a document holds weigh together."""
    values = {f"need_{i}": query for i, query in enumerate(queries)}
    cases = [
        f"CASE WHEN tsv @@ CAST(:need_{i} AS tsquery) THEN {weight!r} ELSE 0.0 END" for i, weight in enumerate(weights)
    ]
    return f"({' + '.join(cases)})", values


def _frequencies(
    connection: Connection, needs: Sequence[Need], asked: dict[Need, str], visibilities: tuple[str, ...]
) -> dict[Need, int]:
    """How many visible documents meet each need."""
    values: dict[str, Any] = {f"need_{i}": asked[need] for i, need in enumerate(needs)}
    counts = ", ".join(
        f"(SELECT count(*) FROM search_document WHERE visibility = ANY(:visibilities) "  # noqa: S608
        f"AND tsv @@ CAST(:need_{i} AS tsquery))"
        for i in range(len(needs))
    )
    row = connection.execute(text(f"SELECT {counts}"), {**values, "visibilities": list(visibilities)}).one()
    return dict(zip(needs, row, strict=True))


def _hits(  # noqa: PLR0917
    connection: Connection, query: Query, plan: Plan, matching: _Condition, tier: str, rank: str
) -> tuple[Hit, ...]:
    condition = matching
    for column, wanted in (
        ("kind", query.kinds),
        ("topic", query.topics),
        ("language", query.languages),
        ("country", query.countries),
    ):
        if wanted:
            condition = condition.plus(f"{column} = ANY(:{column})", **{column: list(wanted)})
    limit = max(0, min(query.limit, MOST_COUNTED - query.offset))
    rows = connection.execute(
        text(
            f"SELECT {_SHOWN}, {tier} AS tier, {_score(query.prefer_language)} AS score "  # noqa: S608
            f"FROM search_document WHERE {condition.sql} "
            "ORDER BY tier DESC, score DESC, updated DESC, id LIMIT :limit OFFSET :offset"
        ),
        {**condition.values, "rank": rank, "base": base_language(query.prefer_language), "limit": limit,
         "offset": query.offset},
    )  # fmt: skip
    marker = Marker(plan)
    return tuple(hit(_shown(row), float(row.tier) * float(row.score), marker[row.language]) for row in rows)


def _score(prefer_language: str) -> str:
    if base_language(prefer_language) not in LANGUAGES:
        return f"{_RANK} * boost"
    return f"{_RANK} * boost * CASE WHEN left(language, 2) = :base THEN {LANGUAGE_BOOST} ELSE 1.0 END"


def _shown(row: Any) -> Shown:
    return Shown(
        id=row.id, kind=row.kind, topic=row.topic, country=row.country, language=row.language, url=row.url,
        title=row.title, summary=row.summary, text=row.body, updated=row.updated.astimezone(UTC),
    )  # fmt: skip


def _respelled(connection: Connection, plan: Plan, frequencies: dict[Need, int], visibilities: tuple[str, ...]) -> str:
    """The query with every unknown word replaced by the nearest known one, or empty."""
    corrections = []
    for need, frequency in frequencies.items():
        word = need.clause.words[0]
        if frequency or not need.required or len(need.clause.words) > 1 or not is_checked(fold(word.text)):
            continue
        better = _nearest_visible(connection, fold(word.text), visibilities)
        if better:
            corrections.append((word.start, word.end, better))
    return respell(plan.text, corrections) if corrections else ""


def _nearest_visible(connection: Connection, folded: str, visibilities: tuple[str, ...]) -> str:
    most = most_edits(folded)
    rows = connection.execute(
        text(
            "SELECT folded, sum(documents) FROM search_word WHERE visibility = ANY(:visibilities) "
            "AND length BETWEEN :shortest AND :longest "
            "AND bit_count(CAST(letters # :letters AS bit(32))) <= :differing GROUP BY folded"
        ),
        {
            "visibilities": list(visibilities),
            "shortest": len(folded) - most,
            "longest": len(folded) + most,
            "letters": letters(folded),
            "differing": 2 * most,
        },
    )
    counts = {word: int(documents) for word, documents in rows if is_checked(word)}
    near = nearest(folded, counts)
    if not near:
        return ""
    _, best = min(near, key=lambda pair: (pair[0], pair[1][0] != folded[0], -counts[pair[1]]))
    word: str = connection.execute(
        text(
            "SELECT word FROM search_word WHERE folded = :folded AND visibility = ANY(:visibilities) "
            "GROUP BY word ORDER BY sum(documents) DESC, word LIMIT 1"
        ),
        {"folded": best, "visibilities": list(visibilities)},
    ).scalar_one()
    return word.rpartition("\t")[2]


def _suggest(
    connection: Connection, question: str, visibilities: tuple[str, ...], prefer_language: str, limit: int
) -> list[Hit]:
    words, growing = analysis.question_words(question)
    needs = [analysis.plan_word(word, prefer_language, growing if fold(word) == growing else "") for word in words]
    asked = _rarest(connection, needs, visibilities)
    if not asked:
        return []
    beginnings = _beginnings(connection, [need for _, need in asked], visibilities)
    queries = [_tsquery(need, beginnings) for _, need in asked]
    share, values = _share(queries, [weight for weight, _ in asked])
    held, _ = _share(queries, [1] * len(queries))
    rows = connection.execute(
        text(
            f"SELECT {_SHOWN}, {held} AS held, {share} AS share, {share} * {_score(prefer_language)} AS score "  # noqa: S608
            "FROM search_document WHERE visibility = ANY(:visibilities) AND tsv @@ CAST(:rank AS tsquery) "
            "ORDER BY score DESC, id LIMIT :limit"
        ),
        {**values, "visibilities": list(visibilities), "rank": any_of(queries),
         "base": base_language(prefer_language), "limit": CLOSELY_LOOKED_AT},
    )  # fmt: skip
    near = [Near(float(row.score), int(row.held), float(row.share), _shown(row)) for row in rows]
    return closest(near, asked, len(words), limit)


def _rarest(connection: Connection, needs: Sequence[Need], visibilities: tuple[str, ...]) -> list[tuple[float, Need]]:
    """The needs with the fewest visible documents, at least one, with how telling each is."""
    terms = {alternative.terms[0][1] for need in needs for alternative in need.alternatives}
    rows = connection.execute(
        text(
            "SELECT term, max(documents) FROM search_word WHERE term = ANY(:terms) "
            "AND visibility = ANY(:visibilities) GROUP BY term"
        ),
        {"terms": list(terms), "visibilities": list(visibilities)},
    )
    documents = {term: int(count) for term, count in rows}
    counted: list[tuple[int, int, Need]] = []
    for i, need in enumerate(needs):
        frequency = sum(documents.get(alternative.terms[0][1], 0) for alternative in need.alternatives)
        if frequency or need.prefix:
            counted.append((frequency, i, need))
    counted.sort(key=lambda one: (0 if one[2].prefix else one[0], one[1]))
    del counted[MOST_QUESTION_NEEDS:]
    every = _count(connection, visibilities)
    return list(zip(_rarity([count for count, _, _ in counted], every), [need for *_, need in counted], strict=True))

"""Searching the PostgreSQL index. Every count and every word used here is of documents the person may see."""

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC
from typing import Any

from sqlalchemy import Connection, text

from core.query_words import TOO_COMMON
from core.tsvector import all_of, any_of, lexeme, phrase
from core.words import LANGUAGES, base_language
from kb.search import analysis
from kb.search.analysis import LANGUAGE_BOOST, Need, Plan
from kb.search.facets import Cube, count_facets
from kb.search.hits import Marker, Shown, hit
from kb.search.postgres_spelling import respelled
from kb.search.protocol import MOST_COUNTED, Hit, Query, Results
from kb.search.reasons import told
from kb.search.suggestions import CLOSELY_LOOKED_AT, MOST_QUESTION_NEEDS, Near, closest
from kb.search.weighing import MOST_WEIGHED, Telling, ranked, several

_MOST_BEGINNINGS = 60
_SIDE_BY_SIDE = 0.25

# The weights of D, C, B and A: the same as those of text, summary, headings and title elsewhere, with the title as 1.
_RANK = "ts_rank('{0.25, 0.375, 0.5, 1.0}', %s, CAST(:rank AS tsquery), 1)"
_SHOWN = "id, kind, topic, country, language, url, title, summary, body, updated"


@dataclass(frozen=True, slots=True)
class _Matching:
    """Documents that match, as the body of a query that gives `id` and `tier` (higher first), with its values."""

    sql: str
    values: dict[str, Any] = field(default_factory=dict)


def search(connection: Connection, query: Query, plan: Plan) -> Results:
    """Find, count, suggest a spelling."""
    if plan.is_too_much:
        plan = plan.most_telling(_telling(connection, plan.needs, {}, query.visibilities))
    beginnings = _beginnings(connection, plan.needs, query.visibilities)
    asked = {need: _tsquery(need, beginnings) for need in (*plan.needs, *plan.unwanted)}
    matching = _all_words(query, plan, asked)
    if plan.is_question:
        matching = _answering(connection, query, plan, asked, matching)
    cube = _cube(connection, matching)
    total = _passing(cube, query)
    suggestion = ""
    if total < analysis.FEW and not plan.is_question:
        frequencies = _frequencies(connection, plan.required, asked, query.visibilities)
        suggestion = respelled(connection, plan, frequencies, query.visibilities)
        known = [need for need in plan.required if frequencies[need]]
        if known and len(plan.required) > 1:
            weights = _rarity([frequencies[need] for need in known], _count(connection, query.visibilities))
            matching = _some_words(matching, [asked[need] for need in known], weights)
            cube = _cube(connection, matching)
            total = _passing(cube, query)
    elif total < analysis.FEW:
        suggestion = respelled(
            connection, plan, _frequencies(connection, plan.required, asked, query.visibilities), query.visibilities
        )
    nothing_asked = not total and not any(need.required for need in plan.needs)
    return Results(
        hits=_hits(connection, query, plan, matching, beginnings) if total else (),
        total=min(total, MOST_COUNTED),
        is_capped=total > MOST_COUNTED,
        facets=count_facets(cube, query),
        suggestion=suggestion,
        refused=plan.refused or (TOO_COMMON if nothing_asked else ""),
    )


def _all_words(query: Query, plan: Plan, asked: dict[Need, str]) -> _Matching:
    sql = (
        "SELECT id, 1.0 AS tier FROM search_document "
        "WHERE visibility = ANY(:visibilities) AND tsv @@ CAST(:full AS tsquery)"
    )
    values = {"visibilities": list(query.visibilities), "full": all_of(asked[need] for need in plan.required)}
    if plan.unwanted:
        sql += " AND id NOT IN (SELECT id FROM search_document WHERE tsv @@ CAST(:without AS tsquery))"
        values["without"] = any_of(asked[need] for need in plan.unwanted)
    return _Matching(sql, values)


def _answering(connection: Connection, query: Query, plan: Plan, asked: dict[Need, str], full: _Matching) -> _Matching:
    """The documents that hold some words of a question, by what these weigh together."""
    weights = _telling(connection, plan.needs, {}, query.visibilities)
    known = [(asked[need], weight) for need, weight in zip(plan.needs, weights, strict=True) if weight]
    if not known:
        return full
    weighed, values = _weighed([each for each, _ in known], [weight for _, weight in known])
    without = " AND id NOT IN (SELECT id FROM search_document WHERE tsv @@ CAST(:without AS tsquery))"
    least = analysis.LEAST_SHARE_OF_QUESTION * sum(weight for _, weight in known)
    sql = (
        f"SELECT id, weight AS tier FROM ({weighed}) AS weighed WHERE weight >= {least!r}"  # noqa: S608
        f"{without if 'without' in full.values else ''}"
    )
    return _Matching(sql, {name: value for name, value in full.values.items() if name != "full"} | values)


def _telling(
    connection: Connection, needs: Sequence[Need], beginnings: dict[str, list[str]], visibilities: tuple[str, ...]
) -> list[float]:
    """How telling each need is: rare and no word of every sentence; 0 for what no visible document holds."""
    terms = {term for need in needs for term in _terms(need, beginnings)}
    rows = connection.execute(
        text(
            "SELECT term, max(documents) FROM search_word WHERE term = ANY(:terms) "
            "AND visibility = ANY(:visibilities) GROUP BY term"
        ),
        {"terms": list(terms), "visibilities": list(visibilities)},
    )
    documents = {term: int(count) for term, count in rows}
    every = _count(connection, visibilities)
    counts = [_held_by(need, documents, beginnings, every) for need in needs]
    return [
        round(rarity * need.telling, 4) if count else 0.0
        for need, count, rarity in zip(needs, counts, _rarity(counts, every), strict=True)
    ]


def _held_by(need: Need, documents: dict[str, int], beginnings: dict[str, list[str]], every: int) -> int:
    """About how many documents meet a need, as if its alternatives had nothing to do with each other."""
    without = 1.0
    for way in need.alternatives:
        least = min(documents.get(term, 0) for _, term in way.terms)
        # Words that are in one document seldom stand side by side in it.
        without *= 1 - min(least / max(every, 1), 1.0) * (1.0 if len(way.terms) == 1 else _SIDE_BY_SIDE)
    for term in beginnings.get(need.prefix, ()) if need.prefix else ():
        without *= 1 - min(documents.get(term, 0) / max(every, 1), 1.0)
    return min(math.ceil((1 - without) * every), every)


def _terms(need: Need, beginnings: dict[str, list[str]]) -> set[str]:
    return {term for way in need.alternatives for _, term in way.terms} | set(beginnings.get(need.prefix, ()))


def _some_words(full: _Matching, queries: Sequence[str], weights: Sequence[float]) -> _Matching:
    """Besides the documents with all words, those in which the words found weigh enough together."""
    weighed, values = _weighed(queries, weights)
    without = " AND id NOT IN (SELECT id FROM search_document WHERE tsv @@ CAST(:without AS tsquery))"
    sql = (
        f"SELECT id, CASE WHEN in_full.tier IS NULL THEN weight / {sum(weights)!r} ELSE 2.0 END AS tier "  # noqa: S608
        f"FROM ({weighed}) AS weighed LEFT JOIN ({full.sql}) AS in_full USING (id) "
        f"WHERE (in_full.tier IS NOT NULL OR weight >= {analysis.LEAST_SHARE * sum(weights)!r})"
        f"{without if 'without' in full.values else ''}"
    )
    return _Matching(sql, {**full.values, **values})


def _weighed(queries: Sequence[str], weights: Sequence[float]) -> tuple[str, dict[str, str]]:
    """Every visible document that meets any of the queries: how many of them, and what they weigh together."""
    each = " UNION ALL ".join(
        f"SELECT id, CAST({weight!r} AS float) AS weight FROM search_document "  # noqa: S608
        f"WHERE visibility = ANY(:visibilities) AND tsv @@ CAST(:need_{i} AS tsquery)"
        for i, weight in enumerate(weights)
    )
    sql = f"SELECT id, sum(weight) AS weight, count(*) AS held FROM ({each}) AS each_need GROUP BY id"  # noqa: S608
    return sql, {f"need_{i}": query for i, query in enumerate(queries)}


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


def _cube(connection: Connection, matching: _Matching) -> Cube:
    rows = connection.execute(
        text(
            f"SELECT kind, topic, language, country, count(*) FROM ({matching.sql}) AS matching "  # noqa: S608
            "JOIN search_document USING (id) GROUP BY kind, topic, language, country"
        ),
        matching.values,
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
    return [round(math.log(1 + (max(documents - n, 0) + 0.5) / (n + 0.5)), 4) for n in frequencies]


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


def _hits(
    connection: Connection, query: Query, plan: Plan, matching: _Matching, beginnings: dict[str, list[str]]
) -> tuple[Hit, ...]:
    filters: dict[str, list[str]] = {}
    for column, wanted in (
        ("kind", query.kinds),
        ("topic", query.topics),
        ("language", query.languages),
        ("country", query.countries),
    ):
        if wanted:
            filters[column] = list(wanted)
    where = " AND ".join(f"{column} = ANY(:{column})" for column in filters) or "true"
    upto = min(query.offset + query.limit, MOST_COUNTED)
    rows = connection.execute(
        text(
            f"WITH placed AS (SELECT id, tier, language, boost, updated, row_number() OVER "  # noqa: S608
            f"(ORDER BY tier DESC, {_score(query.prefer_language) % 'head'} DESC, updated DESC, id) AS place "
            f"FROM ({matching.sql}) AS matching JOIN search_document USING (id) WHERE {where}) "
            "SELECT placed.*, held.terms, held.weights FROM placed JOIN search_document USING (id), "
            "LATERAL (SELECT array_agg(listed.term) AS terms, array_agg(listed.weight) AS weights "
            "FROM unnest(search_document.terms, search_document.weights) AS listed (term, weight) "
            f"WHERE placed.place <= {MOST_WEIGHED} AND listed.term = ANY(:terms)) AS held "
            "WHERE place <= :last ORDER BY place"
        ),
        {
            **matching.values,
            **filters,
            "rank": any_of(_tsquery(need, beginnings) for need in plan.needs),
            "base": base_language(query.prefer_language),
            "last": max(upto, MOST_WEIGHED),
            "terms": list({term for need in plan.needs for term in _terms(need, beginnings)}),
        },
    ).all()
    telling = Telling(
        _telling(connection, plan.needs, beginnings, query.visibilities), beginnings,
        _side_by_side(connection, rows, plan),
    )  # fmt: skip
    best = ranked(rows, plan, telling, query.prefer_language)[query.offset : upto]
    found = connection.execute(
        text(f"SELECT {_SHOWN} FROM search_document WHERE id = ANY(:ids)"),  # noqa: S608
        {"ids": [row.id for _, row in best]},
    )
    shown = {row.id: row for row in found}
    marker = Marker(plan)
    shown_best = [(score, _shown(shown[row.id])) for score, row in best if row.id in shown]
    return tuple(told(hit(one, score, marker[one.language]), one, plan, query) for score, one in shown_best)


def _side_by_side(connection: Connection, rows: Sequence[Any], plan: Plan) -> frozenset[tuple[str, str]]:
    """Which documents hold words of the query side by side, among those that hold all of them: (id, phrase)."""
    phrases = {phrase(way.terms): [term for _, term in way.terms] for way in several(plan)}
    asked = [
        (row.id, text_)
        for row in rows[:MOST_WEIGHED] if row.terms and (held := set(row.terms))
        for text_, terms in phrases.items() if held.issuperset(terms)
    ]  # fmt: skip
    if not asked:
        return frozenset()
    found = connection.execute(
        text(
            "SELECT asked.id, asked.phrase FROM unnest(CAST(:ids AS text[]), CAST(:phrases AS text[])) "
            "AS asked (id, phrase) JOIN search_document USING (id) WHERE tsv @@ CAST(asked.phrase AS tsquery)"
        ),
        {"ids": [number for number, _ in asked], "phrases": [text_ for _, text_ in asked]},
    )
    return frozenset((row.id, row.phrase) for row in found)


def _score(prefer_language: str) -> str:
    """The score by a vector (to be filled in) in SQL."""
    if base_language(prefer_language) not in LANGUAGES:
        return f"{_RANK} * boost"
    return f"{_RANK} * boost * CASE WHEN left(language, 2) = :base THEN {LANGUAGE_BOOST} ELSE 1.0 END"


def _shown(row: Any) -> Shown:
    return Shown(
        id=row.id, kind=row.kind, topic=row.topic, country=row.country, language=row.language, url=row.url,
        title=row.title, summary=row.summary, text=row.body, updated=row.updated.astimezone(UTC),
    )  # fmt: skip


def suggest(
    connection: Connection, question: str, visibilities: tuple[str, ...], prefer_language: str, limit: int
) -> list[Hit]:
    """Documents near to a question: those that share its rarer words, above all in their titles."""
    words, growing = analysis.question_words(question)
    needs = analysis.plan_words(words, prefer_language, growing)
    asked = _rarest(connection, needs, visibilities)
    if not asked:
        return []
    beginnings = _beginnings(connection, [need for _, need in asked], visibilities)
    queries = [_tsquery(need, beginnings) for _, need in asked]
    weighed, values = _weighed(queries, [weight for weight, _ in asked])
    score = _score(prefer_language)
    rows = connection.execute(
        text(
            f"WITH near AS (SELECT id, weight, held FROM ({weighed}) AS weighed "  # noqa: S608
            f"JOIN search_document USING (id) ORDER BY weight * (0.05 + {score % 'head'}) DESC, id LIMIT :most) "
            f"SELECT {_SHOWN}, weight, held, weight * {score % 'tsv'} AS score "
            "FROM near JOIN search_document USING (id) ORDER BY score DESC, id LIMIT :looked_at"
        ),
        {
            **values,
            "visibilities": list(visibilities),
            "rank": any_of(queries),
            "base": base_language(prefer_language),
            "most": 3 * CLOSELY_LOOKED_AT,
            "looked_at": CLOSELY_LOOKED_AT,
        },
    )
    near = [Near(float(row.score), int(row.held), float(row.weight), _shown(row)) for row in rows]
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

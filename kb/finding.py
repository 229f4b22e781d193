"""Finding articles and past answers: the one door to search for pages, API and commands.

The index finds; the database has the last word on what a person may see. Without an index the database answers alone.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import func, literal, or_, select

from accounts.models import User
from core.db import db
from core.passages import Wanted, mark, passage
from core.query_words import ParsedQuery, parse
from core.words import fold, is_content
from kb import meaning, search_filters, synonym_groups
from kb.indexing import search_index
from kb.models import READABLE, Answer, Article, visibilities_of
from kb.search import Hit, IndexUnavailable, Query, Results
from kb.search.facets import Cube, count_facets
from kb.search.protocol import MOST_COUNTED
from kb.slugs import answer_path, article_path

MOST_READ = 200
NOTHING_WANTED = Wanted(stems={}, codes=frozenset())
_KINDS: dict[str, Any] = {"article": Article, "answer": Answer}


def find(
    text: str, *, user: User | None, kinds: Sequence[str] = (), topics: Sequence[str] = (),
    countries: Sequence[str] = (), languages: Sequence[str] = (), language: str = "", limit: int = 10, offset: int = 0,
    prefix_last: bool = False, with_reasons: bool = False,
) -> Results:  # fmt: skip
    """What was published and holds the words, best first; nothing in it, counts included, that the person may not see.

    :param text: as it was typed, with filters (`kb.search_filters`).
    :param language: of the person; documents in it rank first.
    """
    query = Query(
        text=text, kinds=tuple(kinds), topics=tuple(topics), countries=tuple(countries), languages=tuple(languages),
        visibilities=visibilities_of(user), prefer_language=language, limit=limit, offset=offset,
        prefix_last=prefix_last, with_reasons=with_reasons,
    )  # fmt: skip
    asked_for = search_filters.read(text, query.visibilities, is_growing=prefix_last)
    query = search_filters.narrowed(query, asked_for)
    if asked_for.typed and not query.text:
        return search_filters.told(_listed(query), asked_for)
    synonym_groups.refresh()
    by_meaning = meaning.is_on() and not prefix_last
    asked = replace(query, limit=max(limit + offset, meaning.RANKED_ANEW), offset=0) if by_meaning else query
    try:
        results = search_index().search(asked)
    except IndexUnavailable:
        return search_filters.told(_find_in_database(query), asked_for)
    if by_meaning:
        results = meaning.near(query, results)
    results = search_filters.told(results, asked_for)
    hits = _still_visible(results.hits, user)
    return results if len(hits) == len(results.hits) else replace(results, hits=tuple(hits))


def suggest(
    text: str, *, user: User | None, language: str = "", limit: int = 5, is_checked_later: bool = False
) -> list[Hit]:  # fmt: skip
    """What may answer a question that is being typed.

    :param is_checked_later: the caller reads the rows anyway, and leaves out itself what was withdrawn a moment ago.
    """
    synonym_groups.refresh()
    try:
        hits = search_index().suggest(
            text, visibilities=visibilities_of(user), prefer_language=language, limit=limit
        )  # fmt: skip
    except IndexUnavailable:
        query = Query(text=text, visibilities=visibilities_of(user), prefer_language=language, limit=limit)
        return list(_find_in_database(query, every_word=False).hits)
    return hits if is_checked_later else _still_visible(hits, user)


def _still_visible(hits: Iterable[Hit], user: User | None) -> list[Hit]:
    """The hits without those withdrawn or closed a moment ago, which the index may not know yet."""
    hits = list(hits)
    seen: set[str] = set()
    for kind, model in _KINDS.items():
        numbers = [int(hit.id.partition(":")[2]) for hit in hits if hit.kind == kind]
        if numbers:
            rows = db.session.scalars(
                select(model.id).where(
                    model.id.in_(numbers), model.state.in_(READABLE), model.visibility.in_(visibilities_of(user))
                )
            )
            seen.update(f"{kind}:{number}" for number in rows)
    return [hit for hit in hits if hit.id in seen]


def _find_in_database(query: Query, *, every_word: bool = True) -> Results:
    """The same from the database: slower, without stems, spelling or ranks that mean much."""
    parsed = parse(query.text, prefix_last=query.prefix_last)
    words, unwanted = _words(parsed)
    if not words:
        return Results(refused=parsed.refused)
    found: list[tuple[float, Hit]] = []
    wanted = Wanted(stems={}, codes=frozenset(fold(word) for word in words))
    for kind, model in _KINDS.items():
        for row in db.session.execute(_statement(model, words, unwanted, query, every_word=every_word)).all():
            found.append(_hit(kind, row, words, wanted, query.prefer_language))
    found.sort(key=lambda pair: (-pair[0], pair[1].title))
    hits = [hit for _score, hit in found]
    facets = {name: _count(hits, query, name) for name in ("kind", "topic", "language", "country")}
    passing = [hit for hit in hits if _passes(hit, query, but="")]
    return Results(
        hits=tuple(passing[query.offset : query.offset + query.limit]), total=len(passing),
        is_capped=len(found) >= MOST_READ, facets=facets, refused=parsed.refused,
    )  # fmt: skip


def _listed(query: Query) -> Results:
    """Everything that the filters of a query leave, the newest first, whatever its text."""
    cube: Cube = Counter()
    hits: list[Hit] = []
    filters = (("topic", query.topics), ("language", query.languages), ("country", query.countries))
    for kind, model in _KINDS.items():
        statement = _statement(model, [], [], query, every_word=True)
        columns = {column.name: column for column in statement.selected_columns}
        named = [columns[name] for name in ("topic", "language", "country")]
        counts = statement.with_only_columns(*named, func.count()).group_by(model.topic, model.language)
        counts = counts.group_by(model.country) if model is Answer else counts
        for topic, language, country, count in db.session.execute(counts.order_by(None).limit(None)):
            cube[(kind, topic, language, country)] += count
        if query.kinds and kind not in query.kinds:
            continue
        for name, values in filters:
            statement = statement.where(columns[name].in_(values)) if values else statement
        newest = statement.order_by(None).order_by(model.updated_at.desc(), model.id).limit(query.offset + query.limit)
        hits += [_hit(kind, row, [], NOTHING_WANTED, "")[1] for row in db.session.execute(newest)]
    hits.sort(key=lambda hit: hit.updated, reverse=True)
    chosen = (query.kinds, query.topics, query.languages, query.countries)
    total = sum(n for key, n in cube.items() if all(not v or k in v for k, v in zip(key, chosen, strict=True)))
    return Results(
        hits=tuple(hits[query.offset : query.offset + query.limit]), total=min(total, MOST_COUNTED),
        is_capped=total > MOST_COUNTED, facets=count_facets(cube, query),
    )  # fmt: skip


def _words(parsed: ParsedQuery) -> tuple[list[str], list[str]]:
    languages = ("en", "es", "fr")

    def telling(word: str) -> bool:
        return all(is_content(word, language) for language in languages)

    wanted = [word.text for clause in parsed.wanted for word in clause.words]
    unwanted = [word.text for clause in parsed.unwanted for word in clause.words]
    return list(dict.fromkeys(word for word in wanted if telling(word)))[:12], unwanted[:12]


def _statement(model: Any, words: list[str], unwanted: list[str], query: Query, *, every_word: bool) -> Any:
    texts = [
        model.title,
        *((Article.summary, Article.body_text) if model is Article else (Answer.question, Answer.answer_text)),
    ]

    def holds(word: str) -> Any:
        return or_(*(func.lower(column).contains(word.lower(), autoescape=True) for column in texts))

    body = Article.body_text if model is Article else Answer.answer_text
    country = Answer.country if model is Answer else literal("")
    statement = select(
        model.id, model.slug, model.title, model.language, model.topic, model.updated_at, body.label("body"),
        country.label("country"),
    ).where(model.state.in_(READABLE), model.visibility.in_(query.visibilities))  # fmt: skip
    conditions = [holds(word) for word in words]
    statement = statement.where(*conditions) if every_word else statement.where(or_(*conditions))
    for word in unwanted:
        statement = statement.where(~holds(word))
    return statement.order_by(model.language != query.prefer_language, model.updated_at.desc(), model.id).limit(
        MOST_READ
    )


def _hit(kind: str, row: Any, words: list[str], wanted: Wanted, prefer_language: str) -> tuple[float, Hit]:
    title, body = row.title.lower(), row.body.lower()
    score = sum(4.0 * (word.lower() in title) + min(body.count(word.lower()), 5) for word in words)
    score *= 1.25 if row.language == prefer_language else 1.0
    url = article_path(row.language, row.slug) if kind == "article" else answer_path(row.slug)
    hit = Hit(
        id=f"{kind}:{row.id}", kind=kind, title=row.title, url=url, language=row.language, topic=row.topic,
        country=row.country, score=score, snippet=passage(row.body, wanted)[0], title_marked=mark(row.title, wanted),
        updated=row.updated_at,
    )  # fmt: skip
    return score, hit


def _passes(hit: Hit, query: Query, *, but: str) -> bool:
    filters = {"kind": query.kinds, "topic": query.topics, "language": query.languages, "country": query.countries}
    return all(not chosen or getattr(hit, name) in chosen for name, chosen in filters.items() if name != but)


def _count(hits: list[Hit], query: Query, name: str) -> dict[str, int]:
    counts = Counter(getattr(hit, name) for hit in hits if getattr(hit, name) and _passes(hit, query, but=name))
    return dict(counts.most_common())

"""Filters that are typed into the search box: ``topic:lots``, ``kind:answer``, ``country:PY``, ``language:es``.

Names and values are understood in the languages of the site, by code or by name; a value of several words stands in
quotation marks. What is no filter stays text, so that nothing that is typed can fail.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import lru_cache

from flask import current_app
from sqlalchemy import select

from core.db import db
from core.i18n import country_codes, country_name, in_language, language_choices
from core.query_words import LONGEST_QUERY, QUOTES
from core.words import fold
from kb.models import READABLE, Answer, Article
from kb.search import Query, Results
from kb.topics import TOPICS

# The page translates it, so it is only marked here.
N_ = str
NOT_KNOWN = N_(
    "A filter was not understood, so its words were searched for. Filters look like this: topic:lots, kind:answer, "
    "country:PY, language:es."
)

_NAMES = {
    "topics": ("topic", "tema", "theme", "sujet"),
    "kinds": ("kind", "type", "tipo"),
    "countries": ("country", "pais", "pays"),
    "languages": ("language", "lang", "idioma", "langue"),
}
_DIMENSIONS = {name: dimension for dimension, names in _NAMES.items() for name in names}
_KINDS = {
    **dict.fromkeys(("article", "articles", "articulo", "articulos"), "article"),
    **dict.fromkeys(("answer", "answers", "respuesta", "respuestas", "reponse", "reponses"), "answer"),
    **dict.fromkeys(("ticket", "tickets", "question", "questions", "consulta", "consultas"), "ticket"),
}
# Whole phrases are passed over, so that what looks like a filter in one stays in it.
_PIECE = re.compile(
    r'(?<!\S)(?P<name>[^\W\d_]{4,8}):(?P<value>"[^"]{1,80}"(?!\S)|[^\s":]{1,80}(?!\S))|"[^"]*"', re.IGNORECASE
)
_MOST = 8
_BEGINNING = 3


@dataclass(frozen=True)
class Asked:
    """A search taken apart: the ``text`` without its filters, the filters as ``typed``, and what they mean."""

    text: str
    typed: str = ""
    topics: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ()
    countries: tuple[str, ...] = ()
    languages: tuple[str, ...] = ()
    refused: str = ""


def read(text: str, visibilities: tuple[str, ...], *, is_growing: bool = False) -> Asked:
    """Take a search apart.

    :param visibilities: of what the person may read: topics of their own that articles have are known by these.
    :param is_growing: a filter at the end is still being typed; until its value is known it is left out.
    """
    if ":" not in text or len(text) > LONGEST_QUERY:
        return Asked(text)
    plain = text.translate(QUOTES)
    found: dict[str, list[str]] = {name: [] for name in _NAMES}
    typed: list[str] = []
    kept: list[str] = []
    refused, looked_up, done = "", 0, 0
    for match in _PIECE.finditer(plain):
        dimension = _DIMENSIONS.get(fold(match["name"])) if match["name"] else None
        if dimension is None or looked_up == _MOST:
            continue
        looked_up += 1
        values = _values(dimension, match["value"].strip('"'), visibilities)
        is_left_out = is_growing and match.end() == len(plain)
        if not values and not is_left_out:
            refused = NOT_KNOWN
            continue
        kept.append(plain[done : match.start()])
        done = match.end()
        if values:
            found[dimension] += values
            typed.append(match[0])
    if not done:
        return Asked(text, refused=refused)
    rest = " ".join("".join([*kept, plain[done:]]).split())
    meant = {name: tuple(dict.fromkeys(values)) for name, values in found.items()}
    return Asked(rest, " ".join(typed), refused=refused, **meant)


def narrowed(query: Query, asked: Asked) -> Query:
    """A query with what was typed into it; what it filters by already stays as it is."""
    return replace(
        query,
        text=asked.text,
        topics=query.topics or asked.topics,
        kinds=query.kinds or asked.kinds,
        countries=query.countries or asked.countries,
        languages=query.languages or asked.languages,
    )


def told(results: Results, asked: Asked) -> Results:
    """Results with the filters put back into the spelling that they suggest, and with what was not understood."""
    suggestion = f"{asked.typed} {results.suggestion}".strip() if results.suggestion else ""
    return replace(results, suggestion=suggestion, refused=results.refused or asked.refused)


def _values(dimension: str, value: str, visibilities: tuple[str, ...]) -> tuple[str, ...]:
    folded = _plain(value)
    languages = tuple(current_app.config["LANGUAGES"])
    if dimension == "topics":
        return _named_topics(folded, languages) or _own_topic(folded, visibilities)
    if dimension == "kinds":
        known = _KINDS
    else:
        known = _countries(languages) if dimension == "countries" else _languages(languages)
    return (known[folded],) if folded in known else ()


def _named_topics(folded: str, languages: tuple[str, ...]) -> tuple[str, ...]:
    """The topic with this code or name; otherwise those whose names have words that begin so (“lots”)."""
    names = _topics(languages)
    if folded in names:
        return (names[folded],)
    wanted = [f" {word}" for word in folded.split() if len(word) >= _BEGINNING]
    if not wanted:
        return ()
    found = [code for name, code in names.items() if all(word in f" {name}" for word in wanted)]
    return tuple(dict.fromkeys(found))


def _plain(value: str) -> str:
    return " ".join(fold(value).replace("-", " ").replace("_", " ").split())


def _own_topic(folded: str, visibilities: tuple[str, ...]) -> tuple[str, ...]:
    """A topic that only articles or past answers name, of those that the person may read."""
    codes = {folded, folded.replace(" ", "-")}
    for model in (Article, Answer):
        seen = model.topic.in_(codes), model.state.in_(READABLE), model.visibility.in_(visibilities)
        if code := db.session.scalar(select(model.topic).where(*seen).limit(1)):
            return (str(code),)
    return ()


@lru_cache(maxsize=8)
def _topics(languages: tuple[str, ...]) -> dict[str, str]:
    return _named(((code, str(name)) for code, name in TOPICS.items()) for _ in _speaking(languages))


@lru_cache(maxsize=8)
def _countries(languages: tuple[str, ...]) -> dict[str, str]:
    return _named(((code, country_name(code)) for code in country_codes()) for _ in _speaking(languages))


@lru_cache(maxsize=8)
def _languages(languages: tuple[str, ...]) -> dict[str, str]:
    return _named(language_choices() for _ in _speaking(languages))


def _speaking(languages: tuple[str, ...]) -> Iterable[str]:
    for language in languages:
        with in_language(language):
            yield language


def _named(lists: Iterable[Iterable[tuple[str, str]]]) -> dict[str, str]:
    """Codes by themselves and by their names, folded."""
    names: dict[str, str] = {}
    for pairs in lists:
        for code, name in pairs:
            names.setdefault(_plain(name), code)
            names[_plain(code)] = code
    return names

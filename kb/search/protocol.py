"""What a search index takes and gives, whichever backend serves it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from core.passages import Segments

# Totals above this are not counted further for people: “1,000+”.
MOST_COUNTED = 1000


class IndexUnavailable(Exception):
    """The index is missing, damaged, of another version or busy: answer from the database, let the worker rebuild."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """An article or a published past answer as it goes into the index. All texts are plain, never HTML.

    `id` names the kind and the row (`article:12`). `boost` multiplies the score. `updated` is aware, in UTC.
    """

    id: str
    kind: str
    title: str
    url: str
    updated: datetime
    summary: str = ""
    text: str = ""
    headings: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    topic: str = ""
    country: str = ""
    language: str = "en"
    visibility: str = "public"
    boost: float = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """A search: what was typed and what to keep. An empty tuple filters nothing, except that `visibilities` is what
    the person may see: nothing else shows in hits, totals, facets or suggestions.

    `prefer_language` is the language of the person (documents in it rank first). `prefix_last` takes the last word
    as a beginning, for searching while typing. `with_reasons` tells with each hit why it was found.
    """

    text: str
    kinds: tuple[str, ...] = ()
    topics: tuple[str, ...] = ()
    countries: tuple[str, ...] = ()
    languages: tuple[str, ...] = ()
    visibilities: tuple[str, ...] = ("public",)
    prefer_language: str = ""
    limit: int = 10
    offset: int = 0
    prefix_last: bool = False
    with_reasons: bool = False


@dataclass(frozen=True, slots=True)
class Reason:
    """A word of the search that a document holds: as typed, where (`title`, `summary`, `text`), and the other word
    that stands there `instead` of it (a synonym, or the whole of a beginning), or "".

    `is_across` is set when that word is of another language.
    """

    typed: str
    places: tuple[str, ...]
    instead: str = ""
    is_across: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Hit:
    """A document that was found. `snippet` and `title_marked` are text in pieces with a flag on what was searched."""

    id: str
    kind: str
    title: str
    url: str
    language: str
    topic: str
    country: str
    score: float
    snippet: Segments
    title_marked: Segments
    updated: datetime
    reasons: tuple[Reason, ...] = ()

    @property
    def is_across(self) -> bool:
        """Whether it was found by words of another language than the search; known when there are reasons."""
        return any(reason.is_across for reason in self.reasons)


@dataclass(frozen=True, slots=True, kw_only=True)
class Results:
    """A page of hits. `total` stops at 1,000 (`is_capped`).

    `facets` counts by kind, topic, language and country: each as if its own filter were not set, so that a person
    sees where else there is something. `suggestion` is the query spelled with words that occur in what the person may
    see. `refused` is a sentence (English, to be translated by the page) about a query that was cut or holds nothing
    to look for.
    """

    hits: tuple[Hit, ...] = ()
    total: int = 0
    is_capped: bool = False
    facets: Mapping[str, Mapping[str, int]] = field(default_factory=lambda: {"kind": {}, "topic": {}, "language": {}})
    suggestion: str = ""
    refused: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """How the index is: `problem` says in English what is wrong when not `ok`; `version` changes with every write."""

    ok: bool
    documents: int = 0
    version: str = ""
    problem: str = ""


class SearchIndex(Protocol):
    """Full-text search over documents. Every method but `health` may raise `IndexUnavailable`, and nothing else."""

    def search(self, query: Query) -> Results:
        """Documents that hold all of the words (or, when those are few, some of them), best first."""
        ...

    def suggest(
        self, text: str, *, visibilities: tuple[str, ...], prefer_language: str = "", limit: int = 5
    ) -> list[Hit]:
        """Documents that may answer a question being typed: some of its telling words, above all in the title."""
        ...

    def apply(self, puts: Iterable[Document], deletes: Iterable[str]) -> None:
        """Add or replace documents and remove others by id, all or nothing. For the worker alone."""
        ...

    def rebuild(self, documents: Iterable[Document]) -> int:
        """Build the index anew beside the old one, then swap; searches are answered all the while. Gives the count."""
        ...

    def health(self) -> Health:
        """Whether the index can answer, and what is in it. Never raises."""
        ...

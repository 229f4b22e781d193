"""What a search reads, whichever backend keeps it: documents as columns of numbers, terms as lists of documents.

A search is a few passes over arrays: of every term the documents that hold it, and what it weighs in each. Where
these come from is the one difference between the backends.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from core.words import base_language
from kb.search.analysis import LANGUAGE_BOOST, Need
from kb.search.hits import Shown

Numbers = NDArray[np.uint32]
Weights = NDArray[np.float32]
Flags = NDArray[np.bool_]
_Key = TypeVar("_Key")
# The documents that hold a term, in rising order, and what it weighs in each (above 0).
Postings = tuple[Numbers, Weights]

NOTHING: Postings = (np.empty(0, np.uint32), np.empty(0, np.float32))

# The visibility of a number without a document.
GONE = "gone"

_DAY = 86_400
_MOST_FREQUENCIES = 20_000


class Details(NamedTuple):
    """What a document is filtered and ranked by; `updated` in seconds since 1970."""

    id: str
    kind: str
    topic: str
    language: str
    country: str
    visibility: str
    boost: float
    updated: float


class Columns:
    """The details of documents, an array for each. The number of a document is its place in them."""

    def __init__(self, rows: Iterable[Details]) -> None:
        facets: dict[tuple[str, str, str, str], int] = {}
        visibilities: dict[str, int] = {}
        facet_of, visibility_of, boost, updated = [], [], [], []
        for row in rows:
            key = (row.kind, row.topic, row.language, row.country)
            facet_of.append(facets.setdefault(key, len(facets)))
            visibility_of.append(visibilities.setdefault(row.visibility, len(visibilities)))
            boost.append(row.boost)
            updated.append(row.updated)
        self.facets = list(facets)
        self.visibilities = list(visibilities)
        self.facet_of = np.array(facet_of, np.int32)
        self.visibility_of = np.array(visibility_of, np.int16)
        self._boost = np.array(boost, np.float32)
        self._updated = np.array(updated, np.float64)
        self._factors: dict[str, Weights] = {}

    def changed(self, rows: Mapping[int, Details]) -> "Columns":
        """The same with other details of some documents, or of documents that come after those that are there."""
        other = Columns(rows.values())
        numbers = np.fromiter(rows, np.int64, len(rows))
        count = max(len(self), int(numbers.max(initial=-1)) + 1)
        both = Columns(())
        # What nobody told of has a facet and a visibility of its own, that nobody asks for.
        both.facets, facet_of = _known(self.facets, [*other.facets, ("", "", "", "")])
        both.visibilities, visibility_of = _known(self.visibilities, [*other.visibilities, GONE])
        for name, blank, values in (
            ("facet_of", facet_of[-1], facet_of[other.facet_of]),
            ("visibility_of", visibility_of[-1], visibility_of[other.visibility_of]),
            ("_boost", 1.0, other._boost),
            ("_updated", 0.0, other._updated),
        ):
            before = getattr(self, name)
            after = np.full(count, blank, before.dtype)
            after[: len(before)] = before
            after[numbers] = values
            setattr(both, name, after)
        return both

    def __len__(self) -> int:
        return len(self.facet_of)

    def visible(self, visibilities: Iterable[str]) -> Flags:
        """Which documents have one of these visibilities."""
        allowed = np.array([name in visibilities for name in self.visibilities], np.bool_)
        return _taken(allowed, self.visibility_of)

    def factors(self, prefer_language: str) -> Weights:
        """What the score of each document is multiplied by: its boost, its language, a breath of how recent it is."""
        base = base_language(prefer_language) if prefer_language else ""
        kept = self._factors.get(base)
        if kept is None:
            of_facet = np.array(
                [LANGUAGE_BOOST if base and base_language(facet[2]) == base else 1.0 for facet in self.facets]
            )
            recent = 1 + self._updated / _DAY * 1e-7
            kept = (_taken(of_facet, self.facet_of) * self._boost * recent).astype(np.float32)
            self._factors[base] = kept
        return kept

    def passing(self, filters: Sequence[Iterable[str]]) -> Flags | None:
        """The documents that filters (kinds, topics, languages, countries) leave, or None when nothing is filtered."""
        wanted = [frozenset(values) for values in filters]
        if not any(wanted):
            return None
        allowed = [
            all(not values or value in values for value, values in zip(facet, wanted, strict=True))
            for facet in self.facets
        ]
        return _taken(np.array(allowed, np.bool_), self.facet_of)

    def counted(self, flags: Flags) -> dict[tuple[str, str, str, str], int]:
        """How many of the flagged documents there are of each kind, topic, language and country."""
        counts = np.bincount(self.facet_of[flags], minlength=len(self.facets))
        found: dict[tuple[str, str, str, str], int] = {}
        for facet, count in zip(self.facets, counts.tolist(), strict=True):
            if count:
                found[facet] = found.get(facet, 0) + count
        return found


def _known(before: "list[_Key]", more: "list[_Key]") -> "tuple[list[_Key], NDArray[Any]]":
    """Values together, each once, and the place of each of those that came later."""
    places = {value: place for place, value in enumerate(before)}
    found = [places.setdefault(value, len(places)) for value in more]
    return list(places), np.array(found, np.int32)


def _taken(values: NDArray[Any], places: NDArray[Any]) -> NDArray[Any]:
    # Without documents there are no values either.
    return values[places] if len(values) else np.zeros(len(places), values.dtype)


class Part(Protocol):
    """Documents that are numbered together: all of them, or a segment of an index."""

    @property
    def columns(self) -> Columns:
        """What they are filtered and ranked by."""
        ...

    def postings(self, term: str) -> Postings:
        """The documents that hold a term."""
        ...

    def beginnings(self, prefix: str) -> list[Postings]:
        """The documents of each of the words that begin so; of very many words, of the most frequent ones."""
        ...

    def side_by_side(self, terms: tuple[tuple[int, str], ...], most: int = 0) -> Postings:
        """The documents that hold several terms at their distances, with the weight of the weakest and a little more.

        :param most: how many are looked at, the best by their words; 0 for all.
        """
        ...

    def heads(self, numbers: Sequence[int]) -> dict[int, Shown]:
        """What hits show of documents, perhaps without their texts."""
        ...

    def shown(self, numbers: Sequence[int]) -> dict[int, Shown]:
        """What hits show of documents."""
        ...


class View:
    """A part as some person may see it: a flag for each document."""

    def __init__(self, part: Part, visible: Flags, frequencies: dict[str, int] | None = None) -> None:
        self.part = part
        self.visible = visible
        self.count = int(np.count_nonzero(visible))
        self.is_whole = self.count == len(visible)
        self._frequencies = {} if frequencies is None else frequencies

    def frequency(self, term: str) -> int:
        """How many visible documents hold a term."""
        count = self._frequencies.get(term)
        if count is None:
            if len(self._frequencies) > _MOST_FREQUENCIES:
                self._frequencies.clear()
            numbers = self.part.postings(term)[0]
            count = len(numbers) if self.is_whole else int(np.count_nonzero(self.visible[numbers]))
            self._frequencies[term] = count
        return count


class Snapshot(Protocol):
    """An index at one moment."""

    def views(self, visibilities: Iterable[str]) -> list[View]:
        """Every part as somebody who may see these visibilities sees it."""
        ...

    def prepare(self, needs: Iterable[Need]) -> None:
        """Have at hand what these needs are going to ask for."""
        ...

    def nearest(self, folded: str, visibilities: Iterable[str]) -> str:
        """The word in visible documents that a misspelled one (folded) was meant to be, as written there, or ""."""
        ...

"""Reading a Whoosh index fast: postings decoded once and kept, filters as flags, everything per segment.

Whoosh's own searcher scores a posting at a time through several layers of Python calls. Here a whole posting list is
decoded into two arrays, weights were computed when writing, and a search is a few passes over arrays.
"""

import heapq
import json
import threading
import zlib
from array import array
from collections import defaultdict
from collections.abc import Iterable, Iterator
from collections.abc import Set as AbstractSet
from datetime import UTC, datetime
from itertools import accumulate, islice
from pathlib import Path
from typing import Any

from whoosh.codec.whoosh3 import W3LeafMatcher
from whoosh.index import TOC
from whoosh.reading import SegmentReader, TermNotFound

from core.words import base_language
from kb.search.analysis import LANGUAGE_BOOST
from kb.search.hits import Shown
from kb.search.spelling import is_checked, letters, most_edits, nearest
from kb.search.whoosh_files import NAME, SCHEMA, CheckedStorage, Pointer, check
from kb.search.whoosh_rows import Details

# Postings kept decoded in memory, per segment: 8 bytes each.
_MOST_KEPT = 2_000_000
# Of a synonym of several words so many documents are looked at, the best by its words; it is kept for the next search.
_MOST_OF_SYNONYM = 300
_MOST_SYNONYMS = 2_000
_MOST_BEGINNINGS = 100
_MOST_FREQUENCIES = 20_000
_DAY = 86_400
_PHRASE_WEIGHT = 1.2
_NOTHING: tuple["array[int]", "array[float]"] = (array("I"), array("f"))


class Segment:
    """One segment of the index, which never changes once written (what is deleted in it is kept beside it)."""

    def __init__(self, reader: Any) -> None:
        self._reader = reader
        self._lock = threading.Lock()
        self._kept: dict[tuple[str, str], tuple[array[int], array[float]]] = {}
        self._kept_count = 0
        self._factors: dict[str, array[float]] = {}
        self._synonyms: dict[tuple[tuple[int, str], ...], dict[int, float]] = {}
        self._lexicon: dict[int, list[tuple[str, int]]] | None = None
        self._written: dict[str, list[str]] = {}
        self.details = [Details(*json.loads(value)) for value in reader.column_reader("details")]
        self.facets = [(d.kind, d.topic, d.language, d.country) for d in self.details]
        self.numbers = range(len(self.details))
        self._shown = reader.column_reader("shown")

    def close(self) -> None:
        """Close the files."""
        with self._lock:
            self._reader.close()

    def postings(self, field: str, term: str) -> "tuple[array[int], array[float]]":
        """The documents that hold a term, and its weight in each."""
        key = (field, term)
        kept = self._kept.get(key)
        if kept is None:
            with self._lock:
                kept = self._read_postings(field, term)
                if self._kept_count > _MOST_KEPT:
                    self._kept.clear()
                    self._kept_count = 0
                self._kept[key] = kept
                self._kept_count += len(kept[0]) + 10
        return kept

    def _read_postings(self, field: str, term: str) -> "tuple[array[int], array[float]]":
        try:
            matcher = self._reader.postings(field, term)
        except TermNotFound:
            return _NOTHING
        numbers, weights = array("I"), array("f")
        is_in_blocks = isinstance(matcher, W3LeafMatcher)
        while matcher.is_active():
            if is_in_blocks:
                # A block at once: one by one takes five times as long.
                weights.append(matcher.weight())
                weights.extend(islice(matcher._weights, 1, None))
                numbers.extend(accumulate(matcher._data[0]))
                matcher._next_block()
            else:
                numbers.append(matcher.id())
                weights.append(matcher.weight())
                matcher.next()
        return numbers, weights

    def synonym(self, terms: tuple[tuple[int, str], ...], visible: bytearray) -> dict[int, float]:
        """As `phrase`, of the documents where the words weigh most: enough for what stands for other words."""
        kept = self._synonyms.get(terms)
        if kept is None:
            if len(self._synonyms) > _MOST_SYNONYMS:
                self._synonyms.clear()
            kept = self._synonyms[terms] = self.phrase(terms, bytearray(b"\1") * len(self.details), _MOST_OF_SYNONYM)
        return {number: weight for number, weight in kept.items() if visible[number]}

    def phrase(self, terms: tuple[tuple[int, str], ...], visible: bytearray, most: int = 0) -> dict[int, float]:
        """The visible documents that hold several terms at their distances, with the weight of the weakest.

        :param most: how many are looked at, the best by their words; 0 for all.
        """
        lists = [self.postings("terms", term) for _, term in terms]
        numbers = set(lists[0][0]).intersection(*(numbers for numbers, _ in lists[1:]))
        candidates = [number for number in sorted(numbers) if visible[number]]
        if not candidates:
            return {}
        if most and len(candidates) > most:
            weighed = [dict(zip(numbers_, weights_, strict=True)) for numbers_, weights_ in lists]
            best = heapq.nlargest(most, candidates, key=lambda number: min(weight[number] for weight in weighed))
            candidates = sorted(best)
        starts: dict[int, set[int]] = {}
        for offset, term in terms:
            for number, positions in self._positions(term, candidates):
                here = {position - offset for position in positions}
                starts[number] = starts[number] & here if number in starts else here
            candidates = [number for number in candidates if starts.get(number)]
        weights = [dict(zip(numbers_, weights_, strict=True)) for numbers_, weights_ in lists]
        return {number: _PHRASE_WEIGHT * min(weight[number] for weight in weights) for number in candidates}

    def _positions(self, term: str, numbers: list[int]) -> Iterator[tuple[int, "array[int]"]]:
        with self._lock:
            matcher = self._reader.postings("terms", term)
            for number in numbers:
                if matcher.is_active() and matcher.id() < number:
                    matcher.skip_to(number)
                if not matcher.is_active():
                    return
                if matcher.id() == number:
                    positions = array("H")
                    positions.frombytes(matcher.value())
                    yield number, positions

    def beginning_with(self, prefix: str) -> list[str]:
        """The words (folded, and as written) that begin so; of very many, the most frequent ones."""
        with self._lock:
            found = [
                word.decode() for word in islice(self._reader.expand_prefix("words", prefix), 5 * _MOST_BEGINNINGS)
            ]
            if len(found) > _MOST_BEGINNINGS:
                found.sort(key=lambda word: -self._reader.doc_frequency("words", word))
        return found[:_MOST_BEGINNINGS]

    def near(self, word: str) -> list[tuple[int, str]]:
        """The folded words that a misspelled one may have been meant to be, with their edits, visible or not."""
        if self._lexicon is None:
            self._read_lexicon()
        assert self._lexicon is not None
        bits, most = letters(word), most_edits(word)
        near = (
            other
            for length in range(len(word) - most, len(word) + most + 1)
            for other, other_bits in self._lexicon.get(length, ())
            if (bits ^ other_bits).bit_count() <= 2 * most
        )
        return nearest(word, near)

    def _read_lexicon(self) -> None:
        with self._lock:
            entries = [entry.decode() for entry in self._reader.lexicon("words")]
        written: dict[str, list[str]] = defaultdict(list)
        for entry in entries:
            folded = entry.partition("\t")[0]
            if is_checked(folded):
                written[folded].append(entry)
        lexicon: dict[int, list[tuple[str, int]]] = defaultdict(list)
        for folded in written:
            lexicon[len(folded)].append((folded, letters(folded)))
        self._written = dict(written)
        self._lexicon = dict(lexicon)

    def written(self, folded: str) -> list[str]:
        """How a word out of `near` is written in the documents (entries of the list of words)."""
        return self._written.get(folded, [])

    def factors(self, prefer_language: str) -> "array[float]":
        """What the score of each document is multiplied by: its boost, its language, a breath of how recent it is."""
        base = base_language(prefer_language) if prefer_language else ""
        kept = self._factors.get(base)
        if kept is None:
            kept = array("f")
            for d in self.details:
                language = LANGUAGE_BOOST if base and base_language(d.language) == base else 1.0
                kept.append(d.boost * language * (1 + d.updated / _DAY * 1e-7))
            self._factors[base] = kept
        return kept

    def shown(self, number: int) -> Shown:
        """What a hit shows of a document."""
        with self._lock:
            stored = self._shown[number]
        title, summary, text, url = json.loads(zlib.decompress(stored))
        d = self.details[number]
        return Shown(
            id=d.id, kind=d.kind, topic=d.topic, country=d.country, language=d.language, url=url, title=title,
            summary=summary, text=text, updated=datetime.fromtimestamp(d.updated, UTC),
        )  # fmt: skip


class View:
    """A segment as some person may see it: a flag for each document."""

    def __init__(self, segment: Segment, deleted: frozenset[int], visibilities: frozenset[str]) -> None:
        self.segment = segment
        self.visible = bytearray(
            d.visibility in visibilities and number not in deleted for number, d in enumerate(segment.details)
        )
        self.count = sum(self.visible)
        self.is_whole = self.count == len(self.visible)
        self._frequencies: dict[str, int] = {}

    def frequency(self, term: str) -> int:
        """How many visible documents hold a term."""
        count = self._frequencies.get(term)
        if count is None:
            if len(self._frequencies) > _MOST_FREQUENCIES:
                self._frequencies.clear()
            count = sum(map(self.visible.__getitem__, self.segment.postings("terms", term)[0]))
            self._frequencies[term] = count
        return count

    def with_term(self, field: str, term: str, factor: float = 1.0) -> dict[int, float]:
        """The visible documents that hold a term or word, and its weight in each."""
        numbers, weights = self.segment.postings(field, term)
        if factor == 1.0 and self.is_whole:
            return dict(zip(numbers, weights, strict=True))
        visible = self.visible
        return {n: w * factor for n, w in zip(numbers, weights, strict=True) if visible[n]}

    def add_term_among(
        self, best: dict[int, float], among: AbstractSet[int], field: str, term: str, factor: float = 1.0
    ) -> None:
        """As `add_term`, of some visible documents alone: for these it is quicker, the term being a common one."""
        numbers, weights = self.segment.postings(field, term)
        held = dict(zip(numbers, weights, strict=True))
        known = best.get
        for n in held.keys() & among:
            if (weight := held[n] * factor) > known(n, 0.0):
                best[n] = weight

    def add_term(self, best: dict[int, float], field: str, term: str, factor: float = 1.0) -> None:
        """Put in the visible documents that hold a term, and those in which it weighs more than what is there."""
        visible = self.visible
        known = best.get
        for n, w in zip(*self.segment.postings(field, term), strict=True):
            if (weight := w * factor) > known(n, 0.0) and visible[n]:
                best[n] = weight

    def passing(
        self, kinds: Iterable[str], topics: Iterable[str], languages: Iterable[str], countries: Iterable[str]
    ) -> set[int] | None:
        """The documents that filters leave, or None when nothing is filtered."""
        wanted = [frozenset(values) for values in (kinds, topics, languages, countries)]
        if not any(wanted):
            return None
        allowed = {
            key
            for key in set(self.segment.facets)
            if all(not values or value in values for value, values in zip(key, wanted, strict=True))
        }
        facets = self.segment.facets
        return {number for number in self.segment.numbers if facets[number] in allowed}


class Snapshot:
    """The index at one moment. Threads share it; a newer one takes over the segments that are the same."""

    def __init__(self, directory: Path, pointer: Pointer, before: "Snapshot | None") -> None:
        self.pointer = pointer
        self._views: dict[frozenset[str], list[View]] = {}
        known = before.segments if before and before.pointer.generation == pointer.generation else {}
        check(directory, pointer, trusted=known)
        storage = CheckedStorage(directory / pointer.generation, pointer.files)
        contents = TOC.read(storage, NAME, gen=pointer.contents, schema=SCHEMA)
        self.segments: dict[str, Segment] = {}
        self.deleted: dict[str, frozenset[int]] = {}
        for part in contents.segments:
            name = part.segment_id()
            self.segments[name] = known.get(name) or Segment(SegmentReader(storage, SCHEMA, part))
            self.deleted[name] = frozenset(part.deleted_docs())

    def views(self, visibilities: Iterable[str]) -> list[View]:
        """Every segment as somebody who may see these visibilities sees it."""
        key = frozenset(visibilities)
        views = self._views.get(key)
        if views is None:
            views = [View(segment, self.deleted[name], key) for name, segment in self.segments.items()]
            self._views[key] = views
        return views

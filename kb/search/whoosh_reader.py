"""Reading a Whoosh index fast: posting lists decoded once and kept as arrays, everything per segment.

Whoosh's own searcher scores a posting at a time through several layers of Python calls. Here weights were computed
when writing, and `kb.search.searching` passes over whole arrays.
"""

import json
import threading
import zlib
from array import array
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from whoosh.codec.whoosh3 import W3LeafMatcher
from whoosh.index import TOC
from whoosh.reading import SegmentReader, TermNotFound

from kb.search.analysis import Need
from kb.search.hits import Kept, Shown
from kb.search.parts import NOTHING, Columns, Details, Postings, View
from kb.search.postings import LEAST_WEIGHT, PHRASE_WEIGHT, holding_all, kept_most
from kb.search.spelling import is_checked, letters, most_edits, nearest, nearest_counted
from kb.search.whoosh_files import NAME, SCHEMA, CheckedStorage, Pointer, check

# Postings kept decoded in memory, per segment: 8 bytes each.
_MOST_KEPT = 2_000_000
_MOST_PHRASES = 2_000
_MOST_BEGINNINGS = 100


class Segment:
    """One segment of the index, which never changes once written (what is deleted in it is kept beside it)."""

    def __init__(self, reader: Any) -> None:
        self._reader = reader
        self._lock = threading.Lock()
        self._kept: dict[tuple[str, str], Postings] = {}
        self._kept_count = 0
        self._phrases: dict[tuple[tuple[tuple[int, str], ...], int], Postings] = {}
        self._lexicon: dict[int, list[tuple[str, int]]] | None = None
        self._written: dict[str, list[str]] = {}
        self._details = reader.column_reader("details")
        self._shown = reader.column_reader("shown")
        self._kept_shown = Kept()
        self.columns = Columns(Details(*json.loads(value)) for value in self._details)

    def close(self) -> None:
        """Close the files."""
        with self._lock:
            self._reader.close()

    def postings(self, term: str) -> Postings:
        """The documents that hold a term, and its weight in each."""
        return self.field_postings("terms", term)

    def field_postings(self, field: str, term: str) -> Postings:
        """The same for words as they are written, too."""
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

    def _read_postings(self, field: str, term: str) -> Postings:
        try:
            matcher = self._reader.postings(field, term)
        except TermNotFound:
            return NOTHING
        numbers, weights = array("I"), array("f")
        is_in_blocks = isinstance(matcher, W3LeafMatcher)
        while matcher.is_active():
            numbers.append(matcher.id())
            weights.append(matcher.weight())
            if is_in_blocks:
                # Looking at the first has read the block; the rest is taken at once.
                numbers.extend(islice(matcher._ids, 1, None))
                weights.extend(islice(matcher._weights, 1, None))
                matcher._next_block()
            else:
                matcher.next()
        # Of very long texts a word may weigh next to nothing, but the text holds it.
        return np.array(numbers, np.uint32), np.maximum(np.array(weights, np.float32), LEAST_WEIGHT)

    def side_by_side(self, terms: tuple[tuple[int, str], ...], most: int = 0) -> Postings:
        """The documents that hold several terms at their distances, with the weight of the weakest and a little more.

        :param most: how many are looked at, the best by their words; 0 for all.
        """
        key = (terms, most)
        kept = self._phrases.get(key)
        if kept is None:
            if len(self._phrases) > _MOST_PHRASES:
                self._phrases.clear()
            kept = self._phrases[key] = self._read_side_by_side(terms, most)
        return kept

    def _read_side_by_side(self, terms: tuple[tuple[int, str], ...], most: int) -> Postings:
        numbers, weights = kept_most(holding_all([self.postings(term) for _, term in terms]), most)
        candidates: list[int] = numbers.tolist()
        starts: dict[int, set[int]] = {}
        for offset, term in terms:
            for number, positions in self._positions(term, candidates):
                here = {position - offset for position in positions}
                starts[number] = starts[number] & here if number in starts else here
            candidates = [number for number in candidates if starts.get(number)]
        kept = np.isin(numbers, np.array(candidates, np.uint32), assume_unique=True)
        return numbers[kept], weights[kept] * PHRASE_WEIGHT

    def _positions(self, term: str, numbers: list[int]) -> Iterator[tuple[int, "array[int]"]]:
        if not numbers:
            return
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

    def beginnings(self, prefix: str) -> list[Postings]:
        """The documents of each of the words that begin so; of very many words, of the most frequent ones."""
        with self._lock:
            found = [
                word.decode() for word in islice(self._reader.expand_prefix("words", prefix), 5 * _MOST_BEGINNINGS)
            ]
            if len(found) > _MOST_BEGINNINGS:
                found.sort(key=lambda word: -self._reader.doc_frequency("words", word))
        return [self.field_postings("words", word) for word in found[:_MOST_BEGINNINGS]]

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

    def heads(self, numbers: Sequence[int]) -> dict[int, Shown]:
        """What hits show of documents; their texts come with it, because all is packed together."""
        return self.shown(numbers)

    def shown(self, numbers: Sequence[int]) -> dict[int, Shown]:
        """What hits show of documents."""
        kept = {number: each for number in numbers if (each := self._kept_shown.get(number))}
        with self._lock:
            stored = {number: (self._details[number], self._shown[number]) for number in numbers if number not in kept}
        read = {number: _shown(*both) for number, both in stored.items()}
        self._kept_shown.keep(read)
        return kept | read


def _shown(details: bytes, shown: bytes) -> Shown:
    d = Details(*json.loads(details))
    title, summary, text, url = json.loads(zlib.decompress(shown))
    return Shown(
        id=d.id, kind=d.kind, topic=d.topic, country=d.country, language=d.language, url=url, title=title,
        summary=summary, text=text, updated=datetime.fromtimestamp(d.updated, UTC),
    )  # fmt: skip


class WhooshSnapshot:
    """The index at one moment. Threads share it; a newer one takes over the segments that are the same."""

    def __init__(self, directory: Path, pointer: Pointer, before: "WhooshSnapshot | None") -> None:
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
            views = self._views[key] = [self._view(name, key) for name in self.segments]
        return views

    def _view(self, name: str, visibilities: frozenset[str]) -> View:
        segment = self.segments[name]
        visible = segment.columns.visible(visibilities)
        visible[list(self.deleted[name])] = False
        return View(segment, visible)

    def prepare(self, needs: Iterable[Need]) -> None:
        """Nothing: files are read when they are needed."""

    def nearest(self, folded: str, visibilities: Iterable[str]) -> str:
        """The word in visible documents that a misspelled one (folded) was meant to be, as written there, or ""."""
        counts: dict[str, Counter[str]] = {}
        views = [
            (segment, view.visible)
            for segment, view in zip(self.segments.values(), self.views(visibilities), strict=True)
        ]
        for other in sorted({other for segment, _ in views for _, other in segment.near(folded)}):
            of_word = counts[other] = Counter()
            for segment, visible in views:
                for entry in segment.written(other):
                    numbers = segment.field_postings("words", entry)[0]
                    of_word[entry.rpartition("\t")[2]] += int(np.count_nonzero(visible[numbers]))
        best = nearest_counted(folded, {word: of_word.total() for word, of_word in counts.items()})
        return counts[best].most_common(1)[0][0] if best else ""

"""Writing segments fast: postings are gathered by term, so that sorting and merging meet terms, not single postings.

Whoosh's own pool keeps a tuple for each posting, sorts millions of them and pickles each one that does not fit into
memory. Here a term has its documents, weights and positions in three sequences that only grow.
"""

import heapq
import marshal
from array import array
from collections.abc import Iterable, Iterator
from typing import Any, BinaryIO

from whoosh.codec.whoosh3 import W3FieldWriter
from whoosh.filedb.filestore import random_name
from whoosh.index import TOC
from whoosh.writing import SegmentWriter

from kb.search.whoosh_rows import Posting, Row

# Field, term, documents, weights, values (empty, or one for each document).
Group = tuple[str, bytes, "array[int]", "array[float]", list[bytes]]

# What a posting and a term take in memory, in bytes, about.
_POSTING, _TERM = 56, 420


class Pool:
    """Postings gathered by term; what is more than `limit` bytes waits in files. Stands in for a `PostingPool`."""

    def __init__(self, storage: Any, limit: int) -> None:
        self._storage = storage
        self._limit = limit
        self._size = 0
        self._gathered: dict[tuple[str, bytes], tuple[array[int], array[float], list[bytes]]] = {}
        self._files: list[str] = []
        self.fieldnames: set[str] = set()

    def add(self, item: tuple[str, bytes, int, float, bytes]) -> None:
        """Take one posting: field, term, document, weight, value. Documents of a term come in rising order."""
        field, term, number, weight, value = item
        self.add_all(field, number, ((term, weight, value),))

    def add_all(self, field: str, number: int, postings: Iterable[Posting]) -> None:
        """Take all postings of a field of a document."""
        self.fieldnames.add(field)
        gathered = self._gathered
        count = 0
        terms = len(gathered)
        for term, weight, value in postings:
            count += 1
            key = (field, term)
            known = gathered.get(key)
            if known is None:
                known = gathered[key] = (array("I"), array("f"), [])
            known[0].append(number)
            known[1].append(weight)
            if value:
                known[2].append(value)
        self._size += count * _POSTING + (len(gathered) - terms) * _TERM
        if self._size > self._limit:
            self._save()

    def iter_postings(self) -> Iterator[Group]:
        """Everything, by field and term; gives up what it held."""
        runs: list[Iterator[Group]] = [self._read(name) for name in self._files]
        runs.append(self._sorted())
        # Runs are merged in their order when equal, so documents stay in rising order.
        held: Group | None = None
        for group in heapq.merge(*runs, key=_key):
            if held is not None and _key(held) == _key(group):
                held[2].extend(group[2])
                held[3].extend(group[3])
                held[4].extend(group[4])
                continue
            if held is not None:
                yield held
            held = group
        if held is not None:
            yield held

    def cleanup(self) -> None:
        """Remove the files."""
        for name in self._files:
            self._storage.delete_file(name)
        self._files = []
        self._gathered = {}

    def _sorted(self) -> Iterator[Group]:
        gathered, self._gathered = self._gathered, {}
        for field, term in sorted(gathered):
            yield field, term, *gathered.pop((field, term))

    def _save(self) -> None:
        name = f"{random_name()}.run"
        file: BinaryIO = self._storage.create_file(name).raw_file()
        self._files.append(name)
        with file:
            for field, term, numbers, weights, values in self._sorted():
                marshal.dump((field, term, numbers.tobytes(), weights.tobytes(), values), file)
        self._size = 0

    def _read(self, name: str) -> Iterator[Group]:
        """What this process wrote a moment ago."""
        with self._storage.open_file(name).raw_file() as file:
            while True:
                try:
                    field, term, numbers, weights, values = marshal.load(file)  # noqa: S302
                except EOFError:
                    return
                yield field, term, array("I", numbers), array("f", weights), values


def _key(group: Group) -> tuple[str, bytes]:
    return group[0], group[1]


class FieldWriter(W3FieldWriter):  # type: ignore[misc]
    """Writes the groups of a `Pool` in the blocks that Whoosh reads."""

    def add_postings(self, schema: Any, _lengths: Any, items: Iterable[Group]) -> None:
        """Write all of them."""
        before = ""
        for field, term, numbers, weights, values in items:
            if field != before:
                if before:
                    self.finish_field()
                self.start_field(field, schema[field])
                before = field
            self.start_term(term)
            writer = self._postwriter
            most = writer._blocklimit
            for start in range(0, len(numbers), most):
                if start:
                    writer._write_block()
                end = start + most
                writer._ids, writer._weights = numbers[start:end], weights[start:end]
                writer._values, writer._maxweight = values[start:end], max(weights[start:end])
            self.finish_term()
        if before:
            self.finish_field()


class FastWriter(SegmentWriter):  # type: ignore[misc]
    """A Whoosh writer that takes rows whose terms are ready."""

    def __init__(self, index: Any, codec: Any, limit: int) -> None:
        super().__init__(index, codec=codec, compound=False)
        self.pool = Pool(self._tempstorage, limit)

    def _commit_toc(self, segments: list[Any]) -> None:
        """Write the table of contents, but remove nothing: what readers use must stay until the pointer is swapped."""
        TOC(self.schema, segments, self.generation).write(self.storage, self.indexname)

    def add_row(self, row: Row) -> None:
        """Add a document."""
        number = self.docnum
        self.add_document(id=row.id, details=row.details, shown=row.shown)
        self.pool.add_all("terms", number, row.terms)
        self.pool.add_all("words", number, row.words)

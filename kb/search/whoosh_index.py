"""The embedded search index: Whoosh in a directory, written by the worker, read by every web process."""

import contextlib
import errno
import os
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, TypeVar

from whoosh.index import TOC, FileIndex, clean_files
from whoosh.reading import SegmentReader

from kb.search import analysis, analysis_child, searching, whoosh_files
from kb.search.protocol import Document, Health, Hit, IndexUnavailable, Query, Results
from kb.search.whoosh_files import NAME, SCHEMA, CheckedStorage, Codec, Pointer
from kb.search.whoosh_reader import WhooshSnapshot
from kb.search.whoosh_rows import Row, row
from kb.search.whoosh_writing import FastWriter

# How long readers go on without looking whether the index was written, in seconds.
_LOOK_EVERY = 0.5
# How long a writer waits for another one; a rebuild takes longer, and the job that waits is tried again later.
_WAIT = 5.0
# A new reader that meets files which a writer just replaced looks again, so many times.
_TRIES = 20
_MEMORY = 96 << 20  # Bytes of postings that are gathered in memory.

_NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS)

_Answer = TypeVar("_Answer")


class WhooshIndex:
    """A `SearchIndex` in a directory. Threads may share it; any number of processes may read the directory."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self._forget()

    def _forget(self) -> None:
        self._process = os.getpid()
        self._lock = threading.Lock()
        self._snapshot: WhooshSnapshot | None = None
        self._signature: tuple[int, int, int] | None = None
        self._looked = 0.0
        self._broken: tuple[tuple[int, int, int], str] | None = None

    def search(self, query: Query) -> Results:
        """Documents that hold all of the words (or, when those are few, some of them), best first."""
        plan = analysis.plan(query.text, prefer_language=query.prefer_language, prefix_last=query.prefix_last)
        if not plan.needs:
            return Results(refused=plan.refused)
        return self._read(lambda snapshot: searching.search(snapshot, query, plan))

    def suggest(
        self, text: str, *, visibilities: tuple[str, ...], prefer_language: str = "", limit: int = 5
    ) -> list[Hit]:
        """Documents that may answer a question being typed."""
        return self._read(lambda snapshot: searching.suggest(snapshot, text, visibilities, prefer_language, limit))

    def health(self) -> Health:
        """Whether the index can be read, and what is in it."""
        try:
            self._looked = 0.0
            pointer = self._read(lambda snapshot: snapshot.pointer)
        except IndexUnavailable as problem:
            return Health(ok=False, problem=str(problem))
        return Health(ok=True, documents=pointer.documents, version=pointer.version)

    def _read(self, answer: Callable[[WhooshSnapshot], _Answer]) -> _Answer:
        snapshot = self._current()
        try:
            with _damage_is_unavailability():
                return answer(snapshot)
        except IndexUnavailable:
            # What was opened well is damaged now: open it anew next time, which tells what is wrong.
            with self._lock:
                if self._snapshot is snapshot:
                    self._snapshot = self._signature = None
            raise

    def _current(self) -> WhooshSnapshot:
        if self._process != os.getpid():
            # After a fork, parent and child would move the positions of the same open files.
            self._forget()
        now = time.monotonic()
        snapshot = self._snapshot
        if snapshot is not None and now - self._looked < _LOOK_EVERY:
            return snapshot
        # While one thread opens a new snapshot, the others go on with the one before.
        if not self._lock.acquire(blocking=snapshot is None):
            assert snapshot is not None
            return snapshot
        try:
            self._looked = now
            return self._open()
        except IndexUnavailable:
            self._snapshot = self._signature = None
            raise
        finally:
            self._lock.release()

    def _open(self) -> WhooshSnapshot:
        for attempt in range(_TRIES):
            signature = whoosh_files.signature(self.directory)
            if self._snapshot is not None and signature == self._signature:
                return self._snapshot
            if self._broken and self._broken[0] == signature:
                raise IndexUnavailable(self._broken[1])
            try:
                with _damage_is_unavailability():
                    pointer = whoosh_files.read_pointer(self.directory)
                    self._snapshot = WhooshSnapshot(self.directory, pointer, self._snapshot)
            except IndexUnavailable as problem:
                # A writer may just have removed what the pointer names; the new pointer is there in a moment.
                if isinstance(problem.__cause__, FileNotFoundError) and attempt + 1 < _TRIES:
                    time.sleep(0.02)
                    continue
                self._broken = (signature, str(problem))
                raise
            self._signature = signature
            self._broken = None
            return self._snapshot
        raise IndexUnavailable("The index is being replaced")

    def apply(self, puts: Iterable[Document], deletes: Iterable[str]) -> None:
        """Add or replace documents and remove others, all or nothing."""
        rows = {each.id: each for each in _rows(_last_of_each(puts))}
        gone = [*rows, *(id_ for id_ in deletes if id_ not in rows)]
        with whoosh_files.writing(self.directory, _WAIT):
            pointer = whoosh_files.read_pointer(self.directory)
            with _damage_is_unavailability():
                # Only sizes here: a large file is read where segments are merged, and its blocks have checksums.
                whoosh_files.check(self.directory, pointer, trusted={name.split(".")[0] for name in pointer.files})
                whoosh_files.forget_unfinished(self.directory, pointer)
                # A rebuild that died leaves its folder behind.
                whoosh_files.sweep(self.directory, keep=pointer.generation)
                storage = CheckedStorage(self.directory / pointer.generation, pointer.files)
                index = FileIndex(storage, SCHEMA, NAME)
                if index.latest_generation() != pointer.contents:
                    raise IndexUnavailable("A write was interrupted")
                writer = _Writer(index)
                try:
                    writer.replace(gone, rows.values())
                except BaseException:
                    whoosh_files.forget_unfinished(self.directory, pointer)
                    raise
            self._publish(pointer.generation, writer, pointer)

    def rebuild(self, documents: Iterable[Document]) -> int:
        """Build the index anew beside the old one, then swap; an id that comes twice counts once."""
        with whoosh_files.writing(self.directory, _WAIT):
            generation = ""
            try:
                generation = whoosh_files.next_generation(self.directory)
                storage = CheckedStorage(self.directory / generation, {})
                writer = _Writer(FileIndex.create(storage, SCHEMA, NAME))
                writer.replace((), _rows(_each_once(documents)))
                self._publish(generation, writer, None)
            except BaseException as problem:
                if generation and not whoosh_files.is_in_use(self.directory, generation):
                    whoosh_files.forget_generation(self.directory, generation)
                if isinstance(problem, OSError):
                    raise IndexUnavailable(f"The index cannot be written: {problem.strerror}") from problem
                raise
            whoosh_files.sweep(self.directory, keep=generation)
        return writer.documents

    def _publish(self, generation: str, writer: "_Writer", known: Pointer | None) -> None:
        try:
            whoosh_files.write_pointer(
                self.directory, generation, writer.contents, writer.documents, known, segments=writer.segments
            )
            writer.clean()
        except OSError as problem:
            raise IndexUnavailable(f"The index cannot be written: {problem.strerror}") from problem
        self._looked = 0.0


@contextlib.contextmanager
def _damage_is_unavailability() -> Iterator[None]:
    """Turn whatever Whoosh raises over damaged or missing files into `IndexUnavailable`."""
    try:
        yield
    except IndexUnavailable:
        raise
    except OSError as problem:
        doing = "written" if problem.errno in _NO_ROOM else "read"
        told = problem.strerror if problem.errno in _NO_ROOM else type(problem).__name__
        raise IndexUnavailable(f"The index cannot be {doing} ({told})") from problem
    except Exception as problem:  # Whoosh reads pickles and raises plain exceptions of any kind.
        raise IndexUnavailable(f"The index cannot be read ({type(problem).__name__})") from problem


def _each_once(documents: Iterable[Document]) -> Iterator[Document]:
    seen: set[str] = set()
    for document in documents:
        if document.id not in seen:
            seen.add(document.id)
            yield document


def _last_of_each(documents: Iterable[Document]) -> Iterable[Document]:
    return {document.id: document for document in documents}.values()


def _rows(documents: Iterable[Document]) -> Iterator[Row]:
    return analysis_child.rows(documents, "whoosh", row, lambda plain: Row(*plain))


class _Writer:
    """One write: a Whoosh writer that is given terms ready, and keeps segments few."""

    def __init__(self, index: FileIndex) -> None:
        self._index = index
        self.documents = 0
        self.contents = 0
        self.segments: list[str] = []
        self._parts: list[Any] = []

    def replace(self, gone: Iterable[str], rows: Iterable[Row]) -> None:
        """Remove ids, add rows, commit. On any problem nothing is changed."""
        writer = FastWriter(self._index, Codec(), _MEMORY)
        try:
            for id_ in gone:
                writer.delete_by_term("id", id_)
            for each in rows:
                writer.add_row(each)
            writer.commit(mergetype=_merge_small)
        except BaseException:
            if not writer.is_closed:
                writer.cancel()
            raise
        contents = TOC.read(self._index.storage, NAME, schema=SCHEMA)
        self.contents = contents.generation
        self._parts = contents.segments
        self.segments = [part.segment_id() for part in contents.segments]
        self.documents = sum(part.doc_count_all() - part.deleted_count() for part in contents.segments)

    def clean(self) -> None:
        """Remove what no reader opens any more, now that the pointer names what was written."""
        clean_files(self._index.storage, NAME, self.contents, self._parts)


def _merge_small(writer: Any, segments: list[Any]) -> list[Any]:
    """Merge so that each segment left is more than twice all smaller ones: few segments, each rewritten rarely.

    A segment of which more than a third is deleted is rewritten too.
    """
    kept: list[Any] = []
    merged = writer.doc_count()
    for segment in sorted(segments, key=lambda part: part.doc_count_all()):
        size = segment.doc_count_all()
        if size <= 2 * max(merged, 5) or segment.deleted_count() * 3 > size:
            reader = SegmentReader(writer.storage, writer.schema, segment)
            writer.add_reader(reader)
            reader.close()
            merged += size
        else:
            kept.append(segment)
    return kept

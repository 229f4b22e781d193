"""The files of the Whoosh index: a directory a generation, a pointer to the one in use, checksums, the writer's lock.

    <directory>/current         which generation is in use, its table of contents, size and checksum of each file
    <directory>/g000007/        the files of one generation, written by Whoosh
    <directory>/writer.lock     held by the one process that writes

Whoosh's table of contents is a pickle, so whoever can write these files can run code in this application. Checksums
tell damage, not malice: keep the directory writable for the application alone, and never restore it from a backup or
take it from elsewhere. It is made anew from the database at any time.
"""

import contextlib
import fcntl
import json
import os
import shutil
import time
import zlib
from collections.abc import Collection, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import whoosh
from whoosh.codec.whoosh3 import W3Codec
from whoosh.columns import VarBytesColumn
from whoosh.fields import COLUMN, ID, FieldType, Schema
from whoosh.filedb.filestore import FileStorage
from whoosh.filedb.structfile import BufferFile, StructFile
from whoosh.formats import Existence, Format

from kb.search import analysis
from kb.search.protocol import IndexUnavailable
from kb.search.whoosh_writing import FieldWriter

# An index that was made by another version of this code, of the analysis or of Whoosh is made anew.
STAMP = f"1/{analysis.VERSION}/{'.'.join(map(str, whoosh.__version__))}"
NAME = "MAIN"

_POINTER = "current"
_LOCK = "writer.lock"
# Read into memory when opened; the large files (postings, texts) are read piece by piece.
_SMALL = (".trm", ".toc", ".details.col")


class _Postings(Format):  # type: ignore[misc]
    """Postings whose values are bytes of our own: the positions of the term in the document."""

    posting_size = -1


class _Terms(FieldType):  # type: ignore[misc]
    """A field that is given its terms ready: tuples of term, frequency, weight, value."""

    analyzer = None
    scorable = False
    stored = False
    indexed = True
    unique = False
    vector = None
    column_type = None
    spelling = False

    def __init__(self, format_: Format) -> None:
        self.format = format_

    def index(self, value: Any, **_: Any) -> Any:
        return value

    def separate_spelling(self) -> bool:
        return False

    def to_bytes(self, value: str | bytes) -> bytes:
        return value if isinstance(value, bytes) else value.encode()

    def from_bytes(self, value: bytes) -> str:
        return value.decode()


class Codec(W3Codec):  # type: ignore[misc]
    """Whoosh's own codec without field lengths: weights are computed before, and looking lengths up costs a third."""

    length_stats = False

    def field_writer(self, storage: Any, segment: Any) -> FieldWriter:
        """The writer of postings."""
        return FieldWriter(self, storage, segment)


# terms: what documents are found by; words: what was written, for beginnings and spelling; details: what to filter and
# rank by, read at once; shown: what a hit shows, read for the hits of one page.
SCHEMA = Schema(
    id=ID(unique=True),
    terms=_Terms(_Postings()),
    words=_Terms(Existence()),
    details=COLUMN(VarBytesColumn()),
    shown=COLUMN(VarBytesColumn()),
)


@dataclass(frozen=True, slots=True)
class Pointer:
    """What is in use: a generation, its table of contents, and how every file of it must be (size, CRC-32)."""

    generation: str
    contents: int
    documents: int
    files: dict[str, tuple[int, int]] = field(default_factory=dict)
    stamp: str = STAMP

    @property
    def version(self) -> str:
        """A text that changes with every write."""
        return f"{self.generation}.{self.contents}"


class CheckedStorage(FileStorage):  # type: ignore[misc]
    """Files of a generation; small ones, which hold pickles, are compared with the pointer each time they are opened.

    No memory mapping: a file that shrinks under a mapping kills the process instead of raising.
    """

    def __init__(self, directory: Path, files: dict[str, tuple[int, int]]) -> None:
        super().__init__(str(directory), supports_mmap=False)
        self.checked = files

    def open_file(self, name: str, **kwargs: Any) -> StructFile:
        """Open a file to read it. Raises `IndexUnavailable` when it is not as it was written."""
        if name not in self.checked or not name.endswith(_SMALL):
            return super().open_file(name, **kwargs)
        content = (Path(self.folder) / name).read_bytes()
        _compare(name, (len(content), zlib.crc32(content)), self.checked[name])
        return BufferFile(content, name=name)


def check(directory: Path, pointer: Pointer, trusted: Collection[str] = ()) -> None:
    """Compare every file with the pointer: sizes, and checksums except of segments that are `trusted`.

    Raises `IndexUnavailable` when one differs, `FileNotFoundError` when one is gone (a writer may have removed it).
    """
    for name, expected in pointer.files.items():
        path = directory / pointer.generation / name
        is_trusted = name.split(".")[0] in trusted or name.endswith(_SMALL)
        _compare(name, (path.stat().st_size, expected[1] if is_trusted else checksum(path)), expected)


def _compare(name: str, found: tuple[int, int], expected: tuple[int, int]) -> None:
    if tuple(expected) != found:
        raise IndexUnavailable(f"{name} is not as it was written")


def checksum(path: Path) -> int:
    """CRC-32 of a file, read in pieces."""
    value = 0
    with path.open("rb") as file:
        while piece := file.read(1 << 20):
            value = zlib.crc32(piece, value)
    return value


def signature(directory: Path) -> tuple[int, int, int]:
    """Something that changes whenever the pointer is replaced. Raises `IndexUnavailable` without a pointer."""
    try:
        status = (directory / _POINTER).stat()
    except OSError as problem:
        raise IndexUnavailable("There is no index yet") from problem
    return status.st_ino, status.st_mtime_ns, status.st_size


def read_pointer(directory: Path) -> Pointer:
    """The pointer in use. Raises `IndexUnavailable` when it is missing, damaged or of another version."""
    try:
        read = json.loads((directory / _POINTER).read_bytes())
        if not isinstance(read, dict) or read.get("stamp") != STAMP:
            raise IndexUnavailable("The index is of another version")
        files = {str(name): (int(size), int(crc)) for name, (size, crc) in read["files"].items()}
        pointer = Pointer(str(read["generation"]), int(read["contents"]), int(read["documents"]), files)
    except OSError as problem:
        raise IndexUnavailable("There is no index yet") from problem
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as problem:
        raise IndexUnavailable("The pointer to the index is damaged") from problem
    if not _is_generation(pointer.generation):
        raise IndexUnavailable("The pointer to the index is damaged")
    return pointer


def forget_unfinished(directory: Path, pointer: Pointer) -> None:
    """Remove what a writer left that died, or found the disk full, before the pointer was swapped.

    Readers that have it open from before go on: the files stay until they are closed.
    """
    for path in (directory / pointer.generation).iterdir():
        if path.name not in pointer.files:
            _remove(path)


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


def is_in_use(directory: Path, generation: str) -> bool:
    """Whether the pointer names a generation."""
    try:
        return read_pointer(directory).generation == generation
    except IndexUnavailable:
        return False


def forget_generation(directory: Path, generation: str) -> None:
    """Remove a generation that was not finished: on a full disk it would take the room that it lacked."""
    shutil.rmtree(directory / generation, ignore_errors=True)


def _make_way(directory: Path) -> None:
    """Remove what stands where the index is written and is no index: a file for a folder, folders for files."""
    if directory.exists() and not directory.is_dir():
        directory.unlink()
    for name in (_LOCK, _POINTER, f"{_POINTER}.new"):
        if (directory / name).is_dir():
            _remove(directory / name)


def write_pointer(
    directory: Path,
    generation: str,
    contents: int,
    documents: int,
    known: Pointer | None,
    *,
    segments: Collection[str],
) -> None:
    """Put a generation in use as it is now: sum up its files (those of `known` are not read again) and swap.

    :param segments: the names of those in use.
    """
    files: dict[str, tuple[int, int]] = {}
    before = known.files if known and known.generation == generation else {}
    for path in sorted((directory / generation).iterdir()):
        if path.suffix not in {".toc", ".trm", ".pst", ".col"} or not path.is_file():
            continue
        if path.name.split(".")[0] not in {*segments, f"_{NAME}_{contents}"}:
            continue
        size = path.stat().st_size
        # Whoosh never writes a file twice, so one that was there before and has its size is not read again.
        same = before.get(path.name, (-1, 0))
        files[path.name] = same if same[0] == size else (size, checksum(path))
    fresh = directory / f"{_POINTER}.new"
    with fresh.open("w") as file:
        json.dump(asdict(Pointer(generation, contents, documents, files)), file)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(directory / _POINTER)


@contextlib.contextmanager
def writing(directory: Path, wait: float) -> Iterator[None]:
    """Be the only writer. Raises `IndexUnavailable` when another one is not done within `wait` seconds.

    The system frees the lock of a process that ended, so a lock file left behind blocks nobody.
    """
    try:
        _make_way(directory)
        directory.mkdir(parents=True, exist_ok=True)
        lock = os.open(directory / _LOCK, os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as problem:
        raise IndexUnavailable(f"The index cannot be written: {problem.strerror}") from problem
    try:
        until = time.monotonic() + wait
        while True:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > until:
                    raise IndexUnavailable("The index is being written by another process") from None
                time.sleep(0.05)
        yield
    finally:
        os.close(lock)


def _is_generation(name: str) -> bool:
    return name[:1] == "g" and name[1:].isdigit() and name.isascii()


def _generations(directory: Path) -> list[str]:
    return sorted((p.name for p in directory.iterdir() if _is_generation(p.name)), key=lambda name: int(name[1:]))


def next_generation(directory: Path) -> str:
    """Make the directory of a new generation and give its name."""
    numbers = [int(name[1:]) for name in _generations(directory)]
    name = f"g{max(numbers, default=0) + 1:06d}"
    (directory / name).mkdir()
    return name


def sweep(directory: Path, keep: str) -> None:
    """Remove every generation but one. Readers of a removed one go on: they hold its files open."""
    for name in _generations(directory):
        if name != keep:
            _remove(directory / name)

"""A Whoosh index where there is no room to write, or where something else stands in its place."""

import resource
import shutil
from contextlib import contextmanager

import pytest

from kb.search import IndexUnavailable
from kb.search.whoosh_index import WhooshIndex
from tests.kb.search.library import AMENDMENTS, LIBRARY, document, found


@pytest.fixture
def directory(tmp_path):
    directory = tmp_path / "search"
    WhooshIndex(directory).rebuild(LIBRARY)
    return directory


@contextmanager
def no_room():
    """The system writes no file beyond 20 kB, as on a disk that is full but for that."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def names(directory) -> set[str]:
    return {str(path.relative_to(directory)) for path in directory.rglob("*") if "LOCK" not in path.name}


LARGE = [document(100 + n, f"Number {n}", " ".join(f"word{n}x{i}" for i in range(300))) for n in range(60)]


def test_writing_without_room_leaves_nothing_behind_and_the_index_as_it_was(directory):
    index = WhooshIndex(directory)
    before = names(directory)
    with no_room():
        for write in (lambda: index.rebuild(LARGE), lambda: index.apply(LARGE, [])):
            with pytest.raises(IndexUnavailable, match="written"):
                write()
            assert names(directory) - before <= {"writer.lock"}
            assert found(index, "amendments") == [AMENDMENTS.id]
            assert found(WhooshIndex(directory), "amendments") == [AMENDMENTS.id]
    index.apply(LARGE, [])
    assert found(index, "word7x7") == ["article:107"]


def a_file_for_the_directory(directory):
    shutil.rmtree(directory)
    directory.write_text("not an index")


def a_folder_for_the_pointer(directory):
    (directory / "current").unlink()
    (directory / "current" / "inside").mkdir(parents=True)


def folders_where_the_writer_writes(directory):
    for name in ("writer.lock", "current.new"):
        (directory / name).unlink(missing_ok=True)
        (directory / name / "inside").mkdir(parents=True)


def files_for_generations(directory):
    for path in directory.glob("g*"):
        shutil.rmtree(path)
        path.write_text("not a folder")
    (directory / "g000002").write_text("neither")


@pytest.mark.parametrize(
    "wreck",
    [a_file_for_the_directory, a_folder_for_the_pointer, folders_where_the_writer_writes, files_for_generations],
)
def test_what_stands_in_the_place_of_the_index_makes_way(directory, wreck):
    wreck(directory)
    index = WhooshIndex(directory)
    index.rebuild(LIBRARY)
    assert found(index, "amendments") == [AMENDMENTS.id]
    assert index.health().ok
    index.apply([document(99, "Pelican")], [])
    assert found(index, "pelican") == ["article:99"]
    assert len(list(directory.glob("g*"))) == 1

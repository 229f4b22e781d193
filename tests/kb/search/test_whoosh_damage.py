"""A Whoosh index that is missing, damaged, of another version or half written: unavailable, or right, never worse."""

import fcntl
import json
import os
import pickle
import random
import shutil
import subprocess
import sys
import textwrap

import pytest

from kb.search import IndexUnavailable, Query, whoosh_files, whoosh_index
from kb.search.whoosh_index import WhooshIndex
from tests.kb.search.library import AMENDMENTS, EVERYBODY, LIBRARY, document, found

QUERIES = ("amendments", '"award date"', "contract signature", "procuremnt", "public", "tender/procurementMethod")


@pytest.fixture
def directory(tmp_path):
    directory = tmp_path / "search"
    index = WhooshIndex(directory)
    index.rebuild(LIBRARY[:4])
    index.apply(LIBRARY[4:], [])
    return directory


def answers(index) -> list:
    return [index.search(Query(text=typed)) for typed in QUERIES] + [
        index.search(Query(text="amendm", prefix_last=True)),
        index.suggest("how to publish an amendment", visibilities=EVERYBODY),
    ]


def data_files(directory):
    return sorted(path for path in directory.glob("g*/*") if path.is_file() and "LOCK" not in path.name)


def is_right_or_unavailable(directory, right) -> bool:
    """Whether a process that opens the index now behaves, reading and writing. True means unavailable."""
    index = WhooshIndex(directory)
    try:
        assert answers(index) == right
        unavailable = False
    except IndexUnavailable:
        unavailable = True
        assert not index.health().ok
    try:
        index.apply([document(99, "Pelican")], [])
        assert found(WhooshIndex(directory), "pelican") == ["article:99"]
    except IndexUnavailable:
        pass
    return unavailable


def heals(directory) -> bool:
    index = WhooshIndex(directory)
    index.rebuild(LIBRARY)
    return found(index, "amendments") == [AMENDMENTS.id] and index.health().ok


def copies(directory, tmp_path):
    """Fresh copies of an index to damage, one for each of its files."""
    for n, path in enumerate([*data_files(directory), directory / "current"]):
        copy = tmp_path / f"copy{n}"
        shutil.copytree(directory, copy)
        yield copy, copy / path.relative_to(directory)


def test_a_missing_file_makes_the_index_unavailable_until_it_is_rebuilt(directory, tmp_path):
    right = answers(WhooshIndex(directory))
    for copy, path in copies(directory, tmp_path):
        path.unlink()
        is_right_or_unavailable(copy, right)
        assert heals(copy)


def test_a_truncated_file_makes_the_index_unavailable_until_it_is_rebuilt(directory, tmp_path):
    right = answers(WhooshIndex(directory))
    for copy, path in copies(directory, tmp_path):
        size = path.stat().st_size
        if size:
            os.truncate(path, random.Random(size).randrange(size))
            assert is_right_or_unavailable(copy, right), path.name
            assert heals(copy)


def test_a_flipped_byte_anywhere_is_noticed_before_anything_is_read(directory, tmp_path):
    right = answers(WhooshIndex(directory))
    choose = random.Random(5)
    for copy, path in copies(directory, tmp_path):
        whole = path.read_bytes()
        for _ in range(4 if whole else 0):
            at = choose.randrange(len(whole))
            path.write_bytes(whole[:at] + bytes([whole[at] ^ 1 << choose.randrange(8)]) + whole[at + 1 :])
            unavailable = is_right_or_unavailable(copy, right)
            assert unavailable or path.name == "current", path.name
            if copy.joinpath("current").read_bytes() != directory.joinpath("current").read_bytes():
                break
        assert heals(copy)


def test_a_table_of_contents_from_elsewhere_is_never_unpickled(directory, tmp_path):
    class Evil:
        def __reduce__(self):
            return os.mkdir, (str(tmp_path / "canary"),)

    (contents,) = directory.glob("g*/_MAIN_*.toc")
    whole = contents.read_bytes()
    # The list of segments is the last thing in the file, and is read as a pickle.
    contents.write_bytes(whole[: whole.rindex(b"\x80")] + pickle.dumps(Evil()))
    index = WhooshIndex(directory)
    with pytest.raises(IndexUnavailable):
        index.search(Query(text="contract"))
    with pytest.raises(IndexUnavailable):
        index.apply([AMENDMENTS], [])
    assert not (tmp_path / "canary").exists()


@pytest.mark.parametrize(
    "pointer",
    [
        b"",
        b"{}",
        b"[]",
        b"null",
        b'{"stamp": "0/0/0"}',
        b"\xff\xfe\x00",
        b"[" * 100_000,
        json.dumps({"stamp": whoosh_files.STAMP, "generation": "../x", "contents": 1, "documents": 1, "files": {}}),
        json.dumps({"stamp": whoosh_files.STAMP, "generation": "g1", "contents": 1, "documents": 1, "files": {}}),
        json.dumps({"stamp": whoosh_files.STAMP, "generation": "g1", "contents": "x", "documents": 1, "files": 3}),
    ],
)
def test_a_damaged_pointer_makes_the_index_unavailable(directory, pointer):
    (directory / "current").write_bytes(pointer if isinstance(pointer, bytes) else pointer.encode())
    index = WhooshIndex(directory)
    with pytest.raises(IndexUnavailable):
        index.search(Query(text="contract"))
    with pytest.raises(IndexUnavailable):
        index.apply([AMENDMENTS], [])
    assert index.health().problem
    assert heals(directory)


def test_an_index_of_another_version_is_unavailable_until_it_is_rebuilt(directory, monkeypatch):
    monkeypatch.setattr(whoosh_files, "STAMP", "2/7/9.9.9")
    index = WhooshIndex(directory)
    with pytest.raises(IndexUnavailable, match="another version"):
        index.search(Query(text="contract"))
    with pytest.raises(IndexUnavailable, match="another version"):
        index.apply([AMENDMENTS], [])


def test_files_that_are_damaged_while_they_are_read_never_raise_anything_else(directory):
    index = WhooshIndex(directory)
    right = answers(index)
    for path in data_files(directory):
        os.truncate(path, 0)
    for typed in (*QUERIES, "signature", "decision", '"gap of positions"', "release tag"):
        try:
            index.search(Query(text=typed))
        except IndexUnavailable:
            break
    else:
        # Everything that was asked for was in memory already, so it is right.
        assert answers(index) == right
    assert heals(directory)


def test_a_directory_that_vanishes_makes_the_index_unavailable_and_comes_back_by_a_rebuild(directory):
    index = WhooshIndex(directory)
    answers(index)
    shutil.rmtree(directory)
    assert not index.health().ok
    index.rebuild(LIBRARY)
    assert found(index, "amendments") == [AMENDMENTS.id]


def test_locks_and_leftovers_of_a_writer_that_died_block_nobody(directory):
    (directory / "writer.lock").write_text("4242")
    (generation,) = directory.glob("g*")
    (generation / "MAIN_WRITELOCK").write_text("4242")
    (generation / "MAIN.tmp").mkdir(exist_ok=True)
    (generation / "MAIN_deadbeefdeadbeef.pst").write_bytes(b"half")
    (directory / "g999999").mkdir()
    (directory / "current.new").write_text("{")
    index = WhooshIndex(directory)
    index.apply([document(99, "Pelican")], [])
    assert found(index, "pelican") == ["article:99"]
    assert len(list(directory.glob("g*"))) == 1, "what a rebuild left behind goes with the next change"
    assert heals(directory)
    assert len(list(directory.glob("g*"))) == 1


def test_a_second_writer_waits_and_then_says_that_the_index_is_busy(directory, monkeypatch):
    monkeypatch.setattr(whoosh_index, "_WAIT", 0.1)
    index = WhooshIndex(directory)
    with (directory / "writer.lock").open("r+") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        with pytest.raises(IndexUnavailable, match="another process"):
            index.apply([AMENDMENTS], [])
        with pytest.raises(IndexUnavailable, match="another process"):
            index.rebuild(LIBRARY)
        assert found(index, "amendments") == [AMENDMENTS.id]
    index.apply([AMENDMENTS], [])


def test_a_writer_that_is_killed_leaves_an_index_that_answers_or_heals(directory):
    script = textwrap.dedent(
        """
        import sys
        from pathlib import Path
        from kb.search.whoosh_index import WhooshIndex
        from tests.kb.search.library import document
        index = WhooshIndex(Path(sys.argv[1]))
        print("ready", flush=True)
        for n in range(100000):
            index.apply([document(200 + n % 50, f"Cormorant {n}", "dives " * 50)], [])
        """
    )
    right = found(WhooshIndex(directory), "amendments")
    for delay in (0.05, 0.12, 0.2):
        with subprocess.Popen([sys.executable, "-c", script, str(directory)], stdout=subprocess.PIPE) as writer:
            assert writer.stdout.readline() == b"ready\n"
            try:
                writer.wait(delay)
            except subprocess.TimeoutExpired:
                writer.kill()
        index = WhooshIndex(directory)
        try:
            assert found(index, "amendments") == right
            index.apply([document(99, "Pelican")], [])
        except IndexUnavailable:
            assert heals(directory)


@pytest.mark.parametrize("is_rebuild", [False, True])
def test_a_writer_that_dies_before_the_swap_leaves_the_index_as_it_was(directory, monkeypatch, is_rebuild):
    right = answers(WhooshIndex(directory))

    def dies(*_, **__):
        raise SystemExit

    with monkeypatch.context() as here:
        here.setattr(whoosh_files, "write_pointer", dies)
        for number in range(3):
            index = WhooshIndex(directory)
            pelican = [document(number, "Pelican")]
            with pytest.raises(SystemExit):
                index.rebuild(pelican) if is_rebuild else index.apply(pelican, [])
    assert answers(WhooshIndex(directory)) == right
    WhooshIndex(directory).apply([document(99, "Pelican")], [])
    assert found(WhooshIndex(directory), "pelican") == ["article:99"]
    assert is_rebuild or len(list(directory.glob("g*/*.toc"))) == 1, "what was half written is gone"


def test_a_reader_sees_what_another_process_wrote(directory, monkeypatch):
    monkeypatch.setattr(whoosh_index, "_LOOK_EVERY", 0.0)
    reader = WhooshIndex(directory)
    assert found(reader, "pelican") == []
    WhooshIndex(directory).apply([document(99, "Pelican")], [])
    assert found(reader, "pelican") == ["article:99"]
    WhooshIndex(directory).rebuild([document(98, "Pelican")])
    assert found(reader, "pelican") == ["article:98"]


def test_a_forked_process_opens_the_index_for_itself(directory):
    index = WhooshIndex(directory)
    right = found(index, "amendments")
    inherited = index._snapshot
    child = os.fork()
    if child == 0:
        is_right = found(index, "amendments") == right and index._snapshot is not inherited
        os._exit(0 if is_right else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert found(index, "amendments") == right
    assert index._snapshot is inherited


def test_a_place_that_cannot_be_written_makes_the_index_unavailable(tmp_path):
    blocked = tmp_path / "file"
    blocked.write_text("not a directory")
    index = WhooshIndex(blocked / "search")
    with pytest.raises(IndexUnavailable):
        index.rebuild(LIBRARY)
    assert not index.health().ok


def test_segments_stay_few_over_many_small_writes(directory):
    index = WhooshIndex(directory)
    for n in range(40):
        index.apply([document(300 + n, f"Gannet {n}")], [])
    (generation,) = directory.glob("g*")
    assert len(list(generation.glob("*.trm"))) <= 5
    assert index.search(Query(text="gannet")).total == 40

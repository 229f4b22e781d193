"""Many documents are analysed in a second process and written by this one; nobody can tell from the answers."""

import pytest

from kb.search import Query, analysis_child
from tests.kb.search.library import EVERYBODY, LIBRARY, document

MANY = [
    *LIBRARY,
    *(
        document(
            100 + number, f"Guide {number} to planning", f"Budget line {number % 7} of the planning of release{number}. " * 3,
            summary=f"What {number} says", tags=("planning",), language=("en", "es", "fr", "ru")[number % 4],
        )
        for number in range(2 * analysis_child.BATCH)
    ),
]  # fmt: skip
ASKED = ("planning budget", '"budget line"', "release150", "amendments", "plannnig", "guide -budget", "contract")


def answers(index) -> list:
    results = [index.search(Query(text=text, limit=50)) for text in ASKED]
    return [(each.total, each.suggestion, each.facets, [(hit.id, hit.score, hit.snippet) for hit in each.hits])
            for each in results] + [index.suggest("how to publish an amendment", visibilities=EVERYBODY)]  # fmt: skip


@pytest.fixture
def right(index):
    """What is answered when this process alone does everything."""
    index.rebuild(MANY[:1])
    rest = MANY[1:]
    for start in range(0, len(rest), analysis_child.BATCH - 1):
        index.apply(rest[start : start + analysis_child.BATCH - 1], [])
    found = answers(index)
    assert found[0][0] > analysis_child.BATCH
    return found


def test_what_another_process_analysed_is_found_in_the_same_way(index, right):
    assert index.rebuild(MANY) == len(MANY)
    assert answers(index) == right


def test_when_the_other_process_cannot_work_this_one_does(index, right, monkeypatch):
    monkeypatch.setattr(analysis_child, "MODULE", "kb.search.nowhere")
    assert index.rebuild(MANY) == len(MANY)
    assert answers(index) == right


def test_postings_beyond_the_memory_wait_in_files(whoosh_index, monkeypatch, tmp_path):
    whoosh_index.rebuild(MANY)
    right = answers(whoosh_index)
    monkeypatch.setattr("kb.search.whoosh_index._MEMORY", 50_000)
    whoosh_index.rebuild(MANY)
    assert answers(whoosh_index) == right
    assert not [path.name for path in tmp_path.rglob("*") if path.suffix in {".run", ".tmp"}]


def test_a_document_that_cannot_be_read_leaves_the_index_as_it_was(index):
    index.rebuild(LIBRARY)

    def broken():
        yield from MANY[: analysis_child.BATCH + 5]
        raise ValueError("The database went away")

    with pytest.raises(ValueError, match="went away"):
        index.rebuild(broken())
    assert index.health().documents == len(LIBRARY)
    assert index.search(Query(text="amendments")).hits[0].id == LIBRARY[0].id

"""What only the PostgreSQL backend can suffer."""

import pytest
from sqlalchemy import create_engine, event, text

from kb.search import IndexUnavailable, Query, postgres_postings, postgres_tables
from kb.search.postgres_index import PostgresIndex
from tests.kb.search.library import AMENDMENTS, LIBRARY, STAFF_SEE, document, found


def test_missing_tables_make_the_index_unavailable(search_engine, postgres_index):
    with search_engine.begin() as connection:
        postgres_tables.drop(connection)
    assert not postgres_index.health().ok
    with pytest.raises(IndexUnavailable):
        postgres_index.search(Query(text="contract"))


def test_a_server_that_is_away_makes_the_index_unavailable():
    index = PostgresIndex(create_engine("postgresql+psycopg://nobody@127.0.0.1:1/nothing"))
    assert not index.health().ok
    with pytest.raises(IndexUnavailable):
        index.search(Query(text="contract"))


def test_an_index_of_another_version_is_unavailable_until_it_is_rebuilt(search_engine, postgres_index):
    postgres_index.rebuild(LIBRARY)
    with search_engine.begin() as connection:
        connection.execute(text("UPDATE search_state SET stamp = 'old'"))
    with pytest.raises(IndexUnavailable, match="another version"):
        postgres_index.search(Query(text="contract"))
    with pytest.raises(IndexUnavailable, match="another version"):
        postgres_index.apply([AMENDMENTS], [])
    postgres_index.rebuild(LIBRARY)
    assert found(postgres_index, "amendments") == [AMENDMENTS.id]


def test_a_second_writer_waits_and_then_says_that_the_index_is_busy(search_engine, postgres_index, monkeypatch):
    monkeypatch.setattr("kb.search.postgres_index._WAIT", 0.1)
    postgres_index.rebuild(LIBRARY)
    with search_engine.begin() as connection:
        postgres_tables.lock(connection, 1)
        with pytest.raises(IndexUnavailable):
            postgres_index.apply([AMENDMENTS], [])
        assert found(postgres_index, "amendments") == [AMENDMENTS.id]


def test_the_counts_of_words_are_exact_after_changes(search_engine, postgres_index):
    def counts():
        with search_engine.connect() as connection:
            return sorted(connection.execute(text("SELECT term, word, visibility, documents FROM search_word")))

    postgres_index.rebuild(LIBRARY)
    before = counts()
    postgres_index.apply([document(1, "Something else", "contract"), document(9, "New contract")], ["article:2"])
    assert counts() != before
    postgres_index.apply(LIBRARY, ["article:9"])
    assert [tuple(row) for row in counts()] == [tuple(row) for row in before]


def test_the_lists_of_terms_are_exact_after_changes(search_engine, postgres_index, monkeypatch):
    monkeypatch.setattr("kb.search.postgres_postings._PART_BITS", 1)

    def lists():
        """Which document holds which term with which weight, whatever their numbers are."""
        with search_engine.connect() as connection:
            ids = dict(connection.execute(text("SELECT number, id FROM search_document")).all())
            terms = set(connection.execute(text("SELECT term FROM search_posting")).scalars())
            read = postgres_postings.joined(
                terms, connection.exec_driver_sql(postgres_postings.SELECT, {"terms": list(terms)})
            )
        return {
            (term, ids[number], weight)
            for term, (numbers, weights) in read.items()
            for number, weight in zip(numbers.tolist(), weights.tolist(), strict=True)
        }

    postgres_index.rebuild(LIBRARY)
    before = lists()
    assert len({id_ for _, id_, _ in before}) == len(LIBRARY)
    postgres_index.apply([document(1, "Something else", "contract"), document(9, "New contract")], ["article:2"])
    assert lists() != before
    postgres_index.apply(LIBRARY, ["article:9"])
    assert lists() == before


def test_what_other_processes_write_is_found_at_once(search_engine, postgres_index):
    other = PostgresIndex(search_engine)
    postgres_index.rebuild(LIBRARY)
    assert found(other, "amendments") == [AMENDMENTS.id]
    # A new document, a changed one, one that is gone, and one that gets the number which was free again.
    postgres_index.apply([document(20, "Quokkas"), document(1, "Of wombats")], [])
    assert found(other, "quokkas") == ["article:20"]
    assert found(other, "wombats") == [AMENDMENTS.id]
    assert found(other, "amendments") == []
    postgres_index.apply([], ["article:20"])
    assert found(other, "quokkas") == []
    postgres_index.apply([document(21, "Numbats", visibility="staff")], [])
    assert found(other, "numbats") == []
    assert found(other, "numbats", visibilities=STAFF_SEE) == ["article:21"]
    # Whatever became of the index in between, what was remembered of it is not taken for what is there now.
    with search_engine.begin() as connection:
        connection.execute(text("DELETE FROM search_state"))
    postgres_index.rebuild(reversed(LIBRARY))
    assert found(other, "amendments") == [AMENDMENTS.id]
    assert found(other, "zebrafish") == []


def test_a_document_that_becomes_open_or_closed_is_found_by_those_who_may(search_engine, postgres_index):
    other = PostgresIndex(search_engine)
    postgres_index.rebuild(LIBRARY)
    assert found(other, "zebrafish") == []
    postgres_index.apply([document(7, "Zebrafish for everybody")], [])
    assert found(other, "zebrafish") == ["article:7"]
    postgres_index.apply([document(7, "Zebrafish for staff", visibility="staff")], [])
    assert found(other, "zebrafish") == []
    assert found(other, "zebrafish", visibilities=STAFF_SEE) == ["article:7"]


def test_what_is_gone_no_longer_makes_words_rare(search_engine, postgres_index):
    many = [document(100 + number, f"Of other things {number}") for number in range(50)]
    other = PostgresIndex(search_engine)
    postgres_index.rebuild([*LIBRARY, *many])
    before = other.search(Query(text="amendments")).hits[0].score
    postgres_index.apply([], [each.id for each in many])
    after = other.search(Query(text="amendments")).hits[0].score
    assert after < before
    assert after == PostgresIndex(search_engine).search(Query(text="amendments")).hits[0].score


def test_what_a_process_remembers_does_not_grow_with_every_change(search_engine, postgres_index):
    other = PostgresIndex(search_engine)
    postgres_index.rebuild(LIBRARY)
    for number in range(30):
        postgres_index.apply([document(1, f"Amendments {number}", topic=f"topic{number % 3}")], [])
        assert other.search(Query(text="amendments")).facets["topic"] == {f"topic{number % 3}": 1}
    assert len(other._remembered.columns.facets) <= len(LIBRARY) + 3 + 1


def test_a_search_during_which_the_index_was_written_begins_again(search_engine, postgres_index):
    postgres_index.rebuild(LIBRARY)
    other = PostgresIndex(search_engine)
    written = []

    @event.listens_for(search_engine, "before_cursor_execute")
    def write_in_between(connection, cursor, statement, *_):
        # Once, when the search knows the numbers and goes to fetch what stands behind them.
        if "body FROM search_document WHERE number = ANY" in statement and not written:
            written.append(statement)
            # Every document gets another number.
            postgres_index.rebuild(reversed(LIBRARY))

    try:
        results = other.search(Query(text="amendments"))
    finally:
        event.remove(search_engine, "before_cursor_execute", write_in_between)
    assert written
    assert [hit.id for hit in results.hits] == [AMENDMENTS.id]


def test_an_index_that_is_written_all_the_time_is_unavailable(search_engine, postgres_index, monkeypatch):
    monkeypatch.setattr("kb.search.postgres_index._TRIES", 3)
    postgres_index.rebuild(LIBRARY)
    other = PostgresIndex(search_engine)

    @event.listens_for(search_engine, "before_cursor_execute")
    def write_in_between(connection, cursor, statement, *_):
        if "FROM search_posting WHERE term = ANY" in statement:
            with search_engine.begin() as writing:
                writing.execute(text("UPDATE search_state SET version = version + 1"))

    try:
        with pytest.raises(IndexUnavailable, match="all the time"):
            other.search(Query(text="amendments"))
    finally:
        event.remove(search_engine, "before_cursor_execute", write_in_between)

"""What only the PostgreSQL backend can suffer."""

import pytest
from sqlalchemy import create_engine, text

from kb.search import IndexUnavailable, Query, postgres_tables
from kb.search.postgres_index import PostgresIndex
from tests.kb.search.library import AMENDMENTS, LIBRARY, document, found


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

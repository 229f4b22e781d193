"""The tables of the PostgreSQL index, and writing to them.

`search_document` holds what a hit shows, the number of the document and a vector made of our own terms, by which words
side by side are found. `search_posting` holds for each term which documents hold it and what it weighs in each.
`search_word` counts the documents that hold a word, for each term and visibility: for beginnings and spelling, of
visible documents only. `search_state` says which version of the analysis wrote them, which write was the last, and
which was the last that built anew or took out documents.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from sqlalchemy import Connection, text

from kb.search import analysis, analysis_child, postgres_postings
from kb.search.postgres_postings import Changes
from kb.search.postgres_rows import row as row_of
from kb.search.protocol import Document
from kb.search.spelling import letters

STAMP = f"3/{analysis.VERSION}"

_BATCH = 200
# Any number that nothing else in the database locks.
_LOCK = 7_302_114_519

# A word with the term and visibility that it counts for.
_Counted = Counter[tuple[str, str, str]]


def create(connection: Connection) -> None:
    """Make the tables; for a migration, on PostgreSQL only. They hold nothing until the index is rebuilt."""
    connection.exec_driver_sql(
        "CREATE TABLE search_document (id text PRIMARY KEY, kind text NOT NULL, topic text NOT NULL, "
        "country text NOT NULL, language text NOT NULL, visibility text NOT NULL, url text NOT NULL, "
        "title text NOT NULL, summary text NOT NULL, body text NOT NULL, updated timestamptz NOT NULL, "
        "boost real NOT NULL, words text[] NOT NULL, terms text[] NOT NULL, tsv tsvector NOT NULL, "
        "number integer NOT NULL UNIQUE, changed bigint NOT NULL)"
    )
    # Vectors are read often and packed badly.
    connection.exec_driver_sql("ALTER TABLE search_document ALTER tsv SET STORAGE EXTERNAL")
    connection.exec_driver_sql("CREATE INDEX ix_search_document_tsv ON search_document USING gin (tsv)")
    connection.exec_driver_sql("CREATE INDEX ix_search_document_changed ON search_document (changed)")
    postgres_postings.create(connection)
    connection.exec_driver_sql(
        "CREATE TABLE search_word (term text NOT NULL, word text NOT NULL, visibility text NOT NULL, "
        "folded text NOT NULL, length integer NOT NULL, letters integer NOT NULL, documents integer NOT NULL, "
        "PRIMARY KEY (term, word, visibility))"
    )
    connection.exec_driver_sql("CREATE INDEX ix_search_word_folded ON search_word (folded text_pattern_ops)")
    connection.exec_driver_sql("CREATE INDEX ix_search_word_length ON search_word (length)")
    connection.exec_driver_sql(
        "CREATE TABLE search_state (id integer PRIMARY KEY CHECK (id = 1), stamp text NOT NULL, "
        "version bigint NOT NULL, removed bigint NOT NULL)"
    )


def drop(connection: Connection) -> None:
    """Remove what `create` made."""
    connection.exec_driver_sql("DROP TABLE IF EXISTS search_document, search_posting, search_word, search_state")


def lock(connection: Connection, wait: float) -> None:
    """Be the only writer until the transaction ends; an error of the database after `wait` seconds."""
    connection.exec_driver_sql(f"SET LOCAL lock_timeout = '{int(wait * 1000)}ms'")
    connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})


def replace(connection: Connection, documents: Sequence[Document], deletes: Iterable[str]) -> None:
    """Put documents in and take others out, with their words and what these weigh."""
    ids = [*(document.id for document in documents), *deletes]
    changes = Changes()
    numbers: dict[str, int] = {}
    for row in connection.execute(
        text("SELECT id, number, terms, title FROM search_document WHERE id = ANY(:ids)"), {"ids": ids}
    ):
        numbers[row.id] = row.number
        title = analysis.whole_title(row.title)
        changes.remove(row.number, (*row.terms, *([title] if title else ())))
    is_removing = not numbers.keys() <= {document.id for document in documents}
    connection.execute(
        text(
            "WITH gone AS (DELETE FROM search_document WHERE id = ANY(:ids) RETURNING visibility, words, terms), "
            "less AS (SELECT visibility, term, word, count(*) AS documents "
            "FROM gone, unnest(terms, words) AS listed (term, word) GROUP BY visibility, term, word) "
            "UPDATE search_word SET documents = search_word.documents - less.documents FROM less "
            "WHERE search_word.term = less.term AND search_word.word = less.word "
            "AND search_word.visibility = less.visibility"
        ),
        {"ids": ids},
    )
    connection.exec_driver_sql("DELETE FROM search_word WHERE documents <= 0")
    following = connection.execute(text("SELECT coalesce(max(number) + 1, 0) FROM search_document")).scalar_one()
    following = max(following, max(numbers.values(), default=-1) + 1)
    adding = _Adding(changes, _touch(connection, is_removing=is_removing), following, numbers)
    adding.add(connection, documents)
    changes.write(connection)


def replace_all(connection: Connection, documents: Iterable[Document]) -> int:
    """Take everything out and put documents in. Gives how many there were."""
    # Not TRUNCATE, which readers of the old state would have to wait for.
    connection.exec_driver_sql("DELETE FROM search_document")
    connection.exec_driver_sql("DELETE FROM search_posting")
    connection.exec_driver_sql("DELETE FROM search_word")
    adding = _Adding(Changes(), _touch(connection, is_removing=True), is_new=True)
    count = adding.add(connection, documents)
    adding.changes.write(connection, is_new=True)
    return count


@dataclass(slots=True)
class _Adding:
    """Documents being put in by one write: `following` is the number of the next one that had none (see `numbers`)."""

    changes: Changes
    version: int
    following: int = 0
    numbers: Mapping[str, int] = field(default_factory=dict)
    is_new: bool = False

    def _number(self, row: dict[str, Any]) -> None:
        row["changed"] = self.version
        row["number"] = self.numbers.get(row["id"], self.following)
        self.following += row["id"] not in self.numbers
        self.changes.put(row["number"], row.pop("weights"))

    def add(self, connection: Connection, documents: Iterable[Document]) -> int:
        """Put documents in, their words into the counts, note what their terms weigh. Gives how many there were."""
        counted: _Counted = Counter()
        count = 0
        waiting = analysis_child.rows(documents, "postgresql", row_of, _as_it_came)
        while batch := list(islice(waiting, _BATCH)):
            for row in batch:
                self._number(row)
            connection.execute(
                text(
                    "INSERT INTO search_document (id, kind, topic, country, language, visibility, url, title, "
                    "summary, body, updated, boost, words, terms, tsv, number, changed) VALUES (:id, :kind, :topic, "
                    ":country, :language, :visibility, :url, :title, :summary, :body, CAST(:updated AS timestamptz), "
                    ":boost, :words, :terms, CAST(:tsv AS tsvector), :number, :changed)"
                ),
                batch,
            )
            counted.update(
                (term, word, row["visibility"])
                for row in batch
                for term, word in zip(row["terms"], row["words"], strict=True)
            )
            count += len(batch)
            if self.is_new:
                self.changes.write_whole_parts(connection, self.following)
        _count_words(connection, counted)
        return count


def _as_it_came(row: dict[str, Any]) -> dict[str, Any]:
    return row


def _count_words(connection: Connection, counted: _Counted) -> None:
    waiting = iter(counted.items())
    while batch := list(islice(waiting, 5000)):
        folded = [word.partition("\t")[0] for (_, word, _), _ in batch]
        connection.execute(
            text(
                "INSERT INTO search_word (term, word, visibility, folded, length, letters, documents) "
                "SELECT * FROM unnest(CAST(:terms AS text[]), CAST(:words AS text[]), CAST(:visibilities AS text[]), "
                "CAST(:folded AS text[]), CAST(:lengths AS int[]), CAST(:letters AS int[]), "
                "CAST(:documents AS int[])) "
                "ON CONFLICT (term, word, visibility) "
                "DO UPDATE SET documents = search_word.documents + excluded.documents"
            ),
            {
                "terms": [term for (term, _, _), _ in batch],
                "words": [word for (_, word, _), _ in batch],
                "visibilities": [visibility for (_, _, visibility), _ in batch],
                "folded": folded,
                "lengths": [len(word) for word in folded],
                "letters": [letters(word) for word in folded],
                "documents": [count for _, count in batch],
            },
        )


def _touch(connection: Connection, *, is_removing: bool) -> int:
    """Note a write by this version, and whether documents of before are no longer there; the number of the write.

    Numbers begin with the time, so that an index which was lost and made again is never taken for the one before.
    """
    version: int = connection.execute(
        text(
            "INSERT INTO search_state (id, stamp, version, removed) SELECT 1, :stamp, start.ms, start.ms "
            "FROM (SELECT CAST(extract(epoch FROM clock_timestamp()) * 1000 AS bigint) AS ms) AS start "
            "ON CONFLICT (id) DO UPDATE SET stamp = excluded.stamp, version = search_state.version + 1, "
            "removed = CASE WHEN :is_removing THEN search_state.version + 1 ELSE search_state.removed END "
            "RETURNING version"
        ),
        {"stamp": STAMP, "is_removing": is_removing},
    ).scalar_one()
    return version

"""The posting lists of the PostgreSQL index: for each term which documents hold it, and what it weighs in each.

A list is kept in parts of 16,384 numbers, so that a change of one document rewrites little and a search reads few. A
part is two strings of 16-bit numbers: the places of its documents in the part, rising, and the weights in sixteenths.
"""

from collections.abc import Iterable, Mapping, Sequence
from itertools import islice
from typing import Any

import numpy as np
from sqlalchemy import Connection, text

from kb.search.parts import NOTHING, Postings
from kb.search.postings import UNIT

_PART_BITS = 14
_BATCH = 5000
_TYPE = np.dtype("<u2")

# A term and the part of its list.
_Key = tuple[str, int]


def create(connection: Connection) -> None:
    """Make the table."""
    connection.exec_driver_sql(
        "CREATE TABLE search_posting (term text NOT NULL, part integer NOT NULL, places bytea NOT NULL, "
        "weights bytea NOT NULL, PRIMARY KEY (term, part))"
    )
    # Read often, packed badly.
    connection.exec_driver_sql(
        "ALTER TABLE search_posting ALTER places SET STORAGE EXTERNAL, ALTER weights SET STORAGE EXTERNAL"
    )


SELECT = "SELECT term, part, places, weights FROM search_posting WHERE term = ANY(%(terms)s)"


def joined(terms: Iterable[str], rows: Iterable[Any]) -> dict[str, Postings]:
    """The lists of terms out of the rows of `SELECT`; of terms that no document holds too."""
    parts: dict[str, list[Any]] = {term: [] for term in terms}
    for row in rows:
        parts[row.term].append(row)
    return {term: _joined(sorted(rows, key=lambda row: row.part)) for term, rows in parts.items()}


def _joined(rows: Sequence[Any]) -> Postings:
    if not rows:
        return NOTHING
    # All parts at once: a common word has many, and each step of its own costs more than what it does.
    places = [row.places for row in rows]
    numbers = np.frombuffer(b"".join(places), _TYPE).astype(np.uint32)
    firsts = np.array([row.part << _PART_BITS for row in rows], np.uint32)
    numbers += np.repeat(firsts, [len(each) // _TYPE.itemsize for each in places])
    weights = np.frombuffer(b"".join([row.weights for row in rows]), _TYPE).astype(np.float32)
    weights /= np.float32(UNIT)
    return numbers, weights


class Changes:
    """What changes in the lists, gathered and then written at once."""

    def __init__(self) -> None:
        # For each place its new weight, 0 for a document that no longer holds the term.
        self._of_part: dict[int, dict[str, dict[int, int]]] = {}

    def remove(self, number: int, terms: Iterable[str]) -> None:
        """A document no longer holds terms."""
        self.put(number, dict.fromkeys(terms, 0))

    def put(self, number: int, weights: Mapping[str, int]) -> None:
        """A document holds terms, each with a weight in sixteenths."""
        part, place = number >> _PART_BITS, number & ((1 << _PART_BITS) - 1)
        of_part = self._of_part.setdefault(part, {})
        for term, weight in weights.items():
            known = of_part.get(term)
            if known is None:
                of_part[term] = {place: weight}
            else:
                known[place] = weight

    def write_whole_parts(self, connection: Connection, following: int) -> None:
        """While building anew: write what gets no more documents, and forget it.

        :param following: the number of the next document.
        """
        for part in [part for part in self._of_part if part < following >> _PART_BITS]:
            self._write(connection, part, self._of_part.pop(part), is_new=True)

    def write(self, connection: Connection, *, is_new: bool = False) -> None:
        """Write everything.

        :param is_new: nothing is there yet.
        """
        for part, of_part in self._of_part.items():
            self._write(connection, part, of_part, is_new=is_new)
        self._of_part = {}

    def _write(self, connection: Connection, part: int, changes: dict[str, dict[int, int]], *, is_new: bool) -> None:
        waiting = iter(changes.items())
        while batch := dict(islice(waiting, _BATCH)):
            there = {} if is_new else _there(connection, part, list(batch))
            rows = {term: _merged(there.get(term), changed) for term, changed in batch.items()}
            kept = {term: row for term, row in rows.items() if row[0]}
            if emptied := [term for term in there if term not in kept]:
                connection.execute(
                    text("DELETE FROM search_posting WHERE part = :part AND term = ANY(:terms)"),
                    {"part": part, "terms": emptied},
                )
            connection.execute(
                text(
                    "INSERT INTO search_posting (term, part, places, weights) SELECT term, :part, places, weights "
                    "FROM unnest(CAST(:terms AS text[]), CAST(:places AS bytea[]), CAST(:weights AS bytea[])) "
                    "AS listed (term, places, weights) "
                    "ON CONFLICT (term, part) DO UPDATE SET places = excluded.places, weights = excluded.weights"
                ),
                {
                    "part": part,
                    "terms": list(kept),
                    "places": [places for places, _ in kept.values()],
                    "weights": [weights for _, weights in kept.values()],
                },
            )


def _there(connection: Connection, part: int, terms: list[str]) -> dict[str, Any]:
    rows = connection.execute(
        text("SELECT term, places, weights FROM search_posting WHERE part = :part AND term = ANY(:terms)"),
        {"part": part, "terms": terms},
    )
    return {row.term: row for row in rows}


def _merged(there: Any, changed: Mapping[int, int]) -> tuple[bytes, bytes]:
    weights = {} if there is None else dict(
        zip(np.frombuffer(there.places, _TYPE).tolist(), np.frombuffer(there.weights, _TYPE).tolist(), strict=True)
    )  # fmt: skip
    weights.update(changed)
    rising = sorted(place for place, weight in weights.items() if weight)
    return np.array(rising, _TYPE).tobytes(), np.array([weights[place] for place in rising], _TYPE).tobytes()

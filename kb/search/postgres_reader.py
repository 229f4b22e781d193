"""Reading the PostgreSQL index: columns and posting lists are kept in the process as long as nothing is written.

No transaction holds the statements of a search together, which would cost as much as they do. Each tells which write
it saw instead, and a search whose statements saw different ones begins again.
"""

import threading
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC
from typing import Any

import numpy as np
from sqlalchemy import Connection

from core.tsvector import phrase
from kb.search import postgres_postings
from kb.search.analysis import Need
from kb.search.hits import Kept, Shown
from kb.search.parts import NOTHING, Columns, Details, Flags, Postings, View
from kb.search.postings import PHRASE_WEIGHT, holding_all, kept_most
from kb.search.scoring import MOST_OF_SYNONYM
from kb.search.spelling import is_checked, letters, most_edits, nearest_counted

# Postings kept in memory, 8 bytes each: so many, and more for every document.
_MOST_KEPT = 2_000_000
_KEPT_PER_DOCUMENT = 60
_MOST_BEGINNINGS = 60
_MOST_PREFIXES = 2000
# Words that begin with the same few letters are read at once, if they are few: the next letter needs no asking.
_FEW_LETTERS = 3
_MOST_OF_FEW_LETTERS = 200
_MOST_STEMS = 300
_MOST_PHRASES = 2000
# Words side by side: the terms with their distances, and how many documents are looked at.
_Phrase = tuple[tuple[tuple[int, str], ...], int]


class Changed(Exception):
    """The index was written while it was read."""


def select(connection: Connection, version: int, statement: str, parameters: Mapping[str, Any]) -> list[Any]:
    """The rows of a statement (whose first column is never null), if the index is still as this write left it.

    :raises Changed: if it is not.
    """
    telling = f"SELECT found.*, state.version FROM search_state AS state LEFT JOIN ({statement}) AS found ON true"  # noqa: S608
    rows = connection.exec_driver_sql(telling, parameters).all()
    if not rows or rows[0][-1] != version:
        raise Changed
    return list(rows) if rows[0][0] is not None else []


class Remembered:
    """What a process remembers of the index as it is after one write. Threads share it."""

    def __init__(self, version: int, removed: int, columns: Columns) -> None:
        self.version = version
        self.removed = removed
        self.columns = columns
        self.postings: dict[str, Postings] = {}
        self.phrases: dict[_Phrase, Postings] = {}
        self.beginnings: dict[tuple[str, frozenset[str]], list[str]] = {}
        # By few letters: (term, word, documents); None where there are too many.
        self.stems: dict[tuple[str, frozenset[str]], list[tuple[str, str, int]] | None] = {}
        self.shown = Kept()
        self.heads = Kept(4_000_000)
        self._count = 0
        self._visible: dict[frozenset[str], tuple[Flags, dict[str, int]]] = {}
        self._lock = threading.Lock()

    def keep(self, postings: dict[str, Postings]) -> None:
        """Remember posting lists."""
        with self._lock:
            if self._count > max(_MOST_KEPT, _KEPT_PER_DOCUMENT * len(self.columns)):
                self.postings, self.phrases, self._count = {}, {}, 0
            self.postings |= postings
            self._count += sum(len(numbers) + 10 for numbers, _ in postings.values())

    def visible(self, visibilities: Iterable[str]) -> tuple[Flags, dict[str, int]]:
        """Which documents have one of these visibilities, and in how many of those terms are, as far as was asked."""
        key = frozenset(visibilities)
        known = self._visible.get(key)
        if known is None:
            known = self._visible[key] = (self.columns.visible(key), {})
        return known


def current(connection: Connection, before: Remembered | None, version: int, removed: int) -> Remembered:
    """What is to be remembered of the index after the write of this number."""
    if before is not None and before.version == version:
        return before
    if before is not None and before.removed == removed:
        changed = before.columns.changed(_details(connection, version, before.version))
        return Remembered(version, removed, changed)
    return Remembered(version, removed, Columns(()).changed(_details(connection, version, -1)))


_DETAILS = (
    "SELECT number, id, kind, topic, language, country, visibility, boost, "
    "CAST(extract(epoch FROM updated) AS float) FROM search_document WHERE changed > %(after)s"
)


def _details(connection: Connection, version: int, after: int) -> dict[int, Details]:
    """The details of the documents that were written after the write `after`, as the write `version` left them."""
    return {row[0]: Details(*row[1:-1]) for row in select(connection, version, _DETAILS, {"after": after})}


# Ranges of bytes, not LIKE, so that a plan made for any beginning uses the index too.
_BEGUN = "FROM search_word WHERE folded ~>=~ %(first)s AND folded ~<~ %(end)s AND visibility = ANY(%(visibilities)s)"
_BEGINNINGS = f"SELECT term {_BEGUN} GROUP BY term ORDER BY sum(documents) DESC, term LIMIT %(most)s"
_OF_FEW_LETTERS = f"SELECT term, folded, documents {_BEGUN} LIMIT %(most)s"

# Candidates one by one: looking into the vector of a row costs far more than the planner believes.
_HOLDING = (
    "SELECT asked.place, document.number FROM "
    "(SELECT place, CAST(phrase AS tsquery) AS phrase, CAST(numbers AS int[]) AS numbers "
    "FROM unnest(CAST(%(places)s AS int[]), CAST(%(phrases)s AS text[]), CAST(%(numbers)s AS text[])) "
    "AS given (place, phrase, numbers) OFFSET 0) AS asked "
    "CROSS JOIN LATERAL unnest(asked.numbers) AS candidate (number) "
    "CROSS JOIN LATERAL "
    "(SELECT number, tsv FROM search_document WHERE number = candidate.number OFFSET 0) AS document "
    "WHERE document.tsv @@ asked.phrase"
)

_SHOWN = (
    "SELECT number, id, kind, topic, country, language, url, title, summary, updated, body "
    "FROM search_document WHERE number = ANY(%(numbers)s)"
)
# A short text that stands for a summary comes with the rest.
_HEADS = _SHOWN.replace(
    " body ", " CASE WHEN summary = '' AND octet_length(body) < 2000 THEN body ELSE '' END AS body "
)

_NEAR = (
    "SELECT folded, sum(documents) FROM search_word WHERE visibility = ANY(%(visibilities)s) "
    "AND length BETWEEN %(shortest)s AND %(longest)s "
    "AND bit_count(CAST(letters # %(letters)s AS bit(32))) <= %(differing)s GROUP BY folded"
)

_WRITTEN = (
    "SELECT word FROM search_word WHERE folded = %(folded)s AND visibility = ANY(%(visibilities)s) "
    "GROUP BY word ORDER BY sum(documents) DESC, word LIMIT 1"
)


class PostgresSnapshot:
    """The index as one write left it, for one person; all documents are one part. May raise `Changed`."""

    def __init__(self, connection: Connection, kept: Remembered, visibilities: Sequence[str]) -> None:
        self._connection = connection
        self._kept = kept
        self._visibilities = list(visibilities)
        # Whether it was asked of the database, so that it is known to be of the last write.
        self.has_asked = False
        self._beginnings: dict[str, list[str]] = {}
        # What this search has read: others may make the process forget it meanwhile.
        self._postings: dict[str, Postings] = {}
        self._phrases: dict[_Phrase, Postings] = {}
        self.columns = kept.columns

    def _select(self, statement: str, **parameters: Any) -> list[Any]:
        self.has_asked = True
        return select(self._connection, self._kept.version, statement, parameters)

    def views(self, visibilities: Iterable[str]) -> list[View]:
        """All documents as somebody who may see these visibilities sees them."""
        visible, frequencies = self._kept.visible(visibilities)
        return [View(self, visible, frequencies)]

    def prepare(self, needs: Iterable[Need]) -> None:
        """Read the posting lists of all terms that these needs name, and find their words side by side."""
        needs = list(needs)
        terms = {term for need in needs for way in need.alternatives for _, term in way.terms}
        for prefix in {need.prefix for need in needs if need.prefix}:
            self._beginnings[prefix] = self._read_beginnings(prefix)
            terms.update(self._beginnings[prefix])
        self._have(terms)
        phrases = {
            (way.terms, MOST_OF_SYNONYM if way.instead else 0)
            for need in needs for way in need.alternatives if len(way.terms) > 1
        }  # fmt: skip
        self._find_side_by_side(phrases)

    def _have(self, terms: set[str]) -> None:
        kept = self._kept.postings
        self._postings |= {term: kept[term] for term in terms if term in kept}
        if missing := terms - self._postings.keys():
            rows = self._select(postgres_postings.SELECT, terms=list(missing))
            read = postgres_postings.joined(missing, rows)
            self._kept.keep(read)
            self._postings |= read

    def postings(self, term: str) -> Postings:
        """The documents that hold a term, and its weight in each."""
        if term not in self._postings:
            self._have({term})
        return self._postings[term]

    def beginnings(self, prefix: str) -> list[Postings]:
        """The documents that hold the most frequent visible words that begin so, in any of their forms."""
        return [self.postings(term) for term in self._beginnings.get(prefix, ())]

    def _read_beginnings(self, prefix: str) -> list[str]:
        key = (prefix, frozenset(self._visibilities))
        known = self._kept.beginnings
        if key not in known:
            if len(known) > _MOST_PREFIXES:
                known.clear()
            known[key] = self._ask_beginnings(prefix)
        return known[key]

    def _ask_beginnings(self, prefix: str) -> list[str]:
        few = self._of_few_letters(prefix[:_FEW_LETTERS]) if len(prefix) > _FEW_LETTERS else None
        if few is None:
            return [row[0] for row in self._begun(_BEGINNINGS, prefix, _MOST_BEGINNINGS)]
        counted: Counter[str] = Counter()
        for term, folded, documents in few:
            if folded.startswith(prefix):
                counted[term] += documents
        return sorted(counted, key=lambda term: (-counted[term], term))[:_MOST_BEGINNINGS]

    def _of_few_letters(self, stem: str) -> list[tuple[str, str, int]] | None:
        key = (stem, frozenset(self._visibilities))
        known = self._kept.stems
        if key not in known:
            if len(known) > _MOST_STEMS:
                known.clear()
            rows = self._begun(_OF_FEW_LETTERS, stem, _MOST_OF_FEW_LETTERS + 1)
            is_too_much = len(rows) > _MOST_OF_FEW_LETTERS
            known[key] = None if is_too_much else [(row[0], row[1], row[2]) for row in rows]
        return known[key]

    def _begun(self, statement: str, prefix: str, most: int) -> list[Any]:
        end = prefix + chr(0x10FFFF)
        return self._select(statement, first=prefix, end=end, visibilities=self._visibilities, most=most)

    def side_by_side(self, terms: tuple[tuple[int, str], ...], most: int = 0) -> Postings:
        """The documents that hold several terms at their distances, with the weight of the weakest and a little more.

        :param most: how many are looked at, the best by their words; 0 for all.
        """
        wanted = (terms, most)
        if wanted not in self._phrases:
            self._find_side_by_side({wanted})
        return self._phrases[wanted]

    def _find_side_by_side(self, phrases: set[_Phrase]) -> None:
        kept = self._kept.phrases
        self._phrases |= {one: kept[one] for one in phrases if one in kept}
        read: dict[_Phrase, Postings] = {}
        asked: list[tuple[_Phrase, Postings]] = []
        for one in phrases - self._phrases.keys():
            terms, most = one
            candidates = kept_most(holding_all([self.postings(term) for _, term in terms]), most)
            if not len(candidates[0]):
                read[one] = NOTHING
            else:
                asked.append((one, candidates))
        found = self._holding([(phrase(one[0]), candidates[0]) for one, candidates in asked])
        for (one, (numbers, weights)), holding in zip(asked, found, strict=True):
            here = np.isin(numbers, holding, assume_unique=True)
            read[one] = numbers[here], weights[here] * PHRASE_WEIGHT
        self._phrases |= read
        if len(kept) > _MOST_PHRASES:
            kept.clear()
        kept.update(read)

    def _holding(self, asked: Sequence[tuple[str, Any]]) -> list[Any]:
        """Which of the candidates hold each phrase (part of a tsquery)."""
        found: list[list[int]] = [[] for _ in asked]
        if asked:
            rows = self._select(
                _HOLDING,
                places=list(range(len(asked))),
                phrases=[each for each, _ in asked],
                numbers=["{" + ",".join(map(str, numbers.tolist())) + "}" for _, numbers in asked],
            )
            for place, number, _ in rows:
                found[place].append(number)
        return [np.array(numbers, np.uint32) for numbers in found]

    def heads(self, numbers: Sequence[int]) -> dict[int, Shown]:
        """What hits show of documents, with the text of those that have nothing else to show, if it is short."""
        return self._stored(_HEADS, numbers, self._kept.heads)

    def shown(self, numbers: Sequence[int]) -> dict[int, Shown]:
        """What hits show of documents."""
        return self._stored(_SHOWN, numbers, self._kept.shown)

    def _stored(self, statement: str, numbers: Sequence[int], known: Kept) -> dict[int, Shown]:
        kept = {number: each for number in numbers if (each := known.get(number))}
        missing = [number for number in numbers if number not in kept]
        if not missing:
            return kept
        read = {
            row.number: Shown(
                id=row.id, kind=row.kind, topic=row.topic, country=row.country, language=row.language, url=row.url,
                title=row.title, summary=row.summary, text=row.body, updated=row.updated.astimezone(UTC),
            )
            for row in self._select(statement, numbers=missing)
        }  # fmt: skip
        known.keep(read)
        return kept | read

    def nearest(self, folded: str, visibilities: Iterable[str]) -> str:
        """The word in visible documents that a misspelled one (folded) was meant to be, as written there, or ""."""
        most = most_edits(folded)
        rows = self._select(
            _NEAR,
            visibilities=list(visibilities),
            shortest=len(folded) - most,
            longest=len(folded) + most,
            letters=letters(folded),
            differing=2 * most,
        )
        best = nearest_counted(folded, {word: int(count) for word, count, _ in rows if is_checked(word)})
        if not best:
            return ""
        word: str = self._select(_WRITTEN, folded=best, visibilities=list(visibilities))[0][0]
        return word.rpartition("\t")[2]

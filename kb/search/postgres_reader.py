"""Reading the PostgreSQL index: columns and posting lists are kept in the process as long as nothing is written."""

import threading
from collections.abc import Iterable, Sequence
from datetime import UTC
from typing import Any

import numpy as np
from sqlalchemy import Connection, text

from core.tsvector import phrase
from kb.search import postgres_postings
from kb.search.analysis import Need
from kb.search.hits import Kept, Shown
from kb.search.parts import NOTHING, Columns, Details, Flags, Postings, View
from kb.search.postings import PHRASE_WEIGHT, holding_all, kept_most
from kb.search.scoring import MOST_OF_SYNONYM
from kb.search.spelling import is_checked, letters, most_edits, nearest_counted

# Postings kept in memory: 8 bytes each.
_MOST_KEPT = 2_000_000
_MOST_BEGINNINGS = 60
_MOST_PREFIXES = 2000
_MOST_PHRASES = 2000
# Words side by side: the terms with their distances, and how many documents are looked at.
_Phrase = tuple[tuple[tuple[int, str], ...], int]


class Remembered:
    """What a process remembers of the index as it is after one write. Threads share it."""

    def __init__(self, version: int, removed: int, columns: Columns) -> None:
        self.version = version
        self.removed = removed
        self.columns = columns
        self.postings: dict[str, Postings] = {}
        self.phrases: dict[_Phrase, Postings] = {}
        self.beginnings: dict[tuple[str, frozenset[str]], list[str]] = {}
        self.shown = Kept()
        self._count = 0
        self._visible: dict[frozenset[str], tuple[Flags, dict[str, int]]] = {}
        self._lock = threading.Lock()

    def keep(self, postings: dict[str, Postings]) -> None:
        """Remember posting lists."""
        with self._lock:
            if self._count > _MOST_KEPT:
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
        return Remembered(version, removed, before.columns.changed(_details(connection, before.version)))
    return Remembered(version, removed, Columns(()).changed(_details(connection, -1)))


def _details(connection: Connection, version: int) -> dict[int, Details]:
    """The details of the documents that were written after the write of this number."""
    rows = connection.execute(
        text(
            "SELECT number, id, kind, topic, language, country, visibility, boost, "
            "CAST(extract(epoch FROM updated) AS float) FROM search_document WHERE changed > :version"
        ),
        {"version": version},
    )
    return {row[0]: Details(*row[1:]) for row in rows}


class PostgresSnapshot:
    """The index as one transaction sees it, for one person; all documents are one part."""

    def __init__(self, connection: Connection, kept: Remembered, visibilities: Sequence[str]) -> None:
        self._connection = connection
        self._kept = kept
        self._visibilities = list(visibilities)
        self._beginnings: dict[str, list[str]] = {}
        # What this search has read: others may make the process forget it meanwhile.
        self._postings: dict[str, Postings] = {}
        self._phrases: dict[_Phrase, Postings] = {}
        self.columns = kept.columns

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
            read = postgres_postings.read(self._connection, missing)
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
        escaped = prefix.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
        return list(
            self._connection.execute(
                text(
                    "SELECT term FROM search_word WHERE folded LIKE :prefix AND visibility = ANY(:visibilities) "
                    "GROUP BY term ORDER BY sum(documents) DESC, term LIMIT :most"
                ),
                {"prefix": f"{escaped}%", "visibilities": self._visibilities, "most": _MOST_BEGINNINGS},
            ).scalars()
        )

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
            rows = self._connection.execute(
                text(
                    "SELECT asked.place, document.number "
                    "FROM unnest(CAST(:places AS int[]), CAST(:phrases AS text[]), CAST(:numbers AS text[])) "
                    "AS asked (place, phrase, numbers), search_document AS document "
                    "WHERE document.number = ANY(CAST(asked.numbers AS int[])) "
                    "AND document.tsv @@ CAST(asked.phrase AS tsquery)"
                ),
                {
                    "places": list(range(len(asked))),
                    "phrases": [each for each, _ in asked],
                    "numbers": ["{" + ",".join(map(str, numbers.tolist())) + "}" for _, numbers in asked],
                },
            )
            for place, number in rows:
                found[place].append(number)
        return [np.array(numbers, np.uint32) for numbers in found]

    def shown(self, numbers: Sequence[int]) -> dict[int, Shown]:
        """What hits show of documents."""
        kept = {number: each for number in numbers if (each := self._kept.shown.get(number))}
        if len(kept) == len(numbers):
            return kept
        rows = self._connection.execute(
            text(
                "SELECT number, id, kind, topic, country, language, url, title, summary, body, updated "
                "FROM search_document WHERE number = ANY(:numbers)"
            ),
            {"numbers": [number for number in numbers if number not in kept]},
        )
        read = {
            row.number: Shown(
                id=row.id, kind=row.kind, topic=row.topic, country=row.country, language=row.language, url=row.url,
                title=row.title, summary=row.summary, text=row.body, updated=row.updated.astimezone(UTC),
            )
            for row in rows
        }  # fmt: skip
        self._kept.shown.keep(read)
        return kept | read

    def nearest(self, folded: str, visibilities: Iterable[str]) -> str:
        """The word in visible documents that a misspelled one (folded) was meant to be, as written there, or ""."""
        most = most_edits(folded)
        rows = self._connection.execute(
            text(
                "SELECT folded, sum(documents) FROM search_word WHERE visibility = ANY(:visibilities) "
                "AND length BETWEEN :shortest AND :longest "
                "AND bit_count(CAST(letters # :letters AS bit(32))) <= :differing GROUP BY folded"
            ),
            {
                "visibilities": list(visibilities),
                "shortest": len(folded) - most,
                "longest": len(folded) + most,
                "letters": letters(folded),
                "differing": 2 * most,
            },
        )
        best = nearest_counted(folded, {word: int(count) for word, count in rows if is_checked(word)})
        if not best:
            return ""
        word: str = self._connection.execute(
            text(
                "SELECT word FROM search_word WHERE folded = :folded AND visibility = ANY(:visibilities) "
                "GROUP BY word ORDER BY sum(documents) DESC, word LIMIT 1"
            ),
            {"folded": best, "visibilities": list(visibilities)},
        ).scalar_one()
        return word.rpartition("\t")[2]

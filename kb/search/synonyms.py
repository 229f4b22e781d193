"""Words that mean the same, in one language or in several: a search for one finds the others, ranked a little lower.

The shipped list is glossary.txt; people add groups of their own (kb/synonym_groups.py). A group is found in a query by
the stems of its words, so that “órdenes de compra” is known as “orden de compra”.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from core.words import LANGUAGES, OTHER, Word, is_content, scan, stem

GLOSSARY = Path(__file__).with_name("glossary.txt")
#: The columns of the shipped list.
COLUMNS = ("en", "es", "fr", "pt")
# What is found by another word counts less than what is found by the word itself.
SAME_LANGUAGE, OTHER_LANGUAGE = 0.4, 0.65
LONGEST_ENTRY = 4
MOST_OTHERS = 24

# Entries by language: (language, text), in the order of the group.
Group = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Other:
    """Another way to say it: its terms (offset from the first, term), how much it counts, and as people write it."""

    terms: tuple[tuple[int, str], ...]
    weight: float
    text: str

    @property
    def is_across(self) -> bool:
        """Whether it is of another language than what it stands for."""
        return self.weight == OTHER_LANGUAGE


class Synonyms:
    """Groups, ready for looking words up."""

    def __init__(self, groups: Iterable[Group]) -> None:
        self._groups: list[tuple[tuple[str, tuple[tuple[int, str], ...], str], ...]] = []
        self._places: dict[tuple[str, tuple[str, ...]], list[int]] = {}
        for group in groups:
            self._add(group)

    def _add(self, group: Group) -> None:
        entries: list[tuple[str, tuple[tuple[int, str], ...], str]] = []
        for language, text in group:
            base = language if language in LANGUAGES else OTHER
            terms = terms_of(scan(text)[0], base)
            if not 0 < len(terms) <= LONGEST_ENTRY:
                continue
            first = terms[0][0]
            entries.append((base, tuple((position - first, term) for position, term in terms), text))
        number = len(self._groups)
        self._groups.append(tuple(entries))
        for base, placed, _text in entries:
            places = self._places.setdefault((base, tuple(term for _, term in placed)), [])
            if number not in places:
                places.append(number)

    def others(self, words: Sequence[Word]) -> dict[int, list[Other]]:
        """For each place in ``words`` the other ways to say what stands there, alone or with its neighbours."""
        found: dict[int, dict[tuple[tuple[int, str], ...], Other]] = {}
        matches = [match for language in (*LANGUAGES, OTHER) for match in self._matches(words, language)]
        every = {places for _, _, places in matches}
        for language, own, places in matches:
            # Words that mean something together do not mean each its own, in whatever language.
            if not any(len(places) < len(others) and set(places) <= set(others) for others in every):
                for number in self._places[language, own]:
                    self._take(number, (language, own), places, found)
        return {place: list(ways.values())[:MOST_OTHERS] for place, ways in found.items()}

    def _matches(self, words: Sequence[Word], language: str) -> Iterator[tuple[str, tuple[str, ...], tuple[int, ...]]]:
        """What is known in a language: it, the terms, the places of the words; the longest of what begins alike."""
        told = [(place, word) for place, word in enumerate(words) if is_content(word.text, language)]
        terms = [f"{language}~{stem(word.text, language)}" for _, word in told]
        start = 0
        while start < len(told):
            length = next(
                (n for n in range(min(LONGEST_ENTRY, len(told) - start), 0, -1)
                 if (language, tuple(terms[start : start + n])) in self._places), 0,
            )  # fmt: skip
            if length:
                places = tuple(place for place, _ in told[start : start + length])
                yield language, tuple(terms[start : start + length]), places
            start += length or 1

    def _take(
        self, number: int, own: tuple[str, tuple[str, ...]], places: Sequence[int],
        found: dict[int, dict[tuple[tuple[int, str], ...], Other]],
    ) -> None:  # fmt: skip
        for language, terms, text in self._groups[number]:
            if (language, tuple(term for _, term in terms)) == own:
                continue
            weight = SAME_LANGUAGE if language == own[0] else OTHER_LANGUAGE
            for place in places:
                ways = found.setdefault(place, {})
                if terms not in ways:
                    ways[terms] = Other(terms, weight, text)


def terms_of(words: Sequence[Word], language: str) -> list[tuple[int, str]]:
    """Where the telling words of a text stand, and their terms."""
    return [
        (word.position, f"{language}~{stem(word.text, language)}") for word in words if is_content(word.text, language)
    ]


def read(text: str) -> list[Group]:
    """The groups of a list as glossary.txt is written."""
    groups = []
    for line in text.splitlines():
        if not line.strip() or line.startswith("#"):
            continue
        group = [
            (language, entry.strip())
            for language, column in zip(COLUMNS, line.split("|"), strict=False)
            for entry in column.split(",") if entry.strip()
        ]  # fmt: skip
        groups.append(tuple(group))
    return groups


@cache
def shipped() -> tuple[Group, ...]:
    """The groups that come with the application."""
    return tuple(read(GLOSSARY.read_text(encoding="utf-8")))


_current: list[tuple[object, Synonyms]] = []


def current() -> Synonyms:
    """The groups in use by this process."""
    if not _current:
        use(shipped(), "shipped")
    return _current[0][1]


def is_used(mark: object) -> bool:
    """Whether the groups in use are those of a mark."""
    return bool(_current) and _current[0][0] == mark


def use(groups: Iterable[Group], mark: object) -> None:
    """Take other groups into use; ``mark`` tells this state of the list from others."""
    if not _current or _current[0][0] != mark:
        _current[:] = [(mark, Synonyms(groups))]

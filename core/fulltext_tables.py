"""What the full text of tickets needs from a database."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Protocol

from sqlalchemy import Connection

from core.query_words import Clause, ParsedQuery
from core.words import TICKET_LANGUAGES, fold, scan, stem

# Beginnings shorter than this match too much of any database.
SHORTEST_BEGINNING = 4


@dataclass(frozen=True, slots=True)
class Match:
    """A part of a ticket that matches."""

    ticket_id: int
    part: int
    title: str


@dataclass(frozen=True, slots=True)
class LastPart:
    """The part that new text goes to, and how much it holds, in characters."""

    part: int
    title: str
    length: int


class Backend(Protocol):
    """How a database keeps and finds the texts of tickets."""

    def create(self, connection: Connection) -> None:
        """Make the table and its indexes."""
        ...

    def drop(self, connection: Connection) -> None:
        """Remove what `create` made."""
        ...

    def insert(
        self, connection: Connection, ticket_id: int, part: int, texts: tuple[str, str, str], language: str
    ) -> None:
        """Add a part of a ticket: its title, public and internal text."""
        ...

    def extend(
        self, connection: Connection, ticket_id: int, last: LastPart, texts: tuple[str, str], language: str
    ) -> None:
        """Add public and internal text to a part."""
        ...

    def retitle(self, connection: Connection, ticket_id: int, title: str, language: str) -> None:
        """Change the title in every part of a ticket."""
        ...

    def delete(self, connection: Connection, ticket_id: int) -> None:
        """Remove every part of a ticket."""
        ...

    def last_part(self, connection: Connection, ticket_id: int) -> LastPart | None:
        """The part of a ticket that new text goes to, if there is any."""
        ...

    def clause(self, parsed: ParsedQuery, clause: Clause) -> str:
        """One clause of a query, as this database writes it."""
        ...

    def match(
        self,
        connection: Connection,
        groups: Sequence[Sequence[str]],
        without: Sequence[str],
        *,
        internal: bool,
        titles: bool,
        limit: int,
    ) -> list[Match]:
        """The newest parts that match: any group of clauses that must all be found, and nothing of `without`."""
        ...

    def texts(
        self, connection: Connection, matches: Sequence[Match], *, internal: bool
    ) -> dict[tuple[int, int], tuple[str, ...]]:
        """The public texts of parts, and the internal ones if these may be read."""
        ...


@lru_cache(maxsize=50_000)
def forms(chunk: str, language: str) -> tuple[int, tuple[tuple[int, str], ...]]:
    """What a piece of a text (see `core.words.chunks`) is found by, except itself in lower case without accents.

    Gives how many words it is, and at which of them each form stands: stems, parts, whole codes.
    """
    words, codes = scan(chunk)
    found: dict[tuple[int, str], None] = {}
    for word in words:
        found[word.position, fold(word.text)] = None
        for name in languages_of(language):
            found[word.position, stem(word.text, name)] = None
    for code in codes:
        found[code.position, code.text] = None
    found.pop((0, fold(chunk)), None)
    return len(words), tuple(found)


def languages_of(language: str) -> tuple[str, ...]:
    """The languages to stem a text in: its own, or each when it is unknown."""
    base = language[:2].lower()
    return (base,) if base in TICKET_LANGUAGES else TICKET_LANGUAGES

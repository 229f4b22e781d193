"""PostgreSQL text vectors and queries from words that were cut here, so that no parser of the server is involved."""

from collections.abc import Iterable, Mapping

# Limits of the type: see “Text Search Limitations” in the manual of PostgreSQL.
LAST_POSITION = 16_383
MOST_POSITIONS = 255


def lexeme(word: str) -> str:
    """A word as a quoted lexeme, whatever it is made of."""
    return "'" + word.replace("\\", "\\\\").replace("'", "''") + "'"


def vector(places: Mapping[str, Iterable[tuple[int, str]]]) -> str:
    """A value to cast to `tsvector`: for each word its positions (from 1) with a weight letter A to D."""
    parts = []
    for word, found in places.items():
        positions = [f"{position}{weight}" for position, weight in found if position <= LAST_POSITION]
        parts.append(f"{lexeme(word)}:{','.join(positions[:MOST_POSITIONS])}" if positions else lexeme(word))
    return " ".join(parts)


def phrase(words: Iterable[tuple[int, str]]) -> str:
    """A part of a `tsquery`: words at their offsets from the first."""
    pieces: list[str] = []
    before = 0
    for offset, word in words:
        pieces.append(f" <{offset - before}> {lexeme(word)}" if pieces else lexeme(word))
        before = offset
    return f"({''.join(pieces)})" if len(pieces) > 1 else "".join(pieces)


def any_of(parts: Iterable[str]) -> str:
    """A part of a `tsquery` that any of the given parts satisfies."""
    return f"({' | '.join(parts)})"


def all_of(parts: Iterable[str]) -> str:
    """A part of a `tsquery` that all of the given parts satisfy together."""
    return f"({' & '.join(parts)})"

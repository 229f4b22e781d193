"""The piece of a text that answers a search, with the words found in it marked. Plain text in, plain text out."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property, lru_cache

from core.words import fold, scan, stem

# Text with a flag on each piece: whether it is something that was searched for.
Segments = tuple[tuple[str, bool], ...]

PASSAGE_LENGTH = 200
_READ_AT_MOST = 60_000
_MOST_MARKS = 100
# Words side by side may have a function word or two between them.
_NEAR = 12
_LONGEST_CHUNK = 400

_CHUNK = re.compile(r"[^\W_]+(?:[-_./:@][^\W_]+)*")
_JOINERS = frozenset("-_./:@")
_FIRST = re.compile(r"\[[^]]*\]|\(\?:(?:\[[^]]*\]|[^])])*\)|\\.|.", re.DOTALL)
_SPACE = re.compile(r"\s+")
_LETTERS = {
    "a": "[aàáâãäå]", "c": "[cç]", "e": "[eèéêë]", "i": "[iìíîï]", "n": "[nñ]", "o": "[oòóôõöø]", "u": "[uùúûü]",
    "y": "[yýÿ]",
}  # fmt: skip


@dataclass(frozen=True)
class Wanted:
    """What to mark: stems in each language that the text may be in, codes as a whole, words with a beginning.

    `beside` names, for a stem that says nothing alone (one word of “framework agreement”), those that stand beside it.
    """

    stems: dict[str, frozenset[str]]
    codes: frozenset[str] = frozenset()
    prefix: str = ""
    beside: Mapping[str, frozenset[str]] = field(default_factory=dict)
    _known: dict[str, str] = field(default_factory=dict, init=False, repr=False, compare=False)

    def key(self, word: str) -> str:
        """The stem (or the beginning) that a word is wanted for, or empty when it is not wanted."""
        known = self._known.get(word)
        if known is None:
            known = self._known[word] = self._key(word)
        return known

    def _key(self, word: str) -> str:
        for language, stems in self.stems.items():
            found = stem(word, language)
            if found in stems:
                return found
        folded = fold(word)
        if self.prefix and folded.startswith(self.prefix):
            return self.prefix
        return folded if folded in self.codes else ""

    @cached_property
    def finder(self) -> re.Pattern[str] | None:
        """A pattern that finds how wanted words begin, whatever their ending; None when nothing is wanted."""
        heads = {_head(stem_) for stems in self.stems.values() for stem_ in stems} | {code[:20] for code in self.codes}
        if self.prefix:
            heads.add(self.prefix)
        shortest = sorted(heads, key=len)
        needed = tuple(
            head for i, head in enumerate(shortest) if head and not any(head.startswith(h) for h in shortest[:i])
        )
        return _finder(needed) if needed else None


def _head(stem_: str) -> str:
    # A stemmer may have changed the last letters of the stem (“happi”), never the ones before.
    return stem_ if len(stem_) <= 3 else stem_[: max(3, len(stem_) - 2)]


@lru_cache(maxsize=256)
def _finder(heads: tuple[str, ...]) -> re.Pattern[str]:
    """A pattern that finds where a word may begin with one of the heads, accents or not."""
    # Grouped by their first letters, so that few are tried at each place of the text.
    groups: dict[str, list[str]] = {}
    for head in heads:
        letters = "".join(_LETTERS.get(letter, re.escape(letter)) for letter in head)
        for plain, ligature in (("oe", "œ"), ("ae", "æ")):
            letters = letters.replace(
                _LETTERS[plain[0]] + _LETTERS["e"], f"(?:{_LETTERS[plain[0]]}[eéèêë]|{ligature})"
            )
        first = _FIRST.match(letters)
        assert first is not None
        groups.setdefault(first.group(), []).append(letters[first.end() :])
    return re.compile("|".join(f"{first}(?:{'|'.join(rests)})" for first, rests in groups.items()))


def marks(text: str, wanted: Wanted, limit: int = _MOST_MARKS) -> list[tuple[int, int, str]]:
    """Where wanted words stand: start, end and what they were wanted for, in the order of the text."""
    finder = wanted.finder
    if finder is None:
        return []
    found: list[tuple[int, int, str]] = []
    done = 0
    # Small letters are found several times as fast as letters of whatever case.
    small = text.lower()
    if len(small) != len(text):
        # “İ” becomes two; places have to stay.
        small = "".join([letter.lower()[0] for letter in text])
    for match in finder.finditer(small, 0, _READ_AT_MOST):
        if match.start() < done:
            continue
        start = _chunk_start(text, match.start(), done)
        chunk = _CHUNK.search(text, start, start + _LONGEST_CHUNK)
        while chunk is not None and chunk.end() <= match.start():
            # Two joiners end a piece: the word is not in “https” but in what comes after “://”.
            chunk = _CHUNK.search(text, chunk.end(), chunk.end() + _LONGEST_CHUNK)
        if chunk is None:
            break
        done = max(chunk.end(), match.start() + 1)
        found += _marks_of_chunk(chunk.group(), chunk.start(), wanted)
        if len(found) >= limit:
            break
    return _not_alone(found, wanted.beside) if wanted.beside else found


def _not_alone(found: list[tuple[int, int, str]], beside: Mapping[str, frozenset[str]]) -> list[tuple[int, int, str]]:
    """The marks without those that say nothing alone and stand alone."""

    def has_company(i: int) -> bool:
        start, end, key = found[i]
        before, after = found[i - 1] if i else None, found[i + 1] if i + 1 < len(found) else None
        return bool(
            (before and start - before[1] <= _NEAR and before[2] in beside[key])
            or (after and after[0] - end <= _NEAR and after[2] in beside[key])
        )

    return [one for i, one in enumerate(found) if one[2] not in beside or has_company(i)]


def _chunk_start(text: str, at: int, not_before: int) -> int:
    lowest = max(not_before, at - 150)
    while at > lowest and (text[at - 1].isalnum() or text[at - 1] in _JOINERS):
        at -= 1
    return at


def _marks_of_chunk(chunk: str, offset: int, wanted: Wanted) -> Iterable[tuple[int, int, str]]:
    if chunk.isalpha() and (chunk.islower() or chunk.istitle() or chunk.isupper()):
        key = wanted.key(chunk.lower())
        return [(offset, offset + len(chunk), key)] if key else []
    words, codes = scan(chunk)
    whole = [
        (code.start, code.end, code.text)
        for code in codes
        if code.text in wanted.codes or (wanted.prefix and code.text.startswith(wanted.prefix))
    ]
    if whole:
        start, end, text = max(whole, key=lambda mark: mark[1] - mark[0])
        return [(offset + start, offset + end, text)]
    return [(offset + word.start, offset + word.end, key) for word in words if (key := wanted.key(word.text))]


def mark(text: str, wanted: Wanted) -> Segments:
    """The whole of a short text (a title) in segments, the wanted words marked."""
    return _segments(text, 0, len(text), marks(text, wanted))


def passage(text: str, wanted: Wanted, length: int = PASSAGE_LENGTH) -> tuple[Segments, int]:
    """The best piece of about `length` characters, and how many different wanted words it holds.

    The best piece is the first with the most different wanted words; a text without any gives its beginning.
    An ellipsis shows where text was left out.
    """
    found = marks(text, wanted)
    if not found:
        return _segments(text, 0, _end(text, 0, length), []), 0
    best: list[tuple[int, int, str]] = []
    best_score = (0, 0)
    for i, (start, _, _) in enumerate(found):
        here = [one for one in found[i : i + 12] if one[1] <= start + length - 20] or [found[i]]
        score = (len({key for _, _, key in here}), min(len(here), 4))
        if score > best_score:
            best, best_score = here, score
    first, last = best[0][0], best[-1][1]
    start = _start(text, first, max(0, length - (last - first)) // 2)
    end = max(_end(text, start, length), last)
    return _segments(text, start, end, best), best_score[0]


def _start(text: str, first: int, room: int) -> int:
    """Where to begin so that `first` has some context: at a sentence if one begins near, else at a word."""
    lowest = first - room
    if lowest <= 0:
        return 0
    sentence = max(text.rfind(mark_, lowest, first) + len(mark_) for mark_ in (". ", "\n", "? ", "! ", ": "))
    if sentence > lowest:
        return sentence
    space = text.find(" ", lowest, first)
    return space + 1 if space >= 0 else lowest


def _end(text: str, start: int, length: int) -> int:
    end = start + length
    if end >= len(text):
        return len(text)
    space = max(text.rfind(" ", start + length // 2, end), text.rfind("\n", start + length // 2, end))
    return space if space > 0 else end


def _segments(text: str, start: int, end: int, found: list[tuple[int, int, str]]) -> Segments:
    pieces: list[tuple[str, bool]] = []
    at = start
    for mark_start, mark_end, _ in found:
        if mark_start < at or mark_end > end:
            continue
        if mark_start > at:
            pieces.append((_SPACE.sub(" ", text[at:mark_start]), False))
        pieces.append((text[mark_start:mark_end], True))
        at = mark_end
    if at < end:
        pieces.append((_SPACE.sub(" ", text[at:end]), False))
    if pieces and start > 0 and text[:start].strip():
        pieces.insert(0, ("… ", False))
    if pieces and end < len(text) and text[end:].strip():
        pieces.append((" …", False))
    return tuple(pieces)

"""Two people changed the same text: what one of them changed alone is taken over, what both changed is for a choice.

This is the merge of three versions by lines that ``diff3`` does (Khanna, Kunal, Pierce: A Formal Investigation of
Diff3, 2007), but changes of lines that merely stand next to each other do not exclude each other: in prose a line is a
paragraph.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

THEIRS, MINE, BOTH = "theirs", "mine", "both"
CHOICES = (MINE, THEIRS, BOTH)


@dataclass(frozen=True)
class Part:
    """A stretch of the merged text; ``is_overlap`` if both changed it, each in another way."""

    base: str
    theirs: str
    mine: str
    is_overlap: bool = False

    def text(self, choice: str = MINE) -> str:
        """What it says. Of an overlap: mine, theirs, or theirs with mine behind it."""
        if not self.is_overlap:
            return self.mine if self.mine != self.base else self.theirs
        if choice == BOTH:
            return self.theirs + ("\n" if self.theirs and not self.theirs.endswith("\n") else "") + self.mine
        return self.theirs if choice == THEIRS else self.mine


@dataclass(frozen=True)
class Merged:
    """The parts of a merged text, in their order."""

    parts: tuple[Part, ...]

    @property
    def overlaps(self) -> list[Part]:
        """What both changed, each in another way."""
        return [part for part in self.parts if part.is_overlap]

    @property
    def took_over(self) -> int:
        """How many changes of theirs were taken over as they are."""
        return sum(not part.is_overlap and part.theirs not in {part.base, part.mine} for part in self.parts)

    def text(self, choices: Sequence[str] = ()) -> str:
        """The whole text.

        :param choices: for each overlap one of `CHOICES`; mine where there is none.
        """
        left = list(choices)
        return "".join(part.text(left.pop(0) if part.is_overlap and left else MINE) for part in self.parts)


@dataclass(frozen=True)
class _Change:
    start: int
    end: int
    lines: tuple[str, ...]


def merge(base: str, theirs: str, mine: str) -> Merged:
    """Merge two texts that were made from a third one.

    :param base: what both began with.
    """
    old, one, other = (text.splitlines(keepends=True) for text in (base, theirs, mine))
    if any(lines and not lines[-1].endswith("\n") for lines in (old, one, other)):
        # A line that gets an end because another one follows it is not a changed line.
        old, one, other = (_ended(lines) for lines in (old, one, other))
    left, right = _changes(old, one), _changes(old, other)
    parts: list[Part] = []
    place = 0
    while left or right:
        start = min(changes[0].start for changes in (left, right) if changes)
        parts += _same(old[place:start])
        end, of_left, of_right = _stretch(left, right)
        stretch = "".join(old[start:end])
        part = Part(stretch, _applied(old, start, end, of_left), _applied(old, start, end, of_right))
        both = bool(of_left and of_right) and part.theirs != part.mine
        parts.append(Part(part.base, part.theirs, part.mine, is_overlap=both))
        place = end
    return Merged((*parts, *_same(old[place:])))


def _ended(lines: list[str]) -> list[str]:
    return [*lines[:-1], lines[-1].removesuffix("\n") + "\n"] if lines else lines


def _same(lines: list[str]) -> list[Part]:
    text = "".join(lines)
    return [Part(text, text, text)] if text else []


def _changes(old: list[str], new: list[str]) -> list[_Change]:
    return [
        _Change(start, end, tuple(new[new_start:new_end]))
        for kind, start, end, new_start, new_end in SequenceMatcher(None, old, new, autojunk=False).get_opcodes()
        if kind != "equal"
    ]


def _stretch(left: list[_Change], right: list[_Change]) -> tuple[int, list[_Change], list[_Change]]:
    """Take the first change off the lists, with all that touch the same lines. Returns where it ends, and of whom."""
    first = left if left and (not right or (left[0].start, left[0].end) <= (right[0].start, right[0].end)) else right
    head = first.pop(0)
    taken: tuple[list[_Change], list[_Change]] = ([head], []) if first is left else ([], [head])
    end, is_empty = head.end, head.start == head.end
    grown = True
    while grown:
        grown = False
        for changes, mine in ((left, taken[0]), (right, taken[1])):
            # Something put in at the very place where the other one changed lines could belong before or behind it.
            while changes and (
                changes[0].start < end
                or (changes[0].start == end and (is_empty or changes[0].end == changes[0].start))
            ):
                change = changes.pop(0)
                mine.append(change)
                end, grown = max(end, change.end), True
                is_empty = is_empty and change.start == change.end
    return end, *taken


def _applied(old: list[str], start: int, end: int, changes: list[_Change]) -> str:
    lines: list[str] = []
    for change in changes:
        lines += [*old[start : change.start], *change.lines]
        start = change.end
    return "".join([*lines, *old[start:end]])

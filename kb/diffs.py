"""What changed between two texts, for people: lines that are gone, lines that are new, and the words in between."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from difflib import SequenceMatcher

# Lines shown around a change; what lies further away is folded.
CONTEXT = 2
# Comparing words is quadratic at worst, so a longer stretch is shown as lines gone and lines new.
_MOST_WORDS = 1500
_MOST_LINES = 20_000
# Below this likeness two stretches are shown one after the other; mixed word by word nobody could read them.
_ALIKE = 0.5

# A paragraph of so many characters that went away here and came there was moved; a shorter one may be chance.
_LEAST_MOVED = 40

_PIECE = re.compile(r"\s+|\w+|[^\w\s]")

# Text with what became of it: "same", "added", "removed".
Pieces = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Block:
    """A stretch of lines: same, added, removed, changed (some words of it), or skipped with a count of lines.

    What was only moved is "left" where it stood and "moved" where it stands.
    """

    kind: str
    pieces: Pieces = ()
    count: int = 0


def compare(old: str, new: str) -> list[Block]:
    """The blocks of the new text with what went away; empty if nothing changed."""
    before, after = old.splitlines()[:_MOST_LINES], new.splitlines()[:_MOST_LINES]
    if before == after:
        return []
    blocks: list[Block] = []
    shown = 0
    for group in SequenceMatcher(None, before, after).get_grouped_opcodes(CONTEXT):
        blocks += _skipped(group[0][1] - shown)
        for kind, start, end, new_start, new_end in group:
            if kind == "equal":
                blocks.append(_block("same", before[start:end]))
            else:
                blocks += _changed(before[start:end], after[new_start:new_end])
        shown = group[-1][2]
    return list(_with_moves(blocks + _skipped(len(before) - shown)))


def compare_words(old: str, new: str) -> Pieces:
    """One line, word by word."""
    return (("same", new),) if old == new else (_by_words(old, new) or (("removed", old), ("added", new)))


def _skipped(count: int) -> list[Block]:
    return [Block("skipped", count=count)] if count > 0 else []


def _block(kind: str, lines: list[str]) -> Block:
    return Block(kind, ((kind, "\n".join(lines)),))


def _changed(gone: list[str], fresh: list[str]) -> list[Block]:
    if gone and fresh and (pieces := _by_words("\n".join(gone), "\n".join(fresh))):
        return [Block("changed", pieces)]
    return ([_block("removed", gone)] if gone else []) + ([_block("added", fresh)] if fresh else [])


def _with_moves(blocks: list[Block]) -> Iterator[Block]:
    """The same with the paragraphs told that went away in one place and came in another."""
    of_kind: dict[str, set[str]] = {"removed": set(), "added": set()}
    for block in blocks:
        if block.kind in of_kind:
            of_kind[block.kind].update(paragraph.strip() for paragraph in _paragraphs(block))
    moved = {each for each in of_kind["removed"] & of_kind["added"] if len(each) >= _LEAST_MOVED}
    for block in blocks:
        if block.kind not in of_kind or not moved:
            yield block
            continue
        kind, kept = "", list[str]()
        for paragraph in _paragraphs(block):
            is_moved = paragraph.strip() in moved
            now = ("left" if block.kind == "removed" else "moved") if is_moved else block.kind
            if kept and now != kind:
                yield _block(kind, kept)
                kept = []
            kind = now
            kept.append(paragraph)
        yield _block(kind, kept)


def _paragraphs(block: Block) -> list[str]:
    """The text of a block, each paragraph with the empty lines that follow it."""
    lines = block.pieces[0][1].split("\n")
    found: list[list[str]] = [[]]
    for line in lines:
        if line.strip() and found[-1] and not found[-1][-1].strip() and any(each.strip() for each in found[-1]):
            found.append([])
        found[-1].append(line)
    return ["\n".join(each) for each in found]


def _by_words(old: str, new: str) -> Pieces:
    before, after = _PIECE.findall(old), _PIECE.findall(new)
    if max(len(before), len(after)) > _MOST_WORDS:
        return ()
    matcher = SequenceMatcher(None, before, after, autojunk=False)
    if matcher.ratio() < _ALIKE:
        return ()
    pieces: list[tuple[str, str]] = []
    for kind, start, end, new_start, new_end in matcher.get_opcodes():
        if kind == "equal":
            pieces.append(("same", "".join(before[start:end])))
            continue
        if start < end:
            pieces.append(("removed", "".join(before[start:end])))
        if new_start < new_end:
            pieces.append(("added", "".join(after[new_start:new_end])))
    return tuple(pieces)

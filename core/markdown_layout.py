"""Markdown as people write it for other tools, laid out as Python-Markdown reads it.

CommonMark lets a list, a table or a quotation follow a line of text at once, and nests by as many blanks as the marker
is wide. Python-Markdown wants an empty line first, and four blanks. That should not matter to who writes.
"""

import re
from dataclasses import dataclass

_MARKER = re.compile(r"(?P<marker>[-*+]|\d{1,9}[.)])(?:(?P<gap> +)(?P<text>.*)|$)")
_BEGINNINGS = frozenset({"-", "*", "+", "1.", "1)"})
_RULE = re.compile(r"([-*_])(?: *\1){2,} *$")
_FENCE = re.compile(r"(?P<fence>`{3,}|~{3,})(?P<info>.*)$")
_CALLOUT = re.compile(r"(?:!!!|\?\?\?\+?) ?[\w-]")
_DELIMITERS = re.compile(r" *\|? *:?-+:? *(?:\| *:?-+:? *)*\|? *$")
_VERBATIM = re.compile(r"<(pre|script|style|textarea)\b", re.IGNORECASE)
_HEADING = re.compile(r"#{1,6} ")
MOST_LEVELS = 12
MOST_QUOTATIONS = 12


@dataclass(frozen=True)
class _Item:
    """A list item or a callout under way: the columns of its marker and of its text in the source."""

    marker: int
    text: int
    is_callout: bool = False

    def holds(self, column: int) -> bool:
        """Whether what begins at this column belongs to the item; two blanks are enough for a nested list."""
        return column >= min(self.text, self.marker + 2)


def laid_out(source: str) -> str:
    """The same Markdown with lists nested by four blanks, and empty lines before lists, tables and quotations."""
    return "\n".join(_Layout(source.expandtabs(4).split("\n")).lines())


class _Layout:
    def __init__(self, lines: list[str], quotations: int = 0) -> None:
        self.source = lines
        self.quotations = quotations
        self.out: list[str] = []
        self.items: list[_Item] = []
        #: The kinds of the lists under way (the end of their markers), by their level.
        self.kinds: dict[int, str] = {}
        self.in_paragraph = False
        self.is_loose = False

    def lines(self) -> list[str]:
        position = 0
        while position < len(self.source):
            line = self.source[position].rstrip()
            text = line.lstrip(" ")
            column = len(line) - len(text)
            fence = _FENCE.match(text)
            if not text:
                self._empty()
            elif fence and not (text[0] == "`" and "`" in fence["info"]):
                self._leave(column)
                position = self._fence(position, column, fence["fence"])
                continue
            elif (verbatim := _VERBATIM.match(text)) and self._begins(column):
                self._leave(column)
                position = self._verbatim(position, f"</{verbatim[1]}".lower())
                continue
            elif text.startswith(">") and self._begins(column):
                position = self._quotation(position, column)
                continue
            else:
                self._line(self.source[position].lstrip(" "), column, position)
            position += 1
        return self.out

    def _empty(self) -> None:
        self.out.append("")
        self.in_paragraph = False
        self.is_loose = True

    def _separate(self) -> None:
        if self.out and self.out[-1]:
            self._empty()

    def _begins(self, column: int) -> bool:
        """Whether a line at this column can begin a block, and is no code."""
        around = next((item.text for item in reversed(self.items) if item.holds(column)), 0)
        return column - around < 4

    def _leave(self, column: int) -> None:
        """End the items that what begins at this column does not belong to."""
        while self.items and not self.items[-1].holds(column):
            self.items.pop()

    def _put(self, text: str, column: int) -> None:
        """Write a line of the innermost item, with the blanks that it has beyond the item's own."""
        own = self.items[-1].text if self.items else 0
        self.out.append(" " * (4 * len(self.items) + max(column - own, 0)) + text)

    def _line(self, text: str, column: int, position: int) -> None:
        marker = _MARKER.match(text)
        if marker and self._is_item(marker, column) and not _RULE.match(text):
            self._item(marker, column)
            return
        begins = self._begins(column)
        is_heading = begins and bool(_HEADING.match(text))
        if not self.in_paragraph or is_heading:
            self._leave(column)
        if begins and _CALLOUT.match(text):
            self._leave(column)
            self._separate()
            self._put(text, column)
            self.items.append(_Item(column, column + 4, is_callout=True))
            return
        following = self.source[position + 1] if position + 1 < len(self.source) else ""
        if "|" in text and "|" in following and _DELIMITERS.match(following):
            self._separate()
        if is_heading and self.items:
            self._separate()
        if not self.in_paragraph:
            self.kinds = {level: kind for level, kind in self.kinds.items() if level < len(self.items)}
        self._put(text, max(column, self.items[-1].text) if self.in_paragraph and self.items else column)
        self.in_paragraph = not is_heading and not (begins and _RULE.match(text))
        if is_heading and self.items:
            self._separate()

    def _is_item(self, marker: re.Match[str], column: int) -> bool:
        if not self._begins(column) and (self.in_paragraph or not self.items):
            return False
        in_list = any(not item.is_callout for item in self.items)
        # In the middle of a text only the beginning of a list counts; “1986. A great year.” is none.
        return in_list or not self.in_paragraph or (bool(marker["text"]) and marker["marker"] in _BEGINNINGS)

    def _item(self, marker: re.Match[str], column: int) -> None:
        self._leave(column)
        level = len(self.items)
        kind = marker["marker"][-1]
        is_nested = bool(self.items) and not self.items[-1].is_callout
        if self.is_loose or self.kinds.get(level, kind if is_nested else "") != kind:
            self._separate()
        gap = len(marker["gap"] or " ")
        shown = marker["marker"].replace(")", ".")
        self.out.append(" " * (4 * level) + shown + (f" {marker['text']}" if marker["text"] else ""))
        self.kinds = {each: of for each, of in self.kinds.items() if each < level} | {level: kind}
        if level < MOST_LEVELS:
            self.items.append(_Item(column, column + len(marker["marker"]) + (gap if gap <= 4 else 1)))
        self.in_paragraph = bool(marker["text"])
        self.is_loose = False

    def _fence(self, position: int, column: int, fence: str) -> int:
        """Copy a block of code, its lines moved as far as its first."""
        own = self.items[-1].text if self.items else 0
        for after in range(position, len(self.source)):
            line = self.source[after]
            text = line.lstrip(" ")
            if text:
                self._put(text, max(len(line) - len(text), min(own, column)))
            else:
                self.out.append("")
            if after > position and text.startswith(fence) and not text.strip(fence[0] + " "):
                self.in_paragraph = False
                return after + 1
        return len(self.source)

    def _verbatim(self, position: int, end: str) -> int:
        for after in range(position, len(self.source)):
            self.out.append(self.source[after])
            if end in self.source[after].lower():
                self.in_paragraph = False
                return after + 1
        return len(self.source)

    def _quotation(self, position: int, column: int) -> int:
        self._leave(column)
        if self.items:
            self._separate()
        inner = []
        after = position
        while after < len(self.source) and (text := self.source[after].lstrip(" ")).startswith(">"):
            inner.append(text.removeprefix(">").removeprefix(" "))
            after += 1
        deeper = self.quotations + 1
        lines = _Layout(inner, deeper).lines() if deeper <= MOST_QUOTATIONS else inner
        for line in lines:
            self._put(f"> {line}" if line else ">", max(column, self.items[-1].text if self.items else 0))
        self.in_paragraph = not self.items
        if self.items:
            self._separate()
        return after

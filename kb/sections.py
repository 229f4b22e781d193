"""A text by its sections, and two versions of a text and a translation section by section, side by side. Pure."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

from core import directives
from core.markdown import slug
from kb import diffs
from kb.catalogues import words_of

_HEADING = re.compile(r"^ {0,3}#{1,6}[ \t]+\S")
_MOST = 400


@dataclass(frozen=True)
class Row:
    """One section of the source beside the same section of its translation.

    ``source`` is what the source says now, "" where it says it no more; ``changes`` what changed since the translation
    was made, None if nothing; ``text`` is the translation, "" where there is none yet.
    """

    source: str
    text: str
    changes: tuple[diffs.Block, ...] | None = None
    is_new: bool = False
    is_gone: bool = False

    @property
    def is_changed(self) -> bool:
        """Whether the translator has something to do here because of the source."""
        return self.changes is not None or self.is_new or self.is_gone


def split(body: str) -> list[str]:
    """The sections of a text: what is before the first heading, if anything, then each heading with what is below.

    Put together again they are the text, but for blank lines between them.
    """
    parts: list[list[str]] = [[]]
    for line, is_code in directives.by_line(body.replace("\r\n", "\n")):
        if not is_code and _HEADING.match(line) and len(parts) < _MOST:
            labels = _labels_at_end(parts[-1])
            if any(each.strip() for each in parts[-1]):
                parts.append([])
            parts[-1] += labels
        parts[-1].append(line)
    texts = ["\n".join(part).strip("\n") for part in parts]
    return [text for text in texts if text.strip()]


def _labels_at_end(lines: list[str]) -> list[str]:
    """Take the labels off the end of some lines: they belong to the heading that follows."""
    end = len(lines)
    while end and (not lines[end - 1].strip() or directives.label_of(lines[end - 1])):
        end -= 1
    taken = lines[end:]
    if not any(line.strip() for line in taken):
        return []
    del lines[end:]
    return [line for line in taken if line.strip()]


def join(sections: Sequence[str]) -> str:
    """A text from its sections, with one blank line between."""
    kept = [section.strip("\n").rstrip() for section in sections if section.strip()]
    return "\n\n".join(kept) + "\n" if kept else ""


def beside(now: str, then: str, translation: str) -> list[Row]:
    """The rows of a translator's page.

    :param now: what the source says.
    :param then: what it said when the translation was made; its sections are in the order of the translation's.
    :param translation: sections of it that are the same as the source's are not translated yet.
    """
    new, old, words = split(now), split(then), split(translation)
    mine = dict(zip(range(len(old)), words, strict=False)) if words else {}
    rows: list[Row] = []
    for kind, a, b in _pairs(old, new):
        source = new[b] if b is not None else ""
        before = old[a] if a is not None else ""
        text = unlabelled(mine.get(a, "")) if a is not None else ""
        text = "" if text in {unlabelled(source), unlabelled(before)} else text
        if kind == "gone":
            if text:
                rows.append(Row("", text, is_gone=True))
        elif kind == "new":
            rows.append(Row(source, "", is_new=bool(words)))
        else:
            changes = tuple(diffs.compare(before, source)) if before != source else None
            rows.append(Row(source, text, changes or None))
    # What the translation has beyond the source: never lost.
    rows += [Row("", extra, is_gone=True) for extra in words[len(old) :]]
    return rows


def filled(rows: Sequence[Row], texts: Sequence[str]) -> str:
    """The translation from what was typed: a section that is still empty keeps the words of the source."""
    kept = [text if text.strip() else row.source for row, text in zip(rows, texts, strict=True)]
    return join([labelled(text, anchor) for text, anchor in zip(kept, _anchors(rows), strict=True)])


def unlabelled(section: str) -> str:
    """A section without the labels before its heading."""
    lines = section.strip("\n").split("\n")
    while lines and (not lines[0].strip() or directives.label_of(lines[0])):
        lines.pop(0)
    return "\n".join(lines).rstrip()


def labelled(section: str, anchor: str) -> str:
    """A section whose heading can be reached by the anchor that it has in the source."""
    lines = [line.strip() for line in section.split("\n", 6)[:6]]
    heading = next((line for line in lines if _HEADING.match(line)), "")
    if not anchor or not heading or f"({anchor})=" in lines or slug(words_of(heading.strip("# \t"))) == anchor:
        return section
    return f"({anchor})=\n{section}"


def _anchors(rows: Sequence[Row]) -> list[str]:
    """The anchor of the first heading of each section of the source; "" for its title and where there is none."""
    found: list[str] = []
    seen: dict[str, int] = {}
    for row in rows:
        name = slug(words_of(_name(unlabelled(row.source)).strip("# \t")))
        number = seen.get(name, -1) + 1
        found.append(f"{name}{f'-{number}' if number else ''}" if name and seen else "")
        if name:
            seen[name] = number
    return found


def share(now: str, translation: str) -> float:
    """How much of a text is translated, 0 to 1: by the letters of the sections that are not the source's own."""
    sources = {unlabelled(section) for section in split(now)}
    words = [unlabelled(section) for section in split(translation)]
    total = sum(map(len, words))
    return sum(len(section) for section in words if section not in sources) / total if total else 0.0


def _pairs(old: Sequence[str], new: Sequence[str]) -> list[tuple[str, int | None, int | None]]:
    """Which section became which: (same or gone or new, place in the old text, place in the new one)."""
    matcher = SequenceMatcher(None, [_name(each) for each in old], [_name(each) for each in new], autojunk=False)
    pairs: list[tuple[str, int | None, int | None]] = []
    for kind, start, end, new_start, new_end in matcher.get_opcodes():
        common = end - start if kind == "equal" else 0
        if kind == "replace":
            # Sections that were renamed, in their order, as far as they still are alike.
            while common < min(end - start, new_end - new_start) and _alike(
                old[start + common], new[new_start + common]
            ):
                common += 1
        pairs += [("same", start + n, new_start + n) for n in range(common)]
        pairs += [("gone", n, None) for n in range(start + common, end)]
        pairs += [("new", None, n) for n in range(new_start + common, new_end)]
    return pairs


def _name(section: str) -> str:
    first = unlabelled(section).partition("\n")[0]
    return first.strip() if _HEADING.match(first) else ""


def _alike(one: str, other: str) -> bool:
    body, other_body = (unlabelled(each).partition("\n")[2].split() for each in (one, other))
    if not body or not other_body:
        return len(body) == len(other_body)
    return SequenceMatcher(None, body[:500], other_body[:500], autojunk=False).ratio() >= 0.4

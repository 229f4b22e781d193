"""The whole text of an article: with the files that it brings in, and with what other articles are called.

The text is kept as it was written; this is what is laid out and searched.
"""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass

from core import directives, inclusions
from core.inclusions import MISSING, OUTSIDE, File, Problem
from core.markdown import slug
from kb.links import Places, target_of

#: What an article brings in stands among its links under this, before the target as it is written.
BROUGHT_IN = "{include}"

_REFERENCE = re.compile(
    r"(?P<span>(?P<ticks>`+)(?!`).{0,5000}?(?<!`)(?P=ticks)(?!`))"
    r"|(?:\{ref\}|(?<![\w:`]):ref:)`(?P<ref>[^`\n]{1,500})`"
    r"|(?<!!)\[(?P<words>[^\]\[\n]{0,500})\]\((?P<target>(?:project:|path:)?[^()\s<>]{1,1000}|<[^<>\n]{1,1000}>)\)"
    r"|\{\{ {0,3}(?P<word>[\w.-]{1,60}) {0,3}\}\}"
)
_NAMED = re.compile(r"^(?P<title>[^<]{0,300}?)\s*<(?P<label>[^<>]{1,200})>$")
_HEADING = re.compile(r"^#{1,6}[ \t]+(.*?)[ \t#]*$", re.MULTILINE)
_SIGNS = ("{ref}", ":ref:", "[](", "](#", "{{", "project:", "path:")


@dataclass(frozen=True)
class Whole:
    """A text with what it brings in.

    ``links`` are what it brings in, as they count among the links of the article; ``problems`` what could not be.
    """

    text: str
    links: dict[str, str]
    problems: tuple[Problem, ...]


def whole(body: str, place: str, places: Places, *, visibility: str, words: Mapping[str, str] | None = None) -> Whole:
    """The whole text of an article.

    :param place: of the article in the folder that all make up.
    :param visibility: of the article: what fewer people may read is not brought in.
    :param words: what ``{{ name }}`` stands for.
    """
    found: dict[str, str] = {}

    def read(target: str, source: str) -> File | str:
        taken = target_of(target, source)
        if taken is None:
            return MISSING
        for path in taken.places:
            text = places.text(path, visibility)
            if text is not None:
                address = places.page(path) or places.file(path)
                mark = hashlib.sha256(text.encode()).hexdigest()[:12] if "/kb/files/" not in address else ""
                found[BROUGHT_IN + target] = f"{address}?{mark}" if mark else address
                return File(path, text)
        return OUTSIDE if taken.is_outside else MISSING

    expanded = inclusions.expand(body, place, read)
    places.note(place, expanded.problems)
    text = _with_references(expanded.text, _Open(places, visibility), place, words or {})
    links = {key: found[key] for key in (BROUGHT_IN + target for target in expanded.targets) if key in found}
    return Whole(text, links, expanded.problems)


def words_of(others: Mapping[str, object]) -> dict[str, str]:
    """What ``{{ name }}`` stands for in an article, by the fields of its front matter (as MyST has them)."""
    myst = others.get("myst")
    given = others.get("substitutions") or (myst.get("substitutions") if isinstance(myst, dict) else None)
    if not isinstance(given, dict):
        return {}
    return {str(name): str(value) for name, value in given.items() if isinstance(value, str | int | float)}


@dataclass(frozen=True)
class _Open:
    """What stands at which path, as far as the readers of an article of this visibility may be told."""

    places: Places
    visibility: str

    def title(self, page: str) -> str:
        return self.places.title(page, self.visibility)

    def labelled(self, label: str) -> tuple[str, str]:
        return self.places.labelled(label, self.visibility)


def _with_references(text: str, places: _Open, place: str, words: Mapping[str, str]) -> str:
    if not any(sign in text for sign in _SIGNS):
        return text
    lines = list(directives.by_line(text))
    own = {label for line, _code in lines if (label := directives.label_of(line))}
    own |= {slug(heading) for heading in _HEADING.findall(text)}
    # What is set by HTML.
    own |= set(re.findall(r"\bid=[\"']([^\"']{1,100})", text))

    def replaced(match: re.Match[str]) -> str:
        if match["span"]:
            return match[0]
        if match["word"]:
            return words.get(match["word"], match[0])
        if match["ref"]:
            named = _NAMED.match(match["ref"])
            title, label = (named["title"], named["label"]) if named else ("", match["ref"])
            return match[0] if label in own else _to_label(label, title, places) or match[0]
        return _link(match, own, places, place)

    return "\n".join(line if is_code else _REFERENCE.sub(replaced, line) for line, is_code in lines)


def _link(match: re.Match[str], own: set[str], places: _Open, place: str) -> str:
    words, target = match["words"], match["target"].strip("<>")
    for prefix in ("project:", "path:"):
        target = target.removeprefix(prefix)
    if target.startswith("#"):
        label = target.removeprefix("#")
        return match[0] if label in own else _to_label(label, words, places) or match[0]
    if words and target == match["target"].strip("<>"):
        return match[0]
    taken = target_of(target, place)
    page = next(filter(None, (places.places.page_at(path) for path in (taken.places if taken else ()))), "")
    shown = words or (places.title(page) if page else "") or target.rpartition("/")[2] or target
    return f"[{shown}](<{target}>)"


def _to_label(label: str, title: str, places: _Open) -> str:
    path, heading = places.labelled(label)
    return f"[{title or heading}](</{path}#{label}>)" if path else ""

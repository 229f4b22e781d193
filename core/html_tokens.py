"""Markup to texts and tags, in linear time.

A tokenizer of our own, because the one of the standard library takes quadratic time on markup that never closes.
"""

import html
import re
from typing import Protocol

_MARKUP = re.compile(r"<(?=[!?a-zA-Z]|/[a-zA-Z])")
_NEXT_IN_TAG = re.compile(r"[>\"']")
_TAG_NAME = re.compile(r"/?[a-zA-Z][a-zA-Z0-9:_-]{0,40}")
_ATTRIBUTE = re.compile(r"([a-zA-Z][a-zA-Z-]{0,30})\s{0,20}=\s{0,20}(?:\"([^\"]*)\"|'([^']*)'|([^\s\"'>]+))")
_HUGE_ENTITY = re.compile(r"&#[xX]?[0-9a-fA-F]{8,};?")
_RAW = frozenset({"script", "style", "title", "textarea", "xmp", "iframe", "noembed", "noframes"})


class Handler(Protocol):
    """Who is told of what stands in the markup."""

    def data(self, text: str) -> None:
        """Take a stretch of text, its character references unresolved."""

    def start(self, name: str, attributes: dict[str, str]) -> None:
        """Take a start tag, names in lower case, values unresolved."""

    def end(self, name: str) -> None:
        """Take an end tag."""


def unescaped(text: str) -> str:
    """Text with its character references resolved, without those too large for any character."""
    if "&" not in text:
        return text
    return html.unescape(_HUGE_ENTITY.sub("", text))


def feed(reader: Handler, markup: str) -> None:
    """Tell ``reader`` of every text, start tag and end tag in ``markup``, in linear time, whatever it is."""
    position = 0
    while True:
        found = _MARKUP.search(markup, position)
        if found is None:
            reader.data(markup[position:])
            return
        angle = found.start()
        if angle > position:
            reader.data(markup[position:angle])
        if markup.startswith(("<!", "<?"), angle):
            comment = markup.startswith("<!--", angle)
            end = markup.find("-->" if comment else ">", angle + 2)
            if end < 0:
                return
            position = end + (3 if comment else 1)
            continue
        tag = _TAG_NAME.match(markup, angle + 1)
        if tag is None:
            return
        end = _end_of_tag(markup, tag.end())
        if end < 0:
            reader.data(markup[angle:])
            return
        name = tag[0].lower()
        position = end + 1
        if name.startswith("/"):
            reader.end(name[1:])
            continue
        if name in _RAW:
            close = re.compile(f"</{name}", re.IGNORECASE).search(markup, position)
            if close is None:
                return
            position = max(markup.find(">", close.end()) + 1, close.end())
            continue
        reader.start(name, _attributes(markup[tag.end() : end]))


def _end_of_tag(markup: str, position: int) -> int:
    """Where the tag's ``>`` stands, outside quoted values; -1 if nowhere."""
    first = -1
    while True:
        found = _NEXT_IN_TAG.search(markup, position)
        if found is None:
            return first
        if found[0] == ">":
            return found.start()
        close = markup.find(found[0], found.end())
        if close < 0 or close - found.end() > 20_000:
            return markup.find(">", found.end())
        position = close + 1


def _attributes(text: str) -> dict[str, str]:
    if not text or text.isspace():
        return {}
    found: dict[str, str] = {}
    for name, double, single, bare in _ATTRIBUTE.findall(text[:20_000]):
        found.setdefault(name.lower(), double or single or bare)
    if re.search(r"\shidden(?:[\s/]|$)", text[:20_000], re.IGNORECASE):
        found.setdefault("hidden", "")
    return found

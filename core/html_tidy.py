"""HTML written anew: every tag closed in its place, and depth, attributes and the work of whoever reads it bounded.

A parser of HTML repairs what is broken, at a price: 160 kB of unclosed tags become 150 MB, and deep nesting takes it
quadratic time. What comes out of here is in order, so that nothing is left to repair. It is no defence by itself: a
sanitiser reads it afterwards.
"""

import html as html_module
import re
from collections import Counter
from collections.abc import Callable, Iterator

#: Writes a start tag: given the element, its attributes and the elements around it, the markup; None leaves out the
#: tags of this element and keeps what is between them.
StartTag = Callable[[str, dict[str, str], list[str]], str | None]

MOST_DEPTH = 200
# Possessive throughout, so that no input makes them go back. A value that lacks its closing quote is taken as a name.
_ATTRIBUTE = r"=?+[^\s/>=]*+(?:\s*+=\s*+(?:\"[^\"]*+\"|'[^']*+'|[^\s>\"'][^\s>]*+)?+)?+"
_TAG = re.compile(rf"<(?P<slash>/?+)(?P<name>[a-zA-Z][^\s/>]*+)(?P<rest>(?:[\s/]++|(?!>){_ATTRIBUTE})*+)>")
_PART = re.compile(r"(=?+[^\s/>=]++)(?:\s*+=\s*+(?:\"([^\"]*+)\"|'([^']*+)'|([^\s>\"'][^\s>]*+))?+)?+")
_MARKUP = re.compile(r"<(?=[!?a-zA-Z]|/[a-zA-Z])")
_END_OF_COMMENT = re.compile(r"--!?>")
_REFERENCE = re.compile(r"&(?:#[0-9]{1,7}|#[xX][0-9a-fA-F]{1,6}|[a-zA-Z][a-zA-Z0-9]{1,31});")
_HUGE_REFERENCE = re.compile(r"&#(?:[xX][0-9a-fA-F]{7,}|[0-9]{8,});?")
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff]")

_VOID = frozenset({"br", "hr", "img", "input"})
# What is in them is not for readers, or follows rules of its own.
_DROPPED = frozenset(
    "script style title textarea xmp iframe noembed noframes plaintext svg math template".split()  # noqa: SIM905
)
_ENDS_PARAGRAPH = frozenset(
    "blockquote details div dl dt dd figcaption figure h1 h2 h3 h4 h5 h6 hr li ol p pre summary table ul".split()  # noqa: SIM905
)
_HEADINGS = frozenset({"h1", "h2", "h3", "h4", "h5", "h6"})
_ROWS = frozenset({"thead", "tbody", "tfoot"})
_CELLS = frozenset({"td", "th", "caption"})
_WALLS = _CELLS | {"table"}
#: A part of a table closes whatever stands above the parts it may stand in.
_STANDS_IN = {
    **dict.fromkeys(("caption", *_ROWS), frozenset({"table"})),
    "tr": _ROWS | {"table"},
    **dict.fromkeys(("td", "th"), _ROWS | {"table", "tr"}),
}
#: A start tag closes the nearest of the first that is open, unless one of the second is nearer.
_INSTEAD_OF = {
    "a": (frozenset({"a"}), _WALLS - {"table"}),
    "li": (frozenset({"li"}), _WALLS | {"ul", "ol", "blockquote", "details", "figure"}),
    **dict.fromkeys(("dt", "dd"), (frozenset({"dt", "dd"}), _WALLS | {"dl", "blockquote", "details", "figure"})),
}


def tidy(html: str, start_tag: StartTag, *, most_tags: int) -> str | None:
    """HTML in order, with each start tag as ``start_tag`` writes it; None if it has more than ``most_tags`` tags.

    Comments, scripts, styles, drawings and the like are left out, as are tags that are nested deeper than 200 (their
    text is kept). Takes linear time, whatever the input.
    """
    writer = _Writer(start_tag)
    count = 0
    for text, tag in _tokens(html):
        writer.text(text)
        if tag is not None:
            count += 1
            if count > most_tags:
                return None
            if tag["slash"]:
                writer.end(tag["name"].lower())
            else:
                writer.start(tag["name"].lower(), tag["rest"])
    return writer.finish()


def readable(text: str) -> str:
    """Text without control characters (tabs and line breaks stay), with line breaks of one kind."""
    return _CONTROL.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))


def written(name: str, given: dict[str, str]) -> str:
    """A start tag with its attributes."""
    return f"<{name}" + "".join(f' {key}="{html_module.escape(value)}"' for key, value in given.items()) + ">"


def attributes(source: str) -> dict[str, str]:
    """The attributes as they are written in a start tag; of several with one name, the first counts."""
    found: dict[str, str] = {}
    for name, double, single, bare in _PART.findall(source):
        # Only with a semicolon: addresses are full of ampersands that mean nothing.
        value = _REFERENCE.sub(lambda match: html_module.unescape(match[0]), double or single or bare)
        found.setdefault(name.lower(), _CONTROL.sub("", value))
    return found


def _tokens(html: str) -> Iterator[tuple[str, re.Match[str] | None]]:
    """Each tag with the text before it; the last text has none."""
    position = start = 0
    unclosed: set[str] = set()
    while markup := _MARKUP.search(html, position):
        angle = markup.start()
        if html[angle + 1] in "!?":
            is_comment = html.startswith("<!--", angle)
            end = _END_OF_COMMENT.search(html, angle + 2) if is_comment else None
            after = end.end() if end else -1 if is_comment else html.find(">", angle) + 1 or -1
            yield html[start:angle], None
            position = start = after if after > 0 else len(html)
            continue
        tag = _TAG.match(html, angle)
        if tag is None:
            # Nothing closes this tag, so there are no further ones.
            break
        position = tag.end()
        name = tag["name"].lower()
        if name not in _DROPPED:
            yield html[start:angle], tag
            start = position
        elif not tag["slash"] and not tag["rest"].endswith("/") and name not in unclosed:
            close = re.compile(rf"</{name}(?=[\s/>])[^>]*>", re.IGNORECASE).search(html, position)
            if close is None:
                # Somebody speaks of the element.
                unclosed.add(name)
                continue
            yield html[start:angle], None
            position = start = close.end()
        elif name not in unclosed:
            yield html[start:angle], None
            start = position
    yield html[start:], None


class _Writer:
    """Writes what it is told, and closes what must be closed."""

    def __init__(self, start_tag: StartTag) -> None:
        self.start_tag = start_tag
        self.out: list[str] = []
        self.open: list[str] = []
        self.too_deep: Counter[str] = Counter()
        self.left_out: set[str] = set()
        self.begins_pre = False

    def text(self, source: str) -> None:
        if not source:
            return
        text = html_module.unescape(_HUGE_REFERENCE.sub("", source)) if "&" in source else source
        text = readable(text)
        if self.begins_pre:
            # Each reading of <pre> drops a line break at its beginning.
            text = text.lstrip("\n")
        if text:
            self.out.append(html_module.escape(text, quote=False))
            self.begins_pre = False

    def start(self, name: str, rest: str) -> None:
        if name in self.left_out:
            return
        if not self._make_room(name):
            return
        if len(self.open) >= MOST_DEPTH and name not in _VOID:
            self.too_deep[name] += 1
            return
        markup = self.start_tag(name, attributes(rest), self.open)
        if markup is None:
            self.left_out.add(name)
            return
        if not markup:
            return
        self.out.append(markup)
        self.begins_pre = name == "pre"
        if name not in _VOID:
            self.open.append(name)

    def _make_room(self, name: str) -> bool:
        """Close what a start tag of this name closes; False if it may not stand here."""
        if name in _STANDS_IN:
            if "table" not in self.open:
                return False
            while self.open[-1] not in _STANDS_IN[name]:
                self._close()
            return True
        if name in _INSTEAD_OF:
            self._close_nearest(*_INSTEAD_OF[name])
        if name in _ENDS_PARAGRAPH:
            self._close_nearest(frozenset({"p"}), _WALLS)
        if name in _HEADINGS and self.open and self.open[-1] in _HEADINGS:
            self._close()
        return True

    def _close_nearest(self, names: frozenset[str], walls: frozenset[str]) -> None:
        for back, each in enumerate(reversed(self.open), 1):
            if each in names:
                for _ in range(back):
                    self._close()
                return
            if each in walls:
                return

    def _close(self) -> None:
        self.out.append(f"</{self.open.pop()}>")
        self.begins_pre = False

    def end(self, name: str) -> None:
        if self.too_deep[name]:
            self.too_deep[name] -= 1
            return
        if name == "table":
            walls: frozenset[str] = frozenset()
        elif name in _STANDS_IN:
            walls = frozenset({"table"})
        else:
            walls = _WALLS
        self._close_nearest(frozenset({name}), walls)

    def finish(self) -> str:
        while self.open:
            self._close()
        return "".join(self.out)

"""Markdown and plain text as safe HTML, and HTML as plain text.

Articles go through Python-Markdown with extensions (rich, and slow: see `core.markdown_child` for its time limit),
messages through a CommonMark renderer that no input can stall. Both end in `core.sanitise.clean`.
"""

import html as html_module
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import cmarkgfm
from cmarkgfm.cmark import Options

from core import directives
from core.html_tidy import readable, tidy, written
from core.html_tokens import feed, unescaped
from core.markdown_layout import laid_out
from core.sanitise import MOST_TAGS, cleaned, preformatted, safe_url

if TYPE_CHECKING:
    from markdown import Markdown

MOST_MESSAGE = 200_000
TOO_COMPLICATED = "The text is too complicated to be laid out, and is shown as it was written."
UNREADABLE = "The text could not be laid out, and is shown as it was written."
#: Anchors of articles begin with this, lest a text takes the id of something on the page.
ANCHOR = "h-"
_FOOTNOTE = re.compile(r"fn(?:ref\d*)?-")
_ADDRESS = re.compile(r"https?://[^\s<>\"'`]{2,2000}")
_BLANKS = re.compile(r"^ +| {2,}", re.MULTILINE)
_MESSAGE_OPTIONS = Options.CMARK_OPT_HARDBREAKS | Options.CMARK_OPT_VALIDATE_UTF8
#: Stands for a “<” that begins no address: what looks like HTML in a message is text.
_LESS_THAN = "\ue0b1"
_TAG_LIKE = re.compile(r"(?<!\]\()<(?=[a-zA-Z/!?])(?!https?://|mailto:|[\w.+-]{1,64}@)", re.IGNORECASE)
_TARGETS = re.compile(
    r"\]\( {0,9}(?:<([^<>\n]{1,2000})>|([^\s()<>]{1,2000}(?:\([^\s()]{0,500}\)[^\s()]{0,2000}){0,9}))"
    r"|^ {0,3}\[(?!\^)[^\]\n]{1,500}\]: {0,9}<?([^\s>]{1,2000})>?"
    r"|<(?:a|img)\b[^<>]{0,2000}?\b(?:href|src)\s{0,9}=\s{0,9}(?:\"([^\"\n]{1,2000})\"|'([^'\n]{1,2000})')",
    re.MULTILINE | re.IGNORECASE,
)
_ESCAPED = re.compile(r"\\([!-/:-@\[-`{-~])")


@dataclass(frozen=True)
class Heading:
    """One heading of an article: its level, the id of its anchor and its text."""

    level: int
    id: str
    title: str


@dataclass(frozen=True)
class Rendered:
    """An article as it is shown and as it is searched.

    ``contents`` are the headings in order; ``links`` the addresses of links and pictures as they are written;
    ``problem`` is a sentence if the text could not be rendered and is shown as it was written, "" otherwise.
    """

    html: str
    contents: tuple[Heading, ...] = ()
    text: str = ""
    links: tuple[str, ...] = ()
    problem: str = ""

    @property
    def headings(self) -> tuple[str, ...]:
        """The texts of the headings."""
        return tuple(heading.title for heading in self.contents)


def render_article(source: str, *, resolve: Callable[[str], str] | None = None, language: str = "en") -> Rendered:
    """Render an article. Some sources take this minutes: see `core.markdown_child`.

    :param resolve: gives the address for each link or picture as it is written in the source, "" if it leads nowhere;
        by default they stay as they are.
    :param language: of the article: callouts have titles in it.
    """
    converter = _converter()
    raw = converter.convert(laid_out(directives.prepare(readable(source), language)))
    links: dict[str, str] = {}

    def start_tag(name: str, given: dict[str, str], _around: list[str]) -> str:
        if name == "input":
            # Task lists show signs, not fields.
            return "☑" if "checked" in given else "☐"
        if "id" in given and not _FOOTNOTE.match(given["id"]):
            given["id"] = ANCHOR + given["id"]
        key = {"a": "href", "img": "src"}.get(name, "")
        if address := given.get(key, ""):
            given[key] = _fragment(address) if address.startswith("#") else links.setdefault(address, address)
            if resolve is not None and not address.startswith("#"):
                given[key] = links[address] = resolve(address)
        return written(name, given)

    tidied = tidy(raw, start_tag, most_tags=MOST_TAGS)
    html = None if tidied is None else cleaned(tidied, kind="article")
    if html is None:
        return as_written(source, TOO_COMPLICATED)
    contents = tuple(_contents(getattr(converter, "toc_tokens", [])))
    return Rendered(html=html, contents=contents, text=to_text(html), links=tuple(links))


def as_written(source: str, problem: str) -> Rendered:
    """An article that could not be laid out, with a sentence that says why."""
    return Rendered(html=preformatted(source), text=readable(source), problem=problem)


def targets(source: str) -> list[str]:
    """The links and pictures of a source, as `render_article` will ask for them, each once; cheap."""
    prepared = directives.without_code(directives.prepare(readable(source)))
    found: dict[str, None] = {}
    for match in _TARGETS.finditer(prepared):
        target = next(filter(None, match.groups()), "")
        if target and not target.startswith("#"):
            found.setdefault(html_module.unescape(_ESCAPED.sub(r"\1", target)))
    return list(found)


def render_message(source: str) -> str:
    """CommonMark with tables, bare links and strikethrough; line breaks are kept, and HTML is text."""
    if len(source) > MOST_MESSAGE:
        return render_plain(source)
    marked = _TAG_LIKE.sub(_LESS_THAN, readable(source).replace(_LESS_THAN, ""))
    rendered = cmarkgfm.markdown_to_html_with_extensions(
        marked, options=_MESSAGE_OPTIONS, extensions=["table", "autolink", "strikethrough"]
    )
    return _or_as_written(source, rendered.replace(_LESS_THAN, "&lt;"))


def render_plain(text: str) -> str:
    """Plain text as paragraphs, with its line breaks and blanks, and with its http(s) addresses as links."""
    paragraphs = re.split(r"\n[ \t]*\n", readable(text).expandtabs(4).strip("\n"))
    return _or_as_written(text, "".join(f"<p>{_lines(each)}</p>" for each in paragraphs if each.strip()))


def to_text(html: str) -> str:
    """What HTML says, as plain text with its paragraphs, lists and lines, without the addresses of links."""
    reader = _TextReader()
    feed(reader, html)
    return reader.value()


def slug(text: str, separator: str = "-") -> str:
    """The anchor of a heading, as GitHub makes it: lower case, blanks as hyphens, letters of every script kept."""
    kept = "".join(char for char in text.strip().lower() if char.isalnum() or char in " -_")
    return kept[:100].replace(" ", separator) or "section"


def _or_as_written(source: str, html: str) -> str:
    kept = cleaned(html, kind="message")
    return preformatted(source) if kept is None else kept


def _converter() -> "Markdown":
    """Python-Markdown with what articles may use. Imported here, because only the child that renders needs it."""
    import markdown

    taken: dict[str, int] = {}

    def anchor(text: str, separator: str) -> str:
        """A slug that no heading before has, numbered as GitHub does."""
        name = slug(text, separator)
        number = taken.get(name, -1) + 1
        taken[name] = number
        if not number:
            return name
        return anchor(f"{name}{separator}{number}", separator)

    return markdown.Markdown(
        extensions=[
            *("tables", "footnotes", "def_list", "abbr", "admonition", "attr_list", "md_in_html", "sane_lists", "toc"),
            *(
                "pymdownx.superfences",
                "pymdownx.highlight",
                "pymdownx.tasklist",
                "pymdownx.betterem",
                "pymdownx.tilde",
            ),
            "pymdownx.magiclink",
        ],
        extension_configs={
            "tables": {"use_align_attribute": True},
            "toc": {"slugify": anchor},
            "footnotes": {"SEPARATOR": "-"},
            "pymdownx.highlight": {"css_class": "highlight", "guess_lang": False},
            "pymdownx.tasklist": {"clickable_checkbox": False},
            "pymdownx.tilde": {"subscript": False},
        },
    )


def _fragment(address: str) -> str:
    name = address.removeprefix("#")
    return address if not name or name.startswith(ANCHOR) or _FOOTNOTE.match(name) else f"#{ANCHOR}{name}"


def _contents(tokens: list[Any]) -> list[Heading]:
    found = []
    for token in tokens:
        title = to_text(token["name"])
        found += [Heading(int(token["level"]), ANCHOR + token["id"], title), *_contents(token["children"])]
    return found


def _lines(paragraph: str) -> str:
    pieces, last = [], 0
    for match in _ADDRESS.finditer(paragraph):
        address = _without_punctuation(match[0])
        pieces.append(_text(paragraph[last : match.start()]))
        shown = html_module.escape(address)
        pieces.append(f'<a href="{shown}">{shown}</a>' if safe_url(address) else shown)
        last = match.start() + len(address)
    pieces.append(_text(paragraph[last:]))
    return "".join(pieces).replace("\n", "<br>")


def _text(text: str) -> str:
    """Escaped, with the blanks that line things up."""
    return html_module.escape(_BLANKS.sub(lambda run: "\xa0" * (len(run[0]) - 1) + " ", text), quote=False)


def _without_punctuation(address: str) -> str:
    """An address without the sentence around it: a bracket at its end stays only if it was opened inside."""
    while address:
        end = address[-1]
        is_spare = end in ".,;:!?]}’”»*_" or (end == ")" and address.count(")") > address.count("("))
        if not is_spare:
            break
        address = address[:-1]
    return address


_PARAGRAPHS = frozenset(
    {"p", "h1", "h2", "h3", "h4", "h5", "h6", "pre", "blockquote", "table", "dl", "figure", "details", "hr"}
)
_LINES = frozenset({"div", "li", "tr", "dt", "dd", "caption", "summary", "figcaption", "br"})


class _TextReader:
    """Collects text, with a line for each block and a mark for each item."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.line: list[str] = []
        self.mark = ""
        self.lists: list[int] = []
        self.code = 0

    def value(self) -> str:
        """The text so far."""
        self._end_line()
        return re.sub(r"\n{3,}", "\n\n", "\n".join(self.lines)).strip("\n")

    def data(self, text: str) -> None:
        """Keep the words; outside code a line break in HTML is a blank."""
        shown = unescaped(text)
        if not self.code:
            self.line.append(shown.replace("\n", " "))
            return
        first, *others = shown.split("\n")
        self.line.append(first)
        for line in others:
            self._end_line()
            self.line.append(line)

    def start(self, name: str, attributes: dict[str, str]) -> None:
        """Begin a line with a block."""
        self._block(name)
        if name == "pre":
            self.code += 1
        elif name in {"ul", "ol"}:
            self.lists.append(1 if name == "ol" else 0)
            self._end_line()
        elif name == "li":
            number = self.lists[-1] if self.lists else 0
            self.mark = "  " * (len(self.lists) - 1) + (f"{number}. " if number else "- ")
            if number:
                self.lists[-1] += 1
        elif name in {"td", "th"} and "".join(self.line).strip():
            self.line.append(" | ")
        elif name == "img":
            self.line.append(unescaped(attributes.get("alt", "")))

    def end(self, name: str) -> None:
        """End a line with a block."""
        self._block(name)
        if name == "pre" and self.code:
            self._end_line()
            self.code -= 1
        elif name in {"ul", "ol"} and self.lists:
            self.lists.pop()
            if not self.lists:
                self._block("p")

    def _block(self, name: str) -> None:
        if name in _PARAGRAPHS:
            self._end_line()
            if self.lines and self.lines[-1] and not self.mark:
                self.lines.append("")
        elif name in _LINES:
            self._end_line()

    def _end_line(self) -> None:
        text = "".join(self.line)
        self.line.clear()
        shown = text.rstrip() if self.code else " ".join(text.split())
        if shown or (self.code and self.lines):
            self.lines.append(self.mark + shown)
            self.mark = ""

"""Markdown and plain text as safe HTML, and HTML as plain text.

Articles go through Python-Markdown with extensions (slow, rich: see `core.markdown_child` for its time limit), messages
through a CommonMark renderer that no input can stall. Both end in `core.sanitise.clean`.
"""

import html as html_module
import re
from collections.abc import Callable
from dataclasses import dataclass
from html.parser import HTMLParser
from typing import Any

import cmarkgfm
import markdown as python_markdown
from cmarkgfm.cmark import Options

from core import directives
from core.sanitise import clean, safe_url

MOST_MESSAGE = 200_000
_LINK = re.compile(r"https?://[^\s<>\"'`]{2,2000}")
_MESSAGE_OPTIONS = Options.CMARK_OPT_HARDBREAKS | Options.CMARK_OPT_VALIDATE_UTF8
_TARGET = re.compile(
    r"!?\[[^\]\n]{0,2000}\]\(\s*<?([^\s)>]{1,2000})>?|^ {0,3}\[[^\]\n]{1,500}\]:\s*<?([^\s>]{1,2000})>?"
    r"|<img\b[^>\n]{0,2000}?\bsrc=[\"']([^\"'\n]{1,2000})[\"']|<a\b[^>\n]{0,2000}?\bhref=[\"']([^\"'\n]{1,2000})[\"']"
    r"|\{(?:doc|ref|download)\}`(?:[^`<\n]{0,300}<)?([^`<>\n]{1,500})>?`|^\s*[`:]{3,}\{(?:image|figure)\}\s+(\S{1,2000})",
    re.MULTILINE,
)


@dataclass(frozen=True)
class Heading:
    """One heading of an article: its level, the id of its anchor and its text."""

    level: int
    id: str
    title: str


@dataclass(frozen=True)
class Rendered:
    """An article as it is shown and as it is searched.

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


def render_article(source: str, *, resolve: Callable[[str], str] | None = None) -> Rendered:
    """Render an article.

    :param resolve: gives the address for each link or picture as it is written in the source; by default as it is.
    """
    prepared = directives.prepare(source.replace("\r\n", "\n"))
    converter = python_markdown.Markdown(
        extensions=[
            "tables", "footnotes", "def_list", "abbr", "admonition", "attr_list", "md_in_html", "sane_lists", "toc",
            "pymdownx.superfences", "pymdownx.highlight", "pymdownx.tasklist", "pymdownx.betterem", "pymdownx.tilde",
            "pymdownx.magiclink",
        ],
        extension_configs={
            "toc": {"slugify": slug, "permalink": False},
            "footnotes": {"UNIQUE_IDS": False, "SEPARATOR": "-"},
            "pymdownx.highlight": {"use_pygments": True, "css_class": "highlight", "guess_lang": False},
            "pymdownx.tasklist": {"clickable_checkbox": False},
            "pymdownx.magiclink": {"hide_protocol": False, "repo_url_shortener": False, "social_url_shortener": False},
        },
        output_format="html",
    )  # fmt: skip
    raw = converter.convert(prepared)
    if resolve is not None:
        raw = _resolved(raw, resolve)
    html = clean(_without_check_boxes(_with_prefixed_ids(raw)), kind="article")
    contents = tuple(_contents(getattr(converter, "toc_tokens", [])))
    return Rendered(html=html, contents=contents, text=to_text(html), links=tuple(targets(source)))


def targets(source: str) -> list[str]:
    """The links and pictures of a source, as written, each once; cheap, and without rendering."""
    found: dict[str, None] = {}
    for match in _TARGET.finditer(source):
        for group in match.groups():
            if group:
                found.setdefault(group, None)
    return list(found)


def render_message(source: str) -> str:
    """CommonMark with tables, bare links and strikethrough; line breaks are kept."""
    if len(source) > MOST_MESSAGE:
        return render_plain(source)
    rendered = cmarkgfm.markdown_to_html_with_extensions(
        source, options=_MESSAGE_OPTIONS, extensions=["table", "autolink", "strikethrough"]
    )
    return clean(rendered, kind="message")


def render_plain(text: str) -> str:
    """Plain text as paragraphs, with its line breaks and with its http(s) addresses as links."""
    paragraphs = re.split(r"\n[ \t]*\n", text.replace("\r\n", "\n").strip("\n"))
    return clean(
        "".join(f"<p>{_lines(paragraph)}</p>" for paragraph in paragraphs if paragraph.strip()), kind="message"
    )


def to_text(html: str) -> str:
    """What HTML says, as plain text with its paragraphs."""
    reader = _TextReader()
    reader.feed(html)
    reader.close()
    lines = (" ".join(line.split()) for line in "".join(reader.pieces).split("\n"))
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()


def slug(text: str, separator: str = "-") -> str:
    """The anchor of a heading, as GitHub makes it: lower case, words joined by hyphens, letters of every script kept."""
    kept = "".join(char for char in text.strip().lower() if char.isalnum() or char in " -_")
    return kept.replace(" ", separator) or "section"


def _lines(paragraph: str) -> str:
    pieces, last = [], 0
    for match in _LINK.finditer(paragraph):
        address = match[0].rstrip(".,;:!?)]}'’”»")
        pieces.append(html_module.escape(paragraph[last : match.start()]))
        escaped = html_module.escape(address, quote=True)
        pieces.append(f'<a href="{escaped}">{escaped}</a>' if safe_url(address) else escaped)
        last = match.start() + len(address)
    pieces.append(html_module.escape(paragraph[last:]))
    return "".join(pieces).replace("\n", "<br>")


def _resolved(html: str, resolve: Callable[[str], str]) -> str:
    def replace(match: re.Match[str]) -> str:
        address = html_module.unescape(match[3])
        if address.startswith("#"):
            return match[0]
        return f'{match[1]}{match[2]}="{html_module.escape(resolve(address), quote=True)}"'

    return re.sub(r'(<(?:a|img)\b[^>]*?\s)(href|src)="([^"]*)"', replace, html)


def _with_prefixed_ids(html: str) -> str:
    """Give our own anchors a prefix, so that no text can take the id of something on the page."""
    html = re.sub(r'(<h[1-6]\b[^>]*\bid=")(?!h-)', r"\1h-", html)
    html = re.sub(r'(<a\b[^>]*\bid=")(?!h-|fn)', r"\1h-", html)
    return re.sub(r'(<a\b[^>]*\bhref="#)(?!h-|fn-|fnref-|fnref\d|"|top)', r"\1h-", html)


def _without_check_boxes(html: str) -> str:
    """Task lists show signs, not form fields."""
    html = re.sub(r"<input\b[^>]*\bchecked\b[^>]*>", "☑ ", html)
    return re.sub(r"<input\b[^>]*>", "☐ ", html)


def _contents(tokens: list[Any]) -> list[Heading]:
    found = []
    for token in tokens:
        found.append(
            Heading(
                int(token["level"]), f"h-{token['id']}", html_module.unescape(re.sub(r"<[^>]*>", "", token["name"]))
            )
        )
        found += _contents(token["children"])
    return found


_BLOCKS = {
    "p",
    "div",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "li",
    "tr",
    "pre",
    "blockquote",
    "dt",
    "dd",
    "table",
    "ul",
    "ol",
    "hr",
}


class _TextReader(HTMLParser):
    """Collects text, with a line for each block."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.pieces: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Begin a line with a block."""
        if tag in _BLOCKS:
            self.pieces.append("\n\n" if tag in {"p", "h1", "h2", "h3", "pre", "blockquote", "table"} else "\n")
        elif tag == "br":
            self.pieces.append("\n")
        elif tag in {"td", "th"}:
            self.pieces.append(" ")
        elif tag == "img":
            self.pieces.append(dict(attrs).get("alt") or "")

    def handle_endtag(self, tag: str) -> None:
        """End a line with a block."""
        if tag in _BLOCKS:
            self.pieces.append("\n")

    def handle_data(self, data: str) -> None:
        """Keep the words; a line break in HTML is a space."""
        self.pieces.append(data.replace("\n", " "))

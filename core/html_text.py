"""HTML of a mail to text that reads well: links, lists, tables and quotations kept; scripts and hidden text left out.

The result is plain text, never to be taken for safe HTML.
"""

import re

from core.html_tokens import feed, unescaped

_MAX = 4_000_000
_HIDDEN_STYLE = re.compile(
    r"display\s{0,9}:\s{0,9}none|visibility\s{0,9}:\s{0,9}hidden|mso-hide\s{0,9}:\s{0,9}all"
    r"|font-size\s{0,9}:\s{0,9}0(?:\.0+)?(?:px|pt|em|rem|%)?\s{0,9}(?:;|!|$)|opacity\s{0,9}:\s{0,9}0(?:\.0+)?\s{0,9}(?:;|!|$)"
    r"|max-height\s{0,9}:\s{0,9}0(?:px)?\s{0,9}(?:;|!|$)",
    re.IGNORECASE,
)
_HIDDEN_CLASS = re.compile(r"\.([a-zA-Z][\w-]{0,60})\s{0,9}\{[^{}]{0,400}?display\s{0,9}:\s{0,9}none", re.IGNORECASE)
_BLANKS = re.compile(r"[ \t\r\n\f]+")
_UNSEEN: dict[int, str | None] = dict.fromkeys([0x200B, 0x200E, 0x200F, 0xFEFF, 0x034F, 0xAD, 0x2060])
_UNSEEN |= dict.fromkeys([0xA0, 0x2007, 0x202F], " ")
_MANY_LINES = re.compile(r"\n{3,}")

_DROPPED = frozenset({"template", "svg", "math", "object", "select", "canvas", "audio", "video", "map"})
_VOID = frozenset(
    {"br", "hr", "img", "input", "meta", "link", "base", "area", "col", "wbr", "source", "track", "embed"}
)
_LINE = frozenset(
    [
        "div",
        "address",
        "article",
        "aside",
        "section",
        "header",
        "footer",
        "main",
        "nav",
        "form",
        "fieldset",
        "figure",
        "figcaption",
        "center",
        "dd",
        "dt",
        "dl",
        "ul",
        "ol",
        "table",
        "thead",
        "tbody",
        "tfoot",
        "caption",
        "details",
        "summary",
        "legend",
    ]
)
_PARAGRAPH = frozenset(["p", "h1", "h2", "h3", "h4", "h5", "h6", "pre"])
_CLOSED_BY_ITSELF = frozenset({"p", "li", "td", "th", "tr", "dt", "dd", "option"})
_MAX_QUOTES, _MAX_TABLES, _MAX_OPEN = 20, 20, 5_000
RULE = "_" * 32


class _Writer:
    """Lines of text under way: blanks collapse, blocks begin on lines of their own."""

    def __init__(self) -> None:
        self.parts: list[str] = []
        self._wanted = 0
        self._space = False
        self._empty = True
        self._after_break = False

    def text(self, text: str, *, verbatim: bool = False) -> None:
        if verbatim:
            self._flush()
            self.parts.append(text)
            self._empty = self._after_break = False
            return
        text = _BLANKS.sub(" ", text)
        if not text:
            return
        if text == " ":
            self._space = True
            return
        leading, trailing = text[0] == " ", text[-1] == " "
        wanted = self._wanted
        self._flush()
        if (leading or self._space) and not wanted and self.parts and not self.parts[-1].endswith(("\n", " ")):
            self.parts.append(" ")
        self.parts.append(text.strip(" "))
        self._space, self._empty, self._after_break = trailing, False, False

    def _flush(self) -> None:
        if self._wanted and not self._empty:
            # A <br> before the end of a block is no line of its own.
            self.parts.append("\n" * (self._wanted - self._after_break))
            self._space = False
            self._after_break = False
        self._wanted = 0

    def lines(self, count: int) -> None:
        """Ask for ``count`` line ends before whatever comes next."""
        self._wanted = max(self._wanted, count)
        self._space = False

    def line_break(self) -> None:
        """A line end that adds up, as ``<br>`` does."""
        if self._wanted:
            self._flush()
        if not self._empty:
            self.parts.append("\n")
            self._after_break = True
        self._space = False

    def value(self) -> str:
        text = "".join(self.parts).translate(_UNSEEN)
        return _MANY_LINES.sub("\n\n", "\n".join(line.rstrip() for line in text.split("\n"))).strip("\n")


class _Reader:
    """One pass over the markup with a stack of open elements."""

    def __init__(self) -> None:
        self.out = _Writer()
        self.outer: list[tuple[str, _Writer]] = []
        self.open: list[tuple[str, bool, int]] = []
        self.hidden = 0
        self.hidden_classes: frozenset[str] = frozenset()
        self.lists: list[int] = []
        self.links: list[tuple[str, int]] = []
        self.rows: list[list[str]] = []
        self.pre = 0
        self.hidden_text = 0
        self.show_all = False

    def data(self, text: str) -> None:
        if self.hidden:
            self.hidden_text += len(text)
            return
        if self.pre:
            self.out.text(unescaped(text), verbatim=True)
        else:
            # Non-breaking spaces survive the collapsing, as a browser would have it.
            self.out.text(unescaped(_BLANKS.sub(" ", text)))

    def start(self, name: str, attributes: dict[str, str]) -> None:
        if name in _CLOSED_BY_ITSELF and self.open and self.open[-1][0] == name:
            self.end(name)
        elif name in _LINE | _PARAGRAPH and self.open and self.open[-1][0] == "p":
            self.end("p")
        if name in _VOID:
            self._void(name, attributes)
            return
        # Outlook writes a paragraph for every line.
        gap = 1 if name == "p" and attributes.get("class", "").lower().startswith("mso") else 2
        hidden = name in _DROPPED or self._is_hidden(attributes)
        if len(self.open) < _MAX_OPEN:
            self.open.append((name, hidden, gap))
            self.hidden += hidden
        if self.hidden:
            return
        if name in _PARAGRAPH:
            self.out.lines(gap)
            self.pre += name == "pre"
        elif name in _LINE:
            self.out.lines(1)
            if name in {"ul", "ol"}:
                start = attributes.get("start", "1")
                number = int(start) if start.isascii() and start.isdigit() and len(start) < 7 else 1
                self.lists.append(number if name == "ol" else 0)
        elif name == "li":
            self._item()
        elif name == "a":
            self.links.append((attributes.get("href", ""), len(self.out.parts)))
        elif name == "blockquote" and len(self.outer) < _MAX_QUOTES + _MAX_TABLES:
            self._push("blockquote")
        elif name == "tr" and len(self.rows) < _MAX_TABLES:
            self.rows.append([])
            self._push("tr")
        elif name in {"td", "th"} and self.rows and self.outer and self.outer[-1][0] == "tr":
            self._push("cell")

    def _is_hidden(self, attributes: dict[str, str]) -> bool:
        if self.show_all:
            return False
        if "hidden" in attributes or _HIDDEN_STYLE.search(attributes.get("style", "")[:2_000]):
            return True
        return bool(self.hidden_classes) and not self.hidden_classes.isdisjoint(attributes.get("class", "").split())

    def _void(self, name: str, attributes: dict[str, str]) -> None:
        if self.hidden:
            return
        if name == "br":
            self.out.line_break()
        elif name == "hr":
            self.out.lines(1)
            self.out.text(RULE)
            self.out.lines(1)
        elif name == "img" and attributes.get("alt", "").strip() and not self._is_hidden(attributes):
            self.out.text(f"[{_BLANKS.sub(' ', unescaped(attributes['alt'])).strip()[:200]}]")

    def _item(self) -> None:
        self.out.lines(1)
        depth = min(max(len(self.lists), 1), 12)
        mark = "-"
        if self.lists and self.lists[-1]:
            mark = f"{self.lists[-1]}."
            self.lists[-1] += 1
        self.out.text("  " * (depth - 1) + f"{mark} ", verbatim=True)

    def _push(self, kind: str) -> None:
        self.outer.append((kind, self.out))
        self.out = _Writer()
        self.links.clear()

    def _pop(self, kind: str) -> str | None:
        """The text of the innermost block of this kind; what was left open inside is closed with it."""
        if kind not in [each for each, _ in self.outer]:
            return None
        while True:
            inner, text = self.outer[-1][0], self.out.value()
            self.out = self.outer.pop()[1]
            self.links.clear()
            if inner == kind:
                return text
            self._place(inner, text)

    def _place(self, kind: str, text: str) -> None:
        if kind == "cell" and self.rows:
            self.rows[-1].append(text)
        elif kind == "tr":
            cells = [each for each in (self.rows.pop() if self.rows else []) if each.strip()]
            if text.strip():
                cells.append(text)
            self._block("\n".join(cells) if any("\n" in cell for cell in cells) else " | ".join(cells))
        else:
            quoted = "\n".join(
                f">{line}" if line.startswith(">") else f"> {line}".rstrip() for line in text.split("\n")
            )
            self._block(quoted if text else "")

    def _block(self, text: str) -> None:
        self.out.lines(1)
        if text:
            self.out.text(text, verbatim=True)
            self.out.lines(1)

    def end(self, name: str) -> None:
        for back in range(1, min(len(self.open), 64) + 1):
            if self.open[-back][0] == name:
                break
        else:
            return
        was_hidden = self.hidden > 0
        gap = self.open[-back][2]
        for _, hidden, _ in self.open[-back:]:
            self.hidden -= hidden
        del self.open[-back:]
        if was_hidden:
            return
        if name in _PARAGRAPH:
            self.out.lines(gap)
            if name == "pre" and self.pre:
                self.pre -= 1
        elif name in _LINE:
            self.out.lines(1)
            if name in {"ul", "ol"} and self.lists:
                self.lists.pop()
        elif name == "li":
            self.out.lines(1)
        elif name == "a" and self.links:
            self._link(*self.links.pop())
        elif name in {"blockquote", "tr", "td", "th"}:
            kind = "cell" if name in {"td", "th"} else name
            text = self._pop(kind)
            if text is not None:
                self._place(kind, text)

    def _link(self, target: str, since: int) -> None:
        target = unescaped(target).strip()
        scheme, _, rest = target.partition(":")
        shown = "".join(self.out.parts[since:]).strip()
        if scheme.lower() not in {"http", "https", "mailto", "ftp", "tel"} or not shown:
            return
        bare = rest.lstrip("/").rstrip("/")
        if shown.rstrip("/") in {target.rstrip("/"), bare, bare.partition("?")[0]}:
            return
        address = bare.partition("?")[0] if scheme.lower() == "mailto" else target
        self.out.text(f" ({address})")

    def finish(self) -> str:
        while self.outer:
            kind, text = self.outer[-1][0], self.out.value()
            self.out = self.outer.pop()[1]
            self._place(kind, text)
        return self.out.value()


def html_text(markup: str) -> str:
    """Readable plain text of an HTML document or fragment: at most its first 4,000,000 characters are read.

    Links become ``text (url)``, quotations get ``> ``, cells of a table row ``a | b``. If all is hidden, all is shown.
    """
    markup = markup[:_MAX]
    reader = _Reader()
    reader.hidden_classes = _hidden_classes(markup)
    feed(reader, markup)
    text = reader.finish()
    if not text.strip() and reader.hidden_text:
        reader = _Reader()
        reader.show_all = True
        feed(reader, markup)
        text = reader.finish()
    return text


def _hidden_classes(markup: str) -> frozenset[str]:
    """Classes that the style sheet hides on every screen; rules inside @media are for some screens only."""
    start = re.search(r"<style[\s>]", markup, re.IGNORECASE)
    if start is None:
        return frozenset()
    end = re.compile(r"</style", re.IGNORECASE).search(markup, start.end())
    sheet = markup[start.end() : end.start() if end else len(markup)][:50_000]
    return frozenset(_HIDDEN_CLASS.findall(sheet.partition("@media")[0]))

"""What one directive of MyST, Sphinx or reStructuredText becomes in the Markdown of this tool."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from core import callout_words

#: What brings in other files: `core.inclusions` puts them in where they can be read.
INCLUDING = frozenset(
    {"include", "literalinclude", "jsoninclude", "jsoninclude-quote", "csv-table", "csv-table-no-translate"}
)
#: Only what is inside of them matters here.
_TRANSPARENT = frozenset(
    {
        *("grid", "grid-item", "container", "div", "tab-set", "tabs", "compound", "rst-class", "class", "centered"),
        *("card-carousel", "sidebar-body", "glossary", "eval-rst", "hlist", "table", "align", "column", "panels"),
    }
)
#: Say something to the tool that builds pages, nothing to the reader.
_SILENT = frozenset(
    {
        *("contents", "index", "meta", "highlight", "currentmodule", "module", "default-domain", "default-role"),
        *("tabularcolumns", "sectionauthor", "codeauthor", "only-dev", "comment", "role", "toctree-hidden", "orphan"),
        *("todolist", "printindex", "program", "raw-latex", "section-numbering", "sectnum", "target-notes"),
    }
)
_CODE = frozenset({"code-block", "code", "sourcecode", "code-cell", "prompt", "parsed-literal"})
_TITLED = frozenset({"admonition", "topic", "sidebar", "dropdown", "card", "grid-item-card", "details", "theorem"})
_CONDITION = re.compile(r"language\s*(?P<how>==|!=)\s*['\"](?P<code>[\w-]{2,12})['\"]\s*")
_OPTION = re.compile(r"^\s*:(?P<name>[\w-]{1,60}):(?:[ \t]+(?P<value>.*))?$")
_MEMBER = re.compile(r"^(?P<title>.{1,300}?)\s*<(?P<target>[^<>]{1,500})>$")
_CELL = re.compile(r"^(?P<marker>\* +- ?|  +- ?)(?P<text>.*)$")
_PATH = re.compile(r"^\S*[./]\S*$")


@dataclass(frozen=True)
class Around:
    """What a directive needs from where it stands: the language of the article, and who lays out what is inside."""

    language: str
    inner: Callable[[list[str]], list[str]]


def parted(body: list[str]) -> tuple[dict[str, str], list[str]]:
    """The options at the beginning of a directive (``:name: value`` lines, or YAML between hyphens), and the rest."""
    options: dict[str, str] = {}
    position = 0
    if body and body[0].strip() == "---" and "---" in (line.strip() for line in body[1:]):
        for position, line in enumerate(body[1:], 1):
            if line.strip() == "---":
                return options, body[position + 1 :]
            name, _colon, value = line.partition(":")
            options[name.strip()] = value.strip().strip("\"'")
    while position < len(body):
        line = body[position]
        if not line.strip() and position + 1 < len(body) and _OPTION.match(body[position + 1]):
            position += 1
            continue
        found = _OPTION.match(line)
        if found is None:
            break
        options.setdefault(found["name"], (found["value"] or "").strip())
        position += 1
    while position < len(body) and not body[position].strip():
        position += 1
    return options, body[position:]


def known(name: str) -> bool:
    """Whether a directive means something here; others become labelled blocks."""
    name = name.lower()
    names = (callout_words.CLASSES, _TRANSPARENT, _SILENT, _CODE, _TITLED, _FORMS)
    return any(name in each for each in names)


def has_words(name: str) -> bool:
    """Whether what stands behind the name of a directive is text for the reader."""
    name = name.lower()
    return name in callout_words.CLASSES or name in _TITLED or name in {"tab-item", "tab", "rubric", "table", "figure"}


def is_code(name: str) -> bool:
    """Whether what stands inside a directive is code."""
    return name.lower() in _CODE or name.lower() in {"literalinclude", "math", "mermaid", "graphviz"}


def form(name: str, argument: str, body: list[str], around: Around) -> list[str]:
    """A directive as lines of Markdown."""
    options, inside = parted(body)
    name = name.lower()
    if name in callout_words.CLASSES:
        return _callout(name, argument, options, inside, around)
    if name in _SILENT:
        return []
    if name in _TRANSPARENT:
        caption = [f"**{argument}**", ""] if name == "table" and argument else []
        return ["", *caption, *around.inner(inside), ""]
    if name in _CODE:
        return fenced(inside, argument if _PATH.match(argument) or argument.isalnum() else "")
    if name in _TITLED:
        return _titled(argument, options, inside, around)
    if name in _FORMS:
        return _FORMS[name](argument, options, inside, around)
    return labelled(name, argument, options, inside)


def admonition(name: str, title: str, body: list[str]) -> list[str]:
    """A callout of this tool."""
    head = f"!!! {name}" + (f' "{title.replace(chr(34), "”")}"' if title else "")
    return ["", head, "", *[f"    {line}" if line.strip() else "" for line in body], ""]


def fenced(lines: list[str], language: str = "") -> list[str]:
    """Lines as a block of code."""
    shown = "\n".join(lines).strip("\n").split("\n")
    longest = max((len(run) for run in re.findall(r"`+", "\n".join(shown))), default=0)
    fence = "`" * max(longest + 1, 3)
    return ["", f"{fence}{language}", *shown, fence, ""]


def labelled(name: str, argument: str, options: Mapping[str, str], inside: list[str]) -> list[str]:
    """A directive whose data is not here: a block with its name that shows what it says."""
    said = [f"{key}: {value}" if value else key for key, value in options.items()]
    shown = [*([argument] if _PATH.match(argument) else []), *said, *([""] if said and inside else []), *inside]
    words = [argument, ""] if argument and not _PATH.match(argument) else []
    return admonition("directive", name, [*words, *(fenced(shown) if any(shown) else [])])


def table(rows: list[list[str]], headings: int, caption: str = "") -> list[str]:
    """Rows of cells as a table; cells may hold Markdown on one line.

    :param headings: how many of the rows stand in its head.
    """
    if not rows:
        return []
    width = max(len(row) for row in rows)
    head = rows[0] if headings else [""] * width
    lines = ["", *([f"**{caption}**", ""] if caption else []), _row(head, width), "|" + " --- |" * width]
    return [*lines, *(_row(row, width) for row in rows[1 if headings else 0 :]), ""]


def _row(cells: list[str], width: int) -> str:
    shown = [" ".join(cell.split()).replace("\\|", "|").replace("|", "\\|") for cell in cells]
    return "| " + " | ".join([*shown, *[""] * (width - len(shown))]) + " |"


def _callout(name: str, argument: str, options: Mapping[str, str], inside: list[str], around: Around) -> list[str]:
    title = callout_words.title(name, around.language)
    if name.startswith(("version", "deprecated")):
        version, _blank, words = argument.partition(" ")
        title, argument = f"{title} {version}".strip(), words
    title = options.get("title") or title
    text = [argument, *inside] if argument else inside
    return admonition(callout_words.CLASSES[name], title, around.inner(text))


def _titled(argument: str, options: Mapping[str, str], inside: list[str], around: Around) -> list[str]:
    named = next((each for each in options.get("class", "").split() if each in callout_words.CLASSES), "note")
    title, target = argument, options.get("link", "")
    if target:
        kind = options.get("link-type", "url")
        if kind == "ref":
            inside = [f"{{ref}}`{title or target} <{target}>`", "", *inside]
        else:
            address = f"{target}.md" if kind == "doc" and not re.search(r"\.\w{1,5}$", target) else target
            inside = [f"[{title or target}](<{address}>)", "", *inside]
            title = ""
    if "img-top" in options:
        inside = [f"![]({options['img-top']})", "", *inside]
    if not title and target:
        return ["", *around.inner(inside), ""]
    kind = callout_words.CLASSES[named]
    return admonition(kind, title or callout_words.title(named, around.language), around.inner(inside))


def _picture(argument: str, options: Mapping[str, str], inside: list[str], around: Around) -> list[str]:
    if not argument:
        return around.inner(inside)
    picture = f"![{options.get('alt', '').replace(']', '')}](<{argument}>)"
    if target := options.get("target", ""):
        picture = f"[{picture}](<{target}>)"
    return ["", picture, "", *around.inner(inside), ""]


def _condition(argument: str, _options: Mapping[str, str], inside: list[str], around: Around) -> list[str]:
    found = _CONDITION.fullmatch(argument.strip())
    is_met = found is None or (around.language == found["code"]) == (found["how"] == "==")
    return ["", *around.inner(inside), ""] if is_met else []


def _only(argument: str, _options: Mapping[str, str], inside: list[str], around: Around) -> list[str]:
    is_for_print = argument.strip() in {"latex", "man", "texinfo", "text", "epub", "xml", "not html", "draft"}
    return [] if is_for_print else ["", *around.inner(inside), ""]


def _raw(argument: str, _options: Mapping[str, str], inside: list[str], _around: Around) -> list[str]:
    return ["", *inside, ""] if argument.strip() in {"html", ""} else []


def _tab(argument: str, _options: Mapping[str, str], inside: list[str], around: Around) -> list[str]:
    return ["", f"**{argument}**", "", *around.inner(inside), ""]


def _rubric(argument: str, _options: Mapping[str, str], _inside: list[str], _around: Around) -> list[str]:
    return ["", f"**{argument}**", ""]


def _quotation(argument: str, _options: Mapping[str, str], inside: list[str], around: Around) -> list[str]:
    lines = around.inner([argument, *inside] if argument else inside)
    return ["", *[f"> {line}".rstrip() for line in lines], ""]


def _contents(_argument: str, options: Mapping[str, str], inside: list[str], around: Around) -> list[str]:
    """A table of contents: its pages as links; nothing where it is hidden, since it orders pages alone."""
    caption = [f"**{options['caption']}**", ""] if options.get("caption") else []
    items = []
    for line in filter(None, map(str.strip, inside)):
        found = _MEMBER.match(line)
        title, target = (found["title"], found["target"]) if found else ("", line)
        if target == "self" or "*" in target:
            continue
        is_far = "://" in target
        address = target if is_far or re.search(r"\.\w{1,5}$", target) else f"{target}.md"
        items.append(f"- [{title}](<{address}>)" if title or not is_far else f"- <{target}>")
    return [] if "hidden" in options or not items else around.inner(["", *caption, *items, ""])


def _rows(argument: str, options: Mapping[str, str], inside: list[str], _around: Around) -> list[str]:
    """A list of lists as a table."""
    rows: list[list[str]] = []
    for line in inside:
        found = _CELL.match(line)
        if found and found["marker"].startswith("*"):
            rows.append([found["text"]])
        elif found and rows:
            rows[-1].append(found["text"])
        elif rows and line.strip():
            rows[-1][-1] += f" {line.strip()}"
    headings = options.get("header-rows", "0")
    return table(rows, int(headings) if headings.isdigit() else 0, argument)


def _formula(argument: str, _options: Mapping[str, str], inside: list[str], _around: Around) -> list[str]:
    return fenced([argument, *inside] if argument else inside)


def _drawing(argument: str, _options: Mapping[str, str], inside: list[str], _around: Around) -> list[str]:
    return fenced([argument, *inside] if argument else inside)


def _button(argument: str, _options: Mapping[str, str], inside: list[str], around: Around) -> list[str]:
    words = " ".join(filter(None, map(str.strip, inside))) or argument
    return around.inner(["", f"[{words}](<{argument}>)", ""])


_Form = Callable[[str, Mapping[str, str], list[str], Around], list[str]]
_FORMS: dict[str, _Form] = {
    "image": _picture, "figure": _picture, "ifconfig": _condition, "only": _only, "raw": _raw, "tab-item": _tab,
    "tab": _tab, "rubric": _rubric, "epigraph": _quotation, "pull-quote": _quotation, "highlights": _quotation,
    "blockquote": _quotation, "toctree": _contents, "list-table": _rows, "math": _formula, "mermaid": _drawing,
    "graphviz": _drawing, "button-link": _button, "button-ref": _button,
}  # fmt: skip

"""What other documentation tools write into Markdown, turned into what this one knows.

Callouts of MyST, Sphinx, MkDocs and GitHub become admonitions with titles in the language of the article; directives
become what they mean (`core.directive_forms`), or labelled blocks that show what they say; roles become links or plain
text; labels become anchors.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from core import callout_words
from core.directive_forms import Around, admonition, form, is_code, known
from core.directive_roles import with_roles

MOST_LEVELS = 8
# From here on a line is code in Markdown, unless something holds it.
CODE_INDENT = 4
# So far up is looked for what holds a line.
MOST_LINES_BACK = 300
_OPEN = re.compile(
    r"^(?P<indent> {0,24})(?P<fence>`{3,}|:{3,}|~{3,})\{(?P<name>[\w:.+-]{1,60})\}[ \t]*(?P<argument>.{0,1000})$"
)
_RST = re.compile(r"^(?P<indent> {0,24})\.\. (?P<name>[\w:+-]{1,60})::(?:[ \t]+(?P<argument>.{0,1000}))?$")
_PLAIN_FENCE = re.compile(r"^ {0,24}(`{3,}|~{3,})(?!.*`)")
_CLOSE = re.compile(r"^ {0,24}(?P<fence>`{3,}|:{3,}|~{3,})[ \t]*$")
_GITHUB_CALLOUT = re.compile(r"^ {0,3}> ?\[!(?P<name>NOTE|TIP|IMPORTANT|WARNING|CAUTION)\][ \t]*$", re.IGNORECASE)
_QUOTED_DIRECTIVE = re.compile(r"^ {0,3}> ?(?:(?:`{3,}|:{3,}|~{3,})\{[\w:.+-]{1,60}\}|\.\. [\w:+-]{1,60}::)")
_MKDOCS_CALLOUT = re.compile(
    r"^(?P<indent> {0,24})(?:!!!|\?\?\?\+?) ?(?P<kinds>[\w-]{1,40}(?: +[\w-]{1,40}){0,4})?"
    r"(?: +\"(?P<title>[^\"]{0,500})\")?[ \t]*$"
)
_MKDOCS_TAB = re.compile(r"^(?P<indent> {0,24})===[!+]? \"(?P<title>[^\"]{1,300})\"[ \t]*$")
_LABEL = re.compile(r"^(?:\((?P<name>[\w.:/-]{1,100})\)=|\.\. _(?P<rst>[\w.:/-]{1,100}):)[ \t]*$")
_HEADING = re.compile(r"^(#{1,6}[ \t]+)(.*)$")
_FIELD = re.compile(r"^:(?P<name>[\w][\w -]{0,60}):(?:[ \t]+(?P<value>.*))?$")
_DIV = re.compile(r"^<div\b(?![^>]*\bmarkdown=)[^<>]{0,500}>[ \t]*$")
_DETAILS = re.compile(r"^<details\b(?![^>]*\bmarkdown=)(?P<more>[^<>]{0,500})>(?P<rest>.{0,1000})$", re.IGNORECASE)
# What MyST says of the next block: the names of its styles, and an id.
_ATTRIBUTES = re.compile(r"^\{ ?[.#%][^{}]{0,300}\}[ \t]*$")
_ID = re.compile(r"#([\w.:-]{1,100})")
_MARKER = re.compile(r"^ {0,24}(?:[-*+]|\d{1,9}[.)]|:|\[\^[^\]]{1,100}\]:|!!!|\?\?\?|===|\.\.)(?:[ +!]|$)")
_SPARE_FENCE = re.compile(r"^ {0,24}:{3,}[ \t]*$")
_WITH_MARKDOWN = re.compile(r"<([a-z][a-z0-9]{0,20})\b[^<>]{0,500}\bmarkdown\b")
_FRAME = re.compile(r"<iframe\b([^<>]{0,2000})>(?:\s{0,20}</iframe>)?", re.IGNORECASE)
_FRAME_PART = re.compile(r"\b(src|title)=\"([^\"]{1,1000})\"", re.IGNORECASE)


@dataclass(frozen=True)
class _Page:
    """What holds for a whole source."""

    language: str
    labels: frozenset[str]
    #: Whether it is written for MyST: then some lines mean more than they do in plain Markdown.
    is_myst: bool


@dataclass(frozen=True)
class Directive:
    """A directive as it is written: the lines from ``begin`` (counted from 0) up to ``end``."""

    name: str
    argument: str
    body: list[str]
    begin: int
    end: int
    indent: str


def prepare(source: str, language: str = "en") -> str:
    """The source with callouts, directives, roles and labels in this tool's own forms.

    :param language: of the article: callouts have titles in it.
    """
    lines = source.split("\n")
    labels = frozenset(name for line in lines if (name := label_of(line)))
    is_myst = bool(labels) or any(_OPEN.match(line) for line in lines)
    return _closed("\n".join(_prepared(lines, _Page(language, labels, is_myst), 0)))


def label_of(line: str) -> str:
    """The label that a line sets, "" if it sets none."""
    found = _LABEL.match(line)
    return (found["name"] or found["rst"]) if found else ""


def walk(lines: list[str]) -> Iterator[Directive]:
    """The outer directives of a source in order, those in blocks of code left out."""
    position, fence = 0, ""
    while position < len(lines):
        line = lines[position]
        if fence:
            fence = "" if _ends(line, fence) else fence
        elif directive := _directive_at(lines, position):
            yield directive
            position = directive.end
            continue
        elif plain := _PLAIN_FENCE.match(line):
            fence = plain[1]
        position += 1


def unknown(source: str) -> dict[str, list[int]]:
    """The directives that become labelled blocks, each with its lines (counted from 1)."""
    found: dict[str, list[int]] = {}
    for name, line in _names(source.split("\n"), 1, 0):
        if not known(name):
            found.setdefault(name, []).append(line)
    return found


def _names(lines: list[str], first: int, level: int) -> Iterator[tuple[str, int]]:
    for directive in walk(lines):
        yield directive.name, first + directive.begin
        if level < MOST_LEVELS:
            inside = [line.removeprefix(directive.indent) for line in directive.body]
            yield from _names(inside, first + directive.begin + 1, level + 1)


def without_code(source: str) -> str:
    """The source without its blocks of code."""
    kept = []
    fence = ""
    for line in source.split("\n"):
        if fence:
            if _ends(line, fence):
                fence = ""
        elif found := _PLAIN_FENCE.match(line):
            fence = found[1]
        else:
            kept.append(line)
    return "\n".join(kept)


def by_line(source: str) -> Iterator[tuple[str, bool]]:
    """The lines of a source, each with whether it belongs to a block of code (its fences do)."""
    fence, opened = "", list[str]()
    for line in source.split("\n"):
        if fence:
            yield line, True
            fence = "" if _ends(line, fence) else fence
        elif found := _OPEN.match(line):
            if is_code(found["name"]):
                fence = found["fence"]
            else:
                opened.append(found["fence"])
            yield line, bool(fence)
        elif any(_ends(line, each) for each in opened):
            while not _ends(line, opened.pop()):
                pass
            yield line, False
        elif plain := _PLAIN_FENCE.match(line):
            fence = plain[1]
            yield line, True
        else:
            yield line, False


def _closed(source: str) -> str:
    """The source with its open blocks of HTML closed: Python-Markdown drops what follows two that are not."""
    outside = without_code(source) if "markdown" in source else ""
    ends = [
        f"</{name}>" * (len(re.findall(rf"<{name}\b", outside)) - outside.count(f"</{name}"))
        for name in dict.fromkeys(_WITH_MARKDOWN.findall(outside))
    ]
    return "\n\n".join([source, *filter(None, ends)])


def _ends(line: str, fence: str) -> bool:
    closed = _CLOSE.match(line)
    return closed is not None and closed["fence"].startswith(fence)


def _directive_at(lines: list[str], position: int) -> Directive | None:
    line = lines[position]
    if opened := _OPEN.match(line):
        body, end = _body(lines, position + 1, opened["fence"])
    elif opened := _RST.match(line) if line.lstrip(" ").startswith(".. ") else None:
        body, end = _indented(lines, position + 1, len(opened["indent"]))
    else:
        return None
    if len(opened["indent"]) >= CODE_INDENT and _is_indented_code(lines, position):
        return None
    argument = (opened["argument"] or "").strip()
    return Directive(opened["name"], argument, body, position, end, opened["indent"])


def _quoted(lines: list[str], begin: int) -> tuple[list[str], int]:
    """The lines of a quotation without their signs, and where to go on."""
    end = begin
    while end < len(lines) and lines[end].lstrip(" ").startswith(">"):
        end += 1
    return [line.lstrip(" ").removeprefix(">").removeprefix(" ") for line in lines[begin:end]], end


def _is_indented_code(lines: list[str], position: int) -> bool:
    """Whether a line is code because it stands four or more spaces in: a blank line is above its block, and nothing
    that could hold it (an item of a list, a callout, a footnote) stands further out.
    """
    first = max(position - MOST_LINES_BACK, 0)
    above = position
    while above > first and lines[above - 1].strip() and _indent(lines[above - 1]) >= CODE_INDENT:
        above -= 1
    if above and lines[above - 1].strip():
        return False
    indent = _indent(lines[position])
    while indent:
        above -= 1
        while above >= first and (not lines[above].strip() or _indent(lines[above]) >= indent):
            above -= 1
        if above < first:
            return first == 0
        while above > first and lines[above - 1].strip() and not _MARKER.match(lines[above]):
            above -= 1
        if _MARKER.match(lines[above]):
            return False
        indent = min(indent - 1, _indent(lines[above]))
    return True


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip(" "))


def _body(lines: list[str], begin: int, fence: str) -> tuple[list[str], int]:
    """The lines up to the closing fence, and where to go on."""
    for position in range(begin, len(lines)):
        if _ends(lines[position], fence):
            return lines[begin:position], position + 1
    return lines[begin:], len(lines)


def _indented(lines: list[str], begin: int, indent: int) -> tuple[list[str], int]:
    """The lines that stand further in, without that indentation, and where to go on."""
    end = last = begin
    while end < len(lines) and (not lines[end].strip() or _indent(lines[end]) > indent):
        end += 1
        last = end if lines[end - 1].strip() else last
    body = lines[begin:last]
    depth = min((_indent(line) for line in body if line.strip()), default=0)
    return [" " * indent + line[depth:] for line in body], last


def _prepared(lines: list[str], page: _Page, level: int) -> list[str]:
    out: list[str] = []
    position = 0
    fence = anchor = ""

    def inner(body: list[str]) -> list[str]:
        return _prepared(body, page, level + 1) if level < MOST_LEVELS else body

    around = Around(page.language, inner)
    while position < len(lines):
        line = lines[position]
        position += 1
        if fence:
            out.append(line)
            if _ends(line, fence):
                fence = ""
        elif directive := _directive_at(lines, position - 1):
            position = directive.end
            body = [each.removeprefix(directive.indent) for each in directive.body]
            shaped = form(directive.name, directive.argument, body, around)
            out += [f"{directive.indent}{each}" if each else "" for each in shaped]
        elif callout := _GITHUB_CALLOUT.match(line):
            body, position = _quoted(lines, position)
            name = callout["name"].lower()
            out += admonition(name, callout_words.title(name, page.language), inner(body))
        elif _QUOTED_DIRECTIVE.match(line):
            body, position = _quoted(lines, position - 1)
            out += [f"> {each}".rstrip() for each in inner(body)]
        elif callout := _MKDOCS_CALLOUT.match(line):
            out.append(_mkdocs_callout(callout, page.language))
        elif tab := _MKDOCS_TAB.match(line):
            body, position = _indented(lines, position, len(tab["indent"]))
            inside = inner([each.removeprefix(tab["indent"]) for each in body])
            out += [
                "",
                *(f"{tab['indent']}{each}" if each else "" for each in (f"**{tab['title']}**", "", *inside)),
                "",
            ]
        elif plain := _PLAIN_FENCE.match(line):
            fence = plain[1]
            out.append(line)
        elif label := label_of(line):
            anchor += f'<a id="{label}"></a>'
        elif anchor and (heading := _HEADING.match(line)):
            # An anchor of its own would be an empty paragraph.
            out.append(f"{heading[1]}{anchor}{with_roles(heading[2], page.labels)}")
            anchor = ""
        elif anchor and line.strip():
            out += [anchor, "", line]
            anchor = ""
        elif _DIV.match(line) and position < len(lines) and not lines[position].strip():
            # After a blank line CommonMark reads Markdown inside a block of HTML; Python-Markdown wants to be told.
            out.append(line.rstrip()[:-1] + ' markdown="1">')
        elif details := _DETAILS.match(line):
            out += [f'<details{details["more"]} markdown="1">', *filter(None, [details["rest"]])]
        elif page.is_myst and (line.startswith(("% ", "+++ ")) or line.rstrip() in {"%", "+++"}):
            # A remark for writers, or the border of a cell.
            continue
        elif page.is_myst and _SPARE_FENCE.match(line):
            if _indent(line) >= CODE_INDENT and _is_indented_code(lines, position - 1):
                out.append(line)
        elif page.is_myst and _ATTRIBUTES.match(line):
            anchor += "".join(f'<a id="{name}"></a>' for name in _ID.findall(line))
        elif page.is_myst and (field := _FIELD.match(line)):
            if field["value"]:
                out += ["", field["name"], f":   {with_roles(field['value'], page.labels)}"]
        else:
            if line.endswith("\\") and not line.endswith("\\\\"):
                line = f"{line[:-1]}  "
            out.append(_FRAME.sub(_frame, with_roles(line, page.labels)))
    return [*out, anchor] if anchor else out


def _mkdocs_callout(found: re.Match[str], language: str) -> str:
    """The head of a callout; what is inside follows as it is."""
    name = (found["kinds"] or "note").split()[0].lower()
    title = callout_words.title(name, language) if found["title"] is None else found["title"]
    return f'{found["indent"]}!!! {callout_words.CLASSES.get(name, name)} "{title}"'


def _frame(found: re.Match[str]) -> str:
    """A page of another site inside this one: a link to it."""
    parts = {name.lower(): value for name, value in _FRAME_PART.findall(found[1])}
    if "src" not in parts:
        return ""
    return f'<a href="{parts["src"]}">{parts.get("title", parts["src"])}</a>'

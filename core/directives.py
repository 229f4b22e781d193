"""What other documentation tools write into Markdown, turned into what this one knows.

Callouts of MyST, Sphinx and GitHub become admonitions; every other directive becomes a labelled block that shows what
it says, because its data is not here; roles become links or plain text; labels become anchors.
"""

import re
from collections.abc import Callable

CALLOUTS = frozenset(
    {"note", "tip", "hint", "warning", "danger", "important", "caution", "attention", "error", "seealso", "admonition"}
)
MOST_LEVELS = 8
_Inner = Callable[[list[str]], list[str]]
_OPEN = re.compile(
    r"^(?P<indent> {0,24})(?P<fence>`{3,}|:{3,}|~{3,})\{(?P<name>[\w:.-]{1,60})\}[ \t]*(?P<argument>.{0,1000})$"
)
_PLAIN_FENCE = re.compile(r"^ {0,24}(`{3,}|~{3,})(?!.*`)")
_CLOSE = re.compile(r"^ {0,24}(?P<fence>`{3,}|:{3,}|~{3,})[ \t]*$")
_OPTION = re.compile(r"^\s*:[\w-]{1,60}:.*$")
_GITHUB_CALLOUT = re.compile(r"^> ?\[!(?P<name>NOTE|TIP|IMPORTANT|WARNING|CAUTION)\][ \t]*$", re.IGNORECASE)
_LABEL = re.compile(r"^\((?P<name>[\w.:-]{1,100})\)=[ \t]*$")
_HEADING = re.compile(r"^(#{1,6}[ \t]+)(.*)$")
_DIV = re.compile(r"^<div\b(?![^>]*\bmarkdown=)[^<>]{0,500}>[ \t]*$")
_WITH_MARKDOWN = re.compile(r"<([a-z][a-z0-9]{0,20})\b[^<>]{0,500}\bmarkdown\b")
_ROLE = re.compile(r"\{(?P<role>[\w:-]{1,40})\}`(?P<text>[^`\n]{1,500})`")
_ROLE_TARGET = re.compile(r"^(?P<label>[^<]{0,300}?)\s*<(?P<target>[^<>]{1,500})>$")
_WITH_ENDING = re.compile(r"\.\w{1,5}$")


def prepare(source: str) -> str:
    """The source with callouts, directives, roles and labels in this tool's own forms."""
    lines = source.split("\n")
    labels = frozenset(found["name"] for line in lines if (found := _LABEL.match(line)))
    return _closed("\n".join(_prepared(lines, labels, 0)))


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


def _prepared(lines: list[str], labels: frozenset[str], level: int) -> list[str]:
    out: list[str] = []
    position = 0
    fence = anchor = ""

    def inner(body: list[str]) -> list[str]:
        return _prepared(body, labels, level + 1) if level < MOST_LEVELS else body

    while position < len(lines):
        line = lines[position]
        position += 1
        if fence:
            out.append(line)
            if _ends(line, fence):
                fence = ""
        elif opened := _OPEN.match(line):
            body, position = _body(lines, position, opened["fence"])
            out += _directive(opened["name"], opened["argument"].strip(), body, opened["indent"], inner)
        elif callout := _GITHUB_CALLOUT.match(line):
            body = []
            while position < len(lines) and lines[position].startswith(">"):
                body.append(lines[position].removeprefix(">").removeprefix(" "))
                position += 1
            out += _admonition(callout["name"].lower(), "", inner(body), "")
        elif plain := _PLAIN_FENCE.match(line):
            fence = plain[1]
            out.append(line)
        elif label := _LABEL.match(line):
            anchor += f'<a id="{label["name"]}"></a>'
        elif anchor and (heading := _HEADING.match(line)):
            # An anchor of its own would be an empty paragraph.
            out.append(f"{heading[1]}{anchor}{_with_roles(heading[2], labels)}")
            anchor = ""
        elif anchor and line.strip():
            out += [anchor, "", line]
            anchor = ""
        elif _DIV.match(line) and position < len(lines) and not lines[position].strip():
            # After a blank line CommonMark reads Markdown inside a block of HTML; Python-Markdown wants to be told.
            out.append(line.rstrip()[:-1] + ' markdown="1">')
        else:
            if line.endswith("\\") and not line.endswith("\\\\"):
                line = f"{line[:-1]}  "
            out.append(_with_roles(line, labels))
    return [*out, anchor] if anchor else out


def _body(lines: list[str], begin: int, fence: str) -> tuple[list[str], int]:
    """The lines up to the closing fence, and where to go on."""
    for position in range(begin, len(lines)):
        if _ends(lines[position], fence):
            return lines[begin:position], position + 1
    return lines[begin:], len(lines)


def _directive(name: str, argument: str, body: list[str], indent: str, inner: _Inner) -> list[str]:
    body = [line.removeprefix(indent) for line in body]
    kept = list(body)
    while kept and (_OPTION.match(kept[0]) or (not kept[0].strip() and len(kept) > 1 and _OPTION.match(kept[1]))):
        kept.pop(0)
    if name in CALLOUTS:
        is_titled = name == "admonition"
        text = kept if is_titled or not argument else [argument, *kept]
        kind, title = ("note", argument) if is_titled else (name, "See also" if name == "seealso" else "")
        return _admonition(kind, title, inner(text), indent)
    if name in {"image", "figure"} and argument:
        alt = next((line.partition(":alt:")[2].strip() for line in body if ":alt:" in line), "")
        return ["", f"{indent}![{alt.replace(']', '')}]({argument})", "", *[f"{indent}{line}" for line in kept], ""]
    shown = "\n".join(kept if name in {"code-block", "code"} else [argument, *body]).strip("\n").split("\n")
    longest = max((len(run) for run in re.findall(r"`+", "\n".join(shown))), default=0)
    fence = "`" * max(longest + 1, 3)
    if name in {"code-block", "code"}:
        return [f"{indent}{line}" for line in (f"{fence}{argument}", *shown, fence)]
    return _admonition("directive", name, [fence, *shown, fence], indent)


def _admonition(name: str, title: str, body: list[str], indent: str) -> list[str]:
    head = f"{indent}!!! {name}" + (f' "{title.replace(chr(34), "”")}"' if title else "")
    return ["", head, "", *[f"{indent}    {line}" if line.strip() else "" for line in body], ""]


def _with_roles(line: str, labels: frozenset[str]) -> str:
    return _ROLE.sub(lambda match: _role(match["role"], match["text"], labels), line) if "{" in line else line


def _role(role: str, text: str, labels: frozenset[str]) -> str:
    named = _ROLE_TARGET.match(text)
    label, target = (named["label"], named["target"]) if named else ("", text)
    if role == "ref":
        # Labels of other pages are not known here.
        return f"[{label or target}](#{target})" if target in labels else (label or target)
    if role in {"doc", "download"}:
        address = target if role == "download" or _WITH_ENDING.search(target) else f"{target}.md"
        return f"[{label or re.sub(r'^[./]+', '', target)}](<{address}>)"
    return f"`{text}`" if role in {"code", "file", "literal"} or role.startswith("py") else (label or text)

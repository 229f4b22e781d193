"""What other documentation tools write into Markdown, turned into what this one knows.

Callouts of MyST and Sphinx become admonitions; every other directive becomes a labelled block that shows what it says,
because its data is not here; roles become links or plain text; labels become anchors.
"""

import re

CALLOUTS = {
    "note",
    "tip",
    "hint",
    "warning",
    "danger",
    "important",
    "caution",
    "attention",
    "error",
    "seealso",
    "admonition",
}
_OPEN = re.compile(
    r"^(?P<indent> {0,12})(?P<fence>`{3,}|:{3,}|~{3,})\{(?P<name>[\w:.-]{1,60})\}[ \t]*(?P<argument>.{0,1000})$"
)
_CLOSE = re.compile(r"^ {0,12}(?P<fence>`{3,}|:{3,}|~{3,})[ \t]*$")
_OPTION = re.compile(r"^\s*:[\w-]{1,60}:.*$")
_GITHUB_CALLOUT = re.compile(r"^> ?\[!(?P<name>NOTE|TIP|IMPORTANT|WARNING|CAUTION)\][ \t]*$", re.IGNORECASE)
_LABEL = re.compile(r"^\((?P<name>[\w.:-]{1,100})\)=[ \t]*$")
_DIV = re.compile(r"^<div\b(?![^>]*\bmarkdown=)[^<>]{0,500}>[ \t]*$")
_ROLE = re.compile(r"\{(?P<role>[\w:-]{1,40})\}`(?P<text>[^`\n]{1,500})`")
_ROLE_TARGET = re.compile(r"^(?P<label>[^<]{0,300}?)\s*<(?P<target>[^<>]{1,500})>$")


def prepare(source: str) -> str:
    """The source with callouts, directives, roles and labels in this tool's own forms."""
    lines = source.split("\n")
    out: list[str] = []
    position = 0
    fence = ""
    while position < len(lines):
        line = lines[position]
        if fence:
            out.append(line)
            if _CLOSE.match(line) and line.strip().startswith(fence) and len(line.strip()) >= len(fence):
                fence = ""
            position += 1
            continue
        opened = _OPEN.match(line)
        if opened:
            body, position = _body(lines, position + 1, opened["fence"])
            out += _directive(opened["name"], opened["argument"].strip(), body, opened["indent"])
            continue
        callout = _GITHUB_CALLOUT.match(line)
        if callout:
            position += 1
            body = []
            while position < len(lines) and lines[position].startswith(">"):
                body.append(lines[position].removeprefix(">").removeprefix(" "))
                position += 1
            out += _admonition(callout["name"].lower(), "", body, "")
            continue
        plain = re.match(r"^ {0,12}(`{3,}|~{3,})", line)
        if plain:
            fence = plain[1]
            out.append(line)
        elif label := _LABEL.match(line):
            out += [f'<a id="h-{label["name"]}"></a>', ""]
        elif _DIV.match(line) and position + 1 < len(lines) and not lines[position + 1].strip():
            # After a blank line CommonMark reads Markdown inside a block of HTML; Python-Markdown wants to be told.
            out.append(line.rstrip()[:-1] + ' markdown="1">')
        else:
            if line.endswith("\\") and not line.endswith("\\\\"):
                line = f"{line[:-1]}  "
            out.append(_ROLE.sub(_role, line))
        position += 1
    return "\n".join(out)


def _body(lines: list[str], begin: int, fence: str) -> tuple[list[str], int]:
    """The lines up to the closing fence, and where to go on."""
    for position in range(begin, len(lines)):
        closed = _CLOSE.match(lines[position])
        if closed and closed["fence"][0] == fence[0] and len(closed["fence"]) >= len(fence):
            return lines[begin:position], position + 1
    return lines[begin:], len(lines)


def _directive(name: str, argument: str, body: list[str], indent: str) -> list[str]:
    kept = list(body)
    while kept and (_OPTION.match(kept[0]) or (not kept[0].strip() and len(kept) > 1 and _OPTION.match(kept[1]))):
        kept.pop(0)
    if name in CALLOUTS:
        title = argument if name == "admonition" else ""
        text = kept if name == "admonition" or not argument else [argument, *kept]
        return _admonition(
            "note" if name == "admonition" else name, title, prepare("\n".join(text)).split("\n"), indent
        )
    if name in {"image", "figure"} and argument:
        alt = next((line.partition(":alt:")[2].strip() for line in body if ":alt:" in line), "")
        return ["", f"{indent}![{alt}]({argument})", "", *kept, ""]
    if name in {"code-block", "code"}:
        return [f"{indent}```{argument}", *kept, f"{indent}```"]
    shown = "\n".join([argument, *body]).strip("\n")
    escaped = shown.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    block = f'<div class="directive"><p class="directive-name">{name}</p><pre><code>{escaped}\n</code></pre></div>'
    # A blank line would end the block of HTML.
    return ["", re.sub(r"\n[ \t]*(?=\n)", "\n&#8203;", block), ""]


def _admonition(name: str, title: str, body: list[str], indent: str) -> list[str]:
    head = f"{indent}!!! {name}" + (f' "{title.replace(chr(34), "”")}"' if title else "")
    return ["", head, "", *[f"{indent}    {line}" if line.strip() else "" for line in body], ""]


def _role(match: re.Match[str]) -> str:
    role, text = match["role"], match["text"]
    named = _ROLE_TARGET.match(text)
    label, target = (named["label"], named["target"]) if named else ("", text)
    if role in {"doc", "ref", "download"}:
        address = (
            f"#{target}"
            if role == "ref"
            else (target if "." in target.rpartition("/")[2] or role == "download" else f"{target}.md")
        )
        return f"[{label or target.lstrip('/')}]({address})"
    return f"`{text}`" if role in {"code", "py", "file", "literal"} else (label or text)

"""Roles of MyST and Sphinx inside a line: links, or what they say."""

import html
import re

# Longer lines are data.
MOST_LINE = 20_000
_CODE_OR_ROLE = re.compile(
    r"(?P<span>(?P<ticks>`+)(?!`).{0,5000}?(?<!`)(?P=ticks)(?!`))"
    r"|\{(?P<role>[\w:+.-]{1,60})\}`(?P<text>[^`\n]{1,500})`"
    r"|(?<![\w:`]):(?P<rst>ref|doc|term|download|numref|file|guilabel|menuselection|command|option|code|abbr):"
    r"`(?P<rst_text>[^`\n]{1,500})`(?!`)"
)
_TARGET = re.compile(r"^(?P<label>[^<]{0,300}?)\s*<(?P<target>[^<>]{1,500})>$")
_WITH_ENDING = re.compile(r"\.\w{1,5}$")
_EXPLAINED = re.compile(r"^(?P<short>.{1,100}?)\s*\((?P<long>.{1,400})\)$")
_AS_CODE = frozenset(
    {
        *("code", "file", "literal", "kbd", "samp", "command", "program", "option", "envvar", "math", "mimetype"),
        "regexp",
    }
)
_ICONS = frozenset({"octicon", "fas", "fab", "far", "material-regular", "material-outlined", "material-round"})


def with_roles(line: str, labels: frozenset[str]) -> str:
    """The line with its roles as links or plain text; code stays as it is.

    :param labels: that the same source sets.
    """
    if "`" not in line or ("{" not in line and ":`" not in line) or len(line) > MOST_LINE:
        return line
    return _CODE_OR_ROLE.sub(lambda found: _replaced(found, labels), line)


def _replaced(found: re.Match[str], labels: frozenset[str]) -> str:
    if found["span"]:
        return found[0]
    return _role(found["role"] or found["rst"], found["text"] or found["rst_text"], labels)


def _role(role: str, text: str, labels: frozenset[str]) -> str:
    named = _TARGET.match(text)
    label, target = (named["label"], named["target"]) if named else ("", text)
    if role in {"ref", "numref", "any"}:
        # Labels of other pages are put in before, where they are known.
        return f"[{label or target}](#{target})" if target in labels else (label or target)
    if role in {"doc", "download"}:
        address = target if role == "download" or _WITH_ENDING.search(target) else f"{target}.md"
        return f"[{label or re.sub(r'^[./]+', '', target)}](<{address}>)"
    if role == "rfc" and target.partition("#")[0].isdigit():
        return f"[{label or f'RFC {target}'}](https://www.rfc-editor.org/rfc/rfc{target})"
    if role in {"sub", "sup", "subscript", "superscript"}:
        return f"<{role[:3]}>{html.escape(text)}</{role[:3]}>"
    if role == "abbr" and (explained := _EXPLAINED.match(text)):
        return f'<abbr title="{html.escape(explained["long"])}">{html.escape(explained["short"])}</abbr>'
    if role in _ICONS:
        return ""
    return f"`{text}`" if role in _AS_CODE or role.startswith("py") else (label or text)

"""Attacks on what renders text, from ``fixtures/xss.txt``, and everything of ours that renders text."""

import re
from pathlib import Path

from core.markdown import render_article, render_message, render_plain
from core.sanitise import clean

_FILE = Path(__file__).parent / "fixtures" / "xss.txt"
_ESCAPE = re.compile(r"\\(?:(n)|(t)|x([0-9a-f]{2})|u([0-9a-f]{4}))")

RENDERERS = {
    "article": lambda text: render_article(text).html,
    "message": render_message,
    "plain": render_plain,
    "clean article": lambda text: clean(text, kind="article"),
    "clean message": lambda text: clean(text, kind="message"),
    "clean mail": lambda text: clean(text, kind="mail", cids={"logo": "/kb/files/logo/logo.png"}),
}


def payloads() -> list[str]:
    lines = _FILE.read_text(encoding="utf-8").split("\n")
    return [_ESCAPE.sub(_character, line) for line in lines if line and not line.startswith(";;")]


def _character(match: re.Match) -> str:
    if match[1]:
        return "\n"
    return "\t" if match[2] else chr(int(match[3] or match[4], 16))

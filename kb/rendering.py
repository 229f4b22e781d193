"""The text of an article, laid out: once when it is written, never when it is read."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from core.markdown import targets
from core.markdown_child import render_article_limited
from kb import includes
from kb.links import Places
from kb.pages import without_title

# Less than a write waits for another one: whoever saves an article may hold the write lock meanwhile.
SECONDS = 4.0

_HEADING = re.compile(r"(</?h)([1-6])\b")
# A heading cell with nothing in it heads nothing (the corner of a table).
_EMPTY_HEAD = re.compile(r"<th((?:\s+(?!scope)\w+=\"[^\"<>]*\")*)(?:\s+scope=\"\w*\")?>\s*</th>")


@dataclass(frozen=True)
class LaidOut:
    """``html`` is safe; ``contents`` are the headings; ``links`` what each relative link leads to.

    ``is_plain`` says that the text was too complicated to be laid out, and stands as it was written.
    """

    html: str
    text: str
    contents: list[dict[str, Any]]
    links: dict[str, str]
    is_plain: bool


def whole(
    body: str, path: str, places: Places, *, visibility: str, others: Mapping[str, Any] | None = None
) -> tuple[str, dict[str, str]]:
    """The text of an article with what it brings in, and what its relative links lead to.

    :param visibility: of the article: what fewer people may read is not brought in.
    :param others: fields of its front matter that are not ours.
    """
    found = includes.whole(body, path, places, visibility=visibility, words=includes.words_of(others or {}))
    return found.text, {**resolved(found.text, path, places), **found.links}


def resolved(body: str, path: str, places: Places) -> dict[str, str]:
    """What the relative links of a body lead to, from the place of its article."""
    return places.resolve_all(targets(body), path)


def lay_out(body: str, title: str, links: dict[str, str], language: str = "en") -> LaidOut:
    """Lay a text out, in a child process with a limit on time.

    :param title: stands above the article already; a first heading that repeats it is left out.
    :param links: as `resolved` gives them.
    :param language: of the article: callouts have titles in it.
    """
    rendered = render_article_limited(without_title(body, title), links, SECONDS, language)
    html, shift = _EMPTY_HEAD.sub(r"<td\1></td>", rendered.html), 0
    if "<h1" in html:
        # The page has its one first heading already.
        html, shift = _HEADING.sub(lambda match: f"{match[1]}{min(int(match[2]) + 1, 6)}", html), 1
    contents = [
        {"level": min(heading.level + shift, 6), "id": heading.id, "title": heading.title}
        for heading in rendered.contents
    ]
    return LaidOut(html, rendered.text, contents, links, is_plain=bool(rendered.problem))

"""The text of an article, laid out: once when it is written, never when it is read."""

import re
from dataclasses import dataclass
from typing import Any

from core.markdown import targets
from core.markdown_child import render_article_limited
from kb.links import Places
from kb.pages import without_title

# Less than a write waits for another one: whoever saves an article may hold the write lock meanwhile.
SECONDS = 4.0

_HEADING = re.compile(r"(</?h)([1-6])\b")


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


def resolved(body: str, path: str, places: Places) -> dict[str, str]:
    """What the relative links of a body lead to, from the place of its article."""
    return places.resolve_all(targets(body), path)


def lay_out(body: str, title: str, links: dict[str, str]) -> LaidOut:
    """Lay a text out, in a child process with a limit on time.

    :param title: stands above the article already; a first heading that repeats it is left out.
    :param links: as `resolved` gives them.
    """
    rendered = render_article_limited(without_title(body, title), links, SECONDS)
    html, shift = rendered.html, 0
    if "<h1" in html:
        # The page has its one first heading already.
        html, shift = _HEADING.sub(lambda match: f"{match[1]}{min(int(match[2]) + 1, 6)}", html), 1
    contents = [
        {"level": min(heading.level + shift, 6), "id": heading.id, "title": heading.title}
        for heading in rendered.contents
    ]
    return LaidOut(html, rendered.text, contents, links, is_plain=bool(rendered.problem))

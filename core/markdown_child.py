"""``render_article`` in a child process that can be killed: 4,000 brackets take Python-Markdown twelve seconds.

Run as ``python -m core.markdown_child`` it is that child. It imports the renderer alone; what passes between the two
is JSON, never pickles.
"""

import json
from dataclasses import asdict

from core.child import Broken, Child, TooSlow, serve
from core.markdown import TOO_COMPLICATED, UNREADABLE, Heading, Rendered, as_written, render_article

SECONDS = 5.0

_child = Child("core.markdown_child")


def render_article_limited(
    source: str, resolve_map: dict[str, str] | None = None, seconds: float = SECONDS, language: str = "en"
) -> Rendered:
    """Render an article within a time limit; never fails.

    A text that takes longer, or that the renderer cannot read, is shown as it was written, with a `problem`.

    :param resolve_map: address for each target of the source (`core.markdown.targets`), "" for one that leads nowhere;
        others stay as they are.
    :param language: of the article: callouts have titles in it.
    """
    request = json.dumps({"source": source, "resolve_map": resolve_map or {}, "language": language}).encode()
    try:
        answer = json.loads(_child.ask(request, seconds))
    except TooSlow:
        return as_written(source, TOO_COMPLICATED)
    except Broken:
        return as_written(source, UNREADABLE)
    if answer is None:
        return as_written(source, UNREADABLE)
    answer["contents"] = tuple(Heading(**heading) for heading in answer["contents"])
    answer["links"] = tuple(answer["links"])
    return Rendered(**answer)


def _answer(request: bytes) -> bytes:
    asked = json.loads(request)
    known: dict[str, str] = asked["resolve_map"]
    try:
        rendered = render_article(
            asked["source"], resolve=lambda target: known.get(target, target), language=asked["language"]
        )
    except Exception:  # noqa: BLE001 # Whatever the fault of the renderer, the parent shows the text as it was written.
        return b"null"
    return json.dumps(asdict(rendered)).encode()


def _warm_up() -> None:
    """Load what the first article would wait for."""
    render_article("# Title\n\n- item\n\n```json\n{}\n```\n\n| a | b |\n| --- | --- |\n| 1 | 2 |\n")


if __name__ == "__main__":
    _warm_up()
    serve(_answer)

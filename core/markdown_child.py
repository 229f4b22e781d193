"""Rendering of articles in a child process that can be stopped: 4,000 brackets take Python-Markdown twelve seconds.

The child is kept for the next article and started anew after it was stopped. It imports the renderer alone.
"""

import html as html_module
import multiprocessing
import os
import threading
from multiprocessing.connection import Connection

from core.markdown import Rendered, render_article

SECONDS = 5.0
TOO_SLOW = "The text is too complicated to be laid out, and is shown as it was written."


class _Child:
    """One child process of this process, started when it is first needed."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.owner = 0
        self.process: multiprocessing.process.BaseProcess | None = None
        self.pipe: Connection | None = None

    def ask(self, source: str, resolve_map: dict[str, str], seconds: float) -> Rendered | None:
        """Have an article rendered; None if it took too long or broke the child."""
        with self.lock:
            # After a fork the child belongs to the other process.
            if self.owner != os.getpid() or self.process is None or not self.process.is_alive():
                self._start()
            assert self.pipe is not None
            try:
                self.pipe.send((source, resolve_map))
                if self.pipe.poll(seconds):
                    answer = self.pipe.recv()
                    return answer if isinstance(answer, Rendered) else None
            except (EOFError, OSError):
                pass
            self._stop()
            return None

    def _start(self) -> None:
        context = multiprocessing.get_context("spawn" if threading.active_count() > 1 else "fork")
        here, there = context.Pipe()
        process = context.Process(target=_serve, args=(there,), daemon=True, name="markdown")
        process.start()
        there.close()
        self.owner, self.process, self.pipe = os.getpid(), process, here

    def _stop(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.join(1)
        if self.pipe is not None:
            self.pipe.close()
        self.process = self.pipe = None


_child = _Child()


def render_article_limited(
    source: str, resolve_map: dict[str, str] | None = None, seconds: float = SECONDS
) -> Rendered:
    """Render an article within a time limit; a text that takes longer is shown as it was written, with a `problem`.

    :param resolve_map: address for each target of the source (`core.markdown.targets`); others stay as they are.
    """
    rendered = _child.ask(source, resolve_map or {}, seconds)
    if rendered is not None:
        return rendered
    return Rendered(html=f"<pre>{html_module.escape(source)}</pre>", text=source, problem=TOO_SLOW)


def _serve(pipe: Connection) -> None:
    while True:
        try:
            source, resolve_map = pipe.recv()
        except (EOFError, OSError):
            return
        try:
            pipe.send(render_article(source, resolve=lambda target, known=resolve_map: known.get(target, target)))
        except (ValueError, RecursionError, AttributeError, IndexError, TypeError, KeyError) as error:
            pipe.send(str(error))

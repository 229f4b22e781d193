"""Articles are laid out in a child that can be killed, and that does not outlive who started it."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import psutil
import pytest

from core.child import Broken, Child
from core.markdown import TOO_COMPLICATED, UNREADABLE, render_article
from core.markdown_child import _child, render_article_limited

ROOT = Path(__file__).parents[2]
# Python-Markdown takes twelve seconds for these.
ENDLESS = "[" * 4_000


def ends_within(process, seconds):
    """Whether a process is gone, or dead and not yet buried, in time."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            if process.status() == psutil.STATUS_ZOMBIE:
                return True
        except psutil.NoSuchProcess:
            return True
        time.sleep(0.05)
    return False


def test_the_child_answers_as_the_renderer_does():
    source = "# Título\n\n[a](b.md) ![c](d.png)\n\n- [ ] e\n\n```json\n{}\n```"
    links = {"b.md": "/kb/es/b", "d.png": "/kb/files/1/d.png"}
    assert render_article_limited(source, links) == render_article(source, resolve=links.__getitem__)


def test_a_target_that_is_not_in_the_map_stays_as_it_is():
    assert 'href="b.md"' in render_article_limited("[a](b.md)").html


def test_a_text_that_takes_too_long_is_shown_as_it_was_written():
    begin = time.monotonic()
    rendered = render_article_limited(f"<b>{ENDLESS}", seconds=0.7)
    assert time.monotonic() - begin < 5
    assert rendered.problem == TOO_COMPLICATED
    assert rendered.html == f"<pre>&lt;b&gt;{ENDLESS}</pre>"
    assert rendered.text == f"<b>{ENDLESS}"


def test_after_a_text_that_took_too_long_the_next_is_laid_out():
    render_article_limited(ENDLESS, seconds=0.3)
    assert render_article_limited("**x**").html == "<p><strong>x</strong></p>"


def test_a_text_that_the_renderer_fails_on_is_shown_as_it_was_written():
    # Callouts in each other, deeper than Python can go.
    nested = "\n".join("    " * level + "!!! note" for level in range(400))
    render_article_limited("x")
    before = _child.process.pid
    rendered = render_article_limited(nested, seconds=20)
    assert _child.process.pid == before
    assert rendered.problem == UNREADABLE
    assert rendered.html.startswith("<pre>!!! note\n    !!! note\n")


def test_a_child_that_died_at_rest_is_started_anew():
    # At once it is not known to be dead, later it is.
    for pause in (0, 0, 0, 0.1):
        render_article_limited("x")
        os.kill(_child.process.pid, signal.SIGKILL)
        time.sleep(pause)
        assert render_article_limited("**x**").html == "<p><strong>x</strong></p>"


def test_many_threads_get_each_their_own_answer():
    answers = {}

    def ask(number):
        answers[number] = render_article_limited(f"# {number}\n\n" + "*x* " * 200).contents[0].title

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == {number: str(number) for number in range(12)}


def test_a_forked_process_has_a_child_of_its_own():
    script = """
import os
from core.markdown_child import _child, render_article_limited
render_article_limited("x")
first = _child.process.pid
# As if another thread were at work, which does not exist in the forked process.
_child.lock.acquire()
forked = os.fork()
if not forked:
    own = render_article_limited("**y**").html == "<p><strong>y</strong></p>" and _child.process.pid != first
    _child.stop()
    os._exit(0 if own else 1)
_child.lock.release()
_, status = os.waitpid(forked, 0)
again = render_article_limited("**z**").html == "<p><strong>z</strong></p>" and _child.process.pid == first
print(os.waitstatus_to_exitcode(status), again)
"""
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout.split() == ["0", "True"]


def killed_parent(source, seconds):
    """A child whose parent was killed while it laid out a text, or after."""
    script = """
import json, sys, threading, time
from core.markdown_child import _child, render_article_limited
source, seconds = json.loads(sys.argv[1])
render_article_limited("x")
print(_child.process.pid, flush=True)
render_article_limited(source, seconds=seconds)
time.sleep(60)
"""
    parent = subprocess.Popen(
        [sys.executable, "-c", script, json.dumps([source, seconds])], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    child = psutil.Process(int(parent.stdout.readline()))
    time.sleep(0.3)
    os.kill(parent.pid, signal.SIGKILL)
    parent.wait()
    parent.stdout.close()
    return child


def test_the_child_ends_with_its_parent_at_rest():
    assert ends_within(killed_parent("x", 5), 3)


def test_the_child_ends_with_its_parent_at_work():
    child = killed_parent(ENDLESS, 1.0)
    assert child.is_running()
    # The second that it may take, and the second of grace.
    assert ends_within(child, 4)


def test_the_child_knows_neither_the_application_nor_its_secrets(monkeypatch):
    monkeypatch.setenv("SECRET_KEY", "not-for-children")
    _child.stop()
    render_article_limited("x")
    assert "SECRET_KEY" not in psutil.Process(_child.process.pid).environ()
    loaded = subprocess.run(
        [sys.executable, "-c", "import core.markdown_child, sys; print([name for name in sys.modules if name.startswith(('flask', 'sqlalchemy', 'accounts'))])"],
        cwd=ROOT, capture_output=True, text=True, check=True, timeout=60,
    )  # fmt: skip
    assert loaded.stdout.strip() == "[]"


def test_a_child_that_cannot_start_is_broken():
    child = Child("core.no_such_module")
    with pytest.raises(Broken):
        child.ask(b"x", 5)
    assert child.process is None

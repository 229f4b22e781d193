"""The child that reads mail: same answers, killed when it is slow, started again."""

import os
import signal
import threading
from pathlib import Path

import pytest

from core import mime_child
from core.mime import Unparsable, parse
from core.mime_child import parse_in_child

FIXTURES = sorted((Path(__file__).parent.parent / "fixtures" / "mail").glob("*.eml"))
MAIL = b"From: Amara <amara@example.org>\nSubject: x\nDate: Mon, 03 Jun 2024 10:15:00 +0000\n\nhi\n"


def answer(read, raw):
    try:
        return read(raw)
    except Unparsable as refusal:
        return refusal.reason


def child_of_now():
    parse_in_child(MAIL)
    return mime_child._child[1]


def test_the_child_answers_as_the_function_does():
    for path in FIXTURES:
        raw = path.read_bytes()
        assert answer(parse_in_child, raw) == answer(parse, raw)


def test_one_child_serves_many_mails():
    assert child_of_now().pid == child_of_now().pid


def test_a_child_that_hangs_is_killed_and_the_next_mail_is_read():
    child = child_of_now()
    child.send_signal(signal.SIGSTOP)
    with pytest.raises(Unparsable, match="too long"):
        parse_in_child(MAIL, seconds=0.2)
    assert child.poll() is not None
    assert parse_in_child(MAIL).text == "hi"


def test_a_large_mail_to_a_child_that_hangs_does_not_block_the_parent():
    child_of_now().send_signal(signal.SIGSTOP)
    with pytest.raises(Unparsable, match="too long"):
        parse_in_child(MAIL + b"x" * 5_000_000, seconds=0.2)


def test_a_child_that_died_at_rest_costs_no_mail():
    child = child_of_now()
    child.kill()
    child.wait()
    assert parse_in_child(MAIL).text == "hi"


def test_a_mail_on_which_every_child_dies_is_unparsable(monkeypatch):
    mime_child._stop()
    monkeypatch.setattr(mime_child.sys, "executable", "/bin/false")
    with pytest.raises(Unparsable, match="broke down"):
        parse_in_child(MAIL)
    monkeypatch.undo()
    assert parse_in_child(MAIL).text == "hi"


def test_the_child_knows_no_secret_of_its_parent(monkeypatch):
    mime_child._stop()
    monkeypatch.setenv("SECRET_KEY", "canary-of-the-environment")
    environment = Path(f"/proc/{child_of_now().pid}/environ")
    if not environment.exists():
        pytest.skip("no /proc")
    assert b"canary" not in environment.read_bytes()


def test_threads_take_turns():
    subjects = [f"subject {number}" for number in range(20)]
    found = {}

    def read(subject):
        found[subject] = parse_in_child(f"From: a@b.example\nSubject: {subject}\n\nhi".encode()).subject

    threads = [threading.Thread(target=read, args=(subject,)) for subject in subjects]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == {subject: subject for subject in subjects}


def test_a_forked_process_starts_a_child_of_its_own():
    child = child_of_now()
    monkey = (os.getpid() + 1, child)
    mime_child._child = monkey
    try:
        assert parse_in_child(MAIL).text == "hi"
        assert mime_child._child[1].pid != child.pid
    finally:
        child.kill()
        child.wait()

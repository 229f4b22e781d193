"""Whoever waits to write to SQLite gets its turn beside a process that writes without a pause."""

import subprocess
import sys
import threading
import time
from dataclasses import replace

import pytest
from sqlalchemy import text

from core.db import db, give_way, separate_engine
from core.turns import Turns
from tests.conftest import make_settings

# Another process that writes batch after batch, as a worker with many mails does, until its input ends.
HOG = """
import sys, threading, time
from pathlib import Path
import pysqlite3.dbapi2
from core.turns import Turns
path = sys.argv[1]
turns = Turns(Path(path))
over = threading.Event()
threading.Thread(target=lambda: (sys.stdin.read(), over.set()), daemon=True).start()
connection = pysqlite3.dbapi2.connect(path, timeout=30)
connection.isolation_level = None
print("begun", flush=True)
while not over.is_set():
    connection.execute("BEGIN IMMEDIATE")
    time.sleep(0.3)
    connection.execute("COMMIT")
    turns.give_way()
"""


@pytest.fixture
def engine(tmp_path):
    settings = make_settings(tmp_path)
    # A writer that waits this long has met the other one's pauses several times.
    engine = separate_engine(replace(settings, database=replace(settings.database, busy_seconds=1)))
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE kept (number INTEGER)"))
    yield engine
    engine.dispose()


def test_a_writer_gets_its_turn_beside_one_that_never_rests(engine, tmp_path):
    hog = subprocess.Popen(
        [sys.executable, "-c", HOG, str(tmp_path / "helpdesk.db")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert hog.stdout.readline() == "begun\n"
        for number in range(8):
            with engine.begin() as connection:
                connection.execute(text("INSERT INTO kept VALUES (:number)"), {"number": number})
        assert hog.poll() is None, "it wrote all the time"
    finally:
        hog.communicate("", timeout=30)
    with engine.begin() as connection:
        assert connection.scalar(text("SELECT count(*) FROM kept")) == 8


def test_way_is_given_until_nobody_waits(tmp_path):
    turns, others = Turns(tmp_path / "x.db"), Turns(tmp_path / "x.db")
    turns.give_way()
    gone = threading.Event()
    with others.waiting():
        thread = threading.Thread(target=lambda: (turns.give_way(), gone.set()))
        thread.start()
        time.sleep(0.05)
        assert not gone.is_set()
    thread.join(5)
    assert gone.is_set()


def test_nobody_makes_way_for_ever(tmp_path, monkeypatch):
    monkeypatch.setattr("core.turns.MOST", 0.05)
    turns, others = Turns(tmp_path / "x.db"), Turns(tmp_path / "x.db")
    with others.waiting():
        turns.give_way()


def test_giving_way_is_idle_where_writers_do_not_wait_for_each_other(context):
    give_way()
    assert db.session.scalar(text("SELECT 1")) == 1

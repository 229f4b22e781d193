"""The sending worker is killed (SIGKILL) at random moments around the end of DATA: no mail is lost, none doubled silently.

The short form runs with the suite; FAULTS=full kills 200 times on each database.
"""

import collections
import os
import random
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from sqlalchemy import func, select, text, update

from core import mail
from core.db import db, now
from core.jobs import Job
from core.mail import OutgoingMail, Recipient
from tests.faults.smtp_double import SmtpDouble

ROOT = Path(__file__).parents[2]
KILLS = 200 if os.environ.get("FAULTS") == "full" else 12
STAGES = ("mail", "rcpt", "data", "taken", "answered")

pytestmark = pytest.mark.faults


class Workers:
    """Real worker processes, one at a time."""

    def __init__(self, app, port):
        settings = app.extensions["settings"]
        clean = {name: value for name, value in os.environ.items() if not name.startswith(("HELPDESK_", "DATABASE_"))}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.faults.sender"], cwd=ROOT, text=True, bufsize=1, stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
            env={**clean, "DATA_DIR": str(settings.data_dir), "DATABASE_URL": settings.database_url,
                 "SECRET_KEY": app.config["SECRET_KEY"], "HELPDESK_MAIL_HOST": "127.0.0.1",
                 "HELPDESK_MAIL_PORT": str(port), "HELPDESK_MAIL_TLS": "none", "LOG_LEVEL": "ERROR",
                 "HELPDESK_MAIL_PER_ADDRESS_HOUR": "100000", "HELPDESK_MAIL_PER_HOUR": "0"},
        )  # fmt: skip

    def ask(self, line: str) -> str:
        self.process.stdin.write(line + "\n")
        answer = self.process.stdout.readline().strip()
        assert answer, "the workers could not be started"
        return answer

    def close(self):
        self.process.stdin.close()
        self.process.wait(10)


def queue(count: int) -> None:
    for number in range(count):
        to = Recipient(f"p{number % 50}@compras.example", "Paula", "es")
        mail.queue("sign_in_link", to, f"event-{number}", link="https://x.example/l", minutes=30)
    db.session.commit()


def time_passes() -> None:
    """As if the leases of whoever died had ended and every waiting try were due."""
    moment = now().replace(year=2020)
    db.session.execute(update(Job).where(Job.kind == "mail.send").values(lease_until=None, run_at=moment))
    db.session.execute(update(OutgoingMail).values(sending_until=None))
    db.session.commit()


def unsent() -> int:
    db.session.rollback()
    count = db.session.scalar(select(func.count()).where(OutgoingMail.state != "sent"))
    db.session.rollback()
    return count


def test_no_mail_is_lost_and_repeats_are_no_more_than_kills_and_carry_one_message_id(context):
    chance = random.Random(20261123)
    double = SmtpDouble()
    total = KILLS * 3 + 20
    queue(total)
    workers = Workers(context, double.port)
    killed = collections.Counter()
    try:
        while sum(killed.values()) < KILLS and unsent():
            _kill_once(workers, double, chance, killed)
            time_passes()
        kills = sum(killed.values())
        double.on_stage = lambda _stage: None
        last = int(workers.ask("start"))
        deadline = time.monotonic() + 120
        while unsent() and time.monotonic() < deadline:
            time.sleep(0.05)
        os.kill(last, signal.SIGKILL)
        workers.ask(f"reap {last}")
    finally:
        workers.close()
        double.close()
    ids = double.message_ids()
    repeats = len(ids) - len(set(ids))
    expected = set(db.session.scalars(select(OutgoingMail.message_id)))
    print(f"\nmails: {total}, kills: {kills} {dict(killed)}, lost: {len(expected - set(ids))}, sends: {len(ids)}, "
          f"repeats (same Message-ID): {repeats}")  # fmt: skip
    assert kills >= KILLS
    assert set(ids) == expected
    assert repeats <= kills
    by_id = collections.defaultdict(set)
    for (sender, to, raw), each in zip(double.received, ids, strict=True):
        by_id[each].add((sender, to, raw.partition(b"\r\nMIME-Version")[0]))
    assert {len(kinds) for kinds in by_id.values()} == {1}
    assert unsent() == 0
    assert db.session.scalar(select(func.count()).select_from(Job).where(Job.kind == "mail.send")) == 0
    if db.engine.dialect.name == "sqlite":
        assert db.session.scalar(text("PRAGMA integrity_check")) == "ok"
        assert db.session.execute(text("PRAGMA foreign_key_check")).all() == []


def _kill_once(workers, double, chance, killed) -> None:
    """Start a worker, let it send a few mails, and kill it at one moment of the next."""
    stage, skip, delay = chance.choice(STAGES), chance.randrange(4), chance.choice((0, 0, 0.001, 0.004))
    reached, lock, left = threading.Event(), threading.Lock(), [skip]
    pid = []

    def at(now_at):
        if now_at != stage or not pid:
            return
        with lock:
            left[0] -= 1
            if left[0] >= 0 or reached.is_set():
                return
            time.sleep(delay)
            os.kill(pid[0], signal.SIGKILL)
            reached.set()

    double.on_stage = at
    pid.append(int(workers.ask("start")))
    if not reached.wait(15):
        os.kill(pid[0], signal.SIGKILL)
        stage = "elsewhere"
    workers.ask(f"reap {pid[0]}")
    double.on_stage = lambda _stage: None
    killed[stage] += 1

"""Fetcher and worker are killed (SIGKILL) at random moments while mail comes in: no mail is lost, none is doubled.

The short form runs with the suite; FAULTS=full brings 2,000 mails and kills 200 times on each database.
"""

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from sqlalchemy import func, select, text

from core.db import db
from core.jobs import Job
from helpdesk.intake_models import InboundMail
from tests.faults.imap_double import ImapDouble
from tests.faults.invariants import broken
from tests.helpdesk.conftest import compose

ROOT = Path(__file__).parents[2]
FULL = os.environ.get("FAULTS") == "full"
KILLS, MAILS = (200, 2000) if FULL else (10, 80)

pytestmark = pytest.mark.faults


class Processes:
    """Real processes, forked from one that has everything loaded."""

    def __init__(self, app, port, after):
        settings = app.extensions["settings"]
        clean = {name: value for name, value in os.environ.items() if not name.startswith(("HELPDESK_", "DATABASE_"))}
        box = {"HOST": "127.0.0.1", "PORT": str(port), "TLS": "none", "USER": "desk", "PASSWORD": "secret",
               "TIMEOUT_SECONDS": "5", "POLL_SECONDS": "1", "AFTER": after}  # fmt: skip
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.faults.fetchers"], cwd=ROOT, text=True, bufsize=1, stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
            env={**clean, "DATA_DIR": str(settings.data_dir), "DATABASE_URL": settings.database_url,
                 "SECRET_KEY": app.config["SECRET_KEY"], "LOG_LEVEL": "CRITICAL",
                 **{f"HELPDESK_MAILBOX_DESK_{key}": value for key, value in box.items()}},
        )  # fmt: skip
        self.running = {}

    def ask(self, line):
        self.process.stdin.write(line + "\n")
        answer = self.process.stdout.readline().strip()
        assert answer, "the processes could not be started"
        return answer

    def start(self, kind, more=""):
        self.running[kind] = int(self.ask(f"{kind} {more}".strip()))

    def kill(self, kind):
        pid = self.running.pop(kind)
        os.kill(pid, signal.SIGKILL)
        self.ask(f"reap {pid}")

    def close(self):
        for kind in list(self.running):
            self.kill(kind)
        self.process.stdin.close()
        self.process.wait(10)


def batch(chance, count):
    """Mails: one in ten comes twice, one in twenty is malformed."""
    made = []
    for number in range(count):
        raw = compose(subject=f"Question {number}", text=f"What of {number}?")
        if chance.random() < 0.05:
            raw = chance.choice([
                os.urandom(300), b"\r\n\r\n" + raw, raw.replace(b"\n", b"\r"), raw[: chance.randrange(5, len(raw))],
                b"".join(b'Content-Type: multipart/mixed; boundary="b%d"\n\n--b%d\n' % (n, n) for n in range(80)) + raw,
            ])  # fmt: skip
        made.append(raw)
        if chance.random() < 0.1:
            made.append(chance.choice(made))
    return made


def figures(app):
    """(arrivals, mails without a fate, jobs that are due)"""
    with app.app_context():
        waiting = select(func.count()).select_from(Job).where(Job.kind == "mail.intake", Job.state == "queued")
        count = select(func.count()).select_from(InboundMail)
        found = (db.session.scalar(count), db.session.scalar(count.where(InboundMail.fate == "")),
                 db.session.scalar(waiting))  # fmt: skip
        db.session.remove()
    return found


def release(app):
    """What killed workers held is free again at once, instead of after two minutes."""
    with app.app_context():
        db.session.execute(text("UPDATE job SET lease_until = NULL"))
        db.session.commit()
        db.session.remove()


@pytest.mark.parametrize("after", ["seen", "move:Done"] if FULL else ["move:Done"])
def test_no_mail_is_lost_or_doubled_however_often_fetcher_and_worker_are_killed(app, after):
    chance = random.Random(11)
    server = ImapDouble()
    sent = batch(chance, MAILS)
    processes = Processes(app, server.port, after)
    kills, begun = {"fetch": 0, "work": 0}, time.monotonic()
    waiting = list(sent)
    try:
        for kind in ("fetch", "work"):
            processes.start(kind)
        while sum(kills.values()) < KILLS or waiting:
            for _ in range(max(1, len(sent) * 2 // KILLS) if waiting else 0):
                if waiting:
                    server.add(waiting.pop(0))
            time.sleep(chance.uniform(0.01, 0.25))
            if sum(kills.values()) < KILLS:
                kind = chance.choice(["fetch", "work"])
                processes.kill(kind)
                kills[kind] += 1
                if kills["work"] % 5 == 0:
                    release(app)
                processes.start(kind)
        end = time.monotonic() + (300 if FULL else 60)
        last = 0.0
        while time.monotonic() < end:
            if time.monotonic() - last > 2:
                release(app)
                last = time.monotonic()
            arrived, open_ones, _jobs = figures(app)
            if arrived >= len(sent) and not open_ones and (after == "seen" or not server.inbox()):
                break
            time.sleep(0.1)
    finally:
        processes.close()
        server.close()
    with app.app_context():
        fates = dict(db.session.execute(select(InboundMail.fate, func.count()).group_by(InboundMail.fate)).all())
        db.session.remove()
    print(f"\nmails {len(sent)}, kills {kills}, {time.monotonic() - begun:.0f} s, arrivals by fate {fates}")
    assert sum(kills.values()) >= KILLS
    assert sum(fates.values()) == len(sent)
    assert broken(app, sent) == []
    different = {raw for raw in sent if b"Subject: Question" in raw}
    assert fates["ticket"] >= len(different) * 0.9


@pytest.mark.parametrize("engine_name", ["sqlite"], indirect=True)
def test_while_the_disk_is_full_mail_stays_on_the_server_and_flows_when_there_is_room(app):
    server = ImapDouble()
    sent = [compose(subject=f"Question {number}", text="What? " * 2000) for number in range(20)]
    for raw in sent:
        server.add(raw)
    processes = Processes(app, server.port, "delete")
    try:
        for _round in range(20 if FULL else 2):
            size = (app.extensions["settings"].data_dir / "helpdesk.db").stat().st_size
            # Room for the shared memory of the log (32 KiB) and the first few mails only.
            processes.start("full", str(160 * 1024 + size % 4096))
            time.sleep(1.5)
            processes.kill("full")
            with app.app_context():
                kept = {row.raw.content for row in db.session.scalars(select(InboundMail))}
                db.session.remove()
            assert len(kept) < len(sent)
            assert kept | set(server.inbox().values()) >= set(sent), "a mail was deleted that is not stored"
        begun = time.monotonic()
        processes.start("fetch")
        while figures(app)[0] < len(sent) or server.inbox():
            assert time.monotonic() - begun < 60
            time.sleep(0.1)
        print(
            f"\nmails {len(sent)}, stored while the disk was full {len(kept)}, the rest {time.monotonic() - begun:.1f} s after"
        )
        processes.start("work")
        while figures(app)[1]:
            assert time.monotonic() - begun < 60
            time.sleep(0.1)
    finally:
        processes.close()
        server.close()
    assert broken(app, sent) == []
    assert figures(app)[0] == len(sent)

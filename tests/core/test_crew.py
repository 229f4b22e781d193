"""The worker as people start it: several processes, one of which may wait for a mail server that says nothing."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from sqlalchemy import func, select

from core import jobs, mail
from core.db import db
from core.jobs import Job
from core.mail import Recipient
from helpdesk.intake_models import InboundMail
from helpdesk.receive import store
from tests.faults.smtp_double import HANG, SmtpDouble

ROOT = Path(__file__).parents[2]


@pytest.fixture
def flask(app):
    started = []

    def start(*words, **more):
        settings = app.extensions["settings"]
        clean = {name: value for name, value in os.environ.items() if not name.startswith(("HELPDESK_", "DATABASE_"))}
        process = subprocess.Popen(
            [Path(sys.executable).with_name("flask"), *words], cwd=ROOT, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True,
            env={**clean, "DATA_DIR": str(settings.data_dir), "DATABASE_URL": settings.database_url, **more},
        )  # fmt: skip
        started.append(process)
        return process

    yield start
    for process in started:
        for member in [*members(process.pid), process.pid]:
            try:
                os.kill(member, signal.SIGKILL)
            except ProcessLookupError:
                continue
        process.wait(10)
        process.stdout.close()


def members(pid: int) -> list[int]:
    """The forks of a process that are still alive."""
    try:
        return [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except FileNotFoundError:
        return []


def is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def until(what, seconds=20.0):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        found = what()
        if found:
            return found
        time.sleep(0.05)
    raise AssertionError("it did not come about")


def left() -> int:
    count = db.session.scalar(select(func.count()).select_from(InboundMail).where(InboundMail.fate == ""))
    db.session.rollback()
    return count


def put(app, count):
    for number in range(count):
        raw = (
            f"From: p{number}@compras.example\r\nMessage-ID: <{number}@compras.example>\r\n"
            "To: helpdesk@helpdesk.example\r\nSubject: How?\r\n\r\nHow do we publish amendments?\r\n"
        )
        store(raw.encode(), mailbox="", source="pipe", settings=app.extensions["settings"])


def test_a_process_that_dies_is_replaced_and_none_outlives_the_one_that_watches(flask, context):
    worker = flask("work")
    first = until(lambda: members(worker.pid) if len(members(worker.pid)) == 2 else None)
    os.kill(first[0], signal.SIGKILL)
    second = until(
        lambda: members(worker.pid) if len(members(worker.pid)) == 2 and first[0] not in members(worker.pid) else None
    )
    put(context, 3)
    until(lambda: left() == 0)
    os.kill(worker.pid, signal.SIGKILL)
    until(lambda: not any(is_alive(member) for member in second))


def test_told_to_stop_they_all_end(flask, context):
    worker = flask("work")
    group = until(lambda: members(worker.pid) if len(members(worker.pid)) == 2 else None)
    worker.terminate()
    assert worker.wait(20) == 0
    assert not any(is_alive(member) for member in group)


def test_mail_is_read_while_the_mail_server_says_nothing(flask, app):
    server = SmtpDouble()
    server.always["ehlo"] = HANG
    with app.app_context():
        for number in range(30):
            mail.queue("sign_in_link", Recipient(f"p{number}@compras.example", "Paula", "es"), f"event-{number}",
                       link="https://x.example/l", minutes=30)  # fmt: skip
        db.session.commit()
        settings = {
            "HELPDESK_MAIL_HOST": "127.0.0.1", "HELPDESK_MAIL_PORT": str(server.port), "HELPDESK_MAIL_TLS": "none",
            "HELPDESK_MAIL_TIMEOUT_SECONDS": "60",
        }  # fmt: skip
        flask("work", **settings)
        until(lambda: server.seen)
        put(app, 3)
        until(lambda: left() == 0, 15)
        db.session.remove()
    server.close()


def test_what_is_due_is_shared_and_counted(flask, context):
    put(context, 60)
    waiting = jobs.counts()["queued"]
    db.session.rollback()
    done = flask("work", "--once", "--processes", "2")
    assert done.wait(60) == 0
    said = done.stdout.read()
    assert int(said.split()[-3]) >= waiting, said
    assert left() == 0
    assert not db.session.scalars(select(Job.id).where(Job.kind == "mail.intake")).all()

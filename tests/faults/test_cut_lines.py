"""Servers of other people (pymap, aiosmtpd) behind a line that breaks anywhere: nothing is lost, nothing is doubled."""

import os
import random
import socket
import subprocess
import sys
import time
from collections import Counter
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from aiosmtpd.controller import Controller
from imapclient import IMAPClient
from sqlalchemy import select, update

from core import jobs, mail, smtp
from core.db import db, now
from core.jobs import Job
from core.mail import OutgoingMail, Recipient
from core.mailbox_settings import Mailbox
from helpdesk import fetching
from helpdesk.imap_server import Unreachable
from helpdesk.intake_models import InboundMail
from tests.faults.invariants import broken
from tests.faults.proxy import CuttingProxy
from tests.helpdesk.conftest import compose

FULL = os.environ.get("FAULTS") == "full"
CUTS, MAILS = (200, 300) if FULL else (10, 20)

pytestmark = pytest.mark.faults


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


@pytest.fixture
def imap_port():
    port = free_port()
    server = subprocess.Popen(
        [Path(sys.executable).with_name("pymap"), "--host", "127.0.0.1", "--port", str(port), "--no-tls",
         "--no-service", "managesieve", "--no-service", "admin", "dict", "--demo-user", "desk", "--demo-password",
         "secret"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    end = time.monotonic() + 20
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            break
        except OSError:
            assert time.monotonic() < end, "pymap did not start"
            time.sleep(0.05)
    yield port
    server.kill()
    server.wait(10)


def test_mail_is_fetched_once_over_a_line_that_breaks_anywhere(app, imap_port, monkeypatch):
    monkeypatch.setattr(fetching, "RETRIES", (0,))
    chance = random.Random(5)
    sent = [
        compose(subject=f"Question {number}", text="What is a release? " * chance.choice((1, 20, 1500))).replace(
            b"\n", b"\r\n"
        )
        for number in range(MAILS)
    ]
    with IMAPClient("127.0.0.1", imap_port, ssl=False) as client:
        client.login("desk", "secret")
        for raw in sent:
            client.append("INBOX", raw)
    proxy = CuttingProxy(
        imap_port, lambda: int(chance.choice((600, 3000, 60_000)) * chance.random()) + 1 if proxy.cuts < CUTS else None
    )
    box = Mailbox(
        host="127.0.0.1", port=proxy.port, tls="none", user="desk", password="secret", timeout_seconds=5, after="seen"
    )
    failed = 0
    with app.app_context():
        while True:
            try:
                fetching.once("desk", box)
            except Unreachable:
                failed += 1
                assert failed <= CUTS + 5
                continue
            if proxy.cuts >= CUTS:
                break
            # All of it is here before the line was cut often enough: as if the folder had been looked at never.
            db.session.rollback()
        rows = db.session.scalars(select(InboundMail)).all()
        print(f"\nmails {len(sent)}, cuts {proxy.cuts}, failed tries {failed}, arrivals {len(rows)}")
        assert len(rows) == len(sent)
        db.session.remove()
        jobs.run_until_idle()
        fates = Counter(db.session.scalars(select(InboundMail.fate)))
        db.session.remove()
    proxy.close()
    assert fates == {"ticket": len(sent)}
    assert broken(app, sent) == []
    with IMAPClient("127.0.0.1", imap_port, ssl=False) as client:
        client.login("desk", "secret")
        client.select_folder("INBOX")
        assert len(client.search("SEEN")) == len(sent)


class Sink:
    def __init__(self):
        self.taken = []

    async def handle_DATA(self, _server, _session, envelope):
        self.taken.append(envelope.content)
        return "250 taken"


def test_mail_is_sent_over_a_line_that_breaks_anywhere_and_repeated_only_under_its_own_id(app):
    chance = random.Random(6)
    sink = Sink()
    controller = Controller(sink, hostname="127.0.0.1", port=free_port())
    controller.start()
    proxy = CuttingProxy(controller.port, lambda: int(4000 * chance.random()) + 1 if proxy.cuts < CUTS else None)
    settings = app.extensions["settings"]
    app.extensions["settings"] = replace(
        settings, mail=replace(settings.mail, host="127.0.0.1", port=proxy.port, tls="none", timeout_seconds=5)
    )
    with app.app_context():
        for number in range(MAILS):
            mail.queue("sign_in_link", Recipient(f"p{number}@compras.example", "Paula", "es"), f"event-{number}",
                       link="https://x.example/l", minutes=30)  # fmt: skip
        db.session.commit()
        for _round in range(CUTS + 20):
            jobs.run_until_idle()
            smtp._resting.clear()
            db.session.execute(update(Job).values(run_at=now() - timedelta(seconds=1), lease_until=None))
            db.session.commit()
            if not db.session.scalar(select(OutgoingMail.id).where(OutgoingMail.state != "sent").limit(1)):
                break
        states = Counter(db.session.scalars(select(OutgoingMail.state)))
        ids = set(db.session.scalars(select(OutgoingMail.message_id)))
        db.session.remove()
    proxy.close()
    controller.stop()
    smtp._resting.clear()
    taken = Counter(
        line.split(b"<")[1].split(b">")[0].decode()
        for raw in sink.taken for line in raw.splitlines() if line.lower().startswith(b"message-id:")
    )  # fmt: skip
    repeats = sum(taken.values()) - len(taken)
    print(f"\nmails {MAILS}, cuts {proxy.cuts}, connections {proxy.connections}, repeats {repeats}")
    assert states == {"sent": MAILS}
    assert set(taken) == ids
    assert repeats <= proxy.cuts
    assert proxy.cuts >= min(CUTS, MAILS // 2)

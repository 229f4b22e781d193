"""The LMTP door, as a mail server uses it: over a real socket; what is answered with 250 is stored."""

import smtplib
import socket
import threading
from dataclasses import replace

import pytest
from sqlalchemy import select, text

from core import jobs
from core.db import db
from core.mailbox_settings import Mailbox
from helpdesk import listening
from helpdesk.intake_models import InboundMail
from tests.helpdesk.conftest import compose

HERE = "helpdesk@helpdesk.example"


@pytest.fixture
def door(app):
    """The port of a listener that runs for this test."""
    stop, ready, port = threading.Event(), threading.Event(), []

    def is_ready(number):
        port.append(number)
        ready.set()

    run = threading.Thread(
        target=listening.listen, args=(app,), kwargs={"port": 0, "stop": stop.is_set, "ready": is_ready}
    )
    run.start()
    assert ready.wait(10)
    yield port[0]
    stop.set()
    run.join(10)


def rows(app):
    with app.app_context():
        found = [(row.mailbox, row.source, row.raw.content) for row in db.session.scalars(select(InboundMail))]
        db.session.remove()
    return found


def talk(port, *lines, end=b"QUIT\r\n"):
    """Everything that the listener says to these lines."""
    with socket.create_connection(("127.0.0.1", port), 10) as connection:
        connection.sendall(b"".join(lines) + end)
        said = b""
        while more := connection.recv(65536):
            said += more
    return said.decode()


def start(*recipients):
    return b"LHLO x\r\nMAIL FROM:<p@x.example>\r\n" + b"".join(
        f"RCPT TO:<{each}>\r\n".encode() for each in recipients
    ) + b"DATA\r\n"  # fmt: skip


def test_a_mail_is_stored_when_it_is_answered_with_250_and_becomes_a_ticket(app, door, work):
    raw = compose().replace(b"\n", b"\r\n")
    with smtplib.LMTP("127.0.0.1", door) as client:
        assert client.sendmail("paula@compras.example", [HERE], raw) == {}
    ((mailbox, source, content),) = rows(app)
    assert (mailbox, source) == ("", "lmtp")
    head = b"Return-Path: <paula@compras.example>\r\nDelivered-To: helpdesk@helpdesk.example\r\n"
    assert content == head + raw
    work()
    with app.app_context():
        assert db.session.scalars(select(InboundMail.fate)).one() == "ticket"


def test_each_recipient_has_an_answer_and_each_mailbox_an_arrival(app, door):
    settings = app.extensions["settings"]
    app.extensions["settings"] = replace(
        settings, mailboxes={"latam": Mailbox(addresses=("ayuda@x.example",)), "africa": Mailbox()}
    )
    said = talk(
        door,
        start("ayuda@x.example", "ayuda+abc@x.example", "africa@x.example"),
        compose().replace(b"\n", b"\r\n"),
        b".\r\n",
    )
    app.extensions["settings"] = settings
    assert said.count(listening.STORED) == 3
    assert sorted(row[0] for row in rows(app)) == ["africa", "latam"]
    latam = next(row[2] for row in rows(app) if row[0] == "latam")
    assert latam.count(b"Delivered-To: ") == 2


def test_what_cannot_be_stored_is_put_off_and_not_answered_with_250(app, door):
    with app.app_context():
        db.session.execute(text("ALTER TABLE raw_mail RENAME TO away"))
        db.session.commit()
        db.session.remove()
    try:
        said = talk(door, start(HERE), compose().replace(b"\n", b"\r\n"), b".\r\n")
    finally:
        with app.app_context():
            db.session.execute(text("ALTER TABLE away RENAME TO raw_mail"))
            db.session.commit()
            db.session.remove()
    assert "451 4.3.0" in said
    assert listening.STORED not in said
    assert listening.STORED in talk(door, start(HERE), compose().replace(b"\n", b"\r\n"), b".\r\n")


@pytest.mark.parametrize(
    "smuggled", [b"\n.\r\n", b"\n.\n", b"\r.\r\n", b"\r.\r", b"\r\n..\n", b"\r\n..\r"],
)  # fmt: skip
def test_a_hidden_end_of_a_message_makes_neither_two_mails_nor_one(app, door, smuggled):
    body = b"Subject: a\r\n\r\nfirst" + smuggled + b"MAIL FROM:<evil@x.example>\r\nsecond\r\n"
    said = talk(door, start(HERE), body, b".\r\n")
    assert "554 5.6.0" in said
    assert rows(app) == []


def test_dots_that_are_part_of_a_text_are_kept(app, door):
    body = b"Subject: a\r\n\r\none\r\n..\r\n..two\r\nthree\nbare\rends\r\n"
    assert listening.STORED in talk(door, start(HERE), body, b".\r\n")
    assert rows(app)[0][2].endswith(b"one\r\n.\r\n.two\r\nthree\nbare\rends\r\n")


def test_an_empty_message_and_one_that_is_too_large_are_refused(app, door):
    assert "554 5.6.0" in talk(door, start(HERE), b"\r\n.\r\n")
    before = app.extensions["settings"]
    app.extensions["settings"] = replace(before, mail=replace(before.mail, max_megabytes=1))
    said = talk(
        door, start(HERE), b"Subject: a\r\n\r\n" + b"x" * 900 + b"\r\n" + (b"y" * 900 + b"\r\n") * 2000, b".\r\n"
    )
    app.extensions["settings"] = before
    assert "552" in said
    assert rows(app) == []


def test_a_connection_that_ends_early_stores_nothing(app, door):
    with socket.create_connection(("127.0.0.1", door), 10) as connection:
        connection.sendall(start(HERE) + b"Subject: half")
    assert listening.STORED in talk(door, start(HERE), compose().replace(b"\n", b"\r\n"), b".\r\n")
    assert len(rows(app)) == 1


def test_a_nearly_full_disk_puts_mail_off(app, door, monkeypatch):
    from core import room

    def none(_settings):
        raise room.NoRoom("full")

    monkeypatch.setattr(room, "check", none)
    assert "452 4.3.1" in talk(door, start(HERE), compose().replace(b"\n", b"\r\n"), b".\r\n")
    assert rows(app) == []


def test_it_listens_on_a_socket_in_the_file_system_and_removes_a_stale_one(app, tmp_path):
    path = tmp_path / "lmtp"
    stale = socket.socket(socket.AF_UNIX)
    stale.bind(str(path))
    stale.close()
    stop, ready = threading.Event(), threading.Event()
    run = threading.Thread(
        target=listening.listen, args=(app,),
        kwargs={"path": str(path), "stop": stop.is_set, "ready": lambda _port: ready.set()},
    )  # fmt: skip
    run.start()
    assert ready.wait(10)
    with smtplib.LMTP(str(path)) as client:
        assert client.sendmail("paula@compras.example", [HERE], compose()) == {}
    stop.set()
    run.join(10)
    assert len(rows(app)) == 1
    assert not path.exists()
    with app.app_context():
        assert jobs.counts()["queued"] == 1

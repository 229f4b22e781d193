"""The mail server misbehaves in every way that it can; no mail is lost, none leaves in the clear, none is doubled."""

import socket
import ssl
import time
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select, update

from core import doctor, jobs, mail, smtp
from core.db import db, now
from core.events import Event
from core.jobs import Job
from core.mail import OutgoingMail, Recipient
from tests.faults.smtp_double import CUT, DRIP, HANG, SmtpDouble

TLS = Path(__file__).parents[1] / "fixtures/tls"
SECRET = "only-for-the-server"


@pytest.fixture
def double(request):
    made = []

    def make(**features):
        made.append(SmtpDouble(**features))
        return made[-1]

    yield make
    for each in made:
        each.close()
    smtp._resting.clear()


def use(app, port, **given):
    settings = app.extensions["settings"]
    given = {"host": "127.0.0.1", "port": port, "tls": "none", "timeout_seconds": 1, **given}
    app.extensions["settings"] = replace(settings, mail=replace(settings.mail, **given))


def queue(count=1):
    for number in range(count):
        to = Recipient(f"p{number}@compras.example", "Paula", "es")
        mail.queue("sign_in_link", to, f"event-{number}", link="https://x.example/l", minutes=30)
    db.session.commit()


def rows() -> list[OutgoingMail]:
    db.session.rollback()
    db.session.expire_all()
    return list(db.session.scalars(select(OutgoingMail).order_by(OutgoingMail.id)))


def later():
    """As if the time of every waiting try had come."""
    smtp._resting.clear()
    db.session.execute(update(Job).values(run_at=now() - timedelta(seconds=1), lease_until=None))
    db.session.commit()
    jobs.run_until_idle()


REFUSED = [
    ("greeting", "421 too busy", "deferred", "server"), ("greeting", "554 no service here", "deferred", "server"),
    ("ehlo", "421 closing", "deferred", "server"),
    ("mail", "451 greylisted, come back", "deferred", ""), ("mail", "550 sender refused", "dead", ""),
    ("mail", "530 5.7.0 authentication required", "deferred", "sign-in"),
    ("rcpt", "450 mailbox busy", "deferred", ""), ("rcpt", "452 too many", "deferred", ""),
    ("rcpt", "550 5.1.1 no such user", "dead", ""), ("rcpt", "552 over quota", "dead", ""),
    ("data", "451 not now", "deferred", ""), ("data", "554 no", "dead", ""),
    ("end", "451 try later", "deferred", ""), ("end", "552 too large", "dead", ""), ("end", "554 spam", "dead", ""),
    ("greeting", CUT, "deferred", "server"), ("mail", CUT, "deferred", "server"), ("rcpt", CUT, "deferred", "server"),
    ("data", CUT, "deferred", "server"), ("end", CUT, "deferred", "server"),
]  # fmt: skip


def test_each_refusal_and_each_cut_leaves_a_state_a_reason_and_a_next_try(context, double):
    wrong = []
    for number, (verb, answer, state, fault) in enumerate(REFUSED):
        server = double()
        use(context, server.port)
        server.script[verb] = [answer] * (2 if verb == "ehlo" else 1)
        mail.queue("sign_in_link", Recipient("paula@compras.example"), f"event-{number}", link="x", minutes=3)
        db.session.commit()
        jobs.run_until_idle()
        row = rows()[-1]
        found = (row.state, row.fault, bool(row.last_error), row.next_at is not None, len(server.received))
        if found != (state, fault, True, state == "deferred", 0):
            wrong.append((verb, answer, found, row.last_error))
        later()
        if state == "deferred" and rows()[-1].state != "sent":
            wrong.append((verb, answer, "not sent later", rows()[-1].last_error))
        if state == "dead" and (rows()[-1].state, len(server.received)) != ("dead", 0):
            wrong.append((verb, answer, "sent though refused"))
    print(f"\nanswers tried: {len(REFUSED)}, wrong: {len(wrong)}")
    assert wrong == []
    dead = sum(state == "dead" for _verb, _answer, state, _fault in REFUSED)
    assert db.session.query(Event).filter_by(name="mail.failed").count() == dead


def test_greylisted_mails_arrive_once_later(context, double):
    server = double()
    use(context, server.port)
    server.script["rcpt"] = ["451 greylisted"] * 20
    queue(20)
    jobs.run_until_idle()
    assert {row.state for row in rows()} == {"deferred"}
    later()
    assert {(row.state, row.attempts) for row in rows()} == {("sent", 2)}
    assert len(set(server.message_ids())) == len(server.received) == 20


def test_a_cut_after_the_mail_was_taken_repeats_it_with_the_same_message_id_only(context, double):
    server = double()
    use(context, server.port)
    server.script["end"] = ["taken " + CUT] * 20
    queue(20)
    jobs.run_until_idle()
    assert {row.state for row in rows()} == {"deferred"}
    later()
    assert {row.state for row in rows()} == {"sent"}
    ids = server.message_ids()
    print(f"\nmails: 20, taken: {len(ids)}, Message-IDs: {len(set(ids))}")
    assert (len(ids), set(ids)) == (40, {row.message_id for row in rows()})


def test_a_bad_end_of_the_conversation_after_the_mail_was_taken_does_not_repeat_it(context, double):
    server = double()
    use(context, server.port)
    server.script["quit"] = ["500 what?", CUT, HANG]
    queue(3)
    jobs.run_until_idle()
    assert {row.state for row in rows()} == {"sent"}
    later()
    assert len(server.received) == 3


def test_a_server_that_lost_starttls_gets_neither_mail_nor_password_in_the_clear(context, double):
    server = double(features=["AUTH PLAIN LOGIN"])
    use(context, server.port, tls="starttls", user="desk", password=SECRET)
    queue(5)
    jobs.run_until_idle()
    assert {(row.state, row.fault) for row in rows()} == {("deferred", "tls")}
    assert not {"mail", "auth", "data"} & set(server.seen)
    assert any("no TLS that can be trusted" in finding.sentence for finding in doctor.examine(context))


@pytest.mark.parametrize("answer", ["454 not now", "500 what?", "220 go on\r\n250 injected"])
def test_a_refused_or_tampered_starttls_sends_nothing_in_the_clear(context, double, answer):
    server = double(certificate=TLS / "server.pem")
    server.script["starttls"] = [answer]
    use(context, server.port, tls="starttls")
    queue()
    jobs.run_until_idle()
    assert (rows()[0].state, rows()[0].fault) == ("deferred", "tls")
    assert b"MAIL" not in server.clear.upper()
    assert server.received == []


def test_a_certificate_that_nobody_vouches_for_is_not_trusted_and_a_known_one_is(context, double, monkeypatch):
    server = double(certificate=TLS / "server.pem")
    use(context, server.port, host="localhost", tls="starttls", timeout_seconds=5)
    queue()
    jobs.run_until_idle()
    assert (rows()[0].state, rows()[0].fault) == ("deferred", "tls")
    assert server.received == []
    monkeypatch.setenv("SSL_CERT_FILE", str(TLS / "cert.pem"))
    later()
    assert rows()[0].state == "sent", rows()[0].last_error
    assert b"Message-ID" not in server.clear
    assert ssl.HAS_TLSv1_2


def test_a_refused_sign_in_lets_mail_wait_and_is_told_where_people_look(context, double):
    server = double(features=["AUTH PLAIN"])
    server.always["auth"] = "535 5.7.8 wrong password"
    use(context, server.port, user="desk", password="wrong")
    queue(5)
    jobs.run_until_idle()
    assert {(row.state, row.fault) for row in rows()} == {("deferred", "sign-in")}
    told = [finding.sentence for finding in doctor.examine(context) if "sign-in" in finding.sentence]
    assert any("5 mails wait" in sentence and "wrong password" in sentence for sentence in told), told
    server.always.clear()
    later()
    assert {row.state for row in rows()} == {"sent"}
    assert not [finding for finding in doctor.examine(context) if "refuses our sign-in" in finding.sentence]


def test_no_server_at_all_defers_every_mail_and_all_arrive_when_it_is_back(context, double):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    use(context, port)
    queue(10)
    jobs.run_until_idle()
    assert {(row.state, row.fault) for row in rows()} == {("deferred", "server")}
    server = double()
    use(context, server.port)
    later()
    assert {row.state for row in rows()} == {"sent"}


def test_a_silent_server_costs_its_patience_once_and_not_once_for_each_mail(context, double, monkeypatch):
    server = double()
    server.always["greeting"] = HANG
    use(context, server.port, timeout_seconds=1)
    monkeypatch.setattr(smtp, "PATIENCE", 0.5)
    queue(20)
    begun = time.monotonic()
    jobs.run_until_idle()
    took = time.monotonic() - begun
    assert took < 5, took
    assert {row.state for row in rows()} == {"deferred"}
    assert sum(row.attempts for row in rows()) <= 2
    server.always.clear()
    later()
    assert {row.state for row in rows()} == {"sent"}


def test_a_server_that_stays_silent_is_asked_less_and_less_often_and_at_once_again_when_it_speaks(
    context, double, monkeypatch
):
    server = double()
    server.always["greeting"] = HANG
    use(context, server.port, timeout_seconds=1)
    monkeypatch.setattr(smtp, "PATIENCE", 0.1)
    queue()
    rests = []
    for _turn in range(4):
        db.session.execute(update(Job).values(run_at=now() - timedelta(seconds=1), lease_until=None))
        db.session.commit()
        jobs.run_until_idle()
        ((place, (_until, why, rest)),) = smtp._resting.items()
        rests.append(rest)
        smtp._resting[place] = (0.0, why, rest)
    assert rests == [30, 60, 120, 120]
    server.always.clear()
    db.session.execute(update(Job).values(run_at=now() - timedelta(seconds=1)))
    db.session.commit()
    jobs.run_until_idle()
    assert (rows()[0].state, smtp._resting) == ("sent", {})


def test_a_server_that_drips_is_cut_off_at_the_deadline(context, double, monkeypatch):
    server = double()
    server.script["mail"] = [DRIP]
    use(context, server.port, timeout_seconds=10)
    monkeypatch.setattr(smtp, "DEADLINE", 1.0)
    queue()
    begun = time.monotonic()
    jobs.run_until_idle()
    assert time.monotonic() - begun < 4
    assert rows()[0].state == "deferred"
    monkeypatch.setattr(smtp, "DEADLINE", 30.0)
    later()
    assert rows()[0].state == "sent"


def test_after_five_days_a_mail_is_given_up_and_by_hand_it_is_tried_for_five_more(context, double):
    from helpdesk import outbound
    from tests.conftest import member

    server = double()
    server.always["rcpt"] = "451 later"
    use(context, server.port)
    queue()
    db.session.execute(update(OutgoingMail).values(queued_at=now() - timedelta(days=5, minutes=1)))
    db.session.commit()
    jobs.run_until_idle()
    assert rows()[0].state == "dead"
    outbound.send_again(rows()[0], by=member("bruno"))
    db.session.commit()
    jobs.run_until_idle()
    assert (rows()[0].state, len(server.received)) == ("deferred", 0)
    server.always.clear()
    outbound.send_again(rows()[0], by=member("bruno"))
    db.session.commit()
    jobs.run_until_idle()
    assert (rows()[0].state, len(server.received)) == ("sent", 1)


def test_dots_and_bare_line_ends_in_a_text_make_one_mail_and_not_two(context, double):
    """SMTP smuggling: an end of data inside a text must never be one."""
    server = double()
    use(context, server.port)
    texts = ("a\n.\r\nMAIL FROM:<x@y>", "b\r.\rMAIL FROM:<x@y>", "c\n.\nRCPT TO:<x@y>", ".\r\n.\r\n")
    for number, text in enumerate(texts):
        mail.queue("sign_in_link", Recipient("paula@compras.example"), f"event-{number}", link=text, minutes=3)
        db.session.execute(update(OutgoingMail).where(OutgoingMail.state == "queued").values(text=text))
        db.session.commit()
        jobs.run_until_idle()
        assert len(server.received) == number + 1
        raw = server.received[-1][2]
        assert raw.replace(b"\r\n", b"").count(b"\r") + raw.replace(b"\r\n", b"").count(b"\n") == 0

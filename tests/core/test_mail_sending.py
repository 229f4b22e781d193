"""What goes out: envelope, headers, signatures; limits, retries, and what people are told of trouble."""

import email
import re
from dataclasses import replace
from datetime import timedelta
from email.policy import default
from pathlib import Path

import dkim
import pytest
from sqlalchemy import select, update

from core import bounce_address, doctor, jobs, mail, mail_building, mail_sending
from core.db import db, now
from core.jobs import Job, Later
from core.mail import OutgoingMail, Recipient
from core.settings import Dkim, Mail
from tests.faults.smtp_double import SmtpDouble

TLS = Path(__file__).parents[1] / "fixtures/tls"


@pytest.fixture
def server(context):
    double = SmtpDouble()
    use(context, host="127.0.0.1", port=double.port, tls="none")
    yield double
    double.close()


def use(app, **given):
    settings = app.extensions["settings"]
    app.extensions["settings"] = replace(settings, mail=replace(settings.mail, **given))


def queue(key="event-1", to="paula@compras.example", **more):
    mail.queue("sign_in_link", Recipient(to, "Paula", "es"), key, link="https://x.example/l", minutes=30, **more)
    db.session.commit()


def row() -> OutgoingMail:
    db.session.expire_all()
    return db.session.scalars(select(OutgoingMail).order_by(OutgoingMail.id)).first()


def parsed(raw: bytes):
    return email.message_from_bytes(raw, policy=default)


def test_bounces_come_back_to_an_address_signed_for_that_mail(server, context):
    queue()
    jobs.run_until_idle()
    sender = server.received[0][0]
    assert re.fullmatch(r"helpdesk\+bounce\.\d+\.[a-z2-7]{26}@helpdesk\.example", sender)
    assert bounce_address.find(["x@y.example", sender.upper()]) == row().id
    number = row().id
    for forged in (sender.replace(f".{number}.", f".{number + 1}."), sender[:-30] + "a" * 10 + sender[-20:],
                   sender.replace("helpdesk.example", "evil.example"), sender.replace("+bounce", "+bounces")):  # fmt: skip
        assert bounce_address.find([forged]) is None, forged
    use(context, signed_bounces=False)
    assert bounce_address.make(number) == "helpdesk@helpdesk.example"


def test_an_automatic_mail_says_so_in_every_way_that_responders_know(server):
    queue(is_automatic=True, in_reply_to="q@x.example")
    queue(
        "event-2", is_automatic=True, list_name="digest", unsubscribe="https://x.example/mail/unsubscribe/" + "u" * 90
    )
    queue("event-3")
    jobs.run_until_idle()
    answer, listed, personal = (parsed(raw) for _sender, _to, raw in server.received)
    assert (answer["Auto-Submitted"], answer["Precedence"]) == ("auto-replied", "auto_reply")
    assert answer["X-Auto-Response-Suppress"] == "All"
    assert answer["X-Loop"] == "helpdesk@helpdesk.example"
    assert "List-Id" not in answer
    assert listed["List-Id"] == '"OCDS Helpdesk" <digest.helpdesk.example>'
    assert (listed["Precedence"], listed["Auto-Submitted"]) == ("bulk", "auto-generated")
    assert listed["List-Unsubscribe"] == f"<https://x.example/mail/unsubscribe/{'u' * 90}>"
    assert listed["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    for field in ("Auto-Submitted", "Precedence", "X-Loop", "List-Id", "List-Unsubscribe", "X-Auto-Response-Suppress"):
        assert field not in personal


def test_long_ids_and_addresses_stay_whole_in_their_headers(server):
    ids = [f"{'x' * 120}{number}@{'mail.' * 5}example" for number in range(3)]
    queue(in_reply_to=ids[-1], references=ids)
    jobs.run_until_idle()
    raw = server.received[0][2]
    for each in ids:
        assert f"<{each}>".encode() in raw
    assert b"=?utf-8?q?=3C" not in raw
    assert parsed(raw)["References"].split() == [f"<{each}>" for each in ids]


def test_an_address_beyond_ascii_goes_out_in_utf8_or_not_at_all(server):
    queue(to="péter@posta.example")
    jobs.run_until_idle()
    assert (row().state, "SMTPUTF8" in row().last_error) == ("dead", True)
    assert server.received == []
    server.features.append("SMTPUTF8")
    queue("event-2", to="péter@posta.example")
    jobs.run_until_idle()
    assert server.received[0][1] == "péter@posta.example"


def test_a_mail_is_signed_where_a_key_is_set_and_whoever_changes_it_breaks_that(server, context):
    settings = context.extensions["settings"]
    context.extensions["settings"] = replace(settings, dkim=Dkim(selector="desk", key_file=str(TLS / "server.pem")))
    queue(is_automatic=True, list_name="digest", unsubscribe="https://x.example/u")
    jobs.run_until_idle()
    raw = server.received[0][2]
    public = "".join((TLS / "public.pem").read_text().split("\n")[1:-2])
    names = []

    def dns(name, timeout=5):
        names.append(name)
        return f"v=DKIM1; k=rsa; p={public}".encode()

    assert dkim.verify(raw, dnsfunc=dns) is True
    assert names == [b"desk._domainkey.helpdesk.example."]
    signed = re.search(rb"[ ;]h=([^;]+);", raw)[1].lower()
    for field in (b"from", b"subject", b"message-id", b"list-unsubscribe", b"list-unsubscribe-post"):
        assert field in signed
    assert dkim.verify(raw.replace(b"Subject: ", b"Subject: Not "), dnsfunc=dns) is False


def test_a_key_that_is_not_there_lets_mail_wait_and_is_told(server, context):
    settings = context.extensions["settings"]
    context.extensions["settings"] = replace(settings, dkim=Dkim(selector="desk", key_file="/nowhere/key.pem"))
    queue()
    jobs.run_until_idle()
    assert (row().state, row().fault) == ("deferred", "dkim")
    assert server.received == []
    told = " ".join(finding.sentence for finding in doctor.examine(context))
    assert "dkim.key_file is not there" in told
    assert "cannot be signed" in told


def test_no_transaction_is_open_while_a_server_is_talked_to(server, monkeypatch):
    seen = []
    deliver = mail_sending.smtp.deliver

    def watched(*args, **kwargs):
        seen.append(db.session().in_transaction())
        return deliver(*args, **kwargs)

    monkeypatch.setattr(mail_sending.smtp, "deliver", watched)
    queue()
    jobs.run_until_idle()
    assert seen == [False]
    assert row().state == "sent"


def test_two_workers_never_send_one_mail_at_the_same_time(server):
    queue()
    number = row().id
    db.session.execute(update(OutgoingMail).values(sending_until=now() + timedelta(seconds=60)))
    db.session.commit()
    with pytest.raises(Later):
        mail_sending.send(number)
    db.session.rollback()
    assert server.received == []
    db.session.execute(update(OutgoingMail).values(sending_until=now() - timedelta(seconds=1)))
    db.session.commit()
    mail_sending.send(number)
    assert len(server.received) == 1


def test_waits_double_from_a_minute_to_an_hour_within_a_fifth(server):
    server.always["rcpt"] = "451 later"
    queue()
    waits = []
    for _turn in range(9):
        db.session.execute(update(Job).values(run_at=now() - timedelta(seconds=1)))
        db.session.commit()
        jobs.run_until_idle()
        waits.append((row().next_at - now()).total_seconds())
    for wait, minutes in zip(waits, (1, 2, 4, 8, 16, 32, 60, 60, 60), strict=True):
        assert 0.79 * 60 * minutes <= wait <= 1.2 * 60 * minutes, waits
    assert row().state == "deferred"
    job = db.session.scalars(select(Job).where(Job.kind == "mail.send")).one()
    assert abs((job.run_at - row().next_at).total_seconds()) < 1


def test_no_more_than_the_limit_of_all_mails_leaves_in_an_hour(server, context):
    use(context, per_hour=3)
    for number in range(5):
        queue(f"event-{number}", to=f"p{number}@compras.example")
    jobs.run_until_idle()
    assert len(server.received) == 3
    waiting = db.session.scalars(select(OutgoingMail).where(OutgoingMail.state == "deferred")).all()
    assert {(each.fault, "limit of mails" in each.last_error) for each in waiting} == {("limit", True)}
    db.session.execute(update(OutgoingMail).values(sent_at=now() - timedelta(minutes=61)))
    db.session.execute(update(Job).values(run_at=now() - timedelta(seconds=1)))
    db.session.commit()
    jobs.run_until_idle()
    assert len(server.received) == 5


def test_what_makes_no_mail_is_given_up_with_its_reason(server, monkeypatch):
    def broken(*_args, **_kwargs):
        raise ValueError("no such thing")

    queue()
    monkeypatch.setattr(mail_building, "build", broken)
    jobs.run_until_idle()
    assert (row().state, "no such thing" in row().last_error) == ("dead", True)


def test_the_plain_default_of_settings_sends_no_more_than_it_should():
    assert (Mail().per_hour, Mail().undo_seconds, Mail().signed_bounces) == (2000, 20, True)

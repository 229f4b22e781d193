"""Machines that answer machines: two helpdesks, absence notes, bounces, and a program that hides that it is one."""

import re
from dataclasses import replace
from datetime import timedelta
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default

import flask_migrate
import pytest
from sqlalchemy import func, select

from app import create_app
from core import jobs
from core.db import db
from core.jobs import Job
from core.mail import OutgoingMail
from helpdesk import inbound, tickets
from helpdesk.intake_models import InboundMail
from helpdesk.models import Ticket
from helpdesk.tickets import Words
from tests.conftest import create_cast, make_settings, member
from tests.faults.smtp_double import SmtpDouble

MINUTES = 10
BOT = "bot@machines.example"


class Desk:
    """A whole instance with its own database, and the mail server that it sends through."""

    def __init__(self, folder, domain):
        self.address = f"desk@{domain}"
        self.server = SmtpDouble()
        self.taken = 0
        base = make_settings(folder)
        self.app = create_app(
            replace(
                base, mail=replace(base.mail, sender=self.address, host="127.0.0.1", port=self.server.port, tls="none")
            )
        )
        with self.app.app_context():
            flask_migrate.upgrade()
            create_cast()
            db.session.commit()
            db.session.remove()

    def close(self):
        self.server.close()
        with self.app.app_context():
            db.session.remove()
            db.engine.dispose()

    def receive(self, raw: bytes) -> None:
        with self.app.app_context():
            inbound.store(raw, source="pipe")
            db.session.commit()
            db.session.remove()

    def work(self) -> list[tuple[str, str, bytes]]:
        """Let the worker do all that is due; what it sent, as (envelope sender, recipient, bytes)."""
        with self.app.app_context():
            jobs.run_until_idle()
        new = self.server.received[self.taken :]
        self.taken = len(self.server.received)
        return new

    def a_minute_passes(self) -> None:
        with self.app.app_context():
            minute = timedelta(minutes=1)
            for row in db.session.scalars(select(OutgoingMail)):
                row.queued_at -= minute
                row.sent_at = row.sent_at - minute if row.sent_at else None
            for row in db.session.scalars(select(Job)):
                row.run_at -= minute
            db.session.commit()
            db.session.remove()

    def count(self, model, *conditions) -> int:
        with self.app.app_context():
            found = db.session.scalar(select(func.count()).select_from(model).where(*conditions))
            db.session.remove()
        return found

    def fates(self) -> list[str]:
        with self.app.app_context():
            found = list(db.session.scalars(select(InboundMail.fate).order_by(InboundMail.id)))
            db.session.remove()
        return found


def delivered(sender: str, to: str, raw: bytes) -> bytes:
    """As the receiving mail server hands it over."""
    return f"Return-Path: <{sender}>\r\nDelivered-To: {to}\r\n".encode() + raw


def is_marked(raw: bytes) -> bool:
    return message_from_bytes(raw, policy=default)["Auto-Submitted"] is not None


@pytest.fixture
def desk(tmp_path):
    made = []

    def make(domain):
        (tmp_path / domain).mkdir()
        made.append(Desk(tmp_path / domain, domain))
        return made[-1]

    yield make
    for each in made:
        each.close()


def stripped(raw: bytes) -> bytes:
    """Without everything that shows where it comes from, or that a machine sent it."""
    hidden = re.compile(rb"(?im)^(?:auto-submitted|precedence|x-[a-z-]+|list-[a-z-]+|in-reply-to|references|return-path):.*\r?\n"
                        rb"(?:[ \t].*\r?\n)*")  # fmt: skip
    head, gap, body = raw.partition(b"\r\n\r\n")
    return hidden.sub(b"", head + b"\r\n") + gap[2:] + body


@pytest.mark.parametrize("carry", [lambda raw: raw, stripped], ids=["as sent", "with headers stripped on the way"])
def test_two_helpdesks_that_face_each_other_go_quiet(desk, carry):
    one, two = desk("one.example"), desk("two.example")
    with one.app.app_context():
        from accounts import people

        other = people.find_or_add(two.address, name="The other desk")
        tickets.open_for(other, by=member("bruno"), title="Hello", words=Words(body="Who are you?"), is_note=False)
        db.session.commit()
        db.session.remove()
    sent = {one: [], two: []}
    answers_to_marked = 0
    for _minute in range(MINUTES):
        for here, there in ((one, two), (two, one)):
            for sender, to, raw in here.work():
                sent[here].append(raw)
                if to.endswith(there.address.partition("@")[2]):
                    before = there.count(OutgoingMail)
                    there.receive(delivered(sender, to, carry(raw)))
                    marked = is_marked(carry(raw))
                    with there.app.app_context():
                        jobs.run_until_idle()
                    answers_to_marked += marked and there.count(OutgoingMail, OutgoingMail.is_automatic) > before
        one.a_minute_passes()
        two.a_minute_passes()
    numbers = [(each.count(Ticket), len(sent[each]), each.fates()) for each in (one, two)]
    print(f"\n(tickets, mails sent, fates of mails that came): {numbers}")
    assert one.count(Ticket) + two.count(Ticket) <= 2
    assert "quarantine" not in one.fates() + two.fates()
    assert answers_to_marked == 0
    assert len(sent[one]) + len(sent[two]) <= 6
    assert (one.work(), two.work()) == ([], [])


def by_return_path(sender, raw):
    return sender


def by_reply_to(sender, raw):
    message = message_from_bytes(raw, policy=default)
    return message["Reply-To"].addresses[0].addr_spec if message["Reply-To"] else "desk@one.example"


def absence(to, raw, **headers) -> bytes:
    message = EmailMessage()
    original = message_from_bytes(raw, policy=default)
    message["From"], message["To"] = BOT, to
    message["Subject"] = f"Automatic reply: {original['Subject']}"
    message["Message-ID"] = f"<{abs(hash(raw))}@machines.example>"
    message["In-Reply-To"] = original["Message-ID"]
    for name, value in headers.items():
        message[name.replace("_", "-")] = value
    message.set_content("I am out of the office until Monday.")
    return message.as_bytes(policy=message.policy.clone(linesep="\r\n"))


BOTS = {
    "a vacation note by RFC 3834": lambda sender, raw: absence(
        by_return_path(sender, raw), raw, Auto_Submitted="auto-replied"
    ),
    "one of Exchange": lambda sender, raw: absence(by_reply_to(sender, raw), raw, X_Auto_Response_Suppress="All"),
    "one with Precedence": lambda sender, raw: absence(by_reply_to(sender, raw), raw, Precedence="auto_reply"),
    "one without any sign but its subject": lambda sender, raw: absence(by_reply_to(sender, raw), raw),
    "one that writes to the envelope without any sign": lambda sender, raw: absence(by_return_path(sender, raw), raw),
}


@pytest.mark.parametrize("bot", BOTS)
def test_an_absence_note_is_never_answered(desk, bot):
    one = desk("one.example")
    one.receive(question("A question of a person who then leaves"))
    mails = 0
    for _minute in range(MINUTES):
        for sender, to, raw in one.work():
            mails += 1
            if to == BOT:
                one.receive(delivered("", to, BOTS[bot](sender, raw)))
        one.a_minute_passes()
    assert (one.count(Ticket), mails) == (1, 1), one.fates()


def question(subject, sender=BOT) -> bytes:
    return (
        f"From: {sender}\r\nTo: desk@one.example\r\nSubject: {subject}\r\nMessage-ID: <{abs(hash(subject))}@machines.example>"
        "\r\n\r\nHow do we get a prefix?\r\n"
    ).encode()


def test_a_machine_that_bounces_everything_gets_no_answer(desk):
    one = desk("one.example")
    one.receive(question("A question"))
    mails = 0
    for _minute in range(MINUTES):
        for sender, _to, raw in one.work():
            mails += 1
            head = raw.partition(b"\r\n\r\n")[0].decode()
            report = (
                f"From: MAILER-DAEMON@machines.example\r\nTo: {sender}\r\nSubject: Undelivered Mail Returned to Sender\r\n"
                'Content-Type: multipart/report; report-type=delivery-status; boundary="b"\r\n\r\n--b\r\n\r\nNo.\r\n'
                "--b\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; machines.example\r\n\r\n"
                f"Final-Recipient: rfc822; {BOT}\r\nAction: failed\r\nStatus: 5.1.1\r\n\r\n"
                f"--b\r\nContent-Type: text/rfc822-headers\r\n\r\n{head}\r\n--b--\r\n"
            )
            one.receive(delivered("", sender, report.encode()))
        one.a_minute_passes()
    assert (one.count(Ticket), mails, one.fates()) == (1, 1, ["ticket", "bounce"])
    assert one.count(OutgoingMail, OutgoingMail.state == "bounced") == 1


def test_a_machine_that_hides_gets_at_most_ten_answers_in_an_hour(desk):
    """It answers each mail, and writes once a minute, each time anew: other subject, no thread, no sign of a machine."""
    one = desk("one.example")
    mails = 0
    for minute in range(MINUTES * 3):
        one.receive(question(f"Question {minute}"))
        for turn, (_sender, to, _raw) in enumerate(one.work()):
            mails += to == BOT
            one.receive(question(f"Answer {minute} {turn}"))
        one.a_minute_passes()
    print(f"\nmails that came: {len(one.fates())}, automatic answers: {mails}")
    assert 1 <= mails <= 10
    assert one.count(InboundMail, InboundMail.fate == "") <= 1
    assert "quarantine" not in one.fates()


def test_one_ticket_is_acknowledged_once_a_day_and_machines_by_name_never(desk):
    from helpdesk import notices

    one = desk("one.example")
    with one.app.app_context():
        ticket = tickets.ask(by=member("paula"), title="Prefix", words=Words(body="How?"))
        db.session.commit()
        assert notices._within_limits("paula@compras.example", ticket)
        jobs.run_until_idle()
        ticket = db.session.scalars(select(Ticket)).one()
        assert not notices._within_limits("paula@compras.example", ticket)
        for address in (
            "no-reply@bank.example",
            "MAILER-DAEMON@x.example",
            "noreply+7@x.example",
            "postmaster@x.example",
        ):
            assert not notices._within_limits(address, ticket), address
        assert notices._within_limits("noreplyson@x.example", ticket)
        db.session.remove()

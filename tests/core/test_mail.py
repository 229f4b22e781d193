"""Mail out, through a real SMTP server on this machine."""

import email
import socket
import ssl
from dataclasses import replace
from datetime import timedelta
from email.policy import default

import pytest
from aiosmtpd.controller import Controller
from sqlalchemy import select, update

from core import jobs, mail
from core.db import db, now
from core.events import Event
from core.jobs import Job
from core.mail import OutgoingMail, Recipient
from core.settings import Mail


class Inbox:
    """Takes mail, and answers as it is told to."""

    def __init__(self):
        self.received = []
        self.answers = []

    async def handle_RCPT(self, server, session, envelope, address, options):
        if self.answers:
            answer = self.answers.pop(0)
            if answer:
                return answer
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        self.received.append((envelope, email.message_from_bytes(envelope.content, policy=default)))
        return "250 OK"


@pytest.fixture
def smtp(context):
    inbox = Inbox()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    controller = Controller(inbox, hostname="127.0.0.1", port=port)
    controller.start()
    use(context, host="127.0.0.1", port=port, tls="none")
    yield inbox
    controller.stop()


def use(app, **mail_settings):
    settings = app.extensions["settings"]
    app.extensions["settings"] = replace(settings, mail=replace(Mail(), **mail_settings))


def queue(key="event-1", to="paula@compras.example", **more):
    mail.queue("sign_in_link", Recipient(to, "Paula Órtiz", "es"), key, link="https://x.example/l", minutes=30, **more)
    db.session.commit()


def only_mail() -> OutgoingMail:
    db.session.expire_all()
    return db.session.scalars(select(OutgoingMail)).one()


def try_again_now():
    db.session.execute(update(Job).values(run_at=now() - timedelta(seconds=1)))
    db.session.commit()
    jobs.run_until_idle()


def test_a_mail_is_sent_once_with_text_and_html_in_the_recipients_language(smtp):
    queue()
    queue()
    jobs.run_until_idle()
    assert len(smtp.received) == 1
    envelope, message = smtp.received[0]
    assert envelope.rcpt_tos == ["paula@compras.example"]
    assert message["Content-Language"] == "es"
    assert message["To"].addresses[0].display_name == "Paula Órtiz"
    assert message["Message-ID"] == f"<{only_mail().message_id}>"
    assert mail.is_own_message_id(only_mail().message_id)
    assert message.get_body(("plain",)) is not None
    assert message.get_body(("html",)) is not None
    assert only_mail().state == "sent"


def test_a_mail_goes_out_with_the_same_message_id_after_a_temporary_refusal(smtp):
    smtp.answers = ["451 try later"]
    queue()
    jobs.run_until_idle()
    row = only_mail()
    assert (row.state, row.attempts) == ("deferred", 1)
    assert "451 try later" in row.last_error
    before = row.message_id
    try_again_now()
    assert only_mail().state == "sent"
    assert smtp.received[0][1]["Message-ID"] == f"<{before}>"


def test_a_permanent_refusal_parks_the_mail_with_its_reason_and_is_told(smtp):
    smtp.answers = ["550 no such user"]
    queue()
    jobs.run_until_idle()
    assert only_mail().state == "dead"
    assert "no such user" in only_mail().last_error
    assert db.session.scalar(select(Event).where(Event.name == "mail.failed")) is not None


def test_a_server_that_does_not_answer_defers_the_mail(context):
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        port = silent.getsockname()[1]
    use(context, host="127.0.0.1", port=port, tls="none", timeout_seconds=1)
    queue()
    jobs.run_until_idle()
    assert only_mail().state == "deferred"


def test_it_is_given_up_after_five_days(context):
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        port = silent.getsockname()[1]
    use(context, host="127.0.0.1", port=port, tls="none", timeout_seconds=1)
    queue()
    db.session.execute(update(OutgoingMail).values(queued_at=now() - timedelta(days=5, minutes=1)))
    db.session.commit()
    jobs.run_until_idle()
    assert only_mail().state == "dead"


def test_without_starttls_nothing_is_sent_in_the_clear(smtp, context):
    settings = context.extensions["settings"]
    use(context, host="127.0.0.1", port=settings.mail.port, tls="starttls")
    queue()
    jobs.run_until_idle()
    assert smtp.received == []
    assert only_mail().state == "deferred"
    assert ssl.HAS_TLSv1_2


def test_without_a_server_mails_are_written_to_the_outbox(context):
    queue()
    jobs.run_until_idle()
    folder = context.extensions["settings"].data_dir / "outbox"
    files = list(folder.glob("*.eml"))
    assert len(files) == 1
    assert (
        email.message_from_bytes(files[0].read_bytes(), policy=default)["Message-ID"] == f"<{only_mail().message_id}>"
    )


def test_no_address_gets_more_than_its_limit_in_an_hour(smtp, context):
    settings = context.extensions["settings"]
    use(context, host="127.0.0.1", port=settings.mail.port, tls="none", per_address_hour=3)
    for number in range(5):
        queue(key=f"event-{number}")
    jobs.run_until_idle()
    assert len(smtp.received) == 3
    assert db.session.query(Job).filter_by(kind="mail.send").count() == 2


@pytest.mark.parametrize("text", ["a\r\nBcc: evil@x.example", "b\nSubject: other", "c\x00d", "e\u2028f"])
def test_no_text_from_outside_begins_a_header(smtp, text):
    queue(sender_name=text, in_reply_to=text, references=[text])
    jobs.run_until_idle()
    envelope, message = smtp.received[0]
    assert envelope.rcpt_tos == ["paula@compras.example"]
    assert "Bcc" not in message
    assert len(message.get_all("Subject")) == 1

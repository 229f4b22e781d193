"""Mails made to be read in two ways: by us and by those whom we mail. What leaves us goes where it should, once."""

import pytest
from sqlalchemy import select

from accounts import people
from core import jobs
from core.db import db
from core.mail import OutgoingMail
from helpdesk import inbound, tickets
from helpdesk.intake_models import InboundMail
from helpdesk.tickets import Words
from tests.conftest import member
from tests.helpdesk.conftest import compose, the

LOCALS = ["a", '"a b"', '"a@evil.example"', '"a\\"b"', "a,b@evil.example", "a;b", "a(b)", "(b)a", "a..b", ".a", "a.", "a%evil.example", "a!b",
          "a\\@evil.example", "=?utf-8?q?a=40evil.example=3E?=", "a\tb", "a\0b", "a+b", "ä", "а", "a\u200bb", "a'b", "`a`", "a|b", "$(a)", "--a"]  # fmt: skip
DOMAINS = ["good.example", "good.example@evil.example", "good.example,evil.example", "[127.0.0.1]", "evil.example\u3002good.example", "GOOD.example.",
           "good.example>\u2028,<x@evil.example", "xn--good-.example"]  # fmt: skip
ODD = [f"{local}@{domain}" for local in LOCALS for domain in DOMAINS[:3]] + [f"a@{domain}" for domain in DOMAINS]


def test_of_eighty_odd_senders_none_has_us_mail_to_another_domain_than_the_checked_one(context, smtp):
    numbers = []
    for turn, odd in enumerate(ODD):
        raw = f"From: Name <{odd}>\r\nTo: helpdesk@helpdesk.example\r\nSubject: Odd {turn}\r\nMessage-ID: <odd-{turn}@x.example>\r\n\r\nHello.\r\n"
        numbers.append(inbound.store(raw.encode(), source="pipe").id)
    db.session.commit()
    jobs.run_until_idle()
    assert len(ODD) >= 80
    rows = db.session.scalars(select(InboundMail).where(InboundMail.id.in_(numbers))).all()
    assert {row.fate for row in rows} <= {"ticket", "reply", "quarantine", "ignored", "spam"}
    for row in rows:
        if row.ticket_id is not None:
            assert the(row.ticket_id).requester.email == people.clean_address(row.sender)
    askers = {the(row.ticket_id).requester.email for row in rows if row.ticket_id is not None}
    for envelope, message in smtp.received:
        (to,) = envelope.rcpt_tos
        assert to in askers
        # A header in UTF-8 (RFC 6532) is only half read by the parser of this test.
        assert not to.isascii() or [address.addr_spec for address in message["To"].addresses] == [to]
    stuck = db.session.scalars(select(OutgoingMail.recipient).where(OutgoingMail.state.not_in(("sent", "dead")))).all()
    assert stuck == []


@pytest.mark.parametrize("ending", ["\n.\n", "\r\n.\r\n", "\r.\r", "\n.\r\n", "\r\n.\n", "\r\n.\r"])
def test_no_end_of_data_in_a_text_begins_a_second_mail(smtp, ending):
    ticket = tickets.ask(by=member("paula"), title="Prefix", words=Words(body="How?"))
    db.session.flush()
    body = f"Before.{ending}MAIL FROM:<evil@evil.example>\r\nRCPT TO:<victim@x.example>\r\nDATA\r\nFrom: evil@evil.example\r\n\r\nHa.{ending}QUIT\r\n"
    tickets.reply(ticket, by=member("bruno"), words=Words(body=body))
    db.session.commit()
    jobs.run_until_idle()
    replies = [message for _envelope, message in smtp.received if "Auto-Submitted" not in message]
    assert len(replies) == 1
    assert {recipient for envelope, _message in smtp.received for recipient in envelope.rcpt_tos} == {
        "paula@compras.example"
    }
    assert "Ha." in replies[0].get_body(("plain",)).get_content()


@pytest.mark.parametrize("field", ["Subject", "From", "Message-ID", "In-Reply-To"])
def test_a_line_break_hidden_in_an_encoded_word_begins_no_header(smtp, deliver, field):
    hidden = "=?utf-8?q?x=0D=0ABcc=3A_victim=40x=2Eexample?="
    raw = compose(Message_ID="<hidden@x.example>", In_Reply_To="<other@x.example>").decode()
    lines = []
    for line in raw.split("\n"):
        name = line.partition(":")[0]
        value = {"From": f"{hidden} <paula@compras.example>", "Subject": hidden}.get(field, f"<{hidden}@x.example>")
        lines.append(f"{field}: {value}" if name.lower() == field.lower() else line)
    deliver("\n".join(lines).encode())
    for envelope, message in smtp.received:
        assert "Bcc" not in message
        assert envelope.rcpt_tos == ["paula@compras.example"]

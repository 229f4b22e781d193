"""Mail about tickets, through a real SMTP server."""

import re
from email.message import EmailMessage

import pytest
from sqlalchemy import update

from accounts import people
from accounts.models import User
from core import files, jobs
from core.db import db, now
from core.events import Event
from core.mail import OutgoingMail
from helpdesk import notices, reply_address, tickets
from helpdesk.models import Ticket
from helpdesk.tickets import Recipients, Words
from tests.conftest import member
from tests.helpdesk.conftest import compose, the, thread

PAULA, DALIA, BRUNO = "paula@compras.example", "dalia@dncp.example", "bruno@helpdesk.example"


def work():
    db.session.commit()
    jobs.run_until_idle()


def asked(by=None, title="Prefix for a second system", body="How do we get a prefix?", **more) -> int:
    ticket = tickets.ask(by=by or member("paula"), title=title, words=Words(body=body), **more)
    db.session.flush()
    number = ticket.id
    work()
    return number


def replied(number: int, body="Ask for it on the page.", **more) -> None:
    tickets.reply(the(number), by=member("bruno"), words=Words(body=body, **more.pop("words", {})), **more)
    work()


def text_of(message: EmailMessage) -> str:
    return message.get_body(("plain",)).get_content()


def all_of(message: EmailMessage) -> str:
    """Everything that a reader could see: every header and every text, decoded."""
    texts = [part.get_content() for part in message.walk() if part.get_content_maintype() == "text"]
    return "\n".join([*(str(value) for value in message.values()), *texts])


def test_whoever_asks_is_told_that_we_have_it_with_a_link_in_their_language(smtp):
    number = asked(by=people.find_or_add("nora@armp.example", name="Nora", language="fr"))
    (message,) = smtp.to("nora@armp.example")
    assert message["Content-Language"] == "fr"
    assert f"[#{number}]" in message["Subject"]
    assert message["Auto-Submitted"] == "auto-generated"
    assert re.search(rf"http://127\.0\.0\.1:8000/tickets/{number}\?key=\S+", text_of(message))
    assert reply_address.find([message["Reply-To"].addresses[0].addr_spec]).ticket.id == number


def test_an_unproved_address_gets_nothing_that_was_typed(smtp):
    """Anybody can type anybody's address: what they wrote must not reach that person through us."""
    user = people.find_or_add("victim@elsewhere.example", name="CANARY-NAME win a prize")
    asked(by=user, title="CANARY-TITLE click http://evil.example", body="CANARY-BODY now")
    (message,) = smtp.to("victim@elsewhere.example")
    assert "CANARY" not in all_of(message)
    assert "evil.example" not in all_of(message)


def test_a_proved_address_sees_its_title(smtp):
    member("paula").verified_at = now()
    asked()
    (message,) = smtp.to(PAULA)
    assert "Prefix for a second system" in message["Subject"]
    assert "Paula Ortiz" in text_of(message)


def test_a_mailed_question_is_acknowledged_in_its_thread(smtp, deliver):
    deliver(compose(Message_ID="<question@compras.example>"))
    (message,) = smtp.to(PAULA)
    assert message["In-Reply-To"] == "<question@compras.example>"
    assert message["Auto-Submitted"] == "auto-replied"


def test_no_address_gets_more_acknowledgements_in_an_hour_than_its_limit(smtp):
    numbers = [asked() for _turn in range(6)]
    assert len(smtp.to(PAULA)) == 3
    assert len(numbers) == 6
    db.session.execute(update(OutgoingMail).values(queued_at=now().replace(year=2025)))
    asked()
    assert len(smtp.to(PAULA)) == 4


def test_our_own_addresses_and_tickets_made_at_the_desk_are_not_acknowledged(smtp):
    asked(by=people.find_or_add("helpdesk@helpdesk.example"))
    tickets.ask(by=member("paula"), title="By phone", words=Words(body="She called.", channel="desk"))
    work()
    assert smtp.received == []


def test_a_reply_goes_to_each_recipient_as_a_mail_of_their_own(smtp):
    number = asked()
    tickets.add_participant(the(number), member("dalia"), by=member("bruno"))
    replied(number, body="Ask for **it** on [the page](/kb/en/prefix).")
    (_acknowledgement, paula), (dalia,) = smtp.to(PAULA), smtp.to(DALIA)
    assert paula["Subject"] == f"Re: Prefix for a second system [#{number}]"
    assert "Ask for **it** on [the page](http://127.0.0.1:8000/kb/en/prefix)." in text_of(paula)
    html = paula.get_body(("html",)).get_content()
    assert "<strong>it</strong>" in html
    assert (paula["Content-Language"], dalia["Content-Language"]) == ("es", "es")
    assert [address.addr_spec for address in paula["Cc"].addresses] == [DALIA]
    assert [address.addr_spec for address in dalia["Cc"].addresses] == [PAULA]
    assert "Bruno Keller" in str(paula["From"])
    assert "Auto-Submitted" not in paula
    for message, address in ((paula, PAULA), (dalia, DALIA)):
        found = reply_address.find([message["Reply-To"].addresses[0].addr_spec])
        assert (found.ticket.id, found.user.email) == (number, address)


def test_links_to_our_own_pages_are_whole_in_a_mail_and_others_stay(context):
    html = '<a href="/kb/en/prefix">a</a> <a href="//evil.example/">b</a> <a href="https://x.example/">c</a>'
    assert notices.with_full_links(html) == html.replace('"/kb', '"http://127.0.0.1:8000/kb')


def test_replies_are_threaded_by_what_each_person_has_in_their_mailbox(smtp, deliver):
    row = deliver(compose(Message_ID="<question@compras.example>"))
    (acknowledgement,) = smtp.to(PAULA)
    replied(row.ticket_id, "First answer.")
    replied(row.ticket_id, "Second answer.")
    _first, first, second = smtp.to(PAULA)
    assert first["In-Reply-To"] == acknowledgement["Message-ID"]
    assert first["References"].split() == ["<question@compras.example>", acknowledgement["Message-ID"]]
    assert second["In-Reply-To"] == first["Message-ID"]


def test_the_answer_by_mail_comes_back_into_the_same_ticket_and_is_told_to_the_assignee(smtp, deliver):
    number = asked()
    replied(number)
    mail = smtp.to(PAULA)[-1]
    row = deliver(compose(to=str(mail["Reply-To"]), subject=f"Re: {mail['Subject']}", text="It worked.",
                          In_Reply_To=mail["Message-ID"]))  # fmt: skip
    assert (row.fate, row.ticket_id, thread(number)[-1].body) == ("reply", number, "It worked.")
    (notice,) = smtp.to(BRUNO)
    assert "It worked." in text_of(notice)
    assert f"/desk/tickets/{number}" in text_of(notice)
    assert notice["X-Auto-Response-Suppress"] == "All"


def test_only_the_chosen_recipients_get_a_reply_and_none_who_was_taken_out_meanwhile(smtp):
    number = asked()
    tickets.add_participant(the(number), member("dalia"), by=member("bruno"))
    tickets.add_participant(the(number), member("amara"), by=member("bruno"))
    work()
    smtp.received.clear()
    tickets.reply(the(number), by=member("bruno"), words=Words(body="For two."),
                  recipients=Recipients(to=[member("paula")], cc=[member("amara")]))  # fmt: skip
    tickets.remove_participant(the(number), member("amara"), by=member("bruno"))
    work()
    assert {envelope.rcpt_tos[0] for envelope, _message in smtp.received} == {PAULA}
    assert "Cc" not in smtp.received[0][1]


def test_a_note_is_never_mailed_to_anybody(smtp):
    number = asked()
    tickets.note(the(number), by=member("carla"), words=Words(body="CANARY-NOTE between us"))
    tickets.assign(the(number), member("bruno"), by=member("carla"))
    work()
    replied(number)
    tickets.solve(the(number), by=member("bruno"))
    work()
    assert len(smtp.received) >= 3
    assert not [message for _envelope, message in smtp.received if "CANARY-NOTE" in all_of(message)]


def test_an_assignee_is_told_unless_they_took_it_themselves(smtp):
    number = asked()
    tickets.assign(the(number), member("bruno"), by=member("bruno"))
    work()
    assert smtp.to(BRUNO) == []
    tickets.assign(the(number), member("carla"), by=member("bruno"))
    work()
    (message,) = smtp.to("carla@helpdesk.example")
    assert message["Content-Language"] == "es"
    assert f"[#{number}]" in message["Subject"]


def test_files_go_with_the_mail_up_to_a_limit_and_are_named_beyond_it(smtp, monkeypatch):
    number = asked()
    replied(number, words={"files": [files.save(b"a,b\n1,2\n", "datos.csv")]})
    (part,) = smtp.to(PAULA)[-1].iter_attachments()
    assert (part.get_filename(), part.get_content().replace("\r", "")) == ("datos.csv", "a,b\n1,2\n")
    monkeypatch.setattr(notices, "ATTACHED_BYTES", 10)
    replied(number, words={"files": [files.save(b"0123456789-more", "grande.txt")]})
    last = smtp.to(PAULA)[-1]
    assert list(last.iter_attachments()) == []
    assert "grande.txt" in text_of(last)


def test_telling_twice_sends_once(smtp):
    number = asked()
    replied(number)
    before = len(smtp.received)
    for event in db.session.scalars(db.select(Event)).all():
        jobs.enqueue("event", event=event.id, to="helpdesk.notices.acknowledge")
        jobs.enqueue("event", event=event.id, to="helpdesk.notices.send_reply")
    work()
    assert len(smtp.received) == before


BREAKS = [
    "\r\nBcc: evil@x.example",
    "\nSubject: other",
    "\rX-Evil: 1",
    "\x00",
    "\u2028Bcc: evil@x.example",
    "=?utf-8?q?a=0ABcc:_e@x.example?=",
]


def storable(text: str) -> str:
    """PostgreSQL keeps no NUL."""
    return text.replace("\x00", "\x01")


@pytest.mark.parametrize("text", BREAKS)
def test_nothing_that_people_write_begins_a_header_of_ours(smtp, deliver, text):
    """Subject, name, file name and Message-ID all come from outside."""
    user = member("paula")
    user.name, user.verified_at = f"Paula {storable(text)}", now()
    db.session.commit()
    raw = compose(Message_ID="<a@x.example>").replace(
        b"Subject: Prefix", f"Subject: {text.replace(chr(10), ' ').replace(chr(13), ' ')} Prefix".encode()
    )
    row = deliver(raw)
    ticket = db.session.get(Ticket, row.ticket_id)
    ticket.title = f"Prefix {storable(text)}"
    ticket.messages[0].mail_message_id = f"a{storable(text)}@x.example"
    db.session.commit()
    file = files.save(b"x,y\n", f"data{text}.csv")
    replied(row.ticket_id, words={"files": [file]})
    assert {envelope.rcpt_tos[0] for envelope, _message in smtp.received} == {PAULA}
    for _envelope, message in smtp.received:
        assert "Bcc" not in message
        assert "X-Evil" not in message
        assert len(message.get_all("Subject")) == 1
    assert {row.state for row in db.session.scalars(db.select(OutgoingMail))} == {"sent"}


def test_a_disabled_person_is_told_nothing(smtp):
    number = asked()
    people.disable(member("paula"), by=member("chidi"))
    work()
    smtp.received.clear()
    replied(number)
    assert smtp.received == []
    assert db.session.scalar(db.select(User).where(User.email == PAULA)).is_disabled

"""Mail in: every mail gets one fate, and nothing that a stranger can write leads into somebody's ticket."""

import pytest
from sqlalchemy import func, select, update

from accounts.models import User
from core import files, jobs, mail
from core.db import db
from core.events import Event
from core.mail import OutgoingMail
from helpdesk import fates, inbound, intake, reply_address, tickets
from helpdesk.intake_models import InboundMail
from helpdesk.models import Participant, Ticket
from helpdesk.tickets import Words
from tests.conftest import member
from tests.helpdesk.conftest import compose, fated, the, thread


@pytest.fixture
def ticket(context):
    """Paula's question, which Bruno has answered by mail."""
    asked = tickets.ask(by=member("paula"), title="Prefix", words=Words(body="How do we get a prefix?"))
    db.session.flush()
    tickets.reply(asked, by=member("bruno"), words=Words(body="Ask for it on the page."))
    db.session.commit()
    number = asked.id
    jobs.run_until_idle()
    return number


def address_for(ticket: int, key="paula") -> str:
    user = member(key)
    return reply_address.make(the(ticket), next(part for part in the(ticket).participants if part.user_id == user.id))


def sent_to(key: str, notice="ticket_reply") -> OutgoingMail:
    statement = select(OutgoingMail).where(OutgoingMail.recipient == member(key).email, OutgoingMail.notice == notice)
    return db.session.scalars(statement).one()


def count(model) -> int:
    return db.session.scalar(select(func.count()).select_from(model))


def test_a_mail_of_a_stranger_opens_a_ticket_with_its_text_and_language(deliver):
    row = deliver(compose(sender="Nadia <nadia@armp.example>", subject="Question sur les identifiants",
                          text="Bonjour, comment devons-nous choisir les identifiants de nos processus ? Merci beaucoup."))  # fmt: skip
    assert row.fate == "ticket"
    ticket = the(row.ticket_id)
    assert (ticket.title, ticket.requester.email, ticket.channel) == (
        "Question sur les identifiants",
        "nadia@armp.example",
        "mail",
    )
    assert ticket.language == "fr"
    (message,) = thread(ticket.id)
    assert row.ticket_message_id == message.id
    assert "identifiants de nos processus" in message.body
    assert message.is_verified is False
    assert message.mail_message_id == row.message_id


def test_files_of_a_mail_come_with_its_message_and_pictures_in_the_text_stay_apart(deliver):
    from email.message import EmailMessage

    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = "paula@compras.example", "helpdesk@helpdesk.example", "Data"
    message["Message-ID"] = "<files@mail.example>"
    message.set_content("See the file.")
    message.add_attachment(b"a,b\n1,2\n", maintype="text", subtype="csv", filename="datos.csv")
    row = deliver(bytes(message))
    (written,) = thread(row.ticket_id)
    (attached,) = written.attachments
    assert attached.filename == "datos.csv"
    assert files.read(attached.file) == b"a,b\n1,2\n"
    assert not attached.is_inline


def test_a_reply_to_the_signed_address_of_its_sender_lands_in_the_ticket_as_verified(deliver, ticket):
    row = deliver(
        compose(
            to=address_for(ticket), subject="Re: anything", text="Thank you!\n\nOn Monday Bruno wrote:\n> Ask for it."
        )
    )
    assert (row.fate, row.ticket_id) == ("reply", ticket)
    message = thread(ticket)[-1]
    assert (message.body, message.author.email, message.is_verified) == ("Thank you!", "paula@compras.example", True)
    assert "Ask for it" in message.full_text
    assert the(ticket).state == "open"


def test_a_signed_address_works_in_cc_in_delivered_to_and_in_capitals(deliver, ticket):
    address = address_for(ticket)
    assert deliver(compose(Cc=address)).fate == "reply"
    assert deliver(compose(Delivered_To=address)).fate == "reply"
    assert deliver(compose(to=address.upper())).fate == "reply"


def test_somebody_else_at_a_signed_address_is_heard_unverified_and_does_not_take_part(deliver, ticket):
    row = deliver(compose(sender="colleague@compras.example", to=address_for(ticket), text="I answer for Paula."))
    assert (row.fate, row.ticket_id) == ("reply", ticket)
    message = thread(ticket)[-1]
    assert (message.is_verified, message.by_staff, message.kind) == (False, False, "public")
    assert [part.user.email for part in the(ticket).participants] == ["paula@compras.example"]


def test_a_mail_that_claims_to_be_from_staff_never_speaks_for_the_desk(deliver, ticket):
    before = count(OutgoingMail)
    row = deliver(compose(sender="bruno@helpdesk.example", to=address_for(ticket), text="Please pay here."))
    message = thread(ticket)[-1]
    assert (row.fate, message.kind, message.is_verified) == ("reply", "internal", False)
    assert count(OutgoingMail) == before


def test_staff_who_answer_a_notice_by_mail_leave_a_note(deliver, ticket):
    deliver(compose(to=address_for(ticket), text="One more thing."))
    notice = sent_to("bruno", "ticket_answered")
    row = deliver(compose(sender="bruno@helpdesk.example", text="I will look.", In_Reply_To=f"<{notice.message_id}>"))
    assert (row.fate, row.ticket_id, thread(ticket)[-1].kind) == ("reply", ticket, "internal")


def test_a_removed_person_cannot_use_the_address_that_they_had(deliver, ticket):
    tickets.add_participant(the(ticket), member("dalia"), by=member("bruno"))
    db.session.commit()
    address = address_for(ticket, "dalia")
    tickets.remove_participant(the(ticket), member("dalia"), by=member("bruno"))
    db.session.commit()
    row = deliver(compose(sender="dalia@dncp.example", to=address))
    assert row.fate == "ticket"
    assert row.ticket_id != ticket


def test_a_raised_key_version_ends_an_address(deliver, ticket):
    address = address_for(ticket)
    db.session.execute(update(Participant).values(key_version=2))
    db.session.commit()
    row = deliver(compose(to=address, sender="thief@evil.example"))
    assert (row.fate, row.ticket_id == ticket) == ("ticket", False)


def test_a_reply_to_a_mail_that_we_sent_finds_its_ticket(deliver, ticket):
    row = deliver(compose(subject="Re: Prefix", In_Reply_To=f"<{sent_to('paula').message_id}>"))
    assert (row.fate, row.ticket_id) == ("reply", ticket)
    assert thread(ticket)[-1].is_verified


def test_references_to_an_earlier_mail_of_the_thread_find_the_ticket_unverified(deliver):
    first = deliver(compose(Message_ID="<first@compras.example>"))
    second = deliver(compose(text="I forgot something.", References="<other@x.example> <first@compras.example>"))
    assert (second.fate, second.ticket_id) == ("reply", first.ticket_id)
    assert thread(first.ticket_id)[-1].is_verified is False


def test_references_of_somebody_who_takes_no_part_open_a_new_ticket_that_says_so(deliver, ticket):
    row = deliver(compose(sender="mallory@evil.example", References=f"<{sent_to('paula').message_id}>"))
    assert row.fate == "ticket"
    assert row.ticket_id != ticket
    assert str(ticket) in row.reason


def test_a_number_in_the_subject_counts_only_for_who_takes_part(deliver, ticket):
    own = deliver(compose(subject=f"Re: Prefix [#{ticket}]"))
    assert (own.fate, own.ticket_id) == ("reply", ticket)
    other = deliver(compose(subject=f"Re: Prefix [#{ticket}]", sender="mallory@evil.example"))
    assert (other.fate, other.ticket_id == ticket) == ("ticket", False)


def test_the_same_mail_again_is_a_duplicate_whatever_way_it_took(deliver):
    first = deliver(compose(Message_ID="<one@mail.example>", Received="from a.example by b.example"))
    again = deliver(compose(Message_ID="<one@mail.example>", Received="from c.example by d.example"))
    assert (again.fate, again.duplicate_of_id, again.ticket_id) == ("duplicate", first.id, first.ticket_id)
    assert count(Ticket) == 1


def test_another_mail_under_the_same_message_id_is_no_duplicate(deliver):
    first = deliver(compose(Message_ID="<one@mail.example>"))
    other = deliver(compose(Message_ID="<one@mail.example>", text="Something else."))
    assert other.fate == "ticket"
    assert str(first.id) in other.reason


def test_a_mail_without_a_message_id_is_a_duplicate_only_by_its_bytes(deliver):
    raw = compose(Message_ID="").replace(b"Message-ID: \n", b"")
    assert deliver(raw).fate == "ticket"
    assert deliver(raw).fate == "duplicate"
    assert deliver(raw.replace(b"10:00:00", b"11:00:00")).fate == "ticket"


def test_a_mail_of_ours_that_comes_back_is_ignored(deliver, ticket):
    assert deliver(compose(Message_ID=f"<{sent_to('paula').message_id}>")).fate == "ignored"
    assert deliver(compose(X_Helpdesk="helpdesk.example")).fate == "ignored"
    assert deliver(compose(sender="helpdesk@helpdesk.example")).fate == "ignored"
    assert deliver(compose(sender=address_for(ticket))).fate == "ignored"
    assert count(Ticket) == 1


def test_automatic_mail_is_recorded_and_neither_answers_nor_reopens(deliver, ticket):
    tickets.solve(the(ticket), by=member("bruno"))
    db.session.commit()
    before = count(OutgoingMail)
    row = deliver(compose(to=address_for(ticket), Auto_Submitted="auto-replied"))
    assert (row.fate, row.ticket_id) == ("automatic", None)
    assert "auto-replied" in row.reason
    assert the(ticket).state == "solved"
    assert count(OutgoingMail) == before


def bounce_of(message_id: str, action="failed", status="5.1.1") -> bytes:
    return (
        "From: MAILER-DAEMON@mx.example\r\nTo: helpdesk@helpdesk.example\r\nSubject: Undelivered Mail Returned to Sender\r\n"
        f"Message-ID: <bounce-{action}@mx.example>\r\nMIME-Version: 1.0\r\nAuto-Submitted: auto-replied\r\n"
        'Content-Type: multipart/report; report-type=delivery-status; boundary="b"\r\n\r\n'
        "--b\r\nContent-Type: text/plain\r\n\r\nIt could not be delivered.\r\n"
        "--b\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mx.example\r\n\r\n"
        f"Final-Recipient: rfc822; paula@compras.example\r\nAction: {action}\r\nStatus: {status}\r\n"
        "Diagnostic-Code: smtp; 550 5.1.1 User unknown\r\n\r\n"
        f"--b\r\nContent-Type: text/rfc822-headers\r\n\r\nMessage-ID: <{message_id}>\r\nSubject: x\r\n\r\n--b--\r\n"
    ).encode()


def test_a_bounce_marks_its_mail_as_failed_and_tells_the_assignee(deliver, ticket):
    row = deliver(bounce_of(sent_to("paula").message_id))
    assert (row.fate, row.ticket_id, row.bounce_of_id) == ("bounce", None, sent_to("paula").id)
    after = sent_to("paula")
    assert (after.state, "User unknown" in after.last_error) == ("bounced", True)
    assert db.session.scalar(select(Event).where(Event.name == "mail.failed")) is not None
    assert sent_to("bruno", "mail_failed").about_id == ticket


def test_a_late_mail_is_noted_and_not_given_up(deliver, ticket):
    deliver(bounce_of(sent_to("paula").message_id, action="delayed", status="4.4.1"))
    assert (sent_to("paula").state, "4.4.1" in sent_to("paula").last_error) == ("sent", True)


def test_a_bounce_of_a_mail_that_is_not_ours_changes_nothing(deliver, ticket):
    own = sent_to("paula")
    row = deliver(bounce_of("invented" + own.message_id))
    assert row.fate == "bounce"
    assert {state for (state,) in db.session.execute(select(OutgoingMail.state))} == {"sent"}


@pytest.mark.parametrize("raw", [
    compose(sender="nobody"), compose(sender="paula@compras.example").replace(b"From: paula@compras.example\n", b""),
    b"From: a@b.example\n" + b"".join(b'Content-Type: multipart/mixed; boundary="b%d"\n\n--b%d\n' % (n, n) for n in range(80)),
    b"\x00\x01\x02 no mail at all",
])  # fmt: skip
def test_what_cannot_be_read_or_answered_is_set_aside_with_its_reason(deliver, raw):
    row = deliver(raw)
    assert (row.fate, bool(row.reason), row.raw.content) == ("quarantine", True, raw)


def test_a_mail_over_the_limit_is_set_aside_unread(deliver, context, monkeypatch):
    monkeypatch.setattr(intake, "parse_in_child", None)
    from dataclasses import replace

    settings = context.extensions["settings"]
    context.extensions["settings"] = replace(settings, mail=replace(settings.mail, max_megabytes=1))
    row = deliver(compose(text="x" * 70 + "\n" + ("y" * 70 + "\n") * 16_000))
    assert (row.fate, row.sender, row.subject) == ("quarantine", "paula@compras.example", "Prefix for a second system")


def test_a_fault_of_ours_sets_the_mail_aside_and_a_replay_after_the_mend_finds_its_ticket(
    deliver, ticket, monkeypatch
):
    raw = compose(to=address_for(ticket), text="Do not lose me.")
    with monkeypatch.context() as broken:
        broken.setattr(fates, "place_of", None)
        row = deliver(raw)
        assert (row.fate, "TypeError" in row.reason) == ("quarantine", True)
    assert len(thread(ticket)) == 2
    inbound.replay(db.session.get(InboundMail, row.id), by=member("bruno"))
    db.session.commit()
    jobs.run_until_idle()
    again = fated(row.id)
    assert (again.fate, again.ticket_id, thread(ticket)[-1].body) == ("reply", ticket, "Do not lose me.")


def test_a_person_taken_for_a_machine_can_be_put_in_a_ticket_by_hand(deliver):
    row = deliver(compose(Precedence="bulk"))
    assert row.fate == "automatic"
    inbound.replay(db.session.get(InboundMail, row.id), by=member("bruno"), by_hand=True)
    db.session.commit()
    jobs.run_until_idle()
    assert fated(row.id).fate == "ticket"


def test_a_mail_that_has_a_fate_is_left_alone(deliver):
    row = deliver(compose())
    intake.read(row.id)
    db.session.commit()
    assert count(Ticket) == 1
    with pytest.raises(Exception, match="can be read again"):
        inbound.replay(db.session.get(InboundMail, row.id), by=member("bruno"))


def test_a_mail_of_somebody_who_was_shut_out_is_set_aside(deliver):
    member("paula").is_disabled = True
    db.session.commit()
    assert deliver(compose()).fate == "quarantine"


def test_others_in_to_and_cc_are_not_let_in_by_a_mail(deliver):
    row = deliver(compose(Cc="dalia@dncp.example, stranger@x.example"))
    assert [part.user.email for part in the(row.ticket_id).participants] == ["paula@compras.example"]
    assert db.session.scalar(select(User).where(User.email == "stranger@x.example")) is None


def test_marks_in_message_ids_are_ours_alone(context):
    own = mail.message_id("event-1")
    assert mail.is_own_message_id(own)
    key, _, domain = own.rpartition("@")
    assert not mail.is_own_message_id(f"{key[:-1]}x@{domain}")
    assert not mail.is_own_message_id(f"{key}@evil.example")

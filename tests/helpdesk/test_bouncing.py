"""Mail that came back: matched to what we sent, shown at it, and put before whoever looks after the ticket."""

import pytest
from sqlalchemy import select, update

from core import bounce_address, jobs
from core.db import db
from core.jobs import Job
from core.mail import OutgoingMail
from helpdesk import inbound, tickets
from helpdesk.intake_models import InboundMail
from helpdesk.models import Ticket
from helpdesk.tickets import Words
from tests.conftest import member
from tests.helpdesk.conftest import compose, fated, the
from tests.helpdesk.desk import act, ask, events_of, ticket_of, words

VACATION = "I am away until Monday and will read your mail then."


@pytest.fixture
def sent(context):
    """The mail to Paula with Bruno's answer to her question."""
    asked = tickets.ask(by=member("paula"), title="Prefix", words=Words(body="How do we get a prefix?"))
    db.session.flush()
    tickets.reply(asked, by=member("bruno"), words=Words(body="Ask for it on the page."))
    db.session.commit()
    jobs.run_until_idle()
    return reply_mail()


def reply_mail() -> OutgoingMail:
    db.session.rollback()
    db.session.expire_all()
    row = db.session.scalars(select(OutgoingMail).where(OutgoingMail.notice == "ticket_reply")).one()
    db.session.expunge(row)
    return row


def notices_to(key) -> list[str]:
    return list(db.session.scalars(select(OutgoingMail.notice).where(OutgoingMail.recipient == member(key).email)))


FORMS = {
    "qmail": ("MAILER-DAEMON@mx.example", "failure notice",
              ("Hi. This is the qmail-send program at mx.example.\nI'm afraid I wasn't able to deliver your message to the "
              "following addresses.\n\n<paula@compras.example>:\n550 5.1.1 no such user\n")),
    "exim": ("mailer-daemon@mx.example", "Mail delivery failed: returning message to sender",
             ("This message was created automatically by mail delivery software.\n\nA message that you sent could not be "
             "delivered to one or more of its recipients.\n\n  paula@compras.example\n    550 User unknown\n")),
    "a gateway of its own kind": ("antispam@gateway.example", "Message rejected",
                                  "Your message to paula@compras.example was rejected by our policy (554 5.7.1).\n"),
    "words alone": ("system@mx.example", "Su mensaje", "El mensaje no se pudo entregar: buzón lleno.\n"),
}  # fmt: skip


@pytest.mark.parametrize("form", FORMS)
def test_a_report_in_any_form_is_matched_by_the_address_that_it_came_to(deliver, sent, form):
    sender, subject, text = FORMS[form]
    row = deliver(compose(sender=sender, subject=subject, text=text, to=bounce_address.make(sent.id)))
    assert (row.fate, f"mail {sent.id}" in row.reason) == ("bounce", True), row.reason
    assert reply_mail().state == "bounced"


def test_a_report_is_matched_by_the_message_id_that_it_quotes_in_its_text(deliver, sent):
    sender, subject, text = FORMS["exim"]
    text += f"\n------ This is a copy of the message ------\n\nMessage-ID: <{sent.message_id}>\nSubject: Re: Prefix\n"
    row = deliver(compose(sender=sender, subject=subject, text=text))
    assert (row.fate, reply_mail().state) == ("bounce", "bounced")


def test_a_report_that_proves_nothing_changes_nothing(deliver, sent):
    sender, subject, text = FORMS["exim"]
    good = bounce_address.make(sent.id)
    for to in (
        "helpdesk@helpdesk.example",
        good.replace(f".{sent.id}.", f".{sent.id + 1}."),
        good.replace("bounce.", "bounce.0"),
    ):
        row = deliver(compose(sender=sender, subject=subject, text=text, to=to))
        assert row.fate in ("bounce", "automatic"), to
    assert reply_mail().state == "sent"
    assert the(sent.about_id).attention == ""


def test_who_is_away_answers_the_envelope_and_nothing_comes_of_it(deliver, sent):
    before = db.session.query(OutgoingMail).count()
    row = deliver(compose(subject="Re: Prefix", text=VACATION, to=bounce_address.make(sent.id)))
    assert row.fate == "automatic"
    assert reply_mail().state == "sent"
    assert (db.session.query(Ticket).count(), db.session.query(OutgoingMail).count()) == (1, before)


def test_what_a_person_wrote_to_a_bounce_address_is_put_in_a_ticket_by_hand(deliver, sent):
    row = deliver(compose(subject="A question", text="Can you help us, too?", to=bounce_address.make(sent.id)))
    assert row.fate == "automatic"
    inbound.replay(db.session.get(InboundMail, row.id), by=member("bruno"), by_hand=True)
    db.session.commit()
    jobs.run_until_idle()
    assert fated(row.id).fate in ("ticket", "reply")


def test_a_delay_is_noted_and_the_ticket_waits_on(deliver, sent):
    row = deliver(compose(sender="mailer-daemon@mx.example", subject="Warning: message delayed",
                          text="451 4.4.1 will retry for 4 days", to=bounce_address.make(sent.id)))  # fmt: skip
    assert row.fate == "bounce"
    assert (reply_mail().state, "4.4.1" in reply_mail().last_error) == ("sent", True)
    assert the(sent.about_id).state == "waiting"


@pytest.mark.parametrize("state", ["waiting", "solved", "closed"])
def test_a_failed_mail_opens_its_ticket_again_and_tells_the_assignee_once(deliver, sent, state):
    number = sent.about_id
    tickets.set_state(the(number), state, by=member("bruno"))
    db.session.commit()
    sender, subject, text = FORMS["exim"]
    for turn in range(2):
        deliver(compose(sender=sender, subject=subject, text=f"{text}{turn}", to=bounce_address.make(sent.id)))
    ticket = the(number)
    assert (ticket.state, ticket.attention) == ("open", "mail-failed")
    assert notices_to("bruno").count("mail_failed") == 1


def test_with_nobody_assigned_the_ticket_shows_in_the_queue_and_on_its_page(app, browser_of, work):
    number = ask(app)
    act(app, number, "reply", words=words("Like so."))
    act(app, number, "assign", None)
    work()
    fail(app, "dead", "550 5.1.1 no such user")
    work()
    assert (ticket_of(app, number)["state"], ticket_of(app, number)["attention"]) == ("open", "mail-failed")
    bruno = browser_of("bruno")
    assert "mail did not arrive" in bruno.get("/desk?view=unassigned").text
    page = bruno.get(f"/desk/tickets/{number}").text
    assert "A mail of this ticket did not arrive." in page
    assert "550 5.1.1 no such user" in page
    with app.app_context():
        mail = db.session.scalar(select(OutgoingMail.id).where(OutgoingMail.notice == "ticket_reply"))
        db.session.remove()
    answer = bruno.send(f"/desk/mail/out/{mail}/retry", {"next": f"/desk/tickets/{number}"})
    assert (answer.status_code, answer.location) == (303, f"/desk/tickets/{number}")
    assert ticket_of(app, number)["attention"] == ""
    work()
    assert "ticket.raised" in events_of(app, number)
    assert "Not delivered" not in bruno.get(f"/desk/tickets/{number}").text


def fail(app, state, reason):
    """As if the mail server had refused the reply for good."""
    from core.events import record

    with app.app_context():
        row = db.session.scalars(select(OutgoingMail).where(OutgoingMail.notice == "ticket_reply")).one()
        row.state, row.last_error = state, reason
        record("mail.failed", row)
        db.session.commit()
        db.session.remove()


def test_a_reply_by_the_desk_ends_the_need_for_attention(app, work):
    number = ask(app)
    act(app, number, "reply", words=words("Like so."))
    work()
    fail(app, "bounced", "550 gone")
    work()
    assert ticket_of(app, number)["attention"] == "mail-failed"
    act(app, number, "reply", words=words("Again, to your other address."))
    assert ticket_of(app, number)["attention"] == ""


def test_a_mail_that_waits_shows_its_next_try_and_is_tried_at_once_by_a_button(app, browser_of, work):
    number = ask(app)
    act(app, number, "reply", words=words("Like so."))
    from datetime import timedelta

    from core.db import now

    work()
    with app.app_context():
        row = db.session.scalars(select(OutgoingMail).where(OutgoingMail.notice == "ticket_reply")).one()
        row.state, row.last_error, row.next_at = "deferred", "451 greylisted", now() + timedelta(minutes=30)
        mail = row.id
        jobs.enqueue("mail.send", key=f"mail-{mail}", delay=1800, mail=mail)
        db.session.commit()
        db.session.remove()
    bruno = browser_of("bruno")
    page = bruno.get(f"/desk/tickets/{number}").text
    assert "Will be tried again" in page
    assert "next try:" in page
    assert "451 greylisted" in page
    assert work() == 0
    assert (
        bruno.send(f"/desk/mail/out/{mail}/retry", {"next": "//evil.example"}).location
        == "/desk/mail/out?state=failed"
    )
    work()
    with app.app_context():
        assert db.session.get(OutgoingMail, mail).state == "sent"
        assert db.session.query(Job).count() == 0
        db.session.remove()
    assert bruno.send(f"/desk/mail/out/{mail}/retry").status_code == 409


def test_a_mail_that_is_being_sent_is_not_sent_again_by_a_button(app, browser_of, work):
    from datetime import timedelta

    from core.db import now

    number = ask(app)
    act(app, number, "reply", words=words("Like so."))
    work()
    with app.app_context():
        db.session.execute(update(OutgoingMail).values(state="deferred", sending_until=now() + timedelta(seconds=60)))
        db.session.commit()
        db.session.remove()
    assert browser_of("bruno").send("/desk/mail/out/1/retry").status_code == 409


def test_a_failed_notice_to_staff_raises_no_ticket(app, work):
    from core.events import record

    number = ask(app)
    act(app, number, "reply", words=words("Like so."))
    act(app, number, "reply", by="paula", words=words("Thanks."))
    work()
    with app.app_context():
        row = db.session.scalars(select(OutgoingMail).where(OutgoingMail.notice == "ticket_answered")).one()
        row.state = "dead"
        record("mail.failed", row)
        db.session.commit()
        db.session.remove()
    work()
    assert ticket_of(app, number)["attention"] == ""

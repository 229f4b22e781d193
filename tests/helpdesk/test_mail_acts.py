"""What staff do with mails of the log: find them, move them, make tickets of them, spam and back, read them again."""

from datetime import timedelta

import pytest
from sqlalchemy import select, text, update

from core import jobs
from core.db import db, now
from core.events import Event
from helpdesk import fates, inbound, mail_moves, mail_search, tickets
from helpdesk.intake_models import InboundMail, RawMail
from helpdesk.models import Message, Ticket
from helpdesk.tickets import Words
from tests.conftest import member
from tests.helpdesk.conftest import compose, the, thread


@pytest.fixture
def stored(app):
    """Stores mails, has them read, and gives their numbers; the application context is closed again."""

    def run(*raws: bytes, mailbox="") -> list[int]:
        with app.app_context():
            numbers = [inbound.store(raw, source="pipe", mailbox=mailbox).id for raw in raws]
            db.session.commit()
            jobs.run_until_idle()
            return numbers

    return run


def with_file(**more) -> bytes:
    from email.message import EmailMessage

    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = (
        "paula@compras.example",
        "helpdesk@helpdesk.example",
        "Wrong place",
    )
    message["Message-ID"] = "<file@mail.example>"
    for name, value in more.items():
        message[name.replace("_", "-")] = value
    message.set_content("This belongs elsewhere: zorblatt.")
    message.add_attachment(b"a,b\n", maintype="text", subtype="csv", filename="datos.csv")
    return bytes(message)


def fate_of(number: int) -> tuple[str, int | None]:
    db.session.rollback()
    row = db.session.execute(select(InboundMail.fate, InboundMail.ticket_id).where(InboundMail.id == number)).one()
    return row.fate, row.ticket_id


def test_a_mail_moves_with_its_files_and_both_histories_tell_it(app, stored, browser_of):
    (number,) = stored(with_file())
    with app.app_context():
        target = tickets.ask(by=member("paula"), title="The right one", words=Words(body="Here."))
        db.session.commit()
        there, here = target.id, fate_of(number)[1]
    staff = browser_of("bruno")
    assert "Move to ticket" in staff.get(f"/desk/mail/{number}").text
    for wrong in ("", "999", "x", str(2**70)):
        assert staff.send(f"/desk/mail/{number}/move", {"ticket": wrong}).status_code == 422
    assert staff.send(f"/desk/mail/{number}/move", {"ticket": f"#{there}"}).status_code == 303
    assert staff.send(f"/desk/mail/{number}/move", {"ticket": str(there)}).status_code == 422
    with app.app_context():
        assert fate_of(number) == ("ticket", there)
        moved = thread(there)[0]
        assert [row.filename for row in moved.attachments] == ["datos.csv"]
        assert (the(there).message_count, the(here).message_count, the(here).state) == (2, 0, "closed")
        names = set(db.session.scalars(select(Event.name).where(Event.subject_kind == "ticket")))
        assert {"ticket.message_moved", "ticket.message_received"} <= names
    assert f"moved a message to ticket {there}" in staff.get(f"/desk/tickets/{here}").text
    assert "datos.csv" in staff.get(f"/desk/tickets/{there}").text
    assert f"/desk/tickets/{there}" in staff.get("/desk?q=zorblatt&view=all").text.partition("<main")[2]


def test_a_reply_of_the_desk_does_not_move(context):
    ticket = tickets.ask(by=member("paula"), title="One", words=Words(body="One."))
    other = tickets.ask(by=member("paula"), title="Two", words=Words(body="Two."))
    message = tickets.reply(ticket, by=member("bruno"), words=Words(body="Answer."))
    with pytest.raises(Exception, match="stays where it was sent"):
        mail_moves.move(message, other, by=member("bruno"))


@pytest.mark.parametrize("raw", [
    with_file(Auto_Submitted="auto-replied"), b"\x00\x01\x02 no mail at all", with_file(X_Spam_Flag="YES"),
    with_file().replace(b"From: paula@compras.example", b"From: nobody"),
    with_file().replace(b"From: paula@compras.example", b"From: helpdesk@helpdesk.example"),
    b"From: a@b.example\n" + b"".join(b'Content-Type: multipart/mixed; boundary="b%d"\n\n--b%d\n' % (n, n) for n in range(80)),
], ids=["automatic", "no mail", "spam", "nobody", "our own", "nested"])  # fmt: skip
def test_any_mail_without_a_ticket_becomes_one_or_goes_into_one(app, stored, browser_of, work, raw):
    number, second = stored(raw, raw.replace(b"<file@", b"<file2@").replace(b"no mail at all", b"nothing at all"))
    staff = browser_of("bruno")
    assert "Make a ticket of it" in staff.get(f"/desk/mail/{number}").text
    assert staff.send(f"/desk/mail/{number}/ticket").status_code == 303
    work()
    with app.app_context():
        fate, ticket = fate_of(number)
        assert (fate, ticket is not None, len(thread(ticket))) == ("ticket", True, 1)
        assert len(thread(ticket)[0].attachments) == 1 or "no mail at all" in thread(ticket)[0].body
    staff.send(f"/desk/mail/{second}/move", {"ticket": str(ticket)})
    work()
    with app.app_context():
        if fate_of(second)[0] != "duplicate":
            assert fate_of(second) == ("reply", ticket)
            assert len(thread(ticket)) == 2
    assert staff.send(f"/desk/mail/{number}/ticket").status_code == 409


def test_spam_closes_its_ticket_keeps_its_sender_out_and_can_be_taken_back(app, stored, browser_of, work):
    sender = "Cheap <cheap@spam.example>"
    (number,) = stored(compose(sender=sender, subject="Buy"))
    staff = browser_of("bruno")
    assert staff.send(f"/desk/mail/{number}/spam").status_code == 303
    (second,) = stored(compose(sender=sender, subject="Buy more"))
    with app.app_context():
        fate, ticket = fate_of(number)
        assert (fate, the(ticket).state, the(ticket).tags) == ("spam", "closed", ["spam"])
        assert fate_of(second) == ("spam", None)
    assert "Staff marked mail of its sender as spam" in staff.get(f"/desk/mail/{second}").text
    assert staff.send(f"/desk/mail/{second}/spam").status_code == 409
    assert staff.send(f"/desk/mail/{second}/not-spam").status_code == 303
    assert staff.send(f"/desk/mail/{number}/not-spam").status_code == 303
    work()
    (third,) = stored(compose(sender=sender, subject="Honest now"))
    with app.app_context():
        assert (fate_of(number)[0], the(ticket).state, the(ticket).tags) == ("ticket", "open", [])
        assert [fate_of(each)[0] for each in (second, third)] == ["ticket", "ticket"]


def test_spam_under_the_name_of_somebody_who_asks_us_does_not_shut_them_out(app, stored, browser_of):
    first, forged = stored(compose(subject="Question"), compose(subject="Buy"))
    assert browser_of("bruno").send(f"/desk/mail/{forged}/spam").status_code == 303
    (later,) = stored(compose(subject="Another question"))
    with app.app_context():
        assert [fate_of(each)[0] for each in (first, forged, later)] == ["ticket", "spam", "ticket"]


def test_all_mails_in_quarantine_for_one_reason_are_read_again_at_once(app, stored, browser_of, work, monkeypatch):
    with monkeypatch.context() as broken:
        broken.setattr(fates, "place_of", None)
        numbers = stored(*[compose(subject=f"Number {each}") for each in range(3)])
    (other,) = stored(compose(sender="nobody"))
    staff = browser_of("bruno")
    page = staff.get("/desk/mail?fate=quarantine").text
    assert page.count("Read all of these again") == 2  # The label of the button, and of its question.
    with app.app_context():
        reason = db.session.get(InboundMail, numbers[0]).reason
    assert staff.send("/desk/mail/replay", {"reason": ""}).status_code == 404
    assert staff.send("/desk/mail/replay", {"reason": reason}).status_code == 303
    work()
    with app.app_context():
        assert [fate_of(each)[0] for each in (*numbers, other)] == ["ticket"] * 3 + ["quarantine"]


def test_a_mail_is_found_by_day_mailbox_and_words_also_one_that_we_sent(app, stored, browser_of):
    (old,) = stored(compose(subject="Très ancien contrat", sender="Nadia Ba <nadia@armp.example>"), mailbox="help")
    stored(compose(subject="New question"))
    with app.app_context():
        db.session.execute(
            update(InboundMail).where(InboundMail.id == old).values(received_at=now() - timedelta(days=40))
        )
        db.session.commit()
    staff = browser_of("bruno")
    day = (now() - timedelta(days=20)).date().isoformat()
    for query, found in (
        (f"until={day}", ["Très ancien contrat"]), (f"since={day}", ["New question"]), ("mailbox=help", ["Très ancien contrat"]),
        ("q=tres+contrat" if "sqlite" in app.extensions["settings"].database_url else "q=très+contrat", ["Très ancien contrat"]),
        ("q=Nadia", ["Très ancien contrat"]), ("q=nadia@armp.ex", ["Très ancien contrat"]), ("q=contrat+question", []),
        ("q=armp&fate=ticket&mailbox=help", ["Très ancien contrat"]), ("since=x&until=2026-13-45", ["New question", "Très ancien contrat"]),
        ("since=2999-01-01", []), ("q=%22%27*+AND+(", []), ("q=NEAR(a+b)", []), ("q=question-", ["New question"]),
    ):  # fmt: skip
        page = staff.get(f"/desk/mail?{query}")
        assert page.status_code == 200
        table = page.text.partition("<tbody>")[2]
        assert [title for title in ("New question", "Très ancien contrat") if title in table] == found, query
    assert "Mail that we sent" in staff.get("/desk/mail?q=nadia@armp.example").text


def test_what_a_mail_says_of_itself_is_found_anew_when_it_is_read_again(context):
    row = inbound.store(compose(subject="Alpha"), source="pipe")
    db.session.flush()
    row.subject = "Alpha"
    db.session.flush()
    row.subject = "Beta"
    db.session.flush()

    def found(words):
        return db.session.scalars(select(InboundMail.id).where(mail_search.matching(words))).all()

    assert (found("alpha"), found("beta"), found("bet")) == ([], [row.id], [row.id])
    db.session.delete(row)
    db.session.flush()
    assert found("beta") == []


def _bound(compiled):
    """The values of a compiled statement, as its driver wants them."""
    return tuple(compiled.params[name] for name in compiled.positiontup) if compiled.positional else compiled.params


@pytest.mark.slow
def test_the_log_stays_quick_with_many_mails(context):
    """No list, filter or search walks the whole table; shown by the plans of the database."""
    db.session.add(RawMail(sha256="0" * 64, content=b"x"))
    db.session.flush()
    moment = now() - timedelta(days=400)
    for start in range(0, 20_000, 5_000):
        db.session.execute(InboundMail.__table__.insert(), [
            {"sha256": "0" * 64, "size": 1, "source": "pipe", "mailbox": f"box{each % 5}", "fate": ("ticket", "reply", "automatic")[each % 3],
             "received_at": moment + timedelta(minutes=each), "message_id": f"m{each}@x.example", "sender": f"p{each % 700}@x{each % 90}.example",
             "sender_name": "", "subject": f"Question {each} about prefixes", "reason": "", "content_sha256": "", "place": "", "is_settled": True,
             "proof": "", "spf": "", "dkim": "", "dmarc": ""} for each in range(start, start + 5_000)
        ])  # fmt: skip
    db.session.commit()
    if db.engine.dialect.name == "postgresql":
        db.session.execute(text("ANALYZE inbound_mail"))
    newest = select(InboundMail.id).order_by(InboundMail.id.desc()).limit(51)
    lists = {
        "all": newest, "fate": newest.where(InboundMail.fate == "quarantine"), "mailbox": newest.where(InboundMail.mailbox == "box3"),
        "both": newest.where(InboundMail.mailbox == "box3", InboundMail.fate == "spam"),
        "words": newest.where(mail_search.matching("p17")), "id": newest.where(InboundMail.message_id == "m9@x.example"),
        "day": select(InboundMail.id).where(InboundMail.received_at >= moment).order_by(InboundMail.received_at, InboundMail.id).limit(1),
    }  # fmt: skip
    slow = {}
    for name, statement in lists.items():
        compiled = statement.compile(db.engine)
        explain = "EXPLAIN" if db.engine.dialect.name == "postgresql" else "EXPLAIN QUERY PLAN"
        plan = "\n".join(
            str(row) for row in db.session.connection().exec_driver_sql(f"{explain} {compiled}", _bound(compiled))
        )
        if (
            "Seq Scan on inbound_mail" in plan
            or ("SCAN inbound_mail'" in plan and "USING" not in plan)
            or "TEMP B-TREE FOR ORDER" in plan
        ):
            slow[name] = plan
    assert {name: plan for name, plan in slow.items() if name != "all"} == {}
    assert db.session.scalar(select(Message.id).limit(1)) is None
    assert db.session.scalar(select(Ticket.id).limit(1)) is None

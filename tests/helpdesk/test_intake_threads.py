"""Mails find their ticket: in any order, after it was closed, passed on by staff; what is secret stays with staff."""

import os
import random
import string
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import func, select, update

from core import jobs
from core.db import db, now
from core.events import Event
from core.mail import OutgoingMail
from helpdesk import code_mails, inbound, intake, reply_address, tickets
from helpdesk.intake_models import InboundMail
from helpdesk.mail_trust_models import AwaitedMail
from helpdesk.models import Participant, Ticket
from helpdesk.tickets import Words
from tests.conftest import member
from tests.helpdesk.conftest import compose, the, thread


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


def count(model) -> int:
    return db.session.scalar(select(func.count()).select_from(model))


@pytest.mark.parametrize("order", [(0, 1, 2), (0, 2, 1), (1, 0, 2), (1, 2, 0), (2, 0, 1), (2, 1, 0)])
def test_three_mails_of_one_thread_join_up_in_whatever_order_they_come(deliver, order):
    mails = [
        compose(Message_ID="<m0@compras.example>", text="First."),
        compose(Message_ID="<m1@compras.example>", text="Second.", In_Reply_To="<m0@compras.example>"),
        compose(Message_ID="<m2@compras.example>", text="Third.", In_Reply_To="<m1@compras.example>",
                References="<m0@compras.example> <m1@compras.example>"),
    ]  # fmt: skip
    rows = [deliver(mails[place]) for place in order]
    number = rows[0].ticket_id
    assert sorted(message.body for message in thread(number)) == ["First.", "Second.", "Third."]
    assert the(number).message_count == 3
    with_messages = db.session.scalars(select(Ticket.id).where(Ticket.message_count > 0)).all()
    assert with_messages == [number]


def test_two_answers_that_came_before_their_mail_are_brought_together_by_it(deliver):
    one = deliver(compose(Message_ID="<a@c.example>", text="One.", In_Reply_To="<first@c.example>"))
    two = deliver(compose(Message_ID="<b@c.example>", text="Two.", In_Reply_To="<first@c.example>"))
    assert one.ticket_id != two.ticket_id
    first = deliver(compose(Message_ID="<first@c.example>", text="First."))
    assert (first.fate, first.ticket_id) == ("reply", one.ticket_id)
    assert sorted(message.body for message in thread(one.ticket_id)) == ["First.", "One.", "Two."]
    assert (the(two.ticket_id).state, the(two.ticket_id).message_count) == ("closed", 0)
    assert count(AwaitedMail) == 0
    log = db.session.scalars(select(InboundMail.ticket_id).order_by(InboundMail.id)).all()
    assert set(log) == {one.ticket_id}


def test_a_stranger_who_guesses_an_id_in_advance_gets_nothing_of_the_mail_that_bears_it(deliver):
    trap = deliver(compose(sender="mallory@evil.example", In_Reply_To="<first@compras.example>", text="Trap."))
    mail = deliver(compose(Message_ID="<first@compras.example>", text="Confidential."))
    assert mail.fate == "ticket"
    assert mail.ticket_id != trap.ticket_id
    assert [message.body for message in thread(trap.ticket_id)] == ["Trap."]


def test_an_answer_soon_after_the_end_opens_the_ticket_again_and_a_late_one_opens_a_linked_one(deliver, ticket):
    tickets.close(the(ticket), by=member("bruno"))
    db.session.commit()
    assert deliver(compose(to=address_for(ticket), text="Soon.")).ticket_id == ticket
    assert the(ticket).state == "open"
    tickets.close(the(ticket), by=member("bruno"))
    db.session.execute(update(Event).where(Event.name == "ticket.moved").values(at=now() - timedelta(days=31)))
    db.session.commit()
    late = deliver(compose(to=address_for(ticket), subject="Re: Prefix", text="Late."))
    assert (late.fate, late.ticket_id != ticket, the(ticket).state) == ("ticket", True, "closed")
    assert the(late.ticket_id).follows_id == ticket
    assert [each.id for each in tickets.linked(the(ticket), member("paula"))] == [late.ticket_id]
    assert [each.id for each in tickets.linked(the(late.ticket_id), member("paula"))] == [ticket]
    assert tickets.linked(the(ticket), member("quentin")) == []
    assert db.session.scalar(select(Event.id).where(Event.name == "ticket.followed")) is not None


def test_both_pages_of_tickets_that_go_on_with_each_other_say_so(app, browser_of):
    with app.app_context():
        first = tickets.ask(by=member("paula"), title="The first", words=Words(body="One."))
        db.session.flush()
        second = tickets.ask(by=member("paula"), title="The second", words=Words(body="Two."), follows=first)
        db.session.commit()
        numbers = first.id, second.id
    for who, path in (("bruno", "/desk/tickets/{}"), ("paula", "/tickets/{}")):
        reader = browser_of(who)
        for here, there in (numbers, numbers[::-1]):
            page = reader.get(path.format(here)).text
            assert f'/tickets/{there}"' in page, (who, here)


CANARIES = [
    ("no-reply@slack.example", "Your verification code is 482913", "Enter 482913 to sign in."),
    ("account@service.example", "Confirm your email", "Your security code: 771 204. It ends in ten minutes."),
    ("hello@saas.example", "Verify your email address", "Click https://saas.example/verify?token=abcdef0123456789"),
    ("noreply@git.example", "[Git] Please reset your password", "Use https://git.example/reset/0123456789abcdef"),
    ("invites@work.example", "Ana has invited you to join the team", "Join: https://work.example/i/abcdefgh12345678"),
    ("no-responder@banco.example", "Código de verificación", "Tu código de verificación es 119203."),
    ("cuentas@servicio.example", "Confirme su correo", "Haga clic: https://servicio.example/c/abcdefgh12345678"),
    ("ne-pas-repondre@service.example", "Votre code", "Votre code de vérification : 663 120"),
    ("comptes@service.example", "Confirmez votre adresse", "Cliquez : https://service.example/c/abcdefgh12345678"),
    ("nao-responda@servico.example", "Seu código", "Seu código de segurança é 903311"),
    ("noreply@dienst.example", "Ihr Code", "Ihr Bestätigungscode lautet 204418."),
    ("noreply@service.example", "Код подтверждения", "Ваш код подтверждения: 551092"),
    ("noreply@service.example", "رمز التحقق", "رمز التحقق الخاص بك هو 731985"),
    ("team@service.example", "Welcome", "Your one-time password is K7Q-94PD. Do not share it."),
    ("paula@compras.example", "Your verification code is 640017", "Use 640017 within ten minutes."),
]


@pytest.mark.parametrize("place", ["address", "number", "helpdesk"])
def test_codes_of_other_services_are_shown_to_staff_alone(app, browser_of, work, place):
    with app.app_context():
        asked = tickets.ask(by=member("paula"), title="Prefix", words=Words(body="How?"))
        db.session.commit()
        number = asked.id
        to = address_for(number) if place == "address" else "helpdesk@helpdesk.example"
        ids = []
        for turn, (sender, subject, text) in enumerate(CANARIES):
            if place == "address" and sender == "paula@compras.example":
                continue
            subject = f"{subject} [#{number}]" if place == "number" else subject
            raw = compose(
                sender=sender, subject=subject, text=f"{text}\n\nCANARY", to=to, Message_ID=f"<c{turn}@x.example>"
            )
            ids.append(inbound.store(raw, source="pipe").id)
        db.session.commit()
    work()
    with app.app_context():
        rows = db.session.scalars(select(InboundMail).where(InboundMail.id.in_(ids))).all()
        assert [row.subject for row in rows if row.fate not in ("ticket", "reply")] == []
        assert [row.subject for row in rows if row.ticket_message.kind != "internal"] == []
        outside = [row.text + row.subject for row in db.session.scalars(select(OutgoingMail))
                   if not row.recipient.endswith("@helpdesk.example")]  # fmt: skip
        numbers = sorted({row.ticket_id for row in rows} | {number})
    paula = browser_of("paula")
    seen = [*outside, paula.get("/tickets").text, paula.get("/api/v1/tickets").text]
    for each in numbers:
        seen += [paula.get(f"/tickets/{each}").text, paula.get(f"/api/v1/tickets/{each}").text]
    codes = (
        "CANARY",
        "482913",
        "771 204",
        "119203",
        "663 120",
        "903311",
        "204418",
        "551092",
        "731985",
        "K7Q-94PD",
        "640017",
        "abcdef",
    )
    assert [code for code in codes for text in seen if code in text] == []
    assert "CANARY" in browser_of("bruno").get(f"/desk/tickets/{numbers[-1]}").text


@pytest.mark.parametrize(("subject", "text"), [
    ("Prefix", "How do we get a prefix for 2026? We have 14000 tenders."), ("Buyer codes", "Which code list has the code 45233120?"),
    ("Registration number", "Our registration number 900123456 is in the file. See https://compras.example/data.json"),
    ("Identifiants", "Bonjour, le code du marché est 2025-001, montant 125000."),
    ("Re: Confirm your data", "We confirm your 3 points. See https://compras.example/releases/2024"),
    ("Validación", "¿El código de la entidad 890399 es válido? Ver https://x.example/datos"),
])  # fmt: skip
def test_ordinary_questions_with_codes_in_them_are_no_secrets(deliver, subject, text):
    assert thread(deliver(compose(subject=subject, text=text)).ticket_id)[0].kind == "public"


def test_our_own_codes_never_come_in_and_own_addresses_prove_nothing(deliver, context):
    row = deliver(compose(sender="helpdesk@helpdesk.example", subject="Your sign-in code is 123456"))
    assert row.fate == "ignored"
    assert code_mails.is_machine_address("no-reply+abc@helpdesk.example")


FORWARD = (
    "Could somebody look at this?\n\n---------- Forwarded message ---------\nFrom: Nadia Ba <nadia@armp.example>\n"
    "Date: Mon, 2 Nov 2026 at 09:00\nSubject: Identifiants\nTo: Bruno <bruno@helpdesk.example>\n\n"
    "Bonjour, comment choisir nos identifiants ?\n"
)


def test_a_mail_that_staff_pass_on_opens_a_ticket_of_whoever_wrote_it(deliver):
    row = deliver(compose(sender="Bruno Keller <bruno@helpdesk.example>", subject="Fwd: Identifiants", text=FORWARD))
    ticket = the(row.ticket_id)
    assert (row.fate, ticket.requester.email, ticket.requester.name, ticket.title) == (
        "ticket", "nadia@armp.example", "Nadia Ba", "Identifiants",
    )  # fmt: skip
    asked, noted = thread(ticket.id)
    assert (asked.kind, asked.is_verified, "comment choisir" in asked.body) == ("public", False, True)
    assert "Could somebody" not in asked.body + asked.full_text
    assert "Bruno Keller" in asked.remark
    assert (noted.kind, noted.author.email, noted.body) == (
        "internal",
        "bruno@helpdesk.example",
        "Could somebody look at this?",
    )


@pytest.mark.parametrize(("result", "requester"), [
    ("dmarc=pass header.from=helpdesk.example", "nadia@armp.example"), ("dmarc=fail", "bruno@helpdesk.example"),
])  # fmt: skip
def test_where_mail_is_judged_only_proved_staff_pass_mail_on(deliver, context, result, requester):
    settings = context.extensions["settings"]
    context.extensions["settings"] = replace(settings, mail=replace(settings.mail, authserv_id="mx.example"))
    raw = compose(sender="bruno@helpdesk.example", subject="Fwd: Identifiants", text=FORWARD)
    row = deliver(f"Authentication-Results: mx.example; {result}\r\n".encode() + raw)
    assert the(row.ticket_id).requester.email == requester


def test_a_mail_that_anybody_else_passes_on_is_their_own(deliver):
    row = deliver(compose(subject="Fwd: Identifiants", text=FORWARD))
    assert the(row.ticket_id).requester.email == "paula@compras.example"


def test_what_the_spam_filter_marked_stays_in_the_log_and_comes_back_by_hand(deliver, context):
    row = deliver(compose(X_Spam_Flag="YES"))
    assert (row.fate, row.ticket_id) == ("spam", None)
    assert deliver(compose(X_Spam_Status="No, score=-1.0")).fate == "ticket"
    assert deliver(compose(X_Spam_Status="Yes, score=9.1 required=5.0")).fate == "spam"
    settings = context.extensions["settings"]
    context.extensions["settings"] = replace(settings, mail=replace(settings.mail, believe_spam_flag=False))
    assert deliver(compose(X_Spam_Flag="YES")).fate == "ticket"


def forged_mails(ticket: int, others: dict[str, str], chance: random.Random, turns: int):
    """Mails that try everything that can be guessed, copied, cut or bent."""
    good = address_for(ticket)
    local, _, domain = good.partition("@")
    user, mark = member("paula").id, local[-26:]
    sent = db.session.scalars(select(OutgoingMail.message_id).where(OutgoingMail.notice == "ticket_reply")).first()
    key, _, own_domain = sent.rpartition("@")
    alphabet = string.ascii_lowercase + "234567"

    def flipped(text, length=26):
        place = chance.randrange(len(text) - length, len(text))
        return text[:place] + chance.choice([each for each in alphabet if each != text[place]]) + text[place + 1 :]

    for turn in range(turns):
        address = chance.choice([
            f"{flipped(local)}@{domain}", f"{local}@evil.example", f"{local[: chance.randrange(12, len(local))]}@{domain}",
            f"{local}{chance.choice(alphabet)}@{domain}", f"helpdesk+t{ticket + 1}.u{user}.{mark}@{domain}",
            f"helpdesk+t{ticket}.u{user + 1}.{mark}@{domain}", f"helpdesk+t{ticket}.s{user}.{mark}@{domain}", others["old"],
            f"{flipped(local).upper()}@{domain.upper()}", f"HELPDESK+T{ticket}.U{user + 1}.{mark.upper()}@{domain}",
            f"helpdesk+t{ticket}.u{user}.{''.join(chance.choice(alphabet) for _ in range(26))}@{domain}",
            f"helpdesk+t0{ticket}.u{user}.{mark}@{domain}", f"helpdesk+t{ticket}.u{user}@{domain}", f"{local}.{mark}@{domain}",
            f"helpdesk-t{ticket}.u{user}.{mark}@{domain}", f"t{ticket}.u{user}.{mark}@{domain}", others["other_ticket"].replace(".u", ".u1"),
        ])  # fmt: skip
        reference = chance.choice([
            f"{flipped(key)}@{own_domain}", sent, f"{key}@evil.example", sent[:-1], f"{ticket}@{own_domain}", sent.upper(),
            f"event-{turn}.{''.join(chance.choice(alphabet) for _ in range(26))}@{own_domain}", others["stored"],
        ])  # fmt: skip
        subject = chance.choice(
            [f"[#{ticket}]", f"Re: Prefix [#{ticket}] [#{ticket}]", f"[# {ticket}]", f"#{ticket}", "Prefix"]
        )
        sender = chance.choice([f"mallory{turn}@evil.example", "bruno@helpdesk.example", "dalia@dncp.example",
                                f'"paula@compras.example" <mallory{turn}@evil.example>', f"paula@compras.example.evil{turn}.example"])  # fmt: skip
        yield compose(
            sender=sender, to=address, subject=subject, text=f"Forged {turn}", In_Reply_To=f"<{reference}>",
            Message_ID=f"<forged-{turn}@evil.example>",
        )  # fmt: skip


@pytest.mark.slow
def test_of_two_thousand_forged_mails_none_is_in_a_ticket_and_none_is_lost(deliver, ticket):
    """A fifth of them in the short run; FAULTS=full for all."""
    turns = 2000 if os.environ.get("FAULTS") == "full" else 400
    stored = deliver(compose(Message_ID="<stored@compras.example>", text="Another question.")).ticket_id
    others = {"old": address_for(ticket), "other_ticket": address_for(stored), "stored": "stored@compras.example"}
    db.session.execute(update(Participant).where(Participant.ticket_id == ticket).values(key_version=2))
    db.session.commit()
    before = {number: len(thread(number)) for number in (ticket, stored)}
    sent_before = db.session.scalar(select(func.count()).select_from(OutgoingMail))
    numbers = [inbound.store(raw, source="pipe").id for raw in forged_mails(ticket, others, random.Random(25), turns)]
    db.session.commit()
    for start in range(0, len(numbers), 50):
        payloads = [{"mail": number} for number in numbers[start : start + 50]]
        loaded = intake.load(payloads)
        db.session.rollback()
        intake.decide(intake.parse(loaded))
        db.session.commit()
    db.session.expire_all()
    assert {number: len(thread(number)) for number in before} == before
    rows = db.session.execute(select(InboundMail.fate, InboundMail.ticket_id).where(InboundMail.id.in_(numbers))).all()
    assert {row.fate for row in rows} <= {"ticket", "quarantine"}
    opened = {row.ticket_id for row in rows if row.fate == "ticket"}
    assert len(opened) + sum(row.fate == "quarantine" for row in rows) == turns
    assert opened.isdisjoint(before)
    assert db.session.scalar(select(func.count()).select_from(OutgoingMail)) == sent_before

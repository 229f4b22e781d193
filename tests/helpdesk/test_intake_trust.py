"""Who sent a mail: what our own server says counts, and nothing that a sender can write."""

from dataclasses import replace

import pytest
from sqlalchemy import func, select

from core import jobs
from core.db import db
from core.mail import OutgoingMail
from helpdesk import inbound, reply_address, sender_proof, tickets
from helpdesk.fates import header_of
from helpdesk.intake_models import InboundMail
from helpdesk.mail_trust_models import ProposedParticipant
from helpdesk.models import Ticket
from helpdesk.tickets import Words
from tests.conftest import member
from tests.helpdesk.conftest import compose, the, thread

OURS = "mx.helpdesk.example"
BRUNO = "bruno@helpdesk.example"
PASS = f"{OURS}; spf=pass smtp.mailfrom=helpdesk.example; dkim=pass header.d=helpdesk.example; dmarc=pass header.from=helpdesk.example"
FAIL = f"{OURS}; spf=fail smtp.mailfrom=evil.example; dkim=none; dmarc=fail (p=none) header.from=helpdesk.example"


@pytest.fixture
def judging(context):
    """A mail server in front of us that judges mail, under a name that the settings know."""
    settings = context.extensions["settings"]
    context.extensions["settings"] = replace(settings, mail=replace(settings.mail, authserv_id=OURS))
    return context


@pytest.fixture
def ticket(context):
    """Paula's question, which Bruno looks after."""
    asked = tickets.ask(by=member("paula"), title="Prefix", words=Words(body="How do we get a prefix?"))
    db.session.flush()
    tickets.reply(asked, by=member("bruno"), words=Words(body="Ask for it on the page."))
    db.session.commit()
    number = asked.id
    jobs.run_until_idle()
    return number


def staff_address(ticket: int, key="bruno") -> str:
    return reply_address.make_for_staff(the(ticket), member(key))


def address_for(ticket: int, key="paula") -> str:
    user = member(key)
    return reply_address.make(the(ticket), next(part for part in the(ticket).participants if part.user_id == user.id))


def with_top(raw: bytes, *lines: str) -> bytes:
    """A mail with fields above all that its sender wrote, as servers put them there."""
    return "".join(f"{line}\r\n" for line in lines).encode() + raw


def sent() -> int:
    return db.session.scalar(
        select(func.count()).select_from(OutgoingMail).where(OutgoingMail.notice == "ticket_reply")
    )


def proof(*lines: str, sender=BRUNO, raw=None) -> sender_proof.Proof:
    return sender_proof.judge(header_of(with_top(raw or compose(sender=sender), *lines)), OURS, BRUNO)


def test_staff_answer_by_mail_with_both_proofs_and_the_customer_gets_it(judging, deliver, ticket):
    before = sent()
    raw = compose(sender=f"Bruno Keller <{BRUNO}>", to=staff_address(ticket), text="It takes two days.")
    row = deliver(with_top(raw, f"Authentication-Results: {PASS}"))
    message = thread(ticket)[-1]
    assert (row.fate, row.proof, row.dmarc) == ("reply", "dmarc", "pass")
    assert (message.kind, message.by_staff, message.proof) == ("public", True, "dmarc")
    assert sent() == before + 1


@pytest.mark.parametrize("top", [
    (), (f"Authentication-Results: {FAIL}",), ("Authentication-Results: mx.evil.example; dmarc=pass header.from=helpdesk.example",),
    (f"Authentication-Results: {FAIL}", f"Authentication-Results: {PASS}"),
    (f"Authentication-Results: {OURS}; spf=pass; dkim=pass", "Received: by elsewhere", f"Authentication-Results: {PASS}"),
    ("Authentication-Results: mx.evil.example; none", f"Authentication-Results: {PASS}"),
    (f"Authentication-Results: mx.evil.example ({OURS}); dmarc=pass header.from=helpdesk.example",),
    (f"Authentication-Results: {OURS}; dmarc=pass header.from=evil.example",),
    (f'Authentication-Results: {OURS}; dmarc=fail (dmarc=pass) reason="; dmarc=pass" header.from=helpdesk.example',),
    (f"Authentication-Results: {OURS}.evil.example; dmarc=pass header.from=helpdesk.example",),
    (f"X-Authentication-Results: {PASS}",), (f"ARC-Authentication-Results: i=1; {PASS}",),
])  # fmt: skip
def test_nothing_but_our_own_word_at_the_top_proves_a_sender(judging, deliver, ticket, top):
    before, state = sent(), the(ticket).state
    raw = compose(sender=BRUNO, to=staff_address(ticket), text="Please pay here.")
    row = deliver(with_top(raw, *top))
    message = thread(ticket)[-1]
    assert (row.fate, row.proof) == ("reply", "none")
    assert (message.kind, message.is_verified, bool(message.remark)) == ("internal", False, True)
    assert (sent(), the(ticket).state) == (before, state)


# After the 22 cases of espoofer, and more: what one reader takes for the desk and another does not.
FORMS = [
    f"From: evil@evil.example\r\nFrom: {BRUNO}", f"From: {BRUNO}\r\nFrom: evil@evil.example", f"From: {BRUNO}, evil@evil.example",
    f"From: evil@evil.example, {BRUNO}", f"From: <{BRUNO}> <evil@evil.example>", f"From: <evil@evil.example> <{BRUNO}>",
    f'From: "{BRUNO}" <evil@evil.example>', f"From: {BRUNO} <evil@evil.example>", f"From: Desk:{BRUNO};", f"From: desk: evil@evil.example, {BRUNO};",
    "From: =?utf-8?b?YnJ1bm9AaGVscGRlc2suZXhhbXBsZQ==?=", "From: =?utf-8?q?bruno=40helpdesk.example?= <evil@evil.example>",
    f"From: <@evil.example:{BRUNO}>", f"From: evil@evil.example\r\nSender: {BRUNO}", f"From: evil@evil.example\r\nReply-To: {BRUNO}",
    f"From:\r\nSender: {BRUNO}", f"Sender: {BRUNO}", f"From: {BRUNO}(evil@evil.example)", f"From: (comment) <{BRUNO}> <evil@evil.example>",
    f"From: {BRUNO}\\<evil@evil.example>", f'From: "<{BRUNO}>" <evil@evil.example>', f"From : {BRUNO}\r\nFrom: evil@evil.example",
    f"From\r\n : {BRUNO}\r\nFrom: evil@evil.example", "From: bruno@helpdesk.example@evil.example", f"From: evil@evil.example\0,{BRUNO}",
    'From: "bruno"@helpdesk.example', "From: bruno@helpdesk.example.evil.example", f"from: {BRUNO}\r\nFROM: {BRUNO}",
    f"From: <{BRUNO}>,<evil@evil.example>", f"From: Bruno <{BRUNO}", f"From: evil@evil.example\r\nResent-From: {BRUNO}",
    "From: bruno@helpdesk.example\u2028From: evil@evil.example", f"From:\t\r\n {BRUNO},\r\n evil@evil.example",
]  # fmt: skip


@pytest.mark.parametrize("address", ["reply", "staff", "helpdesk"])
def test_no_form_of_from_lets_a_stranger_speak_for_the_desk(judging, ticket, address):
    """The server's word is about the domain that it saw, which passed: its own. The desk must not be what we saw."""
    before, state, count = sent(), the(ticket).state, len(thread(ticket))
    to = {"reply": address_for(ticket), "staff": staff_address(ticket), "helpdesk": "helpdesk@helpdesk.example"}[
        address
    ]
    numbers = []
    passed = f"Authentication-Results: {OURS}; dmarc=pass header.from=evil.example"
    for turn, form in enumerate(FORMS):
        raw = f"{passed}\r\n{form}\r\nTo: {to}\r\nSubject: [#{ticket}]\r\nMessage-ID: <{address}-{turn}@evil.example>\r\n\r\nPay here {turn}.\r\n"
        numbers.append(inbound.store(raw.encode(), source="pipe").id)
    db.session.commit()
    jobs.run_until_idle()
    rows = db.session.scalars(select(InboundMail).where(InboundMail.id.in_(numbers))).all()
    assert {row.fate for row in rows} <= {"ticket", "reply", "quarantine"}
    new = thread(ticket)[count:]
    assert [message.body for message in new if message.by_staff and message.kind == "public"] == []
    assert [message.body for message in new if message.author.is_staff and message.kind == "public"] == []
    assert [row.sender for row in rows if row.proof == "dmarc" and row.sender == BRUNO] == []
    assert sent() == before
    if address == "helpdesk":
        assert (len(new), the(ticket).state) == (0, state)


def test_a_proved_staff_address_without_the_reply_address_leaves_a_note(judging, deliver, ticket):
    tickets.add_participant(the(ticket), member("carla"), by=member("bruno"))
    db.session.commit()
    raw = compose(sender="carla@helpdesk.example", subject=f"[#{ticket}]", text="By number alone.")
    deliver(with_top(raw, f"Authentication-Results: {PASS}"))
    assert (thread(ticket)[-1].kind, thread(ticket)[-1].body) == ("internal", "By number alone.")


def test_whoever_left_the_desk_has_no_voice_by_mail(judging, deliver, ticket):
    address = staff_address(ticket)
    bruno = member("bruno")
    bruno.role_rows.clear()
    db.session.commit()
    deliver(with_top(compose(sender=BRUNO, to=address, text="Still here."), f"Authentication-Results: {PASS}"))
    assert "Still here." not in [message.body for message in thread(ticket)]


def test_the_address_of_one_colleague_does_not_serve_another(judging, deliver, ticket):
    raw = compose(sender="carla@helpdesk.example", to=staff_address(ticket), text="As Bruno.")
    deliver(with_top(raw, f"Authentication-Results: {PASS}"))
    assert (thread(ticket)[-1].kind, thread(ticket)[-1].body) == ("internal", "As Bruno.")


def test_notices_to_staff_carry_their_address_where_mail_is_judged(judging, deliver, ticket):
    deliver(compose(to=address_for(ticket), text="One more thing."))
    statement = select(OutgoingMail.reply_to).where(OutgoingMail.notice == "ticket_answered")
    found = reply_address.find([db.session.scalars(statement).one()])
    assert (found.ticket.id, found.user.email) == (ticket, BRUNO)


def test_a_failed_check_outweighs_a_reply_address_and_a_passed_one_is_shown(judging, deliver, ticket):
    fails = f"Authentication-Results: {OURS}; dmarc=fail header.from=compras.example"
    deliver(with_top(compose(to=address_for(ticket), text="Perhaps Paula."), fails))
    assert (thread(ticket)[-1].kind, thread(ticket)[-1].is_verified, thread(ticket)[-1].proof) == (
        "public",
        False,
        "none",
    )
    passes = f"Authentication-Results: {OURS} 1; dmarc=pass (p=reject) header.from=compras.example"
    deliver(with_top(compose(subject=f"[#{ticket}]", text="Surely Paula."), passes))
    assert (thread(ticket)[-1].is_verified, thread(ticket)[-1].proof) == (True, "dmarc")


def test_results_are_read_as_the_rfc_writes_them():
    assert proof(f"Authentication-Results: {PASS}") == sender_proof.Proof("dmarc", "pass", "pass", "pass")
    nested = f'Authentication-Results: "{OURS}" 1 (a (b) c); dkim=fail; dkim=pass; dmarc = pass (x) header.from = helpdesk.example'
    assert proof(nested) == sender_proof.Proof("dmarc", "", "pass", "pass")
    assert proof(f"Authentication-Results: {OURS.upper()}; none").level == "none"
    assert sender_proof.judge(header_of(with_top(compose(), f"Authentication-Results: {PASS}")), "", BRUNO).level == ""
    foreign = "Authentication-Results: other.example; dmarc=pass"
    read = sender_proof.results(header_of(with_top(compose(), f"Authentication-Results: {PASS}", foreign)), OURS)
    assert [(result.authserv_id, result.is_ours) for result in read] == [(OURS, True), ("other.example", False)]


def test_a_name_that_looks_like_an_address_is_not_shown(deliver):
    row = deliver(compose(sender='"bruno@helpdesk.example" <evil@evil.example>'))
    assert (row.sender, row.sender_name, the(row.ticket_id).requester.name) == ("evil@evil.example", "", "")


def test_new_people_in_a_mail_are_proposed_and_get_nothing_by_themselves(deliver, ticket):
    before = db.session.scalar(select(func.count()).select_from(OutgoingMail))
    others = "Dalia <dalia@dncp.example>, new@x.example, helpdesk@helpdesk.example, bruno@helpdesk.example, no-reply@x.example"
    deliver(compose(to=f"{address_for(ticket)}", Cc=f"{others}, {staff_address(ticket)}", text="With others."))
    deliver(compose(sender="colleague@compras.example", to=address_for(ticket), text="I answer for Paula."))
    rows = db.session.scalars(select(ProposedParticipant).order_by(ProposedParticipant.id)).all()
    assert [(row.email, row.way, row.state) for row in rows] == [
        ("dalia@dncp.example", "cc", "open"), ("new@x.example", "cc", "open"), ("colleague@compras.example", "sender", "open"),
    ]  # fmt: skip
    assert [part.user.email for part in the(ticket).participants] == ["paula@compras.example"]
    told = db.session.scalars(select(OutgoingMail.recipient).where(OutgoingMail.id > before)).all()
    assert set(told) <= {BRUNO}


def test_staff_let_a_proposed_person_in_or_not_beside_the_ticket(app, browser_of):
    with app.app_context():
        ticket = tickets.ask(by=member("paula"), title="Prefix", words=Words(body="How?"))
        db.session.flush()
        number = ticket.id
        for address in ("in@x.example", "out@x.example"):
            db.session.add(ProposedParticipant(ticket_id=number, email=address))
        db.session.commit()
    staff = browser_of("bruno")
    page = staff.get(f"/desk/tickets/{number}").text
    assert "in@x.example" in page
    assert staff.send(f"/desk/tickets/{number}/proposals/1", {"answer": "accept"}).status_code == 303
    assert staff.send(f"/desk/tickets/{number}/proposals/2", {"answer": "dismiss"}).status_code == 303
    assert staff.send(f"/desk/tickets/{number}/proposals/2", {"answer": "accept"}).status_code == 409
    assert staff.send(f"/desk/tickets/{number}/proposals/9", {"answer": "accept"}).status_code == 404
    assert browser_of("quentin").send(f"/desk/tickets/{number}/proposals/1", {"answer": "accept"}).status_code in (
        403,
        404,
    )
    with app.app_context():
        assert [part.user.email for part in the(number).participants] == ["paula@compras.example", "in@x.example"]
    assert "out@x.example" not in staff.get(f"/desk/tickets/{number}").text


def test_a_new_ticket_under_the_name_of_staff_reaches_no_customer(deliver):
    row = deliver(compose(sender=BRUNO, subject="To all", text="Send me your password."))
    assert [part.user.email for part in the(row.ticket_id).participants] == [BRUNO]
    assert db.session.scalar(select(func.count()).select_from(Ticket)) == 1

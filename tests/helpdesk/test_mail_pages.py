"""The mail log as staff see it, and mail by API."""

import pytest
from sqlalchemy import select, update

from accounts import people, sign_ins
from core import jobs
from core.db import db
from core.mail import OutgoingMail
from helpdesk import inbound
from helpdesk.intake_models import InboundMail
from helpdesk.models import Ticket
from tests.conftest import member
from tests.helpdesk.conftest import compose

EVIL = "<img src=x onerror=alert(1)>\"'{{7*7}}"


@pytest.fixture
def stored(app):
    """Stores mails, has them read, and gives their numbers; the application context is closed again."""

    def run(*raws: bytes, read: bool = True) -> list[int]:
        with app.app_context():
            numbers = [inbound.store(raw, source="pipe").id for raw in raws]
            db.session.commit()
            if read:
                jobs.run_until_idle()
            return numbers

    return run


def test_the_log_shows_every_mail_with_its_fate_newest_first(stored, browser_of):
    stored(compose(subject="First question"), compose(subject="Away", Auto_Submitted="auto-replied"))
    page = browser_of("bruno").get("/desk/mail")
    assert page.status_code == 200
    assert page.text.index("Away") < page.text.index("First question")
    assert "New ticket" in page.text
    assert "paula@compras.example" in page.text


def test_the_log_is_filtered_by_fate_and_searched_by_sender_subject_and_message_id(stored, browser_of):
    stored(compose(subject="First question", Message_ID="<one@mail.example>"),
           compose(subject="Weekly news", sender="list@news.example", Precedence="list"))  # fmt: skip
    staff = browser_of("bruno")
    for query, found in (
        ("fate=automatic", "Weekly news"), ("fate=ticket", "First question"), ("q=NEWS", "Weekly news"),
        ("q=list@news.example", "Weekly news"), ("q=paula@", "First question"), ("q=<one@mail.example>", "First question"),
        ("fate=automatic&q=weekly", "Weekly news"),
    ):  # fmt: skip
        table = staff.get(f"/desk/mail?{query}").text.partition("<tbody>")[2]
        assert [title for title in ("First question", "Weekly news") if title in table] == [found], query
    assert "No mail fits" in staff.get("/desk/mail?q=%25").text
    assert staff.get("/desk/mail?q=%01&fate=nothing&after=xyz").status_code == 200


def test_an_empty_log_says_how_mail_comes_in(browser_of):
    assert "No mail has come in yet" in browser_of("bruno").get("/desk/mail").text


def test_the_log_is_paged_by_key_with_few_statements(app, stored, browser_of, statements):
    stored(*[compose(subject=f"Number {number:03}") for number in range(60)], read=False)
    staff = browser_of("bruno")
    with statements() as seen:
        first = staff.get("/desk/mail")
    assert len(seen) <= 12
    older = first.text.partition('rel="next" href="')[2].partition('"')[0].replace("&amp;", "&")
    assert staff.get(older).text.count("data-row-link") == 10


def test_a_mail_has_a_page_that_says_where_it_went_and_why(stored, browser_of, app):
    (number,) = stored(compose(subject="Re: Prefix [#77]", text="Please help us."))
    staff = browser_of("bruno")
    page = staff.get(f"/desk/mail/{number}").text
    with app.app_context():
        ticket = db.session.scalars(select(Ticket.id)).one()
    assert f"/tickets/{ticket}" in page
    assert "Please help us." in page
    assert "message-id" in page
    assert staff.get("/desk/mail/999").status_code == 404
    assert staff.get(f"/desk/mail/{2**40}").status_code == 404


def test_what_was_mailed_is_shown_as_text_everywhere(stored, browser_of):
    """Subject, name, address, text, file names and headers are written by whoever sends the mail."""
    raw = compose(sender=f'"{EVIL.replace(chr(34), "")}" <x@evil.example>', subject=EVIL, text=EVIL, X_Evil=EVIL)
    broken = raw.replace(b"From: ", b"From: nobody, ").replace(b"<x@evil.example>", b"<not an address>")
    numbers = stored(raw, broken)
    staff = browser_of("bruno")
    for path in (
        "/desk/mail",
        "/desk/mail?q=%3Cimg%20src=x%20onerror=alert(1)%3E",
        *(f"/desk/mail/{number}" for number in numbers),
    ):
        page = staff.get(path).text
        assert "<img" not in page, path
        assert "&lt;img" in page, path


def test_a_download_of_a_mail_can_do_nothing(stored, browser_of):
    raw = compose(text="<script>alert(1)</script>")
    (number,) = stored(raw)
    answer = browser_of("bruno").get(f"/desk/mail/{number}/raw")
    assert answer.data == raw
    assert answer.mimetype == "application/octet-stream"
    assert answer.headers["Content-Disposition"] == f'attachment; filename="mail-{number}.eml"'
    assert answer.headers["Content-Security-Policy"] == "default-src 'none'; sandbox"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


def test_an_automatic_mail_is_put_in_a_ticket_with_one_button(stored, browser_of, app, work):
    (number,) = stored(compose(subject="Not a machine", Precedence="bulk"))
    staff = browser_of("bruno")
    assert "A person wrote it" in staff.get(f"/desk/mail/{number}").text
    assert staff.send(f"/desk/mail/{number}/replay", {"by_hand": "1"}).status_code == 303
    work()
    with app.app_context():
        assert db.session.scalars(select(InboundMail.fate)).one() == "ticket"
    assert staff.send(f"/desk/mail/{number}/replay").status_code == 409


def test_mail_out_shows_states_and_sends_a_failed_mail_again(stored, browser_of, app, work):
    stored(compose())
    with app.app_context():
        db.session.execute(update(OutgoingMail).values(state="dead", last_error="550 no such user"))
        db.session.commit()
    staff = browser_of("bruno")
    page = staff.get("/desk/mail/out?state=dead").text
    assert "550 no such user" in page
    assert staff.send("/desk/mail/out/1/retry").status_code == 303
    work()
    with app.app_context():
        assert db.session.scalars(select(OutgoingMail.state)).one() == "sent"
    assert staff.send("/desk/mail/out/1/retry").status_code == 409
    assert staff.send("/desk/mail/out/999/retry").status_code == 404
    assert "paula@compras.example" in staff.get("/desk/mail/out?q=paula").text
    assert "No mail fits" in staff.get("/desk/mail/out?state=queued").text


@pytest.mark.parametrize("who", ["paula", "amara", "rafael", None])
def test_the_mail_log_is_for_staff_alone(stored, browser_of, browser, who):
    (number,) = stored(compose(text="CANARY"))
    reader = browser_of(who) if who else browser
    for path in ("/desk/mail", f"/desk/mail/{number}", f"/desk/mail/{number}/raw", "/desk/mail/out"):
        answer = reader.get(path)
        assert answer.status_code == (403 if who else 302), path
        assert "CANARY" not in answer.text
    assert reader.send(f"/desk/mail/{number}/replay").status_code == 403


def token(app, key: str, *scopes: str) -> dict[str, str]:
    with app.app_context():
        made = sign_ins.make_token(member(key), list(scopes), name="test")
        secret = made if isinstance(made, str) else made[0]
        db.session.commit()
        return {"Authorization": f"Bearer {secret}"}


def test_a_mail_is_handed_in_by_api_once_for_each_idempotency_key(app, work):
    headers = token(app, "bruno", "mail:write") | {"Content-Type": "message/rfc822", "Idempotency-Key": "one"}
    client = app.test_client()
    raw = compose()
    first = client.post("/api/v1/inbound-mail?mailbox=questions", data=raw, headers=headers)
    assert first.status_code == 201, first.text
    assert (
        client.post("/api/v1/inbound-mail?mailbox=questions", data=raw, headers=headers).get_json() == first.get_json()
    )
    work()
    with app.app_context():
        row = db.session.scalars(select(InboundMail)).one()
        assert (row.raw.content, row.source, row.mailbox, row.fate) == (raw, "api", "questions", "ticket")


def test_handing_in_mail_needs_staff_a_scope_and_a_mail(app):
    client = app.test_client()
    mail = {"Content-Type": "message/rfc822"}
    address = "/api/v1/inbound-mail"
    assert client.post(address, data=compose(), headers=mail).status_code == 401
    assert client.post(address, data=compose(), headers=mail | token(app, "bruno", "tickets:read")).status_code == 403
    assert client.post(address, data=b"", headers=mail | token(app, "bruno", "mail:write")).status_code == 422
    assert client.post(address, json={}, headers=token(app, "bruno", "mail:write")).status_code == 415


def test_a_token_of_somebody_who_left_the_desk_hands_in_nothing(app):
    headers = token(app, "bruno", "mail:write") | {"Content-Type": "message/rfc822"}
    with app.app_context():
        people.give_roles(member("bruno"), ["requester"], by=None)
        db.session.commit()
    assert app.test_client().post("/api/v1/inbound-mail", data=compose(), headers=headers).status_code == 403

"""Asking: without an account, nothing typed is ever lost, and nobody's ticket opens for anybody else."""

import io
import re

import pytest

from core.db import db
from core.mail import OutgoingMail
from helpdesk import grants, tickets
from helpdesk.models import Attachment, Ticket
from helpdesk.tickets import Words
from kb.models import SuggestionUse
from tests.conftest import member

ASKED = {"title": "A second prefix?", "body": "We have two systems.\nWhich prefix?", "email": "ines@agency.example",
         "name": "Inés", "service": "enquiry", "topic": "ocid-prefix", "country": "PY", "language": "es",
         "organisation": "Agencia"}  # fmt: skip


def only_ticket(app) -> Ticket:
    return db.session.scalars(db.select(Ticket)).one()


def test_a_stranger_asks_and_is_told_what_happens_next(app, browser, work):
    browser.get("/ask")
    response = browser.send("/ask", {**ASKED, "files": (io.BytesIO(b'{"ocid": 1}'), "release.json"), "consent": "y"},
                            content_type="multipart/form-data")  # fmt: skip
    assert response.status_code == 303
    page = browser.get(response.location)
    with app.app_context():
        ticket = only_ticket(app)
        assert (ticket.country, ticket.language, ticket.topic, ticket.may_publish) == ("PY", "es", "ocid-prefix", True)
        assert ticket.organisation.name == "Agencia"
        assert db.session.scalars(db.select(Attachment)).one().filename == "release.json"
        assert str(ticket.number) in page.text
    work()
    with app.app_context():
        mail = db.session.scalars(db.select(OutgoingMail)).one()
        assert mail.recipient == "ines@agency.example"
        assert mail.language == "es"
        for typed in ("second prefix", "two systems", "Inés", "Agencia"):
            assert typed not in mail.subject + mail.text + mail.html


@pytest.mark.parametrize(
    ("change", "field"),
    [({"title": ""}, "title"), ({"body": "  "}, "body"), ({"email": "no address"}, "email"), ({"email": ""}, "email"),
     ({"country": "ZZ"}, "country"), ({"service": "x"}, "service"), ({"title": "x" * 201}, "title")],
)  # fmt: skip
def test_a_wrong_field_shows_the_page_again_with_everything_typed(app, browser, change, field):
    browser.get("/ask")
    sent = {**ASKED, **change, "files": (io.BytesIO(b"kept"), "kept.txt")}
    response = browser.send("/ask", sent, content_type="multipart/form-data")
    assert response.status_code == 422
    assert f'id="{field}-error"' in response.text
    for name, value in ASKED.items():
        if name not in change and name not in {"service", "topic", "country", "language"}:
            assert value.replace("\n", "\r\n") in response.text or value in response.text
    assert 'value="PY" selected' in response.text.replace("selected value", "value") or '"PY"' in response.text
    token = re.search(r'name="kept_file" value="([^"]+)"', response.text)[1]
    with app.app_context():
        assert db.session.query(Ticket).count() == 0
    again = browser.send("/ask", {**ASKED, "kept_file": token})
    assert again.status_code == 303
    with app.app_context():
        assert db.session.scalars(db.select(Attachment)).one().filename == "kept.txt"


def test_a_forged_kept_file_is_left_out(app, browser):
    browser.get("/ask")
    browser.send("/ask", {**ASKED, "kept_file": "forged.token.x"})
    with app.app_context():
        assert db.session.query(Attachment).count() == 0
        assert db.session.query(Ticket).count() == 1


def test_too_large_a_file_is_refused_with_the_limit(app, browser):
    browser.get("/ask")
    app.config["FILE_MEGABYTES"] = 1
    large = {**ASKED, "files": (io.BytesIO(b"x" * (1024 * 1024 + 1)), "large.bin")}
    response = browser.send("/ask", large, content_type="multipart/form-data")
    app.config["FILE_MEGABYTES"] = 25
    assert response.status_code == 413
    assert "1 MB" in response.text
    assert "two systems" in response.text


def test_nothing_but_the_fields_of_the_form_is_taken(app, browser):
    browser.get("/ask")
    browser.send(
        "/ask", {**ASKED, "state": "closed", "assignee_id": "1", "priority": "urgent", "id": "77", "is_staff": "1"}
    )
    with app.app_context():
        ticket = only_ticket(app)
        assert (ticket.state, ticket.assignee_id, ticket.priority) == ("new", None, "normal")
        assert ticket.requester.roles == {"requester"}


@pytest.fixture
def asked(app):
    """A ticket of somebody without an account, and the link that they were mailed."""
    with app.app_context():
        from accounts import people

        ines = people.add(email="ines@agency.example", name="Inés")
        ticket = tickets.ask(by=ines, title="Prefix", words=Words("How?"))
        tickets.note(ticket, by=member("bruno"), words=Words("CANARY"))
        other = tickets.ask(by=member("paula"), title="Other", words=Words("Other"))
        db.session.commit()
        link = grants.link(ticket, ines, key_version=1)
        return ticket.id, other.id, link.partition("127.0.0.1:8000")[2]


def test_the_link_opens_the_ticket_and_leaves_the_address_bar(browser, asked):
    number, other, link = asked
    response = browser.get(link)
    assert response.location == f"/tickets/{number}"
    page = browser.get(f"/tickets/{number}")
    assert page.status_code == 200
    assert "CANARY" not in page.text
    assert browser.get(f"/tickets/{other}").status_code == 404


@pytest.mark.parametrize(
    "spoil", [lambda key: key[:-2] + "xx", lambda key: "", lambda key: "x", lambda key: key.swapcase()]
)
def test_a_forged_link_opens_nothing(browser, asked, spoil):
    number, _other, link = asked
    path, _, key = link.partition("?key=")
    assert browser.get(f"{path}?key={spoil(key)}").status_code == 404
    assert browser.get(f"/tickets/{number}").status_code == 404


def test_a_link_does_not_open_another_ticket(browser, asked):
    number, other, link = asked
    key = link.partition("?key=")[2]
    assert browser.get(f"/tickets/{other}?key={key}").status_code == 404
    assert number != other


def test_a_link_ends_when_its_person_is_taken_out_or_their_key_is_changed(app, browser, asked):
    number, _other, link = asked
    browser.get(link)
    assert browser.get(f"/tickets/{number}").status_code == 200
    with app.app_context():
        db.session.get(Ticket, number).participants[0].key_version = 2
        db.session.commit()
    assert browser.get(f"/tickets/{number}").status_code == 404
    assert browser.get(link).status_code == 404


def test_whoever_has_an_account_signs_in_instead(app, browser, asked):
    number, other, _link = asked
    with app.app_context():
        ticket = db.session.get(Ticket, other)
        link = grants.link(ticket, member("paula"), key_version=1).partition("127.0.0.1:8000")[2]
    assert browser.get(link).location.startswith("/sign-in")
    assert browser.get(f"/tickets/{other}").status_code == 404
    assert number


def test_numbers_cannot_be_guessed(app, browser, browser_of, asked):
    number, other, _link = asked
    quentin = browser_of("quentin")
    bodies = {re.sub(r'nonce="[^"]+"|value="[^"]+"|/tickets/\d+', "", quentin.get(f"/tickets/{n}").text)
              for n in (number, other, 9999, 123456)}  # fmt: skip
    assert len(bodies) == 1
    assert {browser.get(f"/tickets/{n}").status_code for n in (number, other, 9999, 2**40)} == {404}


def test_the_holder_of_a_link_writes_settles_and_reopens(app, browser, asked):
    number, _other, link = asked
    browser.get(link)
    browser.get(f"/tickets/{number}")
    assert browser.send(f"/tickets/{number}", {"body": "One more thing"}).status_code == 303
    assert browser.send(f"/tickets/{number}/state", {"state": "solved"}).status_code == 303
    with app.app_context():
        assert db.session.get(Ticket, number).state == "solved"
    assert browser.send(f"/tickets/{number}/state", {"state": "open"}).status_code == 303
    with app.app_context():
        ticket = db.session.get(Ticket, number)
        assert ticket.state == "open"
        assert ticket.messages[-1].author.email == "ines@agency.example"


def test_an_empty_message_is_refused_beside_the_field(browser_of, app):
    with app.app_context():
        number = tickets.ask(by=member("paula"), title="x", words=Words("y")).id
        db.session.commit()
    paula = browser_of("paula")
    response = paula.send(f"/tickets/{number}", {"body": "  "})
    assert response.status_code == 422
    assert 'id="body-error"' in response.text


def test_a_requester_sees_their_own_tickets_and_no_others(browser_of, asked):
    number, other, _link = asked
    page = browser_of("paula").get("/tickets").text
    assert f"/tickets/{other}" in page
    assert f"/tickets/{number}" not in page


def test_what_answered_the_question_is_recorded_without_the_words(app, browser):
    with app.app_context():
        from kb import articles
        from kb.pages import Details

        article = articles.write(Details(title="Prefix", slug="prefix"), "# Prefix", by=member("bruno"))
        db.session.commit()
        number = article.id
    browser.get("/ask")
    answer = browser.send("/suggestions/answered", {"ref": f"article:{number}", "question": "secret words"})
    assert answer.status_code == 200
    assert browser.send("/suggestions/answered", {"ref": "article:x"}).status_code == 422
    assert browser.send("/suggestions/answered", {"ref": "ticket:1"}).status_code == 404
    with app.app_context():
        use = db.session.scalars(db.select(SuggestionUse)).one()
        assert (use.what, use.target_kind, use.target_id) == ("answered", "article", number)


def test_suggestions_come_while_typing_and_open_in_place(app, browser, work):
    with app.app_context():
        from core import jobs
        from kb import articles
        from kb.pages import Details

        articles.write(Details(title="Register an OCID prefix", slug="prefix"), "Send us the name of the publisher.",
                       by=member("bruno"))  # fmt: skip
        articles.write(Details(title="Secret prefix guide", slug="staff", visibility="staff"), "x", by=member("bruno"))
        db.session.commit()
        jobs.run_clocks()
    work()
    found = browser.get("/suggestions?title=how do we register a prefix&body=").json
    assert [card["kind"] for card in found] == ["article"]
    assert "Send us" in browser.get(found[0]["fragment_url"]).text
    assert browser.get("/suggestions?title=&body=").json == []
    assert browser.get("/suggestions/article/2").status_code == 404
    assert browser.get("/suggestions/ticket/1").status_code == 404

"""Opening a ticket for somebody, and the preview."""

from tests.helpdesk.desk import messages_of, ticket_of

FORM = {"email": "new@city.example", "name": "Nia Okoro", "title": "Called about lots", "body": "She wants to split lots.",
        "kind": "note", "topic": "frameworks-lots", "service": "enquiry", "country": "NG", "language": "en", "organisation": "City of Jos"}  # fmt: skip


def test_a_note_opens_a_ticket_and_tells_nobody(app, browser_of, work):
    bruno = browser_of("bruno")
    answer = bruno.send("/desk/new", FORM)
    assert (answer.status_code, answer.location) == (303, "/desk/tickets/1")
    row = ticket_of(app, 1)
    assert (row["state"], row["channel"], row["country"], row["topic"]) == ("new", "desk", "NG", "frameworks-lots")
    assert [(each["kind"], each["by"]) for each in messages_of(app, 1)] == [("internal", "bruno@helpdesk.example")]
    work()
    assert not list((app.extensions["settings"].data_dir / "outbox").glob("*.eml"))


def test_a_message_opens_a_ticket_and_is_sent(app, browser_of, work):
    browser_of("bruno").send("/desk/new", FORM | {"kind": "mail"})
    assert ticket_of(app, 1)["state"] == "waiting"
    assert messages_of(app, 1)[0]["to"] == ["new@city.example"]
    work()
    mails = [path.read_text() for path in (app.extensions["settings"].data_dir / "outbox").glob("*.eml")]
    assert len(mails) == 1
    assert "new@city.example" in mails[0]


def test_a_known_person_keeps_their_name(app, browser_of):
    bruno = browser_of("bruno")
    bruno.send("/desk/new", FORM | {"email": "Paula@Compras.example", "name": "Somebody Else"})
    assert "Paula Ortiz" in bruno.get("/desk/tickets/1").text


def test_wrong_fields_keep_what_was_typed(browser_of):
    bruno = browser_of("bruno")
    page = bruno.send("/desk/new", FORM | {"email": "not an address", "title": " "})
    assert page.status_code == 422
    assert "This is not an e-mail address" in page.text
    assert "She wants to split lots." in page.text
    assert bruno.send("/desk/new", FORM | {"country": "ZZ"}).status_code == 422
    assert bruno.send("/desk/new", FORM | {"kind": "smoke signal"}).status_code == 422


def test_the_form_can_be_filled_by_its_address(browser_of):
    page = browser_of("bruno").get("/desk/new?email=a%40b.example&title=Lots")
    assert 'value="a@b.example"' in page.text
    assert "This field is required" not in page.text


def test_requesters_cannot_open_tickets_for_others(app, browser_of):
    assert browser_of("paula").send("/desk/new", FORM).status_code == 403


def test_the_preview_shows_markdown_and_runs_nothing(browser_of, browser):
    bruno = browser_of("bruno")
    bruno.get("/desk/new")
    page = bruno.send("/desk/preview", {"text": "**bold** <script>alert(1)</script> [x](javascript:alert(1))"})
    assert "<strong>bold</strong>" in page.text
    assert "<script" not in page.text
    assert "javascript:" not in page.text
    browser.get("/sign-in")
    assert browser.send("/desk/preview", {"text": "x"}).status_code == 403

"""The page of one ticket on the desk: who sees it, what it shows, and its fields."""

import re

import pytest
from sqlalchemy import update

from core import files
from core.db import db
from core.mail import OutgoingMail
from helpdesk import thread
from helpdesk.models import Attachment, Message, Ticket
from helpdesk.tickets import Words
from tests.conftest import member
from tests.helpdesk.desk import act, ask, events_of, seen_in, ticket_of, words

CANARY = "canary marsupial only for staff"


def version_of(page) -> str:
    return re.search(r'name="version" value="(\d+)"', page.text)[1]


def path(number, rest=""):
    return f"/desk/tickets/{number}{rest}"


def test_a_stranger_signs_in_first_and_is_told_nothing_of_which_tickets_there_are(app, browser):
    number = ask(app)
    answers = [browser.get(path(each)) for each in (number, 999)]
    assert [answer.status_code for answer in answers] == [302, 302]
    assert [answer.location.partition("?")[0] for answer in answers] == ["/sign-in", "/sign-in"]


@pytest.mark.parametrize("rest", ["", "/fit", "/peers", "/past-answer"])
def test_requesters_see_nothing_of_the_desk_not_even_of_their_own_ticket(app, browser_of, rest):
    number = ask(app)
    act(app, number, "solve")
    assert browser_of("paula").get(path(number, rest)).status_code == 403
    assert browser_of("quentin").get(path(number, rest)).status_code == 404
    assert browser_of("bruno").get(path(number, rest)).status_code == 200
    assert browser_of("bruno").get(path(999, rest)).status_code == 404


@pytest.mark.parametrize(
    ("rest", "data"),
    [
        ("/replies", {"body": "Hello", "send": "note"}), ("/fields", {"priority": "high"}),
        ("/participants", {"email": "x@y.example"}), ("/participants/1/remove", {}), ("/past-answer", {"do": "look"}),
    ],
)  # fmt: skip
def test_requesters_can_do_nothing_on_the_desk(app, browser_of, browser, rest, data):
    number = ask(app)
    assert browser_of("paula").send(path(number, rest), data).status_code == 403
    assert browser_of("quentin").send(path(number, rest), data).status_code == 404
    browser.get("/sign-in")
    assert browser.send(path(number, rest), data).status_code == 404
    assert events_of(app, number) == ["ticket.asked"]


def test_notes_never_reach_a_requester(app, browser_of, work):
    number = ask(app)
    note = act(app, number, "note", words=words(CANARY, full_text=f"{CANARY} and more"))
    with app.app_context():
        row = db.session.get(Message, note)
        file = files.save(CANARY.encode(), f"{CANARY}.txt")
        db.session.add(Attachment(message_id=row.id, file_id=file.id, filename=file.filename))
        db.session.commit()
        attachment = db.session.scalar(db.select(Attachment.id))
        db.session.remove()
    act(app, number, "reply", words=words("A public reply."))
    work()
    paula, bruno = browser_of("paula"), browser_of("bruno")
    places = [f"/tickets/{number}", "/tickets", path(number), f"/desk/messages/{note}/full", f"/tickets/{number}/files/{attachment}",
              "/search?q=CANARY", "/desk?q=CANARY", "/"]  # fmt: skip
    for place in places:
        assert "marsupial" not in paula.get(place).text, place
    assert paula.get(f"/tickets/{number}/files/{attachment}").status_code == 404
    assert paula.get(f"/desk/messages/{note}/full").status_code == 403
    for mail in (app.extensions["settings"].data_dir / "outbox").glob("*.eml"):
        assert "marsupial" not in mail.read_text()
    assert CANARY in bruno.get(path(number)).text
    assert CANARY in bruno.get(f"/desk/messages/{note}/full").text
    assert bruno.get(f"/tickets/{number}/files/{attachment}").data == CANARY.encode()


def test_notes_and_replies_are_told_apart_in_words(app, browser_of):
    number = ask(app)
    act(app, number, "note", words=words("For us."))
    act(app, number, "reply", words=words("For you."))
    text = browser_of("bruno").get(path(number)).text
    assert len(re.findall(r'class="message message-note"', text)) == 1
    assert "internal note, only staff see it" in text
    assert text.index("Should the health ministry") < text.index("For us.") < text.index("For you.")


def test_only_the_last_messages_of_a_long_thread_are_read(app, browser_of, statements):
    number = ask(app)
    with app.app_context():
        ticket = db.session.get(Ticket, number)
        for count in range(70):
            db.session.add(
                Message(ticket_id=number, author_id=ticket.requester_id, body_html=f"<p>Message {count:03}</p>")
            )
        db.session.execute(update(Ticket).where(Ticket.id == number).values(message_count=71))
        db.session.commit()
        db.session.remove()
    bruno = browser_of("bruno")
    with statements() as seen:
        page = bruno.get(path(number))
    assert len(seen) <= 12
    assert page.text.count('class="message"') == thread.WINDOW
    assert "Message 069" in page.text
    assert "Message 010" not in page.text
    earlier = re.search(r'href="([^"]+messages=[^"]+)"', page.text)[1]
    assert bruno.get(earlier).text.count('class="message"') == 71
    assert bruno.get(path(number, "?messages=99999999999")).status_code == 200


def test_a_page_with_everything_asks_the_database_at_most_twelve_times(app, browser_of, statements, work):
    numbers = [ask(app, title=f"Prefix {count}") for count in range(4)]
    number = numbers[0]
    for other in numbers[1:]:
        act(app, other, "reply", words=words("Yes."), then="solve")
    with app.app_context():
        db.session.get(Ticket, number).organisation = None
        file = files.save(b"data", "data.csv")
        db.session.commit()
        kept = file.id
        db.session.remove()
    with app.app_context():
        from helpdesk import tickets

        ticket = db.session.get(Ticket, number)
        stored = db.session.get(files.StoredFile, kept)
        tickets.reply(ticket, by=member("bruno"), words=Words(body="See the file.", files=[stored]))
        tickets.add_participant(ticket, member("quentin"), by=member("bruno"))
        tickets.tag(ticket, ["one", "two"], by=member("bruno"))
        tickets.assign(ticket, member("carla"), by=member("bruno"))
        tickets.reply(ticket, by=member("quentin"), words=Words(body="Me too."))
        db.session.commit()
        db.session.remove()
    work()
    bruno = browser_of("bruno")
    with statements() as seen:
        page = bruno.get(path(number))
    assert page.status_code == 200
    assert len(seen) <= 12, "\n".join(seen)
    for shown in ("data.csv", "Quentin Diop", "Carla Mora", "Bruno Keller added the tags one, two.", "Prefix 3"):
        assert shown in page.text


def test_what_became_of_each_mail_is_shown_with_its_reason(app, browser_of, work):
    number = ask(app)
    act(app, number, "reply", words=words("Like so."))
    bruno = browser_of("bruno")
    assert "On its way" in bruno.get(path(number)).text
    work()
    assert re.search(r"Sent</span>\s+To Paula Ortiz", bruno.get(path(number)).text)
    for state, shown in (("deferred", "Will be tried again"), ("dead", "Not delivered")):
        with app.app_context():
            db.session.execute(
                update(OutgoingMail)
                .where(OutgoingMail.part_kind == "message")
                .values(state=state, last_error="550 No such <user>")
            )
            db.session.commit()
            db.session.remove()
        text = bruno.get(path(number)).text
        assert shown in text
        assert "550 No such &lt;user&gt;" in text


def test_the_whole_text_of_a_mail_is_folded_and_opened_in_place(app, browser_of):
    number = ask(app)
    message = act(app, number, "reply", by="paula", words=words("Thanks.", full_text="Thanks.\n\n> No, <b>ask</b>."))
    bruno = browser_of("bruno")
    page = bruno.get(path(number)).text
    assert "ask&lt;/b&gt;" not in page
    assert f'data-fragment-url="/desk/messages/{message}/full"' in page
    fragment = bruno.get(f"/desk/messages/{message}/full", headers={"X-Fragment": "1"}).text
    assert "&gt; No, &lt;b&gt;ask&lt;/b&gt;." in fragment
    assert "<html" not in fragment
    assert "<h1>The whole mail</h1>" in bruno.get(f"/desk/messages/{message}/full").text
    assert bruno.get("/desk/messages/999/full").status_code == 404


@pytest.mark.parametrize(
    ("field", "value", "stored"),
    [
        ("priority", "urgent", "urgent"), ("topic", "amendments", "amendments"), ("topic", "", ""), ("service", "training", "training"),
        ("country", "GH", "GH"), ("country", "", ""), ("language", "fr", "fr"), ("state", "solved", "solved"), ("state", "waiting", "waiting"),
        ("title", "  A better   title ", "A better title"), ("tags", "Lots,  ocid prefix ,lots", ["lots", "ocid prefix"]),
    ],
)  # fmt: skip
def test_each_field_is_changed_by_a_small_form(app, browser_of, field, value, stored):
    number = ask(app, topic="validation", country="CO")
    bruno = browser_of("bruno")
    page = bruno.get(path(number))
    answer = bruno.send(path(number, "/fields"), {field: value, "version": version_of(page)})
    assert answer.status_code == 303, answer.text
    assert ticket_of(app, number)[field] == stored


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("priority", "extreme"), ("topic", "cooking"), ("service", "catering"), ("country", "ZZ"), ("language", "xx"), ("state", "new2"),
        ("assignee", "999"), ("assignee", "x"), ("title", " "), ("tags", ",".join(f"tag{n}" for n in range(30))),
    ],
)  # fmt: skip
def test_a_wrong_value_is_refused_with_a_sentence_on_the_same_page(app, browser_of, field, value):
    number = ask(app)
    before = ticket_of(app, number)
    page = browser_of("bruno").send(path(number, "/fields"), {field: value})
    assert page.status_code == 422
    assert "This was not changed" in page.text
    assert ticket_of(app, number) == before


def test_somebody_outside_the_desk_cannot_be_assigned(app, browser_of):
    number = ask(app)
    with app.app_context():
        amara, carla = member("amara").id, member("carla").id
        db.session.remove()
    bruno = browser_of("bruno")
    assert bruno.send(path(number, "/fields"), {"assignee": amara}).status_code == 422
    assert bruno.send(path(number, "/fields"), {"assignee": carla}).status_code == 303
    assert ticket_of(app, number)["assignee_id"] == carla
    bruno.send(path(number, "/fields"), {"assignee": ""})
    assert ticket_of(app, number)["assignee_id"] is None


def test_a_change_over_somebody_elses_change_of_the_same_field_asks_first(app, browser_of):
    number = ask(app)
    bruno, carla = browser_of("bruno"), browser_of("carla")
    old = bruno.get(path(number))
    carla.get(path(number))
    carla.send(path(number, "/fields"), {"priority": "high", "was_priority": "normal", "version": version_of(old)})
    page = bruno.send(
        path(number, "/fields"), {"priority": "low", "was_priority": "normal", "version": version_of(old)}
    )
    assert page.status_code == 409
    assert "It says “High” now; you wanted “Low”." in page.text
    assert ticket_of(app, number)["priority"] == "high"
    again = bruno.send(
        path(number, "/fields"), {"priority": "low", "was_priority": "high", "version": version_of(page)}
    )
    assert again.status_code == 303
    assert ticket_of(app, number)["priority"] == "low"


def test_an_old_version_without_the_value_that_was_shown_is_a_conflict(app, browser_of):
    number = ask(app)
    bruno = browser_of("bruno")
    old = version_of(bruno.get(path(number)))
    act(app, number, "sort", by="carla", priority="high")
    assert bruno.send(path(number, "/fields"), {"priority": "low", "version": old}).status_code == 409
    assert ticket_of(app, number)["priority"] == "high"


def test_changes_of_different_fields_do_not_disturb_each_other(app, browser_of):
    number = ask(app)
    bruno = browser_of("bruno")
    old = version_of(bruno.get(path(number)))
    act(app, number, "sort", by="carla", priority="high")
    act(app, number, "reply", by="paula", words=words("One more thing."))
    answer = bruno.send(path(number, "/fields"), {"topic": "amendments", "was_topic": "", "version": old})
    assert answer.status_code == 303
    row = ticket_of(app, number)
    assert (row["priority"], row["topic"]) == ("high", "amendments")


def test_a_move_that_is_not_possible_is_told_and_changes_nothing(app, browser_of):
    number = ask(app)
    act(app, number, "solve")
    page = browser_of("bruno").send(path(number, "/fields"), {"state": "waiting"})
    assert page.status_code == 409
    assert "This is not possible while the ticket is “solved”." in page.text
    assert ticket_of(app, number)["state"] == "solved"


def test_people_are_let_in_and_taken_out(app, browser_of):
    number = ask(app)
    bruno = browser_of("bruno")
    bruno.get(path(number))
    assert bruno.send(path(number, "/participants"), {"email": "It@Compras.example"}).status_code == 303
    page = bruno.get(path(number))
    assert "it@compras.example" in page.text
    with app.app_context():
        added, paula = db.session.scalar(db.select(db.func.max(db.metadata.tables["user"].c.id))), member("paula").id
        db.session.remove()
    assert bruno.send(path(number, f"/participants/{paula}/remove"), {}).status_code == 422
    assert bruno.send(path(number, f"/participants/{added}/remove"), {}).status_code == 303
    assert bruno.send(path(number, "/participants/999999/remove"), {}).status_code == 404
    assert events_of(app, number)[-1] == "ticket.participant_removed"
    for wrong in ("nobody", "", "helpdesk@helpdesk.example"):
        page = bruno.send(path(number, "/participants"), {"email": wrong})
        assert page.status_code == 422
    assert "is an address of the helpdesk itself" in page.text


def test_every_change_is_told_in_the_history_in_the_readers_language(app, browser_of):
    number = ask(app)
    act(app, number, "assign", None)
    act(app, number, "sort", by="carla", priority="high", topic="amendments")
    act(app, number, "tag", ["lots"])
    act(app, number, "solve")
    act(app, number, "reopen")
    text = browser_of("bruno").get(path(number)).text
    for sentence in (
        "Paula Ortiz asked.", "Carla Mora set the priority to “High” (was “Normal”).",
        "Carla Mora set the topic to “Amendments and changes” (was “none”).", "Bruno Keller added the tags lots.",
        "Bruno Keller marked this solved.", "Bruno Keller opened this again.",
    ):  # fmt: skip
        assert sentence in text, sentence


def test_other_tickets_of_the_requester_and_their_organisation_are_at_hand(app, browser_of):
    from accounts import people

    with app.app_context():
        place = people.organisation_named("Compras", "CO")
        for key in ("paula", "quentin"):
            member(key).organisation = place
        db.session.commit()
        db.session.remove()
    number = ask(app)
    ask(app, title="Another of mine")
    ask(app, by="quentin", title="One of a colleague")
    ask(app, by="amara", title="One of a stranger")
    text = browser_of("bruno").get(path(number)).text
    assert "Another of mine" in text
    assert "One of a colleague" in text
    assert "One of a stranger" not in text


def test_a_picture_is_shown_and_every_other_file_is_a_download(app, browser_of):
    import base64

    png = base64.b64decode(
        "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
    )
    number = ask(app)
    with app.app_context():
        from helpdesk import tickets

        stored = [files.save(png, "screen.png"), files.save(b"<script>alert(1)</script>", "page.html")]
        tickets.reply(db.session.get(Ticket, number), by=member("paula"), words=Words(body="See", files=stored))
        db.session.commit()
        picture, page = db.session.scalars(db.select(Attachment.id).order_by(Attachment.id))
        db.session.remove()
    bruno = browser_of("bruno")
    text = bruno.get(path(number)).text
    assert f'<img src="/tickets/{number}/files/{picture}"' in text
    assert f'<img src="/tickets/{number}/files/{page}"' not in text
    shown, sent = (bruno.get(f"/tickets/{number}/files/{each}") for each in (picture, page))
    assert shown.headers["Content-Disposition"].startswith("inline")
    assert sent.headers["Content-Disposition"].startswith("attachment")
    for answer in (shown, sent):
        assert answer.headers["Content-Security-Policy"] == "default-src 'none'; sandbox"
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert sent.mimetype == "application/octet-stream"
    other = ask(app, by="quentin")
    assert bruno.get(f"/tickets/{other}/files/{page}").status_code == 404, "a file belongs to one ticket"
    assert bruno.get(f"/tickets/{number}/files/999").status_code == 404
    assert browser_of("paula").get(f"/tickets/{number}/files/{page}").status_code == 200
    assert browser_of("quentin").get(f"/tickets/{number}/files/{page}").status_code == 404


def test_the_mark_of_what_was_seen_is_on_the_page(app, browser_of):
    number = ask(app)
    message = act(app, number, "note", words=words("Hm."))
    assert thread.read_seen(seen_in(browser_of("bruno").get(path(number)))) == thread.Seen(message, "new", 0)
    for wrong in ("", "x", "1", "1-new", "-new-0", "1-new-x", "٣-new-0"):
        assert thread.read_seen(wrong) is None

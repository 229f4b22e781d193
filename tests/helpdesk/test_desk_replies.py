"""Replies and notes from the desk: who receives them, what is asked before they leave, what they cite."""

import io
import re

import pytest

from core.db import db
from helpdesk import citing
from helpdesk.models import Citation
from kb.models import Answer, Article
from tests.conftest import member
from tests.helpdesk.desk import act, ask, messages_of, seen_in, ticket_of, words


def path(number, rest=""):
    return f"/desk/tickets/{number}{rest}"


def send(client, number, **data):
    """Press a button of the reply box as the page shows it now."""
    page = client.get(path(number))
    return client.send(path(number, "/replies"), {"seen": seen_in(page), "send": "wait", **data})


@pytest.fixture
def knowledge(app):
    """An article and a past answer for everyone, and an article for staff."""
    with app.app_context():
        rows = [
            Article(slug="register-a-prefix", title="Register a [prefix]", state="published"),
            Article(slug="how-we-work", title="How we work", state="published", visibility="staff"),
            Answer(slug="one-prefix-two-systems", title="One prefix, two systems", answer="No.", state="published"),
        ]
        db.session.add_all(rows)
        db.session.commit()
        found = [row.id for row in rows]
        db.session.remove()
    return found


def citations(app) -> set[tuple[str, int]]:
    with app.app_context():
        found = {(row.target_kind, row.target_id) for row in db.session.scalars(db.select(Citation))}
        db.session.remove()
    return found


@pytest.mark.parametrize(("button", "state"), [("wait", "waiting"), ("solve", "solved"), ("open", "open")])
def test_the_button_says_what_comes_after_the_reply(app, browser_of, work, button, state):
    number = ask(app)
    answer = send(browser_of("bruno"), number, body="Ask for a **second** one.", send=button)
    message = messages_of(app, number)[-1]
    assert (answer.status_code, answer.location) == (303, f"/desk/tickets/{number}#message-{message['id']}")
    assert ticket_of(app, number)["state"] == state
    assert (message["kind"], message["to"], message["cc"]) == ("public", ["paula@compras.example"], [])
    work()
    mails = [file.read_text() for file in (app.extensions["settings"].data_dir / "outbox").glob("*.eml")]
    assert any("To: Paula Ortiz <paula@compras.example>" in mail and "second" in mail for mail in mails)


def test_a_note_stays_on_the_desk(app, browser_of, work):
    number = ask(app)
    assert send(browser_of("bruno"), number, body="Same as in Ghana.", send="note").status_code == 303
    assert messages_of(app, number)[-1]["kind"] == "internal"
    assert ticket_of(app, number)["state"] == "new"
    work()
    outbox = app.extensions["settings"].data_dir / "outbox"
    assert not any("Ghana" in file.read_text() for file in outbox.glob("*.eml"))


def test_the_radio_alone_never_makes_a_note_public(app, browser_of):
    number = ask(app)
    send(browser_of("bruno"), number, body="Only for us.", send="note", mode="reply")
    assert messages_of(app, number)[-1]["kind"] == "internal"


def test_who_receives_a_reply_stands_above_it_with_names_and_addresses(app, browser_of):
    number = ask(app)
    with app.app_context():
        quentin = member("quentin")
        db.session.expunge(quentin)
    with app.app_context():
        from helpdesk import tickets
        from helpdesk.models import Ticket

        tickets.add_participant(db.session.get(Ticket, number), member("quentin"), by=member("bruno"))
        db.session.commit()
        db.session.remove()
    text = browser_of("bruno").get(path(number)).text
    line = re.sub(r"<[^>]+>|\s+", " ", text.partition("<summary>To ")[2].partition("</summary>")[0])
    assert "Paula Ortiz &lt;paula@compras.example&gt;" in line
    assert re.search(r", Cc\s+Quentin Diop &lt;quentin@armp.example&gt;", line)


def test_recipients_are_chosen_by_check_boxes(app, browser_of):
    number = ask(app)
    with app.app_context():
        from helpdesk import tickets
        from helpdesk.models import Ticket

        tickets.add_participant(db.session.get(Ticket, number), member("quentin"), by=member("bruno"))
        db.session.commit()
        paula, quentin = member("paula").id, member("quentin").id
        db.session.remove()
    bruno = browser_of("bruno")
    send(bruno, number, body="Only to Quentin.", recipients="1", to=[quentin])
    assert (messages_of(app, number)[-1]["to"], messages_of(app, number)[-1]["cc"]) == (["quentin@armp.example"], [])
    send(bruno, number, body="The other way round.", recipients="1", to=[quentin], cc=[paula, quentin])
    last = messages_of(app, number)[-1]
    assert (last["to"], last["cc"]) == (["quentin@armp.example"], ["paula@compras.example"])
    page = send(bruno, number, body="To nobody at all.", recipients="1")
    assert page.status_code == 422
    assert "Choose at least one person" in page.text
    assert "To nobody at all." in page.text


def test_a_new_address_is_asked_about_before_it_receives_anything(app, browser_of):
    number = ask(app)
    bruno = browser_of("bruno")
    page = send(bruno, number, body="With our colleague.", add="Ada Lin <ADA@city.example>; it@city.example")
    assert page.status_code == 422
    assert "Is this meant?" in page.text
    assert "With our colleague." in page.text
    assert len(messages_of(app, number)) == 1
    confirmed = re.search(r'name="confirmed" value="([^"]*)"', page.text)[1]
    data = {
        "seen": seen_in(page),
        "send": "wait",
        "body": "With our colleague.",
        "add": "Ada Lin <ADA@city.example>; it@city.example",
    }
    more = bruno.send(
        path(number, "/replies"), {**data, "confirmed": confirmed, "add": data["add"] + ", third@city.example"}
    )
    assert more.status_code == 422, "what was confirmed is confirmed for these addresses alone"
    assert bruno.send(path(number, "/replies"), {**data, "confirmed": confirmed}).status_code == 303
    last = messages_of(app, number)[-1]
    assert (last["to"], last["cc"]) == (["paula@compras.example"], ["ada@city.example", "it@city.example"])
    assert "Ada Lin" in bruno.get(path(number)).text


def test_a_staff_address_among_the_recipients_is_asked_about(app, browser_of):
    number = ask(app)
    bruno = browser_of("bruno")
    page = send(bruno, number, body="Look.", add="carla@helpdesk.example")
    assert page.status_code == 422
    assert "work on the desk" in page.text
    assert (
        send(bruno, number, body="Look.", add="carla@helpdesk.example", confirmed="carla@helpdesk.example").status_code
        == 303
    )
    with app.app_context():
        carla, paula = member("carla").id, member("paula").id
        db.session.remove()
    again = send(bruno, number, body="And again.", recipients="1", to=[paula], cc=[carla])
    assert again.status_code == 422, "each time, as it is easily overlooked"


@pytest.mark.parametrize("address", ["nobody", "a@b@c", "helpdesk@helpdesk.example", "x" * 3000])
def test_a_wrong_address_keeps_the_text_and_creates_nobody(app, browser_of, address):
    number = ask(app)
    page = send(browser_of("bruno"), number, body="Important text.", add=address)
    assert page.status_code == 422
    assert "Important text." in page.text
    assert len(messages_of(app, number)) == 1


def test_nothing_written_is_told_beside_the_text(app, browser_of):
    number = ask(app)
    for button in ("wait", "note"):
        page = send(browser_of("bruno"), number, body="  ", send=button)
        assert page.status_code == 422
        assert "Write something, or attach a file." in page.text
    page = send(browser_of("bruno"), number, body="x" * 100_001)
    assert page.status_code == 422


def test_a_reply_whose_writer_has_not_seen_the_newest_message_waits_for_a_second_look(app, browser_of):
    number = ask(app)
    bruno = browser_of("bruno")
    seen = seen_in(bruno.get(path(number)))
    act(app, number, "reply", by="paula", words=words("I found it myself!"))
    page = bruno.send(path(number, "/replies"), {"seen": seen, "send": "wait", "body": "A long answer."})
    assert page.status_code == 409
    assert "1 message came while you wrote:" in page.text
    assert "new since you began" in page.text
    assert "A long answer." in page.text
    assert [each["body"] for each in messages_of(app, number)][-1] == "I found it myself!"
    again = bruno.send(path(number, "/replies"), {"seen": seen_in(page), "send": "wait", "body": "A long answer."})
    assert again.status_code == 303, "one click sends it all the same"


def test_two_replies_at_once_do_not_both_leave(app, browser_of):
    number = ask(app)
    bruno, carla = browser_of("bruno"), browser_of("carla")
    seen = seen_in(bruno.get(path(number)))
    assert send(carla, number, body="Carla was faster.").status_code == 303
    page = bruno.send(path(number, "/replies"), {"seen": seen, "send": "wait", "body": "Bruno too."})
    assert page.status_code == 409
    assert "The ticket is “Waiting for them” now, and Carla Mora looks after it." in page.text
    assert "Bruno too." in page.text


def test_a_note_needs_no_second_look(app, browser_of):
    number = ask(app)
    bruno = browser_of("bruno")
    seen = seen_in(bruno.get(path(number)))
    act(app, number, "reply", by="paula", words=words("More."))
    assert bruno.send(path(number, "/replies"), {"seen": seen, "send": "note", "body": "Noted."}).status_code == 303


def test_a_closed_ticket_keeps_the_text_of_a_reply(app, browser_of):
    number = ask(app)
    act(app, number, "close")
    page = send(browser_of("bruno"), number, body="Too late?")
    assert page.status_code == 409
    assert "Too late?" in page.text
    assert "This is not possible while the ticket is “closed”." in page.text


def test_files_go_with_a_reply_and_are_kept_over_a_question(app, browser_of):
    number = ask(app)
    bruno = browser_of("bruno")
    page = send(
        bruno, number, body="See the file.", add="it@city.example", files=(io.BytesIO(b"a,b\n1,2\n"), "plan.csv")
    )
    assert page.status_code == 422
    kept = re.search(r'name="kept_file" value="([^"]+)"', page.text)[1]
    answer = bruno.send(
        path(number, "/replies"),
        {"seen": seen_in(page), "send": "wait", "body": "See the file.", "add": "it@city.example", "confirmed": "it@city.example", "kept_file": kept},
    )  # fmt: skip
    assert answer.status_code == 303
    assert messages_of(app, number)[-1]["files"] == ["plan.csv"]


def test_too_large_a_file_is_told_with_the_limit(app, browser_of):
    app.config["FILE_MEGABYTES"], before = 1, app.config["FILE_MEGABYTES"]
    number = ask(app)
    page = send(browser_of("bruno"), number, body="See.", files=(io.BytesIO(b"x" * 1_100_000), "big.bin"))
    app.config["FILE_MEGABYTES"] = before
    assert page.status_code == 413
    assert "A file may have 1 MB" in page.text


def test_links_to_our_own_pages_are_citations(app, browser_of, knowledge):
    article, _staff_only, answer = knowledge
    number = ask(app)
    base = app.config["BASE_URL"]
    body = f"See [this]({base}/kb/en/register-a-prefix#h-steps), and /answers/one-prefix-two-systems. Not https://other.example/kb/en/register-a-prefix."
    send(browser_of("bruno"), number, body=body)
    assert citations(app) == {("article", article), ("answer", answer)}


def test_links_elsewhere_and_to_nothing_are_no_citations(app, browser_of, knowledge):
    number = ask(app)
    for body in ("https://other.example/kb/en/register-a-prefix", "/kb/en/nothing-here", "/kb/en/", "[x](//evil.example/answers/one-prefix-two-systems)",
                 "/answers/%00", "no link at all: kb/en/register-a-prefix"):  # fmt: skip
        send(browser_of("bruno"), number, body=body, send="note")
    assert citations(app) == set()


def test_a_ticked_suggestion_adds_its_link_once(app, browser_of, knowledge):
    article, staff_only, answer = knowledge
    number = ask(app)
    bruno = browser_of("bruno")
    send(
        bruno,
        number,
        body="Ask for a second prefix.",
        cites=[f"article:{article}", f"answer:{answer}", "article:999", "x:1"],
    )
    body = messages_of(app, number)[-1]["body"]
    assert f"[Register a \\[prefix\\]]({app.config['BASE_URL']}/kb/en/register-a-prefix)" in body
    assert citations(app) == {("article", article), ("answer", answer)}
    send(bruno, number, body=body, cites=[f"article:{article}"])
    assert messages_of(app, number)[-1]["body"].count("register-a-prefix") == 1
    page = bruno.get(path(number, f"?cites=article:{staff_only}&cites=answer:{answer}"))
    assert "/answers/" in page.text, "without scripts the link is put into the reply box"
    assert "How we work" not in page.text, "the requester may not read it"


def test_suggestions_that_the_requester_may_not_read_cannot_be_inserted(app, browser_of, work):
    from kb import articles
    from kb.pages import Details

    with app.app_context():
        for slug, title, visibility in (
            ("prefix", "Prefix for a second system", "public"),
            ("internal-prefix", "Prefix: second system, internal rules", "staff"),
        ):
            articles.write(
                Details(title=title, slug=slug, visibility=visibility),
                f"{title}: how to ask for it.",
                by=member("bruno"),
            )
        db.session.commit()
        db.session.remove()
    work()
    number = ask(app)
    bruno = browser_of("bruno")
    fragment = bruno.get(path(number, "/fit"), headers={"X-Fragment": "1"}).text
    assert "Prefix for a second system" in fragment
    assert "internal rules" in fragment
    assert "They may not read it." in fragment
    assert len(re.findall(r"data-insert=", fragment)) == 1
    assert "<html" not in fragment
    assert 'name="cites"' in bruno.get(path(number, "/fit")).text


def test_solved_tickets_like_it_are_at_hand(app, browser_of):
    old = ask(app, by="quentin", title="Prefix for a second procuring system")
    act(app, old, "solve")
    ask(app, by="quentin", title="Prefix for a third system")
    number = ask(app, title="Prefix for a second system")
    bruno = browser_of("bruno")
    fragment = bruno.get(path(number, "/fit"), headers={"X-Fragment": "1"}).text
    (link,) = re.findall(r'href="([^"]+)"', fragment)
    assert bruno.get(link).location == f"/desk/tickets/{old}"
    assert "third system" not in fragment, "only what was solved helps"


def test_titles_cannot_break_out_of_a_link(app):
    with app.app_context():
        assert citing.link("a](javascript:x)[b", "/kb/en/x").startswith("[a\\](javascript:x)\\[b](http://")


def test_a_reply_asks_the_database_a_bounded_number_of_times(app, browser_of, statements):
    number = ask(app)
    bruno = browser_of("bruno")
    page = bruno.get(path(number))
    with statements() as seen:
        answer = bruno.send(path(number, "/replies"), {"seen": seen_in(page), "send": "wait", "body": "Short."})
    assert answer.status_code == 303
    assert len(seen) <= 30, "\n".join(seen)

"""The queue of the desk: who sees it, what its views hold, how it is filtered, sorted, searched and cut into pages."""

import re
from datetime import timedelta
from itertools import chain

import pytest
from sqlalchemy import update

from core.db import db, now
from helpdesk import queue
from helpdesk.choices import Choice
from helpdesk.models import Ticket
from helpdesk.states import STATES
from tests.conftest import member
from tests.helpdesk.desk import act, ask, ticket_of, words


def numbers(page) -> list[int]:
    """The tickets that a page of the queue lists, in order."""
    return [int(number) for number in re.findall(r'<td class="number"[^>]*>(\d+)</td>', page.text)]


def age_by(app, number, **delta):
    """Make a ticket look as if all of it had happened earlier."""
    moment = now() - timedelta(**delta)
    with app.app_context():
        db.session.execute(
            update(Ticket).where(Ticket.id == number)
            .values(turn_since=moment, last_activity_at=moment, created_at=moment)
        )  # fmt: skip
        db.session.commit()
        db.session.remove()


@pytest.fixture
def five(app):
    """New, open (assigned), waiting, solved and closed, numbered 1 to 5."""
    made = [ask(app, title=f"Question {number}") for number in range(1, 6)]
    act(app, made[1], "reply", words=words("Let me look."), then="open")
    act(app, made[2], "reply", words=words("Please send the file."))
    act(app, made[3], "solve")
    act(app, made[4], "close")
    return made


@pytest.mark.parametrize("path", ["/desk", "/desk/counts", "/desk/filters", "/desk/new"])
def test_only_staff_see_the_desk(browser_of, browser, path):
    assert browser.get(path).status_code == 302, "a stranger may sign in"
    for key in ("paula", "amara", "rafael"):
        assert browser_of(key).get(path).status_code == 403
    for key in ("bruno", "mona", "chidi"):
        assert browser_of(key).get(path).status_code in {200, 302}


def test_each_view_holds_what_its_name_says(browser_of, five):
    bruno = browser_of("bruno")
    new, opened, waiting, solved, closed = five
    assert numbers(bruno.get("/desk")) == [new, opened]
    assert numbers(bruno.get("/desk?view=unassigned")) == [new]
    assert set(numbers(bruno.get("/desk?view=mine"))) == {opened, waiting}
    assert numbers(bruno.get("/desk?view=waiting")) == [waiting]
    assert numbers(bruno.get("/desk?view=solved")) == [solved]
    assert set(numbers(bruno.get("/desk?view=all"))) == {new, opened, waiting, solved, closed}
    assert numbers(browser_of("carla").get("/desk?view=mine")) == []


def test_the_counts_agree_with_the_views(app, browser_of, five):
    bruno = browser_of("bruno")
    answer = bruno.get("/desk/counts", headers={"Accept": "application/json"}).json
    for view in queue.VIEWS:
        assert answer["counts"][view] == str(len(numbers(bruno.get(f"/desk?view={view}")))), view
    before = answer["version"]
    act(app, five[0], "reply", words=words("Hello."))
    assert bruno.get("/desk/counts").json["version"] != before


def test_counts_stop_at_a_cap(app, monkeypatch):
    for _number in range(4):
        ask(app)
    monkeypatch.setattr(queue, "COUNT_CAP", 3)
    queue._count_statement.cache_clear()
    with app.test_request_context("/"):
        assert queue.counts(member("bruno"))["all"] == "3+"
        assert queue.count(Choice(view="all", country="CO"), member("bruno")) == "3+"
        db.session.remove()
    queue._count_statement.cache_clear()


def test_whoever_waits_longest_stands_first(app, browser_of):
    first, second, third = (ask(app, title=f"Question {number}") for number in range(3))
    age_by(app, third, days=3)
    age_by(app, first, days=2)
    act(app, third, "note", words=words("Thinking."))
    bruno = browser_of("bruno")
    assert numbers(bruno.get("/desk")) == [third, first, second], "a note does not end their waiting"
    assert numbers(bruno.get("/desk?sort=activity"))[0] == third
    assert numbers(bruno.get("/desk?sort=newest")) == [third, second, first]


def test_the_most_urgent_stands_first_when_sorted_by_priority(app, browser_of):
    made = {code: ask(app, title=code) for code in ("normal", "urgent", "low", "high")}
    for code, number in made.items():
        act(app, number, "sort", priority=code)
    listed = numbers(browser_of("bruno").get("/desk?sort=priority"))
    assert listed == [made[code] for code in ("urgent", "high", "normal", "low")]


def test_filters_narrow_a_view_and_each_can_be_dropped(app, browser_of):
    one = ask(app, topic="amendments", country="GH", language="en")
    other = ask(app, by="quentin", topic="ocid-prefix", country="SN", language="fr")
    act(app, one, "tag", ["contracts"])
    act(app, one, "sort", priority="high")
    act(app, other, "assign", None)
    bruno = browser_of("bruno")
    for query in (
        "topic=amendments", "country=GH", "language=en", "priority=high", "tag=contracts", "tag=Contracts",
        "requester=ortiz", "requester=paula@compras.example", "requester=PAULA",
    ):  # fmt: skip
        page = bruno.get(f"/desk?{query}")
        assert numbers(page) == [one], query
        assert "1 ticket" in page.text
        drop = re.search(r'<a class="chip chip-on" href="([^"]+)">', page.text)[1].replace("&amp;", "&")
        assert set(numbers(bruno.get(drop))) == {one, other}, query
    with app.app_context():
        paula = member("paula").id
        db.session.remove()
    page = bruno.get(f"/desk?requester={paula}")
    assert numbers(page) == [one]
    assert "Requester: Paula Ortiz" in page.text
    assert numbers(bruno.get("/desk?country=GH&topic=ocid-prefix")) == []


def test_a_filter_by_assignee_knows_me_and_nobody(app, browser_of):
    mine, free = ask(app), ask(app)
    with app.app_context():
        bruno_id = member("bruno").id
        ticket = db.session.get(Ticket, mine)
        ticket.assignee_id = bruno_id
        db.session.commit()
        db.session.remove()
    bruno = browser_of("bruno")
    assert numbers(bruno.get("/desk?assignee=me")) == [mine]
    assert numbers(bruno.get("/desk?assignee=nobody")) == [free]
    page = bruno.get(f"/desk?assignee={bruno_id}")
    assert numbers(page) == [mine]
    assert "Assignee: Bruno Keller" in page.text


def test_a_filter_by_organisation_takes_a_part_of_its_name(app, browser_of):
    from accounts import people

    with app.app_context():
        place = people.organisation_named("Ministry of Health", "CO")
        db.session.commit()
        number = place.id
        db.session.remove()
    other = ask(app)
    with app.app_context():
        db.session.get(Ticket, other).organisation_id = number
        db.session.commit()
        db.session.remove()
    ask(app)
    bruno = browser_of("bruno")
    assert numbers(bruno.get("/desk?organisation=health")) == [other]
    page = bruno.get(f"/desk?organisation={number}")
    assert numbers(page) == [other]
    assert "Organisation: Ministry of Health" in page.text


def test_a_state_that_the_view_does_not_show_is_looked_for_in_all(browser_of, five):
    page = browser_of("bruno").get("/desk?state=solved")
    assert numbers(page) == [five[3]]
    assert "All tickets" in page.text


@pytest.mark.parametrize(
    "query",
    [
        "view=nothing", "sort=magic", "state=lost", "assignee=x", "requester=99999999999999999999",
        "tag=%27%22%3Cscript%3E", "country=%F0%9F%98%80", "after=xxx", "after=W10", "after=eyJ4IjoxfQ",
        "after=WzAsICIwMDAxLTAxLTAxVDAwOjAwOjAwKzE0OjAwIiwgMV0", "after=WzAsIDEsIC01XQ", "q=%22%28%28%28",
        "q=" + "x" * 3000, "organisation=%25", "topic=" + "y" * 3000,
    ],
)  # fmt: skip
def test_what_means_nothing_in_an_address_does_no_harm(app, browser_of, query):
    ask(app)
    assert browser_of("bruno").get(f"/desk?{query}").status_code == 200


@pytest.mark.parametrize("sort", ["oldest", "activity", "newest", "priority"])
@pytest.mark.parametrize("view", ["needs-answer", "all"])
def test_pages_hold_everything_once_forward_and_back(app, sort, view):
    with app.test_request_context("/"):
        paula, base = member("paula").id, now()
        for number in range(23):
            db.session.add(
                Ticket(
                    title=f"T{number}", requester_id=paula, state=("new", "open", "new", "solved")[number % 4],
                    priority=("low", "normal", "high", "urgent")[number % 3],
                    # Several share a moment, so that the number must decide.
                    turn_since=base - timedelta(minutes=number // 3), last_activity_at=base - timedelta(hours=number // 4),
                )
            )  # fmt: skip
        db.session.commit()
        choice, reader = Choice(view=view, sort=sort), member("bruno")
        whole = [line.row.id for line in queue.page(choice, reader, size=100).items]
        assert len(whole) == len(set(whole)) == (23 if view == "all" else 18)
        pages, after = [], ""
        while True:
            page = queue.page(choice, reader, after=after, size=5)
            pages.append([line.row.id for line in page.items])
            if not page.next:
                break
            after = page.next
        assert list(chain.from_iterable(pages)) == whole
        back = queue.page(choice, reader, before=page.previous, size=5)
        assert [line.row.id for line in back.items] == pages[-2]
        while back.previous:
            back = queue.page(choice, reader, before=back.previous, size=5)
        assert [line.row.id for line in back.items] == pages[0]
        db.session.remove()


def test_the_queue_is_searched_with_its_notes(app, browser_of):
    one = ask(app, title="Identifiers", body="About suppliers.")
    ask(app, by="quentin", title="Something else", body="Quite different.")
    act(app, one, "note", words=words("Compare with the wallaby case."))
    bruno = browser_of("bruno")
    page = bruno.get("/desk?q=wallaby")
    assert numbers(page) == [one]
    assert "<mark>wallaby</mark>" in page.text
    assert numbers(bruno.get("/desk?q=wallaby&country=SN")) == []
    assert numbers(bruno.get("/desk?q=wallaby&state=new")) == [one]
    assert "Nothing was found" in bruno.get("/desk?q=nonesuch").text


def test_a_number_in_the_search_leads_to_its_ticket(app, browser_of):
    ask(app, title="First")
    second = ask(app, title="Second")
    bruno = browser_of("bruno")
    assert numbers(bruno.get(f"/desk?q={second}"))[0] == second
    assert numbers(bruno.get(f"/desk?q=%23{second}"))[0] == second


def test_selected_tickets_are_taken_solved_and_closed_together(app, browser_of, five):
    bruno = browser_of("bruno")
    bruno.get("/desk")
    new, opened, _waiting, solved, _closed = five
    answer = bruno.send("/desk/bulk", {"ticket": [new, opened], "do": "take", "view": "all", "sort": "newest"})
    assert answer.status_code == 303
    assert answer.location == "/desk?view=all&sort=newest"
    assert ticket_of(app, new)["assignee_id"] == ticket_of(app, opened)["assignee_id"] is not None
    bruno.send("/desk/bulk", {"ticket": [new, solved, 999_999, "x" * 6000], "do": "solve"})
    assert [ticket_of(app, number)["state"] for number in (new, solved)] == ["solved", "solved"]
    page = bruno.get("/desk/new").text
    assert "1 ticket changed" in page
    assert "The others were as wanted already" in page
    assert bruno.send("/desk/bulk", {"ticket": [new], "do": "explode"}).status_code == 422
    paula = browser_of("paula")
    assert paula.send("/desk/bulk", {"ticket": [opened], "do": "close"}).status_code == 403
    assert ticket_of(app, opened)["state"] == "open"


def test_empty_lists_say_what_is_and_what_to_do(browser_of):
    bruno = browser_of("bruno")
    assert "Everybody has an answer" in bruno.get("/desk").text
    assert "Nothing is assigned to you" in bruno.get("/desk?view=mine").text
    assert "There are no tickets yet" in bruno.get("/desk?view=all").text
    assert "No ticket fits these filters" in bruno.get("/desk?country=GH").text


def test_a_page_of_the_queue_asks_the_database_at_most_twelve_times(app, browser_of, statements):
    for number in range(5):
        act(app, ask(app, title=f"Question {number}"), "tag", ["one", "two"])
    bruno = browser_of("bruno")
    for path in ("/desk", "/desk?view=all&sort=priority&country=CO&requester=ortiz&assignee=nobody", "/desk?q=prefix&country=CO",
                 "/desk?filter=1&organisation=1&requester=1", "/desk/counts"):  # fmt: skip
        with statements() as seen:
            assert bruno.get(path).status_code == 200
        assert len(seen) <= 12, "\n".join(seen)
        assert not any("message.body" in statement for statement in seen), "texts are not read for a list"


def test_filters_come_as_a_fragment_and_without_scripts_as_a_page(browser_of):
    bruno = browser_of("bruno")
    fragment = bruno.get("/desk/filters?country=GH", headers={"X-Fragment": "1"}).text
    assert '<option value="GH" selected>Ghana</option>' in fragment
    assert "<html" not in fragment
    page = bruno.get("/desk/filters?country=GH", follow_redirects=True).text
    assert '<option value="GH" selected>Ghana</option>' in page
    assert "<html" in page


def test_states_in_the_list_are_words(browser_of, five):
    text = browser_of("bruno").get("/desk?view=all").text
    assert all(str(name) in text for name in STATES.values())

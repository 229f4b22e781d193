"""What the reports say of suggestions and searches is what happened, counted by hand: each thing once."""

import csv
import io

import pytest

from core.db import db
from helpdesk import tickets
from helpdesk.measuring_models import SuggestionShowing, SuggestionStep
from helpdesk.models import Ticket
from helpdesk.written import Words
from kb import articles, gaps
from kb.models import Article
from kb.pages import Details
from portal import suggestion_report
from tests.conftest import member
from tests.helpdesk.desk import ask

AHEAD = [{"Sec-Purpose": "prefetch;prerender"}, {"Purpose": "prefetch"}]
ROBOT = {"User-Agent": "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"}


@pytest.fixture
def texts(app, work) -> dict[str, int]:
    with app.app_context():
        rows = {
            slug: articles.write(Details(title=title, slug=slug, topic="schema"), body, by=member("bruno"))
            for slug, title, body in (
                ("prefix", "Register an OCID prefix", "Send us the name of the publisher."),
                ("lots", "Split a tender into lots", "Each lot has its own value."),
                ("dates", "Dates and time zones", "Write the zone."),
            )
        }
        db.session.commit()
        numbers = {slug: row.id for slug, row in rows.items()}
    work()
    return numbers


def test_the_report_of_suggestions_says_what_was_done(app, texts, browser, browser_of, work):
    """Six showings: four while asking (one opened, one opened and answered, two left) and two beside tickets (one cited)."""
    prefix, lots, dates = (f"article:{texts[slug]}" for slug in ("prefix", "lots", "dates"))

    def shown(*refs: str, token: str = "") -> str:
        form = {"ref": list(refs), "topic": "schema", "showing": token}
        return browser.send("/suggestions/shown", form).json["showing"]

    first = shown(prefix, lots)
    assert shown(lots, prefix, token=first) == first, "another list on the same page is the same showing"
    for _time in range(3):
        browser.send("/suggestions/opened", {"ref": lots, "showing": first})
    second = shown(prefix)
    browser.send("/suggestions/opened", {"ref": prefix, "showing": second})
    for _time in range(2):
        browser.send("/suggestions/answered", {"ref": prefix, "showing": second})
    shown(dates, prefix)
    shown(dates)
    bruno = browser_of("bruno")
    one, two = ask(app, title="A prefix for the publisher"), ask(app, title="Lots of a tender")
    for number in (one, one, one, two):
        bruno.get(f"/desk/tickets/{number}/fit", headers={"X-Fragment": "1"})
    bruno.get(f"/desk/tickets/{one}/fit/article/{texts['prefix']}")
    bruno.get(f"/desk/tickets/{one}/fit/article/{texts['prefix']}")
    with app.app_context():
        beside = {
            row.ticket_id: row.targets for row in db.session.scalars(db.select(SuggestionShowing)) if row.ticket_id
        }
        assert prefix in beside[one]
        assert dates not in beside[one]
        ticket = db.session.get_one(Ticket, one)
        for _reply in range(2):
            message = tickets.reply(ticket, by=member("bruno"), words=Words("See these."))
            for slug in ("prefix", "dates"):
                tickets.cite(message, db.session.get_one(Article, texts[slug]), by=member("bruno"))
        db.session.commit()
    work()
    with app.app_context():
        report = suggestion_report.make(30)
        ask_share, desk_share = report.by_place["ask"], report.by_place["desk"]
        assert (ask_share.shown, ask_share.opened, ask_share.cited, ask_share.answered, ask_share.taken) == (
            4,
            2,
            0,
            1,
            25,
        )
        assert (desk_share.shown, desk_share.opened, desk_share.cited, desk_share.answered) == (2, 1, 1, 0)
        whole = report.whole
        assert (whole.shown, whole.opened, whole.cited, whole.answered, whole.taken) == (6, 3, 1, 1, 33)
        # Of what the replies to the first ticket point to, the one was suggested and the other found otherwise.
        assert (report.citations, report.suggested) == (2, 1)
        assert sum(share.shown for _day, share in report.by_week) == 6
    rows = list(csv.reader(io.StringIO(browser_of("mona").get("/reports/suggestions.csv?days=30").text)))[1:]
    sums = [sum(int(row[place]) for row in rows) for place in range(4, 8)]
    assert sums == [6, 3, 1, 1], "the file says what the page says"


def test_what_a_browser_loads_ahead_is_neither_shown_nor_opened(app, texts, browser_of):
    number = ask(app, title="A prefix for the publisher")
    bruno = browser_of("bruno")
    for headers in AHEAD:
        bruno.get(f"/desk/tickets/{number}/fit", headers=headers)
    bruno.head(f"/desk/tickets/{number}/fit")
    with app.app_context():
        assert db.session.scalars(db.select(SuggestionShowing)).all() == []
    bruno.get(f"/desk/tickets/{number}/fit")
    for headers in AHEAD:
        bruno.get(f"/desk/tickets/{number}/fit/article/{texts['prefix']}", headers=headers)
    bruno.head(f"/desk/tickets/{number}/fit/article/{texts['prefix']}")
    with app.app_context():
        assert db.session.scalars(db.select(SuggestionStep)).all() == []


def test_what_is_opened_without_scripts_is_written_down_and_from_an_older_list_too(app, texts, browser_of):
    number = ask(app, title="A prefix for the publisher")
    bruno = browser_of("bruno")
    page = bruno.get(f"/desk/tickets/{number}/fit").text
    assert 'href="/kb/en/prefix' not in page, "every link to a suggestion leads by the count"
    with app.app_context():
        db.session.add(SuggestionShowing(token="newer", place="desk", ticket_id=number, targets=["article:99"]))
        db.session.commit()
    bruno.get(f"/desk/tickets/{number}/fit/article/{texts['prefix']}")
    with app.app_context():
        step = db.session.scalars(db.select(SuggestionStep)).one()
        assert (step.what, step.rank > 0) == ("opened", True)


def test_a_search_in_vain_counts_once_for_a_page_that_is_loaded_again_and_never_for_programs(app, texts, browser):
    def search(address: str, **headers: str) -> None:
        page = browser.get("/search?q=zzyzx forms", headers=headers, environ_base={"REMOTE_ADDR": address})
        assert page.status_code == 200

    search("192.0.2.1", **ROBOT)
    for headers in AHEAD:
        search("192.0.2.1", **headers)
    with app.app_context():
        assert gaps.gaps() == []
    for _time in range(3):
        search("192.0.2.1")
    search("192.0.2.2")
    with app.app_context():
        (gap,) = gaps.gaps()
        assert (gap.nothing, gap.left, gap.count) == (2, 0, 2)


def test_a_search_that_was_left_counts_once_for_a_page_that_is_loaded_again(app, texts, browser):
    page = browser.get("/search?q=prefix").text
    mark = page.partition('data-search-mark="')[2].partition('"')[0]
    for address in ("192.0.2.1", "192.0.2.1", "192.0.2.2"):
        form = {"q": "prefix", "outcome": "left", "mark": mark}
        assert browser.post("/search/ended", data=form, environ_base={"REMOTE_ADDR": address}).status_code == 204
    with app.app_context():
        (gap,) = gaps.gaps()
        assert (gap.nothing, gap.left) == (0, 2)


def test_similar_tickets_beside_a_ticket_are_counted_as_what_they_are(app, texts, browser_of, work):
    before = ask(app, title="A register of suppliers with tax numbers")
    with app.app_context():
        ticket = db.session.get_one(Ticket, before)
        tickets.reply(ticket, by=member("bruno"), words=Words("Use the scheme of the register."))
        tickets.set_state(ticket, "solved", by=member("bruno"))
        db.session.commit()
    work()
    number = ask(app, title="Which register of suppliers has tax numbers?")
    work()
    bruno = browser_of("bruno")
    page = bruno.get(f"/desk/tickets/{number}/fit", headers={"X-Fragment": "1"}).text
    assert f"/desk/tickets/{number}/fit/ticket/{before}" in page
    for _time in range(2):
        assert bruno.get(f"/desk/tickets/{number}/fit/ticket/{before}").location.endswith(f"/desk/tickets/{before}")
    assert bruno.get(f"/desk/tickets/{number}/fit/ticket/999999").status_code == 404
    with app.app_context():
        targets = db.session.scalars(db.select(SuggestionShowing.targets)).one()
        assert targets[-1] == f"ticket:{before}"
        report = suggestion_report.make(30)
        assert (report.by_kind["ticket"].shown, report.by_kind["ticket"].opened) == (1, 1)
        assert report.by_kind["answer"].shown == 0
        assert report.by_kind["article"].opened == 0
        assert all(not row.title.startswith("A register") for row in report.never_opened)
    assert "Similar tickets" in browser_of("mona").get("/reports/suggestions").text

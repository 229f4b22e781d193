"""Suggestions are ranked by what answered tickets like it, and what becomes of them is counted."""

from datetime import timedelta

import pytest

from core import jobs
from core.db import db, now
from helpdesk import held_out, measuring, tickets
from helpdesk.fitting import Question, fitting
from helpdesk.measuring_models import SuggestionShowing, SuggestionStep
from helpdesk.models import Ticket
from helpdesk.tickets import Words
from kb import articles
from kb.models import Article, SuggestionUse
from kb.pages import Details
from portal import suggestion_report
from tests.conftest import member
from tests.helpdesk.desk import ask
from tests.helpdesk.test_ask import ASKED


@pytest.fixture
def library(app, work):
    """Two articles; a solved ticket about joint ventures whose answer cited the one on parties, which has none of its words."""
    numbers = {}
    with app.app_context():
        for slug, title, body in (
            ("prefix", "Register an OCID prefix", "Send us the name of the publisher."),
            ("parties", "Who is who in a process", "Describe each organisation once, with its roles."),
        ):
            row = articles.write(Details(title=title, slug=slug, topic="organisations"), body, by=member("bruno"))
            numbers[slug] = row.id
        ticket = tickets.ask(
            by=member("paula"), title="Joint venture won the bridge", words=Words("Three companies won together.")
        )
        message = tickets.reply(ticket, by=member("bruno"), words=Words("See the article."))
        tickets.cite(message, db.session.get(Article, numbers["parties"]), by=member("bruno"))
        tickets.solve(ticket, by=member("bruno"))
        numbers["ticket"] = ticket.id
        db.session.commit()
        jobs.run_clocks()
    work()
    return numbers


def test_what_answered_a_ticket_like_it_is_suggested_though_it_shares_no_word(app, library):
    question = Question(title="Another joint venture", body="Who signs?", language="en")
    with app.app_context():
        found = [hit.id for hit in fitting(question, reader=None)]
        assert found[0] == f"article:{library['parties']}"
        without = [hit.id for hit in fitting(question, reader=None, without=[library["ticket"]])]
        assert f"article:{library['parties']}" not in without


def test_nobody_is_suggested_what_they_may_not_read(app, library):
    with app.app_context():
        db.session.get(Article, library["parties"]).visibility = "staff"
        db.session.commit()
        question = Question(title="Another joint venture")
        assert fitting(question, reader=None) == []
        assert [hit.id for hit in fitting(question, reader=member("bruno"))] == [f"article:{library['parties']}"]


def test_showings_openings_and_answers_are_written_down_without_words_or_names(app, browser, library):
    first, second = f"article:{library['parties']}", f"article:{library['prefix']}"
    token = browser.send("/suggestions/shown", {"ref": [first], "topic": "bids"}).json["showing"]
    again = browser.send("/suggestions/shown", {"ref": [first, second], "showing": token}).json["showing"]
    assert again == token
    for _time in range(2):
        assert browser.send("/suggestions/opened", {"ref": second, "showing": token}).status_code == 204
    for _time in range(2):
        assert browser.send("/suggestions/answered", {"ref": second, "showing": token}).status_code == 200
    assert browser.send("/suggestions/opened", {"ref": second, "showing": "of nobody"}).status_code == 204
    for odd in ("ticket:1", f"{'article' * 9}:1", f"article:{'9' * 12}", "article:0", ":", "article:²"):
        assert browser.send("/suggestions/opened", {"ref": odd, "showing": token}).status_code == 422, odd
    assert browser.send("/suggestions/shown", {"ref": "ticket:1"}).status_code == 422
    with app.app_context():
        showing = db.session.scalars(db.select(SuggestionShowing)).one()
        assert (showing.place, showing.targets, showing.ticket_id) == ("ask", [first, second], None)
        steps = db.session.scalars(db.select(SuggestionStep).order_by(SuggestionStep.id)).all()
        assert [(step.what, step.rank) for step in steps] == [("opened", 2), ("answered", 2)]
        assert db.session.scalar(db.select(db.func.count()).select_from(SuggestionUse)) == 1
        report = suggestion_report.make(30)
        assert (report.whole.shown, report.whole.opened, report.whole.answered, report.whole.taken) == (1, 1, 1, 100)


def test_a_citation_of_what_stood_beside_the_ticket_counts_for_that_showing(app, library, browser_of, work):
    number = ask(app, title="Joint venture for a school", body="Who signs?")
    bruno = browser_of("bruno")
    for _time in range(2):
        page = bruno.get(f"/desk/tickets/{number}/fit")
        assert f"/fit/article/{library['parties']}" in page.text
    assert bruno.get(f"/desk/tickets/{number}/fit/article/{library['parties']}").location.endswith("/kb/en/parties")
    assert bruno.get(f"/desk/tickets/{number}/fit/article/99").status_code == 404
    with app.app_context():
        ticket = db.session.get(Ticket, number)
        message = tickets.reply(ticket, by=member("bruno"), words=Words("See both."))
        for slug in ("parties", "prefix"):
            tickets.cite(message, db.session.get(Article, library[slug]), by=member("bruno"))
        db.session.commit()
    work()
    with app.app_context():
        steps = db.session.scalars(db.select(SuggestionStep).order_by(SuggestionStep.id)).all()
        assert [(step.what, step.rank) for step in steps] == [("opened", 1), ("cited", 1), ("cited", 0)]
        report = suggestion_report.make(30)
        assert (report.whole.shown, report.citations, report.suggested) == (1, 2, 1)
        assert {row.title for row in report.most_citing} == {"Who is who in a process", "Register an OCID prefix"}


def test_solved_tickets_are_asked_again_without_their_own_citations(app, library):
    with app.app_context():
        assert (held_out.trial().asked, held_out.trial().top10) == (1, 0)
        ticket = tickets.ask(by=member("paula"), title="Joint venture for a road", words=Words("Two companies."))
        message = tickets.reply(ticket, by=member("bruno"), words=Words("See the article."))
        tickets.cite(message, db.session.get(Article, library["parties"]), by=member("bruno"))
        tickets.solve(ticket, by=member("bruno"))
        db.session.commit()
        found = held_out.trial()
        assert (found.asked, found.top1, found.top10) == (2, 2, 2)


def test_the_report_shows_the_trial_and_is_for_managers(app, library, browser, browser_of, work, statements):
    mona = browser_of("mona")
    assert browser_of("bruno").get("/reports/suggestions").status_code == 403
    assert mona.send("/reports/suggestions/trial").status_code == 303
    work()
    for _time in range(3):
        browser.send("/suggestions/shown", {"ref": [f"article:{library['prefix']}"]})
    with statements() as made:
        page = mona.get("/reports/suggestions?days=30").text
    assert len(made) <= 12
    assert "Among 10" in page
    assert "Register an OCID prefix" in page
    table = mona.get("/reports/suggestions.csv?days=30")
    assert table.mimetype == "text/csv"
    assert table.text.splitlines()[1].endswith("ask,en,,3,0,0,0")


def test_showings_are_forgotten_after_a_year(app, browser, library):
    token = browser.send("/suggestions/shown", {"ref": [f"article:{library['prefix']}"]}).json["showing"]
    browser.send("/suggestions/opened", {"ref": f"article:{library['prefix']}", "showing": token})
    with app.app_context():
        measuring.sweep()
        assert db.session.scalar(db.select(db.func.count()).select_from(SuggestionShowing)) == 1
        db.session.execute(db.update(SuggestionShowing).values(at=now() - timedelta(days=366)))
        measuring.sweep()
        assert db.session.scalar(db.select(db.func.count()).select_from(SuggestionStep)) == 0
        db.session.rollback()


def test_whoever_has_no_scripts_sees_what_may_answer_after_asking(app, library, browser):
    from kb.models import SuggestionUse

    asked = {**ASKED, "title": "Who gives us an OCID prefix", "body": "We publish soon."}
    browser.get("/ask")
    assert browser.send("/ask", asked).status_code == 303
    for _again in range(2):
        page = browser.get("/ask/sent").text
    assert "While you wait: this may answer it" in page
    assert "/kb/en/prefix" in page
    reference = f"article:{library['prefix']}"
    assert browser.send("/ask/sent", {"ref": "article:999"}).status_code == 422
    answer = browser.send("/ask/sent", {"ref": reference})
    assert answer.headers["Location"] == "/kb/en/prefix"
    assert browser.send("/ask/sent", {"ref": reference}).headers["Location"] == "/ask"
    with app.app_context():
        ticket = db.session.scalars(db.select(Ticket).order_by(Ticket.id.desc())).first()
        assert ticket.state == "solved"
        showing = db.session.scalars(db.select(SuggestionShowing)).one()
        assert showing.targets[0] == reference
        assert [step.what for step in db.session.scalars(db.select(SuggestionStep))] == ["answered"]
        assert db.session.query(SuggestionUse).count() == 1


def test_nothing_is_suggested_once_somebody_answers_and_nothing_is_solved_by_others(app, library, browser, browser_of):
    asked = {**ASKED, "title": "Who gives us an OCID prefix", "body": "We publish soon."}
    browser.get("/ask")
    assert browser.send("/ask", asked).status_code == 303
    reference = f"article:{library['prefix']}"
    assert browser_of("quentin").send("/ask/sent", {"ref": reference}).headers["Location"] == "/ask"
    with app.app_context():
        ticket = db.session.scalars(db.select(Ticket).order_by(Ticket.id.desc())).first()
        assert ticket.state == "new"
        tickets.reply(ticket, by=member("bruno"), words=Words("Here it is."))
        db.session.commit()
    assert "While you wait" not in browser.get("/ask/sent").text
    browser.send("/ask/sent", {"ref": reference})
    with app.app_context():
        assert db.session.get_one(Ticket, ticket.id).state != "solved"


def test_of_an_article_and_its_translations_the_one_in_the_language_of_the_question_is_suggested(app, work):
    with app.app_context():
        details = {"title": "Penguin register", "topic": "other"}
        source = articles.write(Details(slug="penguins", **details), "How to register penguins.", by=member("bruno"))
        for language in ("es", "fr"):
            row = articles.write(
                Details(slug="penguins", language=language, **details), "Penguin register.", by=member("bruno")
            )
            row.source_id = source.id
        db.session.commit()
    work()
    with app.app_context():
        found = {
            language: [
                hit.language for hit in fitting(Question(title="penguin register", language=language), reader=None)
            ]
            for language in ("en", "es", "pt")
        }
    assert found["en"] == ["en"]
    assert found["es"] == ["es"]
    assert sorted(found["pt"]) == ["en", "es", "fr"]

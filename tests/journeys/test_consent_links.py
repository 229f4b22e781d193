"""The link by which an asker decides: each of its defences, one by one."""

import pytest
from sqlalchemy import select

from core import signing
from core.db import db
from helpdesk import tickets
from helpdesk.consent_views import PURPOSE
from helpdesk.models import Ticket
from kb import answers
from kb.answer_models import AnswerConsent
from kb.models import Answer
from tests.conftest import member
from tests.journeys.test_past_answers import asked, decide, of, published, solved

__all__ = ["solved"]


def states(app) -> list[str]:
    with app.app_context():
        found = list(db.session.scalars(select(AnswerConsent.state).order_by(AnswerConsent.id)))
        db.session.remove()
    return found


@pytest.mark.parametrize("first", ["agree", "refuse", "change"])
def test_a_link_decides_once(app, browser_of, browser, work, solved, first):
    number, path = asked(app, browser_of, work, solved)
    row = of(app, number)
    words = {"title": row["title"], "question": "Other words?", "answer": row["answer"]}
    with app.app_context():
        seen = db.session.scalar(select(AnswerConsent.digest))
        db.session.remove()
    assert decide(browser, path, first, **words).status_code == 303
    before, text = states(app), of(app, number)
    for again in ("agree", "refuse", "change"):
        answer = browser.send(path, {"decision": again, "seen": seen, **words, "question": "Third words?"})
        assert answer.status_code == 409, again
        assert states(app) == before
        assert of(app, number) == text


def test_only_the_text_that_stood_on_the_page_is_agreed_to(app, browser_of, browser, work, solved):
    number, path = asked(app, browser_of, work, solved)
    browser.get(path)
    for seen in ("", "0" * 64):
        assert browser.send(path, {"decision": "agree", "seen": seen}).status_code == 409
    with app.app_context():
        consent = db.session.scalar(select(AnswerConsent))
        seen = consent.digest
        # As another process may have done a moment ago, without a word to this consent.
        consent.answer.answer = "Something that nobody showed them."
        db.session.commit()
        db.session.remove()
    assert browser.send(path, {"decision": "agree", "seen": seen}).status_code == 409
    assert states(app) == ["asked"]
    assert of(app, number)["state"] == "approved"


def test_no_other_key_opens_it(app, browser_of, browser, work, solved):
    _number, path = asked(app, browser_of, work, solved)
    with app.app_context():
        number = db.session.scalar(select(AnswerConsent.id))
        keys = [
            str(number),
            signing.sign("unsubscribe", number),
            signing.sign("ticket", number),
            signing.sign("", number),
        ]
        own = signing.sign(PURPOSE, number)
        absent = signing.sign(PURPOSE, number + 1)
        db.session.remove()
    assert browser.get(f"/answers/consent/{own}").status_code == 200
    for key in [*keys, absent, own[:-9] + ("A" if own[-9] != "A" else "B") + own[-8:], own.swapcase(), path[-20:]]:
        assert browser.get(f"/answers/consent/{key}").status_code == 404
        assert browser.send(f"/answers/consent/{key}", {"decision": "agree", "seen": ""}).status_code == 404


def test_an_asker_whose_account_is_closed_decides_nothing(app, browser_of, browser, work, solved):
    _number, path = asked(app, browser_of, work, solved)
    assert browser.get(path).status_code == 200
    with app.app_context():
        db.session.scalar(select(AnswerConsent)).asker.is_disabled = True
        db.session.commit()
        db.session.remove()
    assert browser.get(path).status_code == 404
    assert decide(browser, path, "agree").status_code == 404
    assert states(app) == ["asked"]


def test_others_who_take_part_in_the_ticket_are_not_shown_the_link(app, browser_of, work, solved):
    asked(app, browser_of, work, solved)
    with app.app_context():
        ticket = db.session.get(Ticket, solved)
        tickets.add_participant(ticket, member("quentin"), by=member("bruno"))
        db.session.commit()
        db.session.remove()
    assert "/answers/consent/" in browser_of("paula").get(f"/tickets/{solved}").text
    page = browser_of("quentin").get(f"/tickets/{solved}")
    assert page.status_code == 200
    assert "/answers/consent/" not in page.text


def test_what_is_withdrawn_is_no_longer_counted_as_published_anywhere(app, browser_of, browser, work, solved):
    number, path = published(app, browser_of, browser, work, solved)
    browser.get(path)
    assert browser.send(path, {"decision": "take-back"}).status_code == 303
    work()
    with app.app_context():
        row = db.session.get(Answer, number)
        assert (row.state, row.basis) != ("published", answers.CONSENT)
        from kb.indexing import open_index
        from kb.search import Query

        assert open_index().search(Query(text="zanzibarite", visibilities=("public", "champions", "staff"))).total == 0
        assert not open_index().search(Query(text="zanzibarit", visibilities=("public",))).suggestion
        db.session.remove()
    assert states(app)[-1] == "taken-back"

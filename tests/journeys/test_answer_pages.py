"""The page of a past answer at the desk, in every state that it can be in."""

import re
from io import BytesIO

import pytest

from core import files
from core.db import db
from kb import answer_articles, answer_merging, answers, indexing
from kb.answer_models import AnswerFile
from kb.models import Answer
from tests.conftest import member
from tests.journeys.test_past_answers import approved, asked, decide, drafted, published, solved
from tests.journeys.test_taking_back import article_from, article_with, keep

__all__ = ["solved"]


def twin(app, number) -> int:
    """A published past answer that says the same as another one, and is of nobody's ticket."""

    def make():
        row = db.session.get(Answer, number)
        other = answers.draft(by=member("carla"), title=row.title, question=row.question, answer=row.answer)
        answers.publish(other, basis="nothing-personal", by=member("carla"))
        return other.id

    return keep(app, make)


def draft(app, browser_of, browser, work, solved):
    number = drafted(app, browser_of, solved)
    keep(app, lambda: setattr(db.session.get(Answer, number), "state", "draft"))
    return number


def in_review(app, browser_of, browser, work, solved):
    return drafted(app, browser_of, solved)


def sent_back(app, browser_of, browser, work, solved):
    number = drafted(app, browser_of, solved)
    digest = re.search(r'name="digest" value="(\w+)"', browser_of("carla").get(f"/desk/answers/{number}").text)[1]
    browser_of("carla").send(
        f"/desk/answers/{number}/verdict", {"digest": digest, "do": "back", "comment": "Shorter."}
    )
    return number


def ready(app, browser_of, browser, work, solved):
    return approved(app, browser_of, solved)


def waits_for_the_asker(app, browser_of, browser, work, solved):
    return asked(app, browser_of, work, solved)[0]


def agreed(app, browser_of, browser, work, solved):
    number, path = asked(app, browser_of, work, solved)
    decide(browser, path, "agree", credit="Compras")
    return number


def other_words(app, browser_of, browser, work, solved):
    number, path = asked(app, browser_of, work, solved)
    decide(browser, path, "change", title="Mine", question="Q", answer="Own words.")
    return number


def refused(app, browser_of, browser, work, solved):
    number, path = asked(app, browser_of, work, solved)
    decide(browser, path, "refuse")
    return number


def public(app, browser_of, browser, work, solved):
    return published(app, browser_of, browser, work, solved)[0]


def withdrawn(app, browser_of, browser, work, solved):
    number = public(app, browser_of, browser, work, solved)
    browser_of("bruno").send(f"/desk/answers/{number}/withdraw", {})
    return number


def taken_back(app, browser_of, browser, work, solved):
    number, path = published(app, browser_of, browser, work, solved)
    article_from(app, number)
    article_with(app, number)
    browser.get(path)
    browser.send(path, {"decision": "take-back"})
    return number


def in_an_article(app, browser_of, browser, work, solved):
    number = approved(app, browser_of, solved)
    keep(app, lambda: answer_articles.become_article(db.session.get(Answer, number), by=member("bruno")).id)
    return number


def merged(app, browser_of, browser, work, solved):
    number = public(app, browser_of, browser, work, solved)
    into = twin(app, number)
    keep(
        app,
        lambda: answer_merging.merge(db.session.get(Answer, number), db.session.get(Answer, into), by=member("bruno")),
    )
    return number


STATES = {
    draft: (True, True), in_review: (True, True), sent_back: (True, True), ready: (True, True),
    waits_for_the_asker: (True, True), agreed: (True, True), other_words: (True, True), refused: (False, True),
    public: (False, True), withdrawn: (True, True), taken_back: (False, True), in_an_article: (True, True),
    merged: (False, False),
}  # fmt: skip


@pytest.mark.parametrize("bring", STATES, ids=lambda bring: bring.__name__)
def test_every_state_has_its_page_with_what_is_like_it_in_at_most_twelve_statements(
    app, browser_of, browser, work, statements, solved, bring
):
    number = bring(app, browser_of, browser, work, solved)
    by_itself, when_asked = STATES[bring]

    def add_file():
        stored = files.save(BytesIO(b"a,b\n"), "x.csv")
        db.session.add(AnswerFile(answer_id=number, file_id=stored.id, name="x.csv"))

    if bring is not merged:
        twin(app, number)
    if bring in {public, ready, draft}:
        keep(app, add_file)
    work()
    with app.app_context():
        # Readers look for a new index once a second.
        indexing.search_index().health()
        db.session.remove()
    for who in ("bruno", "carla"):
        client = browser_of(who)
        client.get("/desk/answers")
        for address, shown in (
            (f"/desk/answers/{number}", by_itself),
            (f"/desk/answers/{number}?alike=1", when_asked),
        ):
            with statements() as seen:
                page = client.get(address)
            assert page.status_code == 200, address
            alike = 'id="alike-title"' in page.text
            assert alike == shown, (who, address)
            assert len(seen) <= 12, (who, address, len(seen), "\n".join(seen))

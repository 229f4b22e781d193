"""Searches in vain become a work list; whose they were is never kept."""

from datetime import timedelta

import pytest

from core import signing
from core.db import db, now
from kb import gaps
from kb.gap_models import GapDecision, SearchMade
from kb.models import Article


def ends(app, browser, text: str, outcome: str, mark: str | None = None) -> int:
    """Say how a search ended, as its page does; the status of the answer."""
    if mark is None:
        with app.app_context():
            mark = signing.mark(gaps.SHOWN, text)
    return browser.post("/search/ended", data={"q": text, "outcome": outcome, "mark": mark}).status_code


def made(app) -> list[tuple[str, str]]:
    with app.app_context():
        rows = db.session.execute(db.select(SearchMade.text, SearchMade.outcome).order_by(SearchMade.id)).all()
        return [tuple(row) for row in rows]


def test_a_search_that_finds_nothing_is_on_the_list_once_for_all_its_spellings(app, browser, browser_of):
    browser.get("/search?q=Écoles primaires")
    browser.get("/search?q=primaires écoles")
    desk = browser_of("bruno").get("/kb/gaps").text
    assert desk.count("Write this article") == 1
    assert "title=primaires" in desk or "title=%C3%89coles" in desk
    assert "French" not in desk
    assert "English" in desk


def test_a_search_with_results_counts_when_nothing_of_them_was_opened(app, browser, browser_of):
    assert ends(app, browser, "lots of lots", "left") == 204
    assert ends(app, browser, "seen lots", "opened") == 204
    assert ends(app, browser, "lots", "nothing") == 422
    assert ends(app, browser, "never shown", "left", mark="forged") == 404
    assert made(app) == [("lots of lots", "left"), ("seen lots", "opened")]
    desk = browser_of("bruno").get("/kb/gaps").text
    assert "lots of lots" in desk
    assert "seen lots" not in desk


@pytest.mark.parametrize(
    "text", ["mail of amara@ppa.example", "call +233 24 555 0123", "https://x.example/secret", "a", "x" * 121]
)
def test_words_that_may_be_somebodys_own_are_not_kept(app, browser, text):
    browser.get("/search", query_string={"q": text})
    assert ends(app, browser, text, "left") == 204
    assert made(app) == []


def test_an_article_that_answers_a_search_is_found_by_its_words(app, article, browser, browser_of):
    number = article("Lots", "How to split a tender.")
    browser.get("/search?q=allotissement")
    bruno = browser_of("bruno")
    assert "allotissement" in bruno.get("/kb/gaps").text
    chosen = bruno.get("/kb/gaps/answer?words=allotissement&q=lots")
    assert chosen.status_code == 200
    assert bruno.send("/kb/gaps/settle", {"words": "allotissement", "article": str(number)}).status_code == 303
    with app.app_context():
        assert "allotissement" in db.session.get(Article, number).tags
    assert "allotissement" not in bruno.get("/kb/gaps").text
    assert "allotissement" in bruno.get("/kb/gaps?settled=1").text
    bruno.send("/kb/gaps/reopen", {"words": "allotissement"})
    assert "allotissement" in bruno.get("/kb/gaps").text
    assert bruno.send("/kb/gaps/settle", {"words": "allotissement", "article": "999"}).status_code == 404


def test_what_was_settled_comes_back_when_people_search_in_vain_again_but_not_what_was_dismissed(
    app, browser, browser_of
):
    for word in ("allotissement", "nonsense"):
        browser.get(f"/search?q={word}")
    bruno = browser_of("bruno")
    bruno.send("/kb/gaps/dismiss", {"words": "nonsense"})
    with app.app_context():
        db.session.add(GapDecision(words="allotissement", what="settled", by_id=1, at=now()))
        db.session.commit()
        assert gaps.gaps() == []
        db.session.execute(db.update(GapDecision).values(at=now() - timedelta(hours=1)))
        db.session.commit()
        assert [gap.words for gap in gaps.gaps()] == ["allotissement"]


def test_the_list_is_for_staff_and_forgets_after_half_a_year(app, browser, browser_of):
    browser.get("/search?q=allotissement")
    assert browser_of("amara").get("/kb/gaps").status_code == 403
    with app.app_context():
        gaps.sweep()
        assert db.session.scalar(db.select(db.func.count()).select_from(SearchMade)) == 1
        db.session.execute(db.update(SearchMade).values(at=now() - timedelta(days=gaps.KEPT_DAYS + 1)))
        gaps.sweep()
        assert db.session.scalar(db.select(db.func.count()).select_from(SearchMade)) == 0
        db.session.rollback()

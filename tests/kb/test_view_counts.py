"""How often articles are read."""

import time
from datetime import date, timedelta

import pytest
from sqlalchemy import select

from core.db import db, now
from kb import view_counts
from kb.models import Article, Feedback
from kb.writing_models import ArticleViews

FIREFOX = {"User-Agent": "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"}


@pytest.fixture(autouse=True)
def _nothing_counted_yet(app):
    app.extensions["article_views"].take()


def counted(app) -> dict[tuple[int, date], int]:
    with app.app_context():
        view_counts.write()
        return {(row.article_id, row.day): row.count for row in db.session.scalars(select(ArticleViews))}


def test_views_are_added_up_by_article_and_day(app, browser, article):
    one, two = article("One", slug="one"), article("Two", slug="two")
    for path in ("/kb/en/one", "/kb/en/one", "/kb/en/two"):
        assert browser.get(path, headers=FIREFOX).status_code == 200
    today = now().date()
    assert counted(app) == {(one, today): 2, (two, today): 1}
    browser.get("/kb/en/one", headers=FIREFOX)
    assert counted(app) == {(one, today): 3, (two, today): 1}


def test_a_page_that_did_not_change_is_a_view_too(app, browser, article):
    number = article("One", slug="one")
    tag = browser.get("/kb/en/one", headers=FIREFOX).headers["ETag"]
    assert browser.get("/kb/en/one", headers={**FIREFOX, "If-None-Match": tag}).status_code == 304
    assert counted(app) == {(number, now().date()): 2}


@pytest.mark.parametrize(
    "headers",
    [
        {"User-Agent": "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"},
        {"User-Agent": "curl/8.5.0"},
        {"User-Agent": "python-requests/2.32"},
        {"User-Agent": ""},
        {**FIREFOX, "Sec-Purpose": "prefetch;prerender"},
    ],
)
def test_programs_and_pages_loaded_ahead_are_not_counted(app, browser, article, headers):
    article("One", slug="one")
    browser.get("/kb/en/one", headers=headers)
    browser.head("/kb/en/one", headers=FIREFOX)
    assert counted(app) == {}


def test_staff_at_work_are_not_counted_and_champions_are(app, browser_of, article):
    number = article("One", slug="one")
    browser_of("bruno").get("/kb/en/one", headers=FIREFOX)
    assert counted(app) == {}
    browser_of("amara").get("/kb/en/one", headers=FIREFOX)
    assert counted(app) == {(number, now().date()): 1}


def test_counting_runs_no_statement_and_sets_no_cookie(browser, article, statements):
    article("One", slug="one")
    browser.get("/kb/en/one", headers=FIREFOX)
    with statements() as without:
        browser.get("/kb/en/one", headers={"User-Agent": "curl/8.5.0"})
    with statements() as counting:
        response = browser.get("/kb/en/one", headers=FIREFOX)
    assert len(counting) == len(without)
    assert "Set-Cookie" not in response.headers


def test_what_could_not_be_written_is_written_later(app, browser, article, monkeypatch):
    number = article("One", slug="one")
    browser.get("/kb/en/one", headers=FIREFOX)
    with app.app_context():
        monkeypatch.setattr(view_counts, "_adding", lambda _rows: select(db.literal_column("nothing_such")))
        with pytest.raises(view_counts.SQLAlchemyError):
            view_counts.write()
    monkeypatch.undo()
    assert counted(app) == {(number, now().date()): 1}


def test_any_server_of_pages_writes_what_it_counted_by_itself(app, browser, article, monkeypatch):
    number = article("One", slug="one")
    monkeypatch.setattr(view_counts, "SECONDS", 0.05)
    served = {"SERVER_SOFTWARE": "Werkzeug/3.1.3"}
    assert browser.get("/kb/en/one", headers=FIREFOX, environ_overrides=served).status_code == 200
    end = time.monotonic() + 20
    while time.monotonic() < end:
        with app.app_context():
            rows = db.session.execute(select(ArticleViews.article_id, ArticleViews.count)).all()
            db.session.rollback()
        if rows:
            break
        time.sleep(0.05)
    assert [tuple(row) for row in rows] == [(number, 1)]


def test_the_history_shows_views_and_what_readers_said_by_week(app, browser_of, article):
    number = article("One", slug="one")
    with app.app_context():
        today = now().date()
        db.session.add_all([
            ArticleViews(article_id=number, day=today, count=7),
            ArticleViews(article_id=number, day=today - timedelta(days=7), count=5),
            ArticleViews(article_id=number, day=today - timedelta(weeks=60), count=900),
            Feedback(about_kind="article", about_id=number, is_helpful=True),
            Feedback(about_kind="article", about_id=number, is_helpful=False),
            Feedback(about_kind="article", about_id=number, is_helpful=True),
        ])  # fmt: skip
        db.session.commit()
        weeks = view_counts.weeks(db.session.get_one(Article, number))
        assert [week.views for week in weeks[-2:]] == [5, 7]
        assert (weeks[-1].helpful, weeks[-1].unhelpful, len(weeks)) == (2, 1, view_counts.WEEKS)
    page = browser_of("bruno").get("/kb/en/one/history").text
    assert "In 26 weeks: 12 views. Helped: 2. Did not help: 1." in page

"""An article on its way: a kept change, a reviewer with comments on lines, days of review, old addresses, an end."""

from datetime import date

import pytest
from sqlalchemy import select, update

from core.db import db
from core.exceptions import NotNow, Refused
from kb import articles, laying_out, workflow
from kb.models import Article, Revision
from kb.writing_models import ArticleChange
from tests.conftest import member, said_to

TEXT = "One\n\nTwo\n\nThree\n"


@pytest.fixture
def staff(browser_of):
    return browser_of("bruno")


def edited(article: Article, body: str, **more) -> dict:
    return {"title": article.title, "body": body, "topic": article.topic, "visibility": article.visibility, "tags": "",
            "version": str(article.version), "base": str(article.revision_number), "kept_version": "0", **more}  # fmt: skip


def the(app, number: int) -> Article:
    with app.app_context():
        row = db.session.get_one(Article, number)
        _text = row.body, row.body_html
        db.session.expunge(row)
        return row


def test_readers_see_the_old_text_until_the_change_is_published(app, staff, browser, article):
    number = article("Lots", TEXT)
    assert "kept for review" not in staff.get("/kb/en/lots/edit").text
    data = edited(the(app, number), "One\n\nTwo, anew\n\nThree\n", do="keep", reason="Truer", significance="major")
    response = staff.send("/kb/en/lots/edit", data)
    assert response.location.endswith("/kb/en/lots/review")
    assert "anew" not in browser.get("/kb/en/lots").text
    assert "anew" in staff.get("/kb/en/lots/review").text
    page = staff.get("/kb/en/lots/edit").text
    assert "Two, anew" in page
    assert "You go on with a change that is kept for review." in page
    staff.send("/kb/en/lots/review", {"do": "publish"})
    assert "anew" in browser.get("/kb/en/lots").text
    with app.app_context():
        last = db.session.scalars(select(Revision).order_by(Revision.number.desc())).first()
        assert (last.reason, last.significance, last.author.name) == ("Truer", "major", member("bruno").name)
        assert db.session.scalars(select(ArticleChange)).all() == []


def test_a_kept_change_takes_in_what_was_published_meanwhile_and_overlaps_are_for_a_person(article, change):
    number = article("Lots", TEXT)
    change(
        lambda row: workflow.keep_change(row, articles.details_of(row), TEXT.replace("Three", "Third"), by=None),
        number,
    )
    change(lambda row: articles.edit(row, articles.details_of(row), TEXT.replace("One", "First"), by=None), number)
    change(lambda row: workflow.publish_change(row, by=None), number)
    assert change(lambda row: row.body, number) == "First\n\nTwo\n\nThird\n"
    change(lambda row: workflow.keep_change(row, articles.details_of(row), "Mine\n", by=None), number)
    change(lambda row: articles.edit(row, articles.details_of(row), "Theirs\n", by=None), number)
    with pytest.raises(NotNow, match="same lines"):
        change(lambda row: workflow.publish_change(row, by=None), number)
    assert change(lambda row: workflow.change_of(row).body, number) == "Mine\n"


def test_a_reviewer_comments_on_lines_sends_back_and_approves(app, article, browser_of, browser):
    number = article("Lots", TEXT, state="draft")
    bruno, carla = browser_of("bruno"), browser_of("carla")
    with app.app_context():
        reviewer = member("carla").id
    assert bruno.send("/kb/en/lots/review", {"do": "ask", "reviewer": reviewer}).status_code == 303
    assert the(app, number).state == "in_review"
    assert browser.get("/kb/en/lots").status_code == 404
    assert bruno.send("/kb/en/lots/review", {"do": "approve"}).status_code == 409
    assert said_to(app, "carla", "For you to read") in carla.get("/kb/drafts").text
    assert "For you to read" not in bruno.get("/kb/drafts").text
    carla.send("/kb/en/lots/review", {"do": "comment", "line": "3", "text": "Two of what?"})
    assert carla.send("/kb/en/lots/review", {"do": "comment", "line": "99", "text": "?"}).status_code == 422
    carla.send("/kb/en/lots/review", {"do": "return"})
    assert the(app, number).state == "draft"
    page = bruno.get("/kb/en/lots/review").text
    assert page.index('id="l3"') < page.index("Two of what?") < page.index('id="l4"')
    bruno.send("/kb/en/lots/review", {"do": "ask", "reviewer": reviewer})
    carla.send("/kb/en/lots/review", {"do": "approve"})
    assert the(app, number).state == "published"
    assert browser.get("/kb/en/lots").status_code == 200
    assert "Two of what?" not in bruno.get("/kb/en/lots/review").text


def test_nobody_reviews_their_own_text_but_an_administrator(app, article, change):
    number = article("Lots", TEXT, state="draft")
    with app.app_context():
        bruno, chidi, paula = member("bruno"), member("chidi"), member("paula")
        for reviewer in (bruno, paula, None):
            with pytest.raises(Refused):
                workflow.ask_review(db.session.get_one(Article, number), reviewer, by=bruno)
        row = db.session.get_one(Article, number)
        workflow.ask_review(row, chidi, by=chidi)
        workflow.approve(row, by=chidi)
        assert row.state == "published"


def test_a_comment_follows_its_line(app, article):
    number = article("Lots", TEXT)
    with app.app_context():
        row = db.session.get_one(Article, number)
        said = workflow.comment(row, "Which?", line=3, by=member("bruno"))
        assert workflow.placed("Zero\n\n" + TEXT, [said]) == {5: [said]}
        assert workflow.placed("One\n", [said]) == {1: [said]}


def test_an_article_that_needs_an_update_is_read_as_before_until_somebody_looks_through_it(
    app, article, staff, browser
):
    number = article("Lots", TEXT)
    assert staff.send("/kb/en/lots/care", {"do": "update", "reason": "Version 2"}).status_code == 303
    assert the(app, number).state == "needs_update"
    assert browser.get("/kb/en/lots").status_code == 200
    assert (
        "/kb/en/lots"
        in browser.get("/sitemap-1.xml").text + browser.get("/kb/feed.xml").text + browser.get("/kb/").text
    )
    assert "looked through" in staff.get("/kb/en/lots").text
    assert "looked through" not in browser.get("/kb/en/lots").text
    staff.send("/kb/en/lots/care", {"do": "confirm", "review_by": "2030-01-31"})
    assert (the(app, number).state, the(app, number).review_by) == ("published", date(2030, 1, 31))


def test_an_owner_and_a_day_of_review_are_kept_and_bad_ones_refused(app, article, staff):
    number = article("Lots")
    with app.app_context():
        bruno, paula = member("bruno").id, member("paula").id
    staff.send("/kb/en/lots/care", {"do": "care", "owner": bruno, "review_by": "2027-01-31"})
    assert (the(app, number).owner_id, the(app, number).review_by) == (bruno, date(2027, 1, 31))
    response = staff.send("/kb/en/lots/care", {"do": "care", "owner": bruno, "review_by": "next week"})
    assert (response.status_code, "next week" in response.text) == (422, True)
    assert staff.send("/kb/en/lots/care", {"do": "care", "owner": paula}).status_code == 422


def test_old_addresses_lead_to_the_article_without_chains(article, staff, browser):
    article("Lots")
    staff.send("/kb/en/lots/care", {"do": "move", "slug": "all-lots"})
    staff.send("/kb/en/all-lots/care", {"do": "move", "slug": "every-lot"})
    for old in ("lots", "all-lots"):
        response = browser.get(f"/kb/en/{old}")
        assert (response.status_code, response.location) == (301, "/kb/en/every-lot")
    article("Lots", "Another text.", slug="lots")
    assert "Another text." in browser.get("/kb/en/lots").text


def test_a_retired_article_leads_to_its_replacement_or_says_that_it_is_gone(app, article, staff, browser):
    article("Lots")
    article("Parts")
    article("Secret", visibility="staff")
    assert staff.send("/kb/en/lots/care", {"do": "retire", "replacement": "/kb/en/secret"}).status_code == 422
    assert staff.send("/kb/en/lots/care", {"do": "retire", "replacement": "/kb/en/nowhere"}).status_code == 422
    assert staff.send("/kb/en/lots/care", {"do": "retire", "replacement": "http://x/kb/en/parts"}).status_code == 303
    response = browser.get("/kb/en/lots")
    assert (response.status_code, response.location) == (301, "/kb/en/parts")
    assert staff.get("/kb/en/lots").status_code == 200
    staff.send("/kb/en/parts/care", {"do": "retire"})
    assert browser.get("/kb/en/lots").status_code == 410
    assert browser.get("/kb/en/parts").status_code == 410
    staff.send("/kb/en/secret/care", {"do": "retire"})
    assert browser.get("/kb/en/secret").status_code == 404


def test_a_change_that_somebody_else_keeps_is_not_overwritten(app, staff, article):
    row = the(app, article("Lots", TEXT))
    staff.send("/kb/en/lots/edit", edited(row, "First\n", do="keep"))
    response = staff.send("/kb/en/lots/edit", edited(row, "Second\n", do="keep"))
    assert (response.status_code, "Second" in response.text) == (409, True)
    assert "First" in staff.get("/kb/en/lots/review").text


def test_what_an_older_renderer_laid_out_is_laid_out_again_without_a_revision(app, article, change):
    number = article("Lots", "Hello *world*.")
    with app.app_context():
        db.session.execute(update(Article).values(renderer=0, body_html="<p>Old</p>"))
        db.session.commit()
        laying_out.lay_out_older()
        db.session.commit()
    assert "<em>world</em>" in change(lambda row: row.body_html, number)
    assert change(lambda row: row.revision_number, number) == 1

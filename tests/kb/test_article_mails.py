"""Mails about articles: a review, the day of review, and what a reader found missing."""

from datetime import date, timedelta

from sqlalchemy import select, update

from core.db import db, now
from core.job_rows import Job
from core.mail import OutgoingMail
from kb import notices, workflow
from kb.models import Article
from tests.conftest import member, said_to


def mails(app, notice: str) -> list[tuple[str, str]]:
    with app.app_context():
        rows = db.session.scalars(select(OutgoingMail).where(OutgoingMail.notice == notice).order_by(OutgoingMail.id))
        return [(row.recipient, row.subject) for row in rows]


def test_the_reviewer_is_asked_and_the_author_told_what_they_said(app, article, browser_of, work):
    article("Lots", "One\n", state="draft")
    with app.app_context():
        bruno, carla, number = member("bruno").email, member("carla").email, member("carla").id
    browser_of("bruno").send("/kb/en/lots/review", {"do": "ask", "reviewer": number, "note": "The second part"})
    work()
    reader = browser_of("carla")
    reader.send("/kb/en/lots/review", {"do": "return", "note": "Say which lots."})
    work()
    browser_of("bruno").send("/kb/en/lots/review", {"do": "ask", "reviewer": number})
    reader.send("/kb/en/lots/review", {"do": "approve"})
    work()
    asked = said_to(app, "carla", "Please read: %(title)s").replace("%(title)s", "Lots")
    assert mails(app, "article_review") == [
        (carla, asked), (bruno, "Changes wanted: Lots"), (carla, asked), (bruno, "Published: Lots"),
    ]  # fmt: skip


def test_on_its_day_an_article_needs_an_update_and_its_owner_is_told_once(app, article, change, work):
    number = article("Lots")
    later = article("Parts")
    with app.app_context():
        owner = member("bruno")
        for key, day in ((number, now().date()), (later, now().date() + timedelta(days=1))):
            workflow.care(db.session.get_one(Article, key), owner=owner, review_by=day, by=owner)
        db.session.commit()
        for _time in range(2):
            notices.find_due()
            db.session.commit()
    work()
    with app.app_context():
        owner_address = member("bruno").email
    assert mails(app, "article_due") == [(owner_address, "To be looked through: Lots")]
    assert change(lambda row: row.state, number) == "needs_update"
    assert change(lambda row: row.state, later) == "published"
    change(lambda row: workflow.confirm(row, by=None, review_by=date(2030, 1, 1)), number)
    with app.app_context():
        notices.find_due()
        db.session.commit()
    assert change(lambda row: row.state, number) == "published"


def test_the_owner_is_told_what_a_reader_did_not_find(app, article, browser, change, work):
    number = article("Lots")
    change(lambda row: workflow.care(row, owner=member("bruno"), review_by=None, by=member("bruno")), number)
    browser.send("/kb/en/lots/feedback", {"helpful": "no"})
    work()
    browser.send("/kb/en/lots/feedback", {"helpful": "no", "comment": "No word on lots of lots."})
    with app.app_context():
        db.session.execute(update(Job).values(run_at=now()))
        db.session.commit()
    work()
    with app.app_context():
        row = db.session.scalars(select(OutgoingMail).where(OutgoingMail.notice == "article_unhelpful")).one()
        assert (row.recipient, "No word on lots of lots." in row.text) == (member("bruno").email, True)

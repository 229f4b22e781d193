"""The page of syncing with Git: what waits for a person, and deciding it."""

from core.db import db
from kb import articles
from kb.models import Article
from kb.pages import Details
from kb.sync_models import SyncConflict, SyncRun
from tests.conftest import member


def conflict(app, kind="changed"):
    with app.app_context():
        source = articles.Source("a.md")
        row = articles.write(Details(title="A", slug="a"), "# A\n\nours\n", by=member("bruno"), source=source)
        found = SyncConflict(
            kind=kind, path="a.md", article_id=row.id, our_blob="1", their_blob="2", ours="# A\n\nours\n",
            theirs="# A\n\n<b>theirs</b>\n", author="Ana", message="Say more",
        )  # fmt: skip
        db.session.add_all([found, SyncRun(folder="/srv/docs", problems="x.md: broken")])
        db.session.commit()
        return found.id


def body(app):
    with app.app_context():
        return db.session.scalar(db.select(Article.body))


def test_both_texts_are_shown_and_one_is_chosen(app, browser_of):
    number = conflict(app)
    bruno = browser_of("bruno")
    page = bruno.get("/kb/sync").text
    assert "Changed on both sides" in page
    assert "x.md: broken" in page
    page = bruno.get(f"/kb/sync/{number}").text
    assert "&lt;b&gt;theirs" in page
    assert "ours" in page
    assert bruno.send(f"/kb/sync/{number}", {"choice": "theirs"}).status_code == 303
    assert body(app) == "# A\n\n<b>theirs</b>\n"
    assert bruno.send(f"/kb/sync/{number}", {"choice": "theirs"}).status_code == 409
    assert "Nothing to decide" in bruno.get("/kb/sync").text


def test_a_text_that_cannot_be_read_is_kept_on_the_page(app, browser_of):
    number = conflict(app)
    response = browser_of("bruno").send(f"/kb/sync/{number}", {"text": "---\ntitle: [\n---\nlong work"})
    assert response.status_code == 422
    assert "long work" in response.text
    assert "not YAML" in response.text
    assert body(app) == "# A\n\nours\n"


def test_a_page_that_is_gone_is_kept_or_left(app, browser_of):
    number = conflict(app, "deleted")
    assert browser_of("bruno").send(f"/kb/sync/{number}", {"choice": "ours"}).status_code == 303
    assert body(app) == "# A\n\nours\n"


def test_syncing_is_for_staff(app, browser, browser_of):
    number = conflict(app)
    assert browser.get("/kb/sync").status_code in {302, 403, 404}
    assert browser_of("paula").get(f"/kb/sync/{number}").status_code in {403, 404}
    assert browser_of("bruno").get("/kb/sync/99999999999").status_code == 404
    assert browser_of("bruno").send("/kb/sync").status_code == 422

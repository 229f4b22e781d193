"""What is typed into the editor and not saved; the preview."""

import re
from datetime import timedelta

import pytest
from sqlalchemy import select

from core.db import db, now
from kb import articles, typed
from kb.models import Article
from kb.pages import Details
from kb.writing_models import ArticleTyping
from tests.conftest import member


@pytest.fixture
def staff(browser_of):
    return browser_of("bruno")


def keep(browser, place, *, after="", **fields):
    return browser.send(f"/kb/typing/{place}", {"after": after, **fields})


def value(page: str, name: str) -> str:
    return re.search(rf'name="{name}"[^>]*value="([^"]*)"', page)[1]


def test_what_was_typed_is_offered_and_continued(staff, article):
    number = article("Lots", "As saved.", slug="lots")
    page = staff.get("/kb/en/lots/edit").text
    kept = keep(staff, f"article-{number}", title="Lots", body="As typed.\r\n", base=value(page, "base"),
                version=value(page, "version"), kept_version="0")  # fmt: skip
    assert kept.status_code == 200
    offered = staff.get("/kb/en/lots/edit").text
    assert "We kept what you typed at" in offered
    assert "As saved." in offered
    continued = staff.get("/kb/en/lots/edit?typed=1").text
    assert "As typed." in continued
    assert "We kept what you typed at" not in continued
    assert f'data-typing-mark="{kept.json["mark"]}"'.replace("+", "&#43;") in continued.replace("+", "&#43;")


def test_what_was_typed_is_forgotten_when_it_is_saved_or_thrown_away(app, staff, article):
    number = article("Lots", "As saved.", slug="lots")
    page = staff.get("/kb/en/lots/edit").text
    typing = {"title": "Lots", "body": "As typed.", "base": value(page, "base"), "version": value(page, "version")}
    keep(staff, f"article-{number}", **typing)
    saved = staff.send("/kb/en/lots/edit", {
        **typing, "kept_version": "0", "topic": "other", "visibility": "public",
    })  # fmt: skip
    assert saved.status_code == 303
    with app.app_context():
        assert db.session.scalar(select(ArticleTyping)) is None
    keep(staff, f"article-{number}", **typing)
    assert staff.send(f"/kb/typing/article-{number}/throw-away", {}).status_code == 303
    with app.app_context():
        assert db.session.scalar(select(ArticleTyping)) is None


def test_a_new_article_is_kept_by_its_language_and_forgotten_with_its_first_save(app, staff):
    keep(staff, "new-es", title="Lotes", body="Texto.", language="es", topic="other", visibility="public")
    assert "We kept what you typed at" not in staff.get("/kb/new?language=en").text
    assert "We kept what you typed at" in staff.get("/kb/new?language=es").text
    assert "Lotes" in staff.get("/kb/new?language=es&typed=1").text
    saved = staff.send("/kb/new", {
        "title": "Lotes", "body": "Texto.", "language": "es", "topic": "other", "visibility": "public",
        "typing_place": "new-es",
    })  # fmt: skip
    assert saved.status_code == 303
    with app.app_context():
        assert db.session.scalar(select(ArticleTyping)) is None


def test_a_second_window_does_not_replace_what_the_first_one_kept(app, staff):
    first = keep(staff, "new-en", title="First", body="One.").json["mark"]
    assert keep(staff, "new-en", title="Second", body="Two.").status_code == 409
    assert keep(staff, "new-en", title="First", body="One more.", after=first).status_code == 200
    with app.app_context():
        assert db.session.scalar(select(ArticleTyping)).fields["body"] == "One more."


def test_continuing_what_was_typed_into_an_older_version_puts_both_together(app, staff, article):
    body = "First paragraph.\n\nMiddle.\n\nLast paragraph.\n"
    number = article("Lots", body, slug="lots")
    page = staff.get("/kb/en/lots/edit").text
    keep(staff, f"article-{number}", title="Lots", body=body.replace("First", "My first"), base=value(page, "base"),
         version=value(page, "version"), kept_version="0")  # fmt: skip
    with app.app_context():
        row = db.session.get_one(Article, number)
        articles.edit(row, Details(title="Lots", slug="lots"), body.replace("Last", "Their last"), by=member("chidi"))
        db.session.commit()
    continued = staff.get("/kb/en/lots/edit?typed=1").text
    assert "Somebody else changed this article while you were writing" in continued
    assert "My first paragraph." in continued
    assert "Their last paragraph." in continued


def test_what_others_typed_is_nobodys_business(browser_of, staff, article):
    number = article("Lots", "As saved.", slug="lots")
    keep(staff, f"article-{number}", title="Lots", body="A secret of Bruno.")
    other = browser_of("chidi")
    assert "A secret of Bruno." not in other.get("/kb/en/lots/edit?typed=1").text
    assert keep(browser_of("amara"), f"article-{number}", body="x").status_code in {403, 404}
    assert keep(staff, "article-999999", body="x").status_code == 404
    assert keep(staff, "elsewhere", body="x").status_code == 404


def test_what_nobody_went_on_with_is_swept_after_a_month(app, staff):
    keep(staff, "new-en", title="Old", body="Old.")
    with app.app_context():
        typed.sweep(now() + timedelta(days=29))
        assert db.session.scalar(select(ArticleTyping)) is not None
        typed.sweep(now() + timedelta(days=31))
        assert db.session.scalar(select(ArticleTyping)) is None


def test_the_preview_is_what_the_page_shows(staff, article):
    article("Shared", "Said in many places.", slug="shared")
    text = "# Lots\n\n## Why\n\n```{include} shared.md\n```\n\n[link](shared.md) and `code`\n\n    pre\n"
    number = article("Lots", text, slug="lots")
    shown = staff.send(f"/kb/preview?article={number}", {"text": text, "title": "Lots", "visibility": "public"})
    page = staff.get("/kb/en/lots").text
    assert "Said in many places." in shown.text
    assert '<pre tabindex="0">' in shown.text
    assert shown.text in page


def test_the_preview_of_a_public_text_does_not_show_what_its_readers_may_not_see(staff, article):
    article("Inside", "Canary.", slug="inside", visibility="staff")
    text = {"text": "```{include} inside.md\n```\n", "title": "New", "language": "en"}
    assert "Canary." not in staff.send("/kb/preview", {**text, "visibility": "public"}).text
    assert "Canary." in staff.send("/kb/preview", {**text, "visibility": "staff"}).text


def test_the_preview_without_scripts_saves_nothing_and_loses_nothing(app, staff, article):
    number = article("Lots", "As saved.", slug="lots")
    page = staff.get("/kb/en/lots/edit").text
    shown = staff.send("/kb/en/lots/edit", {
        "title": "Lots", "body": "**As typed.**", "base": value(page, "base"), "version": value(page, "version"),
        "kept_version": "0", "topic": "other", "visibility": "public", "do": "preview",
    })  # fmt: skip
    assert shown.status_code == 200
    assert "<strong>As typed.</strong>" in shown.text
    assert "**As typed.**" in shown.text
    with app.app_context():
        assert db.session.get_one(Article, number).revision_number == 1


def test_nobody_throws_away_what_others_typed(app, browser_of, staff, article):
    number = article("Lots", "As saved.", slug="lots")
    other = browser_of("carla")
    for writer in (staff, other):
        assert keep(writer, f"article-{number}", body=f"Words {writer is staff}.").status_code == 200
    assert other.send(f"/kb/typing/article-{number}/throw-away").status_code == 303
    assert "Words True." in staff.get("/kb/en/lots/edit?typed=1").text
    assert "Words False." not in other.get("/kb/en/lots/edit?typed=1").text

"""A text that stands in several articles: it is written once, and follows in all of them."""

import re

import pytest

from core.db import db
from kb import articles
from kb.models import Article
from kb.pages import Details
from tests.conftest import member


@pytest.fixture
def staff(browser_of):
    return browser_of("bruno")


def write(staff, title: str, slug: str, body: str):
    fields = {"title": title, "slug": slug, "body": body, "language": "en", "topic": "other", "visibility": "public"}
    return staff.send("/kb/new", fields, follow_redirects=True)


def test_a_text_that_changes_is_laid_out_again_wherever_it_is_brought_in(app, article, work, browser):
    shared = article("Shared", "As it was.", slug="shared")
    article("Middle", "Middle.\n\n```{include} shared.md\n```\n", slug="middle")
    for number in range(3):
        article(f"Page {number}", "Above.\n\n```{include} middle.md\n```\n", slug=f"page-{number}")
    work()
    with app.app_context():
        row = db.session.get_one(Article, shared)
        articles.edit(row, Details(title="Shared", slug="shared"), "As it is by now.", by=member("bruno"))
        db.session.commit()
    work()
    for slug in ("middle", "page-0", "page-1", "page-2"):
        page = browser.get(f"/kb/en/{slug}").text
        assert "As it is by now." in page
        assert "As it was." not in page


def test_a_text_that_fewer_may_read_leaves_what_brought_it_in(app, article, work, browser):
    shared = article("Shared", "Not for everyone.", slug="shared")
    article("Page", "Above.\n\n```{include} shared.md\n```\n", slug="page")
    assert "Not for everyone." in browser.get("/kb/en/page").text
    with app.app_context():
        row = db.session.get_one(Article, shared)
        articles.edit(row, Details(title="Shared", slug="shared", visibility="staff"), row.body, by=member("bruno"))
        db.session.commit()
    work()
    assert "Not for everyone." not in browser.get("/kb/en/page").text


def test_who_writes_a_circle_is_told_so_by_name(staff, article):
    article("Two", "Two.", slug="two")
    article("One", "One.\n\n```{include} two.md\n```\n", slug="one")
    page = staff.get("/kb/en/two/edit").text
    fields = dict(re.findall(r'name="(version|base|kept_version)"[^>]*value="([^"]*)"', page))
    circle = {
        **fields,
        "title": "Two",
        "body": "Two.\n\n```{include} one.md\n```\n",
        "topic": "other",
        "visibility": "public",
    }
    saved = staff.send("/kb/en/two/edit", circle, follow_redirects=True)
    assert saved.status_code == 200
    assert "Line 3: two.md brings itself in." in saved.text
    assert "One." in saved.text


def test_who_brings_in_what_is_not_there_is_told_so_by_name(staff):
    assert (
        "Line 3: there is no nowhere.md." in write(staff, "Two", "two", "Two.\n\n```{include} nowhere.md\n```\n").text
    )


def test_titles_and_headings_that_fewer_may_read_are_not_told_by_links(article, browser):
    hidden = "(secret-label)=\n## Heading of the platypus\n\nText.\n"
    article("Title of the platypus", hidden, slug="hidden", visibility="staff")
    article("Title of the wombat", "(open-label)=\n## Heading of the wombat\n\nText.\n", slug="open")
    links = "[](hidden.md) and {ref}`secret-label` and [](#secret-label); [](open.md) and {ref}`open-label`\n"
    article("Page", links, slug="page")
    page = browser.get("/kb/en/page").text
    assert "Title of the wombat" in page
    assert "Heading of the wombat" in page
    assert "platypus" not in page


def test_titles_that_fewer_may_read_are_told_by_links_among_them(article, browser_of):
    article(
        "Title of the platypus", "(secret-label)=\n## Heading of the platypus\n", slug="hidden", visibility="staff"
    )
    article("Page", "[](hidden.md) and {ref}`secret-label`\n", slug="page", visibility="staff")
    page = browser_of("bruno").get("/kb/en/page").text
    assert "Title of the platypus" in page
    assert "Heading of the platypus" in page

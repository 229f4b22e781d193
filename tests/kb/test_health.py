"""The page of what wants care."""

from datetime import timedelta

import pytest

from core.db import db, now
from kb import articles, health
from kb.models import Article
from kb.pages import Details
from tests.conftest import member


@pytest.fixture
def staff(browser_of):
    return browser_of("bruno")


@pytest.fixture
def texts(app, article):
    """An article with links of every kind, and what they lead to."""
    article("Good", "[back](/kb/en/start)", slug="good")
    article("Inside", "Text.", slug="inside", visibility="staff")
    article("Draft", "Text.", slug="draft", state="draft")
    article(
        "Start",
        "[good](good.md) [nowhere](nowhere.md) [gone](/kb/en/gone) [draft](/kb/en/draft) [inside](/kb/en/inside) "
        "[in another language](/kb/es/good#h-x) [all](/kb/) [topic](/kb/?topic=use) [elsewhere](https://example.org/kb/en/x) "
        "[file](/kb/files/00000000000000000000000000000000/a.pdf) [answer](/answers/none) [collections](/kb/collections/)",
        slug="start",
    )


def test_links_that_readers_cannot_follow_are_found_with_the_reason(app, texts):
    with app.app_context():
        found = {link.target: link.why for link in health.broken_links()}
    assert found == {
        "nowhere.md": "gone", "/kb/en/gone": "gone", "/kb/en/draft": "closed", "/kb/en/inside": "narrower",
        "/kb/files/00000000000000000000000000000000/a.pdf": "gone", "/answers/none": "gone",
        "/kb/es/good#h-x": "section",
    }  # fmt: skip


def test_links_to_sections_that_are_not_there_are_found(app, article):
    article("Parts", "## Why it is\n\n[own](#why-it-is) [none of its own](#how)", slug="parts")
    article("Niño", "## Año nuevo y más\n\n[x](parts.md)", slug="accents")
    article(
        "Links",
        "[there](parts.md#why-it-is) [not there](parts.md#because) [by its address](/kb/en/parts#h-why-it-is) "
        "[elsewhere](https://example.org/kb/en/parts#nothing) [accents](accents.md#año-nuevo-y-más) [gone](/kb/en/gone#part)",
        slug="links",
    )
    with app.app_context():
        found = {(link.article.slug, link.target): link.why for link in health.broken_links()}
    assert found == {
        ("parts", "#h-how"): "section",
        ("links", "/kb/en/parts#h-because"): "section",
        ("links", "/kb/en/gone#part"): "gone",
    }


def test_a_link_to_an_article_that_was_renamed_is_not_broken(app, texts, change):
    with app.app_context():
        row = db.session.query(Article).filter_by(slug="good").one()
        articles.edit(row, Details(title="Good", slug="better"), row.body, by=member("bruno"))
        db.session.commit()
        assert "/kb/es/good" not in {link.target for link in health.broken_links()}
        assert "good.md" not in {link.target for link in health.broken_links()}


def test_orphans_are_articles_that_no_other_one_links_to(app, texts, article):
    article("Alone", "I link to [myself](/kb/en/alone).", slug="alone")
    with app.app_context():
        assert [head.slug for head in health.orphans()] == ["alone"]


def test_overdue_ownerless_and_unhelpful_articles_are_listed(app, article):
    with app.app_context():
        for name, more in {
            "fresh": {"review_by": now().date() + timedelta(days=2), "owner_id": member("bruno").id},
            "late": {"review_by": now().date() - timedelta(days=2), "helpful_count": 1},
            "wrong": {"state": "needs_update", "owner_id": member("bruno").id, "unhelpful_count": 2},
        }.items():
            row = articles.write(Details(title=name, slug=name), "Text.", by=member("bruno"))
            for key, value in more.items():
                setattr(row, key, value)
        articles.write(Details(title="draft", slug="", state="draft"), "Text.", by=member("bruno"))
        db.session.commit()
        assert [head.slug for head in health.overdue()] == ["late", "wrong"]
        assert [head.slug for head in health.ownerless()] == ["late"]
        assert [head.slug for head in health.unhelpful()] == ["wrong"]


def test_the_page_shows_each_list_to_staff_alone(app, texts, staff, browser, statements):
    assert browser.get("/kb/health").status_code in {302, 303, 401, 403}
    with statements() as seen:
        page = staff.get("/kb/health").text
    assert len(seen) <= 12
    assert "/kb/en/gone" in page
    assert "There is nothing at this address." in page
    for show in ("overdue", "ownerless", "unhelpful", "orphans"):
        assert staff.get(f"/kb/health?show={show}").status_code == 200
    assert "Nobody" in staff.get("/kb/health?show=ownerless").text
    assert staff.get("/kb/health?show=x").status_code == 404

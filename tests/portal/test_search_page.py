"""The search page: why something was found, words of other languages, and what is asked while somebody types."""

import pytest

from core.db import db
from kb.gap_models import SearchMade
from kb.indexing import rebuild, search_index
from kb.models import Article


@pytest.fixture
def library(app):
    with app.app_context():
        for slug, title, text in (
            ("suppliers", "Name the supplier", "Each supplier has an identifier."),
            ("buyers", "Name the buyer", "Each buyer has one, too."),
        ):
            db.session.add(
                Article(slug=slug, title=title, body_text=text, language="en", state="published", visibility="public")
            )
        db.session.commit()
        rebuild(search_index())
        db.session.commit()


def test_each_result_says_why_it_was_found(library, browser):
    page = browser.get("/search?q=supplier+identifier").text
    assert "Why this result" in page
    assert "“supplier”: title, text" in page
    assert "“identifier”: text" in page
    assert "Found in another language" not in page


def test_a_spanish_word_finds_the_english_article_and_says_so(library, browser):
    page = browser.get("/search?q=proveedor").text
    assert "/kb/en/suppliers" in page
    assert "Found in another language" in page
    assert "“proveedor”, in English “supplier”: title, text" in page


def test_while_typing_a_beginning_finds_and_nothing_is_noted(app, library, browser):
    typing = {"X-Fragment": "1"}
    assert "/kb/en/suppliers" in browser.get("/search?q=suppl", headers=typing).text
    answer = browser.get("/search?q=zzzznothing", headers=typing)
    assert "Nothing found" in answer.text
    assert "X-Fragment" in answer.headers["Vary"]
    with app.app_context():
        assert db.session.query(SearchMade).count() == 0
    browser.get("/search?q=zzzznothing")
    with app.app_context():
        assert db.session.query(SearchMade).count() == 1


def test_what_readers_found_helpful_ranks_above_its_equal(app, library, browser):
    with app.app_context():
        for slug, helpful, unhelpful in (("first", 0, 9), ("second", 9, 0), ("third", 2, 2)):
            db.session.add(
                Article(
                    slug=slug, title="Penguins", body_text="On penguins.", language="en", state="published",
                    visibility="public", helpful_count=helpful, unhelpful_count=unhelpful,
                )
            )  # fmt: skip
        db.session.commit()
        rebuild(search_index())
        db.session.commit()
    page = browser.get("/search?q=penguins").text
    places = [page.index(f"/kb/en/{slug}") for slug in ("second", "third", "first")]
    assert places == sorted(places)

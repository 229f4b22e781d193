"""Staff keep the list of words that mean the same; searches know a change at once."""

import pytest

from core.db import db
from kb.indexing import rebuild, search_index
from kb.models import Article
from kb.search import synonyms


@pytest.fixture(autouse=True)
def shipped_afterwards():
    yield
    synonyms.use(synonyms.shipped(), "shipped")


@pytest.fixture
def library(app):
    with app.app_context():
        for slug, title in (("stamps", "Collect stamps"), ("suppliers", "Name the supplier")):
            db.session.add(
                Article(slug=slug, title=title, body_text="", language="en", state="published", visibility="public")
            )
        db.session.commit()
        rebuild(search_index())
        db.session.commit()


def finds(browser, words, slug):
    return f"/kb/en/{slug}" in browser.get(f"/search?q={words}").text


def test_a_group_that_staff_add_is_known_to_searches_and_can_be_changed_and_removed(library, browser, browser_of):
    bruno = browser_of("bruno")
    assert not finds(browser, "philately", "stamps")
    assert bruno.send("/kb/synonyms", {"en": "stamp, philately", "es": "sello"}).status_code == 303
    assert finds(browser, "philately", "stamps")
    assert finds(browser, "sellos", "stamps")
    page = bruno.get("/kb/synonyms?q=philately").text
    number = page.split('name="number" value="')[1].split('"')[0]
    assert bruno.send("/kb/synonyms", {"en": "stamp, postage", "number": number}).status_code == 303
    assert finds(browser, "postage", "stamps")
    assert not finds(browser, "philately", "stamps")
    assert bruno.send("/kb/synonyms/remove", {"number": number}).status_code == 303
    assert not finds(browser, "postage", "stamps")


def test_a_shipped_group_can_be_changed_and_taken_away(library, browser, browser_of):
    bruno = browser_of("bruno")
    assert finds(browser, "proveedor", "suppliers")
    page = bruno.get("/kb/synonyms?q=proveedor").text
    name = page.split('name="replaces" value="')[1].split('"')[0]
    assert bruno.send("/kb/synonyms", {"en": "supplier, purveyor", "replaces": name}).status_code == 303
    assert finds(browser, "purveyor", "suppliers")
    assert not finds(browser, "proveedor", "suppliers")
    assert bruno.send("/kb/synonyms/remove", {"replaces": name}).status_code == 303
    assert not finds(browser, "purveyor", "suppliers")
    page = bruno.get("/kb/synonyms?q=purveyor").text
    assert page.partition("<main")[2].partition("</main")[0].count("Nothing found") == 1


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        ({"en": "alone"}, "at least two words"),
        ({"en": "a, one two three four five"}, "at most four words"),
        ({"en": ", ".join(f"word{n}" for n in range(99))}, "too many words"),
    ],
)
def test_a_group_that_says_nothing_is_refused_and_stays_typed(browser_of, typed, sentence):
    answer = browser_of("bruno").send("/kb/synonyms", typed)
    assert answer.status_code == 422
    assert sentence in answer.text
    assert typed["en"][:20] in answer.text


def test_the_list_is_for_staff_alone(browser, browser_of):
    assert browser.get("/kb/synonyms").status_code in {302, 303, 401}
    assert browser_of("paula").get("/kb/synonyms").status_code in {403, 404}
    assert browser_of("paula").send("/kb/synonyms", {"en": "a, b"}).status_code in {403, 404}

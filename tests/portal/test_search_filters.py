"""Filters that are typed into the search box: what they mean, whatever language they are typed in, and to whom."""

import re

import pytest

from core.db import db
from helpdesk import tickets
from helpdesk.tickets import Words
from kb import articles, finding, search_filters
from kb.indexing import rebuild, search_index
from kb.models import Article
from kb.pages import Details
from kb.search import IndexUnavailable
from tests.conftest import member

ALL = ("public", "champions", "staff")


@pytest.fixture
def library(app):
    with app.app_context():
        for slug, language, topic, visibility in (
            ("lots", "en", "frameworks-lots", "public"),
            ("prefix", "en", "ocid-prefix", "public"),
            ("prefijo", "es", "ocid-prefix", "public"),
            ("secret", "en", "quokka-topic", "staff"),
            ("own", "en", "open-days", "public"),
        ):
            articles.write(
                Details(title=f"Penguin {slug}", slug=slug, language=language, topic=topic, visibility=visibility),
                "It dives.",
                by=member("bruno"),
            )
        paula = member("paula")
        tickets.ask(by=paula, title="Penguin data", words=Words("Ours."), topic="ocid-prefix", country="PY")
        tickets.ask(by=paula, title="Other data", words=Words("A penguin."), topic="bids", country="GH")
        db.session.commit()
        rebuild(search_index())
        db.session.commit()


def slugs(text: str, *, user=None, **more) -> set[str]:
    return {hit.url.rpartition("/")[2] for hit in finding.find(text, user=user, **more).hits}


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("topic:ocid-prefix penguin", {"prefix", "prefijo"}),
        ("penguin topic:lots", {"lots"}),
        ("penguin sujet:préfixe", {"prefix", "prefijo"}),
        ("penguin TOPIC:ocid-prefix", {"prefix", "prefijo"}),
        ('tema:"Prefijo OCID" penguin', {"prefix", "prefijo"}),
        ("penguin topic:ocid-prefix topic:frameworks-lots", {"prefix", "prefijo", "lots"}),
        ("penguin topic:open-days", {"own"}),
        ("penguin topic:ocid-prefix language:es", {"prefijo"}),
        ("penguin idioma:español", {"prefijo"}),
        ("penguin langue:Anglais topic:ocid-prefix", {"prefix"}),
        ("penguin -lots lang:en", {"prefix", "own"}),
        ('kind:article "topic:ocid-prefix"', set()),
        ("penguin kind:answer", set()),
        ("topic:ocid-prefix", {"prefix", "prefijo"}),
        ("language:es kind:article", {"prefijo"}),
        ("country:PY penguin", set()),
    ],
)
def test_what_is_typed_narrows_a_search(app, library, text, found):
    with app.app_context():
        assert slugs(text) == found


def test_a_list_without_words_is_counted_and_turned_like_any_other(app, library):
    with app.app_context():
        results = finding.find("topic:ocid-prefix", user=None, limit=1, offset=1)
        assert (results.total, len(results.hits)) == (2, 1)
        assert results.facets["language"] == {"en": 1, "es": 1}
        assert results.facets["topic"] == {"ocid-prefix": 2, "frameworks-lots": 1, "open-days": 1}
        assert finding.find("topic:ocid-prefix", user=None).hits[1].id == results.hits[0].id


def test_what_is_no_filter_is_text_and_is_told_where_it_looks_like_one(app, library):
    with app.app_context():
        for text in ("topic:penguins lots", "country:Atlantis lots", "kind:poem penguin lots"):
            results = finding.find(text, user=None)
            assert results.refused == search_filters.NOT_KNOWN
            assert "lots" in {hit.url.rpartition("/")[2] for hit in results.hits}
        for text in ("http://penguin lots", "penguin: lots", "tender:penguin lots", "topic: lots penguin"):
            results = finding.find(text, user=None)
            assert not results.refused
            assert "lots" in {hit.url.rpartition("/")[2] for hit in results.hits}


def test_a_topic_of_what_one_may_not_read_is_as_unknown_as_any(app, library):
    with app.app_context():
        hidden, nothing = (finding.find(f"topic:{name}", user=None) for name in ("quokka-topic", "no-such-topic"))
        assert hidden == nothing
        assert slugs("topic:quokka-topic", user=member("bruno")) == {"secret"}


def test_a_filter_that_is_still_typed_asks_for_nothing_yet(app, library):
    with app.app_context():
        asked = search_filters.read("penguin topic:oc", ALL, is_growing=True)
        assert (asked.text, asked.topics, asked.refused) == ("penguin", (), "")
        assert search_filters.read("penguin topic:oc", ALL).text == "penguin topic:oc"


def test_a_better_spelling_keeps_the_filters(app, library):
    with app.app_context():
        results = finding.find("topic:ocid-prefix pengiun", user=None)
        assert results.suggestion == "topic:ocid-prefix penguin"


def test_filters_hold_without_an_index_too(app, library, monkeypatch):
    class Gone:
        def search(self, _query):
            raise IndexUnavailable

    with app.app_context():
        monkeypatch.setattr(finding, "search_index", Gone)
        assert slugs("topic:ocid-prefix penguin") == {"prefix", "prefijo"}
        db.session.get_one(Article, 1).state = "draft"
        db.session.flush()
        assert slugs("topic:frameworks-lots") == set()
        db.session.rollback()


def test_the_page_narrows_texts_and_tickets_alike(library, browser, browser_of):
    stranger = browser.get("/search?q=penguin+topic:ocid-prefix").text
    assert "/kb/en/prefix" in stranger
    assert "/kb/en/lots" not in stranger
    assert 'name="topic"' not in stranger
    staff = browser_of("bruno")
    page = staff.get("/search?q=penguin+topic:ocid-prefix").text
    assert "Penguin data" in re.sub(r"</?mark>", "", page)
    assert "Other data" not in page
    page = staff.get("/search?q=kind:ticket+pays:Paraguay").text
    assert "Penguin data" in page
    assert "Other data" not in page
    assert "/kb/en/" not in page.partition('id="results"')[2]
    assert "Penguin data" not in browser.get("/search?q=kind:ticket+pays:Paraguay").text


def test_topics_of_their_own_and_countries_can_be_chosen(app, library, browser):
    from kb.models import Answer

    with app.app_context():
        row = Answer(slug="ghana", title="Penguins of Ghana", question_html="", answer_text="Penguin.", country="GH")
        row.state, row.visibility, row.language, row.topic = "published", "public", "en", "bids"
        db.session.add(row)
        db.session.commit()
        rebuild(search_index())
        db.session.commit()
    page = browser.get("/search?q=penguin").text
    assert '<option value="open-days">Open days (1)</option>' in page
    assert '<option value="GH">Ghana (1)</option>' in page
    assert "quokka" not in page
    page = browser.get("/search?q=penguin&country=GH").text
    assert '<option value="GH" selected>Ghana (1)</option>' in page
    assert "/kb/en/lots" not in page


def test_a_typed_filter_is_no_search_in_vain(app, library, browser):
    from kb.gap_models import SearchMade

    assert "Nothing found" in browser.get("/search?q=zzzz+topic:bids").text
    with app.app_context():
        assert db.session.query(SearchMade).count() == 0


@pytest.mark.parametrize(
    "text", ["topic:" * 300, "topic:a " * 200, 'topic:"' + "a" * 1900, ":" * 1500, 'a:"b" ' * 300]
)
def test_no_filter_takes_long(app, library, text, statements):
    with app.app_context():
        with statements() as made:
            search_filters.read(text, ALL)
        assert len(made) <= 20

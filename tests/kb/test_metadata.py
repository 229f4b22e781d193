"""Feeds, site map and descriptions for search engines: true, valid, and only of what everybody may read."""

import json
import re
import xml.etree.ElementTree as ET
from datetime import datetime

import pytest

from core.db import db
from kb import answers, articles, collections
from kb.models import Answer
from portal import sitemap_views
from tests.conftest import member

ATOM = "{http://www.w3.org/2005/Atom}"
MAP = "{http://www.sitemaps.org/schemas/sitemap/0.9}"
XHTML = "{http://www.w3.org/1999/xhtml}"
BASE = "http://127.0.0.1:8000"
EVIL = 'Lots</script><script>alert(1)</script>"&\u2028'


def described(page):
    """The JSON-LD of a page."""
    (found,) = re.findall(r'<script type="application/ld\+json" nonce="[^"]+">(.*?)</script>', page.text)
    return {node["@type"]: node for node in json.loads(found)["@graph"]}


def test_a_feed_is_what_the_standard_says_and_is_not_sent_twice(article, browser):
    article("Lots", topic="publishing", tags=("lots",), summary="How lots & items go")
    article("Lotes", language="es", topic="publishing")
    article("Inside", visibility="staff", topic="publishing")
    first = browser.get("/kb/feed.atom?language=en&topic=publishing")
    feed = ET.fromstring(first.text)
    assert (feed.tag, first.mimetype) == (f"{ATOM}feed", "application/atom+xml")
    assert feed.get("{http://www.w3.org/XML/1998/namespace}lang") == "en"
    for required in ("id", "title", "updated"):
        assert feed.find(f"{ATOM}{required}").text
    (entry,) = feed.findall(f"{ATOM}entry")
    assert entry.find(f"{ATOM}id").text.startswith("tag:127.0.0.1,20")
    assert entry.find(f"{ATOM}summary").text == "How lots & items go"
    assert datetime.fromisoformat(entry.find(f"{ATOM}updated").text).tzinfo is not None
    assert first.headers["Cache-Control"] == "public, max-age=300"
    again = browser.get("/kb/feed.atom?language=en&topic=publishing", headers={"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.data) == (304, b"")
    article("More lots", topic="publishing")
    assert browser.get(
        "/kb/feed.atom?language=en&topic=publishing", headers={"If-None-Match": first.headers["ETag"]}
    ).status_code == 200  # fmt: skip


def test_what_a_person_is_given_is_kept_by_nobody_else(article, browser_of):
    article("For champions", visibility="champions")
    feed = browser_of("amara").get("/kb/feed.atom")
    assert "For champions" in feed.text
    assert feed.headers["Cache-Control"] == "private, no-cache"
    assert {"Cookie", "Authorization"} <= set(feed.headers["Vary"].replace(" ", "").split(","))


def test_an_article_says_what_it_is(article, browser):
    article("Lots", "Text.", summary="About lots.", topic="publishing", tags=("lots",))
    page = browser.get("/kb/en/lots")
    nodes = described(page)
    assert nodes["TechArticle"]["headline"] == "Lots"
    assert nodes["TechArticle"]["url"] == f"{BASE}/kb/en/lots"
    assert nodes["TechArticle"]["inLanguage"] == "en"
    crumbs = nodes["BreadcrumbList"]["itemListElement"]
    assert [crumb["position"] for crumb in crumbs] == [1, 2, 3]
    assert all(crumb["item"].startswith(BASE) for crumb in crumbs)
    assert f'<link rel="canonical" href="{BASE}/kb/en/lots">' in page.text
    assert '<meta property="og:title" content="Lots">' in page.text
    assert '<meta property="og:description" content="About lots.">' in page.text


def test_a_past_answer_is_a_question_with_its_answer(past_answer, browser):
    past_answer("Two prefixes")
    page = browser.get("/answers/two-prefixes")
    question = described(page)["QAPage"]["mainEntity"]
    assert question["name"] == "Two prefixes"
    assert question["acceptedAnswer"]["text"] == "No, ask for a second one."
    assert f'<link rel="canonical" href="{BASE}/answers/two-prefixes">' in page.text
    assert 'content="No, ask for a second one."' in page.text


COMPLETE = ("og:type", "og:title", "og:description", "og:url", "og:image", "og:site_name", "og:locale")


def graph(page):
    """Open Graph of a page."""
    return dict(re.findall(r'<meta property="([^"]+)" content="([^"]*)">', page.text))


def alternates(page):
    return dict(re.findall(r'<link rel="alternate" hreflang="([^"]+)" href="([^"]+)">', page.text))


def canonical(page):
    (found,) = re.findall(r'<link rel="canonical" href="([^"]+)">', page.text)
    return found.replace("&amp;", "&")


@pytest.fixture
def every_kind(app, article, past_answer):
    """Addresses of a public page of each kind, with what search engines are to be told that it is."""
    number = article("Lots", slug="lots", topic="publishing", summary="About lots.")
    hidden = article("Canary", slug="canary", topic="publishing", visibility="champions")
    article("Lotes", slug="lots", language="es", topic="publishing")
    past_answer("Two prefixes", topic="ocid-prefix")
    past_answer("Canary answer", topic="ocid-prefix", visibility="champions")
    with app.app_context():
        row = collections.write(collections.Words(title="First steps", text="Begin here."), by=None)
        collections.put(row, [number, hidden], by=None)
        db.session.commit()
    return {
        "/kb/en/lots": "TechArticle", "/answers/two-prefixes": "QAPage", "/answers/?topic=ocid-prefix": "FAQPage",
        "/kb/collections/first-steps": "CollectionPage", "/kb/?language=en&topic=publishing": "CollectionPage",
    }  # fmt: skip


def test_each_kind_of_page_is_described_whole_and_by_its_own_address(every_kind, browser, browser_of):
    for path, kind in every_kind.items():
        for client in (browser, browser_of("amara")):
            page = client.get(path)
            node = described(page)[kind]
            assert node["url"] == canonical(page) == f"{BASE}{path}", path
            told = graph(page)
            assert all(told[name] for name in COMPLETE), (path, told)
            assert told["og:url"].replace("&amp;", "&") == f"{BASE}{path}"
            assert "Canary" not in json.dumps(described(page)), path
        assert browser.get(told["og:image"].removeprefix(BASE)).mimetype == "image/png"
    faq = described(browser.get("/answers/?topic=ocid-prefix"))["FAQPage"]["mainEntity"]
    assert [(one["name"], one["acceptedAnswer"]["text"]) for one in faq] == [
        ("Two prefixes", "No, ask for a second one.")
    ]
    listed = described(browser.get("/kb/collections/first-steps"))["CollectionPage"]["mainEntity"]
    assert [(one["position"], one["url"]) for one in listed["itemListElement"]] == [(1, f"{BASE}/kb/en/lots")]
    dated = graph(browser.get("/kb/en/lots"))
    assert datetime.fromisoformat(dated["article:published_time"]).tzinfo is not None
    assert datetime.fromisoformat(dated["article:modified_time"]).tzinfo is not None


def test_pages_in_several_languages_name_each_other(every_kind, browser):
    both = {"en": f"{BASE}/kb/en/lots", "es": f"{BASE}/kb/es/lots", "x-default": f"{BASE}/kb/en/lots"}
    assert alternates(browser.get("/kb/en/lots")) == alternates(browser.get("/kb/es/lots")) == both
    for path in ("/kb/?language=en&topic=publishing", "/kb/"):
        found = alternates(browser.get(path))
        assert set(found) == {"en", "es"}, path
        for code, address in found.items():
            assert alternates(browser.get(address.replace("&amp;", "&").removeprefix(BASE))) == found, code
    assert canonical(browser.get("/kb/", headers={"Accept-Language": "es"})) == f"{BASE}/kb/?language=es"


def test_lists_of_what_is_not_for_everybody_are_described_to_nobody(article, past_answer, browser_of, app):
    number = article("Inside", visibility="staff", topic="publishing")
    past_answer("Inside too", visibility="staff")
    past_answer("A draft", published=False)
    with app.app_context():
        row = collections.write(collections.Words(title="Ours", visibility="staff"), by=None)
        collections.put(row, [number], by=None)
        db.session.commit()
    bruno = browser_of("bruno")
    page = bruno.get("/kb/collections/ours").text
    assert '<meta name="robots" content="noindex">' in page
    assert "ld+json" not in page
    for path in ("/answers/", "/answers/?state=draft", "/kb/?topic=publishing&language=en"):
        page = bruno.get(path).text
        assert not re.search(r"ld\+json.*(Inside|draft)", page), path


def test_a_hostile_title_ends_no_block_and_no_attribute(article, past_answer, browser):
    article(EVIL, slug="evil", summary=EVIL)
    past_answer(EVIL, answer=EVIL)
    assert described(browser.get("/kb/en/evil"))["TechArticle"]["name"].startswith("Lots</script>")
    for path in (
        "/kb/en/evil",
        re.findall(r'href="([^"]+/answers/[^"]+)"', browser.get("/answers/feed.atom").text)[-1],
    ):
        page = browser.get(path.removeprefix(BASE))
        assert page.status_code == 200
        assert "<script>alert(1)" not in page.text


@pytest.mark.parametrize("visibility", ["champions", "staff"])
def test_what_is_not_for_everybody_is_described_to_nobody(article, past_answer, browser_of, visibility):
    article("Inside", visibility=visibility)
    past_answer("Inside too", visibility=visibility)
    bruno = browser_of("bruno")
    for path in ("/kb/en/inside", "/answers/inside-too"):
        page = bruno.get(path)
        assert '<meta name="robots" content="noindex">' in page.text
        assert "ld+json" not in page.text
        assert "og:title" not in page.text


def test_the_site_map_names_public_pages_with_their_translations(article, past_answer, browser):
    article("Lots", slug="lots")
    article("Lotes", slug="lots", language="es")
    article("Alone", slug="alone")
    article("Inside", slug="lots", language="fr", visibility="staff")
    past_answer()
    answer = browser.get("/sitemap.xml")
    urls = {url.find(f"{MAP}loc").text: url for url in ET.fromstring(answer.text)}
    assert {
        f"{BASE}/kb/en/lots",
        f"{BASE}/kb/es/lots",
        f"{BASE}/kb/en/alone",
        f"{BASE}/answers/two-prefixes",
        f"{BASE}/",
    } <= set(urls)
    assert f"{BASE}/kb/fr/lots" not in answer.text
    links = {link.get("hreflang"): link.get("href") for link in urls[f"{BASE}/kb/es/lots"].findall(f"{XHTML}link")}
    assert links == {
        "en": f"{BASE}/kb/en/lots", "es": f"{BASE}/kb/es/lots", "x-default": f"{BASE}/kb/en/lots",
    }  # fmt: skip
    assert not urls[f"{BASE}/kb/en/alone"].findall(f"{XHTML}link")
    assert browser.get("/sitemap.xml", headers={"If-None-Match": answer.headers["ETag"]}).status_code == 304


def test_a_large_site_map_is_several_files(article, past_answer, browser, monkeypatch):
    monkeypatch.setattr(sitemap_views, "MOST", 2)
    for number in range(3):
        article(f"Article {number}")
    past_answer()
    index = ET.fromstring(browser.get("/sitemap.xml").text)
    files = [place.text.removeprefix(BASE) for place in index.iter(f"{MAP}loc")]
    assert files == [
        "/sitemap-pages-1.xml",
        "/sitemap-articles-1.xml",
        "/sitemap-articles-2.xml",
        "/sitemap-answers-1.xml",
    ]
    named = [loc.text for path in files for loc in ET.fromstring(browser.get(path).text).iter(f"{MAP}loc")]
    assert len(named) == len(set(named)) == 4 + 3 + 1
    assert browser.get("/sitemap-articles-3.xml").status_code == 404
    assert browser.get("/sitemap-people-1.xml").status_code == 404


def test_programs_read_past_answers_and_topics_and_ask_again_cheaply(article, past_answer, browser, change):
    article("Lots", topic="publishing")
    number = past_answer("Two prefixes", topic="ocid-prefix", country="PY")
    hidden = past_answer("Inside", visibility="staff")
    rows = browser.get("/api/v1/answers?topic=ocid-prefix&country=PY").json["answers"]
    assert [row["id"] for row in rows] == [number]
    first = browser.get(f"/api/v1/answers/{number}")
    assert first.json["answer"] == "No, ask for a **second** one."
    assert first.headers["Cache-Control"] == "no-cache", "what is taken back is gone at once"
    asked = {"headers": {"If-None-Match": first.headers["ETag"]}}
    assert browser.get(f"/api/v1/answers/{number}", **asked).status_code == 304
    assert browser.get(f"/api/v1/answers/{hidden}").status_code == 404
    counts = {row["topic"]: (row["articles"], row["answers"]) for row in browser.get("/api/v1/topics").json["topics"]}
    assert (counts["publishing"], counts["ocid-prefix"]) == ((1, 0), (0, 1))
    change(lambda row: answers.withdraw(row, by=member("bruno")), number, Answer)
    assert browser.get(f"/api/v1/answers/{number}", **asked).status_code == 404
    assert browser.get("/api/v1/answers").json["answers"] == []


def test_an_article_is_not_sent_twice_to_a_program(article, browser, change):
    number = article("Lots", "Text.")
    first = browser.get(f"/api/v1/articles/{number}")
    asked = {"headers": {"If-None-Match": first.headers["ETag"]}}
    assert browser.get(f"/api/v1/articles/{number}", **asked).status_code == 304
    change(lambda row: articles.edit(row, articles.details_of(row), "Other text.", by=member("bruno")), number)
    assert browser.get(f"/api/v1/articles/{number}", **asked).status_code == 200


def test_collections_are_read_by_programs_without_what_the_caller_may_not_see(article, browser, app):
    numbers = [article("One", slug="one"), article("Canary", visibility="staff"), article("Two", slug="two")]
    article("Uno", language="es", slug="one")
    with app.app_context():
        row = collections.write(collections.Words(title="Open"), by=None)
        collections.put(row, numbers, by=None)
        hidden = collections.write(collections.Words(title="Canary list", visibility="staff"), by=None)
        inner = collections.write(collections.Words(title="Inside", parent_id=hidden.id), by=None)
        db.session.commit()
        number, secret, inside = row.id, hidden.id, inner.id
    listed = browser.get("/api/v1/collections")
    assert [(one["title"], one["parent"]) for one in listed.json["collections"]] == [("Open", None), ("Inside", None)]
    shown = browser.get(f"/api/v1/collections/{number}")
    assert [one["title"] for one in shown.json["articles"]] == ["One", "Two"]
    assert shown.headers["Cache-Control"] == "public, max-age=60"
    again = browser.get(f"/api/v1/collections/{number}", headers={"If-None-Match": shown.headers["ETag"]})
    assert (again.status_code, again.data) == (304, b"")
    assert browser.get(f"/api/v1/collections/{secret}").status_code == 404
    assert browser.get(f"/api/v1/collections/{2**70}").status_code == 404
    assert inside
    found = browser.get(f"/api/v1/articles?translation_of={numbers[0]}").json["articles"]
    assert [(one["title"], one["translation_of"], one["source_revision"]) for one in found] == [
        ("Uno", numbers[0], 1),
        ("One", None, None),
    ]
    assert [one["title"] for one in browser.get("/api/v1/articles?slug=two").json["articles"]] == ["Two"]

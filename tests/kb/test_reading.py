"""The public pages: browse, read, past answers, files, feeds."""

import gzip
import re
import xml.etree.ElementTree as ET
from datetime import datetime

import pytest

from core.db import db
from kb import answers, article_files, articles, page_cache
from tests.conftest import member
from tests.kb.test_articles import PNG

ATOM = {"a": "http://www.w3.org/2005/Atom"}


def test_articles_are_browsed_by_topic_and_language(article, browser):
    article("Publish lots", topic="frameworks-lots")
    article("Publicar lotes", language="es", slug="publish-lots", topic="frameworks-lots")
    for number in range(7):
        article(f"Guide {number}", topic="own-topic")
    page = browser.get("/kb/").text
    assert "Frameworks and lots" in page
    assert 'href="/kb/en/publish-lots"' in page
    assert "Publicar lotes" not in page
    assert "Own topic" in page
    assert "All 7 articles" in page
    assert page.count("/kb/en/guide-") == 5
    assert "Español" in page
    spanish = browser.get("/kb/?language=es").text
    assert 'href="/kb/es/publish-lots"' in spanish
    topic = browser.get("/kb/?topic=own-topic&language=en").text
    assert topic.partition("<main")[2].count('href="/kb/en/guide-') == 7
    assert "<h1>Own topic" in topic
    assert "Nothing on this topic" in browser.get("/kb/?topic=nothing").text


def test_an_empty_knowledge_base_says_what_to_do(browser):
    assert "There are no articles yet" in browser.get("/kb/").text
    assert "No past answers yet" in browser.get("/answers/").text


def test_an_article_is_read_with_contents_languages_and_what_to_do_next(article, browser):
    article(
        "Lots",
        "## One\n\na\n\n### Under\n\nb\n\n## Two\n\nc",
        topic="frameworks-lots",
        summary="In short.",
        tags=("x",),
    )
    article("Lotes", language="es", slug="lots")
    article("Frameworks", topic="frameworks-lots")
    response = browser.get("/kb/en/lots")
    page = response.text
    assert response.status_code == 200
    assert len(re.findall(r"<h1\b", page)) == 1
    assert 'href="#h-one"' in page
    assert 'href="#h-under"' in page
    assert re.search(r'<a href="/kb/es/lots" lang="es" hreflang="es"', page)
    assert '<link rel="alternate" hreflang="es" href="http://127.0.0.1:8000/kb/es/lots">' in page
    assert 'href="/kb/en/frameworks"' in page
    assert 'href="/ask?topic=frameworks-lots"' in page
    assert "Was this helpful?" in page
    assert "Edit" not in page


def test_an_article_of_another_language_is_offered_with_a_word_about_it(article, browser):
    article("Lots")
    response = browser.get("/kb/fr/lots")
    assert response.status_code == 302
    assert response.location == "/kb/en/lots?wanted=fr"
    assert "We do not have this article in French yet" in browser.get(response.location).text
    assert browser.get("/kb/fr/nothing").status_code == 404
    assert "We do not have" not in browser.get("/kb/en/lots?wanted=<script>").text
    assert browser.get("/kb/en/").location == "/kb/?language=en"


def test_reading_takes_few_statements(article, past_answer, browser, browser_of, statements):
    article("Lots", "## One\n\na\n\n## Two\n\nc")
    article("Lotes", language="es", slug="lots")
    past_answer()
    for path in ("/kb/", "/kb/?topic=other", "/kb/en/lots", "/kb/feed.atom", "/answers/", "/answers/two-prefixes"):
        with statements() as seen:
            assert browser.get(path).status_code == 200
        assert len(seen) <= 8, (path, seen)
    staff = browser_of("bruno")
    for path in (
        "/kb/",
        "/kb/en/lots",
        "/kb/en/lots/edit",
        "/kb/en/lots/history",
        "/kb/feedback",
        "/answers/two-prefixes",
    ):
        with statements() as seen:
            assert staff.get(path).status_code == 200
        assert len(seen) <= 12, (path, seen)
    for reader in (browser, staff):
        with statements() as seen:
            reader.get("/kb/en/lots")
        assert len(seen) <= (4 if reader is browser else 6), seen


def test_a_browser_may_keep_a_page_that_did_not_change(article, browser, change):
    number = article("Lots")
    first = browser.get("/kb/en/lots")
    tag = first.headers["ETag"]
    assert "Set-Cookie" not in first.headers
    again = browser.get("/kb/en/lots", headers={"If-None-Match": tag})
    assert again.status_code == 304
    assert again.data == b""
    nonce = re.search(r"'nonce-([^']+)'", again.headers["Content-Security-Policy"])[1]
    assert f'nonce="{nonce}"' in first.text, "the policy that comes with no page is the one of the page that was kept"
    change(lambda row: articles.edit(row, articles.details_of(row), "Other.", by=None), number)
    fresh = browser.get("/kb/en/lots", headers={"If-None-Match": tag})
    assert fresh.status_code == 200
    assert "Other." in fresh.text


GZIP = {"Accept-Encoding": "gzip"}


def unpacked(response):
    assert response.headers["Content-Encoding"] == "gzip"
    return gzip.decompress(response.data).decode()


def test_a_page_is_made_once_for_all_strangers(article, app, statements, change):
    number = article("Lots")
    first = app.test_client().get("/kb/en/lots", headers=GZIP)
    with statements() as seen:
        second = app.test_client().get("/kb/en/lots", headers=GZIP)
    assert not any("body_html" in statement for statement in seen), "the text is not even read"
    assert unpacked(first) == unpacked(second)
    for response in (first, second):
        nonce = re.search(r"'nonce-([^']+)'", response.headers["Content-Security-Policy"])[1]
        assert f'nonce="{nonce}"' in unpacked(response), "the policy is the one of the page"
        assert nonce in response.headers["ETag"]
        assert "Accept-Encoding" in response.headers["Vary"]
    plain = app.test_client().get("/kb/en/lots")
    assert "Content-Encoding" not in plain.headers
    assert "</html>" in plain.text
    spanish = app.test_client().get("/kb/en/lots", headers={**GZIP, "Accept-Language": "es"})
    assert '<html lang="es"' in unpacked(spanish)
    change(lambda row: articles.edit(row, articles.details_of(row), "Other.", by=None), number)
    assert "Other." in unpacked(app.test_client().get("/kb/en/lots", headers=GZIP))


def test_a_page_that_strangers_got_is_not_given_to_anybody_when_it_is_closed(article, app, change, browser_of):
    number = article("Lots")
    assert app.test_client().get("/kb/en/lots", headers=GZIP).status_code == 200
    assert "/sign-out" in browser_of("paula").get("/kb/en/lots").text, "who is signed in gets a page of their own"

    def close(row):
        row.visibility = "staff"

    change(close, number)
    assert app.test_client().get("/kb/en/lots", headers=GZIP).status_code == 404


def test_few_bytes_of_pages_are_kept(monkeypatch):
    monkeypatch.setattr("kb.page_cache._MOST_KEPT", 100)
    pages = page_cache._Pages()
    for name in "abc":
        pages.put(name, name, name.encode() * 40)
    assert pages.get("a") is None
    assert pages.get("c") == ("c", b"c" * 40)
    pages.put("c", "again", b"d" * 40)
    assert pages.get("b") == ("b", b"b" * 40)
    monkeypatch.setattr("kb.page_cache._KEPT_FOR", 0.0)
    assert pages.get("c") is None


def test_a_page_for_somebody_signed_in_is_never_kept(article, browser_of):
    article("Lots")
    response = browser_of("paula").get("/kb/en/lots")
    assert "ETag" not in response.headers
    assert response.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize("tag", ['W/"x"', '"', 'W/"' + "0" * 32 + ".'unsafe-inline'" + '"', "*"])
def test_a_made_up_tag_gets_the_page(article, browser, tag):
    article("Lots")
    assert browser.get("/kb/en/lots", headers={"If-None-Match": tag}).status_code == 200


def feed(browser, path):
    response = browser.get(path)
    assert response.status_code == 200
    assert response.mimetype == "application/atom+xml"
    root = ET.fromstring(response.data)
    # RFC 4287, 4.1: an id, a title and a moment for the feed and for each entry; a feed has an author.
    for element in (root, *root.findall("a:entry", ATOM)):
        for name in ("id", "title", "updated"):
            assert len(element.findall(f"a:{name}", ATOM)) == 1
        assert element.find("a:id", ATOM).text.startswith(("http://127.0.0.1:8000/", "tag:127.0.0.1,20"))
        assert datetime.fromisoformat(element.find("a:updated", ATOM).text).tzinfo is not None
        links = element.findall("a:link[@rel='alternate']", ATOM)
        assert len(links) == 1
        assert links[0].get("href").startswith("http://127.0.0.1:8000/")
    assert root.find("a:author/a:name", ATOM).text
    assert (
        root.find("a:link[@rel='self']", ATOM).get("href").startswith("http://127.0.0.1:8000" + path.partition("?")[0])
    )
    return [entry.find("a:title", ATOM).text for entry in root.findall("a:entry", ATOM)]


def test_feeds_follow_topic_and_language(article, browser):
    article("One & <two>", "text \x0b with a strange character", topic="use")
    article("Dos", language="es", topic="use")
    article("Three", topic="bids")
    assert feed(browser, "/kb/feed.atom") == ["Three", "Dos", "One & <two>"]
    assert feed(browser, "/kb/feed.atom?topic=use") == ["Dos", "One & <two>"]
    assert feed(browser, "/kb/feed.atom?topic=use&language=en") == ["One & <two>"]
    assert feed(browser, "/kb/feed.atom?topic=nothing") == []


def test_past_answers_have_a_feed(past_answer, browser):
    past_answer("Two prefixes", topic="ocid-prefix", country="PY")
    past_answer("Drafted", published=False)
    assert feed(browser, "/answers/feed.atom") == ["Two prefixes"]
    assert feed(browser, "/answers/feed.atom?country=GH") == []


def test_past_answers_are_filtered_and_paged(past_answer, browser):
    for number in range(25):
        past_answer(f"Question {number:02}", topic="bids" if number % 2 else "use", country="PY" if number < 3 else "")
    first = browser.get("/answers/").text
    assert len(re.findall(r'href="/answers/question-', first)) == 20
    following = re.search(r'rel="next" href="([^"]+)"', first)[1].replace("&amp;", "&")
    second = browser.get(following).text
    assert len(re.findall(r'href="/answers/question-', second)) == 5
    only = browser.get("/answers/?topic=bids&country=PY").text
    assert re.findall(r'href="/answers/(question-\d+)', only) == ["question-01"]
    assert '<option value="PY" selected>Paraguay</option>' in only
    assert "Nothing like that yet" in browser.get("/answers/?country=GH").text


def test_a_past_answer_shows_question_and_answer(past_answer, browser):
    past_answer(country="PY", tags=("prefix",))
    page = browser.get("/answers/two-prefixes").text
    assert "May we share one?" in page
    assert "<strong>second</strong>" in page
    assert "Paraguay" in page
    assert "Was this helpful?" in page
    assert "Withdraw" not in page
    assert browser.get("/answers/nothing").status_code == 404


def test_a_page_is_in_the_language_of_its_reader_and_its_text_in_its_own(article, browser):
    article("Lots")
    response = browser.get("/kb/en/lots", headers={"Accept-Language": "es"})
    assert '<html lang="es"' in response.text
    assert '<article lang="en">' in response.text


def test_an_odd_address_is_not_there(article, browser):
    article("Lots")
    for path in (
        "/kb/en/%00",
        "/kb/%00/x",
        "/answers/%00",
        "/kb/?topic=%00",
        "/kb/?after=%00",
        "/kb/feed.atom?topic=%00",
    ):
        assert browser.get(path).status_code in {400, 404}, path
    for path in ("/kb/?after=xx", "/answers/?before=!!", "/kb/?language=%F0%9F%98%80", "/kb/en/" + "x" * 3000):
        assert browser.get(path).status_code in {200, 404}, path


def test_a_published_article_can_be_withdrawn_and_drafts_stay_with_staff(article, browser, browser_of, change):
    article("Lots", state="draft")
    assert browser.get("/kb/en/lots").status_code == 404
    assert browser_of("amara").get("/kb/en/lots").status_code == 404
    staff = browser_of("bruno")
    page = staff.get("/kb/en/lots").text
    assert "Draft" in page
    assert 'href="/kb/en/lots"' in staff.get("/kb/drafts").text
    assert staff.send("/kb/en/lots/state", {"state": "published"}).status_code == 303
    assert browser.get("/kb/en/lots").status_code == 200
    assert staff.send("/kb/en/lots/state", {"state": "withdrawn"}).status_code == 303
    assert browser.get("/kb/en/lots").status_code == 404
    assert staff.send("/kb/en/lots/state", {"state": "withdrawn"}).status_code == 409


def test_pictures_are_shown_and_files_are_downloads(app, article, browser):
    with app.app_context():
        picture = article_files.add(PNG, "shot.png")
        table = article_files.add(b"a,b\n", "table.csv")
        svg = article_files.add(
            b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>", "drawing.svg"
        )
        body = "\n".join(article_files.markdown_for(row) for row in (picture, table, svg))
        paths = {row.file.filename: f"/kb/files/{row.file_id}/{row.file.filename}" for row in (picture, table, svg)}
        db.session.commit()
    article("Lots", body)
    page = browser.get("/kb/en/lots").text
    assert f'src="{paths["shot.png"]}"' in page
    assert f'href="{paths["table.csv"]}"' in page
    assert f'src="{paths["drawing.svg"]}"' in page
    shown = browser.get(paths["shot.png"])
    assert (shown.mimetype, shown.headers["Content-Disposition"].split(";")[0]) == ("image/png", "inline")
    assert browser.get(paths["table.csv"]).headers["Content-Disposition"].startswith("attachment")
    drawn = browser.get(paths["drawing.svg"])
    assert drawn.mimetype == "image/svg+xml"
    assert drawn.headers["Content-Disposition"].startswith("attachment"), "opened by itself it does not run here"
    for response in (shown, drawn, browser.get(paths["table.csv"])):
        assert response.headers["X-Content-Type-Options"] == "nosniff"
        assert response.headers["Content-Security-Policy"] == "default-src 'none'; sandbox"
    assert browser.get("/kb/files/" + "0" * 32 + "/shot.png").status_code == 404


def test_what_is_for_champions_is_for_champions(article, past_answer, browser, browser_of, change):
    article("Inside", visibility="champions")
    past_answer("Among us", visibility="champions")
    for path in ("/kb/en/inside", "/answers/among-us"):
        assert browser.get(path).status_code == 404
        assert browser_of("paula").get(path).status_code == 404
        assert browser_of("amara").get(path).status_code == 200
        assert browser_of("bruno").get(path).status_code == 200


def test_past_answers_of_every_state_are_seen_by_staff(past_answer, browser, browser_of, change, answer_model):
    number = past_answer()
    change(lambda row: answers.withdraw(row, by=member("bruno")), number, answer_model)
    past_answer("Drafted", published=False)
    assert "two-prefixes" not in browser.get("/answers/?state=withdrawn").text
    staff = browser_of("bruno")
    assert "two-prefixes" in staff.get("/answers/?state=withdrawn").text
    assert "drafted" in staff.get("/answers/?state=draft").text
    assert "two-prefixes" not in staff.get("/answers/").text

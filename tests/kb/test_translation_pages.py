"""The pages of translators, and what readers are told of a translation."""

import io
import re

import flask_migrate
import pytest
from sqlalchemy import select, text

from core.db import db
from kb import articles
from kb.models import Article, Revision
from tests.kb.test_translations import SOURCE, SPANISH

PAGE = "/kb/en/lots/translate/es"


@pytest.fixture
def pair(article):
    return article("Lots", SOURCE), article("Lotes", SPANISH, language="es", slug="lots")


def edit(change, number, body):
    change(lambda row: articles.edit(row, articles.details_of(row), body, by=None), number)


def fields(page) -> dict:
    return dict(re.findall(r'name="(number|version|csrf_token)"[^>]*value="([^"]*)"', page.text))


def typed(page) -> list[str]:
    return re.findall(r'<textarea[^>]*name="text"[^>]*>(.*?)</textarea>', page.text, re.DOTALL)


def test_readers_are_told_that_a_translation_is_out_of_date_and_staff_what_changed(pair, browser, browser_of, change):
    assert "Out of date" not in browser.get("/kb/es/lots").text
    tag = browser.get("/kb/es/lots").headers["ETag"]
    edit(change, pair[0], SOURCE.replace("fill it", "fill it in"))
    response = browser.get("/kb/es/lots", headers={"If-None-Match": tag})
    assert response.status_code == 200, "a page that says something new is not the one that was kept"
    assert "Out of date since" in response.text
    assert 'href="/kb/en/lots" hreflang="en"' in response.text
    assert "See what changed" not in response.text
    page = browser_of("bruno").get(PAGE).text
    assert "<ins> in</ins>" in page
    assert page.count("changed in the source") == 1


def test_a_translation_is_written_section_by_section_and_keeps_the_place(article, browser_of, app):
    article("Lots", SOURCE, summary="About.")
    staff = browser_of("bruno")
    page = staff.get(PAGE)
    assert typed(page) == ["", "", ""]
    answer = staff.send(
        PAGE, {**fields(page), "title": "Lotes", "slug": "lotes", "text": ["# Lotes\r\n\r\nUno.", "", "## Comprobar\r\n\r\nDos."], "at": "3"}
    )  # fmt: skip
    assert (answer.status_code, answer.location) == (303, f"{PAGE}#section-3")
    assert typed(staff.get(PAGE)) == ["# Lotes\n\nUno.", "", "## Comprobar\n\nDos."]
    with app.app_context():
        row = db.session.scalar(select(Article).where(Article.slug == "lotes"))
        assert (row.language, row.state, row.source_revision_number) == ("es", "draft", 1)
        assert "(check-it)=\n## Comprobar" in row.body
        assert 'id="h-check-it"' in row.body_html, "the anchor of the source works in the translation"
        assert "## Build one" in row.body


def test_saving_says_which_version_the_translation_follows_only_when_asked(pair, browser_of, browser, change):
    edit(change, pair[0], SOURCE.replace("fill it", "fill it in"))
    staff = browser_of("bruno")
    page = staff.get(PAGE)
    sent = {**fields(page), "title": "Lotes", "text": typed(page)}
    assert staff.send(PAGE, sent).status_code == 303
    assert "Out of date" in browser.get("/kb/es/lots").text
    assert staff.send(PAGE, {**sent, **fields(staff.get(PAGE)), "is_current": "y"}).status_code == 303
    assert "Out of date" not in browser.get("/kb/es/lots").text


def test_what_was_typed_is_never_lost(pair, browser_of, change):
    staff = browser_of("bruno")
    page = staff.get(PAGE)
    sent = {**fields(page), "title": "", "text": ["# Mío", "b", "c"]}
    refused = staff.send(PAGE, sent)
    assert refused.status_code == 422
    assert typed(refused) == ["# Mío", "b", "c"]
    edit(change, pair[1], SPANISH + "\nMás.\n")
    conflict = staff.send(PAGE, {**sent, "title": "Lotes"})
    assert conflict.status_code == 409
    assert typed(conflict) == ["# Mío", "b", "c"]
    lost = staff.send(PAGE, {**fields(conflict), "title": "Lotes", "text": ["only one"]})
    assert lost.status_code == 409
    assert "only one" in lost.text


def test_a_file_goes_out_and_comes_in(pair, browser_of, change):
    edit(change, pair[0], SOURCE.replace("First step", "The first step"))
    staff = browser_of("bruno")
    out = staff.get(f"{PAGE}/file.po")
    assert out.mimetype == "text/x-gettext-translation"
    assert "filename=lots.es.po" in out.headers["Content-Disposition"]
    content = out.text.replace('msgid "The first step"\nmsgstr ""', 'msgid "The first step"\nmsgstr "El primer paso"')
    answer = staff.send(f"{PAGE}/file.po", {"file": (io.BytesIO(content.encode()), "lots.po")})
    assert answer.status_code == 200
    assert "blocks are translated" in answer.text
    assert "El primer paso" in staff.get("/kb/es/lots").text
    bad = staff.send(f"{PAGE}/file.po", {"file": (io.BytesIO(b'msgid "x\n'), "lots.po")})
    assert bad.status_code == 422
    assert "cannot be read" in bad.text
    assert staff.send(f"{PAGE}/file.po", {}).status_code == 422


def test_the_list_of_work_has_what_most_people_read_first(article, browser_of, change, statements):
    numbers = [article(title, "Text.", slug=title.lower()) for title in ("Alpha", "Beta", "Gamma", "Delta")]
    article("Alfa", "Texto.", slug="alpha", language="es")
    article("Gama", "Texto.", slug="gamma", language="es")
    article("Inside", "Text.", visibility="staff")
    edit(change, numbers[2], "Other text.")
    change(lambda row: setattr(row, "helpful_count", 9), numbers[3])
    staff = browser_of("bruno")
    with statements() as seen:
        page = staff.get("/kb/translations?language=es").text
    assert len(seen) <= 8, seen
    assert re.findall(r'lang="en">(\w+)</a></th>', page) == ["Delta", "Beta", "Gamma", "Inside"]
    assert "Not translated (3)" in page
    assert "Out of date (1)" in page
    assert re.findall(r'lang="en">(\w+)</a></th>', staff.get("/kb/translations?language=es&state=done").text) == [
        "Alpha"
    ]
    assert staff.get("/kb/translations?language=xx'&after=-1&state=%3C").status_code == 200


def test_an_address_of_its_own_is_found_from_that_of_the_source(pair, browser, change):
    change(
        lambda row: articles.edit(
            row, articles.Details(**{**vars(articles.details_of(row)), "slug": "lotes"}), row.body, by=None
        ),
        pair[1],
    )
    assert browser.get("/kb/es/lots").location == "/kb/es/lotes"
    assert browser.get("/kb/en/lotes").location == "/kb/en/lots"
    assert browser.get("/kb/fr/lotes").location.endswith("?wanted=fr")
    page = browser.get("/kb/en/lots").text
    assert 'hreflang="es" href="http://127.0.0.1:8000/kb/es/lotes"' in page
    assert 'hreflang="x-default" href="http://127.0.0.1:8000/kb/en/lots"' in page
    assert 'href="/kb/es/lotes" lang="es" hreflang="es"' in page


def test_a_translation_that_few_may_read_is_named_to_nobody_else(article, browser, browser_of):
    article("Lots", SOURCE)
    article("Canario", SPANISH, language="es", slug="lots", visibility="staff")
    page = browser.get("/kb/en/lots").text
    assert "Canario" not in page
    assert 'alternate" hreflang="es"' not in page
    assert browser.get("/kb/es/lots").location == "/kb/en/lots?wanted=es"
    assert browser.get(PAGE).status_code in {302, 403, 404}
    assert browser_of("amara").get(PAGE).status_code in {403, 404}
    staff = browser_of("bruno").get("/kb/en/lots").text
    assert "Canario" in staff
    assert 'alternate" hreflang="es"' not in staff, "search engines are told of public pages alone"


@pytest.mark.parametrize("to", ["en", "xx", "e<", "klingon", "ES"])
def test_nobody_translates_into_what_is_no_other_language(pair, browser_of, to):
    assert browser_of("bruno").get(f"/kb/en/lots/translate/{to}").status_code == 404


def test_an_article_is_made_a_translation_by_the_address_of_its_source(article, browser_of, app):
    article("Lots", SOURCE)
    article("Lotes", SPANISH, language="es", slug="lotes")
    staff = browser_of("bruno")
    assert staff.send("/kb/es/lotes/source", {"source": "http://127.0.0.1:8000/kb/en/lots"}).status_code == 303
    assert 'href="/kb/en/lots" lang="en"' in staff.get("/kb/es/lotes").text
    assert staff.send("/kb/es/lotes/source", {"source": "/kb/en/nothing"}).status_code == 422
    assert staff.send("/kb/es/lotes/source", {"source": ""}).status_code == 303
    with app.app_context():
        assert db.session.scalar(select(Article.source_id).where(Article.slug == "lotes")) is None


def test_articles_from_before_know_their_source_after_the_upgrade(app):
    with app.app_context():
        flask_migrate.downgrade(revision="0010")
        try:
            add = text(
                "INSERT INTO article (language, slug, title, summary, body, body_html, body_text, contents, topic, tags, visibility, "
                "state, source_path, front_matter, links, helpful_count, unhelpful_count, revision_number, created_at, updated_at, version) "
                "VALUES (:language, :slug, 't', '', '', '', '', '[]', 'other', '[]', 'public', 'published', '', '{}', '{}', 0, 0, :number, "
                ":at, :at, 1)"
            )
            for language, slug, number, at in (
                ("es", "a", 1, "2026-01-02 00:00:00"), ("en", "a", 2, "2026-01-03 00:00:00"), ("fr", "a", 1, "2026-01-04 00:00:00"),
                ("fr", "b", 1, "2026-01-02 00:00:00"), ("es", "b", 1, "2026-01-01 00:00:00"), ("en", "c", 1, "2026-01-01 00:00:00"),
            ):  # fmt: skip
                db.session.execute(add, {"language": language, "slug": slug, "number": number, "at": at})
            db.session.commit()
            db.session.remove()
        finally:
            flask_migrate.upgrade()
        rows = db.session.scalars(select(Article)).all()
        named = {(row.language, row.slug): row for row in rows}
        sources = {
            key: next((f"{o.language}/{o.slug}" for o in rows if o.id == row.source_id), "")
            for key, row in named.items()
        }
        assert sources == {
            ("es", "a"): "en/a", ("en", "a"): "", ("fr", "a"): "en/a", ("fr", "b"): "es/b", ("es", "b"): "", ("en", "c"): "",
        }  # fmt: skip
        assert db.session.scalars(select(Revision)).all() == []

"""What few may read, or nobody any more, stands in no place that is open to everybody: one test for each place."""

import json
import re

import pytest

from core.db import db
from kb import answers, articles, collections, publishing, workflow
from kb.collection_models import RelatedArticle
from kb.models import Answer, Article
from kb.pages import Details
from tests.conftest import member

# Each has a word of its own, in its title, summary, text, tags and address.
ARTICLES = {
    "canarystaff": {"visibility": "staff"}, "canarychampion": {"visibility": "champions"}, "canarydraft": {"state": "draft"},
    "canaryreview": {"state": "draft"}, "canaryretired": {}, "canarywithdrawn": {},
}  # fmt: skip
ANSWERS = ("canaryanswerdraft", "canaryanswerback", "canaryanswerchampion")
PENDING, TRANSLATED = "canarypending", "canarytranslated"
HIDDEN = (*ARTICLES, *ANSWERS, PENDING, TRANSLATED)
FOR_CHAMPIONS = {"canarychampion", "canaryanswerchampion"}

PLACES = {
    "feed": ["/kb/feed.atom"],
    "feed of a topic": ["/kb/feed.atom?topic=schema"],
    "feed of a language": ["/kb/feed.atom?language=en", "/kb/feed.atom?language=es", "/kb/feed.atom?topic=schema&language=es"],
    "feed of past answers": ["/answers/feed.atom", "/answers/feed.atom?topic=schema", "/answers/feed.atom?language=en"],
    "site map": ["/sitemap.xml", "/sitemap-pages-1.xml", "/sitemap-articles-1.xml", "/sitemap-answers-1.xml"],
    "article, with what is before, after and related": ["/kb/en/first", "/kb/en/last", "/kb/en/first?in=all"],
    "past answer": ["/answers/public-answer"],
    "lists": ["/", "/kb/", "/kb/?topic=schema&language=en", "/kb/?topic=schema&language=es", "/answers/", "/answers/?topic=schema"],
    "collections": ["/kb/collections", "/kb/collections/all"],
    "articles by API": ["/api/v1/articles", "/api/v1/articles?topic=schema", "/api/v1/articles?translation_of={first}"],
    "answers by API": ["/api/v1/answers", "/api/v1/answers?topic=schema"],
    "collections by API": ["/api/v1/collections", "/api/v1/collections/{collection}"],
    "topics by API": ["/api/v1/topics"],
    "search by API": ["/api/v1/search?q=public", "/api/v1/suggestions?text=public+schema"],
}  # fmt: skip


@pytest.fixture
def world(app, work) -> dict[str, int]:
    """All of these beside three public texts, in one collection and one topic; numbers of some."""
    with app.app_context():
        bruno, carla = member("bruno"), member("carla")
        first, last = (_write(name, name, {}) for name in ("first", "last"))
        hidden = [_write(word, f"public {word}", more) for word, more in ARTICLES.items()]
        rows = dict(zip(ARTICLES, hidden, strict=True))
        workflow.ask_review(rows["canaryreview"], carla, by=bruno, note="canaryreview")
        workflow.retire(rows["canaryretired"], None, by=bruno)
        articles.withdraw(rows["canarywithdrawn"], by=bruno)
        workflow.keep_change(
            first, articles.details_of(first), f"public {PENDING}", by=bruno, reason=PENDING
        )  # fmt: skip
        spanish = _write("first", f"public {TRANSLATED}", {"language": "es", "visibility": "staff"}, title=TRANSLATED)
        assert spanish.source_id == first.id
        row = collections.write(collections.Words(title="All", slug="all"), by=bruno)
        collections.put(row, [first.id, *(each.id for each in hidden), last.id], by=bruno)
        inner = collections.write(
            collections.Words(title="canarystaff list", visibility="staff", parent_id=row.id), by=bruno
        )
        collections.put(inner, [first.id], by=bruno)
        db.session.add_all(
            RelatedArticle(article_id=first.id, related_id=each.id, position=place)
            for place, each in enumerate(hidden)
        )
        for word in ("public answer", *ANSWERS):
            answer = answers.draft(by=bruno, title=word, question=word, answer=f"public {word}", topic="schema")
            if word != "canaryanswerdraft":
                answers.publish(answer, basis=answers.NOTHING_PERSONAL, by=member("chidi"))
            if word == "canaryanswerchampion":
                answer.visibility = "champions"
            if word == "canaryanswerback":
                answers.withdraw(answer, by=bruno)
        db.session.commit()
        numbers = {"first": first.id, "last": last.id, "collection": row.id, "staff_collection": inner.id}
    work()
    return numbers


def _write(slug, body, more, title=""):
    details = {
        "title": title or slug,
        "slug": slug,
        "summary": body,
        "tags": (body,),
        "state": "published",
        "topic": "schema",
    }
    return articles.write(Details(**{**details, **more}), body, by=member("bruno"), reason=body)


def told(page) -> set[str]:
    return {word for word in HIDDEN if word in page.text.lower()}


@pytest.mark.parametrize("place", PLACES)
def test_a_place_for_everybody_names_nothing_hidden(world, browser, browser_of, place):
    for path in PLACES[place]:
        path = path.format(**world)
        page = browser.get(path)
        assert page.status_code in {200, 404 if path.startswith("/sitemap-") else 200}, path
        assert told(page) == set(), path
        assert told(browser_of("amara").get(path)) <= FOR_CHAMPIONS, path


def test_those_who_may_read_it_are_shown_it_so_that_these_tests_can_fail(world, browser_of):
    staff, champion = browser_of("bruno"), browser_of("amara")
    assert told(champion.get("/kb/collections/all")) == {"canarychampion"}
    assert told(staff.get("/kb/collections/all")) >= {"canarystaff", "canarychampion"}
    assert told(champion.get("/kb/feed.atom")) == {"canarychampion"}
    assert told(champion.get("/answers/feed.atom")) == {"canaryanswerchampion"}
    assert TRANSLATED in staff.get("/kb/es/first").text


def test_no_description_for_search_engines_names_anything_hidden_whoever_asks(world, browser_of):
    paths = [
        "/kb/en/first",
        "/kb/collections/all",
        "/kb/?topic=schema&language=en",
        "/answers/",
        "/answers/public-answer",
    ]
    for who in ("bruno", "amara", "paula"):
        for path in paths:
            page = browser_of(who).get(path)
            found = re.findall(r'<script type="application/ld\+json"[^>]*>(.*?)</script>', page.text)
            assert found, (who, path)
            words = json.dumps([json.loads(each) for each in found])
            heads = " ".join(re.findall(r"<(?:meta property|link rel=.alternate)[^>]*>", page.text))
            assert not [word for word in HIDDEN if word in words + heads], (who, path)


def test_hidden_pages_are_not_there_by_any_address(world, app, browser):
    with app.app_context():
        rows = [
            (row.id, row.language, row.slug) for row in db.session.scalars(db.select(Article)) if row.slug in ARTICLES
        ]
        hidden = [(row.id, row.slug) for row in db.session.scalars(db.select(Answer)) if row.slug in ANSWERS]
    paths = [
        path for number, language, slug in rows for path in (f"/kb/{language}/{slug}", f"/api/v1/articles/{number}")
    ]
    paths += [path for number, slug in hidden for path in (f"/answers/{slug}", f"/api/v1/answers/{number}")]
    assert len(paths) == 2 * (len(ARTICLES) + len(ANSWERS))
    for path in (*paths, f"/api/v1/collections/{world['staff_collection']}", "/kb/collections/canarystaff-list"):
        page = browser.get(path)
        assert page.status_code in {404, 410}, path
        assert not [word for word in HIDDEN if re.search(rf"{word}(?![\w-]*[\"&?])", page.text)], path


def test_the_published_copy_holds_nothing_hidden(world, app, tmp_path):
    with app.app_context():
        publishing.publish(tmp_path / "site")
    texts = [path.read_text() for path in (tmp_path / "site").rglob("*") if path.suffix in {".html", ".js", ".json"}]
    names = [str(path) for path in (tmp_path / "site").rglob("*")]
    assert any("public answer" in text for text in texts)
    assert not [word for word in HIDDEN for text in (*texts, *names) if word in text]


def test_what_is_taken_away_is_sent_to_nobody_who_asks_whether_it_changed(world, app, browser):
    paths = [
        "/kb/feed.atom", "/answers/feed.atom", "/sitemap.xml", "/api/v1/articles", "/api/v1/answers", "/api/v1/topics",
        "/api/v1/collections", f"/api/v1/collections/{world['collection']}", f"/api/v1/articles/{world['last']}",
    ]  # fmt: skip
    before = {path: browser.get(path) for path in paths}
    for path, page in before.items():
        assert page.headers["ETag"], path
        assert re.fullmatch(r"public, max-age=\d+|no-cache", page.headers["Cache-Control"]), path
        again = browser.get(path, headers={"If-None-Match": page.headers["ETag"]})
        assert (again.status_code, again.data) == (304, b""), path
    with app.app_context():
        workflow.retire(db.session.get_one(Article, world["last"]), None, by=member("bruno"))
        answers.withdraw(db.session.scalars(db.select(Answer).where(Answer.slug == "public-answer")).one(), by=None)
        db.session.commit()
    for path, page in before.items():
        if path == "/api/v1/collections":
            continue
        later = browser.get(path, headers={"If-None-Match": page.headers["ETag"]})
        assert later.status_code in {200, 404}, path
        assert "/kb/en/last" not in later.text
        assert "/answers/public-answer" not in later.text

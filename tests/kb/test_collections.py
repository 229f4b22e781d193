"""Collections and order, previous and next, and what is worth reading after an article."""

import re

import pytest
from sqlalchemy import select, update

from core.db import db
from core.exceptions import Refused
from kb import collections, related
from kb.collection_models import Collection, CollectionMember, RelatedArticle
from kb.collections import Words
from kb.models import UNPLACED, Article
from tests.conftest import member


@pytest.fixture
def collection(app):
    """Writes a collection of articles (numbers) and commits; returns its number."""

    def make(title="First steps", numbers=(), **more) -> int:
        with app.app_context():
            row = collections.write(Words(title=title, **more), by=member("bruno"))
            collections.put(row, numbers, by=None)
            db.session.commit()
            return row.id

    return make


def titles(page) -> list[str]:
    return re.findall(r'<h2><a href="/kb/[^"]+" lang="\w+" hreflang="\w+">([^<]+)</a></h2>', page.text)


def test_a_collection_is_read_in_its_order_in_the_language_of_the_reader(article, collection, browser):
    numbers = [article(title, slug=title.lower()) for title in ("Beta", "Alpha", "Gamma")]
    article("Alfa", language="es", slug="alpha")
    collection("First steps", numbers, text="Begin here.")
    page = browser.get("/kb/collections/first-steps")
    assert titles(page) == ["Beta", "Alpha", "Gamma"]
    assert "Begin here." in page.text
    spanish = browser.get("/kb/collections/first-steps", headers={"Accept-Language": "es"})
    assert titles(spanish) == ["Beta", "Alfa", "Gamma"]
    assert spanish.text.count("En inglés") + spanish.text.count("In inglés") == 2, (
        "what is in another language says so"
    )
    assert "/kb/collections/first-steps" in browser.get("/kb/collections").text


def test_an_article_leads_to_the_one_before_and_the_one_after(article, collection, browser):
    numbers = [article(title, slug=title.lower()) for title in ("One", "Two", "Three")]
    article("Dos", language="es", slug="two")
    article("Tres", language="es", slug="three")
    collection("First steps", numbers)
    collection("Other", [numbers[1]])
    page = browser.get("/kb/en/two").text
    assert re.search(r'rel="prev" lang="en" href="/kb/en/one\?in=first-steps"', page)
    assert re.search(r'rel="next" lang="en" href="/kb/en/three\?in=first-steps"', page)
    spanish = browser.get("/kb/es/two").text
    assert re.search(r'rel="prev" lang="en" href="/kb/en/one', spanish)
    assert re.search(r'rel="next" lang="es" href="/kb/es/three', spanish)
    assert "rel=" not in "".join(re.findall(r'rel="(?:prev|next)"', browser.get("/kb/en/two?in=other").text))


def test_what_few_may_read_is_passed_over_and_never_named(article, collection, browser, browser_of, app):
    hidden = article("Canary staff", visibility="staff")
    champions = article("Canary champions", visibility="champions")
    draft = article("Canary draft", state="draft")
    numbers = [article("One", slug="one"), hidden, champions, draft, article("Two", slug="two")]
    collection("Open", numbers)
    collection("Canary list", [numbers[0]], visibility="staff")
    with app.app_context():
        db.session.add_all(
            RelatedArticle(article_id=numbers[0], related_id=number, position=place)
            for place, number in enumerate((hidden, champions, draft, numbers[4]))
        )
        db.session.commit()
    for path in ("/kb/en/one", "/kb/en/two", "/kb/collections", "/kb/collections/open", "/kb/en/one?in=canary-list"):
        assert "Canary" not in browser.get(path).text, path
    assert browser.get("/kb/collections/canary-list").status_code == 404
    assert 'rel="next" lang="en" href="/kb/en/two' in browser.get("/kb/en/one").text
    champion = browser_of("amara").get("/kb/en/one").text
    assert "Canary champions" in champion
    assert "Canary staff" not in champion
    assert "Canary draft" not in champion
    assert "Canary staff" in browser_of("bruno").get("/kb/en/one").text


def test_staff_write_a_collection_and_move_articles_without_a_mouse(article, browser_of, app):
    for title in ("One", "Two", "Three"):
        article(title, slug=title.lower())
    article("Dos", language="es", slug="two")
    staff = browser_of("bruno")
    assert staff.send("/kb/collections/new", {"title": ""}).status_code == 422
    made = {"title": "First steps", "language": "en", "visibility": "public", "parent": ""}
    assert staff.send("/kb/collections/new", made).location == "/kb/collections/first-steps/edit"
    for path in ("/kb/en/one", "http://127.0.0.1:8000/kb/es/two", "/kb/en/three?in=x"):
        assert staff.send("/kb/collections/first-steps/articles", {"what": "add", "address": path}).status_code == 303
    assert titles(staff.get("/kb/collections/first-steps")) == ["One", "Two", "Three"]
    again = staff.send("/kb/collections/first-steps/articles", {"what": "add", "address": "/kb/en/one"})
    assert again.status_code == 422
    with app.app_context():
        number = db.session.scalar(select(Article.id).where(Article.slug == "three"))
    up = staff.send("/kb/collections/first-steps/articles", {"what": "up", "article": str(number)})
    assert up.location == f"/kb/collections/first-steps/edit#article-{number}"
    assert titles(staff.get("/kb/collections/first-steps")) == ["One", "Three", "Two"]
    staff.send("/kb/collections/first-steps/articles", {"what": "drop", "article": str(number)})
    assert titles(staff.get("/kb/collections/first-steps")) == ["One", "Two"]
    assert staff.send("/kb/collections/first-steps/articles", {"what": "up", "article": "9" * 30}).status_code == 422
    page = staff.get("/kb/collections/first-steps/edit").text
    version = re.search(r'name="version"[^>]*value="(\d+)"', page)[1]
    sent = {**made, "title": "Later", "slug": "later", "version": version}
    assert staff.send("/kb/collections/first-steps/edit", sent).location == "/kb/collections/later/edit"
    late = staff.send("/kb/collections/later/edit", {**sent, "title": "Mine"})
    assert late.status_code == 409
    assert 'value="Mine"' in late.text
    assert staff.send("/kb/collections/later/remove").status_code == 303
    assert staff.get("/kb/collections/later").status_code == 404
    assert staff.get("/kb/en/one").status_code == 200


def test_collections_stand_inside_others_one_level_deep(context):
    top = collections.write(Words(title="Top"), by=None)
    inner = collections.write(Words(title="Inner", parent_id=top.id), by=None)
    for words, row in (
        (Words(title="Deeper", parent_id=inner.id), None),
        (Words(title="Top", parent_id=inner.id), top),
        (Words(title="Top", parent_id=top.id), top),
        (Words(title="Top", parent_id=99999), None),
    ):
        with pytest.raises(Refused):
            collections.edit(row, words, by=None) if row is not None else collections.write(words, by=None)
    collections.remove(top, by=None)
    db.session.refresh(inner)
    assert inner.parent_id is None


@pytest.mark.parametrize(
    "words",
    [{"title": " "}, {"title": "x" * 301}, {"title": "a", "slug": "A b"}, {"title": "a", "language": "klingon!"},
     {"title": "a", "visibility": "nobody"}, {"title": "a", "text": "x" * 2001}, {"title": "a", "slug": "new"}],
)  # fmt: skip
def test_what_cannot_be_is_refused_with_its_field(context, words):
    with pytest.raises(Refused) as error:
        collections.write(Words(**words), by=None)
    assert error.value.field in {"title", "slug", "language", "visibility", "text"}


def test_articles_of_a_topic_are_put_in_order(article, browser, browser_of, app):
    for title in ("A", "B", "C", "D"):
        article(title, topic="use", slug=title.lower())

    def shown():
        return re.findall(r'<h2><a href="/kb/en/\w">(\w)</a>', browser.get("/kb/?topic=use&language=en").text)

    assert shown() == ["A", "B", "C", "D"]
    staff = browser_of("bruno")
    numbers = dict(
        re.findall(
            r'id="article-(\d+)".*?lang="en">(\w)<', staff.get("/kb/order?topic=use&language=en").text, re.DOTALL
        )
    )
    number = {title: key for key, title in numbers.items()}
    for _time in range(2):
        sent = staff.send("/kb/order?topic=use&language=en", {"what": "up", "article": number["C"]})
    assert sent.location.endswith(f"#article-{number['C']}")
    assert shown() == ["C", "A", "B", "D"]
    staff.send("/kb/order?topic=use&language=en", {"what": "down", "article": number["C"]})
    assert shown() == ["A", "C", "B", "D"]
    assert re.findall(r'href="/kb/en/(\w)">', browser.get("/kb/?language=en").text)[:4] == ["a", "c", "b", "d"]
    staff.send("/kb/order?topic=use&language=en", {"what": "forget"})
    assert shown() == ["A", "B", "C", "D"]
    with app.app_context():
        assert set(db.session.scalars(select(Article.position))) == {UNPLACED}
    assert staff.get("/kb/order?topic=nothing").status_code == 404
    assert browser_of("paula").get("/kb/order?topic=use").status_code == 403


def test_the_worker_finds_what_is_worth_reading_next(article, work, app, browser, monkeypatch):
    linked = article("Unlike in every word", "Nothing.", slug="linked")
    alike = article("Lots are bought like this", "Who bids for lots reads before buying.", slug="alike")
    cited = article("Something else", "Else.", slug="cited", language="en")
    article("Parecido", "Lots.", slug="alike", language="es")
    source = article(
        "Lots and how they are bought", "Who bids reads [the guide](linked.md) before buying.", slug="lots"
    )
    monkeypatch.setattr(related, "signals", [lambda number: {cited: 1.0} if number == source else {}])
    work()
    with app.app_context():
        related.find_missing()
        db.session.execute(update(RelatedArticle).values(position=RelatedArticle.position))
        db.session.commit()
    work()
    with app.app_context():
        related.relate(source)
        found = db.session.scalars(
            select(RelatedArticle.related_id)
            .where(RelatedArticle.article_id == source)
            .order_by(RelatedArticle.position)
        ).all()
        assert found == [cited, linked, alike]
    page = browser.get("/kb/en/lots").text
    assert re.findall(r'<li><a href="/kb/en/(\w+)">', page) == ["cited", "linked", "alike"]


def test_reading_in_a_collection_takes_few_statements(article, collection, browser, statements):
    collection("Many", [article(f"Article {n}", slug=f"a{n}") for n in range(12)])
    for path, most in (("/kb/en/a5", 5), ("/kb/collections/many", 4), ("/kb/collections", 2)):
        browser.get(path)
        with statements() as seen:
            assert browser.get(path).status_code == 200
        assert len(seen) <= most, (path, seen)


def test_a_collection_of_an_article_that_is_gone_is_still_read(article, collection, browser, app):
    number = article("One", slug="one")
    collection("First", [number])
    with app.app_context():
        db.session.execute(db.delete(CollectionMember))
        db.session.commit()
        assert db.session.scalar(select(Collection.title)) == "First"
    assert "There is nothing to read here yet" in browser.get("/kb/collections/first").text


def test_a_collection_is_called_in_the_language_of_the_reader(article, collection, browser, browser_of, app):
    collection("First steps", [article("One", slug="one")], text="Begin here.")
    staff = browser_of("bruno")
    sent = {"language": "es", "title": "Primeros pasos", "text": "Empiece aquí."}
    assert staff.send("/kb/collections/first-steps/titles", sent).location.endswith("/edit#titles")
    assert 'value="Primeros pasos"' in staff.get("/kb/collections/first-steps/edit").text
    spanish = {"headers": {"Accept-Language": "es"}}
    for path in ("/kb/collections", "/kb/collections/first-steps"):
        page = browser.get(path, **spanish).text
        assert "Primeros pasos" in page
        assert "Empiece aquí." in page
        assert "First steps" in browser.get(path, headers={"Accept-Language": "fr"}).text
    assert "Primeros pasos" in browser.get("/kb/en/one", **spanish).text
    assert "Primeros pasos" not in browser.get("/kb/en/one").text
    for wrong in ({"language": "en", "title": "x"}, {"language": "no!", "title": "x"}, {**sent, "title": "x" * 301}):
        assert staff.send("/kb/collections/first-steps/titles", wrong).status_code == 422
    staff.send("/kb/collections/first-steps/titles", {**sent, "title": ""})
    assert "First steps" in browser.get("/kb/collections/first-steps", **spanish).text
    assert browser_of("paula").send("/kb/collections/first-steps/titles", sent).status_code in {403, 404}

"""Whoever asked does not want it public any more: it leaves articles too, at once, and nobody keeps a copy for long."""

import pytest
from sqlalchemy import select

from core.db import db
from core.mail import OutgoingMail
from helpdesk import citing, tickets
from helpdesk.models import Citation, Message
from kb import answer_articles, answer_merging, answer_retracting, answers, articles, workflow
from kb.models import Answer, Article
from kb.pages import Details
from tests.conftest import CAST, member
from tests.helpdesk.desk import act, ask, words
from tests.journeys.test_past_answers import TRACE, WORD, decide, of, published, solved

__all__ = ["solved"]

BODY = "# Prefixes\n\nFirst.\n\n## Whose\n\nTheirs.\n\n## Other\n\nLast.\n"


def keep(app, act_on):
    """Let something be done in a transaction of its own."""
    with app.app_context():
        found = act_on()
        db.session.commit()
        db.session.remove()
    return found


def told(app, key) -> str:
    """What the mails on decisions of askers said to one of the cast."""
    with app.app_context():
        texts = db.session.scalars(
            select(OutgoingMail.text).where(
                OutgoingMail.notice == "answer_decided", OutgoingMail.recipient == CAST[key][1]
            )
        ).all()
        db.session.remove()
    return "\n".join(texts)


def article_from(app, number) -> int:
    """An article that was made from a past answer, published by Bruno, and its Spanish translation."""

    def make():
        row = db.session.get(Answer, number)
        article = answer_articles.become_article(row, by=member("bruno"))
        articles.publish(article, by=member("bruno"))
        other = articles.write(
            Details(title="Prefijos", slug="", language="es", state="published"), f"Un {TRACE}.", by=member("bruno")
        )
        other.source_id = article.id
        return article.id

    return keep(app, make)


def article_with(app, number, body=BODY) -> int:
    """A published article to which a past answer was added; the change is published."""

    def make():
        article = articles.write(
            Details(title="Prefixes", slug="", state="published"), body, by=member("bruno")
        )  # fmt: skip
        answer_articles.add_to_article(db.session.get(Answer, number), article, 2, by=member("bruno"))
        workflow.publish_change(article, by=member("bruno"))
        article.owner_id = member("carla").id
        return article.id

    return keep(app, make)


def states(app) -> dict:
    with app.app_context():
        rows = db.session.execute(select(Article.title, Article.language, Article.state, Article.body)).all()
        db.session.remove()
    return {(row.title, row.language): (row.state, row.body) for row in rows}


PLACES = ("/kb/", "/kb/en/", "/kb/feed.atom", f"/search?q={WORD}", f"/api/v1/search?q={WORD}", "/sitemap.xml",
          "/api/v1/articles", "/answers/", "/answers/feed.atom", "/api/v1/answers", "/")  # fmt: skip


def test_an_article_that_was_made_from_it_is_withdrawn_with_its_translations(app, browser_of, browser, work, solved):
    number, path = published(app, browser_of, browser, work, solved)
    article = article_from(app, number)
    work()
    slug = keep(app, lambda: db.session.get(Article, article).slug)
    assert TRACE in browser.get(f"/kb/en/{slug}").text
    browser.get(path)
    assert browser.send(path, {"decision": "take-back"}).status_code == 303
    assert browser.get(f"/kb/en/{slug}").status_code == 404
    assert browser.get("/kb/es/prefijos").status_code == 404
    assert {state for state, _body in states(app).values()} == {"withdrawn"}
    for place in PLACES:
        assert TRACE not in browser.get(place).text, place
        assert f"/kb/en/{slug}" not in browser.get(place).text, place
    work()
    with app.app_context():
        mail = db.session.scalars(
            select(OutgoingMail).where(OutgoingMail.notice == "answer_decided").order_by(OutgoingMail.id.desc())
        ).first()
        assert "so it is withdrawn, too" in mail.text
        assert f"/kb/en/{slug}" in mail.text
        db.session.remove()
    page = browser_of("bruno").get(f"/desk/answers/{number}")
    assert "so it is withdrawn, too" in page.text
    assert "Turn into an article" not in page.text
    assert browser_of("bruno").send(f"/desk/answers/{number}/article", {}).status_code == 409
    assert (
        browser_of("bruno")
        .send(f"/desk/answers/{number}/append", {"article": str(article), "section": "0"})
        .status_code
        == 409
    )


def test_its_part_is_taken_out_of_an_article_that_says_more_and_out_of_the_change_under_way(
    app, browser_of, browser, work, solved
):
    number, path = published(app, browser_of, browser, work, solved)
    article = article_with(app, number)

    def change():
        row = db.session.get(Article, article)
        workflow.keep_change(row, articles.details_of(row), row.body + "\nMore.\n", by=member("bruno"))

    keep(app, change)
    assert TRACE in browser.get("/kb/en/prefixes").text
    browser.get(path)
    assert browser.send(path, {"decision": "take-back"}).status_code == 303
    page = browser.get("/kb/en/prefixes").text
    assert TRACE not in page
    assert of(app, number)["slug"] not in page
    assert "Theirs." in page
    assert "Last." in page
    ((state, body),) = states(app).values()
    assert (state, body) == ("needs_update", BODY)
    with app.app_context():
        row = db.session.get(Article, article)
        assert workflow.change_of(row).body == BODY + "\nMore.\n"
        db.session.remove()
    work()
    assert "/kb/en/" in told(app, "carla")


def test_what_was_rewritten_below_its_link_is_withdrawn_until_somebody_has_looked(
    app, browser_of, browser, work, solved
):
    number, path = published(app, browser_of, browser, work, solved)
    article = article_with(app, number)

    def rewrite():
        row = db.session.get(Article, article)
        text = row.body.replace(db.session.get(Answer, number).title, "Two prefixes").replace(
            "a second one", "one more"
        )
        articles.edit(row, articles.details_of(row), text, by=member("bruno"))

    keep(app, rewrite)
    browser.get(path)
    browser.send(path, {"decision": "take-back"})
    assert browser.get("/kb/en/prefixes").status_code == 404


def test_an_article_that_only_points_to_it_stays(app, browser_of, browser, work, solved):
    number, path = published(app, browser_of, browser, work, solved)
    slug = of(app, number)["slug"]
    keep(
        app,
        lambda: (
            articles.write(
                Details(title="Prefixes", slug="", state="published"),
                f"See [this](/answers/{slug}).",
                by=member("bruno"),
            ).id
        ),
    )
    browser.get(path)
    browser.send(path, {"decision": "take-back"})
    assert "See " in browser.get("/kb/en/prefixes").text
    assert states(app)["Prefixes", "en"][0] == "published"


def test_an_article_that_brings_in_the_one_that_was_made_from_it_loses_the_words_too(
    app, browser_of, browser, work, solved
):
    number, path = published(app, browser_of, browser, work, solved)
    article = article_from(app, number)
    slug = keep(app, lambda: db.session.get(Article, article).slug)
    keep(
        app,
        lambda: (
            articles.write(
                Details(title="Whole", slug="", state="published"),
                f"Before.\n\n```{{include}} {slug}.md\n```\n",
                by=member("bruno"),
            ).id
        ),
    )
    assert TRACE in browser.get("/kb/en/whole").text
    browser.get(path)
    browser.send(path, {"decision": "take-back"})
    page = browser.get("/kb/en/whole").text
    assert "Before." in page
    assert TRACE not in page


def test_what_staff_were_told_by_word_reaches_the_articles_and_their_owners(app, browser_of, browser, work, solved):
    number, _path = published(app, browser_of, browser, work, solved)
    article_with(app, number)
    browser_of("bruno").send(f"/desk/answers/{number}/consent", {"do": "told-no", "remark": "By phone today."})
    assert TRACE not in browser.get("/kb/en/prefixes").text
    work()
    assert "/kb/en/" in told(app, "carla")


def test_when_nobody_else_can_be_told_the_administrators_are(app, browser_of, browser, work, solved):
    number, path = published(app, browser_of, browser, work, solved)
    article_from(app, number)

    def leave():
        member("bruno").is_disabled = True

    keep(app, leave)
    browser.get(path)
    browser.send(path, {"decision": "take-back"})
    work()
    assert "/kb/en/" in told(app, "chidi")


def test_a_no_before_it_was_published_reaches_an_article_that_was_made_of_it_already(
    app, browser_of, browser, work, solved
):
    from tests.journeys.test_past_answers import asked

    number, path = asked(app, browser_of, work, solved)
    article = article_from(app, number)
    assert decide(browser, path, "refuse").status_code == 303
    assert keep(app, lambda: db.session.get(Article, article).state) == "withdrawn"


def test_no_place_that_shows_past_answers_lets_anybody_keep_them_for_more_than_a_minute(
    app, browser_of, browser, work, solved
):
    number, _path = published(app, browser_of, browser, work, solved)
    slug = of(app, number)["slug"]
    for place in (
        "/answers/", f"/answers/{slug}", "/answers/feed.atom", f"/search?q={WORD}", f"/suggestions?title={WORD}+prefix",
        f"/api/v1/search?q={WORD}", f"/api/v1/suggestions?text={WORD}+prefix", "/api/v1/answers", f"/api/v1/answers/{number}",
        f"/suggestions/answer/{number}", "/", f"/suggestions?title={WORD}+prefix",
    ):  # fmt: skip
        answer = browser.get(place)
        assert answer.status_code == 200, place
        kept = answer.headers["Cache-Control"]
        assert kept in {"no-cache", "no-store", "private, no-cache"}, (place, kept)


def test_citations_follow_a_merge_once_each_and_old_links_are_cited_as_the_new_one(app, work):
    def two():
        first, second = (
            answers.draft(by=member("bruno"), title=f"Prefix {name}", question="", answer="One each.") for name in "ab"
        )
        for row in (first, second):
            answers.publish(row, basis="nothing-personal", by=member("bruno"))
        return first.id, second.id, first.slug

    gone, into, slug = keep(app, two)
    both = ask(app, title="Both")

    def cite(text):
        act(app, both, "reply", words=words(text))
        with app.app_context():
            message = db.session.scalar(select(Message).order_by(Message.id.desc()).limit(1))
            for target in citing.cited_in(text):
                tickets.cite(message, target, by=member("bruno"))
            db.session.commit()
            db.session.remove()

    cite(f"See /answers/{slug} and /answers/prefix-b")
    cite(f"See /answers/{slug}")
    keep(
        app,
        lambda: answer_merging.merge(db.session.get(Answer, gone), db.session.get(Answer, into), by=member("bruno")),
    )
    work()
    with app.app_context():
        rows = db.session.scalars(select(Citation).where(Citation.target_kind == "answer")).all()
        assert [row.target_id for row in rows] == [into, into]
        db.session.remove()
    cite(f"Again /answers/{slug}, that is /answers/prefix-b")
    with app.app_context():
        rows = db.session.scalars(select(Citation.target_id).where(Citation.target_kind == "answer")).all()
        assert rows == [into, into, into]
        db.session.remove()


@pytest.mark.parametrize("ending", ["", "\n", "\n\nAfter.\n"])
def test_a_part_is_found_wherever_it_stands_and_nothing_else_is_touched(app, ending):
    with app.app_context():
        row = Answer(
            slug="one-two", title="One & two", question="Why?", answer="Because of this and that.\n\n## Deep\n\nx"
        )
        body = f"Before.\n\n## Mine\n\nOwn.{ending}"
        for section in (0, 1):
            with_it = answer_articles.body_with(body, row, section)
            left, is_whole = answer_retracting.without_part(with_it, row)
            assert (left.strip(), is_whole) == (body.strip(), True)
        # Somebody took the link away, the words still stand there.
        left, is_whole = answer_retracting.without_part("A.\n\nbecause of THIS\nand that.\n\nB.\n", row)
        assert (left, is_whole) == ("A.\n\nB.\n", True)
        assert answer_retracting.without_part("See /answers/one-two-three", row) == (
            "See /answers/one-two-three",
            True,
        )


def test_taking_back_one_that_was_merged_names_the_one_that_stands_in_its_place(
    app, browser_of, browser, work, solved
):
    number, path = published(app, browser_of, browser, work, solved)

    def merge():
        other = answers.draft(by=member("bruno"), title="Prefixes in all", question="", answer="One each.")
        answers.publish(other, basis="nothing-personal", by=member("bruno"))
        answer_merging.merge(db.session.get(Answer, number), other, by=member("bruno"))

    keep(app, merge)
    browser.get(path)
    assert browser.send(path, {"decision": "take-back"}).status_code == 303
    work()
    assert "Prefixes in all" in told(app, "bruno")

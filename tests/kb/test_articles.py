"""What can be done with an article: who, when, why, and what readers get."""

import io
import re

import pytest
from PIL import Image
from sqlalchemy import select

from core.db import db
from core.events import Event
from core.exceptions import NotNow, Refused
from kb import article_files, articles, feedback, rendering
from kb.models import Article, ArticleFile, Feedback, Revision
from kb.pages import Details
from tests.conftest import member


def png() -> bytes:
    """A small real picture."""
    out = io.BytesIO()
    Image.new("RGB", (2, 2), "teal").save(out, "PNG")
    return out.getvalue()


PNG = png()


def written(title="Lots", body="Body.", state="published", **more) -> Article:
    return articles.write(Details(title=title, **{"slug": "", **more}, state=state), body, by=member("bruno"))


def test_an_article_is_laid_out_when_it_is_written(context):
    row = written(body="# Lots\n\nSome *words*.\n\n## Two parts\n\n### Smaller\n")
    assert "<em>words</em>" in row.body_html
    assert "<h1" not in row.body_html, "its title stands above it already"
    assert [(one["level"], one["id"]) for one in row.contents] == [(2, "h-two-parts"), (3, "h-smaller")]
    assert row.body_text.startswith("Some words.")
    assert row.slug == "lots"
    assert row.published_at is not None


def test_a_second_first_heading_steps_down_because_a_page_has_one(context):
    row = written(body="# Lots\n\none\n\n# Another\n\ntwo\n\n## Below\n")
    assert '<h2 id="h-another">' in row.body_html
    assert '<h3 id="h-below">' in row.body_html
    assert [one["level"] for one in row.contents] == [2, 3]


def test_the_empty_corner_of_a_table_heads_nothing():
    html = rendering.lay_out(
        "|   | Lots |\n|---|:-:|\n| a | b |\n\n<table><tr><th scope='col'> </th><th>x</th></tr></table>", "T", {}
    ).html
    assert "<th>Lots</th>" in html.replace(' align="center"', "").replace(' scope="col"', "")
    assert not re.search(r"<th[^>]*>\s*</th>", html)
    assert html.count("<td></td>") == 2


def test_every_change_is_a_revision_that_says_who_and_why(context):
    row = written()
    articles.edit(row, articles.details_of(row), "Better.", by=member("carla"), reason="Plainer words")
    revisions = db.session.scalars(select(Revision).order_by(Revision.number)).all()
    assert [(one.number, one.body, one.reason, one.author.name) for one in revisions] == [
        (1, "Body.", "", "Bruno Keller"),
        (2, "Better.", "Plainer words", "Carla Mora"),
    ]
    assert row.body_html == "<p>Better.</p>"


def test_saving_without_a_change_writes_no_revision(context):
    row = written()
    assert articles.edit(row, articles.details_of(row), "Body.", by=member("carla")) is None
    assert row.revision_number == 1


def test_restoring_is_a_new_revision_with_the_old_words(context):
    row = written()
    articles.edit(row, Details(title="Parts", slug="lots", summary="S"), "Other.", by=member("carla"))
    first = db.session.scalar(select(Revision).where(Revision.number == 1))
    restored = articles.restore(row, first, by=member("mona"))
    assert restored is not None
    assert (row.title, row.summary, row.body, row.revision_number) == ("Lots", "", "Body.", 3)
    assert restored.reason == "Version 1 again"
    assert articles.restore(row, first, by=member("mona")) is None, "it says so already"


def test_a_withdrawn_article_can_be_published_again_and_keeps_its_day(context):
    row = written()
    day = row.published_at
    articles.withdraw(row, by=member("bruno"))
    with pytest.raises(NotNow):
        articles.withdraw(row, by=member("bruno"))
    articles.publish(row, by=member("bruno"))
    assert row.published_at == day
    with pytest.raises(NotNow):
        articles.publish(row, by=member("bruno"))
    names = db.session.scalars(select(Event.name).where(Event.subject_kind == "article").order_by(Event.id)).all()
    assert names == ["article.written", "article.published", "article.withdrawn", "article.published"]


def test_events_keep_no_words(context):
    row = written(title="Canary title", body="Canary body")
    articles.edit(row, articles.details_of(row), "Canary again", by=member("bruno"), reason="Canary reason")
    for event in db.session.scalars(select(Event)):
        assert "anary" not in str(event.data)


def test_the_same_address_in_another_language_is_a_translation_and_in_the_same_it_is_refused(context):
    written(title="Lots")
    spanish = written(title="Lotes", slug="lots", language="es")
    assert (spanish.language, spanish.slug) == ("es", "lots")
    with pytest.raises(Refused) as refusal:
        written(title="Lots again", slug="lots")
    assert refusal.value.field == "slug"
    assert written(title="Lots").slug == "lots-2", "a title makes its own address unique"


@pytest.mark.parametrize(
    ("field", "details", "body"),
    [
        ("title", {"title": " \n "}, ""),
        ("title", {"title": "x" * 301}, ""),
        ("slug", {"slug": "Not A Slug"}, ""),
        ("slug", {"slug": "../up"}, ""),
        ("language", {"language": "klingon"}, ""),
        ("visibility", {"visibility": "friends"}, ""),
        ("state", {"state": "secret"}, ""),
        ("body", {}, "a\x00b"),
        ("body", {}, "x" * 1_000_001),
    ],
)
def test_what_cannot_be_kept_is_refused_with_its_field(context, field, details, body):
    with pytest.raises(Refused) as refusal:
        articles.write(Details(**{"title": "T", "slug": "", **details}), body, by=member("bruno"))
    assert refusal.value.field == field


def test_links_between_articles_written_here_work_as_in_the_folder_they_export_to(context):
    written(title="Bids", body="x")
    row = written(
        title="Lots", body="[bids](bids.md#counting) [here](#part) [gone](nowhere.md) [out](https://e.example/a.md)"
    )
    assert 'href="/kb/en/bids#h-counting"' in row.body_html
    assert 'href="https://e.example/a.md"' in row.body_html
    assert "nowhere.md" not in row.body_html, "a link that leads nowhere is its words alone"
    assert row.links["nowhere.md"] == ""


def test_a_link_comes_alive_when_its_article_is_written(context):
    row = written(title="Lots", body="[bids](bids.md)")
    assert "href" not in row.body_html
    written(title="Bids")
    assert articles.refresh(row)
    assert 'href="/kb/en/bids"' in row.body_html
    assert not articles.refresh(row)
    assert row.revision_number == 1, "nobody wrote anything"


def test_a_file_is_as_open_as_the_most_open_published_article_that_shows_it(context):
    file = article_files.add(PNG, "shot.png")
    assert file.visibility == "staff", "while no article shows it"
    body = article_files.markdown_for(file)
    closed = written(title="Closed", body=body, visibility="staff")
    assert file.visibility == "staff"
    middle = written(title="Middle", body=body, visibility="champions")
    assert file.visibility == "champions"
    public = written(title="Open", body=body, state="draft")
    assert file.visibility == "champions", "a draft opens nothing"
    articles.publish(public, by=member("bruno"))
    assert file.visibility == "public"
    articles.withdraw(public, by=member("bruno"))
    assert file.visibility == "champions"
    articles.edit(middle, articles.details_of(middle), "no picture any more", by=member("bruno"))
    assert file.visibility == "staff"
    articles.edit(closed, Details(title="Closed", slug="closed", visibility="public"), body, by=member("bruno"))
    assert file.visibility == "public"


def test_a_text_that_stalls_the_layout_is_kept_and_shown_as_written(context, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(rendering, "SECONDS", 0.3)
        row = written(body="[" * 6000)
    assert row.is_plain
    assert row.body_html.startswith("<pre>[[[")
    assert not written(title="Next", body="fine").is_plain


def test_feedback_counts_without_getting_in_the_way_of_whoever_edits(context):
    row = written()
    version = row.version
    given = feedback.give(row, is_helpful=True, by=None)
    feedback.give(row, is_helpful=False, by=member("paula"), comment="  More examples \r\n please ")
    assert (row.helpful_count, row.unhelpful_count) == (1, 1)
    assert row.version == version
    db.session.commit()
    assert db.session.get(Article, row.id).version == version
    feedback.change(given, row, is_helpful=False)
    assert (row.helpful_count, row.unhelpful_count) == (0, 2)
    comments = db.session.scalars(select(Feedback.comment).order_by(Feedback.id)).all()
    assert comments == ["", "More examples \n please"]


def test_a_comment_too_long_or_unkeepable_is_refused(context):
    row = written()
    for comment in ("x" * 2001, "a\x00b"):
        with pytest.raises(Refused) as refusal:
            feedback.give(row, is_helpful=True, by=None, comment=comment)
        assert refusal.value.field == "comment"


def test_a_comment_is_read_once(context):
    given = feedback.give(written(), is_helpful=True, by=None, comment="hm")
    feedback.see(given)
    with pytest.raises(NotNow):
        feedback.see(given)


def test_files_that_no_article_shows_are_found_by_staff_alone(context):
    article_files.add(b"a,b\n1,2\n", "table.csv")
    assert db.session.scalars(select(ArticleFile.visibility)).all() == ["staff"]

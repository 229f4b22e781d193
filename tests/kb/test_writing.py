"""The pages of those who write: edit, conflict, history, differences, files, feedback, past answers."""

import io
import re

import pytest
from sqlalchemy import select

from core.db import db
from kb import answers, articles
from kb.models import Answer, Article, ArticleFile, Feedback, Revision
from kb.pages import Details
from tests.conftest import member
from tests.kb.test_articles import PNG


@pytest.fixture
def staff(browser_of):
    return browser_of("bruno")


def form_of(page: str) -> dict:
    """What the form of an edit page would send as it stands."""
    fields = dict(re.findall(r'<input[^>]*name="(title|version|tags|slug)"[^>]*value="([^"]*)"', page))
    for name in ("topic", "visibility", "language", "country"):
        chosen = re.search(rf'<select[^>]*name="{name}".*?</select>', page, re.DOTALL)
        if chosen and (value := re.search(r'<option selected value="([^"]*)"', chosen[0])):
            fields[name] = value[1]
    for name in ("body", "summary", "question", "answer"):
        if area := re.search(rf'<textarea[^>]*name="{name}"[^>]*>\r?\n?(.*?)</textarea>', page, re.DOTALL):
            fields[name] = area[1]
    return fields


def test_an_article_is_written_as_a_draft_and_published(app, staff, browser):
    page = staff.get("/kb/new").text
    data = {**form_of(page), "title": "Count lots", "body": "# Count lots\r\n\r\nText\r\n", "tags": "a, b", "reason": "new",
            "topic": "use", "visibility": "public", "language": "es"}  # fmt: skip
    response = staff.send("/kb/new", data)
    assert response.location == "/kb/es/count-lots"
    with app.app_context():
        row = db.session.scalars(select(Article)).one()
        assert (row.state, row.body, row.tags, row.topic) == ("draft", "# Count lots\n\nText\n", ["a", "b"], "use")
    assert browser.get(response.location).status_code == 404
    assert "The draft is kept" in staff.get(response.location).text


def test_a_bad_field_keeps_everything_that_was_typed(staff, article):
    article("Lots")
    data = {
        "title": "",
        "body": "Long & <typed> text",
        "slug": "No Good",
        "language": "en",
        "topic": "use",
        "visibility": "public",
    }
    response = staff.send("/kb/new", data)
    assert response.status_code == 422
    assert "Long &amp; &lt;typed&gt; text" in response.text
    assert "Please write something here" in response.text
    assert "Only small letters" in response.text
    response = staff.send("/kb/new", {**data, "title": "T", "slug": "lots"})
    assert response.status_code == 422
    assert "has this address already" in response.text
    response = staff.send("/kb/new", {**data, "title": "T", "slug": "", "body": "a\x00b"})
    assert response.status_code in {400, 422}


def test_saving_a_page_as_it_is_changes_nothing(app, staff, article):
    number = article("Lots", "\nFirst line is blank\n\n\ttab & <b>\n", tags=("x", "y"), topic="own-topic", summary="S")
    form = form_of(staff.get("/kb/en/lots/edit").text)
    import html

    form = {name: html.unescape(value).replace("\n", "\r\n") for name, value in form.items()}
    response = staff.send("/kb/en/lots/edit", form)
    assert response.status_code == 303
    with app.app_context():
        row = db.session.get_one(Article, number)
        assert (row.revision_number, row.topic, row.tags) == (1, "own-topic", ["x", "y"])
    assert "Nothing was changed" in staff.get("/kb/en/lots").text


def test_two_people_at_once_lose_no_text(app, staff, browser_of, article):
    article("Lots", "One.\nTwo.\n")
    carla = browser_of("carla")
    mine = form_of(staff.get("/kb/en/lots/edit").text)
    hers = form_of(carla.get("/kb/en/lots/edit").text)
    assert (
        carla.send("/kb/en/lots/edit", {**hers, "body": "One.\nTwo, by Carla.\n", "reason": "hers"}).status_code == 303
    )
    response = staff.send("/kb/en/lots/edit", {**mine, "body": "One, by Bruno.\nTwo.\n", "title": "All lots"})
    assert response.status_code == 409
    assert "Carla Mora saved version 2: “hers”" in response.text
    assert "One, by Bruno." in response.text
    assert "<del>" in response.text
    again = form_of(response.text)
    assert again["title"] == "All lots"
    assert staff.send("/kb/en/lots/edit", again).status_code == 303, "saving again is a decision"
    with app.app_context():
        bodies = db.session.scalars(select(Revision.body).order_by(Revision.number)).all()
        assert bodies == ["One.\nTwo.\n", "One.\nTwo, by Carla.\n", "One, by Bruno.\nTwo.\n"]


def test_a_reader_who_says_yes_does_not_disturb_who_writes(app, staff, browser, article):
    article("Lots")
    form = form_of(staff.get("/kb/en/lots/edit").text)
    browser.get("/kb/en/lots/feedback")
    assert browser.send("/kb/en/lots/feedback", {"helpful": "yes"}).status_code == 303
    assert staff.send("/kb/en/lots/edit", {**form, "body": "Better."}).status_code == 303


def test_history_shows_what_changed_and_restores(app, staff, article, change):
    number = article("Lots", "One fine day.\n\nSecond.\n")
    change(lambda row: articles.edit(row, Details(title="All lots", slug="lots"), "One rainy day.\n\nSecond.\n\nThird.\n",
                                     by=member("carla"), reason="Weather"), number)  # fmt: skip
    page = staff.get("/kb/en/lots/history").text
    assert "Weather" in page
    assert "Carla Mora" in page
    page = staff.get("/kb/en/lots/history/2").text
    assert "<del>fine</del><ins>rainy</ins>" in page
    assert "<del>Lots</del><ins>All lots</ins>" in page
    assert "diff-added" in page
    assert "everything in it is new" in staff.get("/kb/en/lots/history/1").text
    assert "Compared with version 2" in staff.get("/kb/en/lots/history/1?against=2").text
    for path in ("/kb/en/lots/history/9", "/kb/en/lots/history/99999999999", "/kb/en/nothing/history"):
        assert staff.get(path).status_code == 404
    assert staff.send("/kb/en/lots/history/1/restore").status_code == 303
    assert "One fine day" in staff.get("/kb/en/lots").text
    with app.app_context():
        assert db.session.get_one(Article, number).title == "Lots"
    assert staff.send("/kb/en/lots/history/9/restore").status_code == 404


def test_a_preview_is_laid_out_where_the_article_stands(staff, article):
    article("Bids")
    page = staff.get("/kb/new").text
    assert "/kb/preview" in page
    response = staff.send("/kb/preview?place=en/lots.md", {"text": "**b** [x](bids.md)\r\n<script>alert(1)</script>"})
    assert response.status_code == 200
    assert "<strong>b</strong>" in response.text
    assert 'href="/kb/en/bids"' in response.text
    assert "<script" not in response.text


def test_files_are_sent_with_the_text_or_pasted(app, staff, article, browser):
    article("Lots", "Text.\n")
    form = form_of(staff.get("/kb/en/lots/edit").text)
    sent = {**form, "files": [(io.BytesIO(PNG), "shot (1).png"), (io.BytesIO(b"a,b\n"), "table.csv")]}
    assert staff.send("/kb/en/lots/edit", sent, content_type="multipart/form-data").status_code == 303
    page = browser.get("/kb/en/lots").text
    assert re.search(r'<img[^>]*src="/kb/files/[0-9a-f]{32}/shot%20%281%29.png"', page)
    assert re.search(r'href="/kb/files/[0-9a-f]{32}/table.csv"', page)
    pasted = staff.send("/kb/files", {"files": (io.BytesIO(PNG), "x.png")}, content_type="multipart/form-data",
                        headers={"Accept": "application/json"})  # fmt: skip
    assert pasted.status_code == 201
    assert re.fullmatch(r"!\[x\.png\]\(/kb/files/[0-9a-f]{32}/x\.png\)", pasted.json["markdown"])
    assert staff.send("/kb/files", {}).status_code == 422
    token = pasted.json["markdown"].split("/")[3]
    assert browser.get(f"/kb/files/{token}/x.png").status_code == 404, "no article shows it yet"
    assert staff.get(f"/kb/files/{token}/x.png").status_code == 200
    with app.app_context():
        assert len(db.session.scalars(select(ArticleFile)).all()) == 3


def test_a_file_is_not_asked_for_twice_and_one_too_large_is_refused(app, staff):
    page = staff.get("/kb/new").text
    data = {**form_of(page), "title": "", "body": "x", "topic": "use", "visibility": "public", "language": "en",
            "files": (io.BytesIO(PNG), "shot.png")}  # fmt: skip
    response = staff.send("/kb/new", data, content_type="multipart/form-data")
    assert response.status_code == 422
    token = re.search(r'name="kept_file" value="([^"]+)"', response.text)[1]
    data = {**data, "title": "T", "kept_file": token}
    del data["files"]
    location = staff.send("/kb/new", data).location
    assert "shot.png" in staff.get(location).text
    app.config["FILE_MEGABYTES"] = 0
    try:
        data["files"] = (io.BytesIO(PNG), "shot.png")
        assert staff.send("/kb/new", data, content_type="multipart/form-data").status_code == 413
        assert (
            staff.send(
                "/kb/files", {"files": (io.BytesIO(PNG), "x.png")}, content_type="multipart/form-data"
            ).status_code
            == 413
        )
    finally:
        app.config["FILE_MEGABYTES"] = 25


def test_feedback_works_without_an_account_once_in_a_session(app, browser, browser_of, article):
    number = article("Lots")
    page = browser.get("/kb/en/lots").text
    assert re.search(r'<form class="helpful" method="get" action="/kb/en/lots/feedback">', page)
    page = browser.get("/kb/en/lots/feedback?helpful=no").text
    assert re.search(r'value="no" checked', page)
    response = browser.send("/kb/en/lots/feedback", {"helpful": "no", "comment": "An example is missing"})
    assert response.location == "/kb/en/lots#helpful"
    assert "Thank you" in browser.get("/kb/en/lots").text
    browser.send("/kb/en/lots/feedback", {"helpful": "yes"})
    with app.app_context():
        given = db.session.scalars(select(Feedback)).one()
        assert (given.is_helpful, given.comment) == (True, "An example is missing")
        row = db.session.get_one(Article, number)
        assert (row.helpful_count, row.unhelpful_count) == (1, 0)
    other = browser_of("paula")
    assert re.search(
        r'<form class="helpful" method="post" action="/kb/en/lots/feedback">', other.get("/kb/en/lots").text
    )
    assert other.send("/kb/en/lots/feedback", {"helpful": "no"}).status_code == 303
    with app.app_context():
        assert len(db.session.scalars(select(Feedback)).all()) == 2


def test_feedback_without_a_yes_or_no_keeps_the_comment(browser, article):
    article("Lots")
    browser.get("/kb/en/lots/feedback")
    response = browser.send("/kb/en/lots/feedback", {"comment": "kept words"})
    assert response.status_code == 422
    assert "kept words" in response.text
    response = browser.send("/kb/en/lots/feedback", {"helpful": "yes", "comment": "x" * 2001})
    assert response.status_code == 422


def test_feedback_is_limited_by_network_address(app, browser, article):
    article("Lots")
    browser.get("/kb/en/lots/feedback")
    codes = [browser.send("/kb/en/lots/feedback", {"helpful": "yes"}).status_code for _ in range(62)]
    assert codes[0] == 303
    assert codes[-1] == 429


def test_staff_read_comments_and_put_them_away(browser, browser_of, article, past_answer):
    article("Lots")
    past_answer()
    browser.get("/kb/en/lots/feedback")
    browser.send("/kb/en/lots/feedback", {"helpful": "no", "comment": "About <lots>"})
    browser.send("/answers/two-prefixes/feedback", {"helpful": "yes", "comment": "About prefixes"})
    staff = browser_of("bruno")
    page = staff.get("/kb/feedback").text
    assert "About &lt;lots&gt;" in page
    assert "About prefixes" in page
    number = re.search(r'action="/kb/feedback/(\d+)/seen"', page)[1]
    assert staff.send(f"/kb/feedback/{number}/seen").status_code == 303
    page = staff.get("/kb/feedback").text
    assert "About prefixes" not in page
    assert "About prefixes" in staff.get("/kb/feedback?all=1").text
    assert staff.send("/kb/feedback/99999/seen").status_code == 404
    assert staff.send(f"/kb/feedback/{number}/seen").status_code == 409


def test_a_past_answer_is_changed_published_with_a_reason_and_withdrawn(app, staff, browser, past_answer):
    number = past_answer(published=False)
    assert browser.get("/answers/two-prefixes").status_code == 404
    form = form_of(staff.get("/answers/two-prefixes/edit").text)
    response = staff.send("/answers/two-prefixes/edit", {**form, "answer": "Ask us.", "country": "PY", "tags": "p, q"})
    assert response.location == "/answers/two-prefixes"
    response = staff.send("/answers/two-prefixes/publish", {})
    assert response.status_code == 422
    assert staff.send("/answers/two-prefixes/publish", {"basis": "because"}).status_code == 422
    assert staff.send("/answers/two-prefixes/publish", {"basis": "nothing-personal"}).status_code == 303
    assert "Ask us." in browser.get("/answers/two-prefixes").text
    with app.app_context():
        row = db.session.get_one(Answer, number)
        assert (row.basis, row.country, row.tags, row.state) == ("nothing-personal", "PY", ["p", "q"], "published")
    assert staff.send("/answers/two-prefixes/publish", {"basis": "consent"}).status_code == 409
    assert staff.send("/answers/two-prefixes/withdraw").status_code == 303
    assert browser.get("/answers/two-prefixes").status_code == 410


def test_two_people_at_once_lose_no_text_of_a_past_answer(app, staff, browser_of, past_answer):
    past_answer()
    carla = browser_of("carla")
    mine, hers = (
        form_of(staff.get("/answers/two-prefixes/edit").text),
        form_of(carla.get("/answers/two-prefixes/edit").text),
    )
    assert carla.send("/answers/two-prefixes/edit", {**hers, "answer": "By Carla"}).status_code == 303
    response = staff.send("/answers/two-prefixes/edit", {**mine, "answer": "By Bruno"})
    assert response.status_code == 409
    assert "By Bruno" in response.text
    assert "By Carla" in response.text
    assert staff.send("/answers/two-prefixes/edit", form_of(response.text)).status_code == 303


def test_a_bad_past_answer_is_refused_with_what_was_typed(staff, past_answer):
    past_answer()
    form = form_of(staff.get("/answers/two-prefixes/edit").text)
    response = staff.send("/answers/two-prefixes/edit", {**form, "title": " ", "question": "kept words"})
    assert response.status_code == 422
    assert "kept words" in response.text
    response = staff.send("/answers/two-prefixes/edit", {**form, "answer": " "})
    assert response.status_code == 422, "a published one must say something"
    assert staff.send("/answers/two-prefixes/edit", {**form, "country": "XX"}).status_code == 422
    assert staff.send("/answers/preview", {"text": "**b** <script>x</script>"}).text.startswith(
        "<p><strong>b</strong>"
    )


def test_an_answer_is_published_once_and_only_with_words(context):
    row = answers.draft(by=member("bruno"), title="T", question="q", answer="")
    for basis in ("", "because"):
        with pytest.raises(Exception, match="why"):
            answers.publish(row, basis=basis, by=None)
    with pytest.raises(Exception, match="no answer"):
        answers.publish(row, basis="consent", by=None)
    with pytest.raises(Exception, match="not published"):
        answers.withdraw(row, by=None)
    assert not answers.edit(row, answers.words_of(row), by=None)
    twin = answers.draft(by=None, title="T", question="q", answer="a")
    assert (row.slug, twin.slug) == ("t", "t-2")

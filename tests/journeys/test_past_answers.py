"""From a solved question to a past answer: redacted, read by a second person, shown to the asker, and taken away again."""

import re
from html import unescape

import pytest
from sqlalchemy import select

from accounts import people
from core.db import db, now
from core.mail import OutgoingMail
from kb import consents
from kb.answer_models import AnswerConsent
from kb.indexing import catch_up, open_index
from kb.models import Answer
from tests.conftest import member, said_to
from tests.helpdesk.desk import act, ask, words

QUESTION = """Dear helpdesk,

I am Paula Ortiz from Compras Públicas. Write to paula@compras.example or call +57 601 555 0143.
May the zanzibarite ministry reuse the prefix?

Best regards,
Paula Ortiz"""
REPLY = "Hello Paula,\n\nNo: a zanzibarite prefix belongs to one quokkaish publisher. Ask for a second one.\n\nKind regards\nBruno Keller"
# What is searched for, and what only the text itself says.
WORD, TRACE = "zanzibarite", "quokkaish"


@pytest.fixture
def solved(app) -> int:
    """A solved question of somebody whose address is proved, and who did not say whether it may be published."""
    with app.app_context():
        paula = member("paula")
        paula.organisation = people.organisation_named("Compras Públicas", "CO")
        paula.verified_at = now()
        db.session.commit()
        db.session.remove()
    number = ask(app, title="Prefix for Compras Públicas", body=QUESTION, topic="ocid-prefix", language="en")
    act(app, number, "reply", words=words(REPLY), then="solve")
    return number


def typed(page) -> dict:
    """What stands in the form of the page of a draft."""
    values = {
        name: unescape(text)
        for name, text in re.findall(r'<textarea[^>]* name="(\w+)"[^>]*>\s*(.*?)</textarea>', page.text, re.DOTALL)
    }
    values |= {
        unescape(name): unescape(text)
        for name, text in re.findall(
            r'<input[^>]* name="(title|tags|reason|said:[^"]*)"[^>]* value="([^"]*)"', page.text
        )
    }
    values |= {"version": (re.search(r'name="version"[^>]* value="(\d+)"', page.text) or [0, ""])[1]}
    return values | {"topic": "ocid-prefix", "language": "en", "country": "", "visibility": "public"}


def of(app, number) -> dict:
    """A past answer as it is now."""
    with app.app_context():
        row = db.session.get(Answer, number)
        found = {
            name: getattr(row, name) for name in ("slug", "state", "title", "question", "answer", "credit", "basis")
        }
        db.session.remove()
    return found


def drafted(app, browser_of, solved) -> int:
    """Bruno drafts a past answer, has all that was found replaced, and sends it to a second reader; its number."""
    bruno = browser_of("bruno")
    form = typed(bruno.get(f"/desk/tickets/{solved}/past-answer"))
    form = typed(bruno.send(f"/desk/tickets/{solved}/past-answer", {**form, "do": "replace"}))
    for gone in ("Paula", "Ortiz", "Compras", "0143"):
        assert gone not in form["title"] + form["question"] + form["answer"], gone
    answer = bruno.send(f"/desk/tickets/{solved}/past-answer", {**form, "basis": "ask", "do": "review"})
    assert answer.status_code == 303, answer.text
    return int(answer.location.rsplit("/", 1)[1])


def approved(app, browser_of, solved) -> int:
    number = drafted(app, browser_of, solved)
    carla = browser_of("carla")
    digest = re.search(r'name="digest" value="(\w+)"', carla.get(f"/desk/answers/{number}").text)[1]
    assert carla.send(f"/desk/answers/{number}/verdict", {"digest": digest, "do": "approve"}).status_code == 303
    return number


def link_in_mail(app, work, notice="answer_consent") -> str:
    """The path of the asker's link in the last mail of a kind, which was sent to paula."""
    work()
    with app.app_context():
        row = db.session.scalars(
            select(OutgoingMail).where(OutgoingMail.notice == notice).order_by(OutgoingMail.id.desc())
        ).first()
        assert row.recipient == "paula@compras.example"
        found = re.search(r"(/answers/consent/\S+)", row.text)[1]
        db.session.remove()
    return found


def decide(browser, path, decision, **more):
    page = browser.get(path)
    seen = re.search(r'name="seen" value="(\w+)"', page.text)
    return browser.send(path, {"decision": decision, "seen": seen[1] if seen else "", **more})


def asked(app, browser_of, work, solved) -> tuple[int, str]:
    number = approved(app, browser_of, solved)
    assert browser_of("bruno").send(f"/desk/answers/{number}/consent", {"do": "ask"}).status_code == 303
    return number, link_in_mail(app, work)


def published(app, browser_of, browser, work, solved) -> tuple[int, str]:
    number, path = asked(app, browser_of, work, solved)
    assert decide(browser, path, "agree").status_code == 303
    answer = browser_of("bruno").send(f"/desk/answers/{number}/publish", {"basis": "ask"})
    assert answer.status_code == 303, answer.text
    with app.app_context():
        catch_up(open_index())
        db.session.commit()
        db.session.remove()
    return number, path


def test_nobody_lets_their_own_text_pass_and_nothing_is_published_before(app, browser_of, solved):
    number = drafted(app, browser_of, solved)
    bruno, carla = browser_of("bruno"), browser_of("carla")
    assert of(app, number)["state"] == "in_review"
    page = bruno.get(f"/desk/answers/{number}")
    assert 'name="digest"' not in page.text
    digest = re.search(r'name="digest" value="(\w+)"', carla.get(f"/desk/answers/{number}").text)[1]
    assert bruno.send(f"/desk/answers/{number}/verdict", {"digest": digest, "do": "approve"}).status_code == 403
    for path, form in (
        (f"/desk/answers/{number}/publish", {"basis": "nothing-personal"}),
        (f"/answers/{of(app, number)['slug']}/publish", {"basis": "nothing-personal"}),
        (f"/desk/answers/{number}/consent", {"do": "ask"}),
    ):
        assert bruno.send(path, form).status_code == 409, path
    back = carla.send(
        f"/desk/answers/{number}/verdict", {"digest": digest, "do": "back", "comment": "The ministry tells who."}
    )
    assert back.status_code == 303
    assert of(app, number)["state"] == "draft"
    assert "The ministry tells who." in bruno.get(f"/desk/answers/{number}").text
    assert carla.send(f"/desk/answers/{number}/verdict", {"digest": digest, "do": "approve"}).status_code == 409


def test_a_second_reader_lets_pass_only_the_text_that_they_read(app, browser_of, solved):
    number = drafted(app, browser_of, solved)
    bruno, carla = browser_of("bruno"), browser_of("carla")
    digest = re.search(r'name="digest" value="(\w+)"', carla.get(f"/desk/answers/{number}").text)[1]
    form = typed(bruno.get(f"/desk/answers/{number}/edit"))
    assert (
        bruno.send(
            f"/desk/answers/{number}/edit", {**form, "answer": "Another answer.", "basis": "ask", "do": "review"}
        ).status_code
        == 303
    )
    assert carla.send(f"/desk/answers/{number}/verdict", {"digest": digest, "do": "approve"}).status_code == 409
    assert of(app, number)["state"] == "in_review"


def test_the_thread_stands_at_the_left_with_what_was_left_out_and_the_text_at_the_right(app, browser_of, solved):
    number = drafted(app, browser_of, solved)
    text = browser_of("carla").get(f"/desk/answers/{number}").text
    left, _mark, right = text.partition('id="right-title"')
    assert re.search(r"<del>[^<]*Paula Ortiz", left)
    assert WORD in left
    assert "Paula" not in right.partition("</section>")[0].replace("<del>Compras Públicas</del>", "")
    assert re.search(r"<ins>[^<]*\[", right)


def test_consent_is_given_by_a_link_that_opening_does_not_use_up(app, browser_of, browser, work, solved):
    number, path = asked(app, browser_of, work, solved)
    for _scan in range(3):
        page = browser.get(path)
        assert page.status_code == 200
        assert WORD in page.text
        browser.head(path)
    with app.app_context():
        assert db.session.scalar(select(AnswerConsent.state)) == "asked"
        db.session.remove()
    bruno = browser_of("bruno")
    assert bruno.send(f"/desk/answers/{number}/publish", {"basis": "nothing-personal"}).status_code == 409
    assert decide(browser, path, "agree", credit="Paula from Bogotá").status_code == 303
    assert bruno.send(f"/desk/answers/{number}/publish", {"basis": "ask"}).status_code == 303
    row = of(app, number)
    assert (row["state"], row["basis"], row["credit"]) == ("published", "consent", "Paula from Bogotá")
    assert "With thanks to Paula from Bogotá" in browser.get(f"/answers/{row['slug']}").text
    assert link_in_mail(app, work, "answer_published")
    with app.app_context():
        notices = db.session.scalars(select(OutgoingMail.notice)).all()
        db.session.remove()
    assert {"answer_consent", "answer_published", "answer_decided"} <= set(notices)


def test_the_mail_and_the_page_speak_the_askers_language(app, browser_of, browser, work, solved):
    _number, path = asked(app, browser_of, work, solved)
    with app.app_context():
        row = db.session.scalar(select(OutgoingMail).where(OutgoingMail.notice == "answer_consent"))
        assert row.language == "es"
        subject = row.subject
        db.session.remove()
    assert subject == said_to(app, "paula", "May we publish your question and its answer?")
    page = browser.get(path, headers={"Accept-Language": "fr"})
    assert '<html lang="fr"' in page.text


def test_a_forged_or_foreign_link_and_one_that_ended_decide_nothing(app, browser_of, browser, work, solved):
    number, path = asked(app, browser_of, work, solved)
    assert browser.get(path[:-2]).status_code == 404
    with app.app_context():
        consent = db.session.scalar(select(AnswerConsent))
        consent.ends_at = now()
        db.session.commit()
        db.session.remove()
    assert "decision" not in browser.get(path).text
    assert browser.send(path, {"decision": "agree", "seen": ""}).status_code == 409
    assert of(app, number)["state"] == "approved"


def test_an_asker_who_wants_other_words_is_heard_and_read_before_anything_is_public(
    app, browser_of, browser, work, solved
):
    number, path = asked(app, browser_of, work, solved)
    row = of(app, number)
    change = {"title": row["title"], "question": "May another ministry reuse it?", "answer": row["answer"]}
    assert decide(browser, path, "change", **change).status_code == 303
    bruno, carla = browser_of("bruno"), browser_of("carla")
    assert of(app, number)["question"] == row["question"]
    assert "May another ministry reuse it?" in bruno.get(f"/desk/answers/{number}").text
    assert bruno.send(f"/desk/answers/{number}/publish", {"basis": "nothing-personal"}).status_code == 409
    assert bruno.send(f"/desk/answers/{number}/consent", {"do": "use-theirs"}).status_code == 303
    assert of(app, number)["question"] == "May another ministry reuse it?"
    assert bruno.send(f"/desk/answers/{number}/publish", {"basis": "ask"}).status_code == 409, (
        "nobody read their words yet"
    )
    assert bruno.send(f"/desk/answers/{number}/review", {}).status_code == 303
    digest = re.search(r'name="digest" value="(\w+)"', carla.get(f"/desk/answers/{number}").text)[1]
    assert carla.send(f"/desk/answers/{number}/verdict", {"digest": digest, "do": "approve"}).status_code == 303
    assert carla.send(f"/desk/answers/{number}/publish", {"basis": "ask"}).status_code == 303
    assert of(app, number)["state"] == "published"


def test_a_no_stands_whatever_basis_is_named_and_they_are_not_asked_again(app, browser_of, browser, work, solved):
    number, path = asked(app, browser_of, work, solved)
    assert decide(browser, path, "refuse", remark="Please not.").status_code == 303
    bruno = browser_of("bruno")
    assert "Please not." in bruno.get(f"/desk/answers/{number}").text
    for basis in ("ask", "consent", "nothing-personal"):
        assert bruno.send(f"/desk/answers/{number}/publish", {"basis": basis}).status_code in {409, 422}
    assert bruno.send(f"/desk/answers/{number}/consent", {"do": "ask"}).status_code == 409
    assert of(app, number)["state"] == "withdrawn"
    assert browser.get(f"/answers/{of(app, number)['slug']}").status_code == 404


def test_after_a_change_of_the_text_the_asker_is_asked_again(app, browser_of, browser, work, solved):
    number, path = published(app, browser_of, browser, work, solved)
    bruno, carla = browser_of("bruno"), browser_of("carla")
    slug = of(app, number)["slug"]
    form = typed(bruno.get(f"/desk/answers/{number}/edit"))
    assert (
        bruno.send(
            f"/desk/answers/{number}/edit",
            {**form, "answer": "A quite different answer.", "basis": "ask", "do": "draft"},
        ).status_code
        == 303
    )
    assert browser.get(f"/answers/{slug}").status_code == 404
    assert bruno.send(f"/desk/answers/{number}/review", {}).status_code == 303
    digest = re.search(r'name="digest" value="(\w+)"', carla.get(f"/desk/answers/{number}").text)[1]
    assert carla.send(f"/desk/answers/{number}/verdict", {"digest": digest, "do": "approve"}).status_code == 303
    assert carla.send(f"/desk/answers/{number}/publish", {"basis": "ask"}).status_code == 422
    assert browser.send(path, {"decision": "agree", "seen": digest}).status_code == 409, (
        "the old link is of the old text"
    )


def test_what_is_taken_back_leaves_no_trace_anywhere(app, browser_of, browser, work, solved):
    number, path = published(app, browser_of, browser, work, solved)
    slug = of(app, number)["slug"]
    places = ("/answers/", "/answers/feed.atom", f"/search?q={WORD}", f"/api/v1/search?q={WORD}", f"/api/v1/suggestions?text={WORD}+prefix", "/api/v1/answers",
              "/sitemap.xml", "/")  # fmt: skip
    before = {place: browser.get(place).text for place in places}
    assert TRACE in before["/answers/"]
    assert f"/answers/{slug}" in before["/answers/feed.atom"]
    assert f"/answers/{slug}" in before[f"/api/v1/search?q={WORD}"]
    tag = browser.get(f"/answers/{slug}").headers.get("ETag", "")
    browser.get(path)
    assert browser.send(path, {"decision": "take-back"}).status_code == 303
    for place in places:
        text = browser.get(place).text
        assert slug not in text, place
        assert TRACE not in text, place
    gone = browser.get(f"/answers/{slug}", headers={"If-None-Match": tag} if tag else {})
    assert gone.status_code == 410
    assert WORD not in gone.text
    assert of(app, number)["state"] == "withdrawn"
    work()
    with app.app_context():
        catch_up(open_index())
        found = open_index().health().documents
        notices = db.session.scalars(select(OutgoingMail.notice)).all()
        db.session.remove()
    assert found == 0
    assert "answer_decided" in notices
    assert browser.send(path, {"decision": "take-back"}).status_code == 409
    assert (
        browser_of("bruno").send(f"/desk/answers/{number}/publish", {"basis": "nothing-personal"}).status_code == 409
    )


def test_two_that_say_the_same_are_shown_before_publishing_and_become_one_with_both_links(
    app, browser_of, browser, work, solved
):
    number, _path = published(app, browser_of, browser, work, solved)
    row = of(app, number)
    bruno = browser_of("bruno")
    second = ask(app, title=row["title"], body=QUESTION, topic="ocid-prefix", language="en", may_publish=True)
    act(app, second, "reply", words=words(REPLY), then="solve")
    other = approved(app, browser_of, second)
    page = bruno.get(f"/desk/answers/{other}")
    assert "nearly the same" in page.text
    with app.app_context():
        for helpful, key in ((True, number), (True, other), (False, other)):
            answer = db.session.get(Answer, key)
            answer.helpful_count, answer.unhelpful_count = (
                answer.helpful_count + helpful,
                answer.unhelpful_count + (not helpful),
            )
            db.session.commit()
        slug = db.session.get(Answer, other).slug
        db.session.remove()
    assert bruno.send(f"/desk/answers/{other}/merge", {"into": number}).status_code == 303
    gone = browser.get(f"/answers/{slug}")
    assert (gone.status_code, gone.location) == (308, f"/answers/{row['slug']}")
    with app.app_context():
        kept = db.session.get(Answer, number)
        assert (kept.helpful_count, kept.unhelpful_count) == (2, 1)
        consents.take_back(db.session.scalar(select(AnswerConsent).where(AnswerConsent.answer_id == number)))
        db.session.commit()
        db.session.remove()
    assert browser.get(f"/answers/{slug}").status_code == 410
    assert browser.get(f"/answers/{row['slug']}").status_code == 410


def test_staff_write_down_what_they_were_told(app, browser_of, browser, solved):
    number = approved(app, browser_of, solved)
    bruno = browser_of("bruno")
    page = bruno.send(f"/desk/answers/{number}/consent", {"do": "told", "remark": " "})
    assert page.status_code == 422
    assert (
        bruno.send(
            f"/desk/answers/{number}/consent",
            {"do": "told", "remark": "By telephone, today", "credit": "A team in Bogotá"},
        ).status_code
        == 303
    )
    assert bruno.send(f"/desk/answers/{number}/publish", {"basis": "consent"}).status_code == 303
    slug = of(app, number)["slug"]
    assert "A team in Bogotá" in browser.get(f"/answers/{slug}").text
    assert (
        bruno.send(f"/desk/answers/{number}/consent", {"do": "told-no", "remark": "They called again."}).status_code
        == 303
    )
    assert browser.get(f"/answers/{slug}").status_code == 410


def test_a_past_answer_becomes_a_draft_of_an_article_or_a_part_of_one(app, browser_of, browser, solved):
    number = approved(app, browser_of, solved)
    bruno = browser_of("bruno")
    editor = bruno.send(f"/desk/answers/{number}/article", {}).location
    assert WORD in bruno.get(editor).text
    assert browser.get(editor.removesuffix("/edit")).status_code == 404, "it is a draft"
    assert bruno.send(f"/desk/answers/{number}/article", {}).status_code == 409
    from kb import articles
    from kb.pages import Details

    with app.app_context():
        body = "# Prefixes\n\nFirst.\n\n## Whose\n\nTheirs.\n\n## Other\n\nLast.\n"
        made = articles.write(Details(title="Prefixes", slug="prefixes"), body, by=member("bruno"))
        db.session.commit()
        target = made.id
        db.session.remove()
    assert "At the end of “Whose”" in bruno.get(f"/desk/answers/{number}/append?article=/kb/en/prefixes").text
    editor = bruno.send(f"/desk/answers/{number}/append", {"article": str(target), "section": "2"}).location
    text = unescape(bruno.get(editor).text)
    assert text.index("Theirs.") < text.index(f"a {WORD} prefix belongs") < text.index("## Other")
    assert WORD not in browser.get("/kb/en/prefixes").text, "nothing changes before somebody saves"


def test_a_file_goes_with_it_only_if_chosen_and_under_the_name_given(app, browser_of, browser, solved):
    import io

    from core import files as kept
    from helpdesk.models import Attachment, Message

    with app.app_context():
        file = kept.save(io.BytesIO(b"a,b\n1,2\n"), "ortiz-compras.csv")
        message = db.session.scalars(select(Message).where(Message.ticket_id == solved)).first()
        db.session.add(Attachment(message_id=message.id, file_id=file.id, filename="ortiz-compras.csv"))
        db.session.commit()
        attachment = db.session.scalar(select(Attachment.id))
        db.session.remove()
    number = approved(app, browser_of, solved)
    bruno, carla = browser_of("bruno"), browser_of("carla")
    page = bruno.get(f"/desk/answers/{number}/files")
    assert "Its name tells who asked." in page.text
    assert 'value="file-1.csv"' in page.text
    assert (
        bruno.send(f"/desk/answers/{number}/files", {"file": str(attachment), f"name-{attachment}": " "}).status_code
        == 422
    )
    assert (
        bruno.send(
            f"/desk/answers/{number}/files", {"file": str(attachment), f"name-{attachment}": "example.csv"}
        ).status_code
        == 303
    )
    assert of(app, number)["state"] == "draft", "a file is read like a text"
    path = re.search(r'href="(/answers/[^"]+/files/[^"]+)"', carla.get(f"/desk/answers/{number}").text)[1]
    assert browser.get(path).status_code == 404
    assert carla.get(path).data == b"a,b\n1,2\n"
    assert "example.csv" in carla.get(path).headers["Content-Disposition"]


def test_the_work_list_shows_each_where_it_waits_and_what_is_worth_publishing(app, browser_of, statements, solved):
    number = drafted(app, browser_of, solved)
    worth = ask(app, title="How are lots named?", body="A plain question.", topic="mapping", may_publish=True)
    act(app, worth, "reply", words=words("A plain answer."), then="solve")
    bruno = browser_of("bruno")
    with statements() as seen:
        assert f"/desk/answers/{number}" in bruno.get("/desk/answers?state=in_review").text
    assert len(seen) <= 12, "\n".join(seen)
    assert f"/desk/answers/{number}" not in bruno.get("/desk/answers?state=published").text
    assert f"/desk/tickets/{worth}/past-answer" in bruno.get("/desk/answers?state=suggested").text
    assert browser_of("amara").get("/desk/answers").status_code == 403
    carla = browser_of("carla")
    for state in ("in_review", "draft"):
        with statements() as seen:
            page = carla.get(f"/desk/answers/{number}")
        assert page.status_code == 200
        assert len(seen) <= 12, (state, "\n".join(seen))
        digest = (re.search(r'name="digest" value="(\w+)"', page.text) or [0, ""])[1]
        carla.send(f"/desk/answers/{number}/verdict", {"digest": digest, "do": "back", "comment": "No."})


def test_the_asker_finds_the_way_on_the_page_of_their_question_and_nobody_else_does(
    app, browser_of, browser, work, solved
):
    number, path = asked(app, browser_of, work, solved)
    paula = browser_of("paula")
    assert "/answers/consent/" in paula.get(f"/tickets/{solved}").text
    for key in ("bruno", "amara"):
        assert "/answers/consent/" not in browser_of(key).get(f"/tickets/{solved}").text
    assert decide(browser, path, "agree").status_code == 303
    assert browser_of("bruno").send(f"/desk/answers/{number}/publish", {"basis": "ask"}).status_code == 303
    link = re.search(r"(/answers/consent/[^\"]+)", paula.get(f"/tickets/{solved}").text)[1]
    paula.get(link)
    assert paula.send(link, {"decision": "take-back"}).status_code == 303
    assert of(app, number)["state"] == "withdrawn"
    assert "/answers/consent/" not in paula.get(f"/tickets/{solved}").text


def test_the_asker_can_take_it_away_with_the_link_of_the_mail_that_says_it_is_public(
    app, browser_of, browser, work, solved
):
    number, _path = published(app, browser_of, browser, work, solved)
    link = link_in_mail(app, work, "answer_published")
    browser.get(link)
    assert browser.send(link, {"decision": "take-back"}).status_code == 303
    assert of(app, number)["state"] == "withdrawn"

"""Past answers from solved tickets: drafted, redacted, published, and linked back for staff alone."""

import re
import time
from dataclasses import replace

import pytest
from sqlalchemy import select

from accounts import people
from core.db import db
from helpdesk import redaction, side_by_side
from helpdesk.drafting import bare
from helpdesk.models import AnswerSource
from helpdesk.redaction import Known
from kb.models import Answer
from tests.conftest import member
from tests.helpdesk.desk import act, ask, events_of, words

KNOWN = Known(
    names=("Amina Phiri", "María de los Ángeles Núñez", "May Lee"), organisations=("Office of Public Procurement (ODPP)",),
    hosts=("odpp.example",), countries=("Malawi",),
)  # fmt: skip
QUESTION = """Dear helpdesk,

I am Paula Ortiz from Compras Públicas in Colombia. Our prefix is ocds-x7k2p9, see https://portal.compras.example/data.
Call me at +57 601 555 0143 or write to paula@compras.example. Should the health ministry reuse it?

Best regards,
Paula Ortiz
Compras Públicas
Calle 7 No. 4-12, Bogotá"""
ANSWER = "Hello Paula,\n\nNo: ask for a second prefix for the new system.\n\nKind regards\nBruno Keller"


def kinds(text, known=KNOWN) -> list[tuple[str, str]]:
    return [(one.kind, one.text) for one in redaction.find(text, known)]


@pytest.fixture
def solved(app) -> int:
    """A solved ticket whose asker did not consent."""
    with app.app_context():
        member("paula").organisation = people.organisation_named("Compras Públicas", "CO")
        db.session.commit()
        db.session.remove()
    number = ask(app, title="Prefix of Compras Públicas", body=QUESTION, topic="ocid-prefix", language="en")
    act(app, number, "note", words=words("Marsupial: for us alone."))
    act(app, number, "reply", words=words(ANSWER), then="solve")
    return number


def alone(app) -> None:
    """Let the settings want no second reader."""
    settings = app.extensions["settings"]
    app.extensions["settings"] = replace(settings, answers=replace(settings.answers, second_person="never"))


def path(number) -> str:
    return f"/desk/tickets/{number}/past-answer"


def typed(page) -> dict:
    """What stands in the form of the page."""
    from html import unescape

    values = {
        name: unescape(text)
        for name, text in re.findall(r'<textarea[^>]* name="(\w+)"[^>]*>\s*(.*?)</textarea>', page.text, re.DOTALL)
    }
    for name in ("title", "tags", "reason"):
        found = re.search(rf'<input[^>]* name="{name}"[^>]* value="([^"]*)"', page.text)
        values[name] = unescape(found[1]) if found else ""
    return values | {"topic": "ocid-prefix", "language": "en", "country": "", "visibility": "public"}


def published(app) -> list[dict]:
    with app.app_context():
        rows = db.session.scalars(select(Answer)).all()
        found = [
            {"slug": row.slug, "question": row.question, "answer": row.answer, "state": row.state, "basis": row.basis}
            for row in rows
        ]
        db.session.remove()
    return found


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("I am Amina Phiri.", [("name", "Amina Phiri")]),
        ("Ask PHIRI or amina.", [("name", "PHIRI"), ("name", "amina")]),
        ("María Nuñez wrote; NÚÑEZ too", [("name", "María Nuñez"), ("name", "NÚÑEZ")]),
        ("It may be so. But May said no.", [("name", "May")]),
        ("the aminal phirix", []),
        ("We are ODPP, the Office of Public Procurement.", [("organisation", "ODPP"), ("organisation", "Office of Public Procurement")]),
        ("an odpp in small letters", []),
        ("write to a.phiri+x@odpp.example now", [("e-mail", "a.phiri+x@odpp.example")]),
        ("see https://data.odpp.example/x?y=1.", [("link", "https://data.odpp.example/x?y=1")]),
        ("see www.odpp.example or portal.odpp.example", [("link", "www.odpp.example"), ("link", "portal.odpp.example")]),
        ("https://files.example/d?token=abc and https://files.example/d?page=2", [("link", "https://files.example/d?token=abc")]),
        ("https://standard.open-contracting.org/latest/en/", []),
        ("call +265 1 770 199 or (0265) 177-0199-22", [("phone", "+265 1 770 199"), ("phone", "(0265) 177-0199-22")]),
        ("on 2024-01-15, in 2023-2024, version 1.1.5, 12,345,678 lines, 10.1234/5678", []),
        ("Avenida Central 12 and 14 Long Acre Road", [("address", "Avenida Central 12"), ("address", "14 Long Acre Road")]),
        ("key A1b2C3d4E5f6G7h8I9j0K1l2M3", [("key", "A1b2C3d4E5f6G7h8I9j0K1l2M3")]),
        ("our prefix ocds-x7k2p9, not ocds-213czf", [("prefix", "ocds-x7k2p9")]),
        ("here in Malawi", [("country", "Malawi")]),
        ("", []),
    ],
)  # fmt: skip
def test_what_tells_who_asked_is_found(text, found):
    assert kinds(text) == found


def test_marks_stand_where_the_text_has_accents_and_ligatures(app):
    text = "ﬁrst Straße, then Ángeles, İstanbul and Phiri"
    for one in redaction.find(text, KNOWN):
        assert text[one.start : one.end] == one.text
    assert [one.text for one in redaction.find(text, KNOWN)] == ["Ángeles", "Phiri"]


def test_the_same_thing_is_replaced_by_the_same_words_and_what_may_stay_stays():
    text = "Amina Phiri, amina phiri and ODPP."
    keys = {one.key for one in redaction.find(text, KNOWN)}
    assert keys == {"name:amina phiri", "organisation:odpp"}
    assert redaction.replaced(text, KNOWN, {"name:amina phiri": "the asker"}) == "the asker, the asker and ODPP."


@pytest.mark.parametrize("text", ["a " * 25_000, "a\n" * 25_000, "ab" * 25_000, "a b\n\n" * 10_000, "<b>[x](" * 7_000])
def test_no_thread_takes_long_to_be_compared(text):
    began = time.perf_counter()
    left, right = side_by_side._compared([text, text[::-1]], text[1:])
    assert time.perf_counter() - began < 5
    assert "".join(part for _what, part in right) == text[1:]
    assert "".join(part for _what, part in left[0]) == text


@pytest.mark.parametrize(
    ("text", "instead", "said"),
    [
        ("a prefix of the Office of Public Procurement", "a government body", "a prefix of a government body"),
        ("un prefijo del ODPP", "un organismo público", "un prefijo de un organismo público"),
        ("le préfixe de l’ODPP", "un organisme public", "le préfixe d’un organisme public"),
        ("for ODPP here", "a government body", "for a government body here"),
        ("the ODPP", "[removed]", "the [removed]"),
    ],
)
def test_what_is_said_instead_fits_the_words_before_it(text, instead, said):
    found = {one.key: instead for one in redaction.find(text, KNOWN)}
    assert redaction.replaced(text, KNOWN, found) == said


@pytest.mark.parametrize("char", ["a", "1", "@", "a@", "1 ", "-", ".a", "(1) ", "https://", "ocds-", "A b ", "12 Ab "])
def test_no_text_takes_long(char):
    began = time.perf_counter()
    redaction.find(char * (100_000 // len(char)), KNOWN)
    assert time.perf_counter() - began < 5


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        (QUESTION, ("I am Paula Ortiz from Compras Públicas in Colombia. Our prefix is ocds-x7k2p9, see https://portal.compras.example/data.\n"
                   "Call me at +57 601 555 0143 or write to paula@compras.example. Should the health ministry reuse it?")),
        (ANSWER, "No: ask for a second prefix for the new system."),
        ("Estimado Bruno: tenemos una duda.\n\nSaludos cordiales,\nPaula", "Tenemos una duda."),
        ("Bonjour,\nnous publions.\n\nCordialement\nFatou Diop\nARMP", "Nous publions."),
        ("Buenos días. Una pregunta.", "Una pregunta."),
        ("Hello", "Hello"),
        ("High quality data is hard.", "High quality data is hard."),
        ("Hi we have a long problem with many many words here, and so on", "Hi we have a long problem with many many words here, and so on"),
        ("Thanks\n\nThe file is fine.", "Thanks\n\nThe file is fine."),
        ("It works.\n-- \nPaula", "It works."),
        ("", ""),
    ],
)  # fmt: skip
def test_greetings_and_closings_are_left_out(text, kept):
    assert bare(text) == kept


def test_a_draft_is_made_from_the_thread_without_its_notes(app, browser_of, solved):
    page = browser_of("bruno").get(path(solved))
    form = typed(page)
    assert form["title"] == "Prefix of Compras Públicas"
    assert form["question"].startswith("I am Paula Ortiz")
    assert form["answer"].strip() == "No: ask for a second prefix for the new system."
    assert "arsupial" not in page.text
    for mark in (
        "Paula Ortiz",
        "Compras Públicas",
        "ocds-x7k2p9",
        "+57 601 555 0143",
        "paula@compras.example",
        "https://portal.compras.example/data",
        "Colombia",
    ):
        assert f">{mark}</mark>" in page.text, mark
    assert "Latin America and the Caribbean" in page.text, "an organisation becomes one of its region"


def test_only_a_ticket_that_is_over_becomes_a_past_answer(app, browser_of):
    number = ask(app)
    page = browser_of("bruno").get(path(number))
    assert page.status_code == 409
    assert "Mark the ticket solved first" in page.text


def test_nothing_is_published_while_something_found_was_not_looked_at(app, browser_of, solved):
    bruno = browser_of("bruno")
    form = typed(bruno.get(path(solved)))
    reasons = {"basis": "nothing-personal", "reason": "I read it twice.", "do": "publish"}
    page = bruno.send(path(solved), {**form, **reasons})
    assert page.status_code == 422
    assert "This is still in the text:" in page.text
    assert published(app) == []
    page = bruno.send(path(solved), {**form, "do": "replace"})
    assert page.status_code == 200
    form = typed(page)
    for gone in ("Paula", "Ortiz", "Compras", "ocds-x7k2p9", "0143", "Colombia"):
        assert gone not in form["title"] + form["question"] + form["answer"], gone
    assert "Nothing was found that tells who asked" in page.text
    answer = bruno.send(path(solved), {**form, **reasons})
    assert answer.status_code == 303
    assert [(row["state"], row["basis"]) for row in published(app)] == [("in_review", "nothing-personal")]
    assert events_of(app, solved)[-1] == "ticket.published"


def test_one_thing_is_replaced_by_the_words_that_were_typed(app, browser_of, solved):
    bruno = browser_of("bruno")
    form = typed(bruno.get(path(solved)))
    page = bruno.send(path(solved), {**form, "do": "one:name:paula ortiz", "instead:name:paula ortiz": "somebody"})
    assert typed(page)["question"].startswith("I am somebody from Compras Públicas")


def test_what_is_ticked_may_stay(app, browser_of, solved):
    bruno = browser_of("bruno")
    form = {
        **typed(bruno.get(path(solved))),
        "question": "Ask Keller.",
        "title": "Whom to ask",
        "basis": "nothing-personal",
        "reason": "Public.",
    }
    assert bruno.send(path(solved), {**form, "do": "publish"}).status_code == 422
    assert bruno.send(path(solved), {**form, "do": "publish", "stay": "name:keller"}).status_code == 303


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"basis": ""}, "Choose why it may be published."),
        ({"basis": "consent"}, "Not a valid choice"),
        ({"reason": " "}, "Say it in a few words"),
        ({"title": ""}, "Please write something here."),
        ({"answer": " "}, "Please write something here."),
        ({"topic": "cooking"}, "Not a valid choice"),
        ({"visibility": "enemies"}, "Not a valid choice"),
    ],
)  # fmt: skip
def test_what_is_missing_is_told_and_nothing_typed_is_lost(app, browser_of, solved, change, sentence):
    bruno = browser_of("bruno")
    form = {**typed(bruno.get(path(solved))), "title": "Who asks", "question": "A plain question.", "answer": "A plain answer.",
            "basis": "nothing-personal", "reason": "Nothing in it.", "do": "publish", **change}  # fmt: skip
    page = bruno.send(path(solved), form)
    assert page.status_code == 422
    assert sentence in page.text
    assert "A plain question." in page.text
    assert published(app) == []


def test_consent_is_a_reason_only_where_it_was_given(app, browser_of):
    number = ask(app, body="A plain question.", may_publish=True)
    act(app, number, "reply", words=words("A plain answer."), then="solve")
    alone(app)
    bruno = browser_of("bruno")
    page = bruno.get(path(number))
    assert re.search(r'value="consent" checked', page.text)
    answer = bruno.send(path(number), {**typed(page), "basis": "consent", "do": "publish"})
    assert answer.status_code == 303, answer.text
    assert published(app)[0]["basis"] == "consent"


def test_a_draft_is_kept_for_staff_alone(app, browser_of, solved):
    bruno = browser_of("bruno")
    form = typed(bruno.get(path(solved)))
    answer = bruno.send(path(solved), {**form, "do": "draft"})
    assert answer.status_code == 303
    assert published(app)[0]["state"] == "draft"
    assert browser_of("paula").get(answer.location).status_code == 404
    assert "A past answer was made from this ticket already:" in bruno.get(path(solved)).text
    assert "Made into a past answer:" in bruno.get(f"/desk/tickets/{solved}").text


def test_staff_alone_see_which_ticket_a_past_answer_came_from(app, browser_of, browser, solved):
    bruno = browser_of("bruno")
    form = {**typed(bruno.get(path(solved))), "title": "One prefix", "question": "A question.", "answer": "An answer.",
            "basis": "nothing-personal", "reason": "Wombat reasons.", "do": "publish"}  # fmt: skip
    alone(app)
    place = bruno.send(path(solved), form).location
    text = bruno.get(place).text
    assert f'href="/desk/tickets/{solved}"' in text
    assert "Wombat reasons." in text
    for reader in (browser, browser_of("paula"), browser_of("amara")):
        page = reader.get(place)
        assert page.status_code == 200
        assert "/desk/tickets/" not in page.text
        assert "Wombat" not in page.text
    with app.app_context():
        source = db.session.scalar(select(AnswerSource))
        assert (source.ticket_id, source.reason) == (solved, "Wombat reasons.")
        db.session.remove()


def test_the_country_is_found_only_while_it_is_not_told(app, browser_of, solved):
    bruno = browser_of("bruno")
    form = typed(bruno.get(path(solved)))
    assert ">Colombia</mark>" in bruno.send(path(solved), {**form, "do": "look"}).text
    assert ">Colombia</mark>" not in bruno.send(path(solved), {**form, "country": "CO", "do": "look"}).text


def test_making_a_past_answer_asks_the_database_at_most_twelve_times(browser_of, statements, solved):
    bruno = browser_of("bruno")
    with statements() as seen:
        assert bruno.get(path(solved)).status_code == 200
    assert len(seen) <= 12, "\n".join(seen)


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        (
            "Hi Bruno,\n\nThanks for the quick reply. How do we publish lots?\n\nBest,\nAmina\n\nSent from my iPhone",
            "How do we publish lots?",
        ),
        ("How do we publish lots?\n\nEnviado desde mi iPhone", "How do we publish lots?"),
        (
            "Hola,\n\n¿Cómo publicamos enmiendas?\n\nSaludos cordiales,\n\nIng. Hugo Villalba\nCoordinador\nTel. 021 415 4000\n\nAviso de confidencialidad: Este mensaje es privado y confidencial.",
            "¿Cómo publicamos enmiendas?",
        ),
        (
            "Bonjour,\n\nComment publier les avenants ?\n\nCordialement,\nAwa\n\nLe mar. 4 mars 2025 à 10:12, Helpdesk <data@open.example> a écrit :\n> Bonjour\n> voici",
            "Comment publier les avenants ?",
        ),
        (
            'Dear team,\n\nOur validator says:\n\n```\n{"a": 1}\n```\n\nWhat is wrong?\n\nRegards\nJohn\n\n-----Original Message-----\nFrom: Helpdesk\nSent: Monday\nTo: John\nSubject: x\n\nold text',
            'Our validator says:\n\n```\n{"a": 1}\n```\n\nWhat is wrong?',
        ),
        (
            "> Which version do you use?\n\nWe use 1.1.5.\n\n> And which tool?\n\nFlatten Tool.\n\nThanks!\nKofi",
            "> Which version do you use?\n\nWe use 1.1.5.\n\n> And which tool?\n\nFlatten Tool.",
        ),
        (
            "Good morning!\nI hope you are well.\nWe have two problems:\n\n1. lots\n2. items\n\nCan you help?\nMany thanks in advance for your support.\nWarm regards,\nTendai Moyo | Analyst | PRAZ",
            "We have two problems:\n\n1. lots\n2. items\n\nCan you help?",
        ),
        (
            "Buenos días estimados,\nEspero que se encuentren bien. Quisiera saber si el campo `tender/id` es obligatorio.\nQuedo atenta a sus comentarios.\nMuchas gracias,\nVerónica",
            "Quisiera saber si el campo `tender/id` es obligatorio.",
        ),
        ('{\n  "ocid": "x"\n}', '{\n  "ocid": "x"\n}'),
        (
            "Estimado Bruno:\n\nAdjunto el archivo.\n\nAtte.\nNorma\n\nDe: Helpdesk\nEnviado el: lunes\nPara: Norma\nAsunto: RE: x\n\nTexto anterior",
            "Adjunto el archivo.",
        ),
        (
            "Prezados,\n\nComo publicamos aditivos?\n\nAtenciosamente,\nRafael\n\nEm ter., 4 de mar. de 2025 às 10:12, Helpdesk escreveu:\n\n> texto",
            "Como publicamos aditivos?",
        ),
        (
            "Hello,\n\nthe prefix works now. One more question: may we share it?\n\nCheers\nSuleiman\n--\nSuleiman Bello\nData officer\n+234 803 555 0199\nThis e-mail and any attachments are confidential and intended solely for the addressee.",
            "The prefix works now. One more question: may we share it?",
        ),
        ("Thanks,\n\nit is solved.\n\nAmina", "It is solved.\n\nAmina"),
        (
            "Bonjour Madame,\n\nMerci de votre réponse. Nous avons encore une question : peut-on publier en français ?\n\nBien à vous,\n\nÉlodie Rakotomalala\nCheffe de service\n\n________________________________\nDe : Helpdesk\nEnvoyé : lundi\nÀ : Élodie\nObjet : x\n\nancien",
            "Nous avons encore une question : peut-on publier en français ?",
        ),
        (
            "Dear Helpdesk\n\nWe would like to publish in two languages. Is there a field for it?\n\nKind regards,\nLinda\n\nPS: the file is attached.",
            "We would like to publish in two languages. Is there a field for it?",
        ),
        (
            "On 4 Mar 2025, at 10:12, Helpdesk <data@x.example> wrote:\n\n> Which version?\n\n1.1.5, and it fails.\n",
            "1.1.5, and it fails.",
        ),
        (
            "Hi all,\nquick question - is `buyer` required?\nthx\nPete\n\n\nGet Outlook for Android",
            "Quick question - is `buyer` required?",
        ),
        ("Ficamos sem dados no portal.", "Ficamos sem dados no portal."),
        ("Publicamos tudo.\n\nFico no aguardo.", "Publicamos tudo."),
        ("Thanks for the file", "Thanks for the file"),
        ("We look at it.\nLooking forward to your answer!", "We look at it."),
    ],
)
def test_mails_as_programs_send_them_are_left_with_what_they_say(text, kept):
    assert bare(text) == kept

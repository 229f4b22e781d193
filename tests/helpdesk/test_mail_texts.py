"""The words of mails: changed by admins in each language, filled by plain substitution, never run."""

import re

import pytest
from sqlalchemy import select

from accounts import mail_choices, people
from core.db import db, now
from core.events import Event
from core.exceptions import Refused
from helpdesk import mail_texts, tickets
from helpdesk.mail_texts import WORDINGS, Value
from helpdesk.outgoing_models import MailText
from helpdesk.tickets import Words
from tests.conftest import member
from tests.helpdesk.test_notices import PAULA, all_of, asked, replied, text_of, work

# What template engines of many kinds would run: Jinja, Mako, ERB, Freemarker, Velocity, Smarty, Twig, Handlebars, Angular.
ATTACKS = [
    "{{7*7}}", "{{7*'7'}}", "${7*7}", "#{7*7}", "<%= 7*7 %>", "{%print(7*7)%}", "{{config}}", "{{self}}", "{{request}}",
    "{{ ''.__class__.__mro__[1].__subclasses__() }}", "{{ticket.__class__}}", "{{ticket.requester.email}}", "*{7*7}",
    "{{ticket.number}}", "{{ reply }}", "{{ticket.link}}", "{{requester.name}}", "{% for x in (1,2) %}{{x}}{% endfor %}",
    "{{cycler.__init__.__globals__.os.popen('id').read()}}", "{{lipsum.__globals__}}", "${{7*7}}", "@(7*7)", "{{=7*7}}",
    "#set($x=7*7)${x}", "{php}echo 7*7;{/php}", "{$smarty.version}", "{{['id']|filter('system')}}", "{{_self.env}}",
    "<#assign x=7*7>${x}", "[[${7*7}]]", "{{constructor.constructor('alert(1)')()}}", "{{#with 's'}}{{/with}}", "%(name)s",
    "{0}", "{ticket.number}", "%s%s%n", "$ticket.number", "{{{7*7}}}", "{{'a'.toUpperCase()}}", "\\{\\{7*7\\}\\}",
    "__import__('os').system('id')",
]  # fmt: skip


def change(name, body, subject="S", language="es"):
    mail_texts.change(name, language, subject=subject, body=body, by=member("chidi"))
    db.session.commit()


def values(**given):
    return {name.replace("_", "."): Value(text) for name, text in given.items()}


@pytest.fixture
def smtp(smtp):
    """Paula's address is proved, so that her mails show what she typed."""
    member("paula").verified_at = now()
    db.session.commit()
    return smtp


@pytest.mark.parametrize("attack", ATTACKS)
def test_what_looks_like_a_template_in_what_people_wrote_comes_out_as_it_is(context, attack):
    found = mail_texts.fill("Re: {{ticket.title}}", "Hello {{requester.name}}: {{ticket.title}}.",
                            values(ticket_title=attack, requester_name=attack, ticket_number="12"))  # fmt: skip
    assert found.subject == f"Re: {attack}"
    assert found.text == f"Hello {attack}: {attack}."
    import html

    assert html.unescape(found.html).count(attack) == 2
    assert "49" not in found.subject + found.text + found.html


@pytest.mark.parametrize("attack", [text for text in ATTACKS if text.startswith("{{") and text.count("{{") == 1
                                    and text.strip("{} ") not in ("ticket.number", "reply", "ticket.link", "requester.name")
                                    and "}}}" not in text])  # fmt: skip
def test_a_wording_with_what_is_no_variable_is_refused_by_name(context, attack):
    with pytest.raises(Refused) as refused:
        mail_texts.check("received", "S", f"Hello {attack}")
    assert attack[2:-2].strip() in str(refused.value)
    assert "ticket.number" in str(refused.value)


@pytest.mark.parametrize("title", ["<b>x</b>", "**bold**", "[a](javascript:alert(1))", "<img src=x onerror=alert(1)>",
                                   "`code`", "# head", '" onmouseover="x', "javascript:alert(1)"])  # fmt: skip
def test_a_value_is_neither_markdown_nor_html_nor_an_address_that_runs(context, title):
    body = "{{ticket.title}}\n\n[open]({{ticket.title}}) **{{ticket.title}}**"
    html = mail_texts.fill("S", body, values(ticket_title=title)).html
    assert "<img" not in html
    assert "<code>" not in html
    assert "<h1" not in html
    assert 'href="javascript' not in html
    assert re.search(r"<[^>]*onmouseover", html) is None
    assert html.count("<b>") == 0


def test_a_link_of_ours_can_be_where_a_link_leads_and_stand_for_itself(context):
    link = "https://desk.example/tickets/7?key=a.b-c_d&x=1"
    html = mail_texts.fill("S", "[Open it]({{ticket.link}}) or {{ticket.link}}.", values(ticket_link=link)).html
    whole = link.replace("&", "&amp;")
    assert re.search(rf'<a [^>]*href="{re.escape(whole)}"[^>]*>Open it</a>', html)
    assert re.search(rf'<a [^>]*href="{re.escape(whole)}"[^>]*>{re.escape(whole)}</a>\.', html)


def test_the_original_is_shown_with_its_variables_in_each_language(context):
    for name, wording in WORDINGS.items():
        if not wording.folder:
            continue
        seen = set()
        for language in ("en", "es", "fr"):
            subject, body = mail_texts.original(name, language)
            mail_texts.check(name, subject, body)
            assert "{{ticket.link}}" in body
            seen.add(body)
        assert len(seen) == 3, name


def test_an_acknowledgement_in_the_words_of_an_admin(smtp):
    change("received", "Hola {{recipient.name}},\n\ntenemos **{{ticket.title}}**. Escriba aquí: {{ticket.link}}",
           subject="Recibida: {{ticket.title}} ({{ticket.number}})")  # fmt: skip
    number = asked(title="A & B {{7*7}}")
    (message,) = smtp.to(PAULA)
    assert message["Subject"] == f"Recibida: A & B {{{{7*7}}}} ({number})"
    assert "Hola Paula Ortiz," in text_of(message)
    html = message.get_body(("html",)).get_content()
    assert "<strong>A &amp; B {{7*7}}</strong>" in html
    assert f"/tickets/{number}?key=" in html
    assert message["Auto-Submitted"] == "auto-generated"


def test_an_unproved_address_gets_nothing_that_was_typed_in_whatever_words(smtp):
    change("received", "{{recipient.name}} {{requester.name}} {{ticket.title}} end", language="en",
           subject="{{ticket.title}} {{requester.name}}")  # fmt: skip
    asked(
        by=people.find_or_add("victim@elsewhere.example", name="CANARY-NAME"), title="CANARY-TITLE", body="CANARY-BODY"
    )
    (message,) = smtp.to("victim@elsewhere.example")
    assert "CANARY" not in all_of(message)
    assert message["Subject"] == "Your question"


def test_a_reply_in_the_words_of_an_admin_keeps_the_reply_as_it_is(smtp):
    change(
        "reply", "Querida {{recipient.name}}:\n\n{{reply}}\n\nSaludos, {{analyst.name}}", subject="{{ticket.title}}"
    )
    number = asked()
    replied(number, body="Ask for **it**, {{ticket.number}}.")
    message = smtp.to(PAULA)[-1]
    assert "Ask for **it**, {{ticket.number}}.\n\nSaludos, Bruno Keller" in text_of(message).replace("\r", "")
    html = message.get_body(("html",)).get_content()
    assert "<p>Ask for <strong>it</strong>, {{ticket.number}}.</p>" in html
    assert "Querida Paula Ortiz:" in html


def test_a_reply_that_solves_has_words_of_its_own(smtp):
    number = asked()
    replied(number, body="Done.", then="solve")
    assert "answer this mail" in text_of(smtp.to(PAULA)[-1]) or "responda" in text_of(smtp.to(PAULA)[-1]).lower()
    change("solved", "{{reply}}\n\nFin.", subject="Resuelta")
    second = asked(title="Another")
    replied(second, body="Done too.", then="solve")
    message = smtp.to(PAULA)[-1]
    assert (message["Subject"], "Fin." in text_of(message)) == ("Resuelta", True)


@pytest.mark.parametrize("body", ["Without it", "In the middle {{reply}} of a line", "{{reply}}\n\n{{reply}}"])
def test_the_reply_must_stand_in_it_once_on_a_line_of_its_own(context, body):
    with pytest.raises(Refused):
        mail_texts.check("reply", "S", body)
    with pytest.raises(Refused):
        mail_texts.check("reply", "{{reply}}", "{{reply}}")


def test_signatures_stand_under_the_mail_and_not_in_the_ticket(smtp):
    mail_choices.choose(member("bruno"), by=member("bruno"), signature="Bruno K.\n<b>Analyst</b>")
    change("signature", "{{site.name}}, for {{analyst.name}}", subject="")
    number = asked()
    replied(number, body="Like so.")
    message = smtp.to(PAULA)[-1]
    assert "Like so.\n\nBruno K.\n<b>Analyst</b>\n\nOCDS Helpdesk, for Bruno Keller" in text_of(message).replace(
        "\r", ""
    )
    assert "&lt;b&gt;Analyst" in message.get_body(("html",)).get_content()
    ticket = db.session.get(tickets.Ticket, number)
    assert [row.body for row in ticket.messages][-1] == "Like so."


def test_whoever_wants_no_notices_gets_none_and_each_has_a_link_that_ends_them(smtp, app):
    number = asked()
    replied(number)
    tickets.reply(tickets.db.session.get(tickets.Ticket, number), by=member("paula"), words=Words(body="One more."))
    work()
    (notice,) = smtp.to("bruno@helpdesk.example")
    assert notice["List-Id"] == '"OCDS Helpdesk" <notices.helpdesk.example>'
    assert "/mail/unsubscribe/notices." in notice["List-Unsubscribe"]
    mail_choices.end(member("bruno"), "notices")
    tickets.reply(tickets.db.session.get(tickets.Ticket, number), by=member("paula"), words=Words(body="And more."))
    work()
    assert len(smtp.to("bruno@helpdesk.example")) == 1


def test_an_admin_changes_previews_and_restores_the_words(app, browser_of):
    chidi = browser_of("chidi")
    path = "/admin/mail-templates/received/es"
    page = chidi.get(path).text
    assert "{{ticket.link}}" in page
    assert "Which prefix do we use?" in page or "prefijo" in page
    given = {"subject": "Hola {{ticket.number}}", "body": "Tenemos **{{ticket.title}}**", "version": "0"}
    assert "<strong>" in chidi.send(path, {**given, "do": "preview"}).text
    assert texts(app) == []
    wrong = chidi.send(path, {**given, "body": "x {{ticket.secret}}", "do": "keep"})
    assert (wrong.status_code, "ticket.secret" in wrong.text, "x {{ticket.secret}}" in wrong.text) == (422, True, True)
    assert chidi.send(path, {**given, "do": "keep"}).status_code == 303
    assert texts(app) == [("received", "es", "Hola {{ticket.number}}")]
    late = chidi.send(path, {**given, "subject": "Other", "do": "keep"})
    assert (late.status_code, "Other" in late.text) == (409, True)
    assert "changed" in chidi.get("/admin/mail-templates").text
    assert chidi.send(path, {"do": "original"}).status_code == 303
    assert texts(app) == []
    with app.app_context():
        names = set(db.session.scalars(select(Event.name).where(Event.name.startswith("mail_text"))))
        db.session.remove()
    assert names == {"mail_text.changed", "mail_text.restored"}
    assert chidi.get("/admin/mail-templates/received/xx").status_code == 404
    assert chidi.get("/admin/mail-templates/none/es").status_code == 404


def texts(app) -> list[tuple[str, str, str]]:
    with app.app_context():
        found = [(row.name, row.language, row.subject) for row in db.session.scalars(select(MailText))]
        db.session.remove()
    return found


@pytest.mark.parametrize("who", ["bruno", "mona", "paula", None])
def test_only_admins_change_words(app, browser_of, browser, who):
    reader = browser_of(who) if who else browser
    assert reader.get("/admin/mail-templates").status_code == (403 if who else 302)
    path = "/admin/mail-templates/received/es"
    assert reader.send(path, {"subject": "x", "body": "y", "do": "keep"}).status_code == 403
    assert texts(app) == []

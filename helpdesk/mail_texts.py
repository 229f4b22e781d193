"""The wording of mails that admins may change, in each language: plain substitution of named variables, nothing more.

What people wrote is a value, never a template: it is put in once, and is neither read as Markdown nor searched for
variables again.
"""

import html as html_module
import re
import secrets
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass

from flask import current_app
from sqlalchemy import select

from accounts import mail_choices
from accounts.models import User
from core import markdown, sanitise
from core.db import db, now
from core.events import record
from core.exceptions import Refused
from core.i18n import _, in_language
from core.i18n import lazy as _l
from core.mail import one_line
from helpdesk.outgoing_models import MailText

SUBJECT_LENGTH = 300
BODY_LENGTH = 20_000
SIGNATURE = "signature"
REPLY = "reply"
# A name in two pairs of braces; one blank before it goes too where the value is empty, so that no “Hello ,” is left.
_VARIABLE = re.compile(r"( ?)\{\{([^{}\n]*)\}\}")
_ADDRESS = re.compile(r"https?://[^\s<>\"']+")
_REPLY_LINE = re.compile(r"^[ \t]*\{\{[ \t]*reply[ \t]*\}\}[ \t]*$", re.MULTILINE)

_COMMON = {
    "ticket.number": _l("the number of the ticket"),
    "ticket.title": _l("its title, once the address of the asker is proved"),
    "ticket.link": _l("the reader’s own link to it"),
    "requester.name": _l("the name of whoever asked, once their address is proved"),
    "recipient.name": _l("the name of the reader, once their address is proved"),
    "site.name": _l("the name of this site"),
    "link.days": _l("how many days the link works"),
}
_BY_STAFF = {"analyst.name": _l("the name of the analyst"), REPLY: _l("the reply; it must stand on a line of its own")}


@dataclass(frozen=True)
class Wording:
    """One mail whose wording can be changed.

    :param folder: of the original under templates/email/; "" for none.
    """

    name: str
    title: str
    folder: str
    variables: Mapping[str, str]
    has_subject: bool = True

    @property
    def needs_reply(self) -> bool:
        """Whether the reply must be in it."""
        return REPLY in self.variables


WORDINGS = {
    wording.name: wording
    for wording in (
        Wording("received", _l("We have your question"), "ticket_received", _COMMON),
        Wording("reply", _l("A reply"), "ticket_reply", {**_COMMON, **_BY_STAFF}),
        Wording("solved", _l("A reply that solves the question"), "ticket_solved", {**_COMMON, **_BY_STAFF}),
        Wording(SIGNATURE, _l("Signature of the team, under every reply"), "",
                {"analyst.name": _BY_STAFF["analyst.name"], "site.name": _COMMON["site.name"]}, has_subject=False),
    )
}  # fmt: skip


@dataclass(frozen=True)
class Written:
    """A mail in the admin's words, with its values in it."""

    subject: str
    text: str
    html: str


@dataclass(frozen=True)
class Value:
    """What a variable stands for: as text, and as HTML where that says more."""

    text: str
    html: str = ""


def find(name: str, language: str) -> MailText | None:
    """The changed wording of a mail in a language; None where the original is used."""
    return db.session.scalar(select(MailText).where(MailText.name == name, MailText.language == language))


def changed() -> set[tuple[str, str]]:
    """Which mails were changed, as (name, language)."""
    return {(row.name, row.language) for row in db.session.execute(select(MailText.name, MailText.language))}


def original(name: str, language: str) -> tuple[str, str]:
    """Subject and body as they are without a change, with variables in the place of values."""
    wording = WORDINGS[name]
    if not wording.folder:
        return "", ""
    link = "{{ticket.link}}"
    given = {
        "recipient": {"name": "{{recipient.name}}"}, "ticket": {"number": "{{ticket.number}}"}, "written": None,
        "title": "{{ticket.title}}", "link": link, "body": "{{reply}}", "left_out": (),
        "settings": {"security": {"ticket_link_days": "{{link.days}}"}, "site": {"name": "{{site.name}}"}},
    }  # fmt: skip
    with in_language(language):
        folder = f"email/{wording.folder}"
        subject = current_app.jinja_env.get_template(f"{folder}/subject.txt").render(**given)
        template = current_app.jinja_env.get_template(f"{folder}/body.txt")
        body = "".join(template.blocks["content"](template.new_context(given)))
    return " ".join(subject.split()), re.sub(r"\n{3,}", "\n\n", body).strip()


def check(name: str, subject: str, body: str) -> None:
    """Refuse a wording that could not be sent.

    :raises Refused: with the field ``subject`` or ``body``; it names variables that there are not.
    """
    wording = WORDINGS[name]
    for field, text, most in (("subject", subject, SUBJECT_LENGTH), ("body", body, BODY_LENGTH)):
        unknown = [found for found in _names(text) if found not in wording.variables]
        if unknown:
            sentence = _("There is no variable “%(name)s” here. There are: %(known)s.", name=unknown[0],
                         known=", ".join(wording.variables))  # fmt: skip
            raise Refused(sentence, field)
        if len(text) > most:
            raise Refused(_("This is longer than %(count)s characters.", count=most), field)
        if any(unicodedata.category(char) == "Cc" and char not in "\n\t" for char in text):
            raise Refused(_("The text contains a character that cannot be kept."), field)
    if wording.has_subject and not subject.strip():
        raise Refused(_("Write a subject."), "subject")
    if wording.has_subject and not body.strip():
        raise Refused(_("Write something first."), "body")
    if REPLY in _names(subject):
        raise Refused(_("The reply cannot stand in the subject."), "subject")
    if wording.needs_reply and len(_REPLY_LINE.findall(body)) != 1:
        raise Refused(_("Put {{reply}} on a line of its own, once."), "body")


def change(name: str, language: str, *, subject: str, body: str, by: User) -> MailText:
    """Use other words for a mail in a language.

    :raises Refused: as `check`.
    """
    check(name, subject, body)
    row = find(name, language)
    if row is None:
        row = MailText(name=name, language=language)
        db.session.add(row)
    row.subject, row.body, row.changed_at, row.changed_by_id = subject.strip(), body.strip(), now(), by.id
    record("mail_text.changed", row, by=by)
    return row


def restore(row: MailText, *, by: User) -> None:
    """Use the original words again."""
    record("mail_text.restored", row, by=by)
    db.session.delete(row)


def written(name: str, language: str, values: Mapping[str, Value]) -> Written | None:
    """A mail in the admin's words; None where the original is used."""
    row = find(name, language)
    return None if row is None else fill(row.subject, row.body, values)


def fill(subject: str, body: str, values: Mapping[str, Value]) -> Written:
    """Put values into a wording: the body is Markdown, the values are not."""
    return Written(one_line(_substituted(subject, values)), _substituted(body, values), _as_html(body, values))


def signature(author: User, language: str) -> str:
    """What stands under a reply: the analyst's own signature, then that of the team; "" where there is none."""
    row = find(SIGNATURE, language)
    values = {"analyst.name": Value(author.shown_name),
              "site.name": Value(current_app.extensions["settings"].site.name)}  # fmt: skip
    team = _substituted(row.body, values) if row is not None else ""
    return "\n\n".join(part for part in (mail_choices.of(author).signature, team) if part.strip())


def _names(text: str) -> list[str]:
    return [found[2].strip() for found in _VARIABLE.finditer(text)]


def _substituted(text: str, values: Mapping[str, Value]) -> str:
    def put(found: re.Match[str]) -> str:
        value = values.get(found[2].strip())
        if value is None:
            return found[0]
        return found[1] + value.text if value.text else ""

    return _VARIABLE.sub(put, text)


def _as_html(body: str, values: Mapping[str, Value]) -> str:
    """The body as HTML: laid out with marks that Markdown does not see, which then give way to the values."""
    marks: dict[str, Value] = {}

    def put(found: re.Match[str]) -> str:
        value = values.get(found[2].strip())
        if value is None:
            return found[0]
        mark = f"zq{secrets.token_hex(12)}zq"
        if _ADDRESS.fullmatch(value.text):
            # Whole, so that it can also be where a link leads.
            mark = f"https://{mark}.invalid/"
        marks[mark] = value
        return found[1] + mark if value.text else ""

    html = markdown.render_message(_VARIABLE.sub(put, body))
    for mark, value in marks.items():
        if value.html:
            html = html.replace(f"<p>{mark}</p>", value.html)
        html = html.replace(mark, html_module.escape(value.text))
    # Last, whatever came to stand where.
    return sanitise.clean(html, kind="message")

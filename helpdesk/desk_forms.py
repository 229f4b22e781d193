"""The forms of the desk, and the long lists that its pages choose from."""

from functools import lru_cache
from typing import Any

from flask import request
from flask_wtf import FlaskForm
from markupsafe import Markup, escape
from wtforms import EmailField, RadioField, SelectField, StringField, TextAreaField
from wtforms.validators import Length, ValidationError

from accounts import people
from core.exceptions import Refused
from core.i18n import _, country_choices, language, language_choices
from core.i18n import lazy as _l
from helpdesk import mailboxes
from helpdesk.forms import BODY_LENGTH, FilesMixin, words_needed
from helpdesk.states import MOVES, PRIORITIES, SERVICES, STATES
from kb.topics import topic_choices

# The moves that staff make by choosing a state.
_BY_HAND = ("open", "wait", "solve", "close")


class ReplyForm(FilesMixin, FlaskForm):  # type: ignore[misc] # WTForms has no types.
    """A reply or a note; which of them, says the button that was pressed."""

    body = TextAreaField(_l("Your text"), [Length(max=BODY_LENGTH)])

    def validate_body(self, field: Any) -> None:
        """Text, or at least a file."""
        sent = any(upload.filename for upload in request.files.getlist("files")) or request.form.get("kept_file")
        if not (field.data or "").strip() and not sent and not request.form.get("cites"):
            raise ValidationError(_("Write something, or attach a file."))
        if "\0" in (field.data or ""):
            raise ValidationError(_("The text contains a character that cannot be kept."))


class NewTicketForm(FilesMixin, FlaskForm):  # type: ignore[misc]
    """A ticket that staff open for somebody."""

    email = EmailField(_l("Their e-mail address"), [Length(max=254)])
    name = StringField(_l("Their name"), [Length(max=200)])
    title = StringField(_l("Question in one line"), [words_needed, Length(max=200)])
    body = TextAreaField(_l("Text"), [words_needed, Length(max=BODY_LENGTH)])
    kind = RadioField(_l("What is this text?"), default="note")
    topic = SelectField(_l("Topic"))
    service = SelectField(_l("Service"))
    organisation = StringField(_l("Organisation"), [Length(max=200)])
    country = SelectField(_l("Country"))
    language = SelectField(_l("Language"))

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.kind.choices = [
            ("note", _("A note for us, such as what was said on the phone. Nobody is told.")),
            ("mail", _("A message to them. It is sent by mail, and we wait for their answer.")),
        ]
        self.topic.choices = [("", _("Not sure yet")), *topic_choices()]
        self.service.choices = [(code, str(name)) for code, name in SERVICES.items()]
        self.country.choices = [("", _("As known of them")), *country_choices()]
        self.language.choices = [("", _("As known of them")), *language_choices()]

    def validate_email(self, field: Any) -> None:
        """An address that a mail could go to."""
        try:
            field.data = people.clean_address(field.data or "")
        except Refused as error:
            raise ValidationError(str(error)) from None


def options(kind: str, chosen: str = "", blank: str | None = None) -> Markup:
    """The options of a select: countries, languages, topics, services, priorities or states.

    Long lists are put together once a language, not once a page.

    :param blank: what choosing nothing is called; without it nothing cannot be chosen.
    """
    html = _team_options() if kind == "team" else _option_list(kind, language())
    if chosen:
        value = f'value="{escape(chosen)}"'
        marked = html.replace(f"{value}>", f"{value} selected>", 1)
        html = marked if marked != html else f"<option {value} selected>{escape(chosen)}</option>{html}"
    first = Markup('<option value="">{}</option>').format(blank) if blank is not None else Markup("")
    return first + Markup(html)  # noqa: S704 # Every code and name in it was escaped.


def reachable(state: str) -> list[tuple[str, str]]:
    """The state itself and those that staff can move a ticket to from it, as (code, name)."""
    codes = {MOVES[name][1] for name in _BY_HAND if state in MOVES[name][0]} | {state}
    return [(code, str(name)) for code, name in STATES.items() if code in codes]


def _team_options() -> str:
    return "".join(f'<option value="{escape(name)}">{escape(name)}</option>' for name in mailboxes.teams())


@lru_cache(maxsize=64)
def _option_list(kind: str, _language: str) -> str:
    lists: dict[str, Any] = {
        "country": country_choices,
        "language": language_choices,
        "topic": topic_choices,
        "service": lambda: list(SERVICES.items()),
        "priority": lambda: list(PRIORITIES.items()),
        "state": lambda: list(STATES.items()),
    }
    return "".join(f'<option value="{escape(code)}">{escape(str(name))}</option>' for code, name in lists[kind]())

"""The forms of those who ask."""

from typing import Any

from flask import current_app, request
from flask_wtf import FlaskForm
from werkzeug.datastructures import FileStorage
from wtforms import BooleanField, EmailField, MultipleFileField, SelectField, StringField, TextAreaField
from wtforms.validators import Length, ValidationError

from accounts import people
from core import files
from core.exceptions import Refused, TooLarge
from core.files import StoredFile
from core.i18n import _, country_choices, language_choices
from core.i18n import lazy as _l
from helpdesk.states import SERVICES
from kb.topics import topic_choices

BODY_LENGTH = 100_000


def words_needed(_form: FlaskForm, field: Any) -> None:  # A WTForms field.
    """Refuse blank text and characters that cannot be kept."""
    if not (field.data or "").strip():
        raise ValidationError(_("Please write something here."))


class FilesMixin:
    """Attached files, kept over a failed submit."""

    files = MultipleFileField(_l("Files"))

    def validate_files(self, field: Any) -> None:
        """Keep each file as it is checked, so that it need not be chosen again."""
        self.kept = [token for token in request.form.getlist("kept_file") if files.kept_name(token)]
        limit = most_files()
        for upload in field.data or []:
            if not isinstance(upload, FileStorage) or not upload.filename:
                continue
            if len(self.kept) >= limit:
                raise ValidationError(_("You can attach %(count)s files.", count=limit))
            try:
                self.kept.append(files.keep(upload.stream, upload.filename))
            except TooLarge as error:
                self.too_large = True
                raise ValidationError(str(error)) from None

    kept: list[str] = []
    too_large = False

    @property
    def kept_files(self) -> list[tuple[str, str]]:
        """(text that stands for it, file name) of each file that is kept."""
        return [(token, files.kept_name(token)) for token in self.kept]

    def stored_files(self) -> list[StoredFile]:
        """The kept files, now with rows."""
        return [row for token in self.kept if (row := files.from_kept(token)) is not None]


class AskForm(FilesMixin, FlaskForm):  # type: ignore[misc] # WTForms has no types.
    """A question. A stranger also says who they are."""

    title = StringField(_l("Your question in one line"), [words_needed, Length(max=200)])
    body = TextAreaField(_l("What are you trying to do?"), [words_needed, Length(max=BODY_LENGTH)])
    topic = SelectField(_l("Topic"))
    service = SelectField(_l("What do you need?"))
    organisation = StringField(_l("Organisation"), [Length(max=200)])
    country = SelectField(_l("Country"))
    language = SelectField(_l("Language of the answer"))
    name = StringField(_l("Your name"), [Length(max=200)])
    email = EmailField(_l("E-mail"), [Length(max=254)])
    consent = BooleanField(
        _l("You may publish the question and the answer, without my name, organisation or contact details.")
    )

    def __init__(self, *args: Any, stranger: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.stranger = stranger
        self.topic.choices = [("", _("Not sure")), *topic_choices()]
        self.service.choices = [(code, str(name)) for code, name in SERVICES.items()]
        self.country.choices = [("", _("Choose a country")), *country_choices()]
        self.language.choices = language_choices()
        if not stranger:
            del self.name
            del self.email

    def validate_email(self, field: Any) -> None:
        """Strangers must leave an address that an answer can be sent to."""
        if not (field.data or "").strip():
            raise ValidationError(_("We need an address to send the answer to."))
        try:
            field.data = people.clean_address(field.data)
        except Refused as error:
            raise ValidationError(str(error)) from None


class AnswerForm(FilesMixin, FlaskForm):  # type: ignore[misc]
    """A message by the requester."""

    body = TextAreaField(_l("Your message"), [Length(max=BODY_LENGTH)])

    def validate_body(self, field: Any) -> None:
        """Text, or at least a file."""
        sent = any(upload.filename for upload in request.files.getlist("files")) or request.form.get("kept_file")
        if not (field.data or "").strip() and not sent:
            raise ValidationError(_("Write something, or attach a file."))


def most_files() -> int:
    """How many files may come with one message."""
    return int(current_app.extensions["settings"].files.max_count)

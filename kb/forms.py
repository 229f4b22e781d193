"""The forms of the knowledge base: an article, a past answer, and whether they helped."""

from typing import Any

from flask import current_app, request
from flask_wtf import FlaskForm
from werkzeug.datastructures import FileStorage
from wtforms import (
    HiddenField,
    MultipleFileField,
    RadioField,
    SelectField,
    StringField,
    TextAreaField,
)
from wtforms.validators import Length, ValidationError

from core import files
from core.exceptions import TooLarge
from core.i18n import OWN_NAMES, _, country_choices, language_choices
from core.i18n import lazy as _l
from kb import answers, feedback
from kb.articles import BODY_LENGTH, REASON_LENGTH
from kb.models import CHAMPIONS, DRAFT, MAJOR, MINOR, NORMAL, PUBLIC, STAFF, Answer, Article
from kb.pages import SUMMARY_LENGTH, TITLE_LENGTH, Details, clean_tags
from kb.slugs import is_slug
from kb.topics import TOPICS, topic_choices, topic_name
from kb.writing_models import ArticleChange


def not_blank(_form: FlaskForm, field: Any) -> None:  # A WTForms field.
    """Refuse blank text."""
    if not (field.data or "").strip():
        raise ValidationError(_("Please write something here."))


def keepable(_form: FlaskForm, field: Any) -> None:
    """Refuse characters that the database cannot keep."""
    if "\x00" in (field.data or ""):
        raise ValidationError(_("The text contains a character that cannot be kept."))


class VersionField(HiddenField):  # type: ignore[misc] # WTForms has no types.
    """The version of a row that a page was made from."""

    @property
    def number(self) -> int:
        """As a number; 0 if it is none."""
        text = str(self.data or "")
        return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else 0


class ArticleForm(FlaskForm):  # type: ignore[misc]
    """An article. Files are linked at the end of the text, unless they stand in it already."""

    title = StringField(_l("Title"), [not_blank, keepable, Length(max=TITLE_LENGTH)])
    summary = TextAreaField(_l("Summary in one or two sentences"), [keepable, Length(max=SUMMARY_LENGTH)])
    body = TextAreaField(_l("Text"), [keepable, Length(max=BODY_LENGTH)])
    files = MultipleFileField(_l("Pictures and files"))
    language = SelectField(_l("Language"))
    slug = StringField(_l("Address"), [keepable, Length(max=120)])
    topic = SelectField(_l("Topic"))
    tags = StringField(_l("Tags"), [keepable, Length(max=1000)])
    visibility = SelectField(_l("Who may read it"))
    reason = StringField(_l("What did you change, and why?"), [keepable, Length(max=REASON_LENGTH)])
    significance = SelectField(_l("How much does it change for readers?"), default=NORMAL, validate_choice=False)
    version = VersionField()
    # The version of the change that is kept and not published, 0 for none.
    kept_version = VersionField()
    # The revision that the text was made from.
    base = VersionField()

    def __init__(self, *args: Any, article: Article | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.article = article
        self.kept = [token for token in request.form.getlist("kept_file") if files.kept_name(token)]
        self.too_large = False
        self.visibility.choices = visibility_choices()
        self.significance.choices = significance_choices()
        self.topic.choices = _topics(self.topic.data)
        self.language.choices = _languages(self.language.data)
        if article is not None:
            del self.slug
            del self.language
        else:
            del self.version
            del self.base
            del self.kept_version
            del self.significance

    def validate_slug(self, field: Any) -> None:
        """The address, if somebody chose one."""
        field.data = (field.data or "").strip()
        if field.data and not is_slug(field.data):
            raise ValidationError(_("Only small letters, digits and single hyphens, such as “build-an-ocid”."))

    def validate_files(self, field: Any) -> None:
        """Keep each file as it is checked, so that it need not be chosen again."""
        for upload in field.data or []:
            if not isinstance(upload, FileStorage) or not upload.filename:
                continue
            try:
                self.kept.append(files.keep(upload.stream, upload.filename))
            except TooLarge as error:
                self.too_large = True
                raise ValidationError(str(error)) from None

    @property
    def kept_files(self) -> list[tuple[str, str]]:
        """(text that stands for it, file name) of each file that is kept."""
        return [(token, files.kept_name(token)) for token in self.kept]

    def fill(self, article: Article) -> None:
        """Show what an article says now."""
        self.title.data, self.summary.data, self.body.data = article.title, article.summary, article.body
        self.topic.choices = _topics(article.topic)
        self.topic.data, self.visibility.data = article.topic, article.visibility
        self.tags.data, self.version.data = ", ".join(article.tags), str(article.version)
        self.base.data = str(article.revision_number)

    def fill_change(self, kept: ArticleChange) -> None:
        """Show what the article is to say."""
        self.title.data, self.summary.data, self.body.data = kept.title, kept.summary, kept.body
        self.topic.choices = _topics(kept.topic)
        self.topic.data, self.visibility.data = kept.topic, kept.visibility
        self.tags.data, self.reason.data = ", ".join(kept.tags), kept.reason
        self.significance.data = kept.significance
        self.base.data, self.kept_version.data = str(kept.base_number), str(kept.version)

    def text(self) -> str:
        """The text, its lines ended as we end them."""
        return str(self.body.data or "").replace("\r\n", "\n")

    def details(self) -> Details:
        """The details, with address and language of the article where it has them already."""
        row = self.article
        return Details(
            title=self.title.data or "", summary=self.summary.data or "", topic=self.topic.data,
            slug=row.slug if row is not None else self.slug.data or "",
            language=row.language if row is not None else self.language.data,
            state=row.state if row is not None else DRAFT,
            visibility=self.visibility.data, tags=clean_tags(self.tags.data),
        )  # fmt: skip


class AnswerForm(FlaskForm):  # type: ignore[misc]
    """A past answer."""

    title = StringField(_l("Title"), [not_blank, keepable, Length(max=TITLE_LENGTH)])
    question = TextAreaField(_l("The question"), [keepable, Length(max=answers.TEXT_LENGTH)])
    answer = TextAreaField(_l("The answer"), [keepable, Length(max=answers.TEXT_LENGTH)])
    topic = SelectField(_l("Topic"))
    country = SelectField(_l("Country"))
    language = SelectField(_l("Language"))
    tags = StringField(_l("Tags"), [keepable, Length(max=1000)])
    visibility = SelectField(_l("Who may read it"))
    version = VersionField()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.topic.choices = _topics(self.topic.data)
        self.country.choices = [("", _("Do not say")), *country_choices()]
        self.language.choices = _languages(self.language.data)
        self.visibility.choices = visibility_choices()

    def fill(self, row: Answer) -> None:
        """Show what a past answer says now."""
        for name in ("title", "question", "answer", "topic", "country", "language", "visibility"):
            self[name].data = getattr(row, name)
        self.topic.choices, self.language.choices = _topics(row.topic), _languages(row.language)
        self.tags.data, self.version.data = ", ".join(row.tags), str(row.version)

    def words(self) -> answers.Words:
        """What was typed."""
        return answers.Words(
            title=self.title.data or "", question=self.question.data or "", answer=self.answer.data or "",
            topic=self.topic.data, country=self.country.data, language=self.language.data,
            tags=clean_tags(self.tags.data), visibility=self.visibility.data,
        )  # fmt: skip


class BasisForm(FlaskForm):  # type: ignore[misc]
    """Why a past answer may be published."""

    basis = RadioField(_l("Why may this be published?"))

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.basis.choices = [
            (answers.CONSENT, _("The person who asked agreed.")),
            (answers.NOTHING_PERSONAL, _("I have read it: nothing in it belongs to the person who asked.")),
        ]


class FeedbackForm(FlaskForm):  # type: ignore[misc]
    """Whether a text helped."""

    helpful = RadioField(_l("Was this helpful?"))
    comment = TextAreaField(_l("What was missing, or wrong?"), [keepable, Length(max=feedback.COMMENT_LENGTH)])

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.helpful.choices = [("yes", _("Yes")), ("no", _("No"))]


def significance_choices() -> list[tuple[str, str]]:
    """(code, name) of how much a change means to those who read or translate a text."""
    return [
        (MINOR, _("A little: spelling, a link, the layout")),
        (NORMAL, _("Some: translations have to follow")),
        (MAJOR, _("Much: it says something else now")),
    ]


def visibility_choices() -> list[tuple[str, str]]:
    """(code, name) of who may read a text."""
    return [(PUBLIC, _("Everyone")), (CHAMPIONS, _("Champions and staff")), (STAFF, _("Staff only"))]


def _topics(chosen: str | None) -> list[tuple[str, str]]:
    own = [(chosen, topic_name(chosen))] if chosen and chosen not in TOPICS else []
    return [*own, *topic_choices()]


def _languages(chosen: str | None) -> list[tuple[str, str]]:
    """The languages of the site first, then all others."""
    first = [(code, OWN_NAMES.get(code, code)) for code in current_app.config["LANGUAGES"]]
    known = {code for code, _name in first}
    rest = [(code, name) for code, name in language_choices() if code not in known]
    own = [(chosen, chosen)] if chosen and chosen not in known | {code for code, _name in rest} else []
    return [*first, *own, *rest]

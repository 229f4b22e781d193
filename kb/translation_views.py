"""The translator's pages: what is to be done, source and translation side by side, files for translators' tools."""

from typing import Any

from flask import Response, abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_wtf import FlaskForm
from sqlalchemy.orm import undefer
from sqlalchemy.orm.exc import StaleDataError
from wtforms import BooleanField, HiddenField, StringField, TextAreaField
from wtforms.validators import Length, ValidationError

from core.db import db
from core.exceptions import Refused
from core.i18n import _, language_name
from core.i18n import language as interface_language
from core.i18n import lazy as _l
from core.policy import permits, require
from core.web import person, see_other
from kb import translating, translation_files, translation_list, translations
from kb.forms import VersionField, keepable, not_blank
from kb.models import Article
from kb.pages import SUMMARY_LENGTH, TITLE_LENGTH
from kb.sections import Row
from kb.slugs import is_language, is_slug
from kb.translating import Words
from kb.views import bp, find_article


class TranslationForm(FlaskForm):  # type: ignore[misc] # WTForms has no types.
    """A translation, section by section; ``texts`` are the sections as they were typed."""

    title = StringField(_l("Title"), [not_blank, keepable, Length(max=TITLE_LENGTH)])
    summary = TextAreaField(_l("Summary in one or two sentences"), [keepable, Length(max=SUMMARY_LENGTH)])
    slug = StringField(_l("Address"), [keepable, Length(max=120)])
    version = VersionField()
    number = HiddenField()
    is_current = BooleanField(_l("This translation says what the source says now"))

    def validate_slug(self, field: Any) -> None:
        """The address, if somebody chose one."""
        field.data = (field.data or "").strip()
        if field.data and not is_slug(field.data):
            raise ValidationError(_("Only small letters, digits and single hyphens, such as “build-an-ocid”."))

    @property
    def texts(self) -> list[str]:
        """What was typed, a text for each section, its lines ended as we end them."""
        return [text.replace("\r\n", "\n") for text in request.form.getlist("text")]

    @property
    def source_number(self) -> int:
        """The version of the source that the page was made from."""
        text = str(self.number.data or "")
        return int(text) if text.isascii() and text.isdigit() and len(text) < 9 else 0


@bp.get("/kb/translations")
@permits("article.add")
def translation_work() -> ResponseReturnValue:
    """What is to be translated into a language, what most people read first."""
    languages = translation_list.languages()
    code = request.args.get("language", "")
    code = code if is_language(code) else interface_language()
    if code == "en" and "language" not in request.args:
        code = next((each for each in languages if each != "en"), code)
    state = request.args.get("state", "")
    work = translation_list.work(code, person(), state=state, after=request.args.get("after", ""))
    return render_template(
        "kb/translations.html", work=work, code=code, state=state, offered=languages, states=translation_list.STATES,
        names=translation_list.names(),
    )  # fmt: skip


@bp.get("/kb/<language>/<slug>/translate/<to>")
@permits("article.edit")
def translate(language: str, slug: str, to: str) -> ResponseReturnValue:
    """The source on the left, the translation on the right, section by section."""
    source, row = _pair(language, slug, to)
    form = TranslationForm(None)
    version = translating.revision(source, 0)
    rows = translating.rows(version, row)
    form.number.data = str(version.number)
    if row is not None:
        form.title.data, form.summary.data, form.slug.data = row.title, row.summary, row.slug
        form.version.data = str(row.version)
    return _page(form, (source, row), to, [(each, each.text) for each in rows])


@bp.post("/kb/<language>/<slug>/translate/<to>")
@permits("article.edit")
def save_translation(language: str, slug: str, to: str) -> ResponseReturnValue:
    """Keep a translation, and come back to the section that was written."""
    source, row = _pair(language, slug, to)
    form = TranslationForm()
    version = translating.revision(source, form.source_number)
    rows = translating.rows(version, row)
    texts = form.texts
    if (row is not None and form.version.number != row.version) or len(texts) != len(rows):
        return _conflict(form, source, row, to, texts)
    if not form.validate_on_submit():
        return _page(form, (source, row), to, list(zip(rows, texts, strict=True))), 422
    try:
        body = translating.typed(rows, texts)
        words = Words(form.title.data or "", form.summary.data or "", body, form.slug.data or "")
        saved = translating.save(
            source, row, to, words, by=person(), number=version.number, is_current=bool(form.is_current.data)
        )
    except Refused as error:
        field = form[error.field if error.field in form else "title"]
        field.errors = [*field.errors, str(error)]
        return _page(form, (source, row), to, list(zip(rows, texts, strict=True))), 422
    except StaleDataError:
        db.session.rollback()
        return _conflict(form, *_pair(language, slug, to), to, texts)
    flash(f"translation-{source.id}-{to}", "draft-done")
    flash(_("The translation is kept. It says what version %(number)s of the source says.", number=version.number)
          if translations.behind(saved) is None else _("The translation is kept."), "success")  # fmt: skip
    at = request.form.get("at", "")
    if at.isascii() and at.isdigit() and len(at) < 5:
        return see_other(url_for(".translate", language=language, slug=slug, to=to, _anchor=f"section-{at}"))
    return see_other(url_for(".article", language=saved.language, slug=saved.slug))


@bp.get("/kb/<language>/<slug>/translate/<to>/file.po")
@permits("article.edit")
def translation_file(language: str, slug: str, to: str) -> ResponseReturnValue:
    """The translation as a file for translators' tools."""
    source, row = _pair(language, slug, to)
    response = Response(translation_files.write(source, row, to), mimetype="text/x-gettext-translation")
    response.headers.set("Content-Disposition", "attachment", filename=f"{source.slug}.{to}.po")
    return response


@bp.post("/kb/<language>/<slug>/translate/<to>/file.po")
@permits("article.edit")
def read_translation_file(language: str, slug: str, to: str) -> ResponseReturnValue:
    """Bring back a file from a translators' tool, and say what became of it."""
    source, row = _pair(language, slug, to)
    upload = request.files.get("file")
    problem, report = "", None
    if upload is None or not upload.filename:
        problem = str(_("Please choose a file."))
    else:
        try:
            content = upload.stream.read(translation_files.LARGEST + 1)
            row, report = translation_files.read(content, source, row, to, by=person())
        except Refused as error:
            problem = str(error)
    page = render_template(
        "kb/translation_file.html", source=source, article=row, to=to, problem=problem, report=report
    )
    return page, 422 if problem else 200


@bp.post("/kb/<language>/<slug>/source")
@permits("article.edit")
def set_source(language: str, slug: str) -> ResponseReturnValue:
    """Say of which article this one is a translation, by its address; or, left empty, that it is none."""
    row = _find(language, slug)
    typed = request.form.get("source", "").strip().rstrip("/").split("/")[-2:]
    if typed == [""]:
        translations.link(row, None, by=person())
        flash(_("The article stands by itself now."), "success")
    else:
        source = find_article(typed[0], typed[1]) if len(typed) == 2 else None
        if source is None:
            raise Refused(_("There is no article at this address."), "source")
        translations.link(row, source, by=person())
        flash(_("The article is a translation of “%(title)s” now.", title=source.title), "success")
    return redirect(url_for(".article", language=language, slug=slug), 303)


def _find(language: str, slug: str) -> Article:
    wanted = (Article.body, Article.links, Article.front_matter)
    row = find_article(language, slug, *(undefer(column) for column in wanted))
    if row is None:
        abort(404)
    require(person(), "article.edit", row, seen_by="article.see")
    return row


def _pair(language: str, slug: str, to: str) -> tuple[Article, Article | None]:
    """The source of an article, and its translation if there is one."""
    source = translations.source_of(_find(language, slug))
    require(person(), "article.edit", source, seen_by="article.see")
    if not is_language(to) or to == source.language or language_name(to) == to:
        abort(404)
    row = translations.find(source, to)
    if row is not None:
        require(person(), "article.edit", row, seen_by="article.see")
    return source, row


def _page(
    form: TranslationForm, pair: tuple[Article, Article | None], to: str, rows: list[tuple[Row, str]], **more: Any
) -> str:
    source, row = pair
    return render_template(
        "kb/translate.html", form=form, source=source, article=row, to=to, rows=rows,
        behind=translations.behind(row) if row is not None else None, action=request.path,
        waiting=translation_files.count_waiting(row) if row is not None else 0, **more,
    )  # fmt: skip


def _conflict(
    form: TranslationForm, source: Article, row: Article | None, to: str, texts: list[str]
) -> ResponseReturnValue:
    """Somebody else was quicker: show theirs with what was typed below it, so that nothing is lost."""
    version = translating.revision(source, 0)
    rows = translating.rows(version, row)
    form.number.data, form.version.data = str(version.number), str(row.version) if row is not None else ""
    shown = texts if len(texts) == len(rows) else [each.text for each in rows]
    kept = "" if shown is texts else "\n\n".join(text for text in texts if text.strip())
    return _page(form, (source, row), to, list(zip(rows, shown, strict=True)), conflict=True, kept=kept), 409

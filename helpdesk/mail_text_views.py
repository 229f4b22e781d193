"""Changing the wording of mails, in each language, with a preview."""

from typing import Any

from flask import Blueprint, Flask, abort, current_app, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_wtf import FlaskForm
from wtforms import HiddenField, StringField, TextAreaField

from core import markdown
from core.exceptions import Refused
from core.i18n import OWN_NAMES, _, in_language
from core.i18n import lazy as _l
from core.policy import permits
from core.web import external, person
from helpdesk import mail_texts
from helpdesk.mail_texts import WORDINGS, Value, Wording, Written

bp = Blueprint("mail_texts", __name__, url_prefix="/admin/mail-templates")


class TextForm(FlaskForm):  # type: ignore[misc] # WTForms has no types.
    """The words of one mail in one language."""

    subject = StringField(_l("Subject"))
    body = TextAreaField(_l("Text"))
    version = HiddenField()


def register(app: Flask) -> None:
    """Add the routes."""
    app.register_blueprint(bp)


@bp.get("")
@permits("mail.word")
def index() -> ResponseReturnValue:
    """Every mail whose wording can be changed, and where it was."""
    return render_template(
        "helpdesk/mail_texts.html", wordings=WORDINGS.values(), offered=_languages(), changed=mail_texts.changed()
    )


@bp.get("/<name>/<language>")
@permits("mail.word")
def edit(name: str, language: str) -> ResponseReturnValue:
    """The words of a mail as they are now."""
    wording = _wording(name, language)
    row = mail_texts.find(name, language)
    form = TextForm(None)
    form.subject.data, form.body.data = (row.subject, row.body) if row else mail_texts.original(name, language)
    form.version.data = str(row.version if row else 0)
    return _page(wording, language, form)


@bp.post("/<name>/<language>")
@permits("mail.word")
def keep(name: str, language: str) -> ResponseReturnValue:
    """Keep the words, show how they look, or go back to the original; the button that was pressed says which."""
    wording = _wording(name, language)
    row = mail_texts.find(name, language)
    if request.form.get("do") == "original":
        if row is not None:
            mail_texts.restore(row, by=person())
        flash(_("The original words are used again."), "success")
        return redirect(url_for(".edit", name=name, language=language), 303)
    form = TextForm()
    subject = " ".join((form.subject.data or "").split()) if wording.has_subject else ""
    body = (form.body.data or "").replace("\r\n", "\n").strip()
    try:
        mail_texts.check(name, subject, body)
    except Refused as refused:
        form[refused.field or "body"].errors = [str(refused)]
        return _page(wording, language, form), 422
    if request.form.get("do") == "preview":
        return _page(wording, language, form)
    if form.version.data not in ("", None, str(row.version if row else 0)):
        form.form_errors = [_("Somebody else changed this meanwhile. Your words are kept here; look at theirs first.")]
        form.version.data = str(row.version if row else 0)
        return _page(wording, language, form), 409
    if not body:
        # Only a signature may be empty: that is the original of it.
        if row is not None:
            mail_texts.restore(row, by=person())
    else:
        mail_texts.change(name, language, subject=subject, body=body, by=person())
    flash(_("These words are used from now on."), "success")
    return redirect(url_for(".edit", name=name, language=language), 303)


def _page(wording: Wording, language: str, form: TextForm) -> str:
    is_sound = not form.subject.errors and not form.body.errors
    return render_template(
        "helpdesk/mail_text.html", wording=wording, language=language, form=form, offered=_languages(),
        is_changed=mail_texts.find(wording.name, language) is not None,
        preview=_preview(language, form) if is_sound else None,
    )  # fmt: skip


def _preview(language: str, form: TextForm) -> Written:
    """The mail with made-up values."""
    with in_language(language):
        reply = _("You can ask for a prefix on the registration page. It takes **a day or two**.")
        values = {
            "ticket.number": Value("1039"), "ticket.title": Value(_("Which prefix do we use?")),
            "ticket.link": Value(external("helpdesk.show", number=1039)), "requester.name": Value("Amina Diallo"),
            "recipient.name": Value("Amina Diallo"), "analyst.name": Value(person().shown_name),
            "site.name": Value(current_app.extensions["settings"].site.name),
            "link.days": Value(str(current_app.extensions["settings"].security.ticket_link_days)),
            "reply": Value(reply, markdown.render_message(reply)),
        }  # fmt: skip
    return mail_texts.fill(form.subject.data or "", form.body.data or "", values)


def _wording(name: str, language: str) -> Wording:
    if name not in WORDINGS or language not in current_app.config["LANGUAGES"]:
        abort(404)
    return WORDINGS[name]


def _languages() -> list[tuple[str, Any]]:
    return [(code, OWN_NAMES.get(code, code)) for code in current_app.config["LANGUAGES"]]

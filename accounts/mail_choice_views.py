"""Which mails one wants, one's signature, and leaving a list by one click from a mail (RFC 8058)."""

import unicodedata
from typing import Any

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_wtf import FlaskForm
from wtforms import BooleanField, HiddenField, TextAreaField
from wtforms.validators import Length, ValidationError

from accounts import mail_choices
from accounts.mail_choices import SIGNATURE_LENGTH
from accounts.models import User
from accounts.views import bp
from core.i18n import _
from core.i18n import lazy as _l
from core.policy import permits
from core.web import person, signed_post


class MailChoiceForm(FlaskForm):  # type: ignore[misc] # WTForms has no types.
    """What a person may choose: champions digests, staff notices and a signature."""

    wants_digest = BooleanField(_l("Once a week, mail me the new past answers on my topics"))
    wants_notices = BooleanField(_l("Mail me when a ticket of mine is answered, assigned or needs attention"))
    signature = TextAreaField(_l("Signature under my replies"), [Length(max=SIGNATURE_LENGTH)])
    version = HiddenField()

    def __init__(self, *args: Any, of: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not of.is_champion:
            del self.wants_digest
        if not of.is_staff:
            del self.wants_notices
            del self.signature

    def validate_signature(self, field: Any) -> None:
        """Plain text of a few lines."""
        field.data = "\n".join(line.rstrip() for line in (field.data or "").strip().splitlines())
        if any(unicodedata.category(char) == "Cc" and char != "\n" for char in field.data):
            raise ValidationError(_("The text contains a character that cannot be kept."))


@bp.get("/profile/mail")
@permits("profile.edit")
def mail_choice() -> ResponseReturnValue:
    """Which mails one wants."""
    who: User = person()
    choice = mail_choices.of(who)
    form = MailChoiceForm(None, of=who, obj=choice)
    form.version.data = str(choice.version or 0)
    return render_template("accounts/mail_choice.html", form=form)


@bp.post("/profile/mail")
@permits("profile.edit")
def keep_mail_choice() -> ResponseReturnValue:
    """Keep what was chosen."""
    who: User = person()
    form = MailChoiceForm(of=who)
    if not form.validate_on_submit():
        return render_template("accounts/mail_choice.html", form=form), 422
    current = str(mail_choices.of(who).version or 0)
    if form.version.data not in ("", None, current):
        form.form_errors.append(_("This was changed meanwhile. Look it over and save it again."))
        form.version.data = current
        return render_template("accounts/mail_choice.html", form=form), 409
    given = {name: form[name].data for name in ("wants_digest", "wants_notices", "signature") if name in form}
    mail_choices.choose(who, by=who, **given)
    flash(_("Your choice is saved."), "success")
    return redirect(url_for(".mail_choice"), 303)


@bp.get("/mail/unsubscribe/<token>")
@permits("site.sign_in")
def unsubscribe(token: str) -> ResponseReturnValue:
    """A page with one button: programs that read mail open every link, and must not take anybody from a list."""
    found = mail_choices.read_token(token)
    if found is None:
        return render_template("accounts/unsubscribe.html", name="", is_done=False), 404
    return render_template("accounts/unsubscribe.html", name=found[1], is_done=False)


@bp.post("/mail/unsubscribe/<token>")
@permits("site.sign_in")
@signed_post
def leave_list(token: str) -> ResponseReturnValue:
    """Take whom the link was made for from its list; a mail program may ask for that by itself."""
    found = mail_choices.read_token(token)
    if found is None:
        return render_template("accounts/unsubscribe.html", name="", is_done=False), 404
    mail_choices.end(*found)
    if request.form.get("List-Unsubscribe") == "One-Click" and "page" not in request.form:
        return "", 200, {"Content-Type": "text/plain; charset=utf-8"}
    return render_template("accounts/unsubscribe.html", name=found[1], is_done=True)

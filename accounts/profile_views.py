"""One's own profile, password, sign-ins and tokens."""

from flask import current_app, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import select

from accounts import people, sign_ins
from accounts.browsers import described
from accounts.forms import DetailsForm, PasswordForm, TokenForm, show_refusal
from accounts.models import ApiToken, SignIn, User
from accounts.views import bp, cleared, found, needs_password
from core import limits
from core.db import db, now
from core.exceptions import NotNow, Refused
from core.i18n import _
from core.policy import permits
from core.web import person

PASSWORD_WINDOW = 900


@bp.get("/profile")
@permits("profile.edit")
def profile() -> ResponseReturnValue:
    """What is known of oneself."""
    return _profile_page(DetailsForm(of=person()))


@bp.post("/profile")
@permits("profile.edit")
def keep_profile() -> ResponseReturnValue:
    """Change what is known of oneself."""
    who: User = person()
    form = DetailsForm(of=who)
    if not form.validate_on_submit():
        return _profile_page(form), 422
    if form.version.data != str(who.version):
        form.form_errors.append(_("This was changed meanwhile, by you elsewhere or by the helpdesk. "
                                  "Look it over and save it again."))  # fmt: skip
        form.version.data = str(who.version)
        return _profile_page(form), 409
    people.change(who, by=who, **form.details())
    flash(_("Your profile is saved."), "success")
    return redirect(url_for(".profile"), 303)


@bp.get("/profile/security")
@permits("profile.edit")
def security() -> ResponseReturnValue:
    """One's password and sign-ins."""
    return _security_page(PasswordForm(None, needs_current=needs_password(person())))


@bp.post("/profile/password")
@permits("profile.edit")
def change_password() -> ResponseReturnValue:
    """Set a new password. Every other sign-in ends; the one of this browser goes on, as a new one."""
    who: User = person()
    form = PasswordForm(needs_current=needs_password(who))
    if not form.validate_on_submit():
        return _security_page(form), 422
    settings = current_app.extensions["settings"].limits
    limits.hit("current-password", str(who.id), settings.sign_in_per_account, PASSWORD_WINDOW)
    stored, email = who.password_hash, who.email
    current = form.current.data or "" if "current" in form else None
    # Hashing takes a while: no lock is held meanwhile.
    db.session.rollback()
    if current is not None and not people.is_password(stored, current):
        form.current.errors = [_("This is not your password.")]
        return _security_page(form), 422
    try:
        hashed = people.new_password_hash(form.password.data or "", email)
    except Refused as refused:
        show_refusal(form, refused)
        return _security_page(form), 422
    people.set_password_hash(who, hashed, by=who)
    sign_ins.begin(who)
    flash(_("Your new password is set. You are signed out everywhere else."), "success")
    return redirect(url_for(".security"), 303)


@bp.post("/profile/sign-ins/<int:number>/end")
@permits("sign_in.end")
def end_sign_in(number: int) -> ResponseReturnValue:
    """End one of one's sign-ins."""
    row = found(SignIn, number, "sign_in.end")
    if sign_ins.is_this(row):
        sign_ins.end()
        flash(_("You are signed out."), "success")
        return cleared(redirect(url_for(".sign_in"), 303))
    sign_ins.end_one(row, by=person())
    flash(_("That sign-in has ended."), "success")
    return redirect(url_for(".security"), 303)


@bp.post("/profile/sign-out-everywhere")
@permits("profile.edit")
def sign_out_everywhere() -> ResponseReturnValue:
    """End every sign-in, this one too."""
    who: User = person()
    sign_ins.sign_out_everywhere(who, by=who)
    sign_ins.end()
    flash(_("You are signed out everywhere."), "success")
    return cleared(redirect(url_for(".sign_in"), 303))


@bp.get("/profile/tokens")
@permits("profile.edit")
def tokens() -> ResponseReturnValue:
    """One's tokens."""
    return _tokens_page(TokenForm(None, of=person()))


@bp.post("/profile/tokens")
@permits("profile.edit")
def make_token() -> ResponseReturnValue:
    """Make a token, and show it this once."""
    who: User = person()
    form = TokenForm(of=who)
    if not form.validate_on_submit():
        return _tokens_page(form), 422
    try:
        made = sign_ins.make_token(who, form.scopes.data or [], name=form.name.data or "", days=form.days.data)
    except NotNow as error:
        form.form_errors.append(str(error))
        return _tokens_page(form), 409
    db.session.flush()
    return _tokens_page(TokenForm(None, of=who), made=made, name=form.name.data or ""), 201


@bp.post("/profile/tokens/<int:number>/revoke")
@permits("token.revoke")
def revoke_token(number: int) -> ResponseReturnValue:
    """End a token; an admin, anybody's."""
    token = found(ApiToken, number, "token.revoke")
    sign_ins.revoke(token, by=person())
    flash(_("The token “%(name)s” works no more.", name=token.name or token.prefix), "success")
    if token.user_id != person().id:
        return redirect(url_for("people.show", number=token.user_id), 303)
    return redirect(url_for(".tokens"), 303)


def _profile_page(form: DetailsForm) -> str:
    return render_template("accounts/profile.html", form=form)


def _security_page(form: PasswordForm) -> str:
    who: User = person()
    rows = db.session.scalars(
        select(SignIn)
        .where(SignIn.user_id == who.id, SignIn.epoch == who.epoch, SignIn.expires_at > now())
        .order_by(SignIn.id.desc())
        .limit(50)
    ).all()
    return render_template(
        "accounts/security.html", form=form, rows=rows, is_this=sign_ins.is_this, described=described,
        minimum=people.MINIMUM_PASSWORD, hours=current_app.extensions["settings"].security.session_hours,
    )  # fmt: skip


def _tokens_page(form: TokenForm, *, made: str = "", name: str = "") -> str:
    return render_template(
        "accounts/tokens.html", form=form, tokens=sign_ins.tokens_of(person()), made=made, made_name=name
    )

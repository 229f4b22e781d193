"""Signing in and out, and the choice of language and colours."""

import secrets
from dataclasses import dataclass
from typing import TypeVar

from flask import Blueprint, Flask, abort, current_app, flash, redirect, render_template, request, session, url_for
from flask.typing import ResponseReturnValue
from werkzeug.wrappers import Response

import accounts.policy  # noqa: F401 # Importing it defines the permissions.
from accounts import links, people, sign_ins
from accounts.forms import LinkForm, SignInForm
from accounts.models import User, find
from core import jobs, limits, signing
from core.db import Model, db
from core.exceptions import TooMany
from core.i18n import _, language
from core.policy import permits, require
from core.web import THEMES, person, safe_next

bp = Blueprint("accounts", __name__)

PASSWORD_WINDOW = 900
LINK_WINDOW = 3600
YEAR = 365 * 86400
KNOWN_BROWSER = "known-browser"
BIGGEST_NUMBER = 2**63

Row = TypeVar("Row", bound=Model)


def register(app: Flask) -> None:
    """Add the routes."""
    # Importing them adds their routes to this blueprint.
    from accounts import mail_choice_views, profile_views  # noqa: F401

    app.register_blueprint(bp)


@bp.get("/sign-in")
@permits("site.sign_in")
def sign_in() -> ResponseReturnValue:
    """The sign-in page."""
    target = request.args.get("next", "")
    who = person()
    if who is not None:
        return redirect(safe_next(target, usual_place(who)))
    form = SignInForm(None)
    form.next.data = safe_next(target, "")
    return _sign_in_page(form)


@bp.post("/sign-in")
@permits("site.sign_in")
def try_password() -> ResponseReturnValue:
    """Sign in by password."""
    form = SignInForm()
    if not form.validate_on_submit():
        return _sign_in_page(form), 422
    email, password = form.email.data or "", form.password.data or ""
    user = find(email)
    tries = _tries(email, user)
    try:
        for each in tries:
            # Counted before the password is looked at, so that many tries at once are no way around.
            limits.hit(each.what, each.whom, each.limit, PASSWORD_WINDOW)
    except TooMany as refusal:
        form.form_errors.append(_("%(sentence)s Or have a link mailed to you.", sentence=refusal))
        return _sign_in_page(form), 429, {"Retry-After": str(refusal.retry_after)}
    stored = user.password_hash if user is not None else ""
    # Hashing takes a while: no lock is held meanwhile.
    db.session.rollback()
    is_right = people.is_password(stored, password)
    if user is None or not is_right or user.is_disabled:
        form.form_errors.append(_("This address and this password do not belong together."))
        return _sign_in_page(form), 422
    for each in tries:
        limits.seconds_left(each.what, each.whom, each.limit, PASSWORD_WINDOW, add=-1)
    sign_ins.begin(user)
    return _entered(user, form.next.data)


@bp.post("/sign-in/link")
@permits("site.sign_in")
def send_link() -> ResponseReturnValue:
    """Mail a sign-in link. The answer is the same for every address: the worker looks up, later, whose it is."""
    settings = current_app.extensions["settings"].limits
    form = LinkForm()
    if not form.validate_on_submit():
        again = SignInForm()
        again.email.errors = list(form.email.errors)
        return _sign_in_page(again), 422
    limits.hit("link-from", limits.network_address(), settings.links_per_address, LINK_WINDOW)
    email = str(form.email.data)
    if not limits.seconds_left("link", email, settings.links_per_person, LINK_WINDOW, add=1):
        jobs.enqueue(
            "accounts.mail_link", email=email, next_path=safe_next(form.next.data or "", ""), language=language()
        )
    session["link_for"] = email
    return redirect(url_for(".link_sent"), 303)


@bp.get("/sign-in/sent")
@permits("site.sign_in")
def link_sent() -> ResponseReturnValue:
    """What to do next, after a link was asked for."""
    if "link_for" not in session:
        return redirect(url_for(".sign_in"))
    settings = current_app.extensions["settings"]
    return render_template(
        "accounts/link_sent.html", email=session["link_for"], minutes=settings.security.link_minutes,
        most=settings.limits.links_per_person,
    )  # fmt: skip


@bp.get("/sign-in/<token>")
@permits("site.sign_in")
def open_link(token: str) -> ResponseReturnValue:
    """A page with one button: the link is only used up by pressing it, as programs that read mail open every link."""
    link = links.find(token)
    if link is None:
        return _link_ended()
    return render_template("accounts/open_link.html", user=link.user)


@bp.post("/sign-in/<token>")
@permits("site.sign_in")
def use_link(token: str) -> ResponseReturnValue:
    """Sign in by link, once."""
    link = links.redeem(token)
    if link is None:
        return _link_ended()
    user: User = link.user
    people.confirm_address(user)
    sign_ins.begin(user, by_link=True)
    return _entered(user, link.next_path)


@bp.post("/sign-out")
@permits("site.sign_in")
def sign_out() -> ResponseReturnValue:
    """Sign out of this browser."""
    sign_ins.end()
    flash(_("You are signed out."), "success")
    return cleared(redirect(url_for("portal.home"), 303))


@bp.post("/language")
@permits("site.sign_in")
def choose_language() -> ResponseReturnValue:
    """Keep the language in the person's profile, and in this browser."""
    code = request.form.get("language", "")
    response = redirect(safe_next(request.form.get("next", ""), "/"), 303)
    if code in current_app.config["LANGUAGES"]:
        who = person()
        if who is not None:
            people.change(who, by=who, language=code)
        _keep(response, "language", code)
    return response


@bp.get("/language/<code>")
@permits("site.sign_in")
def language_of_browser(code: str) -> ResponseReturnValue:
    """Keep the language in this browser alone."""
    response = redirect(safe_next(request.args.get("next", ""), "/"))
    if code in current_app.config["LANGUAGES"]:
        _keep(response, "language", code)
    return response


@bp.get("/theme/<name>")
@permits("site.sign_in")
def theme(name: str) -> ResponseReturnValue:
    """Keep the colours in this browser."""
    response = redirect(safe_next(request.args.get("next", ""), "/"))
    if name in THEMES:
        # The script of the switch writes it too, so it must be able to read it.
        _keep(response, "theme", name, for_scripts=True)
    return response


def found(kind: type[Row], number: int, permission: str, *, seen_by: str = "") -> Row:
    """A row that the person may do this to; for all others there is no such page.

    :param seen_by: whoever has this permission is told that they may not, rather than that there is nothing.
    """
    row = db.session.get(kind, number) if number < BIGGEST_NUMBER else None
    if row is None:
        abort(404)
    require(person(), permission, row, seen_by=seen_by)
    return row


def usual_place(user: User) -> str:
    """Where a person goes after signing in: to their work."""
    if user.is_staff:
        return "/desk"
    return "/peers/" if user.is_champion else "/tickets"


def cleared(response: Response) -> Response:
    """Have the browser forget pages and drafts: the next person at this machine must not find them.

    Its cookies stay: the session is over in any case, and language and colours belong to the browser.
    """
    response.headers["Clear-Site-Data"] = '"cache", "storage"'
    return response


def needs_password(user: User) -> bool:
    """Whether the old password is asked for before a new one is set."""
    return user.has_account and not sign_ins.came_by_link()


@dataclass(frozen=True)
class _Try:
    """One count of wrong passwords."""

    what: str
    whom: str
    limit: int


def _tries(email: str, user: User | None) -> list[_Try]:
    """The counts that a try adds to.

    A browser from which this person has signed in before has a count of its own, so that nobody can lock them out by
    trying passwords from elsewhere.
    """
    settings = current_app.extensions["settings"].limits
    known = signing.unsign(KNOWN_BROWSER, request.cookies.get(_cookie_name(KNOWN_BROWSER), ""), YEAR)
    if user is not None and isinstance(known, list) and len(known) == 2 and known[0] == user.id:
        return [_Try("password-known", f"{user.id} {known[1]}", settings.sign_in_per_account)]
    return [
        _Try("password", email, settings.sign_in_per_account),
        _Try("password-from", limits.network_address(), settings.sign_in_per_address),
    ]


def _entered(user: User, target: str | None) -> Response:
    response = redirect(safe_next(target or "", usual_place(user)))
    known = signing.sign(KNOWN_BROWSER, [user.id, secrets.token_hex(8)])
    _keep(response, _cookie_name(KNOWN_BROWSER), known)
    return response


def _keep(response: Response, name: str, value: str, *, for_scripts: bool = False) -> None:
    response.set_cookie(
        name, value, max_age=YEAR, secure=current_app.config["SESSION_COOKIE_SECURE"], httponly=not for_scripts,
        samesite="Lax", path="/",
    )  # fmt: skip


def _cookie_name(name: str) -> str:
    """With the prefix that makes browsers refuse it from a neighbouring site, where there is HTTPS."""
    return f"__Host-{name}" if current_app.config["SESSION_COOKIE_SECURE"] else name


def _sign_in_page(form: SignInForm) -> str:
    minutes = current_app.extensions["settings"].security.link_minutes
    return render_template("accounts/sign_in.html", form=form, minutes=minutes)


def _link_ended() -> ResponseReturnValue:
    return render_template("accounts/link_ended.html", form=LinkForm(None)), 404

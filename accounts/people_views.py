"""People and organisations, for staff."""

from typing import Any

from flask import Blueprint, Flask, current_app, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import Select, func, or_, select

from accounts import organisations, people, sign_ins
from accounts.forms import AddPersonForm, EditPersonForm, OrganisationForm, RolesForm, show_refusal
from accounts.models import Organisation, Role, SignIn, User
from accounts.organisations import KINDS
from accounts.roles import REQUESTER, ROLES
from accounts.views import LINK_WINDOW, found
from core import limits, pager
from core.db import db
from core.events import Event, history
from core.exceptions import Refused
from core.i18n import _, country_choices
from core.policy import can, permits
from core.web import person

bp = Blueprint("people", __name__, url_prefix="/admin")

PAGE_SIZE = 50
LONGEST_SEARCH = 200
# The lists can be read in either order; each has an index.
BY_NAME = ((User.name, False), (User.id, False))
NEWEST = ((User.id, True),)


def register(app: Flask) -> None:
    """Add the routes."""
    app.register_blueprint(bp)


@bp.get("/people")
@permits("people.list")
def index() -> ResponseReturnValue:
    """Everyone, searched and filtered."""
    chosen = {name: request.args.get(name, "")[:LONGEST_SEARCH] for name in ("q", "role", "country", "state", "order")}
    organisation = _organisation(request.args.get("organisation", 0, int))
    statement = _matching(chosen, organisation)
    order = BY_NAME if chosen["order"] == "name" else NEWEST
    page = pager.page(
        statement, order, after=request.args.get("after", ""), before=request.args.get("before", ""), size=PAGE_SIZE
    )
    return render_template(
        "accounts/people.html", page=page, count=pager.capped_count(statement), chosen=chosen,
        organisation=organisation, roles=ROLES, countries=country_choices(),
        is_filtered=organisation is not None or any(chosen.values()),
    )  # fmt: skip


@bp.get("/people/new")
@permits("people.add")
def new() -> ResponseReturnValue:
    """The page to add a person."""
    return _new_page(_add_form())


@bp.post("/people/new")
@permits("people.add")
def add() -> ResponseReturnValue:
    """Add a person, and welcome them by mail."""
    who: User = person()
    form = _add_form()
    if not form.validate_on_submit():
        return _new_page(form), 422
    roles = form.roles.data or [REQUESTER] if "roles" in form else [REQUESTER]
    added = people.add(email=str(form.email.data), roles=roles, by=who, **form.details())
    if form.welcome.data:
        people.invite(added, by=who)
        flash(_("%(name)s is here now, and gets a welcome by mail.", name=added.shown_name), "success")
    else:
        flash(_("%(name)s is here now.", name=added.shown_name), "success")
    return redirect(url_for(".show", number=added.id), 303)


@bp.get("/people/<int:number>")
@permits("person.see")
def show(number: int) -> ResponseReturnValue:
    """A person's card."""
    return _card(found(User, number, "person.see"))


@bp.get("/people/<int:number>/edit")
@permits("person.edit")
def edit(number: int) -> ResponseReturnValue:
    """The page to change a person."""
    other = _found(number, "person.edit")
    return _edit_page(other, _edit_form(other))


@bp.post("/people/<int:number>/edit")
@permits("person.edit")
def keep(number: int) -> ResponseReturnValue:
    """Change a person."""
    other = _found(number, "person.edit")
    form = _edit_form(other)
    if not form.validate_on_submit():
        return _edit_page(other, form), 422
    if form.version.data != str(other.version):
        return _edit_page(other, _outdated(form, other.version)), 409
    try:
        if "email" in form:
            people.change_address(other, form.email.data or "", by=person())
    except Refused as refused:
        show_refusal(form, refused)
        return _edit_page(other, form), 422
    people.change(other, by=person(), **form.details())
    flash(_("Saved."), "success")
    return redirect(url_for(".show", number=number), 303)


@bp.post("/people/<int:number>/roles")
@permits("people.give_roles")
def give_roles(number: int) -> ResponseReturnValue:
    """Give a person exactly the chosen roles."""
    other = _found(number, "person.edit")
    form = RolesForm()
    if form.validate_on_submit():
        try:
            people.give_roles(other, form.roles.data or [], by=person())
        except Refused as refused:
            show_refusal(form, refused)
        else:
            flash(_("The roles of %(name)s are changed.", name=other.shown_name), "success")
            return redirect(url_for(".show", number=number), 303)
    return _card(other, form), 422


@bp.post("/people/<int:number>/disable")
@permits("person.disable")
def disable(number: int) -> ResponseReturnValue:
    """Shut a person out."""
    other = _found(number, "person.disable")
    people.disable(other, by=person())
    flash(_("%(name)s cannot sign in any more. What they wrote stays.", name=other.shown_name), "success")
    return redirect(url_for(".show", number=number), 303)


@bp.post("/people/<int:number>/enable")
@permits("person.disable")
def enable(number: int) -> ResponseReturnValue:
    """Let a person in again."""
    other = _found(number, "person.disable")
    people.enable(other, by=person())
    flash(_("%(name)s can sign in again.", name=other.shown_name), "success")
    return redirect(url_for(".show", number=number), 303)


@bp.post("/people/<int:number>/invite")
@permits("person.edit")
def invite(number: int) -> ResponseReturnValue:
    """Mail a person a welcome with a sign-in link."""
    other = _found(number, "person.edit")
    most = current_app.extensions["settings"].limits.links_per_person
    limits.hit("link", other.email, most, LINK_WINDOW)
    people.invite(other, by=person())
    flash(_("A sign-in link is on its way to %(email)s.", email=other.email), "success")
    return redirect(url_for(".show", number=number), 303)


@bp.get("/organisations")
@permits("people.list")
def organisation_index() -> ResponseReturnValue:
    """All organisations."""
    chosen = {name: request.args.get(name, "")[:LONGEST_SEARCH] for name in ("q", "country", "kind")}
    statement = Organisation.visible_to(person())
    if chosen["q"]:
        statement = statement.where(Organisation.name.icontains(chosen["q"], autoescape=True))
    if chosen["country"]:
        statement = statement.where(Organisation.country == chosen["country"])
    if chosen["kind"]:
        statement = statement.where(Organisation.kind == chosen["kind"])
    page = pager.page(
        statement, [(Organisation.name, False), (Organisation.id, False)], after=request.args.get("after", ""),
        before=request.args.get("before", ""), size=PAGE_SIZE,
    )  # fmt: skip
    members = select(User.organisation_id, func.count()).group_by(User.organisation_id)
    sizes = dict(db.session.execute(members.where(User.organisation_id.in_([row.id for row in page.items]))).all())
    return render_template(
        "accounts/organisations.html", page=page, count=pager.capped_count(statement), sizes=sizes, chosen=chosen,
        kinds=KINDS, countries=country_choices(), is_filtered=any(chosen.values()),
    )  # fmt: skip


@bp.get("/organisations/new")
@permits("people.add")
def new_organisation() -> ResponseReturnValue:
    """The page to add an organisation."""
    return _organisation_page(None, OrganisationForm(None))


@bp.post("/organisations/new")
@permits("people.add")
def add_organisation() -> ResponseReturnValue:
    """Add an organisation."""
    form = OrganisationForm()
    if form.validate_on_submit():
        try:
            added = organisations.add(**_values(form), by=person())
        except Refused as refused:
            show_refusal(form, refused)
        else:
            flash(_("%(name)s is added.", name=added.name), "success")
            return redirect(url_for(".organisation_index", q=added.name), 303)
    return _organisation_page(None, form), 422


@bp.get("/organisations/<int:number>/edit")
@permits("organisation.edit")
def edit_organisation(number: int) -> ResponseReturnValue:
    """The page to change an organisation."""
    organisation = found(Organisation, number, "organisation.edit")
    return _organisation_page(organisation, OrganisationForm(of=organisation))


@bp.post("/organisations/<int:number>/edit")
@permits("organisation.edit")
def keep_organisation(number: int) -> ResponseReturnValue:
    """Change an organisation."""
    organisation = found(Organisation, number, "organisation.edit")
    form = OrganisationForm(of=organisation)
    if not form.validate_on_submit():
        return _organisation_page(organisation, form), 422
    if form.version.data != str(organisation.version):
        return _organisation_page(organisation, _outdated(form, organisation.version)), 409
    try:
        organisations.change(organisation, **_values(form), by=person())
    except Refused as refused:
        db.session.refresh(organisation)
        show_refusal(form, refused)
        return _organisation_page(organisation, form), 422
    flash(_("Saved."), "success")
    return redirect(url_for(".organisation_index", q=organisation.name), 303)


def _found(number: int, permission: str) -> User:
    return found(User, number, permission, seen_by="person.see")


def _matching(chosen: dict[str, str], organisation: Organisation | None) -> Select[tuple[User]]:
    statement = User.visible_to(person())
    if chosen["q"].strip():
        words = chosen["q"].split()[:8]
        for word in words:
            named = select(Organisation.id).where(Organisation.name.icontains(word, autoescape=True))
            statement = statement.where(
                or_(
                    User.name.icontains(word, autoescape=True),
                    User.email.contains(word.lower(), autoescape=True),
                    User.organisation_id.in_(named),
                )
            )
    if chosen["role"]:
        statement = statement.where(User.id.in_(select(Role.user_id).where(Role.role == chosen["role"])))
    if chosen["country"]:
        statement = statement.where(User.country == chosen["country"])
    if chosen["state"] in {"disabled", "active"}:
        statement = statement.where(User.is_disabled.is_(chosen["state"] == "disabled"))
    if organisation is not None:
        statement = statement.where(User.organisation_id == organisation.id)
    return statement


def _organisation(number: int) -> Organisation | None:
    if not 0 < number < 2**63:
        return None
    statement: Select[Any] = Organisation.visible_to(person()).where(Organisation.id == number)
    known: Organisation | None = db.session.scalar(statement)
    return known


def _add_form() -> AddPersonForm:
    return AddPersonForm(gives_roles=can(person(), "people.give_roles"))


def _new_page(form: AddPersonForm) -> str:
    return render_template("accounts/new_person.html", form=form)


def _edit_form(other: User) -> EditPersonForm:
    # One's own address is changed by another admin, lest one locks oneself out by a slip.
    by_admin = can(person(), "people.give_roles") and person().id != other.id
    return EditPersonForm(of=other, changes_address=by_admin)


def _edit_page(other: User, form: EditPersonForm) -> str:
    return render_template("accounts/edit_person.html", other=other, form=form)


def _card(other: User, roles_form: RolesForm | None = None) -> str:
    if roles_form is None and can(person(), "people.give_roles"):
        roles_form = RolesForm(None)
        roles_form.roles.data = sorted(other.roles)
    last = db.session.scalar(select(func.max(SignIn.created_at)).where(SignIn.user_id == other.id))
    tokens = [token for token in sign_ins.tokens_of(other) if token.is_live] if can(person(), "site.run") else []
    events = [event for event in history(other, 40) if event.name != "person.signed_in"]
    return render_template(
        "accounts/person.html", other=other, roles_form=roles_form, roles=ROLES, last_sign_in=last, tokens=tokens,
        events=events, actors=_actors(events),
    )  # fmt: skip


def _actors(events: list[Event]) -> dict[int, str]:
    numbers = {event.actor_id for event in events if event.actor_id}
    rows: Any = db.session.execute(select(User.id, User.name, User.email).where(User.id.in_(numbers))).all()
    return {row.id: row.name or row.email for row in rows}


def _organisation_page(organisation: Organisation | None, form: OrganisationForm) -> str:
    return render_template("accounts/edit_organisation.html", organisation=organisation, form=form)


def _values(form: OrganisationForm) -> dict[str, str]:
    return {name: form[name].data or "" for name in ("name", "country", "kind", "website")}


def _outdated(form: Any, version: int) -> Any:  # One of our forms.
    """The form as it was typed, ready to be saved over what somebody else saved meanwhile."""
    form.form_errors.append(
        _("Somebody else changed this meanwhile. What you typed is kept: compare, then save it again.")
    )
    form.version.data = str(version)
    return form

"""Connections: propose, answer by page or by signed link, note exchanges, end with an outcome."""

from datetime import UTC, datetime, time
from typing import NoReturn, cast

from flask import Blueprint, Flask, abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import selectinload
from sqlalchemy.sql.selectable import ForUpdateParameter

from accounts import people
from accounts.models import User
from core import pager
from core.db import db
from core.exceptions import NotNow, Refused
from core.i18n import _
from core.policy import checked, permits, require
from core.web import person
from peers import connections, grants
from peers.forms import ExchangeForm, OutcomeForm, ProposeForm
from peers.models import Connection, Profile
from peers.policy import knows, side
from peers.states import CLOSED, ENDED, EXCHANGE_KINDS, INTRODUCED, NOT_COME_ABOUT, OUTCOMES, PROPOSED, STATES
from peers.views import HIGHEST_NUMBER, opened

bp = Blueprint("connections", __name__, url_prefix="/peers")

# The views of the list: the two ends before an introduction are one, so that nobody learns who said no.
VIEWS = {
    PROPOSED: ((PROPOSED,), STATES[PROPOSED]),
    INTRODUCED: ((INTRODUCED,), STATES[INTRODUCED]),
    CLOSED: ((CLOSED,), STATES[CLOSED]),
    "ended": (ENDED, NOT_COME_ABOUT),
}


def register(app: Flask) -> None:
    """Add the routes."""
    app.register_blueprint(bp)


@bp.get("/connections")
@permits("connection.list")
def index() -> ResponseReturnValue:
    """The connections that one may see, the latest activity first."""
    statement = Connection.visible_to(person())
    chosen = request.args.get("state", "")
    if chosen in VIEWS:
        statement = statement.where(Connection.state.in_(VIEWS[chosen][0]))
    page = pager.page(
        statement, [(Connection.last_activity_at, True), (Connection.id, True)], after=request.args.get("after", ""),
        before=request.args.get("before", ""), size=30,
    )  # fmt: skip
    return render_template(
        "peers/connections.html", page=page, chosen=chosen, views=[(code, view[1]) for code, view in VIEWS.items()],
        name_in=name_in, state_in=state_in,
    )  # fmt: skip


@bp.get("/<int:number>/connect")
@permits("profile.see")
def propose_page(number: int) -> ResponseReturnValue:
    """The form to propose a connection with a champion."""
    profile = _profile(number)
    form = ProposeForm(None, for_oneself=not person().is_staff)
    form.topic.data = request.args.get("topic", "") or (profile.topics[0].topic if profile.topics else "other")
    if "seeker" in form:
        form.seeker.data = _seeker(request.args.get("seeker", 0, int))
    return _propose_page(form, profile)


@bp.post("/<int:number>/connect")
@permits("profile.see")
def propose(number: int) -> ResponseReturnValue:
    """Propose a connection."""
    profile = _profile(number)
    by: User = person()
    form = ProposeForm(for_oneself=not by.is_staff)
    if not form.validate_on_submit():
        return _propose_page(form, profile), 422
    kind, kind_id = _origin(by)
    try:
        seeker = by if "seeker" not in form else people.find_or_add(form.seeker.data or "")
        connection = connections.propose(
            seeker=seeker, helper=profile.user, topic=form.topic.data, reason=form.reason.data or "", by=by,
            origin_kind=kind, origin_id=kind_id,
        )  # fmt: skip
    except NotNow as error:
        return _unproposed(form, number, error, ""), 409
    except Refused as error:
        return _unproposed(form, number, error, "seeker" if error.field == "email" else error.field), 422
    flash("propose", "draft-done")
    flash(_("Proposed. Both are asked by mail; addresses are shared only when both agree."), "success")
    return redirect(url_for(".show", number=connection.id), 303)


@bp.get("/connections/<int:number>")
@permits("connection.see")
def show(number: int) -> ResponseReturnValue:
    """One connection, as far as it has come."""
    connection = _find(number)
    if key := request.args.get("key", ""):
        return _enter(connection, key)
    if connection is None:
        _unknown("connection.see")
    require(person(), "connection.see", connection)
    return _page(connection, ExchangeForm(None), OutcomeForm(None))


@bp.post("/connections/<int:number>/answer")
@permits("connection.answer")
def answer(number: int) -> ResponseReturnValue:
    """Accept or decline, for one's own side."""
    connection, by = _for_act(number, "connection.answer")
    said = request.form.get("answer", "")
    if said == "accept":
        connections.accept(connection, by=by)
        if connection.state == INTRODUCED:
            flash(_("You are introduced. Both of you get a mail with the other's address."), "success")
        else:
            flash(_("Thank you. We wait for the other side's answer."), "success")
    elif said == "decline":
        connections.decline(connection, by=by)
        flash(_("Declined. The other side is not told who said no."), "success")
    else:
        abort(400)
    return redirect(url_for(".show", number=number), 303)


@bp.post("/connections/<int:number>/exchanges")
@permits("connection.keep")
def add_exchange(number: int) -> ResponseReturnValue:
    """Note something that the two did together."""
    connection, by = _for_act(number, "connection.keep")
    form = ExchangeForm()
    if not form.validate_on_submit():
        return _page(connection, form, OutcomeForm(None)), 422
    at = datetime.combine(form.at.data, time(12), tzinfo=UTC) if form.at.data else None
    connections.log_exchange(connection, by=by, kind=form.kind.data, note=form.note.data or "", at=at)
    flash(f"exchange-{number}", "draft-done")
    flash(_("Noted."), "success")
    return redirect(url_for(".show", number=number), 303)


@bp.post("/connections/<int:number>/outcome")
@permits("connection.keep")
def close(number: int) -> ResponseReturnValue:
    """End a connection with its outcome."""
    connection, by = _for_act(number, "connection.keep")
    form = OutcomeForm()
    if not form.validate_on_submit():
        return _page(connection, ExchangeForm(None), form), 422
    connections.close(connection, by=by, outcome=form.outcome.data, note=form.note.data or "")
    flash(f"outcome-{number}", "draft-done")
    flash(_("Thank you. The outcome is recorded."), "success")
    return redirect(url_for(".show", number=number), 303)


def name_in(connection: Connection, user: User) -> str:
    """The name of a side for the reader, or "" while the reader may not know it.

    A part of the address stands for a missing name only when the address is known, too.
    """
    if not knows(person(), connection, user):
        return ""
    reader = grants.actor(connection)
    if connection.introduced_at is not None or (reader is not None and (reader.is_staff or reader.id == user.id)):
        return user.shown_name
    return user.name


def state_in(connection: Connection) -> str:
    """The state in words for the reader: only staff are told whether somebody said no or nobody answered."""
    reader: User | None = person()
    if connection.state in ENDED and (reader is None or not reader.is_staff):
        return str(NOT_COME_ABOUT)
    return str(STATES[connection.state])


def _profile(number: int) -> Profile:
    profile = opened(number)
    require(person(), "connection.propose")
    return profile


def _seeker(number: int) -> str:
    """The address of a person by number, for staff who come from a ticket; no address stands in a link."""
    user = db.session.get(User, number) if 0 < number < HIGHEST_NUMBER else None
    return user.email if user is not None else ""


def _origin(by: User) -> tuple[str, int | None]:
    """What a proposal came from: a past answer, for staff a ticket, else the directory."""
    kind = request.form.get("origin_kind", "")
    number = request.form.get("origin_id", 0, int)
    if not 0 < number < HIGHEST_NUMBER or not (kind == "answer" or (kind == "ticket" and by.is_staff)):
        return "directory", None
    return kind, number


def _find(number: int) -> Connection | None:
    """A connection; held until the end of the request where it may change, so that two answers at once both count."""
    if number >= HIGHEST_NUMBER:
        return None
    held: ForUpdateParameter = {"of": Connection} if request.method == "POST" else None
    return db.session.get(Connection, number, options=[selectinload(Connection.exchanges)], with_for_update=held)


def _unknown(permission: str) -> NoReturn:
    checked(permission)
    abort(404)


def _for_act(number: int, permission: str) -> tuple[Connection, User]:
    connection = _find(number)
    if connection is None:
        _unknown(permission)
    require(person(), permission, connection, seen_by="connection.see")
    return connection, cast("User", grants.actor(connection))


def _enter(connection: Connection | None, key: str) -> ResponseReturnValue:
    """Open a signed link: keep it in the session and take it out of the address bar."""
    checked("connection.see")
    user = grants.accept(connection, key) if connection is not None else None
    if connection is None or user is None:
        return render_template("peers/link_ended.html"), 404
    reader: User | None = person()
    if reader is None:
        grants.remember(connection, user)
    elif not (reader.is_staff or reader.id in (connection.seeker_id, connection.helper_id)):
        return render_template("peers/link_ended.html", is_for_somebody_else=True), 403
    return redirect(url_for(".show", number=connection.id))


def _unproposed(form: ProposeForm, number: int, error: NotNow | Refused, field: str) -> str:
    """The form again, with what stood in the way beside its field or above them all."""
    # Whoever was added for this proposal is not kept.
    db.session.rollback()
    profile = db.session.get(Profile, number)
    if profile is None:
        abort(404)
    if field in form:
        form[field].errors = [str(error)]
    else:
        form.form_errors.append(str(error))
    return _propose_page(form, profile)


def _propose_page(form: ProposeForm, profile: Profile) -> str:
    return render_template("peers/propose.html", form=form, profile=profile)


def _page(connection: Connection, exchange: ExchangeForm, outcome: OutcomeForm) -> str:
    own = side(person(), connection)
    accepted = {"seeker": connection.seeker_accepted_at, "helper": connection.helper_accepted_at}
    return render_template(
        "peers/connection.html", connection=connection, side=own, exchange=exchange, outcome=outcome,
        may_answer=bool(own) and connection.state == PROPOSED and accepted[own] is None,
        met=connection.introduced_at is not None, exchange_kinds=EXCHANGE_KINDS, outcomes=OUTCOMES,
        name_in=name_in, state_in=state_in,
    )  # fmt: skip

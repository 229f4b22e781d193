"""Connections: propose, answer by page or by signed link, note exchanges, end with an outcome."""

from datetime import UTC, datetime, time
from typing import Any

from flask import Blueprint, Flask, abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import selectinload

from accounts import people
from accounts.models import User
from core import pager
from core.db import db
from core.exceptions import Refused
from core.i18n import _
from core.policy import checked, permits, require
from core.web import person
from peers import connections, grants
from peers.forms import ExchangeForm, OutcomeForm, ProposeForm
from peers.models import Connection, Profile
from peers.policy import side
from peers.states import EXCHANGE_KINDS, INTRODUCED, OUTCOMES, PROPOSED, STATES

bp = Blueprint("connections", __name__, url_prefix="/peers")

ORIGINS = ("ticket", "answer", "directory")


def register(app: Flask) -> None:
    """Add the routes."""
    app.register_blueprint(bp)
    app.jinja_env.globals["connection_states"] = STATES


@bp.get("/connections")
@permits("connection.list")
def index() -> ResponseReturnValue:
    """The connections that one may see, the latest activity first."""
    statement = Connection.visible_to(person())
    state = request.args.get("state", "")
    if state in STATES:
        statement = statement.where(Connection.state == state)
    page = pager.page(
        statement, [(Connection.last_activity_at, True), (Connection.id, True)], after=request.args.get("after", ""),
        before=request.args.get("before", ""), size=30,
    )  # fmt: skip
    return render_template("peers/connections.html", page=page, state=state)


@bp.get("/<int:number>/connect")
@permits("profile.see")
def propose_page(number: int) -> ResponseReturnValue:
    """The form to propose a connection with a champion."""
    profile = _profile(number)
    form = ProposeForm(None, for_oneself=not person().is_staff)
    form.topic.data = request.args.get("topic", "") or (profile.topics[0].topic if profile.topics else "other")
    if "seeker" in form:
        form.seeker.data = request.args.get("seeker", "")
    return _propose_page(form, profile)


@bp.post("/<int:number>/connect")
@permits("profile.see")
def propose(number: int) -> ResponseReturnValue:
    """Propose a connection."""
    profile = _profile(number)
    by = person()
    form = ProposeForm(for_oneself=not by.is_staff)
    if not form.validate_on_submit():
        return _propose_page(form, profile), 422
    try:
        seeker = by if "seeker" not in form else people.find_or_add(form.seeker.data)
        origin = request.form.get("origin_kind", "directory")
        origin_id = request.form.get("origin_id", type=int)
        connection = connections.propose(
            seeker=seeker, helper=profile.user, topic=form.topic.data, reason=form.reason.data, by=by,
            origin_kind=origin if origin in ORIGINS else "directory", origin_id=origin_id,
        )  # fmt: skip
    except Refused as error:
        field = "seeker" if error.field == "email" else error.field
        target = form[field] if field in form else form.reason  # noqa: SIM401 # A form is no dict.
        target.errors = [str(error)]
        return _propose_page(form, profile), 422
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
        return _unknown("connection.see")
    require(person(), "connection.see", connection)
    return _page(connection, ExchangeForm(None), OutcomeForm(None))


@bp.post("/connections/<int:number>/answer")
@permits("connection.answer")
def answer(number: int) -> ResponseReturnValue:
    """Accept or decline, for one's own side."""
    connection, by = _for_act(number, "connection.answer")
    if request.form.get("answer") == "accept":
        connections.accept(connection, by=by)
        if connection.state == INTRODUCED:
            flash(_("You are introduced. Both of you get a mail with the other's address."), "success")
        else:
            flash(_("Thank you. We wait for the other side's answer."), "success")
    else:
        connections.decline(connection, by=by)
        flash(_("Declined. The other side is not told who said no."), "success")
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
    connections.log_exchange(connection, by=by, kind=form.kind.data, note=form.note.data, at=at)
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


def _profile(number: int) -> Profile:
    profile = db.session.get(Profile, number)
    if profile is None:
        return _unknown("profile.see")
    require(person(), "profile.see", profile)
    require(person(), "connection.propose")
    return profile


def _find(number: int) -> Connection | None:
    return db.session.get(Connection, number, options=[selectinload(Connection.exchanges)])


def _unknown(permission: str) -> Any:
    checked(permission)
    abort(404)


def _for_act(number: int, permission: str) -> tuple[Connection, User]:
    connection = _find(number)
    if connection is None:
        return _unknown(permission)
    require(person(), permission, connection, seen_by="connection.see")
    who = grants.actor(connection)
    if who is None:
        abort(404)
    return connection, who


def _enter(connection: Connection | None, key: str) -> ResponseReturnValue:
    """Open a signed link: keep it in the session and take it out of the address bar."""
    checked("connection.see")
    user = grants.accept(connection, key) if connection is not None else None
    if connection is None or user is None:
        return render_template("peers/link_ended.html"), 404
    if person() is None:
        grants.remember(connection, user)
    return redirect(url_for(".show", number=connection.id))


def _propose_page(form: ProposeForm, profile: Profile) -> str:
    return render_template("peers/propose.html", form=form, profile=profile)


def _page(connection: Connection, exchange: ExchangeForm, outcome: OutcomeForm) -> str:
    own = side(person(), connection)
    accepted = {"seeker": connection.seeker_accepted_at, "helper": connection.helper_accepted_at}
    return render_template(
        "peers/connection.html", connection=connection, side=own, exchange=exchange, outcome=outcome,
        may_answer=bool(own) and connection.state == PROPOSED and accepted[own] is None,
        met=connection.introduced_at is not None, exchange_kinds=EXCHANGE_KINDS, outcomes=OUTCOMES,
    )  # fmt: skip

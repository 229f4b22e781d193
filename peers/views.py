"""The directory of champions, the map of connections, and one's own profile."""

from dataclasses import dataclass
from datetime import UTC, datetime, time

from flask import Blueprint, Flask, abort, current_app, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import func, select
from sqlalchemy.orm import selectinload

from accounts.models import User
from core import limits
from core.db import db
from core.i18n import _
from core.policy import can, checked, permits, require
from core.web import person
from kb.topics import topic_choices
from peers import profiles
from peers.forms import ProfileForm, topics_of
from peers.matching import Need, suggest
from peers.models import Connection, Profile
from peers.places import HEIGHT, PLACES, WIDTH
from peers.regions import region_name, region_of
from peers.states import CLOSED, INTRODUCED, LEVELS, RUNNING

bp = Blueprint("peers", __name__)

MOST_SHOWN = 500


@dataclass(frozen=True)
class Line:
    """Two countries on the map and how many connections were made between them."""

    one: str
    other: str
    count: int
    path: str


def register(app: Flask) -> None:
    """Add the routes, and what the pages of articles, answers and tickets show of peers."""
    app.register_blueprint(bp)
    app.jinja_env.globals.update(region_name=region_name, region_of=region_of, fitting_peers=fitting_peers)


@bp.get("/peers/")
@permits("peers.browse")
def directory() -> ResponseReturnValue:
    """Champions, as cards, on a map and as a table: to each reader what each champion chose to show."""
    reader = person()
    topic, country, language = (request.args.get(name, "") for name in ("topic", "country", "language"))
    statement = (
        Profile.visible_to(reader).join(User, User.id == Profile.user_id).where(User.is_disabled.is_(False))
        .options(selectinload(Profile.topics)).order_by(Profile.confirmed_at.desc(), Profile.id).limit(MOST_SHOWN)
    )  # fmt: skip
    everyone = db.session.scalars(statement).unique().all()
    shown = [
        profile for profile in everyone
        if (not topic or any(row.topic == topic for row in profile.topics))
        and (not country or profile.user.country == country)
        and (not language or language in profile.user.languages)
    ]  # fmt: skip
    lines = map_lines()
    return render_template(
        "peers/directory.html", profiles=shown, total=len(everyone), topics=topic_choices(), levels=LEVELS,
        countries=sorted({profile.user.country for profile in everyone if profile.user.country}),
        languages_spoken=sorted({code for profile in everyone for code in profile.user.languages}), lines=lines,
        places={profile.user.country: PLACES[profile.user.country] for profile in shown if profile.user.country in PLACES},
        endings=[PLACES[code] for line in lines for code in (line.one, line.other)], width=WIDTH, height=HEIGHT,
        running=_running([profile.user_id for profile in shown]), topic=topic, country=country, language=language,
        own=next((profile for profile in everyone if reader is not None and profile.user_id == reader.id), None),
    )  # fmt: skip


@bp.get("/peers/<int:number>")
@permits("profile.see")
def show(number: int) -> ResponseReturnValue:
    """One champion's profile."""
    reader = person()
    if reader is None or not reader.is_staff:
        whom = f"user-{reader.id}" if reader is not None else limits.network_address()
        limits.hit("profiles", whom, current_app.extensions["settings"].limits.profiles_per_hour, 3600)
    profile = db.session.get(Profile, number)
    if profile is None:
        checked("profile.see")
        abort(404)
    require(reader, "profile.see", profile)
    free = max(profile.capacity - _running([profile.user_id]).get(profile.user_id, 0), 0)
    return render_template("peers/profile.html", profile=profile, free=free, levels=LEVELS)


@bp.get("/peers/profile")
@permits("profile.keep")
def edit() -> ResponseReturnValue:
    """One's own profile, to change."""
    profile = profiles.of(person())
    form = ProfileForm(None, obj=profile)
    if profile is not None:
        form.systems.data = ", ".join(profile.systems)
        form.paused_until.data = profile.paused_until.date() if profile.paused_until else None
        levels = {row.topic: row.level for row in profile.topics}
    else:
        form.visibility.data, form.capacity.data, levels = "peers", 2, {}
    return _edit_page(form, levels, profile.version if profile else 0)


@bp.post("/peers/profile")
@permits("profile.keep")
def keep() -> ResponseReturnValue:
    """Take a changed profile."""
    form = ProfileForm()
    levels = topics_of(request.form)
    if not form.validate_on_submit():
        return _edit_page(form, levels, request.form.get("version", 0, int)), 422
    user = person()
    profile = profiles.of(user)
    if profile is not None and request.form.get("version", 0, int) != profile.version:
        flash(_("You changed this profile in another window meanwhile. Look at both, then save again."), "error")
        return _edit_page(form, levels, profile.version), 409
    profile = profile or profiles.begin(user)
    until = form.paused_until.data
    profiles.keep(
        profile, by=user, headline=form.headline.data or "", offers=form.offers.data or "", seeks=form.seeks.data or "",
        systems=(form.systems.data or "").split(","), capacity=form.capacity.data, visibility=form.visibility.data,
        topics=levels, paused_until=datetime.combine(until, time(), tzinfo=UTC) if until else None,
    )  # fmt: skip
    flash("peer-profile", "draft-done")
    flash(_("Your profile is saved."), "success")
    return redirect(url_for(".show", number=profile.id), 303)


def fitting_peers(
    topic: str, *, country: str = "", language: str = "", text: str = "", limit: int = 3
) -> list[object]:
    """Who has done it, for the side of a ticket or a past answer; [] for readers who may not propose a connection."""
    reader = person()
    if not can(reader, "connection.propose"):
        return []
    languages = tuple(dict.fromkeys([code for code in (language, *reader.languages) if code]))
    need = Need(topic=topic, seeker=reader if not reader.is_staff else None, country=country, languages=languages,
                time_zone=reader.time_zone if not reader.is_staff else "", text=text)  # fmt: skip
    return list(suggest(need, reader, limit))


def map_lines() -> list[Line]:
    """Connections that were made, by pair of countries: no people, only counts."""
    seeker, helper = select(User.id, User.country).subquery(), select(User.id, User.country).subquery()
    rows = db.session.execute(
        select(seeker.c.country, helper.c.country, func.count())
        .select_from(Connection).join(seeker, seeker.c.id == Connection.seeker_id)
        .join(helper, helper.c.id == Connection.helper_id)
        .where(Connection.state.in_((INTRODUCED, CLOSED))).group_by(seeker.c.country, helper.c.country)
    ).all()  # fmt: skip
    counts: dict[tuple[str, str], int] = {}
    for one, other, count in rows:
        if one in PLACES and other in PLACES:
            pair = (min(one, other), max(one, other))
            counts[pair] = counts.get(pair, 0) + count
    return [Line(*pair, count, _curve(*pair)) for pair, count in sorted(counts.items())]


def _curve(one: str, other: str) -> str:
    (x1, y1), (x2, y2) = PLACES[one], PLACES[other]
    lift = (abs(x1 - x2) + abs(y1 - y2)) / 4
    return f"M{x1} {y1}Q{(x1 + x2) / 2:.0f} {(y1 + y2) / 2 - lift:.0f} {x2} {y2}"


def _running(user_ids: list[int]) -> dict[int, int]:
    statement = (
        select(Connection.helper_id, func.count())
        .where(Connection.helper_id.in_(user_ids), Connection.state.in_(RUNNING)).group_by(Connection.helper_id)
    )  # fmt: skip
    return {row[0]: row[1] for row in db.session.execute(statement).all()}


def _edit_page(form: ProfileForm, levels: dict[str, str], version: int) -> str:
    return render_template(
        "peers/edit_profile.html",
        form=form,
        levels=levels,
        level_names=LEVELS,
        topics=topic_choices(),
        version=version,
    )

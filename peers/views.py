"""The directory of champions, the map of connections, and one's own profile."""

from datetime import UTC, datetime, time

from flask import Blueprint, Flask, abort, current_app, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from accounts.models import User
from core import limits
from core.db import db, now
from core.i18n import _
from core.policy import can, checked, permits, require
from core.web import person
from kb.topics import topic_choices
from peers import directory, profiles
from peers.forms import ProfileForm, topics_of
from peers.matching import Match, need_of, spoken_by, suggest
from peers.models import Profile
from peers.places import HEIGHT, PLACES, WIDTH
from peers.regions import region_name, region_of
from peers.states import LEVELS

bp = Blueprint("peers", __name__)

HIGHEST_NUMBER = 2**63


def register(app: Flask) -> None:
    """Add the routes, and what the pages of articles, answers and tickets show of peers."""
    app.register_blueprint(bp)
    app.jinja_env.globals.update(
        region_name=region_name, region_of=region_of, fitting_peers=fitting_peers, spoken_by=spoken_by
    )


@bp.get("/peers/", endpoint="directory")
@permits("peers.browse")
def index() -> ResponseReturnValue:
    """Champions, as cards, on a map and as a table: to each reader what each champion chose to show."""
    reader = person()
    topic, country, language = (request.args.get(name, "") for name in ("topic", "country", "language"))
    found = directory.listing(
        reader, topic=topic, country=country, language=language, start=request.args.get("from", 0, int)
    )
    lines = directory.lines(reader)
    own = profiles.of(reader) if reader is not None and reader.is_champion else None
    return render_template(
        "peers/directory.html", found=found, free=directory.free_places(found.profiles), lines=lines,
        dots=directory.dots(found.by_country), width=WIDTH, height=HEIGHT, topics=topic_choices(), topic=topic,
        ends=sorted({PLACES[code] for line in lines for code in (line.one, line.other)}),
        country=country, language=language, own=own,
    )  # fmt: skip


@bp.get("/peers/<int:number>")
@permits("profile.see")
def show(number: int) -> ResponseReturnValue:
    """One champion's profile."""
    profile = opened(number)
    free = directory.free_places([profile])[profile.id]
    return render_template("peers/profile.html", profile=profile, free=free, levels=LEVELS)


def opened(number: int) -> Profile:
    """A profile that the reader may see; each look counts, so that nobody copies the whole directory.

    Champions looking at their own, and staff, are not counted.
    """
    reader = person()
    own = profiles.of(reader) if reader is not None and reader.is_champion else None
    if (reader is None or not reader.is_staff) and (own is None or own.id != number):
        whom = f"user-{reader.id}" if reader is not None else limits.network_address()
        limits.hit("profiles", whom, current_app.extensions["settings"].limits.profiles_per_hour, 3600)
    profile = db.session.get(Profile, number) if number < HIGHEST_NUMBER else None
    if profile is None:
        checked("profile.see")
        abort(404)
    require(reader, "profile.see", profile)
    return profile


@bp.get("/peers/profile")
@permits("profile.keep")
def edit() -> ResponseReturnValue:
    """One's own profile, to change."""
    profile = profiles.of(person())
    form = ProfileForm(None, obj=profile)
    levels: dict[str, str] = {}
    if profile is not None:
        form.systems.data = ", ".join(profile.systems)
        form.paused_until.data = profile.paused_until.date() if profile.paused_until and profile.is_paused else None
        levels = {row.topic: row.level for row in profile.topics}
    else:
        # Nobody is shown to others by not looking.
        form.visibility.data, form.capacity.data = "hidden", 2
    return _edit_page(form, levels, profile.version if profile else 0)


@bp.post("/peers/profile")
@permits("profile.keep")
def keep() -> ResponseReturnValue:
    """Take a changed profile."""
    form = ProfileForm()
    levels = topics_of(request.form)
    version = request.form.get("version", 0, int)
    if not form.validate_on_submit():
        return _edit_page(form, levels, version), 422
    user: User = person()
    profile = profiles.of(user)
    if profile is not None and version != profile.version:
        flash(_("You changed this profile in another window meanwhile. Look at both, then save again."), "error")
        return _edit_page(form, levels, profile.version), 409
    profile = profile or profiles.begin(user)
    until = form.paused_until.data
    profiles.keep(
        profile, by=user, headline=form.headline.data or "", offers=form.offers.data or "",
        seeks=form.seeks.data or "", systems=(form.systems.data or "").split(","), capacity=form.capacity.data or 0,
        visibility=form.visibility.data, topics=levels,
        paused_until=datetime.combine(until, time(), tzinfo=UTC) if until else None,
    )  # fmt: skip
    flash("peer-profile", "draft-done")
    flash(_("Your profile is saved."), "success")
    return redirect(url_for(".show", number=profile.id), 303)


def fitting_peers(
    topic: str, *, country: str = "", language: str = "", text: str = "", limit: int = 3, seeker: User | None = None
) -> list[Match]:
    """Who has done it, for the side of a ticket or a past answer; [] for readers who may not propose a connection.

    :param country: where the question comes from, and ``language`` the one it is in; used if the seeker says nothing.
    :param seeker: whom staff look for help for; a champion always looks for themselves.
    """
    reader = person()
    if not can(reader, "connection.propose"):
        return []
    need = need_of(topic, seeker if reader.is_staff else reader, country=country, language=language, text=text)
    return suggest(need, reader, limit)


def _edit_page(form: ProfileForm, levels: dict[str, str], version: int) -> str:
    return render_template(
        "peers/edit_profile.html", form=form, levels=levels, level_names=LEVELS, topics=topic_choices(),
        version=version, today=now().date(),
    )  # fmt: skip

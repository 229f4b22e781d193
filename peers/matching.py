"""Who could help: a ranked short list with reasons that a person can check. A person decides."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from sqlalchemy import Integer, and_, case, func, or_, select
from sqlalchemy.orm import joinedload, lazyload

from accounts.models import User
from core.db import db, now
from core.i18n import _, language_name, ngettext
from core.words import fold
from kb.topics import topic_name
from peers.models import Connection, Profile, ProfileTopic
from peers.regions import region_of
from peers.states import CLOSED, RUNNING

MOST = 5
WORKING_HOURS = 8  # from 9 to 17

# What each reason weighs; experience with the topic weighs most.
LEVEL_POINTS = {"expert": 60, "working": 35, "learning": 5}
SOLVED_POINTS = 20
SYSTEM_POINTS = 12
LANGUAGE_POINTS = 15
REGION_POINTS = 8
HOURS_POINTS = 1
LOAD_POINTS = -4


@dataclass(frozen=True)
class Need:
    """What is looked for: for whom (None while nobody is named), on what, from where, in which languages."""

    topic: str
    seeker: User | None = None
    country: str = ""
    languages: tuple[str, ...] = ()
    time_zone: str = ""
    text: str = ""


@dataclass(frozen=True)
class Match:
    """A champion who could help, and why, as sentences."""

    profile: Profile
    score: int
    reasons: tuple[str, ...]
    free: int


def need_of(topic: str, seeker: User | None, *, country: str = "", language: str = "", text: str = "") -> Need:
    """The need of a person on a topic; what is known of the person counts before what is said of the question."""
    spoken = spoken_by(seeker.languages, seeker.language) if seeker is not None else ()
    return Need(
        topic=topic,
        seeker=seeker,
        country=(seeker.country if seeker is not None else "") or country,
        languages=tuple(dict.fromkeys([*spoken, *([language] if language and not spoken else [])])),
        time_zone=seeker.time_zone if seeker is not None else "",
        text=text,
    )


def spoken_by(languages: Iterable[str], language: str) -> tuple[str, ...]:
    """The languages that a person speaks; the language of their pages if they named none."""
    return tuple(languages) or ((language,) if language else ())


def suggest(need: Need, reader: User | None, limit: int = MOST) -> list[Match]:
    """Champions whom the reader may see, who are free and know the topic, best first; ties by id, so always the same.

    Three statements at most, whatever the number of champions.
    """
    if not need.topic:
        return []
    visible = Profile.visible_to(reader).with_only_columns(Profile.id)
    candidates = db.session.execute(
        select(
            Profile.id, Profile.user_id, Profile.capacity, Profile.systems, ProfileTopic.level, User.country,
            User.language, User.languages, User.time_zone, User.organisation_id,
        )
        .join(ProfileTopic, ProfileTopic.profile_id == Profile.id).join(User, User.id == Profile.user_id)
        .where(
            ProfileTopic.topic == need.topic, Profile.id.in_(visible), Profile.visibility != "hidden",
            or_(Profile.paused_until.is_(None), Profile.paused_until <= now()),
        )
    ).all()  # fmt: skip
    if not candidates:
        return []
    counts = _counts(need.topic)
    scored = [
        found for row in candidates if (found := _score(row, need, *counts.get(row.user_id, (0, 0)))) is not None
    ]
    best = sorted(scored, key=lambda found: (-found[1], found[0]))[:limit]
    statement = (
        select(Profile).where(Profile.id.in_([found[0] for found in best]))
        .options(joinedload(Profile.user).lazyload(User.role_rows), lazyload(Profile.topics))
    )  # fmt: skip
    profiles = {profile.id: profile for profile in db.session.scalars(statement).unique()} if best else {}
    return [Match(profiles[number], score, tuple(reasons), free) for number, score, reasons, free in best]


def _score(row: Any, need: Need, busy: int, helped: int) -> tuple[int, int, list[str], int] | None:
    """Id, score, reasons and free places of one candidate, a row of the statement in `suggest`; None if unfit."""
    free = row.capacity - busy
    seeker = need.seeker
    if free <= 0:
        return None
    if seeker is not None and (seeker.id == row.user_id or _same_place(seeker, row.organisation_id)):
        return None
    score, reasons = LEVEL_POINTS[row.level], [_level_reason(row.level, need.topic)]
    if helped:
        score += SOLVED_POINTS
        reasons.append(
            ngettext("helped %(num)s person with it before", "helped %(num)s people with it before", helped)
        )
    spoken = spoken_by(row.languages, row.language)
    if shared := [code for code in need.languages if code in spoken]:
        score += LANGUAGE_POINTS
        reasons.append(_("speaks %(languages)s", languages=", ".join(language_name(code) for code in shared)))
    elif need.languages and spoken:
        reasons.append(_("no shared language, so an interpreter is needed"))
    if systems := _mentioned(row.systems, need.text):
        score += SYSTEM_POINTS
        reasons.append(_("uses %(systems)s too", systems=", ".join(systems)))
    if need.country and row.country == need.country:
        score += REGION_POINTS
        reasons.append(_("same country"))
    elif need.country and region_of(row.country) == region_of(need.country) != "":
        score += REGION_POINTS
        reasons.append(_("same region"))
    if need.time_zone and row.time_zone:
        hours = shared_hours(need.time_zone, row.time_zone)
        score += HOURS_POINTS * hours
        reasons.append(ngettext("%(num)s shared working hour", "%(num)s shared working hours", hours))
    score += LOAD_POINTS * busy
    reasons.append(ngettext("free for %(num)s more", "free for %(num)s more", free))
    return row.id, score, reasons, free


def shared_hours(one: str, other: str, on: datetime | None = None) -> int:
    """How many whole hours of 9 to 17 two IANA time zones share on a day; 0 for an unknown zone."""
    moment = on or now()
    try:
        offsets = [moment.astimezone(ZoneInfo(name)).utcoffset() for name in (one, other)]
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return 0
    if offsets[0] is None or offsets[1] is None:
        return 0
    apart = abs((offsets[0] - offsets[1]).total_seconds()) / 3600
    return max(int(WORKING_HOURS - min(apart, 24 - apart)), 0)


def _mentioned(systems: Iterable[str], text: str) -> list[str]:
    """The systems that a text speaks of: every word of their names is in it."""
    words = _words(text)
    return [name for name in systems if (parts := _words(name)) and parts <= words] if words else []


def _words(text: str) -> set[str]:
    return {fold(word) for word in re.findall(r"\w+", text)}


def _level_reason(level: str, topic: str) -> str:
    name = topic_name(topic)
    if level == "expert":
        sentence = _("Has done it: %(topic)s", topic=name)
    elif level == "working":
        sentence = _("Is working on it: %(topic)s", topic=name)
    else:
        sentence = _("Is learning it too: %(topic)s", topic=name)
    return str(sentence)


def _same_place(seeker: User, organisation_id: int | None) -> bool:
    return organisation_id is not None and seeker.organisation_id == organisation_id


def _counts(topic: str) -> dict[int, tuple[int, int]]:
    """Helper -> running connections, and finished ones on the topic that helped."""
    is_running = Connection.state.in_(RUNNING)
    has_helped = and_(
        Connection.state == CLOSED, Connection.topic == topic, Connection.outcome.in_(("helped", "partly"))
    )
    total = [func.sum(case((condition, 1), else_=0), type_=Integer) for condition in (is_running, has_helped)]
    statement = select(Connection.helper_id, *total).where(or_(is_running, has_helped)).group_by(Connection.helper_id)
    return {row[0]: (row[1], row[2]) for row in db.session.execute(statement).all()}

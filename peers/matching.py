"""Who could help: a ranked short list with reasons that a person can check. A person decides."""

from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from sqlalchemy import func, select
from sqlalchemy.orm import selectinload

from accounts.models import User
from core.db import db, now
from core.i18n import _, language_name
from core.words import fold
from kb.topics import topic_name
from peers.models import Connection, Profile
from peers.regions import region_of
from peers.states import CLOSED, RUNNING

MOST = 5
WORKING_HOURS = range(9, 17)

# What each reason weighs. Experience with the topic outweighs everything else together.
LEVEL_POINTS = {"expert": 60, "working": 35, "learning": 5}
SOLVED_POINTS = 20
SYSTEM_POINTS = 12
LANGUAGE_POINTS = 15
REGION_POINTS = 8
HOURS_POINTS = 1
LOAD_POINTS = -4


@dataclass(frozen=True)
class Need:
    """What is looked for: by whom (None while nobody is signed in), on what, from where, in which languages."""

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


def suggest(need: Need, reader: User | None, limit: int = MOST) -> list[Match]:
    """Champions whom the reader may see, who are free and know the topic, best first; ties by id, so always the same."""
    if not need.topic:
        return []
    statement = Profile.visible_to(reader).options(selectinload(Profile.topics))
    profiles = db.session.scalars(statement).unique().all()
    busy = _counts(Connection.state.in_(RUNNING))
    helped = _counts(
        Connection.state == CLOSED, Connection.topic == need.topic, Connection.outcome.in_(("helped", "partly"))
    )
    matches = [match for profile in profiles if (match := _match(profile, need, busy, helped)) is not None]
    return sorted(matches, key=lambda match: (-match.score, match.profile.id))[:limit]


def _match(profile: Profile, need: Need, busy: dict[int, int], helped: dict[int, int]) -> Match | None:
    user = profile.user
    level = next((row.level for row in profile.topics if row.topic == need.topic), "")
    free = profile.capacity - busy.get(user.id, 0)
    seeker = need.seeker
    paused = profile.paused_until is not None and profile.paused_until > now()
    if not level or free <= 0 or paused or user.is_disabled or profile.visibility == "hidden":
        return None
    if seeker is not None and (seeker.id == user.id or _same_place(seeker, user)):
        return None
    score, reasons = LEVEL_POINTS[level], [_level_reason(level, need.topic)]
    if count := helped.get(user.id, 0):
        score += SOLVED_POINTS
        reasons.append(_("Helped others with this topic before (%(count)s)", count=count))
    if shared := [code for code in need.languages if code in user.languages]:
        score += LANGUAGE_POINTS
        reasons.append(_("Speaks %(languages)s", languages=", ".join(language_name(code) for code in shared)))
    elif need.languages:
        reasons.append(_("No shared language: an interpreter would be needed"))
    words = set(fold(need.text).split())
    if systems := [name for name in profile.systems if words and set(fold(name).split()) <= words]:
        score += SYSTEM_POINTS
        reasons.append(_("Uses %(systems)s too", systems=", ".join(systems)))
    if need.country and user.country != need.country and region_of(user.country) == region_of(need.country) != "":
        score += REGION_POINTS
        reasons.append(_("Same region"))
    if need.time_zone and user.time_zone:
        hours = shared_hours(need.time_zone, user.time_zone)
        score += HOURS_POINTS * hours
        reasons.append(_("%(count)s shared working hours", count=hours))
    score += LOAD_POINTS * busy.get(user.id, 0)
    reasons.append(_("Free for %(count)s more", count=free))
    return Match(profile, score, tuple(reasons), free)


def shared_hours(one: str, other: str, on: datetime | None = None) -> int:
    """How many hours of 9 to 17 two IANA time zones share on a day; 0 for an unknown zone."""
    moment = (on or now()).replace(minute=0, second=0, microsecond=0)
    try:
        zones = ZoneInfo(one), ZoneInfo(other)
    except (ZoneInfoNotFoundError, ValueError):
        return 0
    offsets = [zone.utcoffset(moment) for zone in zones]
    if offsets[0] is None or offsets[1] is None:
        return 0
    apart = abs(int((offsets[0] - offsets[1]).total_seconds() // 3600)) % 24
    return max(len(WORKING_HOURS) - min(apart, 24 - apart), 0)


def _level_reason(level: str, topic: str) -> str:
    name = topic_name(topic)
    if level == "expert":
        return _("Has done it: %(topic)s", topic=name)
    if level == "working":
        return _("Is working on it: %(topic)s", topic=name)
    return _("Is learning it too: %(topic)s", topic=name)


def _same_place(one: User, other: User) -> bool:
    return one.organisation_id is not None and one.organisation_id == other.organisation_id


def _counts(*conditions: object) -> dict[int, int]:
    statement = select(Connection.helper_id, func.count()).where(*conditions).group_by(Connection.helper_id)  # type: ignore[arg-type]
    return {row[0]: row[1] for row in db.session.execute(statement).all()}

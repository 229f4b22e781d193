"""What the directory and its map show: to each reader what each champion chose to show."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, and_, func, or_, select
from sqlalchemy.orm import joinedload, selectinload

from accounts.models import User
from core.db import db
from peers.matching import spoken_by
from peers.models import Connection, Profile, ProfileTopic
from peers.places import PLACES
from peers.states import CLOSED, INTRODUCED, RUNNING

SIZE = 24


@dataclass(frozen=True)
class Line:
    """Two countries on the map and how many connections were made between them."""

    one: str
    other: str
    count: int
    path: str


@dataclass(frozen=True)
class Dot:
    """A country on the map and how many champions it has."""

    country: str
    x: int
    y: int
    count: int


@dataclass(frozen=True)
class Listing:
    """One page of the directory; ``after`` and ``before`` are numbers of profiles, 0 at the ends."""

    profiles: list[Profile]
    # Of everyone whom the reader may see, filtered or not: what the filters offer.
    countries: list[str]
    languages: list[str]
    total: int
    # Of all who fit the filters, on whatever page: country -> champions.
    by_country: dict[str, int]
    next: int
    previous: int


def listing(reader: User | None, *, topic: str = "", country: str = "", language: str = "", start: int = 0) -> Listing:
    """Champions who fit, those who looked at their profile last first.

    :param start: the number of the profile that the page begins with; one that is not in the list begins at the top.
    """
    rows = _rows(reader, topic)
    everyone = rows if not topic else _rows(reader, "")
    fitting = [
        row for row in rows
        if (not country or row.country == country)
        and (not language or language in spoken_by(row.languages, row.language))
    ]  # fmt: skip
    numbers = [row.id for row in fitting]
    first = numbers.index(start) if start in numbers else 0
    return Listing(
        profiles=_profiles(numbers[first : first + SIZE]),
        countries=sorted({row.country for row in everyone if row.country}),
        languages=sorted({code for row in everyone for code in spoken_by(row.languages, row.language)}),
        total=len(everyone),
        by_country=dict(Counter(row.country for row in fitting if row.country)),
        next=numbers[first + SIZE] if first + SIZE < len(numbers) else 0,
        previous=numbers[max(first - SIZE, 0)] if first else 0,
    )


def dots(by_country: dict[str, int]) -> list[Dot]:
    """Where the countries of champions are on the map."""
    return [Dot(code, *PLACES[code], count) for code, count in sorted(by_country.items()) if code in PLACES]


def lines(reader: User | None) -> list[Line]:
    """Connections that were made, by pair of countries: no people, only counts.

    Each end is a champion who shows themselves to the reader; for champions and staff the one who sought help may also
    be somebody without a profile. So a line never tells that there is a champion whom the reader may not see.
    """
    visible = Profile.visible_to(reader).with_only_columns(Profile.user_id)
    sought: ColumnElement[bool] = Connection.seeker_id.in_(visible)
    if reader is not None and (reader.is_champion or reader.is_staff):
        sought = or_(sought, Connection.seeker_id.not_in(select(Profile.user_id)))
    seeker, helper = select(User.id, User.country).subquery(), select(User.id, User.country).subquery()
    rows = db.session.execute(
        select(seeker.c.country, helper.c.country, func.count()).select_from(Connection)
        .join(seeker, seeker.c.id == Connection.seeker_id).join(helper, helper.c.id == Connection.helper_id)
        .where(and_(Connection.state.in_((INTRODUCED, CLOSED)), Connection.helper_id.in_(visible), sought))
        .group_by(seeker.c.country, helper.c.country)
    ).all()  # fmt: skip
    counts: Counter[tuple[str, str]] = Counter()
    for one, other, count in rows:
        if one in PLACES and other in PLACES:
            counts[min(one, other), max(one, other)] += count
    return [Line(*pair, count, _curve(*pair)) for pair, count in sorted(counts.items())]


def free_places(profiles: Sequence[Profile]) -> dict[int, int]:
    """Profile -> how many more connections the champion can hold; none while they pause."""
    statement = (
        select(Connection.helper_id, func.count())
        .where(Connection.helper_id.in_([profile.user_id for profile in profiles]), Connection.state.in_(RUNNING))
        .group_by(Connection.helper_id)
    )  # fmt: skip
    busy = {row[0]: row[1] for row in db.session.execute(statement).all()} if profiles else {}
    return {
        profile.id: 0 if profile.is_paused else max(profile.capacity - busy.get(profile.user_id, 0), 0)
        for profile in profiles
    }


def _rows(reader: User | None, topic: str) -> Sequence[Any]:
    """Number, country and languages of everyone whom the reader may see, and nothing more."""
    statement = (
        Profile.visible_to(reader).join(User, User.id == Profile.user_id)
        .where(Profile.visibility != "hidden")
        .order_by(Profile.confirmed_at.desc(), Profile.id)
        .with_only_columns(Profile.id, User.country, User.language, User.languages)
    )  # fmt: skip
    if topic:
        statement = statement.where(Profile.id.in_(select(ProfileTopic.profile_id).where(ProfileTopic.topic == topic)))
    return db.session.execute(statement).all()


def _profiles(numbers: Sequence[int]) -> list[Profile]:
    if not numbers:
        return []
    statement = (
        select(Profile).where(Profile.id.in_(numbers))
        .options(joinedload(Profile.user).lazyload(User.role_rows), selectinload(Profile.topics))
    )  # fmt: skip
    found = {profile.id: profile for profile in db.session.scalars(statement).unique()}
    return [found[number] for number in numbers]


def _curve(one: str, other: str) -> str:
    (x1, y1), (x2, y2) = PLACES[one], PLACES[other]
    if one == other:
        # Two teams of one country: a loop above it.
        return f"M{x1} {y1}c-14 -18 14 -18 0 0"
    lift = (abs(x1 - x2) + abs(y1 - y2)) / 4
    return f"M{x1} {y1}Q{(x1 + x2) / 2:.0f} {(y1 + y2) / 2 - lift:.0f} {x2} {y2}"

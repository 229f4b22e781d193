"""What a champion does with their own profile."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlalchemy import select

from accounts.models import User
from core.db import db, now
from core.events import record
from core.exceptions import Refused
from core.i18n import _
from kb.topics import TOPICS
from peers.models import Profile, ProfileTopic
from peers.states import LEVELS, VISIBILITIES

MOST_CONNECTIONS = 10


def of(user: User) -> Profile | None:
    """A person's profile, if they keep one."""
    return db.session.execute(select(Profile).where(Profile.user_id == user.id)).scalar_one_or_none()


def locked(user: User) -> Profile | None:
    """A person's profile, held until the transaction ends, so that two proposals cannot both take the last place."""
    statement = select(Profile).where(Profile.user_id == user.id).with_for_update(of=Profile)
    return db.session.execute(statement.execution_options(populate_existing=True)).scalar_one_or_none()


def begin(user: User) -> Profile:
    """A person's profile; a new, hidden one if there is none."""
    profile = of(user)
    if profile is None:
        profile = Profile(user_id=user.id, user=user)
        db.session.add(profile)
        record("profile.begun", profile, by=user)
    return profile


def keep(
    profile: Profile, *, by: User, headline: str, offers: str, seeks: str, systems: Sequence[str], capacity: int,
    visibility: str, topics: Mapping[str, str], paused_until: datetime | None = None,
) -> None:  # fmt: skip
    """Write a profile anew.

    :param topics: topic -> level.
    :raises Refused: for a topic, level or visibility that does not exist, or a capacity out of range.
    """
    if visibility not in VISIBILITIES:
        raise Refused(_("Choose who may see your profile."), "visibility")
    if unknown := set(topics) - set(TOPICS):
        raise Refused(_("There is no topic “%(topic)s”.", topic=sorted(unknown)[0]), "topics")
    if unknown := set(topics.values()) - set(LEVELS):
        raise Refused(_("There is no level “%(level)s”.", level=sorted(unknown)[0]), "topics")
    if not 0 <= capacity <= MOST_CONNECTIONS:
        raise Refused(_("Between 0 and %(most)s.", most=MOST_CONNECTIONS), "capacity")
    was = profile.visibility
    profile.headline, profile.offers, profile.seeks = headline.strip()[:200], offers.strip(), seeks.strip()
    profile.systems = [" ".join(name.split())[:60] for name in systems if name.strip()][:20]
    profile.capacity, profile.visibility, profile.paused_until = capacity, visibility, paused_until
    known = {row.topic: row for row in profile.topics}
    for topic, level in topics.items():
        if topic in known:
            known[topic].level = level
    profile.topics = [row for row in profile.topics if row.topic in topics] + [
        ProfileTopic(topic=topic, level=level) for topic, level in topics.items() if topic not in known
    ]
    profile.confirmed_at = now()
    record("profile.kept", profile, by=by, old=was, new=visibility)

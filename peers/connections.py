"""A connection between two people, from suggestion to outcome. Pages, signed links and jobs call these verbs."""

import re
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, and_, func, or_, select

from accounts.models import User
from core import jobs
from core.db import db, now
from core.events import record
from core.exceptions import NotNow, Refused
from core.i18n import _
from kb.topics import TOPICS
from peers import profiles
from peers.models import Connection, Exchange, Profile
from peers.states import ENDED, EXCHANGE_KINDS, INTRODUCED, MOVES, OUTCOMES, PROPOSED, RUNNING

REASON_LENGTH = 2000
EXPIRES_AFTER = timedelta(days=21)
# How long nobody is asked again on the same topic for the same person.
ASK_AGAIN_AFTER = timedelta(days=30)
# How many proposals of one's own may wait for an answer at once.
MOST_WAITING = 5

_ADDRESS = re.compile(r"[\w.+-]+@[\w-]+\.\w")


def propose(
    *, seeker: User, helper: User, topic: str, reason: str, by: User, origin_kind: str = "directory",
    origin_id: int | None = None,
) -> Connection:  # fmt: skip
    """Suggest that two people meet on a topic. Whoever proposes for themselves has accepted by that.

    :raises Refused: for the same person twice, an unknown topic, no reason or one that names a side, or a helper who
        keeps no profile.
    :raises NotNow: when the two have a running connection on the topic or had one that did not come about lately, when
        the helper can take no more, or when too many proposals of one's own wait for an answer.
    """
    if seeker.id == helper.id:
        raise Refused(_("Choose two different people."), "seeker")
    if topic not in TOPICS:
        raise Refused(_("Choose a topic."), "topic")
    _check_reason(reason, seeker, helper)
    profile = profiles.locked(helper)
    if profile is None or profile.visibility == "hidden" or helper.is_disabled or not helper.is_champion:
        raise Refused(_("This person takes no introductions."))
    if seeker.is_disabled:
        raise Refused(_("This account is closed."), "seeker")
    _check_free(profile, seeker, topic)
    if by.id == seeker.id and _count(Connection.proposed_by_id == by.id, Connection.state == PROPOSED) >= MOST_WAITING:
        raise NotNow(
            _("%(count)s of your proposals wait for an answer. Please wait for these first.", count=MOST_WAITING)
        )
    connection = Connection(
        seeker=seeker, helper=helper, topic=topic, reason=reason.strip()[:REASON_LENGTH], proposed_by=by,
        origin_kind=origin_kind, origin_id=origin_id,
    )  # fmt: skip
    moment = now()
    if by.id == seeker.id:
        connection.seeker_accepted_at = moment
    if by.id == helper.id:
        connection.helper_accepted_at = moment
    db.session.add(connection)
    record("connection.proposed", connection, by=by)
    return connection


def accept(connection: Connection, *, by: User) -> None:
    """Say yes for one side; with both sides' yes, the two are introduced. Saying yes twice is saying it once.

    :raises NotNow: when the connection is no longer proposed, or the other side left.
    """
    side = _side(connection, by)
    accepted = connection.seeker_accepted_at if side == "seeker" else connection.helper_accepted_at
    if accepted is not None and connection.state in RUNNING:
        return
    if connection.seeker.is_disabled or connection.helper.is_disabled:
        raise NotNow(_("The other side has left. This connection cannot come about."))
    _move(connection, "accept")
    if side == "seeker":
        connection.seeker_accepted_at = now()
    else:
        connection.helper_accepted_at = now()
    record("connection.accepted", connection, by=by, side=side)
    if connection.seeker_accepted_at is not None and connection.helper_accepted_at is not None:
        _move(connection, "introduce")
        connection.introduced_at = now()
        record("connection.introduced", connection, by=by)


def decline(connection: Connection, *, by: User) -> None:
    """Say no for one side. Nobody is told who it was. Saying no twice is saying it once."""
    _side(connection, by)
    if connection.state in ENDED and connection.declined_by_id == by.id:
        return
    _move(connection, "decline")
    connection.declined_by_id = by.id
    record("connection.declined", connection, by=by)


def log_exchange(connection: Connection, *, by: User, kind: str, note: str, at: datetime | None = None) -> Exchange:
    """Remember something that the two did together.

    :param at: when it was; now if not given or in the future.
    :raises NotNow: before they were introduced, or after the end.
    :raises Refused: for a kind that does not exist, or no note.
    """
    if connection.state != INTRODUCED:
        raise NotNow(_("Exchanges can be noted while the two are in contact."))
    if kind not in EXCHANGE_KINDS:
        raise Refused(_("Choose a kind of exchange."), "kind")
    if not note.strip():
        raise Refused(_("Say in a line what happened."), "note")
    moment = now()
    exchange = Exchange(by=by, kind=kind, note=note.strip()[:REASON_LENGTH], at=min(at or moment, moment))
    connection.exchanges.append(exchange)
    connection.last_activity_at = moment
    record("connection.exchanged", connection, by=by, exchange=exchange)
    return exchange


def close(connection: Connection, *, by: User, outcome: str, note: str) -> None:
    """End a connection with what came of it.

    :raises NotNow: when the two are not in contact.
    :raises Refused: for an outcome that does not exist.
    """
    if outcome not in OUTCOMES:
        raise Refused(_("Choose what came of it."), "outcome")
    _move(connection, "close")
    connection.outcome, connection.outcome_note = outcome, note.strip()[:REASON_LENGTH]
    connection.closed_at = now()
    record("connection.closed", connection, by=by, outcome=outcome)


def running(user: User) -> int:
    """How many connections a person helps in at the moment, proposed ones included."""
    return _count(Connection.helper_id == user.id, Connection.state.in_(RUNNING))


@jobs.every("connections.expire", 3600)
def expire() -> None:
    """End proposals that nobody answered for three weeks."""
    old = select(Connection).where(Connection.state == PROPOSED, Connection.created_at < now() - EXPIRES_AFTER)
    for connection in db.session.scalars(old.order_by(Connection.id).limit(100)):
        _move(connection, "expire")
        record("connection.expired", connection)


def _check_reason(reason: str, seeker: User, helper: User) -> None:
    """Both sides read the reason before they agree, so it must not say who the other one is."""
    if not reason.strip():
        raise Refused(_("Say why the two should meet; both will read it."), "reason")
    if _ADDRESS.search(reason):
        raise Refused(_("Leave e-mail addresses out: they are shared when both have agreed."), "reason")
    words = set(re.findall(r"[^\W\d_]+", reason))
    for user in (seeker, helper):
        parts = [part for part in re.findall(r"[^\W\d_]+", user.name) if len(part) > 2 and part[0].isupper()]
        if named := [part for part in parts if part in words]:
            raise Refused(
                _("Leave the name “%(name)s” out: names are shared when both have agreed.", name=named[0]), "reason"
            )


def _check_free(profile: Profile, seeker: User, topic: str) -> None:
    helper = profile.user
    if profile.is_paused:
        raise NotNow(_("%(name)s is taking a pause from introductions.", name=profile.name))
    if running(helper) >= profile.capacity:
        raise NotNow(_("%(name)s has as many connections as they can hold at the moment.", name=profile.name))
    pair = or_(
        and_(Connection.seeker_id == seeker.id, Connection.helper_id == helper.id),
        and_(Connection.seeker_id == helper.id, Connection.helper_id == seeker.id),
    )
    if _count(pair, Connection.topic == topic, Connection.state.in_(RUNNING)):
        raise NotNow(_("These two have a connection on this topic already."))
    lately = Connection.last_activity_at > now() - ASK_AGAIN_AFTER
    if _count(pair, Connection.topic == topic, Connection.state.in_(ENDED), lately):
        raise NotNow(
            _("This did not come about a short time ago. Please choose somebody else, or ask again in a month.")
        )


def _move(connection: Connection, name: str) -> None:
    sources, target = MOVES[name]
    if connection.state not in sources:
        raise NotNow(_("This connection has moved on. Load the page again."))
    connection.state = target
    connection.last_activity_at = now()


def _side(connection: Connection, person: User) -> str:
    if person.id == connection.seeker_id:
        return "seeker"
    if person.id == connection.helper_id:
        return "helper"
    raise Refused(_("Only the two can answer."))


def _count(*conditions: ColumnElement[bool]) -> int:
    return db.session.scalar(select(func.count()).select_from(Connection).where(*conditions)) or 0

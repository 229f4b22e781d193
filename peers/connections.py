"""A connection between two people, from suggestion to outcome. Pages, signed links and jobs call these verbs."""

from datetime import datetime, timedelta

from sqlalchemy import func, or_, select

from accounts.models import User
from core import jobs
from core.db import db, now
from core.events import record
from core.exceptions import NotNow, Refused
from core.i18n import _
from kb.topics import TOPICS
from peers import profiles
from peers.models import Connection, Exchange
from peers.states import EXCHANGE_KINDS, INTRODUCED, MOVES, OUTCOMES, PROPOSED, RUNNING

REASON_LENGTH = 2000
EXPIRES_AFTER = timedelta(days=21)


def propose(
    *, seeker: User, helper: User, topic: str, reason: str, by: User, origin_kind: str = "directory",
    origin_id: int | None = None,
) -> Connection:  # fmt: skip
    """Suggest that two people meet on a topic. Whoever proposes for themselves has accepted by that.

    :raises Refused: for the same person twice, an unknown topic, no reason, or a helper who keeps no profile.
    :raises NotNow: when the two have a running connection on the topic, or the helper can take no more.
    """
    if seeker.id == helper.id:
        raise Refused(_("Choose two different people."), "helper")
    if topic not in TOPICS:
        raise Refused(_("Choose a topic."), "topic")
    if not reason.strip():
        raise Refused(_("Say why the two should meet; both will read it."), "reason")
    profile = profiles.of(helper)
    if profile is None or profile.visibility == "hidden" or helper.is_disabled or seeker.is_disabled:
        raise Refused(_("This person takes no introductions."), "helper")
    if profile.paused_until is not None and profile.paused_until > now():
        raise NotNow(_("%(name)s is taking a pause from introductions.", name=helper.shown_name))
    if running(helper) >= profile.capacity:
        raise NotNow(_("%(name)s has as many connections as they can hold at the moment.", name=helper.shown_name))
    if _is_running(seeker, helper, topic):
        raise NotNow(_("These two have a connection on this topic already."))
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
    db.session.flush()
    record("connection.proposed", connection, by=by)
    return connection


def accept(connection: Connection, *, by: User) -> None:
    """Say yes for one side; with both sides' yes, the two are introduced. Saying yes twice is saying it once.

    :raises NotNow: when the connection is no longer proposed.
    """
    side = _side(connection, by)
    accepted = connection.seeker_accepted_at if side == "seeker" else connection.helper_accepted_at
    if accepted is not None and connection.state in RUNNING:
        return
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
    """Say no for one side. Nobody is told who it was."""
    _side(connection, by)
    _move(connection, "decline")
    connection.declined_by_id = by.id
    record("connection.declined", connection, by=by)


def log_exchange(connection: Connection, *, by: User, kind: str, note: str, at: datetime | None = None) -> Exchange:
    """Remember something that the two did together.

    :raises NotNow: before they were introduced, or after the end.
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
    """End a connection with what came of it."""
    if outcome not in OUTCOMES:
        raise Refused(_("Choose what came of it."), "outcome")
    _move(connection, "close")
    connection.outcome, connection.outcome_note = outcome, note.strip()[:REASON_LENGTH]
    connection.closed_at = now()
    record("connection.closed", connection, by=by, outcome=outcome)


def running(user: User) -> int:
    """How many connections a person helps in at the moment, proposed ones included."""
    statement = select(func.count()).where(Connection.helper_id == user.id, Connection.state.in_(RUNNING))
    return db.session.scalar(statement) or 0


@jobs.every("connections.expire", 3600)
def expire() -> None:
    """End proposals that nobody answered for three weeks."""
    old = select(Connection).where(Connection.state == PROPOSED, Connection.created_at < now() - EXPIRES_AFTER)
    for connection in db.session.scalars(old.limit(100)):
        _move(connection, "expire")
        record("connection.expired", connection)


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


def _is_running(seeker: User, helper: User, topic: str) -> bool:
    pair = or_(
        (Connection.seeker_id == seeker.id) & (Connection.helper_id == helper.id),
        (Connection.seeker_id == helper.id) & (Connection.helper_id == seeker.id),
    )
    statement = select(Connection.id).where(pair, Connection.topic == topic, Connection.state.in_(RUNNING)).limit(1)
    return db.session.scalar(statement) is not None

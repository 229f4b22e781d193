"""What happened, and who must know.

A verb calls `record`; that adds one Event row and, for each subscriber of that name, one Job row, in the transaction
of the change itself. The worker runs the subscribers afterwards: at least once, so a subscriber must bear repetition.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from flask_login import UserMixin
from sqlalchemy import ForeignKey, Index, String, insert, inspect, select
from sqlalchemy.orm import Mapped, mapped_column

from core import jobs
from core.db import Id, Model, db, now

Subscriber = Callable[["Event"], None]

_subscribers: dict[str, list[Subscriber]] = {}


class Event(Model):
    """One thing that happened. ``data`` keeps ids and codes, never text that a person wrote."""

    __tablename__ = "event"
    __table_args__ = (
        Index("ix_event_subject", "subject_kind", "subject_id", "id"),
        Index("ix_event_name", "name", "id"),
    )

    name: Mapped[str] = mapped_column(String(80))
    subject_kind: Mapped[str] = mapped_column(String(40))
    subject_id: Mapped[int] = mapped_column(Id)
    actor_id: Mapped[int | None] = mapped_column(ForeignKey("user.id"))
    data: Mapped[dict[str, Any]] = mapped_column(default=dict)
    at: Mapped[datetime] = mapped_column(default=now)


_INSERT = insert(Event)
# In the order in which they happened.
_INSERT_MANY = insert(Event).returning(Event.id, sort_by_parameter_order=True)
_HELD = "held_events"


def record(name: str, subject: Model, *, by: UserMixin | None = None, **data: Any) -> None:  # JSON values
    """Say that something happened.

    :param name: what, as ``noun.verb`` in the past tense; listed in docs/reference/events.md.
    :param subject: the row that it happened to.
    :param by: who did it; None for the system itself.
    :param data: ids and codes; a row stands for its id.
    """
    rows = [row for row in (subject, by, *data.values()) if isinstance(row, Model)]
    if any(inspect(row).pending or inspect(row).transient for row in rows):
        db.session.flush()
    values = {
        "name": name, "subject_kind": subject.__tablename__, "subject_id": subject.id,
        "actor_id": getattr(by, "id", None),
        "data": {key: value.id if isinstance(value, Model) else value for key, value in data.items()}, "at": now(),
    }  # fmt: skip
    held = db.session.info.get(_HELD)
    if held is not None:
        held.append(values)
        return
    # Written at once, past the session: nobody changes an event, and every write of a verb makes one.
    number = db.session.connection().execute(_INSERT, values).inserted_primary_key
    for subscriber in _subscribers.get(name, ()):
        jobs.enqueue("event", event=number[0] if number else None, to=_key(subscriber))


@contextmanager
def together() -> Iterator[None]:
    """Write the events of all that happens inside at its end, in two statements; none of them if it raises.

    For batches: until then nobody can read them, so no savepoint may be rolled back inside.
    """
    held: list[dict[str, Any]] = []
    db.session.info[_HELD] = held
    try:
        yield
    finally:
        db.session.info.pop(_HELD, None)
    if not held:
        return
    numbers = db.session.connection().execute(_INSERT_MANY, held).scalars().all()
    jobs.enqueue_all("event", [
        {"event": number, "to": _key(subscriber)}
        for number, values in zip(numbers, held, strict=True) for subscriber in _subscribers.get(values["name"], ())
    ])  # fmt: skip


def on(*names: str) -> Callable[[Subscriber], Subscriber]:
    """Subscribe a function to events by name; the worker calls it with the Event."""

    def add(subscriber: Subscriber) -> Subscriber:
        for name in names:
            known = _subscribers.setdefault(name, [])
            if all(_key(other) != _key(subscriber) for other in known):
                known.append(subscriber)
        return subscriber

    return add


def subscribers() -> dict[str, list[str]]:
    """Who listens to what: event name -> dotted names."""
    return {name: [_key(subscriber) for subscriber in known] for name, known in sorted(_subscribers.items())}


def history(subject: Model, limit: int = 200) -> list[Event]:
    """The latest events of one row, oldest first."""
    statement = (
        select(Event)
        .where(Event.subject_kind == subject.__tablename__, Event.subject_id == subject.id)
        .order_by(Event.id.desc())
        .limit(limit)
    )
    return list(reversed(db.session.scalars(statement).all()))


@jobs.job("event")
def deliver(event: int, to: str) -> None:
    """Call one subscriber with one event."""
    row = db.session.get(Event, event)
    if row is None:
        return
    for subscriber in _subscribers.get(row.name, ()):
        if _key(subscriber) == to:
            subscriber(row)


def _key(subscriber: Subscriber) -> str:
    return f"{subscriber.__module__}.{subscriber.__qualname__}"

"""Work to be done later, in the same database and the same transaction as the change that owes it.

At least once: a job's row goes away in the transaction of its effect. Claimed with a lease that is fenced by a token,
so a worker that slept through its lease cannot finish a job that somebody else has taken. Backed off, then parked as
``dead`` where people see it.
"""

import logging
import random
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from flask import Flask
from sqlalchemy import Insert, delete, func, insert, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite

from core import batches
from core.batches import Claimed, Together
from core.db import db, give_way, now
from core.job_rows import ClockRun
from core.job_rows import Job as Job  # noqa: PLC0414 # Re-exported for the parts.

logger = logging.getLogger(__name__)

LEASE_SECONDS = 120
BATCH = 20
# When a whole batch is of one kind, so many more batches of it are taken with it.
MOST_AHEAD = 4


@dataclass(frozen=True)
class Kind:
    """How jobs of one kind are run."""

    run: Callable[..., None]
    attempts: int
    lease_seconds: int
    slow: bool
    waits: bool
    together: Together | None


@dataclass(frozen=True)
class Clock:
    """Something that is due again and again."""

    seconds: int
    run: Callable[[], None]


_kinds: dict[str, Kind] = {}
_clocks: dict[str, Clock] = {}


class Later(Exception):  # It reads as “raise Later(…)”, which is no error.
    """Raised by a job that must wait; what it did is rolled back and no attempt is counted as failed.

    :param seconds: until the next try.
    """

    def __init__(self, seconds: float, reason: str = "") -> None:
        super().__init__(reason)
        self.seconds = seconds


def job(
    kind: str,
    *,
    attempts: int = 12,
    lease_seconds: int = LEASE_SECONDS,
    slow: bool = False,
    waits: bool = False,
    together: Together | None = None,
) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Register the function that runs jobs of a kind; it is called with the payload as keyword arguments.

    :param slow: it waits for something other than the database (a mail server, a parser, the index), so it starts with
        no transaction open, lest it hold up every writer, and must read, wait, then write.
    :param waits: it may wait long for somebody else's machine; only one process of a worker runs such jobs.
    :param together: how several of them are run at once; only one that failed there is run by itself.
    """

    def add(run: Callable[..., None]) -> Callable[..., None]:
        _kinds[kind] = Kind(run, attempts, lease_seconds, slow, waits, together)
        return run

    return add


def every(name: str, seconds: int) -> Callable[[Callable[[], None]], Callable[[], None]]:
    """Register a function that one worker at a time calls every so many seconds."""

    def add(run: Callable[[], None]) -> Callable[[], None]:
        _clocks[name] = Clock(seconds, run)
        return run

    return add


def kinds() -> list[str]:
    """The kinds of job that can be run."""
    return sorted(_kinds)


def waiting_kinds() -> tuple[str, ...]:
    """The kinds of job that may wait long for somebody else's machine."""
    return tuple(sorted(name for name, kind in _kinds.items() if kind.waits))


_INSERT = insert(Job)
_INSERT_ONCE: dict[str, Insert] = {
    "sqlite": sqlite.insert(Job).on_conflict_do_nothing(index_elements=["key"]),
    "postgresql": postgresql.insert(Job).on_conflict_do_nothing(index_elements=["key"]),
}


def enqueue(kind: str, *, key: str | None = None, delay: float = 0, **payload: Any) -> None:  # JSON
    """Add a job to the current transaction.

    :param key: at most one queued job has a key; a second one is the same job and is not added.
    :param delay: seconds before it may run.
    """
    values = _values(kind, payload, key, delay)
    connection = db.session.connection()
    if key is None:
        connection.execute(_INSERT, values)
    else:
        # A running job has its key cleared when it is claimed, so a change that comes meanwhile is not swallowed.
        connection.execute(_INSERT_ONCE[connection.dialect.name], values)


def enqueue_all(kind: str, payloads: list[dict[str, Any]]) -> None:
    """Add several jobs of one kind to the current transaction, by one statement."""
    if payloads:
        db.session.connection().execute(_INSERT, [_values(kind, payload, None, 0) for payload in payloads])


def _values(kind: str, payload: dict[str, Any], key: str | None, delay: float) -> dict[str, Any]:
    moment = now()
    return {
        "kind": kind, "payload": payload, "key": key, "run_at": moment + timedelta(seconds=delay), "state": "queued",
        "attempts": 0, "lease_token": "", "last_error": "", "created_at": moment,
    }  # fmt: skip


def claim(limit: int = BATCH, kind: str = "", but: tuple[str, ...] = ()) -> list[Claimed]:
    """Take up to ``limit`` due jobs, of one kind if one is given, of none of the kinds in ``but``. Commits."""
    moment = now()
    token = secrets.token_hex(16)
    due = (
        select(Job.id)
        .where(Job.state == "queued", Job.run_at <= moment, or_(Job.lease_until.is_(None), Job.lease_until < moment))
        .order_by(Job.run_at, Job.id)
        .limit(limit)
    )
    if kind:
        due = due.where(Job.kind == kind)
    if but:
        due = due.where(Job.kind.not_in(but))
    if db.engine.dialect.name == "postgresql":
        due = due.with_for_update(skip_locked=True)
    rows = db.session.execute(
        update(Job)
        .where(Job.id.in_(due.scalar_subquery()))
        .values(
            lease_token=token,
            lease_until=moment + timedelta(seconds=LEASE_SECONDS),
            attempts=Job.attempts + 1,
            key=None,
        )
        .returning(Job.id, Job.kind, Job.payload, Job.attempts)
        .execution_options(synchronize_session=False)
    ).all()
    db.session.commit()
    return sorted((row.id, row.kind, row.payload, row.attempts, token) for row in rows)


def run_one(number: int, kind: str, payload: dict[str, Any], attempts: int, token: str) -> bool:
    """Run one claimed job; its effect and the end of its row are one transaction. Returns whether it was done."""
    known = _kinds.get(kind)
    try:
        if known is None:
            raise LookupError(f"no code runs jobs of the kind {kind}")
        extended = db.session.execute(
            update(Job)
            .where(Job.id == number, Job.lease_token == token)
            .values(lease_until=now() + timedelta(seconds=known.lease_seconds))
            .execution_options(synchronize_session=False)
        )
        if extended.rowcount != 1:  # type: ignore[attr-defined] # An UPDATE gives a cursor result.
            db.session.rollback()
            return False
        if known.slow:
            db.session.commit()
        known.run(**payload)
        finished = db.session.execute(
            delete(Job).where(Job.id == number, Job.lease_token == token).execution_options(synchronize_session=False)
        )
        if finished.rowcount != 1:  # type: ignore[attr-defined]
            db.session.rollback()
            return False
        db.session.commit()
    except Later as later:
        db.session.rollback()
        _put_back(number, token, delay=later.seconds, error=str(later), state="queued", attempts=attempts - 1)
        return False
    except Exception as error:  # Whatever a job raises must not stop the others; it is kept where people see it.
        db.session.rollback()
        logger.exception("job %s (%s) failed, attempt %s", number, kind, attempts)
        dead = known is None or attempts >= known.attempts
        delay = min(2 ** (attempts - 1) * 60, 3600) * random.uniform(0.8, 1.2)  # noqa: S311 # Spreads retries only.
        state = "dead" if dead else "queued"
        _put_back(number, token, delay=delay, error=f"{type(error).__name__}: {error}", state=state, attempts=attempts)
        return False
    finally:
        db.session.remove()
        give_way()
    return True


def _put_back(number: int, token: str, *, delay: float, error: str, state: str, attempts: int) -> None:
    db.session.execute(
        update(Job)
        .where(Job.id == number, Job.lease_token == token)
        .values(
            state=state, lease_until=None, lease_token="", last_error=error[:2000], attempts=max(attempts, 0),
            run_at=now() + timedelta(seconds=delay),
        )
        .execution_options(synchronize_session=False)
    )  # fmt: skip
    db.session.commit()


def run_due(*, limit: int = BATCH, but: tuple[str, ...] = ()) -> int:
    """Claim and run one batch; returns how many jobs were claimed."""
    claimed = claim(limit, but=but)
    together: dict[str, list[Claimed]] = {}
    alone = []
    for item in claimed:
        known = _kinds.get(item[1])
        # A job that was tried before may be what spoils a batch.
        if known is not None and known.together is not None and item[3] == 1:
            together.setdefault(item[1], []).append(item)
        else:
            alone.append(item)
    count = len(claimed)
    for kind, items in together.items():
        if len(items) == limit:
            # There are many: while some are written, the next are prepared.
            more = claim(limit * MOST_AHEAD, kind)
            count += len(more)
            alone.extend(item for item in more if item[3] > 1)
            items.extend(item for item in more if item[3] == 1)
        known = _kinds[kind]
        assert known.together is not None
        cut = [items[start : start + limit] for start in range(0, len(items), limit)]
        alone.extend(batches.run(kind, known.together, cut, known.lease_seconds))
    for item in sorted(alone):
        run_one(*item)
    return count


def run_until_idle(rounds: int = 200, but: tuple[str, ...] = ()) -> int:
    """Run jobs until none is due; returns how many were run. For ``work --once``, the demo data and the tests."""
    total = 0
    for _ in range(rounds):
        count = run_due(but=but)
        if not count:
            break
        total += count
    return total


def run_clocks() -> None:
    """Run each clock that is due, on one worker only."""
    for name, clock in _clocks.items():
        moment = now()
        insert = postgresql.insert(ClockRun) if db.engine.dialect.name == "postgresql" else sqlite.insert(ClockRun)
        long_ago = moment - timedelta(days=3650)
        db.session.execute(insert.values(name=name, last_run=long_ago).on_conflict_do_nothing(index_elements=["name"]))
        won = db.session.execute(
            update(ClockRun)
            .where(ClockRun.name == name, ClockRun.last_run <= moment - timedelta(seconds=clock.seconds))
            .values(last_run=moment)
            .execution_options(synchronize_session=False)
        ).rowcount  # type: ignore[attr-defined]
        db.session.commit()
        if won:
            try:
                clock.run()
                db.session.commit()
            except Exception:  # A clock that fails must not stop the worker; it strikes again.
                db.session.rollback()
                logger.exception("the clock %s failed", name)
            finally:
                db.session.remove()


def work(app: Flask, *, stop: Callable[[], bool], pause: float = 0.25, but: tuple[str, ...] = ()) -> None:
    """Work until told to stop: due jobs in batches, and the clocks about once a second.

    :param but: kinds of job that are left to another process.
    """
    last_clocks = 0.0
    while not stop():
        with app.app_context():
            try:
                if time.monotonic() - last_clocks >= 1:
                    run_clocks()
                    last_clocks = time.monotonic()
                count = run_due(but=but)
            except Exception:  # The database may be away for a while; the worker waits for it.
                logger.exception("the worker could not reach its queue")
                db.session.rollback()
                count = 0
                time.sleep(2)
        if not count:
            time.sleep(pause)


def counts() -> dict[str, int]:
    """How many jobs wait and how many are dead."""
    rows = db.session.execute(select(Job.state, func.count()).group_by(Job.state)).all()
    return {"queued": 0, "dead": 0} | {row[0]: row[1] for row in rows}

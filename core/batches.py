"""Jobs that are cheaper together: read at once, prepared while others are written, written in one transaction."""

import logging
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Any

from flask import current_app
from sqlalchemy import delete, update

from core.db import db, give_way, now
from core.job_rows import Job

logger = logging.getLogger(__name__)

# (id, kind, payload, attempts so far, lease token)
Claimed = tuple[int, str, dict[str, Any], int, str]


@dataclass(frozen=True)
class Together:
    """How several jobs of one kind are run at once, for less than one by one.

    ``load`` gets their payloads and reads what they need; ``prepare`` gets what it returned and may wait, but not
    touch the database: it runs in a thread, while another batch is being written; ``write`` gets what that returned
    and writes all of it in one transaction. If anything is raised, nothing was done, and each job is run by itself.
    """

    load: Callable[[list[dict[str, Any]]], Any]
    prepare: Callable[[Any], Any]
    write: Callable[[Any], None]


def run(kind: str, known: Together, batches: list[list[Claimed]], lease_seconds: int) -> list[Claimed]:
    """Run claimed jobs of one kind, each batch in one transaction; gives those of batches that failed.

    :param lease_seconds: how long nobody else may take them.
    """
    failed = []
    # A copy for each, because one context cannot be entered twice.
    app = current_app._get_current_object()  # type: ignore[attr-defined]

    def prepare(loaded: Any) -> Any:
        with app.app_context():
            return known.prepare(loaded)

    with ThreadPoolExecutor(1, thread_name_prefix=kind) as ahead:
        prepared = []
        for items in batches:
            loaded = _guarded(kind, partial(_loaded, known, items, lease_seconds))
            prepared.append(ahead.submit(prepare, loaded[0]) if loaded else None)
        for items, future in zip(batches, prepared, strict=True):
            if future is None or not _guarded(kind, partial(_written, known, items, future)):
                failed.extend(items)
    return failed


def _loaded(known: Together, items: list[Claimed], lease_seconds: int) -> tuple[Any]:
    extended = db.session.execute(
        update(Job).where(*_of(items)).values(lease_until=now() + timedelta(seconds=lease_seconds))
        .execution_options(synchronize_session=False)
    )  # fmt: skip
    db.session.commit()
    if extended.rowcount != len(items):  # type: ignore[attr-defined] # An UPDATE gives a cursor result.
        raise LookupError("somebody else has taken some of these jobs")
    loaded = known.load([item[2] for item in items])
    db.session.rollback()
    return (loaded,)


def _written(known: Together, items: list[Claimed], prepared: Future[Any]) -> bool:
    ready = prepared.result()
    known.write(ready)
    finished = db.session.execute(delete(Job).where(*_of(items)).execution_options(synchronize_session=False))
    if finished.rowcount != len(items):  # type: ignore[attr-defined]
        raise LookupError("somebody else has taken some of these jobs")
    db.session.commit()
    return True


def _of(items: list[Claimed]) -> tuple[Any, Any]:
    return Job.id.in_([item[0] for item in items]), Job.lease_token == items[0][4]


def _guarded(kind: str, step: Callable[[], Any]) -> Any:
    """What a step of a batch gives; None if it failed and nothing was done."""
    try:
        return step()
    except Exception:  # Whichever job it was, it is found by running each by itself.
        db.session.rollback()
        logger.info("jobs (%s) could not be run together", kind, exc_info=True)
        return None
    finally:
        db.session.remove()
        give_way()

"""What became of suggestions: written down as they are shown, opened, cited and taken, counted for the report.

Nobody's words and nobody's name are kept: only which articles stood where, in which language and topic.
"""

import re
import secrets
from collections.abc import Iterable, Sequence
from datetime import timedelta
from typing import Any

from flask import Flask
from sqlalchemy import delete, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite

from core import jobs
from core.db import db, now, write_apart
from core.events import Event, on
from helpdesk.measuring_models import ASK, CITED, DESK, OPENED, SuggestionShowing, SuggestionStep
from helpdesk.models import Ticket

KEPT_DAYS = 365
MOST_TARGETS = 10
# A citation counts for a showing that is not older.
CITED_WITHIN = timedelta(days=14)
# The same list shown again within this time is the same showing.
_AGAIN = timedelta(minutes=30)

_REFERENCE = re.compile(r"(article|answer):([1-9]\d{0,8})")


def register(_app: Flask) -> None:
    """Importing this module subscribes."""


def references(texts: Iterable[str]) -> list[str]:
    """Those texts that name an article or a past answer (`article:12`), each once, as many as one showing has."""
    return list(dict.fromkeys(text for text in texts if _REFERENCE.fullmatch(text)))[:MOST_TARGETS]


def show(targets: Sequence[str], *, language: str, topic: str = "", token: str = "") -> str:
    """Write down that suggestions are shown to somebody who asks; in the transaction of the request.

    :param targets: as `references` gives them, best first.
    :param token: of the showing on the same page that this list takes the place of.
    :return: the token by which the page says what became of them.
    """
    row = db.session.scalar(select(SuggestionShowing).where(SuggestionShowing.token == token)) if token else None
    if row is None or row.place != ASK:
        row = SuggestionShowing(token=secrets.token_urlsafe(16), place=ASK, ticket_id=None)
        db.session.add(row)
    row.targets, row.language, row.topic = list(targets), language[:8], topic[:60]
    return row.token


def show_asked(targets: Sequence[str], *, language: str, topic: str, token: str) -> str:
    """Write down, apart from the request, what is suggested to somebody who has just asked: see `show`."""
    values = {"targets": list(targets), "language": language[:8], "topic": topic[:60]}
    known = SuggestionShowing.token == token, SuggestionShowing.place == ASK
    if token and write_apart(update(SuggestionShowing).where(*known).values(**values).returning(SuggestionShowing.id)):
        return token
    token = secrets.token_urlsafe(16)
    write_apart(insert(SuggestionShowing), {**values, "token": token, "place": ASK, "ticket_id": None, "at": now()})
    return token


def show_on_desk(ticket: Ticket, targets: Sequence[str]) -> None:
    """Write down, apart from the request, that suggestions stand beside a ticket; once while they are the same."""
    if not targets:
        return
    last = db.session.execute(
        select(SuggestionShowing.targets, SuggestionShowing.at)
        .where(SuggestionShowing.ticket_id == ticket.id)
        .order_by(SuggestionShowing.id.desc())
        .limit(1)
    ).first()  # fmt: skip
    if last is not None and last.targets == list(targets) and now() - last.at < _AGAIN:
        return
    values = {
        "token": secrets.token_urlsafe(16), "place": DESK, "ticket_id": ticket.id, "language": ticket.language[:8],
        "topic": ticket.topic[:60], "targets": list(targets), "at": now(),
    }  # fmt: skip
    write_apart(insert(SuggestionShowing), values)


def step(token: str, what: str, kind: str, number: int) -> bool:
    """Write down what became of one suggestion of a showing; once each. False if that was written down before."""
    row = db.session.scalar(select(SuggestionShowing).where(SuggestionShowing.token == token[:32]))
    return row is None or _note(row.id, row.targets, what, kind, number)


@on("ticket.cited")
def cited(event: Event) -> None:
    """Write down that a reply cites what was suggested beside its ticket, or what was not (rank 0)."""
    kind, number = str(event.data.get("kind", "")), int(event.data.get("target", 0))
    rows = db.session.execute(
        select(SuggestionShowing.id, SuggestionShowing.targets)
        .where(SuggestionShowing.ticket_id == event.subject_id, SuggestionShowing.at >= event.at - CITED_WITHIN)
        .order_by(SuggestionShowing.id.desc())
        .limit(5)
    ).all()  # fmt: skip
    if not rows:
        return
    shown = next((row for row in rows if f"{kind}:{number}" in row.targets), rows[0])
    _note(shown.id, shown.targets, CITED, kind, number)


def opened_on_desk(ticket_id: int, kind: str, number: int) -> None:
    """Write down, apart from the request, that staff opened a suggestion beside a ticket."""
    rows = db.session.execute(
        select(SuggestionShowing.id, SuggestionShowing.targets)
        .where(SuggestionShowing.ticket_id == ticket_id)
        .order_by(SuggestionShowing.id.desc())
        .limit(5)
    ).all()  # fmt: skip
    # On a page that is open for long stands an older list than the newest one.
    row = next((row for row in rows if f"{kind}:{number}" in row.targets), rows[0] if rows else None)
    if row is not None:
        write_apart(_once(), _values(row.id, row.targets, OPENED, kind, number))


def _note(showing: int, targets: Sequence[str], what: str, kind: str, number: int) -> bool:
    written = _once().values(**_values(showing, targets, what, kind, number)).returning(SuggestionStep.id)
    return db.session.scalar(written) is not None


def _values(showing: int, targets: Sequence[str], what: str, kind: str, number: int) -> dict[str, Any]:
    name = f"{kind}:{number}"
    rank = targets.index(name) + 1 if name in targets else 0
    return {
        "showing_id": showing, "what": what, "target_kind": kind, "target_id": number, "rank": rank, "at": now(),
    }  # fmt: skip


def _once() -> Any:  # An INSERT of the dialect.
    dialect = sqlite if db.engine.dialect.name == "sqlite" else postgresql
    return dialect.insert(SuggestionStep).on_conflict_do_nothing()


@jobs.every("suggestions.sweep", 86400)
def sweep() -> None:
    """Forget showings, and what became of them, after a year."""
    db.session.execute(
        delete(SuggestionShowing)
        .where(SuggestionShowing.at < now() - timedelta(days=KEPT_DAYS))
        .execution_options(synchronize_session=False)
    )

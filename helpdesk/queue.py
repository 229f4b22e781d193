"""The queue: which tickets a choice shows, counted and cut into pages, at the same cost however many there are.

Within one state (and one priority) an index holds the tickets in order. So a page takes the first few of each and
merges them, instead of sorting all that match; and counts stop at a cap.
"""

import base64
import binascii
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cache
from typing import Any

from flask_babel import format_decimal
from sqlalchemy import ColumnElement, Select, bindparam, func, literal, or_, select, union_all
from sqlalchemy.orm import aliased

from accounts.models import Organisation, Role, User
from accounts.roles import STAFF
from core import fulltext
from core.db import db, now
from core.pager import COUNT_CAP
from core.passages import Segments
from helpdesk.choices import MOST_FOUND, SORTS, VIEWS, WEEK, Choice, Sort, conditions_of, is_number, states_of
from helpdesk.intake_models import InboundMail
from helpdesk.models import Ticket, TicketTag
from helpdesk.states import PRIORITIES, STATES

SIZE = 30
MOST_FOUND_SHOWN = 50

_SEPARATOR = "\x1f"
_PRIORITY_ORDER = tuple(reversed(PRIORITIES))


@dataclass(frozen=True, slots=True)
class Line:
    """One ticket as the queue shows it. ``row`` has the columns that `_lines` selects."""

    row: Any
    tags: tuple[str, ...]
    snippet: Segments = ()


@dataclass(frozen=True)
class Lines:
    """One page of the queue; ``next`` and ``previous`` are opaque, "" at the ends. ``is_cut``: more were found."""

    items: list[Line]
    next: str = ""
    previous: str = ""
    is_cut: bool = False


def counts(reader: User) -> dict[str, str]:
    """How many tickets each view holds (“1,000+” at the cap), and mails in quarantine, in one statement."""
    row = db.session.execute(_count_statement(), {"reader": reader.id, "since": now() - WEEK}).one()
    return {name: _shown(count) for name, count in row._mapping.items()}


def mark() -> str:
    """Changes whenever something happened to any ticket."""
    newest = db.session.scalar(select(func.max(Ticket.last_activity_at)))
    return newest.isoformat() if newest else ""


def count(choice: Choice, reader: User) -> str:
    """How many tickets a choice with filters shows, up to the cap."""
    statement = select(Ticket.id).where(*conditions_of(choice, reader))
    if states := states_of(choice):
        statement = statement.where(Ticket.state.in_(states))
    return _shown(db.session.scalar(select(_capped(statement))) or 0)


def page(choice: Choice, reader: User, *, after: str = "", before: str = "", size: int = SIZE) -> Lines:
    """One page of the tickets of a choice, in its order."""
    backward = bool(before)
    position = _decode(before or after, choice.order)
    keys = _first_keys(choice, reader, position, backward=backward, size=size + 1)
    more = len(keys) > size
    keys = keys[:size]
    if backward:
        keys.reverse()
    has_next = more if not backward else bool(keys)
    has_previous = (position is not None) if not backward else more
    lines = _lines([key[2] for key in keys])
    return Lines(
        [lines[key[2]] for key in keys if key[2] in lines],
        next=_encode(keys[-1]) if keys and has_next else "",
        previous=_encode(keys[0]) if keys and has_previous else "",
    )


def found(choice: Choice, reader: User) -> Lines:
    """The tickets that hold the words of a choice, best first; the ticket whose number was typed above all."""
    hits = fulltext.search(db.session, choice.q, internal=True, limit=MOST_FOUND, snippets=MOST_FOUND_SHOWN)
    snippets = {hit.ticket_id: hit.snippet for hit in hits}
    numbers = list(snippets)
    typed = choice.q.removeprefix("#")
    if is_number(typed):
        numbers = [int(typed), *(number for number in numbers if number != int(typed))]
    if choice.filters and numbers:
        statement = select(Ticket.id).where(Ticket.id.in_(numbers), *conditions_of(choice, reader))
        if choice.state:
            statement = statement.where(Ticket.state == choice.state)
        passing = set(db.session.scalars(statement))
        numbers = [number for number in numbers if number in passing]
    lines = _lines(numbers[:MOST_FOUND_SHOWN])
    items = [replace(lines[number], snippet=snippets.get(number, ())) for number in numbers if number in lines]
    return Lines(items, is_cut=len(numbers) > MOST_FOUND_SHOWN)


def analysts() -> Sequence[Any]:
    """Those who can be assigned, as rows of id, name and email, by name."""
    return db.session.execute(_analyst_statement()).all()


# Statements that are always the same are put together once.


@cache
def _count_statement() -> Any:
    statements = {}
    for name, view in VIEWS.items():
        statement = select(Ticket.id)
        if view.whose == "nobody":
            statement = statement.where(Ticket.assignee_id.is_(None))
        elif view.whose == "me":
            statement = statement.where(Ticket.assignee_id == bindparam("reader"))
        if view.is_recent:
            since = bindparam("since", type_=Ticket.solved_at.type)
            statement = statement.where(Ticket.last_activity_at >= since, Ticket.solved_at >= since)
        statements[name] = statement.where(Ticket.state.in_(view.states)) if view.states else statement
    statements["quarantine"] = select(InboundMail.id).where(InboundMail.fate == "quarantine")
    return select(*(_capped(each).label(name) for name, each in statements.items()))


@cache
def _analyst_statement() -> Any:
    staff = select(Role.user_id).where(Role.role.in_(STAFF))
    return (
        select(User.id, User.name, User.email)
        .where(User.id.in_(staff), User.is_disabled.is_(False))
        .order_by(User.name, User.id)
    )


@cache
def _line_statement() -> Any:
    assignee = aliased(User)
    tags = select(func.aggregate_strings(TicketTag.tag, _SEPARATOR)).where(TicketTag.ticket_id == Ticket.id)
    return (
        select(
            Ticket.id, Ticket.title, Ticket.excerpt, Ticket.state, Ticket.priority, Ticket.topic, Ticket.language,
            Ticket.created_at, Ticket.last_activity_at, Ticket.turn_since, Ticket.assignee_id, Ticket.requester_id,
            Ticket.attention,
            func.coalesce(func.nullif(User.name, ""), User.email).label("requester"),
            func.coalesce(func.nullif(Ticket.country, ""), User.country).label("country"),
            Organisation.name.label("organisation"), Organisation.id.label("organisation_id"),
            func.coalesce(func.nullif(assignee.name, ""), assignee.email).label("assignee"),
            tags.scalar_subquery().label("tags"),
        )
        .select_from(Ticket).outerjoin(User, User.id == Ticket.requester_id)
        .outerjoin(Organisation, Organisation.id == Ticket.organisation_id)
        .outerjoin(assignee, assignee.id == Ticket.assignee_id)
        .where(Ticket.id.in_(bindparam("numbers", expanding=True)))
    )  # fmt: skip


def _capped(statement: Select[Any]) -> Any:  # A scalar subquery.
    return select(func.count()).select_from(statement.limit(COUNT_CAP + 1).subquery()).scalar_subquery()


def _shown(number: int) -> str:
    return f"{format_decimal(COUNT_CAP)}+" if number > COUNT_CAP else format_decimal(number)


# The place of a ticket in an order: the rank of its priority (0 unless that counts), its time or number, its number.
Key = tuple[int, Any, int]


def _first_keys(choice: Choice, reader: User, position: Key | None, *, backward: bool, size: int) -> list[Key]:
    order = choice.order
    descending = order.descending ^ backward
    conditions = conditions_of(choice, reader)
    # Without a state or a filter with an index of its own, one index over all tickets has the order already.
    is_filtered = bool(choice.topic or choice.country or choice.team)
    whole = not states_of(choice) and not is_filtered and choice.order in (SORTS["activity"], SORTS["newest"])
    states: Sequence[str | None] = (None,) if whole else states_of(choice) or tuple(STATES)
    branches = []
    for rank, priority in enumerate(_PRIORITY_ORDER if order.by_priority else (None,)):
        if position is not None and (rank > position[0] if backward else rank < position[0]):
            continue
        for state in states:
            statement = select(literal(rank).label("rank"), order.column.label("at"), Ticket.id.label("id"))
            statement = statement.where(*conditions)
            if state is not None:
                statement = statement.where(Ticket.state == state)
            if priority is not None:
                statement = statement.where(Ticket.priority == priority)
            if position is not None and rank == position[0]:
                statement = statement.where(*_beyond(order.column, position, descending=descending))
            ordered = [column.desc() if descending else column.asc() for column in (order.column, Ticket.id)]
            branches.append(select(statement.order_by(*ordered).limit(size).subquery()))
    if not branches:
        return []
    rows = db.session.execute(union_all(*branches) if len(branches) > 1 else branches[0]).all()
    keys = [(int(row.rank), row.at, int(row.id)) for row in rows]
    keys.sort(key=lambda key: key[1:], reverse=descending)
    keys.sort(key=lambda key: key[0], reverse=backward)
    return keys[:size]


def _beyond(column: Any, position: Key, *, descending: bool) -> list[ColumnElement[bool]]:
    _rank, at, number = position
    if descending:
        return [column <= at, or_(column < at, Ticket.id < number)]
    return [column >= at, or_(column > at, Ticket.id > number)]


def _lines(numbers: Sequence[int]) -> dict[int, Line]:
    """What the queue shows of some tickets; without texts of messages."""
    if not numbers:
        return {}
    rows = db.session.execute(_line_statement(), {"numbers": list(numbers)}).all()
    return {row.id: Line(row, tuple(sorted(row.tags.split(_SEPARATOR))) if row.tags else ()) for row in rows}


def _encode(key: Key) -> str:
    rank, at, number = key
    packed = json.dumps([rank, at.isoformat() if isinstance(at, datetime) else at, number])
    return base64.urlsafe_b64encode(packed.encode()).decode().rstrip("=")


def _decode(token: str, order: Sort) -> Key | None:
    """The key in a token; None for a broken one, or one of another order: the list then starts at its beginning."""
    if not token:
        return None
    try:
        rank, at, number = json.loads(base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)))
        if order.column is not Ticket.id:
            at = datetime.fromisoformat(at).astimezone(UTC)
    except (ValueError, TypeError, binascii.Error, OverflowError, RecursionError):
        return None
    if any(type(value) is not int or not 0 <= value < 2**63 for value in (rank, number)):
        return None
    if order.column is Ticket.id and (type(at) is not int or not 0 <= at < 2**63):
        return None
    return rank, at, number

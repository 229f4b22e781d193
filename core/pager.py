"""Lists by key, not by offset: page 1,000 costs what page 1 costs."""

import base64
import binascii
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, TypeVar

from sqlalchemy import Select, and_, func, or_, select
from sqlalchemy.orm import InstrumentedAttribute

from core.db import db

T = TypeVar("T")

COUNT_CAP = 1000


@dataclass(frozen=True)
class Page(Generic[T]):
    """One page of a list; ``next`` and ``previous`` are opaque, "" at the ends."""

    items: list[T]
    next: str
    previous: str


def page(statement: Select[Any], order: Sequence[tuple[InstrumentedAttribute[Any], bool]], *, after: str = "",
         before: str = "",
         size: int = 50, rows: bool = False) -> Page[Any]:  # fmt: skip
    """Cut one page out of a statement.

    :param order: (column, descending) pairs; the last column must be unique. An index on them makes it cheap.
    :param after: the ``next`` of an earlier page. A broken one starts at the beginning.
    :param before: the ``previous`` of an earlier page.
    :param rows: the statement selects columns, not one model; it must select those of ``order`` under their own names.
    """
    backward = bool(before)
    values = _decode(before or after, order)
    directed = [(column, descending ^ backward) for column, descending in order]
    if values is not None:
        statement = statement.where(_beyond(directed, values))
    for column, descending in directed:
        statement = statement.order_by(column.desc() if descending else column.asc())
    limited = statement.limit(size + 1)
    items = list(db.session.execute(limited).all() if rows else db.session.scalars(limited).unique())
    more = len(items) > size
    items = items[:size]
    if backward:
        items.reverse()
    has_next = more if not backward else bool(items)
    has_previous = (values is not None) if not backward else more
    return Page(
        items,
        next=_encode(items[-1], order) if items and has_next else "",
        previous=_encode(items[0], order) if items and has_previous else "",
    )


def capped_count(statement: Select[Any], cap: int = COUNT_CAP) -> tuple[int, bool]:
    """How many rows, up to a cap; whether there are more."""
    count = db.session.scalar(select(func.count()).select_from(statement.limit(cap + 1).subquery())) or 0
    return min(count, cap), count > cap


def _beyond(directed: Sequence[tuple[InstrumentedAttribute[Any], bool]], values: list[Any]) -> Any:  # SQL
    alternatives = []
    for index, (column, descending) in enumerate(directed):
        equal = [other == values[position] for position, (other, _) in enumerate(directed[:index])]
        alternatives.append(and_(*equal, column < values[index] if descending else column > values[index]))
    # The bound on the first column alone is what lets the database begin in the middle of the index.
    column, descending = directed[0]
    return and_(column <= values[0] if descending else column >= values[0], or_(*alternatives))


def _encode(item: Any, order: Sequence[tuple[InstrumentedAttribute[Any], bool]]) -> str:  # A row.
    values = [getattr(item, column.key) for column, _ in order]
    packed = [{"t": value.isoformat()} if isinstance(value, datetime) else value for value in values]
    return base64.urlsafe_b64encode(json.dumps(packed).encode()).decode().rstrip("=")


def _decode(token: str, order: Sequence[tuple[InstrumentedAttribute[Any], bool]]) -> list[Any] | None:
    if not token:
        return None
    try:
        packed = json.loads(base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)))
        values = [datetime.fromisoformat(value["t"]) if isinstance(value, dict) else value for value in packed]
    except (ValueError, binascii.Error, TypeError, KeyError):
        return None
    if len(values) != len(order):
        return None
    for value, (column, _) in zip(values, order, strict=True):
        # The token comes from outside: a value of another type would be an error inside the database.
        if type(value) is not column.type.python_type or (isinstance(value, int) and abs(value) >= 2**63):
            return None
        if isinstance(value, datetime) and value.tzinfo is None:
            return None
    return values

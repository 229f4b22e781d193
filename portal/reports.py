"""What managers look at and funders ask for: honest counts, straight from the rows."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import func, select

from core.db import db, now
from helpdesk.models import Citation, Ticket
from helpdesk.states import STATES
from kb.models import READABLE, Answer, Article, SuggestionUse
from peers.models import Connection

PERIODS = (30, 90, 365)
MOST_ROWS = 30


@dataclass(frozen=True)
class Report:
    """The figures of a period; times in seconds."""

    days: int
    asked: int
    solved: int
    first_reply_median: int | None
    published: int
    answered_before_asking: int
    citations: int
    introduced: int
    helped: int
    by_state: dict[str, int]
    by_country: list[tuple[str, int]]
    by_topic: list[tuple[str, int]]
    by_service: list[tuple[str, int]]
    by_week: list[tuple[datetime, int]]


def make(days: int) -> Report:
    """Count one period that ends now."""
    since = now() - timedelta(days=days)
    asked = Ticket.created_at >= since
    times = db.session.execute(
        select(Ticket.created_at, Ticket.first_reply_at).where(asked, Ticket.first_reply_at.is_not(None))
    ).all()
    waits = sorted(int((row.first_reply_at - row.created_at).total_seconds()) for row in times)
    return Report(
        days=days,
        asked=_count(select(Ticket.id).where(asked)),
        solved=_count(select(Ticket.id).where(Ticket.solved_at >= since)),
        first_reply_median=waits[len(waits) // 2] if waits else None,
        published=_count(select(Answer.id).where(Answer.published_at >= since, Answer.state == "published"))
        + _count(select(Article.id).where(Article.published_at >= since, Article.state.in_(READABLE))),
        answered_before_asking=_count(
            select(SuggestionUse.id).where(SuggestionUse.at >= since, SuggestionUse.what == "answered")
        ),
        citations=_count(select(Citation.id).where(Citation.at >= since)),
        introduced=_count(select(Connection.id).where(Connection.introduced_at >= since)),
        helped=_count(
            select(Connection.id).where(Connection.closed_at >= since, Connection.outcome.in_(("helped", "partly")))
        ),
        by_state={state: dict(_by(Ticket.state, None)).get(state, 0) for state in STATES},
        by_country=_by(Ticket.country, asked),
        by_topic=_by(Ticket.topic, asked),
        by_service=_by(Ticket.service, asked),
        by_week=_by_week(since),
    )


def _count(statement: Any) -> int:
    return db.session.scalar(select(func.count()).select_from(statement.subquery())) or 0


def _by(column: Any, condition: Any) -> list[tuple[str, int]]:
    statement = select(column, func.count()).group_by(column).order_by(func.count().desc(), column).limit(MOST_ROWS)
    if condition is not None:
        statement = statement.where(condition)
    return [(code or "", count) for code, count in db.session.execute(statement).all()]


def _by_week(since: datetime) -> list[tuple[datetime, int]]:
    times = db.session.scalars(select(Ticket.created_at).where(Ticket.created_at >= since)).all()
    moment = now()
    weeks = (moment - since).days // 7
    counts = [0] * (weeks + 1)
    for time in times:
        counts[min((moment - time).days // 7, weeks)] += 1
    return [(moment - timedelta(days=7 * back), counts[back]) for back in range(weeks, -1, -1)][-13:]

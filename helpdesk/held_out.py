"""How good the suggestions are, told by what has happened: tickets that were solved by an answer that cited something.

Each is asked again as if it had just come in, without its own citations: does what was cited stand among the first?
"""

import time
from collections.abc import Iterator, Sequence
from datetime import timedelta

from flask import Flask
from sqlalchemy import delete, select
from sqlalchemy.orm import aliased

from core import jobs
from core.db import db, now
from helpdesk.fitting import READ_LENGTH, Question, fitting
from helpdesk.measuring_models import SuggestionTrial
from helpdesk.models import PUBLIC, AnswerSource, Citation, Message, Ticket
from helpdesk.states import ENDED
from kb.indexing import open_index
from kb.models import Article

MOST_TICKETS = 500
KEPT = 400
TOPS = (1, 3, 10)
_BATCH = 100


def register(_app: Flask) -> None:
    """Importing this module sets the clock."""


def trial(limit: int = MOST_TICKETS) -> SuggestionTrial:
    """Ask the newest solved tickets again, as anybody who asks is answered, and count. The row is in no session."""
    began = time.perf_counter()
    figures: dict[str, list[int]] = {}
    for question, number, right in _solved(limit):
        own = _made_from(number)
        hits = fitting(question, reader=None, without=[number], limit=TOPS[-1] + len(own))
        found = [hit.id for hit in hits if hit.id not in own][: TOPS[-1]]
        of_language = figures.setdefault(question.language or "", [0] * (1 + len(TOPS)))
        of_language[0] += 1
        for place, top in enumerate(TOPS, 1):
            of_language[place] += bool(right & set(found[:top]))
    asked, top1, top3, top10 = (sum(row[place] for row in figures.values()) for place in range(4))
    return SuggestionTrial(
        at=now(), asked=asked, top1=top1, top3=top3, top10=top10, by_language=dict(sorted(figures.items())),
        seconds=round(time.perf_counter() - began, 2),
    )  # fmt: skip


@jobs.every("suggestions.try", 86400)
def nightly() -> None:
    """Have the trial made."""
    jobs.enqueue("suggestions.trial", key="suggestions.trial")


@jobs.job("suggestions.trial", slow=True, lease_seconds=900)
def make_trial() -> None:
    """Make the trial and keep it, with those of the last year; after the index was built."""
    if not open_index().health().ok:
        raise jobs.Later(30, "the index is not there yet")
    row = trial()
    db.session.add(row)
    db.session.execute(delete(SuggestionTrial).where(SuggestionTrial.at < now() - timedelta(days=KEPT)))


def newest() -> SuggestionTrial | None:
    """The last trial that was made."""
    return db.session.scalars(select(SuggestionTrial).order_by(SuggestionTrial.id.desc()).limit(1)).first()


def _made_from(number: int) -> set[str]:
    """The past answers that were made from the ticket itself: they were not there when it came in."""
    rows = db.session.scalars(select(AnswerSource.answer_id).where(AnswerSource.ticket_id == number))
    return {f"answer:{row}" for row in rows}


def _with_translations(cited: Sequence[Citation]) -> dict[int, set[str]]:
    """What each ticket cites, by the ticket; an article in all its languages."""
    articles = {row.target_id for row in cited if row.target_kind == "article"}
    other = aliased(Article)
    pairs = db.session.execute(
        select(Article.id, other.id).join(other, other.slug == Article.slug).where(Article.id.in_(articles))
    ).all()  # fmt: skip
    right: dict[int, set[str]] = {}
    for row in cited:
        same = {f"article:{b}" for a, b in pairs if a == row.target_id} if row.target_kind == "article" else set()
        right.setdefault(row.ticket_id, set()).update(same, {f"{row.target_kind}:{row.target_id}"})
    return right


def _solved(limit: int) -> Iterator[tuple[Question, int, set[str]]]:
    numbers = db.session.scalars(
        select(Ticket.id)
        .where(Ticket.state.in_(ENDED), Ticket.id.in_(select(Citation.ticket_id)))
        .order_by(Ticket.id.desc())
        .limit(limit)
    ).all()  # fmt: skip
    for start in range(0, len(numbers), _BATCH):
        some = numbers[start : start + _BATCH]
        right = _with_translations(db.session.scalars(select(Citation).where(Citation.ticket_id.in_(some))).all())
        firsts: dict[int, str] = {}
        bodies = select(Message.ticket_id, Message.body).where(
            Message.ticket_id.in_(some), Message.kind == PUBLIC, Message.by_staff.is_(False)
        )
        for body in db.session.execute(bodies.order_by(Message.id)).all():
            firsts.setdefault(body.ticket_id, body.body[:READ_LENGTH])
        columns = select(Ticket.id, Ticket.title, Ticket.language, Ticket.topic, Ticket.country)
        for row in db.session.execute(columns.where(Ticket.id.in_(some)).order_by(Ticket.id.desc())).all():
            question = Question(
                title=row.title, body=firsts.get(row.id, ""), language=row.language, topic=row.topic,
                country=row.country,
            )  # fmt: skip
            yield question, row.id, right.get(row.id, set())

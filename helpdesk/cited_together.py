"""What answers to tickets pointed to: articles that were cited together, and citations of what was merged."""

from collections import Counter
from typing import Any

from flask import Flask
from sqlalchemy import delete, select, update
from sqlalchemy.orm import aliased

from core.db import db
from core.events import Event, on
from helpdesk.measuring_models import SuggestionStep
from helpdesk.models import Citation
from kb import related

MOST = 2000


def register(_app: Flask) -> None:
    """Tell the knowledge base."""
    if strengths not in related.signals:
        related.signals.append(strengths)


def strengths(article: int) -> dict[int, float]:
    """How strongly other articles belong to one: in how much of what it answered they were cited too, 0 to 1."""
    one, other = aliased(Citation), aliased(Citation)
    rows = db.session.execute(
        select(other.target_id, one.ticket_id)
        .join_from(one, other, one.ticket_id == other.ticket_id)
        .where(one.target_kind == "article", one.target_id == article)
        .where(other.target_kind == "article", other.target_id != article)
        .distinct().order_by(one.ticket_id.desc()).limit(MOST)
    )  # fmt: skip
    counted = Counter(row.target_id for row in rows)
    highest = max(counted.values(), default=1)
    return {number: count / highest for number, count in counted.items()}


@on("answer.merged")
def move_citations(event: Event) -> None:
    """Let what pointed to a merged past answer count for the one that stands in its place."""
    gone, into = event.subject_id, int(event.data.get("into", 0))
    if not into:
        return
    for model, same in (
        (Citation, ("message_id",)),
        (SuggestionStep, ("showing_id", "what")),
    ):
        _move(model, same, gone, into)


def _move(model: Any, same: tuple[str, ...], gone: int, into: int) -> None:
    """Move the rows of one past answer to another; one that is there already is not doubled.

    :param same: the columns that may hold one row for each past answer only.
    """
    of_gone = (model.target_kind == "answer", model.target_id == gone)
    other = aliased(model)
    doubled = select(other.id).where(
        other.target_kind == "answer", other.target_id == into,
        *(getattr(other, name) == getattr(model, name) for name in same),
    ).exists()  # fmt: skip
    for statement in (
        delete(model).where(*of_gone, doubled),
        update(model).where(*of_gone).values(target_id=into),
    ):
        db.session.execute(statement.execution_options(synchronize_session=False))

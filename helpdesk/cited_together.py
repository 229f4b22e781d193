"""Articles that answers to the same tickets pointed to belong together."""

from collections import Counter

from flask import Flask
from sqlalchemy import select
from sqlalchemy.orm import aliased

from core.db import db
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

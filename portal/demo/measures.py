"""What suggestions led to and what was searched in vain in the weeks before: the same in every demonstration."""

import random
from datetime import datetime, timedelta

from sqlalchemy import select

from core.db import db
from helpdesk.measuring_models import ANSWERED, ASK, CITED, DESK, OPENED, SuggestionShowing, SuggestionStep
from helpdesk.models import Citation, Ticket
from kb.gap_models import LEFT, NOTHING, SearchMade
from kb.gap_models import OPENED as FOUND
from kb.gaps import folded
from kb.models import PUBLIC, PUBLISHED, Article

DAYS = 84
_SHOWN = 4
# Words, language, how often nothing was found and how often nothing was opened.
SEARCHES = (
    ("beneficial ownership", "en", 6, 0), ("emergency procurement", "en", 4, 1), ("bienes usados", "es", 3, 0),
    ("concesiones y APP", "es", 3, 1), ("marchés de défense", "fr", 2, 0), ("carbon footprint", "en", 2, 0),
    ("contract register template", "en", 0, 4), ("licence ouverte", "fr", 0, 2), ("subcontractors", "en", 1, 3),
)  # fmt: skip


def load(moment: datetime) -> None:
    """Load it; articles and tickets are there."""
    dice = random.Random(7)  # noqa: S311 # It decides nothing but what the demonstration shows.
    articles = db.session.execute(
        select(Article.id, Article.language, Article.topic)
        .where(Article.state == PUBLISHED, Article.visibility == PUBLIC)
        .order_by(Article.slug, Article.language)
    ).all()  # fmt: skip
    for number in range(DAYS * 2):
        first = dice.choice(articles)
        same = [row for row in articles if row.language == first.language and row.id != first.id]
        shown = [first, *dice.sample(same, min(_SHOWN - 1, len(same)))]
        at = moment - timedelta(days=number / 2, hours=dice.randrange(9))
        row = SuggestionShowing(
            token=f"demo-{number}", place=ASK, ticket_id=None, language=first.language, topic=first.topic,
            targets=[f"article:{one.id}" for one in shown], at=at,
        )  # fmt: skip
        db.session.add(row)
        db.session.flush()
        chance = dice.random()
        if chance < 0.55:
            _step(row, OPENED, first.id, at)
        # More and more are answered before they ask.
        if chance < 0.32 - 0.002 * number / 2:
            _step(row, ANSWERED, first.id, at)
    _beside_tickets(dice)
    for text, language, nothing, left in SEARCHES:
        for place, outcome in enumerate([NOTHING] * nothing + [LEFT] * left + [FOUND] * (left // 2)):
            db.session.add(
                SearchMade(words=folded(text), text=text, language=language, outcome=outcome,
                           at=moment - timedelta(days=2 + 5 * place, hours=dice.randrange(20)))
            )  # fmt: skip


def _beside_tickets(dice: random.Random) -> None:
    """What was cited had mostly been suggested."""
    rows = db.session.execute(
        select(Citation, Ticket.language, Ticket.topic)
        .join(Ticket, Ticket.id == Citation.ticket_id)
        .where(Citation.target_kind == "article")
        .order_by(Citation.id)
    ).all()  # fmt: skip
    others = db.session.scalars(select(Article.id).where(Article.visibility == PUBLIC).order_by(Article.id)).all()
    for citation, language, topic in rows:
        targets = [f"article:{number}" for number in dice.sample(others, 3)]
        if dice.random() < 0.75 and f"article:{citation.target_id}" not in targets:
            targets.insert(dice.randrange(2), f"article:{citation.target_id}")
        row = SuggestionShowing(
            token=f"demo-desk-{citation.id}", place=DESK, ticket_id=citation.ticket_id, language=language, topic=topic,
            targets=targets, at=citation.at,
        )  # fmt: skip
        db.session.add(row)
        db.session.flush()
        _step(row, CITED, citation.target_id, citation.at)


def _step(row: SuggestionShowing, what: str, number: int, at: datetime) -> None:
    name = f"article:{number}"
    rank = row.targets.index(name) + 1 if name in row.targets else 0
    db.session.add(
        SuggestionStep(showing_id=row.id, what=what, target_kind="article", target_id=number, rank=rank, at=at)
    )

"""One search over everything that a person may see: articles and past answers from the index, tickets from the
database.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from accounts.models import User
from core import fulltext
from core.db import db
from core.passages import Segments
from helpdesk.models import Ticket
from helpdesk.states import STATES
from kb import finding
from kb.search import Hit, Results

KINDS = ("article", "answer", "ticket")
MOST_TICKETS = 200
# How many tickets are shown below the texts of a search for everything.
MOST_BESIDE = 5


@dataclass(frozen=True)
class TicketHit:
    """A ticket that was found."""

    ticket: Ticket
    score: float
    snippet: Segments

    @property
    def state_name(self) -> str:
        """The state in the reader's language."""
        return str(STATES[self.ticket.state])


@dataclass(frozen=True)
class Found:
    """What a search found: texts from the index, tickets from the database."""

    texts: Results
    tickets: tuple[TicketHit, ...] = ()
    ticket_total: int = 0

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing at all."""
        return not self.texts.hits and not self.tickets


def search(
    text: str, *, reader: User | None, kind: str = "", topics: Sequence[str] = (), countries: Sequence[str] = (),
    languages: Sequence[str] = (), language: str = "", limit: int = 10, offset: int = 0, prefix_last: bool = False,
    with_reasons: bool = False,
) -> Found:  # fmt: skip
    """Search for a person; whatever they may not see is in no list and in no count.

    :param kind: one of `KINDS`, or "" for all.
    :param language: of the reader; what is in it ranks first.
    :param prefix_last: the last word may still be growing.
    :param with_reasons: tell of each text why it was found.
    """
    texts = Results()
    if kind != "ticket":
        texts = finding.find(
            text, user=reader, kinds=(kind,) if kind else (), topics=topics, countries=countries, languages=languages,
            language=language, limit=limit, offset=offset, prefix_last=prefix_last, with_reasons=with_reasons,
        )  # fmt: skip
    tickets: tuple[TicketHit, ...] = ()
    total = 0
    if reader is not None and kind in {"", "ticket"}:
        narrowed = ((Ticket.topic, topics), (Ticket.country, countries), (Ticket.language, languages))
        most, begin = (limit, offset) if kind else (min(limit, MOST_BESIDE), 0)
        tickets, total = _tickets(text, reader, narrowed, limit=most, offset=begin)
    return Found(texts, tickets, total)


def _tickets(
    text: str,
    reader: User,
    narrowed: Sequence[tuple[Any, Sequence[str]]],
    *,
    limit: int,
    offset: int,
) -> tuple[tuple[TicketHit, ...], int]:
    hits = fulltext.search(db.session, text, internal=reader.is_staff, limit=MOST_TICKETS, snippets=offset + limit)
    if not hits:
        return (), 0
    statement = Ticket.visible_to(reader).where(Ticket.id.in_([hit.ticket_id for hit in hits]))
    for column, values in narrowed:
        if values:
            statement = statement.where(column.in_(values))
    rows: list[Ticket] = list(db.session.scalars(statement))  # type: ignore[arg-type] # SQLAlchemy 2.1 says tuples.
    visible = {ticket.id: ticket for ticket in rows}
    kept = [TicketHit(visible[hit.ticket_id], hit.score, hit.snippet) for hit in hits if hit.ticket_id in visible]
    return tuple(kept[offset : offset + limit]), len(kept)


def hit_document(hit: Hit, query: str = "") -> dict[str, Any]:
    """A hit for programs: the snippet is HTML text with the words found in <mark>."""
    document: dict[str, Any] = {
        "kind": hit.kind,
        "title": hit.title,
        "url": hit.url,
        "language": hit.language,
        "topic": hit.topic,
        "country": hit.country,
        "snippet": marked(hit.snippet),
        "score": round(hit.score, 4),
    }
    return {"query": query, **document} if query else document


def ticket_document(hit: TicketHit, url: str) -> dict[str, Any]:
    """A ticket for programs."""
    return {
        "kind": "ticket",
        "title": hit.ticket.title,
        "url": url,
        "language": hit.ticket.language,
        "topic": hit.ticket.topic,
        "country": hit.ticket.country,
        "snippet": marked(hit.snippet),
        "score": round(hit.score, 4),
    }


def marked(segments: Segments) -> str:
    """Text in pieces as HTML, the found words in <mark>."""
    from markupsafe import escape

    return "".join(f"<mark>{escape(text)}</mark>" if found else str(escape(text)) for text, found in segments)

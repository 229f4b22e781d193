"""One search over everything that a person may see: articles and past answers from the index, tickets from the
database.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from accounts.models import User
from core import fulltext
from core.db import db
from core.pager import capped_count
from core.passages import Segments
from helpdesk.models import Ticket
from helpdesk.states import STATES
from kb import finding, search_filters
from kb.models import visibilities_of
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
    #: What was searched for: one of `KINDS`, or "" for all; and what was typed as a filter.
    kind: str = ""
    asked: search_filters.Asked = field(default_factory=lambda: search_filters.Asked(""))

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
    asked = search_filters.read(text, visibilities_of(reader), is_growing=prefix_last)
    topics, countries, languages = topics or asked.topics, countries or asked.countries, languages or asked.languages
    kinds = (kind,) if kind else asked.kinds
    kind = kinds[0] if len(kinds) == 1 else ""
    of_texts = tuple(each for each in kinds if each != "ticket")
    texts = Results()
    if not kinds or of_texts:
        # As it was typed: what is suggested instead has the filters too.
        texts = finding.find(
            text, user=reader, kinds=of_texts, topics=topics, countries=countries, languages=languages,
            language=language, limit=limit, offset=offset, prefix_last=prefix_last, with_reasons=with_reasons,
        )  # fmt: skip
    tickets: tuple[TicketHit, ...] = ()
    total = 0
    if reader is not None and (not kinds or "ticket" in kinds):
        narrowed = ((Ticket.topic, topics), (Ticket.country, countries), (Ticket.language, languages))
        most, begin = (limit, offset) if kind else (min(limit, MOST_BESIDE), 0)
        tickets, total = _tickets(asked, reader, narrowed, limit=most, offset=begin)
    return Found(texts, tickets, total, kind, asked)


def _tickets(
    asked: search_filters.Asked,
    reader: User,
    narrowed: Sequence[tuple[Any, Sequence[str]]],
    *,
    limit: int,
    offset: int,
) -> tuple[tuple[TicketHit, ...], int]:
    statement = Ticket.visible_to(reader)
    for column, values in narrowed:
        if values:
            statement = statement.where(column.in_(values))
    if asked.typed and not asked.text:
        return _newest_tickets(statement, limit=limit, offset=offset)
    hits = fulltext.search(
        db.session, asked.text, internal=reader.is_staff, limit=MOST_TICKETS, snippets=offset + limit
    )
    if not hits:
        return (), 0
    statement = statement.where(Ticket.id.in_([hit.ticket_id for hit in hits]))
    rows: list[Ticket] = list(db.session.scalars(statement))  # type: ignore[arg-type] # SQLAlchemy 2.1 says tuples.
    visible = {ticket.id: ticket for ticket in rows}
    kept = [TicketHit(visible[hit.ticket_id], hit.score, hit.snippet) for hit in hits if hit.ticket_id in visible]
    return tuple(kept[offset : offset + limit]), len(kept)


def _newest_tickets(statement: Any, *, limit: int, offset: int) -> tuple[tuple[TicketHit, ...], int]:
    """Those that filters alone leave, the last active first; at most `MOST_TICKETS` are counted."""
    newest = statement.order_by(Ticket.last_activity_at.desc(), Ticket.id.desc())
    rows = db.session.scalars(newest.limit(min(limit, max(MOST_TICKETS - offset, 0))).offset(offset))
    total, _is_more = capped_count(statement, MOST_TICKETS)
    return tuple(TicketHit(row, 0.0, ()) for row in rows), total


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

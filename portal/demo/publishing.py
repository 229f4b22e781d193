"""Past answers of the demonstration that are on their way: to a second reader, to their asker."""

from collections.abc import Mapping

from accounts.models import User
from core.db import db
from helpdesk import drafting, past_answers, redaction
from helpdesk.models import AnswerSource, Ticket
from helpdesk.states import ENDED
from kb import answer_review, answer_standing, answers, consents
from kb.models import Answer

_MOST = 3


def load(known: Mapping[str, Ticket], *, writer: User, reader: User) -> None:
    """Make them from the first solved tickets of which nothing was made yet."""
    taken = set(db.session.scalars(db.select(AnswerSource.ticket_id)))
    solved = [ticket for ticket in known.values() if ticket.state in ENDED and ticket.id not in taken]
    for place, ticket in enumerate(sorted(solved, key=lambda ticket: ticket.may_publish)[:_MOST]):
        row = _draft(ticket, writer)
        if place == 0:
            continue
        answer_review.ask(row, by=writer)
        if place == 1:
            continue
        answer_review.approve(row, by=reader, digest=answer_standing.digest(row), comment="")
        consents.ask(row, ticket.requester, by=writer)


def _draft(ticket: Ticket, by: User) -> Answer:
    drafted = drafting.draft_from(ticket)
    known = past_answers.known_of(ticket, with_country=True)
    texts = {name: getattr(drafted, name) for name in ("title", "question", "answer")}
    for name, text in texts.items():
        instead = {
            finding.key: past_answers.instead_of(finding, ticket, "", known)
            for finding in redaction.find(text, known) if not finding.is_maybe
        }  # fmt: skip
        texts[name] = redaction.replaced(text, known, instead)
    row = answers.draft(
        by=by, topic=ticket.topic or "other", language=ticket.language or "en", tags=ticket.tags, is_from_ticket=True,
        **texts,
    )  # fmt: skip
    row.basis = "ask"
    past_answers.note_source(row, ticket, reason="", by=by)
    return row

"""From a solved ticket to a past answer: drafted from the thread, and free of what tells who asked."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import joinedload, lazyload

from accounts.models import User
from core.db import db
from core.events import record
from core.exceptions import NotNow
from core.i18n import _, country_name, in_language
from core.quote_words import CLOSINGS
from helpdesk import models
from helpdesk.models import AnswerSource, Message, Participant, Ticket
from helpdesk.redaction import EXAMPLE_PREFIX, Finding, Known, host_of
from helpdesk.states import ENDED
from kb.models import Answer

_LANGUAGES = ("en", "es", "fr")
_MOST_AFTER_CLOSING = 7

_GREETING = re.compile(
    r"\s*(?:dear|hello|hi|hey|greetings|good (?:morning|afternoon|evening|day)|estimad[oa]s?|querid[oa]s?|hola"
    r"|buen(?:os|as)? (?:d[ií]as?|tardes|noches)|cher|chère|chers|chères|bonjour|bonsoir|salut|madame|monsieur"
    r"|mesdames)\b(?:(?:[^\S\n]+[^\s,.!:;]+){0,4}[^\S\n]*(?:[,!:]+[^\S\n]*|\n)"
    r"|(?:[^\S\n]+[^\s,.!:;]+){0,2}[^\S\n]*\.[^\S\n]*)",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Drafted:
    """What a thread offers for a past answer: a title, a question and an answer, in Markdown."""

    title: str
    question: str
    answer: str


def draft_from(ticket: Ticket) -> Drafted:
    """The question from the first message, the answer from what the desk replied; without greetings and closings.

    :raises NotNow: while the ticket is not over.
    """
    if ticket.state not in ENDED:
        raise NotNow(_("Mark the ticket solved first; a past answer is made from what solved it."))
    rows = db.session.execute(
        select(Message.body, Message.by_staff)
        .where(Message.ticket_id == ticket.id, Message.kind == models.PUBLIC)
        .order_by(Message.id)
    ).all()
    asked = next((bare(row.body) for row in rows if not row.by_staff), "")
    replies = [bare(row.body) for row in rows if row.by_staff]
    return Drafted(ticket.title, asked, "\n\n".join(text for text in replies if text))


def bare(text: str) -> str:
    """A message without its greeting, and without its closing and what stands after that."""
    text = text.replace("\r\n", "\n").strip()
    greeting = _GREETING.match(text)
    if greeting:
        text = text[greeting.end() :].lstrip()
        text = text[:1].upper() + text[1:]
    lines = text.split("\n")
    for number in range(max(len(lines) - _MOST_AFTER_CLOSING - 1, 1), len(lines)):
        words = lines[number].strip().lower().rstrip(" ,.!;:").strip()
        if words in CLOSINGS or lines[number].rstrip() in {"--", "-- "}:
            lines = lines[:number]
            break
    return "\n".join(lines).strip()


def known_of(ticket: Ticket, *, with_country: bool) -> Known:
    """What of a ticket belongs to the people in it: theirs, their organisations', and the names of who answered.

    :param with_country: the country is not to be told either.
    """
    people = _people(ticket)
    asking = [user for user in people if user.id in {part.user_id for part in ticket.participants}]
    organisations = {user.organisation for user in asking if user.organisation is not None}
    if ticket.organisation is not None:
        organisations.add(ticket.organisation)
    hosts = {host_of(user.email) for user in asking} | {
        host_of(place.website) for place in organisations if place.website
    }
    countries: set[str] = set()
    if with_country:
        codes = {code for code in (ticket.country, *(user.country for user in asking)) if code}
        for language in _LANGUAGES:
            with in_language(language):
                countries |= {country_name(code) for code in codes}
    return Known(
        names=tuple(sorted({user.name for user in people if user.name})),
        organisations=tuple(sorted(place.name for place in organisations)),
        hosts=tuple(sorted(host for host in hosts if host)), countries=tuple(sorted(countries)),
    )  # fmt: skip


def instead_of(finding: Finding, ticket: Ticket, region: str) -> str:
    """What could be said instead of something that was found, in the present language.

    :param region: the name of the part of the world that the asker is in, "" if it is not known.
    """
    match finding.kind:
        case "organisation":
            return _organisation(ticket, region)
        case "country":
            return region or _("[country]")
        case "prefix":
            return EXAMPLE_PREFIX
        case "name":
            return _("[name]")
        case "e-mail":
            return _("[e-mail address]")
        case "phone":
            return _("[phone number]")
        case "address":
            return _("[address]")
        case "link":
            return _("[link]")
    return _("[removed]")


def note_source(answer: Answer, ticket: Ticket, *, reason: str, by: User) -> None:
    """Remember which ticket a past answer was made from, and why it carries nothing of theirs; only staff see it."""
    db.session.add(AnswerSource(answer_id=answer.id, ticket_id=ticket.id, reason=reason))
    record("ticket.published", ticket, by=by, answer=answer)


def source_of(answer: Answer) -> AnswerSource | None:
    """Which ticket a past answer was made from."""
    return db.session.scalar(
        select(AnswerSource).where(AnswerSource.answer_id == answer.id).options(lazyload(AnswerSource.answer))
    )


def made_from(ticket: Ticket) -> Sequence[Any]:
    """The past answers that were made from a ticket, as rows."""
    statement = select(Answer.slug, Answer.title, Answer.state).join(AnswerSource, AnswerSource.answer_id == Answer.id)
    return db.session.execute(statement.where(AnswerSource.ticket_id == ticket.id).order_by(Answer.id)).all()


def _people(ticket: Ticket) -> Sequence[User]:
    authors = select(Message.author_id).where(Message.ticket_id == ticket.id)
    parts = select(Participant.user_id).where(Participant.ticket_id == ticket.id)
    statement = select(User).where(User.id.in_(authors.union(parts)))
    return (
        db.session.scalars(statement.options(joinedload(User.organisation), lazyload(User.role_rows))).unique().all()
    )


def _organisation(ticket: Ticket, region: str) -> str:
    place = ticket.organisation or ticket.requester.organisation
    kinds = {
        "government": _("a government body"),
        "civil-society": _("a civil society organisation"),
        "company": _("a company"),
        "academic": _("a university"),
        "international": _("an international organisation"),
    }
    what = kinds.get(place.kind if place is not None else "", _("an organisation"))
    return _("%(what)s in %(region)s", what=what, region=region) if region else what

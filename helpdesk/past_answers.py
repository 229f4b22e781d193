"""From a solved ticket to a past answer: drafted from the thread, and free of what tells who asked."""

import re
from collections.abc import Sequence
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import joinedload, lazyload

from accounts.models import User
from core.db import db
from core.events import record
from core.i18n import _, country_name, in_language
from core.words import fold
from helpdesk import models, redaction_names
from helpdesk.models import AnswerSource, Message, Participant, Ticket
from helpdesk.redaction import EXAMPLE_PREFIX, Finding, host_of
from helpdesk.redaction_names import Known
from helpdesk.states import ENDED
from kb import consents
from kb.models import PUBLISHED, Answer

_LANGUAGES = ("en", "es", "fr")
_MOST_SUGGESTED = 50
_READ = 20_000


def known_of(ticket: Ticket, *, with_country: bool, texts: Sequence[str] | None = None) -> Known:
    """What of a ticket belongs to the people in it: theirs, their organisations', and the names of who answered.

    :param with_country: the country is not to be told either.
    :param texts: of the messages, where they are read already.
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
    # Whoever asked comes first, then the others in their order: what stands for each of them is told apart by that.
    named = [user.name for user in sorted(people, key=lambda user: user.id != ticket.requester_id) if user.name]
    return Known(
        names=tuple(dict.fromkeys([*named, *_others_named(ticket, texts)])),
        organisations=tuple(sorted(place.name for place in organisations)),
        hosts=tuple(sorted(host for host in hosts if host)), countries=tuple(sorted(countries)),
        logins=tuple(sorted({user.email.partition("@")[0].partition("+")[0] for user in asking})),
    )  # fmt: skip


def _others_named(ticket: Ticket, texts: Sequence[str] | None) -> list[str]:
    """Names of people who are greeted, or who sign, anywhere in the thread, its quotations included."""
    if texts is None:
        rows = db.session.execute(
            select(Message.body, Message.full_text)
            .where(Message.ticket_id == ticket.id, Message.kind == models.PUBLIC)
            .order_by(Message.id).limit(200)
        ).all()  # fmt: skip
        texts = [text for row in rows for text in (row.body, row.full_text)]
    found = [name for text in texts for name in redaction_names.strangers(text[:_READ])]
    return list(dict.fromkeys(found))


def instead_of(finding: Finding, ticket: Ticket, region: str, known: Known | None = None) -> str:
    """What could be said instead of something that was found, in the present language.

    :param region: the name of the part of the world that the asker is in, "" if it is not known.
    :param known: what is known of the people, so that several of them are told apart.
    """
    match finding.kind:
        case "organisation":
            return _organisation(ticket, region)
        case "country":
            return region or _("[country]")
        case "prefix":
            return EXAMPLE_PREFIX
        case "name":
            return _person(finding, known)
        case "e-mail":
            return _("[e-mail address]")
        case "phone":
            return _("[phone number]")
        case "address":
            return _("[address]")
        case "link":
            return _("[link]")
        case "key":
            return _("[key]")
        case "person-id" | "number":
            return _("[number]")
        case "amount":
            return _("[amount]")
        case "body":
            return _("[public body]")
        case "ocid":
            return f"{EXAMPLE_PREFIX}{finding.text[len(EXAMPLE_PREFIX) :]}"
    return _("[removed]")


def note_source(answer: Answer, ticket: Ticket, *, reason: str, by: User) -> None:
    """Remember which ticket a past answer was made from, and why it carries nothing of theirs; only staff see it.

    Where the asker agreed as they asked, that is remembered, too.
    """
    db.session.add(AnswerSource(answer_id=answer.id, ticket_id=ticket.id, reason=reason))
    if ticket.may_publish:
        consents.by_form(answer, ticket.requester)
    record("ticket.published", ticket, by=by, answer=answer)


def source_of(answer: Answer) -> AnswerSource | None:
    """Which ticket a past answer was made from."""
    return db.session.scalar(
        select(AnswerSource)
        .where(AnswerSource.answer_id == answer.id)
        .options(lazyload(AnswerSource.answer), joinedload(AnswerSource.ticket))
    )


def made_from(ticket: Ticket) -> Sequence[Any]:
    """The past answers that were made from a ticket, as rows."""
    statement = select(Answer.slug, Answer.title, Answer.state).join(AnswerSource, AnswerSource.answer_id == Answer.id)
    return db.session.execute(statement.where(AnswerSource.ticket_id == ticket.id).order_by(Answer.id)).all()


def worth_publishing() -> Sequence[Any]:
    """Solved tickets of which nothing was made yet though their askers agreed, as rows.

    Those on what is asked most, and on which there is the least to read, come first.
    """
    asked = (
        select(Ticket.topic, func.count(Ticket.id).label("count")).where(Ticket.topic != "").group_by(Ticket.topic)
    ).subquery()
    told = (
        select(Answer.topic, func.count(Answer.id).label("count"))
        .where(Answer.state == PUBLISHED)
        .group_by(Answer.topic)
    ).subquery()
    worth = func.coalesce(asked.c.count, 1) * 10 / (1 + func.coalesce(told.c.count, 0))
    return db.session.execute(
        select(Ticket.id, Ticket.title, Ticket.topic, Ticket.country, Ticket.language, Ticket.solved_at,
               func.coalesce(asked.c.count, 1).label("asked"), func.coalesce(told.c.count, 0).label("told"))
        .outerjoin(asked, asked.c.topic == Ticket.topic).outerjoin(told, told.c.topic == Ticket.topic)
        .where(
            Ticket.state.in_(ENDED), Ticket.may_publish.is_(True), Ticket.first_reply_at.is_not(None),
            Ticket.id.not_in(select(AnswerSource.ticket_id)),
        )
        .order_by(worth.desc(), Ticket.solved_at.desc(), Ticket.id.desc()).limit(_MOST_SUGGESTED)
    ).all()  # fmt: skip


def _person(finding: Finding, known: Known | None) -> str:
    """What stands for one person, the same however they are called; whoever asked has no number."""
    words = set(re.split(r"[\s_.\-]+", fold(finding.text)))
    for place, name in enumerate(known.names if known is not None else ()):
        if words & {word for word in re.split(r"[\s\-]+", fold(name)) if len(word) >= redaction_names.LEAST_LETTERS}:
            return _("[name]") if place == 0 else _("[name %(number)s]", number=place + 1)
    return _("[name]")


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

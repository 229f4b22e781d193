"""What happened to a ticket, as sentences in the reader's language: from events, which keep ids and codes only."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select

from core.db import db
from core.events import Event
from core.i18n import _, country_name, language_name
from helpdesk.models import Ticket
from helpdesk.states import CLOSED, OPEN, PRIORITIES, SERVICES, SOLVED, STATES, WAITING
from kb.topics import topic_name

MOST = 200


@dataclass(frozen=True)
class Happening:
    """One thing that happened, as people read it."""

    name: str
    sentence: str
    at: datetime
    actor_id: int | None
    # Whether it is worth a line between the messages: it ended, began again, or went to somebody.
    is_turning: bool


def events_of(ticket: Ticket, limit: int = MOST) -> list[Any]:
    """The latest events of a ticket as rows, oldest first."""
    statement = (
        select(Event.id, Event.name, Event.actor_id, Event.data, Event.at)
        .where(Event.subject_kind == Ticket.__tablename__, Event.subject_id == ticket.id)
        .order_by(Event.id.desc())
        .limit(limit)
    )
    return list(reversed(db.session.execute(statement).all()))


def people_in(events: Iterable[Any]) -> set[int]:
    """The ids of everybody whom sentences about these events name."""
    ids = set()
    for event in events:
        ids.add(event.actor_id)
        if event.name == "ticket.assigned":
            ids |= {event.data.get("old"), event.data.get("new")}
        ids.add(event.data.get("participant"))
    return {number for number in ids if isinstance(number, int)}


def told(events: Iterable[Any], names: Mapping[int, str]) -> list[Happening]:
    """Events as sentences, in their order; those that mean nothing to a reader are left out.

    :param names: of everybody in `people_in`.
    """
    happenings = []
    for event in events:
        sentence = _sentence(event.name, event.data, event.actor_id, names)
        if sentence:
            ended = event.name == "ticket.moved" and not {SOLVED, CLOSED}.isdisjoint(event.data.values())
            turning = ended or event.name in ("ticket.assigned", "ticket.raised")
            happenings.append(Happening(event.name, sentence, event.at, event.actor_id, turning))
    return happenings


def _sentence(name: str, data: Mapping[str, Any], actor: int | None, names: Mapping[int, str]) -> str:
    who = names.get(actor or 0) or _("The helpdesk")
    match name:
        case "ticket.asked":
            return _("%(who)s asked.", who=who)
        case "ticket.opened":
            return _("%(who)s opened this ticket for the requester.", who=who)
        case "ticket.answered":
            return _("%(who)s wrote.", who=who)
        case "ticket.replied":
            return _("%(who)s replied.", who=who)
        case "ticket.noted":
            return _("%(who)s added a note.", who=who)
        case "ticket.moved":
            return _moved(who, str(data.get("old", "")), str(data.get("new", "")))
        case "ticket.assigned":
            return _assigned(who, actor, data.get("old"), data.get("new"), names)
        case "ticket.sorted":
            return _sorted(who, str(data.get("field", "")), str(data.get("old") or ""), str(data.get("new") or ""))
        case "ticket.tagged":
            return _tagged(who, set(data.get("old") or ()), set(data.get("new") or ()))
        case "ticket.participant_added":
            return _("%(who)s added %(other)s.", who=who, other=names.get(data.get("participant", 0), ""))
        case "ticket.participant_removed":
            return _("%(who)s took %(other)s out.", who=who, other=names.get(data.get("participant", 0), ""))
        case "ticket.cited" if data.get("kind") == "answer":
            return _("%(who)s cited a past answer.", who=who)
        case "ticket.cited":
            return _("%(who)s cited an article.", who=who)
        case "ticket.raised":
            return _("A mail of this ticket did not arrive.")
        case "ticket.followed":
            return _("A late answer opened ticket %(number)s, which goes on with this one.", number=data.get("ticket"))
        case "ticket.message_moved":
            return _("%(who)s moved a message to ticket %(number)s.", who=who, number=data.get("to"))
        case "ticket.message_received":
            return _("%(who)s moved a message here from ticket %(number)s.", who=who, number=data.get("source"))
        case "ticket.proposal_dismissed":
            return _("%(who)s decided that somebody named in a mail takes no part.", who=who)
        case "ticket.published":
            return _("%(who)s made a past answer from this.", who=who)
    return ""


def _moved(who: str, old: str, new: str) -> str:
    if new == SOLVED:
        return _("%(who)s marked this solved.", who=who)
    if new == CLOSED:
        return _("%(who)s closed this.", who=who)
    if new == OPEN and old in {SOLVED, CLOSED}:
        return _("%(who)s opened this again.", who=who)
    if new == WAITING:
        return _("%(who)s passed the turn to them.", who=who)
    if new == OPEN:
        return _("%(who)s passed the turn to us.", who=who)
    return _("%(who)s changed the state to “%(new)s”.", who=who, new=str(STATES.get(new, new)))


def _assigned(who: str, actor: int | None, old: Any, new: Any, names: Mapping[int, str]) -> str:
    if new is None:
        return _("%(who)s took this from %(other)s; nobody looks after it now.", who=who, other=names.get(old, ""))
    if new == actor:
        return _("%(who)s took this.", who=who)
    return _("%(who)s gave this to %(other)s.", who=who, other=names.get(new, ""))


def _sorted(who: str, field: str, old: str, new: str) -> str:
    nothing = _("none")
    match field:
        case "title":
            return _("%(who)s changed the title.", who=who)
        case "priority":
            values = {"old": str(PRIORITIES.get(old, old)), "new": str(PRIORITIES.get(new, new))}
            return _("%(who)s set the priority to “%(new)s” (was “%(old)s”).", who=who, **values)
        case "topic":
            values = {"old": topic_name(old) if old else nothing, "new": topic_name(new) if new else nothing}
            return _("%(who)s set the topic to “%(new)s” (was “%(old)s”).", who=who, **values)
        case "service":
            values = {"old": str(SERVICES.get(old, old)), "new": str(SERVICES.get(new, new))}
            return _("%(who)s set the service to “%(new)s” (was “%(old)s”).", who=who, **values)
        case "team":
            values = {"old": old or nothing, "new": new or nothing}
            return _("%(who)s set the team to “%(new)s” (was “%(old)s”).", who=who, **values)
        case "country":
            values = {"old": country_name(old) or nothing, "new": country_name(new) or nothing}
            return _("%(who)s set the country to “%(new)s” (was “%(old)s”).", who=who, **values)
        case "language":
            values = {"old": language_name(old) or nothing, "new": language_name(new) or nothing}
            return _("%(who)s set the language to “%(new)s” (was “%(old)s”).", who=who, **values)
    return ""


def _tagged(who: str, old: set[str], new: set[str]) -> str:
    added, removed = ", ".join(sorted(new - old)), ", ".join(sorted(old - new))
    if added and removed:
        return _("%(who)s added the tags %(added)s and removed %(removed)s.", who=who, added=added, removed=removed)
    if added:
        return _("%(who)s added the tags %(added)s.", who=who, added=added)
    return _("%(who)s removed the tags %(removed)s.", who=who, removed=removed)

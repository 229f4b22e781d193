"""What a reader of the queue wants to see: a view, an order, words and filters, as the query of an address says it."""

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from datetime import timedelta
from typing import Any

from flask_babel import LazyString
from sqlalchemy import ColumnElement, or_, select

from accounts.models import Organisation, User
from core.db import db, now
from core.i18n import lazy as _l
from helpdesk.models import Ticket, TicketTag
from helpdesk.states import NEEDS_ANSWER, PRIORITIES, RUNNING, SOLVED, STATES, WAITING

WEEK = timedelta(days=7)
HIGHEST_NUMBER = 2**31
TEXT_LENGTH = 200
MOST_FOUND = 200


@dataclass(frozen=True)
class View:
    """One list of the desk. ``states`` are what it shows; ``whose`` is "", "nobody" or "me"."""

    name: LazyString
    states: tuple[str, ...]
    sort: str
    whose: str = ""
    is_recent: bool = False


@dataclass(frozen=True)
class Sort:
    """An order in which an index holds the tickets of one state (of one priority, if ``by_priority``)."""

    name: LazyString
    column: Any  # A column of Ticket.
    descending: bool
    by_priority: bool = False


ALL = "all"
VIEWS = {
    "needs-answer": View(_l("Needs an answer"), NEEDS_ANSWER, "oldest"),
    "unassigned": View(_l("Unassigned"), RUNNING, "oldest", whose="nobody"),
    "mine": View(_l("Mine"), RUNNING, "activity", whose="me"),
    "waiting": View(_l("Waiting for them"), (WAITING,), "oldest"),
    "solved": View(_l("Solved this week"), (SOLVED,), "activity", is_recent=True),
    ALL: View(_l("All tickets"), (), "activity"),
}
SORTS = {
    "oldest": Sort(_l("Waiting longest"), Ticket.turn_since, descending=False),
    "activity": Sort(_l("Last activity"), Ticket.last_activity_at, descending=True),
    "newest": Sort(_l("Newest"), Ticket.id, descending=True),
    "priority": Sort(_l("Priority"), Ticket.turn_since, descending=False, by_priority=True),
}


@dataclass(frozen=True, kw_only=True)
class Choice:
    """What a reader wants to see: a view, an order, words to search for and filters; "" where nothing was chosen."""

    view: str = "needs-answer"
    sort: str = ""
    q: str = ""
    state: str = ""
    assignee: str = ""  # me, nobody or a number
    topic: str = ""
    team: str = ""
    country: str = ""
    language: str = ""
    priority: str = ""
    tag: str = ""
    requester: str = ""  # a number, or part of a name or an address
    organisation: str = ""  # a number, or part of a name

    @property
    def order(self) -> Sort:
        """The order, by default that of the view."""
        return SORTS[self.sort or VIEWS[self.view].sort]

    @property
    def filters(self) -> dict[str, str]:
        """The filters that are in force, by name."""
        return {name: value for name in FILTERS if (value := getattr(self, name))}


FILTERS = tuple(item.name for item in fields(Choice) if item.name not in {"view", "sort", "q"})


def read(args: Mapping[str, str]) -> Choice:
    """The choice in the query of an address; what means nothing is left out.

    Words, and a state that the view does not show, are looked for in all tickets.
    """
    given = {
        item.name: " ".join(args.get(item.name, "").replace("\0", " ").split())[:TEXT_LENGTH]
        for item in fields(Choice)
    }
    codes: dict[str, Mapping[str, Any]] = {"view": VIEWS, "sort": SORTS, "state": STATES, "priority": PRIORITIES}
    for name, known in codes.items():
        if given[name] not in known:
            given[name] = ""
    if given["assignee"] not in {"me", "nobody"} and not is_number(given["assignee"]):
        given["assignee"] = ""
    choice = Choice(**{**given, "view": given["view"] or "needs-answer"})
    view = VIEWS[choice.view]
    if choice.q or (choice.state and view.states and choice.state not in view.states):
        choice = replace(choice, view=ALL)
    return choice


def name_of(model: type[User | Organisation], number: str) -> str:
    """The name of a person or an organisation that a filter names by number; what was typed if there is none."""
    if not is_number(number):
        return number
    return db.session.scalar(select(model.name).where(model.id == int(number))) or number


def states_of(choice: Choice) -> tuple[str, ...]:
    """The states that a choice shows; () for all."""
    return (choice.state,) if choice.state else VIEWS[choice.view].states


def _whose(whose: str, reader: User) -> list[ColumnElement[bool]]:
    if whose == "nobody":
        return [Ticket.assignee_id.is_(None)]
    if whose:
        return [Ticket.assignee_id == (reader.id if whose == "me" else int(whose))]
    return []


def _recent() -> list[ColumnElement[bool]]:
    # The first is for the index: whatever was solved this week was active this week.
    since = now() - WEEK
    return [Ticket.last_activity_at >= since, Ticket.solved_at >= since]


def conditions_of(choice: Choice, reader: User) -> list[ColumnElement[bool]]:
    """What a choice asks for, but for the states."""
    view = VIEWS[choice.view]
    conditions = [*_whose(view.whose, reader), *_whose(choice.assignee, reader)]
    if view.is_recent:
        conditions += _recent()
    for name in ("topic", "team", "country", "language", "priority"):
        if value := getattr(choice, name):
            conditions.append(getattr(Ticket, name) == value)
    if choice.tag:
        conditions.append(Ticket.id.in_(select(TicketTag.ticket_id).where(TicketTag.tag == choice.tag.lower())))
    if text := choice.requester:
        named = or_(User.email == text.lower(), User.name.icontains(text, autoescape=True))
        people = select(User.id).where(named).limit(MOST_FOUND)
        conditions.append(Ticket.requester_id == int(text) if is_number(text) else Ticket.requester_id.in_(people))
    if text := choice.organisation:
        named = Organisation.name.icontains(text, autoescape=True)
        places = select(Organisation.id).where(named).limit(MOST_FOUND)
        conditions.append(
            Ticket.organisation_id == int(text) if is_number(text) else Ticket.organisation_id.in_(places)
        )
    return conditions


def is_number(text: str) -> bool:
    """Whether a text can be the number of a ticket or another row."""
    return text.isascii() and text.isdigit() and len(text) < 11 and 0 < int(text) < HIGHEST_NUMBER

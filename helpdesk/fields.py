"""The fields of a ticket as forms change them: one at a time, never over somebody else's change of the same one."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select

from accounts.models import User
from core.db import db
from core.exceptions import HelpdeskError, Refused
from core.i18n import _, country_codes, country_name, language_choices, language_name
from helpdesk import choices, mailboxes, tickets
from helpdesk.models import Ticket
from helpdesk.states import PRIORITIES, SERVICES, STATES
from kb.topics import TOPICS, topic_name

# In the order in which they are changed: whoever takes a ticket and solves it has it when it is solved.
NAMES = ("title", "assignee", "priority", "topic", "service", "team", "country", "language", "tags", "state")


@dataclass(frozen=True)
class Clash:
    """One field that somebody else changed meanwhile: what they made it, and what was wanted; codes and words."""

    name: str
    wanted: str
    wanted_words: str
    current: str
    current_words: str


class Conflict(HelpdeskError):
    """Somebody else changed the same field since the page was loaded; nothing was changed."""

    def __init__(self, clashes: list[Clash]) -> None:
        super().__init__(_("Somebody else changed this meanwhile."))
        self.clashes = clashes


def change_fields(ticket: Ticket, form: Mapping[str, str], *, by: User) -> str:
    """Change the fields that a form names. Returns a sentence about what changed, "" if nothing did.

    A form tells by ``version`` what it showed, and by ``was_<field>`` the value that it showed of a field, so that a
    change of another field meanwhile is no conflict.

    :raises Conflict: if somebody else changed one of the fields meanwhile.
    :raises Refused: for a value that is none, naming the field.
    """
    wanted = {name: _clean(name, form[name]) for name in NAMES if name in form}
    if form.get("version", str(ticket.version)) != str(ticket.version):
        clashes = []
        for name, value in wanted.items():
            current = value_of(ticket, name)
            if current not in (value, form.get(f"was_{name}", None)):
                clashes.append(Clash(name, value, in_words(name, value), current, in_words(name, current)))
        if clashes:
            raise Conflict(clashes)
    said = [sentence for name, value in wanted.items() if (sentence := _change(ticket, name, value, by=by))]
    return " ".join(said)


def value_of(ticket: Ticket, name: str) -> str:
    """A field as forms carry it."""
    if name == "assignee":
        return str(ticket.assignee_id or "")
    if name == "tags":
        return ", ".join(ticket.tags)
    return str(getattr(ticket, name))


def in_words(name: str, value: str) -> str:
    """The value of a field as people read it."""
    if name == "assignee":
        return choices.name_of(User, value) if value else _("nobody")
    if not value:
        return _("none")
    names: dict[str, Any] = {
        "state": lambda: str(STATES.get(value, value)),
        "priority": lambda: str(PRIORITIES.get(value, value)),
        "service": lambda: str(SERVICES.get(value, value)),
        "topic": lambda: topic_name(value),
        "country": lambda: country_name(value),
        "language": lambda: language_name(value),
    }
    return str(names[name]()) if name in names else value


def _clean(name: str, value: str) -> str:
    value = " ".join(value.replace("\0", " ").split())
    if name == "tags":
        return ", ".join(sorted({" ".join(tag.lower().split())[:60] for tag in value.split(",") if tag.strip()}))
    return value[: tickets.TITLE_LENGTH]


def _change(ticket: Ticket, name: str, value: str, *, by: User) -> str:
    if value == value_of(ticket, name):
        return ""
    words = in_words(name, value)
    match name:
        case "state":
            tickets.set_state(ticket, value, by=by)
            return _("The ticket is now “%(state)s”.", state=words)
        case "assignee":
            tickets.assign(ticket, _analyst(value), by=by)
            return _("%(name)s looks after this now.", name=words) if value else _("Nobody looks after this now.")
        case "tags":
            tickets.tag(ticket, value.split(","), by=by)
            return _("The tags are kept.")
        case "title":
            if not value:
                raise Refused(_("A ticket needs a title."), "title")
            tickets.sort(ticket, by=by, title=value)
            return _("The title is changed.")
    if name == "team" and value not in ("", *mailboxes.teams()):
        raise Refused(_("Choose one from the list."), name)
    _check_code(name, value)
    tickets.sort(ticket, by=by, **{name: value})
    return _("Changed to “%(value)s”.", value=words)


def _check_code(name: str, value: str) -> None:
    known: dict[str, Any] = {
        "topic": lambda: ("", *TOPICS),
        "country": lambda: ("", *country_codes()),
        "language": lambda: ("", *(code for code, _name in language_choices())),
    }
    if name in known and value not in known[name]():
        raise Refused(_("Choose one from the list."), name)


def _analyst(number: str) -> User | None:
    if not number:
        return None
    user: User | None = None
    if choices.is_number(number):
        user = db.session.scalar(select(User).where(User.id == int(number)))
    if user is None:
        raise Refused(_("Only staff can be assigned."), "assignee")
    return user

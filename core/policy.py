"""Who may do what: rules by name, one page that answers every question.

Each part writes its rules in ``policy.py``::

    rule("ticket.reply", takes_part, "Answer in a thread that one takes part in.")

A route names its permission with `permits`; the edge refuses a request whose route names none, and refuses to answer
if a
permission about an object was never asked for that object (`require`). So a forgotten check is an error, not a leak.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from flask import abort, g, has_request_context

Check = Callable[..., bool]
View = TypeVar("View", bound=Callable[..., Any])


@dataclass(frozen=True)
class Rule:
    """One permission: its name, its test and its sentence.

    ``test`` takes the person (None for a stranger), and the object where the permission is about one.
    """

    name: str
    test: Check
    sentence: str
    about_object: bool


_rules: dict[str, Rule] = {}


def rule(name: str, test: Check, sentence: str) -> None:
    """Define a permission that is about an object: ``test(person, thing)``."""
    _rules[name] = Rule(name, test, sentence, about_object=True)


def role_rule(name: str, test: Check, sentence: str) -> None:
    """Define a permission that is about the person alone: ``test(person)``."""
    _rules[name] = Rule(name, test, sentence, about_object=False)


def rules() -> list[Rule]:
    """All permissions, by name."""
    return [_rules[name] for name in sorted(_rules)]


def get_rule(name: str) -> Rule:
    """One permission; a KeyError names what is missing."""
    return _rules[name]


def can(person: Any, name: str, thing: Any = None) -> bool:  # People and things belong to the parts.
    """Whether a person may do something (to something)."""
    known = _rules[name]
    return known.test(person, thing) if known.about_object else known.test(person)


def require(person: Any, name: str, thing: Any = None, *, seen_by: str = "") -> None:
    """Stop the request if the person may not.

    :param seen_by: the permission to see the thing; whoever has it is told 403, whoever has not is told 404, as if the
        thing did not exist.
    """
    if has_request_context():
        checked(name)
    if can(person, name, thing):
        return
    if seen_by and can(person, seen_by, thing):
        abort(403)
    abort(404 if _rules[name].about_object else 403)


def checked(name: str) -> None:
    """Remember that a permission was asked in this request; for views whose list is cut by ``visible_to`` itself."""
    g.setdefault("checked_permissions", set()).add(name)


def permits(name: str) -> Callable[[View], View]:
    """Name the permission of a route."""

    def mark(view: View) -> View:
        view.permission = name  # type: ignore[attr-defined] # Functions carry attributes.
        return view

    return mark


def anyone(_person: Any) -> bool:
    """A test that everyone passes, strangers too."""
    return True

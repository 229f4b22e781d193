"""What a token may be allowed to do: a closed list. A token never does more than its person may."""

from collections.abc import Iterable

from accounts.models import User
from core.exceptions import Refused
from core.i18n import _, lazy

SCOPES = {
    "tickets:read": lazy("Read tickets"),
    "tickets:write": lazy("Ask, answer and change tickets"),
    "articles:read": lazy("Read articles and past answers"),
    "articles:write": lazy("Write articles"),
    "search:read": lazy("Search and ask for suggestions"),
    "mail:write": lazy("Hand in mail"),
    "people:read": lazy("Read about people"),
}

# These lead to what only the desk may do.
FOR_STAFF = frozenset({"articles:write", "mail:write", "people:read"})


def for_person(user: User) -> list[str]:
    """The scopes that a token of this person can have."""
    return [code for code in SCOPES if user.is_staff or code not in FOR_STAFF]


def checked(user: User, wanted: Iterable[str]) -> list[str]:
    """The wanted scopes, each once, in the order of the list.

    :raises Refused: if there is none, or one is unknown or not for this person.
    """
    codes = set(wanted)
    if unknown := sorted(codes - set(SCOPES)):
        raise Refused(_("There is no scope “%(scope)s”.", scope=unknown[0]), "scopes")
    if forbidden := sorted(codes - set(for_person(user))):
        raise Refused(_("The scope “%(scope)s” is for people of the desk.", scope=forbidden[0]), "scopes")
    if not codes:
        raise Refused(_("Choose at least one thing that the token may do."), "scopes")
    return [code for code in SCOPES if code in codes]

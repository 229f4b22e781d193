"""The roles that a person may hold, several at once."""

from core.i18n import lazy

REQUESTER = "requester"
CHAMPION = "champion"
RESEARCHER = "researcher"
ANALYST = "analyst"
MANAGER = "manager"
ADMIN = "admin"

ROLES = {
    REQUESTER: lazy("Requester"),
    CHAMPION: lazy("Champion"),
    RESEARCHER: lazy("Researcher"),
    ANALYST: lazy("Analyst"),
    MANAGER: lazy("Manager"),
    ADMIN: lazy("Admin"),
}

# Those who work on the desk.
STAFF = frozenset({ANALYST, MANAGER, ADMIN})

"""States of a connection between two champions, and the moves between them."""

from core.i18n import lazy

PROPOSED, INTRODUCED, CLOSED, DECLINED, EXPIRED = "proposed", "introduced", "closed", "declined", "expired"

STATES = {
    PROPOSED: lazy("Proposed"),
    INTRODUCED: lazy("Introduced"),
    CLOSED: lazy("Finished"),
    DECLINED: lazy("Declined"),
    EXPIRED: lazy("Expired"),
}
# move -> (states it may start from, state it ends in). Acceptance by one side leaves a connection proposed.
MOVES: dict[str, tuple[frozenset[str], str]] = {
    "accept": (frozenset({PROPOSED}), PROPOSED),
    "introduce": (frozenset({PROPOSED}), INTRODUCED),
    "decline": (frozenset({PROPOSED}), DECLINED),
    "expire": (frozenset({PROPOSED}), EXPIRED),
    "close": (frozenset({INTRODUCED}), CLOSED),
}
# Those that count against a champion's capacity.
RUNNING = (PROPOSED, INTRODUCED)

# What the two sides are told of the ends before an introduction: not whether somebody said no, or nobody answered.
ENDED = (DECLINED, EXPIRED)
NOT_COME_ABOUT = lazy("Did not come about")

LEVELS = {"learning": lazy("Learning"), "working": lazy("Working on it"), "expert": lazy("Has done it")}
VISIBILITIES = {
    "hidden": lazy("Nobody"),
    "staff": lazy("Helpdesk staff"),
    "peers": lazy("Champions and staff"),
    "public": lazy("Everyone"),
}
EXCHANGE_KINDS = {"mail": lazy("Mail"), "call": lazy("Call"), "visit": lazy("Visit"), "document": lazy("Document")}
OUTCOMES = {"helped": lazy("It helped"), "partly": lazy("It helped in part"), "not": lazy("It did not help")}

"""Ticket states, and the moves between them. Moves are data: whatever is not here does not happen."""

from core.i18n import lazy

NEW, OPEN, WAITING, SOLVED, CLOSED = "new", "open", "waiting", "solved", "closed"

STATES = {
    NEW: lazy("New"),
    OPEN: lazy("Open"),
    WAITING: lazy("Waiting for them"),
    SOLVED: lazy("Solved"),
    CLOSED: lazy("Closed"),
}
# The same states as their requester reads them.
STATES_FOR_REQUESTER = {
    NEW: lazy("We received it"),
    OPEN: lazy("We are working on it"),
    WAITING: lazy("We are waiting for you"),
    SOLVED: lazy("Solved"),
    CLOSED: lazy("Closed"),
}
# Those in which it is the desk's turn.
NEEDS_ANSWER = (NEW, OPEN)
ENDED = (SOLVED, CLOSED)
# Those that are not over.
RUNNING = (NEW, OPEN, WAITING)

# move -> (states it may start from, state it ends in)
MOVES: dict[str, tuple[frozenset[str], str]] = {
    "reply": (frozenset({NEW, OPEN, WAITING, SOLVED}), WAITING),
    "answer": (frozenset({NEW, OPEN, WAITING, SOLVED, CLOSED}), OPEN),
    "open": (frozenset({NEW, WAITING, SOLVED, CLOSED}), OPEN),
    "wait": (frozenset({NEW, OPEN}), WAITING),
    "solve": (frozenset({NEW, OPEN, WAITING}), SOLVED),
    "close": (frozenset({NEW, OPEN, WAITING, SOLVED}), CLOSED),
}

PRIORITIES = {
    "low": lazy("Low"),
    "normal": lazy("Normal"),
    "high": lazy("High"),
    "urgent": lazy("Urgent"),
}

SERVICES = {
    "enquiry": lazy("Enquiry"),
    "scoping": lazy("Scoping note"),
    "mapping-review": lazy("Mapping review"),
    "implementation": lazy("Implementation guidance"),
    "data-review": lazy("Data review"),
    "training": lazy("Training"),
    "tool-assessment": lazy("Tool assessment"),
    "policy-analysis": lazy("Technical analysis for advocates"),
    "knowledge": lazy("Knowledge and examples"),
}

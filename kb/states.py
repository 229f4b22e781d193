"""The states of an article, and which moves there are between them."""

from kb.models import DRAFT, IN_REVIEW, NEEDS_UPDATE, PUBLISHED, RETIRED, WITHDRAWN

STATES = (DRAFT, IN_REVIEW, PUBLISHED, NEEDS_UPDATE, RETIRED, WITHDRAWN)
MOVES: dict[str, frozenset[str]] = {
    DRAFT: frozenset({IN_REVIEW, PUBLISHED, WITHDRAWN}),
    IN_REVIEW: frozenset({DRAFT, PUBLISHED, WITHDRAWN}),
    PUBLISHED: frozenset({NEEDS_UPDATE, RETIRED, WITHDRAWN}),
    NEEDS_UPDATE: frozenset({PUBLISHED, RETIRED, WITHDRAWN}),
    RETIRED: frozenset({DRAFT, PUBLISHED, WITHDRAWN}),
    WITHDRAWN: frozenset({DRAFT, IN_REVIEW, PUBLISHED, RETIRED}),
}


def can_move(state: str, to: str) -> bool:
    """Whether an article in a state can be brought into another one."""
    return to in MOVES.get(state, frozenset())

"""Search over articles and past answers: one protocol, two backends (Whoosh in a directory, PostgreSQL)."""

from kb.search.protocol import (
    Document,
    Health,
    Hit,
    IndexUnavailable,
    Query,
    Reason,
    Results,
    SearchIndex,
)

__all__ = ["Document", "Health", "Hit", "IndexUnavailable", "Query", "Reason", "Results", "SearchIndex"]

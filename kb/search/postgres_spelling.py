"""The nearest known word for one that no visible document holds, from the word list in PostgreSQL."""

from sqlalchemy import Connection, text

from core.words import fold
from kb.search.analysis import Need, Plan
from kb.search.spelling import is_checked, letters, most_edits, nearest, respell


def respelled(connection: Connection, plan: Plan, frequencies: dict[Need, int], visibilities: tuple[str, ...]) -> str:
    """The query with every unknown word replaced by the nearest known one, or empty."""
    corrections = []
    for need, frequency in frequencies.items():
        word = need.clause.words[0]
        if frequency or not need.required or len(need.clause.words) > 1 or not is_checked(fold(word.text)):
            continue
        better = _nearest_visible(connection, fold(word.text), visibilities)
        if better:
            corrections.append((word.start, word.end, better))
    return respell(plan.text, corrections) if corrections else ""


def _nearest_visible(connection: Connection, folded: str, visibilities: tuple[str, ...]) -> str:
    most = most_edits(folded)
    rows = connection.execute(
        text(
            "SELECT folded, sum(documents) FROM search_word WHERE visibility = ANY(:visibilities) "
            "AND length BETWEEN :shortest AND :longest "
            "AND bit_count(CAST(letters # :letters AS bit(32))) <= :differing GROUP BY folded"
        ),
        {
            "visibilities": list(visibilities),
            "shortest": len(folded) - most,
            "longest": len(folded) + most,
            "letters": letters(folded),
            "differing": 2 * most,
        },
    )
    counts = {word: int(documents) for word, documents in rows if is_checked(word)}
    near = nearest(folded, counts)
    if not near:
        return ""
    _, best = min(near, key=lambda pair: (pair[0], pair[1][0] != folded[0], -counts[pair[1]]))
    word: str = connection.execute(
        text(
            "SELECT word FROM search_word WHERE folded = :folded AND visibility = ANY(:visibilities) "
            "GROUP BY word ORDER BY sum(documents) DESC, word LIMIT 1"
        ),
        {"folded": best, "visibilities": list(visibilities)},
    ).scalar_one()
    return word.rpartition("\t")[2]

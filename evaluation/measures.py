"""Measures of rankings."""

import math
from collections.abc import Iterable, Mapping, Sequence

CUT = 10


def ndcg(found: Sequence[str], grades: Mapping[str, float], cut: int = CUT) -> float:
    """Normalised discounted cumulative gain at a cut: 1.0 for the best order that there is, 0.0 for nothing right.

    The gain is the grade itself, the discount log2(rank + 1), as in trec_eval's ndcg_cut.

    :param found: names in the order found; a name that comes again counts once.
    :param grades: of what is right; everything else is 0.
    """
    best = sorted(grades.values(), reverse=True)[:cut]
    given = [max(grades.get(name, 0), 0) for name in list(dict.fromkeys(found))[:cut]]
    ideal, gained = (sum(gain / math.log2(rank + 1) for rank, gain in enumerate(list_, 1)) for list_ in (best, given))
    return gained / ideal if ideal > 0 else 0.0


def rank_of(found: Sequence[str], right: Iterable[str]) -> int | None:
    """At which rank, from 1, the first right one stands; None if none does."""
    wanted = set(right)
    return next((rank for rank, name in enumerate(found, 1) if name in wanted), None)


def mean(values: Sequence[float]) -> float:
    """The mean; 0.0 of nothing."""
    return sum(values) / len(values) if values else 0.0

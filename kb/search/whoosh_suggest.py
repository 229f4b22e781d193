"""Putting near documents of a snapshot in front of somebody who is typing a question."""

import heapq
from collections.abc import Sequence

from kb.search import analysis
from kb.search.analysis import Need
from kb.search.protocol import Hit
from kb.search.suggestions import CLOSELY_LOOKED_AT, MOST_QUESTION_NEEDS, Near, closest
from kb.search.whoosh_reader import Segment, Snapshot, View
from kb.search.whoosh_words import Asked, frequency


def suggest(
    snapshot: Snapshot, text: str, visibilities: tuple[str, ...], prefer_language: str, limit: int
) -> list[Hit]:
    """Documents near to a question: those that share its rarer words, above all in their titles."""
    words, growing = analysis.question_words(text)
    views = snapshot.views(visibilities)
    asked = Asked(views, _rarest(views, analysis.plan_words(words, prefer_language, growing)))
    candidates: list[tuple[float, int, float, Segment, int]] = []
    for i, view in enumerate(views):
        factors = view.segment.factors(prefer_language)
        held = asked.held(i)
        best = heapq.nlargest(CLOSELY_LOOKED_AT, held.scores, key=held.scores.__getitem__)
        candidates += [(held.scores[n] * factors[n], held.words[n], held.shares[n], view.segment, n) for n in best]
    candidates.sort(key=lambda one: -one[0])
    near = [
        Near(score, count, weight, segment.shown(n))
        for score, count, weight, segment, n in candidates[:CLOSELY_LOOKED_AT]
    ]
    weighed = [(weight, need) for weight, need in zip(asked.weights, asked.needs, strict=True) if weight]
    return closest(near, weighed, len(words), limit)


def _rarest(views: Sequence[View], needs: Sequence[Need]) -> list[Need]:
    """The needs with the fewest documents, at least one; a word that may still grow is always kept."""
    counted = [(0 if need.prefix else frequency(views, need), i, need) for i, need in enumerate(needs)]
    counted = [one for one in counted if one[0] or one[2].prefix]
    counted.sort(key=lambda one: one[:2])
    return [need for _, _, need in counted[:MOST_QUESTION_NEEDS]]

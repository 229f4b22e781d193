"""Weighing documents for a query (BM25F) by what each of its terms weighs in them, for the index in PostgreSQL."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from core.tsvector import phrase
from core.words import LANGUAGES, base_language
from kb.search import analysis
from kb.search.analysis import LANGUAGE_BOOST, Alternative, Need, Plan

# Weighing every word is slow, so of very many documents those are weighed that hold the rarest words and rank best by
# title, headings, tags and summary; the others follow in that order.
MOST_WEIGHED = 250
# Weights are kept in sixteenths.
UNIT = 16


@dataclass(frozen=True, slots=True)
class Telling:
    """How telling each need of a plan is, the terms of the words that begin like one which is being typed, and which
    documents hold words side by side: (id, phrase of a tsquery).
    """

    weights: Sequence[float]
    beginnings: Mapping[str, Sequence[str]]
    side_by_side: frozenset[tuple[str, str]] = frozenset()


def several(plan: Plan) -> list[Alternative]:
    """What a query looks for as words side by side."""
    return [way for need in plan.needs for way in need.alternatives if len(way.terms) > 1]


def ranked(rows: Sequence[Any], plan: Plan, telling: Telling, prefer_language: str) -> list[tuple[float, Any]]:
    """Documents with their scores, best first; those that were not weighed stay last.

    :param rows: in their coarse order, with `terms` and `weights` of what the query names, `tier` (1 or more: all of
        the words; less: the share of them), `boost`, `language` and `updated`.
    """
    base = base_language(prefer_language) if prefer_language else ""
    required = set(plan.required)
    weighed: list[tuple[bool, float, float, Any]] = []
    for row in rows[:MOST_WEIGHED]:
        held = {term: weight / UNIT for term, weight in zip(row.terms or (), row.weights or (), strict=True)}
        each = [_weight(need, held, row.id, telling) for need in plan.needs]
        score = sum(w * t for w, t in zip(each, telling.weights, strict=True)) * row.boost
        if base in LANGUAGES and base_language(row.language) == base:
            score *= LANGUAGE_BOOST
        is_full = not plan.is_question and row.tier >= 1
        if plan.is_question:
            has_all = all(w for w, need in zip(each, plan.needs, strict=True) if need in required)
            score *= analysis.ALL_WORDS_BONUS if has_all else 1.0
        elif not is_full:
            score *= row.tier
        weighed.append((is_full, score, row.updated.timestamp(), row))
    weighed.sort(key=lambda one: one[:3], reverse=True)
    best: list[tuple[float, Any]] = []
    ceiling = math.inf
    for _, score, _, row in weighed:
        # Those with all words come first, whatever the others score.
        ceiling = min(ceiling, score)
        best.append((ceiling, row))
    return best + [(0.0, row) for row in rows[MOST_WEIGHED:]]


def _weight(need: Need, held: Mapping[str, float], document: str, telling: Telling) -> float:
    """What a need weighs in a document: its best alternative; of words side by side, the least of them."""
    growing = telling.beginnings.get(need.prefix, ()) if need.prefix else ()
    best = max((held.get(term, 0.0) for term in growing), default=0.0)
    for way in need.alternatives:
        weight = min(held.get(term, 0.0) for _, term in way.terms) * way.weight
        if weight > best and (len(way.terms) == 1 or (document, phrase(way.terms)) in telling.side_by_side):
            best = weight
    return best

"""Searching a snapshot of the Whoosh index. Every count and word used here is of documents the person may see."""

import heapq
import math
from collections import Counter
from dataclasses import dataclass

from core.query_words import TOO_COMMON
from core.words import fold
from kb.search import analysis
from kb.search.analysis import Plan
from kb.search.facets import Cube, count_facets
from kb.search.hits import Marker, hit
from kb.search.protocol import MOST_COUNTED, Query, Results
from kb.search.reasons import told
from kb.search.spelling import is_checked, respell
from kb.search.whoosh_reader import Segment, Snapshot, View
from kb.search.whoosh_words import Asked, Found, documents, frequency, rarity, telling


@dataclass(slots=True)
class _Matches:
    """What one segment holds of a query: documents with all of the words, documents with some, each with a score."""

    view: View
    all_words: Found
    some_words: Found
    passing: set[int] | None

    def kept(self, found: Found) -> Found:
        return found if self.passing is None else {n: s for n, s in found.items() if n in self.passing}


def search(snapshot: Snapshot, query: Query) -> Results:
    """Find, count, suggest a spelling."""
    plan = analysis.plan(query.text, prefer_language=query.prefer_language, prefix_last=query.prefix_last)
    if not plan.needs:
        return Results(refused=plan.refused)
    views = snapshot.views(query.visibilities)
    if plan.is_too_much:
        plan = plan.most_telling(telling(views, plan))
    if plan.is_question:
        asked = Asked(views, plan.needs)
        frequencies = asked.frequencies
        matches = [
            _Matches(view, {}, _answering(asked, i, plan, query), _passing(view, query))
            for i, view in enumerate(views)
        ]
        full = 0
    else:
        found = [[documents(view, need) for need in plan.needs] for view in views]
        frequencies = [sum(len(of_view[i]) for of_view in found) for i in range(len(plan.needs))]
        rarities = rarity(
            [count and (frequency(views, need) or count) for need, count in zip(plan.needs, frequencies, strict=True)],
            sum(view.count for view in views),
        )
        weights = [weight * need.telling for weight, need in zip(rarities, plan.needs, strict=True)]
        matches = [
            _match(view, plan, of_view, frequencies=frequencies, weights=weights, query=query)
            for view, of_view in zip(views, found, strict=True)
        ]
        full = sum(len(m.kept(m.all_words)) for m in matches)
        if full >= analysis.FEW:
            for m in matches:
                m.some_words = {}
    total = full + sum(len(m.kept(m.some_words)) for m in matches)
    ranked = _rank(matches, min(query.offset + query.limit, MOST_COUNTED))
    cube: Cube = Counter()
    for m in matches:
        facets = m.view.segment.facets
        cube.update(map(facets.__getitem__, m.all_words))
        cube.update(map(facets.__getitem__, m.some_words))
    wanted = Marker(plan)
    hits = tuple(
        told(hit(shown := segment.shown(number), score, wanted[shown.language]), shown, plan, query)
        for score, segment, number in ranked[query.offset : query.offset + query.limit]
    )
    nothing_asked = not total and not any(need.required for need in plan.needs)
    return Results(
        hits=hits,
        total=min(total, MOST_COUNTED),
        is_capped=total > MOST_COUNTED,
        facets=count_facets(cube, query),
        suggestion=_respelled(views, plan, frequencies),
        refused=plan.refused or (TOO_COMMON if nothing_asked else ""),
    )


def _passing(view: View, query: Query) -> set[int] | None:
    return view.passing(query.kinds, query.topics, query.languages, query.countries)


def _answering(asked: Asked, place: int, plan: Plan, query: Query) -> Found:
    """Documents that hold some words of a question, each word for what it weighs; all of them is a little better."""
    view = asked.views[place]
    without: set[int] = set()
    for need in plan.unwanted:
        without |= documents(view, need).keys()
    held = asked.held(place)
    least = analysis.LEAST_SHARE_OF_QUESTION * sum(asked.weights)
    factors = view.segment.factors(query.prefer_language)
    every = sum(need.required for need in plan.needs) or len(plan.needs)
    return {
        n: score * factors[n] * (analysis.ALL_WORDS_BONUS if held.words[n] >= every else 1.0)
        for n, score in held.scores.items()
        if n not in without and held.shares[n] >= least
    }


def _match(
    view: View, plan: Plan, found: list[Found], *, frequencies: list[int], weights: list[float], query: Query
) -> _Matches:
    factors = view.segment.factors(query.prefer_language)
    required = [i for i, need in enumerate(plan.needs) if need in plan.required]
    smallest_first = sorted(required, key=lambda i: len(found[i]))
    numbers = set(found[smallest_first[0]])
    for i in smallest_first[1:]:
        numbers &= found[i].keys()
    without: set[int] = set()
    for need in plan.unwanted:
        without |= documents(view, need).keys()
    numbers -= without
    if len(found) == 1:
        of_one, weight = found[0], weights[0]
        full = {n: of_one[n] * weight * factors[n] for n in numbers}
    else:
        pairs = list(zip(found, weights, strict=True))
        full = {n: sum(w * f[n] for f, w in pairs if n in f) * factors[n] for n in numbers}
    passing = _passing(view, query)
    some: Found = {}
    if len(numbers) < analysis.FEW or passing is not None:
        some = _some_words(found, required, frequencies, weights, numbers | without)
        some = {n: s * factors[n] for n, s in some.items()}
    return _Matches(view, full, some, passing)


def _some_words(
    found: list[Found], required: list[int], frequencies: list[int], weights: list[float], without: set[int]
) -> Found:
    known = [i for i in required if frequencies[i]]
    if not known or len(required) < 2:
        return {}
    all_weight = sum(weights[i] for i in known)
    shares: Found = {}
    scores: Found = {}
    for i in known:
        for n, weight in found[i].items():
            shares[n] = shares.get(n, 0.0) + weights[i]
            scores[n] = scores.get(n, 0.0) + weights[i] * weight
    least = analysis.LEAST_SHARE * all_weight
    return {n: scores[n] * share / all_weight for n, share in shares.items() if share >= least and n not in without}


def _rank(matches: list[_Matches], most: int) -> list[tuple[float, Segment, int]]:
    """The best documents: those with all words first, whatever the others score."""
    ranked: list[tuple[float, Segment, int]] = []
    for part in ("all_words", "some_words"):
        best: list[tuple[float, int, int]] = []
        for i, m in enumerate(matches):
            kept = m.kept(getattr(m, part))
            best += [(kept[n], -i, -n) for n in heapq.nlargest(most, kept, key=kept.__getitem__)]
        best.sort(reverse=True)
        ceiling = ranked[-1][0] * 0.99 if ranked else math.inf
        ranked += [(min(score, ceiling), matches[-i].view.segment, -n) for score, i, n in best[: most - len(ranked)]]
    return ranked


def _respelled(views: list[View], plan: Plan, frequencies: list[int]) -> str:
    """The query with every unknown word replaced by the nearest known one, or empty."""
    corrections = []
    for need, frequency in zip(plan.needs, frequencies, strict=True):
        clause = need.clause
        word = clause.words[0]
        if frequency or not need.required or len(clause.words) > 1 or not is_checked(fold(word.text)):
            continue
        better = _nearest_visible(views, fold(word.text))
        if better:
            corrections.append((word.start, word.end, better))
    return respell(plan.text, corrections) if corrections else ""


def _nearest_visible(views: list[View], folded: str) -> str:
    near = sorted({pair for view in views for pair in view.segment.near(folded)})
    best: tuple[tuple[int, bool, int], str] | None = None
    for edits, other in near:
        if best and edits > best[0][0]:
            break
        counts: Counter[str] = Counter()
        for view in views:
            for entry in view.segment.written(other):
                count = len(view.with_term("words", entry))
                counts[entry.rpartition("\t")[2]] += count
        count = counts.total()
        rank = (edits, other[0] != folded[0], -count)
        if count and (best is None or rank < best[0]):
            best = (rank, counts.most_common(1)[0][0])
    return best[1] if best else ""

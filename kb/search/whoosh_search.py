"""Searching a snapshot of the Whoosh index. Every count and word used here is of documents the person may see."""

import heapq
import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from core.query_words import TOO_COMMON
from core.words import fold
from kb.search import analysis
from kb.search.analysis import Need, Plan
from kb.search.facets import Cube, count_facets
from kb.search.hits import Marker, hit
from kb.search.protocol import MOST_COUNTED, Hit, Query, Results
from kb.search.reasons import told
from kb.search.spelling import is_checked, respell
from kb.search.suggestions import CLOSELY_LOOKED_AT, MOST_QUESTION_NEEDS, Near, closest
from kb.search.whoosh_reader import Segment, Snapshot, View

Found = dict[int, float]
ENOUGH = 1000


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
        plan = plan.most_telling(_telling(views, plan))
    found = [[_documents(view, need) for need in plan.needs] for view in views]
    frequencies = [sum(len(of_view[i]) for of_view in found) for i in range(len(plan.needs))]
    rarity = _rarity(frequencies, sum(view.count for view in views))
    weights = [weight * need.telling for weight, need in zip(rarity, plan.needs, strict=True)]
    matches = [
        _match(view, plan, of_view, frequencies=frequencies, weights=weights, query=query)
        for view, of_view in zip(views, found, strict=True)
    ]
    full = sum(len(m.kept(m.all_words)) for m in matches)
    if plan.is_question:
        full = 0
        for m in matches:
            m.some_words |= {n: score * analysis.ALL_WORDS_BONUS for n, score in m.all_words.items()}
            m.all_words = {}
    elif full >= analysis.FEW:
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


def _documents(view: View, need: Need) -> Found:
    """The visible documents that meet a need, with the best weight of its alternatives in each."""
    best: Found = {}
    for alternative in need.alternatives:
        if len(alternative.terms) == 1:
            _merge(best, view.with_term("terms", alternative.terms[0][1], alternative.weight))
        else:
            side_by_side = view.segment.synonym if alternative.instead else view.segment.phrase
            found = side_by_side(alternative.terms, view.visible)
            if alternative.weight != 1.0:
                found = {number: weight * alternative.weight for number, weight in found.items()}
            _merge(best, found)
    if need.prefix:
        for word in view.segment.beginning_with(need.prefix):
            _merge(best, view.with_term("words", word))
    return best


def _merge(best: Found, more: Found) -> None:
    if not best:
        best.update(more)
        return
    for number, weight in more.items():
        if weight > best.get(number, 0.0):
            best[number] = weight


def _telling(views: list[View], plan: Plan) -> list[float]:
    """How telling each word is, told by how many visible documents hold its commonest form."""
    counts = [
        max(
            sum(view.frequency(way.terms[0][1]) for view in views)
            for way in need.alternatives if not way.instead or need.alternatives[0].instead
        )
        for need in plan.needs
    ]  # fmt: skip
    rarity = _rarity(counts, sum(view.count for view in views))
    return [weight * need.telling for weight, need in zip(rarity, plan.needs, strict=True)]


def _rarity(frequencies: Sequence[int], documents: int) -> list[float]:
    return [math.log(1 + (documents - n + 0.5) / (n + 0.5)) if n else 0.0 for n in frequencies]


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
        without |= _documents(view, need).keys()
    numbers -= without
    if len(found) == 1:
        of_one, weight = found[0], weights[0]
        full = {n: of_one[n] * weight * factors[n] for n in numbers}
    else:
        pairs = list(zip(found, weights, strict=True))
        full = {n: sum(w * f[n] for f, w in pairs if n in f) * factors[n] for n in numbers}
    passing = view.passing(query.kinds, query.topics, query.languages, query.countries)
    some: Found = {}
    if plan.is_question:
        some = _answering(found, frequencies, weights, numbers | without)
        some = {n: s * factors[n] for n, s in some.items()}
    elif len(numbers) < analysis.FEW or passing is not None:
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


def _answering(found: list[Found], frequencies: list[int], weights: list[float], without: set[int]) -> Found:
    """Documents that hold some words of a question, each word for what it weighs."""
    scores: Found = {}
    shares: Found = {}
    rarest_first = sorted(zip(weights, found, frequencies, strict=True), key=lambda one: one[2])
    for weight, of_need, frequency in rarest_first:
        if not frequency:
            continue
        # Where enough documents hold rarer words, a common one only tells these apart.
        among = of_need if len(scores) < ENOUGH else scores.keys() & of_need.keys()
        for n in among:
            scores[n] = scores.get(n, 0.0) + weight * of_need[n]
            shares[n] = shares.get(n, 0.0) + weight
    least = analysis.LEAST_SHARE_OF_QUESTION * sum(w for w, count in zip(weights, frequencies, strict=True) if count)
    return {n: score for n, score in scores.items() if n not in without and shares[n] >= least}


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


def suggest(
    snapshot: Snapshot, text: str, visibilities: tuple[str, ...], prefer_language: str, limit: int
) -> list[Hit]:
    """Documents near to a question: those that share its rarer words, above all in their titles."""
    words, growing = analysis.question_words(text)
    views = snapshot.views(visibilities)
    documents = sum(view.count for view in views)
    asked: list[tuple[float, Need, list[Found]]] = []
    for need in _rarest(views, analysis.plan_words(words, prefer_language, growing)):
        found = [_documents(view, need) for view in views]
        frequency = sum(map(len, found))
        if frequency:
            asked.append((_rarity([frequency], documents)[0] * need.telling, need, found))
    candidates: list[tuple[float, int, float, Segment, int]] = []
    for i, view in enumerate(views):
        factors = view.segment.factors(prefer_language)
        scores: Found = {}
        shared: Found = {}
        held: Counter[int] = Counter()
        for weight, _, found in sorted(asked, key=lambda one: len(one[2][i])):
            of_need = found[i]
            among = of_need.keys() if len(scores) < ENOUGH else scores.keys() & of_need.keys()
            held.update(among)
            for n in among:
                scores[n] = scores.get(n, 0.0) + weight * of_need[n]
                shared[n] = shared.get(n, 0.0) + weight
        best = heapq.nlargest(CLOSELY_LOOKED_AT, scores, key=scores.__getitem__)
        candidates += [(scores[n] * factors[n], held[n], shared[n], view.segment, n) for n in best]
    candidates.sort(key=lambda one: -one[0])
    near = [
        Near(score, count, weight, segment.shown(n))
        for score, count, weight, segment, n in candidates[:CLOSELY_LOOKED_AT]
    ]
    return closest(near, [(weight, need) for weight, need, _ in asked], len(words), limit)


def _rarest(views: list[View], needs: list[Need]) -> list[Need]:
    """The needs with the fewest documents, at least one; a word that may still grow is always kept."""
    counted: list[tuple[int, int, Need]] = []
    for i, need in enumerate(needs):
        own = [alternative.terms[0][1] for alternative in need.alternatives if not alternative.instead]
        others = [alternative.terms[0][1] for alternative in need.alternatives if alternative.instead]
        # How telling a word is, it says itself; only one that nobody wrote is as rare as its synonyms.
        frequency = sum(view.frequency(term) for view in views for term in own) or sum(
            view.frequency(term) for view in views for term in others
        )
        if frequency or need.prefix:
            counted.append((0 if need.prefix else frequency, i, need))
    counted.sort(key=lambda one: one[:2])
    return [need for _, _, need in counted[:MOST_QUESTION_NEEDS]]

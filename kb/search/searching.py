"""Searching a snapshot of either backend. Every count and word used here is of documents the person may see."""

import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from core.query_words import TOO_COMMON
from core.words import fold
from kb.search import analysis
from kb.search.analysis import Need, Plan
from kb.search.asked_in import asked_in
from kb.search.facets import Cube, count_facets
from kb.search.hits import Marker, Shown, hit, hit_by_summary
from kb.search.parts import Flags, Part, Snapshot, View, Weights
from kb.search.protocol import MOST_COUNTED, Hit, Query, Results
from kb.search.questions import plan_words, question_words
from kb.search.reasons import told
from kb.search.scoring import Found, best, frequency, telling, weights_of
from kb.search.spelling import is_checked, respell
from kb.search.suggestions import CLOSELY_LOOKED_AT, MOST_QUESTION_NEEDS, Asked, Near, closest


@dataclass(slots=True)
class _Matches:
    """What one view holds of a query: which documents have all of the words, which have some, a score for each."""

    view: View
    scores: Weights
    all_words: Flags
    some_words: Flags
    passing: Flags | None

    def kept(self, flags: Flags) -> Flags:
        return flags if self.passing is None else flags & self.passing


def search(snapshot: Snapshot, query: Query, plan: Plan) -> Results:
    """Find, count, suggest a spelling."""
    snapshot.prepare((*plan.needs, *plan.unwanted, *([plan.titled] if plan.titled else ())))
    views = snapshot.views(query.visibilities)
    if plan.is_too_much:
        plan = plan.most_telling(telling(views, plan))
    found = Found(views, plan.needs)
    plan = _with_parts_of_rare_codes(snapshot, plan, found)
    language = asked_in(views, plan.needs, query.prefer_language)
    matches = [_match(found, place, plan, query, language) for place in range(len(views))]
    _lift_titled(matches, plan, language)
    full = sum(int(np.count_nonzero(m.kept(m.all_words))) for m in matches)
    everywhere = sum(int(np.count_nonzero(m.all_words)) for m in matches)
    # Told by what is found without filters, so that the count beside a filter is what it leaves …
    if not plan.is_question and (not full or everywhere < analysis.FEW):
        _add_some_words(found, matches, plan)
        if everywhere >= analysis.FEW:
            # … and where that is nothing, there is more under these filters only.
            for m in matches:
                m.some_words = m.kept(m.some_words)
    total = full + sum(int(np.count_nonzero(m.kept(m.some_words))) for m in matches)
    cube: Cube = Counter()
    for m in matches:
        cube.update(m.view.part.columns.counted(m.all_words | m.some_words))
    ranked = _rank(matches, min(query.offset + query.limit, MOST_COUNTED))
    asked_for = ranked[query.offset : query.offset + query.limit]
    shown = _read([(part, number) for _, part, number in asked_for], lambda part, numbers: part.shown(numbers))
    wanted = Marker(plan)
    hits = tuple(
        told(hit(each, score, wanted[each.language]), each, plan, query)
        for (score, _, _), each in zip(asked_for, shown, strict=True)
    )
    nothing_asked = not total and not any(need.required for need in plan.needs)
    return Results(
        hits=hits,
        total=min(total, MOST_COUNTED),
        is_capped=total > MOST_COUNTED,
        facets=count_facets(cube, query),
        suggestion=_respelled(snapshot, plan, found, query),
        refused=plan.refused or (TOO_COMMON if nothing_asked else ""),
    )


def _with_parts_of_rare_codes(snapshot: Snapshot, plan: Plan, found: Found) -> Plan:
    """Where few documents hold a code as a whole, also those with all of its words."""
    counted = zip(plan.needs, found.counts, strict=True)
    # One that still grows too: with the next letter it may be the whole of a rarer one.
    codes = [need for need, count in counted if need.parts and (need.prefix or count < analysis.FEW)]
    if codes:
        snapshot.prepare([part for need in codes for part in need.parts])
        found.add_parts(codes)
    return plan.with_parts_of(codes)


def _lift_titled(matches: Sequence[_Matches], plan: Plan, language: str) -> None:
    """What has for its title just what was typed comes first, above all in the language of the search."""
    if plan.titled is None:
        return
    highest = max((float(m.scores.max(initial=0.0)) for m in matches), default=0.0)
    for m in matches:
        titled = (weights_of(m.view, plan.titled) > 0) & (m.all_words | m.some_words)
        if titled.any():
            m.scores[titled] += highest * m.view.part.columns.factors(language)[titled]


def _match(found: Found, place: int, plan: Plan, query: Query, language: str) -> _Matches:
    view = found.views[place]
    columns = view.part.columns
    scores = found.scores(place) * columns.factors(language)
    passing = columns.passing((query.kinds, query.topics, query.languages, query.countries))
    required = sum(need.required for need in plan.needs)
    if required:
        every = found.held(place) >= required
    else:
        every = np.logical_and.reduce([weights > 0 for weights in found.weights[place]])
    allowed = ~_unwanted(view, plan)
    nowhere = np.zeros(len(scores), np.bool_)
    if not plan.is_question:
        return _Matches(view, scores, every & allowed, nowhere, passing)
    # Documents that hold some words of a question, each word for what it weighs; all of them is a little better.
    scores[every] *= np.float32(analysis.ALL_WORDS_BONUS)
    least = analysis.LEAST_SHARE_OF_QUESTION * sum(found.telling)
    some = (found.shares(place) >= np.float32(least)) & (scores > 0) & allowed
    return _Matches(view, scores, nowhere, some, passing)


def _unwanted(view: View, plan: Plan) -> Flags:
    without = np.zeros(len(view.visible), np.bool_)
    for need in plan.unwanted:
        without |= weights_of(view, need) > 0
    return without


def _add_some_words(found: Found, matches: Sequence[_Matches], plan: Plan) -> None:
    """Where few documents hold all words, below these the ones in which the words found weigh enough together."""
    wanted = set(plan.required)
    required = [i for i, need in enumerate(plan.needs) if need in wanted]
    known = [i for i in required if found.counts[i]]
    if not known or len(required) < 2:
        return
    every = sum(found.telling[i] for i in known)
    for place, m in enumerate(matches):
        shares = found.shares(place, known)
        m.some_words = (shares >= np.float32(analysis.LEAST_SHARE * every)) & (shares > 0) & ~m.all_words
        m.some_words &= ~_unwanted(m.view, plan)
        m.scores = np.where(m.all_words, m.scores, m.scores * (shares / np.float32(every)))


def _rank(matches: Sequence[_Matches], most: int) -> list[tuple[float, Part, int]]:
    """The best documents: those with all words first, whatever the others score."""
    ranked: list[tuple[float, Part, int]] = []
    for part in ("all_words", "some_words"):
        several = [
            (-score, i, number)
            for i, m in enumerate(matches)
            for score, number in best(m.scores, m.kept(getattr(m, part)), most - len(ranked))
        ]
        several.sort()
        ceiling = ranked[-1][0] * 0.99 if ranked else math.inf
        ranked += [
            (min(-score, ceiling), matches[i].view.part, number) for score, i, number in several[: most - len(ranked)]
        ]
    return ranked


def _read(
    chosen: Sequence[tuple[Part, int]], reading: Callable[[Part, list[int]], Mapping[int, Shown]]
) -> list[Shown]:
    """What is stored of documents, asked for once a part."""
    of_part: dict[int, tuple[Part, list[int]]] = {}
    for part, number in chosen:
        of_part.setdefault(id(part), (part, []))[1].append(number)
    stored = {key: reading(part, numbers) for key, (part, numbers) in of_part.items()}
    return [stored[id(part)][number] for part, number in chosen]


def _respelled(snapshot: Snapshot, plan: Plan, found: Found, query: Query) -> str:
    """The query with every unknown word replaced by the nearest known one, or empty."""
    corrections = []
    views = found.views
    for need, count in zip(plan.needs, found.counts, strict=True):
        if count or not need.required:
            continue
        if len(need.clause.words) == 1:
            unknown = [need]
        else:
            unknown = [
                one
                for one in need.parts
                if one.required
                # “XI-GRID” is an identifier.
                and not plan.text[one.clause.start : one.clause.end].isupper()
                and not any(weights_of(view, one).any() for view in views)
            ]
        for one in unknown:
            word = one.clause.words[0]
            better = snapshot.nearest(fold(word.text), query.visibilities) if is_checked(fold(word.text)) else ""
            if better:
                corrections.append((word.start, word.end, better))
    return respell(plan.text, corrections) if corrections else ""


def suggest(
    snapshot: Snapshot, text: str, visibilities: tuple[str, ...], prefer_language: str, limit: int
) -> list[Hit]:
    """Documents near to a question: those that share its rarer words, above all in their titles."""
    words, growing = question_words(text)
    needs = plan_words(words, prefer_language, growing)
    snapshot.prepare(needs)
    views = snapshot.views(visibilities)
    found = Found(views, _rarest(views, needs))
    language = asked_in(views, needs, prefer_language)
    candidates: list[tuple[float, int, float, Part, int]] = []
    for place, view in enumerate(views):
        scores = found.scores(place) * view.part.columns.factors(language)
        held, shares = found.held(place), found.shares(place)
        candidates += [
            (score, int(held[number]), float(shares[number]), view.part, number)
            for score, number in best(scores, scores > 0, CLOSELY_LOOKED_AT)
        ]
    candidates.sort(key=lambda one: -one[0])
    del candidates[CLOSELY_LOOKED_AT:]
    places = [(part, number) for *_, part, number in candidates]
    heads = _read(places, lambda part, numbers: part.heads(numbers))
    near = [
        Near(score, count, share, head) for (score, count, share, _, _), head in zip(candidates, heads, strict=True)
    ]
    weighed = [(weight, need) for weight, need in zip(found.telling, found.needs, strict=True) if weight]
    chosen = closest(near, Asked(weighed), len(words), limit)
    wanted = Marker(Plan("", tuple(need for _, need in weighed), ()))
    # What a document is about its summary says; texts are read of those that have none.
    silent = [place for _, place in chosen if not heads[place].summary and not heads[place].text]
    texts = dict(
        zip(
            silent,
            _read([places[place] for place in silent], lambda part, numbers: part.shown(numbers)),
            strict=True,
        )
    )
    hits = []
    for score, place in chosen:
        head = heads[place]
        mark = wanted[head.language]
        hits.append(hit_by_summary(head, score, mark) if head.summary else hit(texts.get(place, head), score, mark))
    return hits


def _rarest(views: Sequence[View], needs: Sequence[Need]) -> list[Need]:
    """The needs with the fewest documents, at least one; a word that may still grow is always kept."""
    counted = [(0 if need.prefix else frequency(views, need), i, need) for i, need in enumerate(needs)]
    counted = [one for one in counted if one[0] or one[2].prefix]
    counted.sort(key=lambda one: one[:2])
    return [need for _, _, need in counted[:MOST_QUESTION_NEEDS]]

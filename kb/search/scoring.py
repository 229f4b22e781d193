"""What words weigh in documents: of one word, of many, and how telling each of them is."""

import math
from collections.abc import Sequence

import numpy as np

from kb.search.analysis import Need, Plan
from kb.search.parts import Flags, View, Weights

# Of a synonym of several words so many documents are looked at, the best by its words.
MOST_OF_SYNONYM = 200
# A code of which a document holds all words, but not side by side.
IN_PARTS = 0.3


def weights_of(view: View, need: Need) -> Weights:
    """For every document of a view the best weight of the alternatives of a need, 0 where it holds none of them."""
    part = view.part
    best = np.zeros(len(view.visible), np.float32)
    for way in need.alternatives:
        if len(way.terms) == 1:
            numbers, weights = part.postings(way.terms[0][1])
        else:
            numbers, weights = part.side_by_side(way.terms, MOST_OF_SYNONYM if way.instead else 0)
        if len(numbers):
            best[numbers] = np.maximum(best[numbers], weights * np.float32(way.weight))
    if need.prefix:
        for numbers, weights in part.beginnings(need.prefix):
            best[numbers] = np.maximum(best[numbers], weights)
    if not view.is_whole:
        best *= view.visible
    return best


def rarity(frequencies: Sequence[int], count: int) -> list[float]:
    """What a word weighs that so many of all the documents hold."""
    return [math.log(1 + (max(count - n, 0) + 0.5) / (n + 0.5)) if n else 0.0 for n in frequencies]


def frequency(views: Sequence[View], need: Need) -> int:
    """How many visible documents hold the commonest form of a word, synonyms aside if it is known itself.

    0 for what is only counted by finding it: words side by side, a word that may still grow.
    """
    if need.prefix:
        return 0
    own = [way.terms[0][1] for way in need.alternatives if not way.instead and len(way.terms) == 1]
    others = [way.terms[0][1] for way in need.alternatives if way.instead and len(way.terms) == 1]
    for terms in (own, others):
        most = max((sum(view.frequency(term) for view in views) for term in terms), default=0)
        if most:
            return most
    return 0


def telling(views: Sequence[View], plan: Plan) -> list[float]:
    """How telling each word of a plan is, told without looking for it."""
    counts = [frequency(views, need) for need in plan.needs]
    rarities = rarity(counts, sum(view.count for view in views))
    return [weight * need.telling for weight, need in zip(rarities, plan.needs, strict=True)]


class Found:
    """Needs that were looked for in every view: what each weighs where, how many documents meet it, how telling it is.

    How telling a word is, its commonest form says: names for it in other languages make it no commoner.
    """

    def __init__(self, views: Sequence[View], needs: Sequence[Need]) -> None:
        self.views = views
        self.needs = needs
        self.weights = [[weights_of(view, need) for need in needs] for view in views]
        self.counts = [sum(int(np.count_nonzero(of_view[i])) for of_view in self.weights) for i in range(len(needs))]
        self._weigh()

    def _weigh(self) -> None:
        needs, views = self.needs, self.views
        forms = [count and (frequency(views, need) or count) for need, count in zip(needs, self.counts, strict=True)]
        rarities = rarity(forms, sum(view.count for view in views))
        self.telling = [weight * need.telling for weight, need in zip(rarities, needs, strict=True)]

    def add_parts(self, codes: Sequence[Need]) -> None:
        """Let documents meet the need for a code by all of its words, wherever they stand, for a little."""
        for i, need in enumerate(self.needs):
            if need not in codes:
                continue
            for view, weights in zip(self.views, self.weights, strict=True):
                asked = [part for part in need.parts if part.required] or need.parts
                every = np.minimum.reduce([weights_of(view, part) for part in asked])
                weights[i] = np.maximum(weights[i], every * np.float32(IN_PARTS))
            self.counts[i] = sum(int(np.count_nonzero(weights[i])) for weights in self.weights)
        self._weigh()

    def scores(self, place: int) -> Weights:
        """For every document of a view what the needs weigh in it together."""
        return self._summed(place, range(len(self.needs)), is_share=False)

    def shares(self, place: int, some: Sequence[int] | None = None) -> Weights:
        """For every document of a view how telling the needs are together that it meets.

        :param some: the places of the needs that count; all if None.
        """
        return self._summed(place, range(len(self.needs)) if some is None else some, is_share=True)

    def _summed(self, place: int, some: Sequence[int], *, is_share: bool) -> Weights:
        total = np.zeros(len(self.views[place].visible), np.float32)
        for i in some:
            if self.telling[i]:
                weights = self.weights[place][i]
                total += np.float32(self.telling[i]) * ((weights > 0) if is_share else weights)
        return total

    def held(self, place: int) -> "np.ndarray[tuple[int], np.dtype[np.int16]]":
        """For every document of a view how many of the required needs it meets."""
        total = np.zeros(len(self.views[place].visible), np.int16)
        for need, weights in zip(self.needs, self.weights[place], strict=True):
            if need.required:
                total += weights > 0
        return total


def best(scores: Weights, among: Flags, most: int) -> list[tuple[float, int]]:
    """The documents with the highest scores: (score, number), those with the same score in the order of numbers."""
    numbers = np.flatnonzero(among)
    chosen = scores[numbers]
    if len(chosen) > most > 0:
        last = np.partition(chosen, len(chosen) - most)[len(chosen) - most]
        above = np.flatnonzero(chosen > last)
        level = np.flatnonzero(chosen == last)[: most - len(above)]
        kept = np.concatenate([above, level])
        numbers, chosen = numbers[kept], chosen[kept]
    order = np.lexsort((numbers, -chosen))[:most]
    return [(float(chosen[i]), int(numbers[i])) for i in order]

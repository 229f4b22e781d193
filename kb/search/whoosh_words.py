"""The documents of a snapshot that hold what a query needs, and what many words together weigh in them."""

import math
from collections import Counter
from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field

from kb.search.analysis import Need, Plan
from kb.search.whoosh_reader import View

Found = dict[int, float]
# Where so many documents hold rarer words, a common one only tells these apart.
ENOUGH = 1000


def documents(view: View, need: Need, among: AbstractSet[int] | None = None) -> Found:
    """The visible documents that meet a need, with the best weight of its alternatives in each.

    :param among: visible documents that alone matter; others may be left out or not.
    """
    best: Found = {}
    for alternative in need.alternatives:
        if len(alternative.terms) == 1:
            term = alternative.terms[0][1]
            if among is not None:
                view.add_term_among(best, among, "terms", term, alternative.weight)
            elif not best:
                best = view.with_term("terms", term, alternative.weight)
            else:
                view.add_term(best, "terms", term, alternative.weight)
        else:
            side_by_side = view.segment.synonym if alternative.instead else view.segment.phrase
            found = side_by_side(alternative.terms, view.visible)
            if alternative.weight != 1.0:
                found = {number: weight * alternative.weight for number, weight in found.items()}
            _merge(best, found)
    if need.prefix:
        for word in view.segment.beginning_with(need.prefix):
            view.add_term(best, "words", word)
    return best


def _merge(best: Found, more: Found) -> None:
    if not best:
        best.update(more)
        return
    for number, weight in more.items():
        if weight > best.get(number, 0.0):
            best[number] = weight


def rarity(frequencies: Sequence[int], count: int) -> list[float]:
    """What a word weighs that so many of all the documents hold."""
    return [math.log(1 + (count - n + 0.5) / (n + 0.5)) if n else 0.0 for n in frequencies]


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
    """How telling each word of a plan is."""
    counts = [frequency(views, need) for need in plan.needs]
    rarities = rarity(counts, sum(view.count for view in views))
    return [weight * need.telling for weight, need in zip(rarities, plan.needs, strict=True)]


@dataclass(slots=True)
class Held:
    """What documents hold of what was asked: the weights there together, those of the words, how many words."""

    scores: Found = field(default_factory=dict)
    shares: Found = field(default_factory=dict)
    words: Counter[int] = field(default_factory=Counter)


class Asked:
    """Many words that are looked for at once, none of which a document must hold."""

    def __init__(self, views: Sequence[View], needs: Sequence[Need]) -> None:
        self.views = views
        self.needs = needs
        # Words side by side and beginnings are counted by finding them; another word is counted by its commonest form.
        self._found: dict[int, list[Found]] = {}
        self.frequencies: list[int] = []
        for i, need in enumerate(needs):
            count = frequency(views, need)
            if not count:
                self._found[i] = [documents(view, need) for view in views]
                count = sum(map(len, self._found[i]))
            self.frequencies.append(count)
        rarities = rarity(self.frequencies, sum(view.count for view in views))
        self.weights = [weight * need.telling for weight, need in zip(rarities, needs, strict=True)]

    def held(self, place: int) -> Held:
        """What the documents of one view hold, the rarest words looked for first."""
        view = self.views[place]
        held = Held()
        scores, shares = held.scores, held.shares
        known, shared = scores.get, shares.get
        for i in sorted(range(len(self.needs)), key=lambda i: self.frequencies[i]):
            weight = self.weights[i]
            if not weight:
                continue
            among = None if len(scores) < ENOUGH else scores.keys()
            of_need = self._found[i][place] if i in self._found else documents(view, self.needs[i], among)
            numbers = of_need.keys() if among is None else of_need.keys() & among
            for n in numbers:
                scores[n] = known(n, 0.0) + weight * of_need[n]
                shares[n] = shared(n, 0.0) + weight
            if self.needs[i].required:
                held.words.update(numbers)
        return held

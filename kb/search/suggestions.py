"""Which documents are near enough to a question to be put in front of somebody who is typing it."""

from collections.abc import Sequence
from dataclasses import dataclass

from core.words import base_language
from kb.search.analysis import Need, terms_in
from kb.search.hits import Shown

# Of the words of a question, the rarest are looked for; of what is found, so many are compared by their titles.
MOST_QUESTION_NEEDS = 12
CLOSELY_LOOKED_AT = 20

_TITLE_COUNTS = 2.0
# A document is offered when it holds this share of what the words weigh, or of that in its title.
_LEAST_SHARE = 0.4
_LEAST_IN_TITLE = 0.2
# … and when its score is not far behind the best.
_LEAST_OF_BEST = 0.3
# One word out of so many is chance.
_LONG_QUESTION = 5


@dataclass(frozen=True, slots=True)
class Near:
    """A document that shares words with a question: its score, how many words, what they weigh together."""

    score: float
    words: int
    weight: float
    head: Shown


class Asked:
    """The words of a question that are looked for: what each weighs, and the terms that meet it."""

    def __init__(self, needs: Sequence[tuple[float, Need]]) -> None:
        self.every = sum(weight for weight, _ in needs) or 1.0
        self._words = [(weight, *_terms(need)) for weight, need in needs]

    def in_title(self, shown: Shown) -> float:
        """The share of what all words weigh that those in the title do."""
        terms = terms_in(shown.title, base_language(shown.language)).keys()
        return (
            sum(
                weight
                for weight, single, several in self._words
                if not single.isdisjoint(terms) or any(each <= terms for each in several)
            )
            / self.every
        )


def _terms(need: Need) -> tuple[frozenset[str], list[frozenset[str]]]:
    """The terms that meet a need alone, and those that do together."""
    ways = [frozenset(term for _, term in way.terms) for way in need.alternatives]
    return frozenset[str]().union(*(way for way in ways if len(way) == 1)), [way for way in ways if len(way) > 1]


def closest(near: Sequence[Near], asked: Asked, words: int, limit: int) -> list[tuple[float, int]]:
    """The best of the documents found, re-ranked by their titles: the score of each and its place in `near`.

    `words` is how many words the question has, known or not.
    """
    ranked: list[tuple[float, int]] = []
    for place, one in enumerate(near):
        if one.words < 2 and words >= _LONG_QUESTION:
            continue
        in_title = asked.in_title(one.head)
        if one.weight >= _LEAST_SHARE * asked.every or in_title >= _LEAST_IN_TITLE:
            ranked.append((one.score * (1 + _TITLE_COUNTS * in_title), place))
    ranked.sort(key=lambda pair: -pair[0])
    least = ranked[0][0] * _LEAST_OF_BEST if ranked else 0.0
    return [(score, place) for score, place in ranked[:limit] if score >= least]

"""Which documents are near enough to a question to be put in front of somebody who is typing it."""

from collections.abc import Sequence
from dataclasses import dataclass

from core.words import base_language
from kb.search.analysis import Need, Plan, terms_in
from kb.search.hits import Marker, Shown, hit
from kb.search.protocol import Hit

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
    shown: Shown


def closest(near: Sequence[Near], asked: Sequence[tuple[float, Need]], words: int, limit: int) -> list[Hit]:
    """The best of the documents found, re-ranked by their titles.

    `asked` holds the weight of each word that was looked for and what it needs; `words` is how many words the
    question has, known or not.
    """
    every = sum(weight for weight, _ in asked) or 1.0
    ranked: list[tuple[float, Shown]] = []
    for one in near:
        in_title = _title_weight(one.shown, asked) / every
        if one.words < 2 and words >= _LONG_QUESTION:
            continue
        if one.weight >= _LEAST_SHARE * every or in_title >= _LEAST_IN_TITLE:
            ranked.append((one.score * (1 + _TITLE_COUNTS * in_title), one.shown))
    ranked.sort(key=lambda pair: -pair[0])
    marker = Marker(Plan("", tuple(need for _, need in asked), ()))
    least = ranked[0][0] * _LEAST_OF_BEST if ranked else 0.0
    return [hit(shown, score, marker[shown.language]) for score, shown in ranked[:limit] if score >= least]


def _title_weight(shown: Shown, asked: Sequence[tuple[float, Need]]) -> float:
    terms = terms_in(shown.title, base_language(shown.language))
    return sum(
        weight for weight, need in asked if any(all(term in terms for _, term in a.terms) for a in need.alternatives)
    )

"""Several posting lists taken together."""

from collections.abc import Sequence

import numpy as np

from kb.search.parts import NOTHING, Postings

# Weights are kept in sixteenths.
UNIT = 16
LEAST_WEIGHT = np.float32(1 / UNIT)
# Words side by side say more than the weakest of them alone.
PHRASE_WEIGHT = np.float32(1.2)


def holding_all(lists: Sequence[Postings]) -> Postings:
    """The documents that are in all of the lists, with the least weight that they have in any."""
    shortest, *others = sorted(lists, key=lambda one: len(one[0]))
    numbers, weights = shortest
    for other_numbers, other_weights in others:
        if not len(numbers) or not len(other_numbers):
            return NOTHING
        places = np.minimum(np.searchsorted(other_numbers, numbers), len(other_numbers) - 1)
        both = other_numbers[places] == numbers
        weights = np.minimum(weights[both], other_weights[places[both]])
        numbers = numbers[both]
    return numbers, weights


def kept_most(postings: Postings, most: int) -> Postings:
    """Of more than `most` documents those with the highest weights, in the order of their numbers; 0 keeps all."""
    numbers, weights = postings
    if not most or len(numbers) <= most:
        return postings
    kept = np.sort(np.lexsort((numbers, -weights))[:most])
    return numbers[kept], weights[kept]

"""Did you mean: the word that a misspelled one was probably meant to be."""

from collections.abc import Iterable, Mapping

SHORTEST = 4
MOST_CANDIDATES = 40


def is_checked(word: str) -> bool:
    """Whether a folded word may be misspelled: long enough and all letters (codes and numbers are taken as is)."""
    return SHORTEST <= len(word) <= 30 and word.isalpha()


def most_edits(word: str) -> int:
    """How many letters may differ: one in short words, two in words of six letters or more."""
    return 1 if len(word) < 6 else 2


def letters(word: str) -> int:
    """Which letters a folded word holds, as bits: a to z, and one for all others. For a first quick comparison."""
    bits = 0
    for letter in word:
        number = ord(letter) - 97
        bits |= 1 << (number if 0 <= number < 26 else 26)
    return bits


def nearest(word: str, candidates: Iterable[str]) -> list[tuple[int, str]]:
    """The candidates (folded, near in length and letters) within reach, nearest first: (edits, candidate)."""
    most = most_edits(word)
    found = []
    for candidate in candidates:
        edits = distance(word, candidate, most)
        if 0 < edits <= most:
            found.append((edits, candidate))
    found.sort(key=lambda pair: (pair[0], pair[1][:1] != word[:1], pair[1]))
    return found[:MOST_CANDIDATES]


def nearest_counted(word: str, counts: Mapping[str, int]) -> str:
    """The candidate that is nearest to a word, begins as it does and stands in most documents; "" if there is none.

    :param counts: how many documents hold each candidate; what none holds does not count.
    """
    near = nearest(word, [other for other, count in counts.items() if count])
    return min(near, key=lambda pair: (pair[0], pair[1][0] != word[0], -counts[pair[1]]))[1] if near else ""


def distance(a: str, b: str, most: int) -> int:
    """Letters to insert, leave out, replace or swap with a neighbour to get from one word to the other.

    Gives `most + 1` as soon as it is known to be more than `most`.
    """
    if abs(len(a) - len(b)) > most:
        return most + 1
    before: list[int] = []
    above = list(range(len(b) + 1))
    for i, letter in enumerate(a, 1):
        row = [i]
        for j, other in enumerate(b, 1):
            cost = min(above[j] + 1, row[j - 1] + 1, above[j - 1] + (letter != other))
            if i > 1 and j > 1 and letter == b[j - 2] and a[i - 2] == other:
                cost = min(cost, before[j - 2] + 1)
            row.append(cost)
        if min(row) > most:
            return most + 1
        before, above = above, row
    return above[-1]


def respell(text: str, corrections: Iterable[tuple[int, int, str]]) -> str:
    """A query with some of its words replaced: start and end in the text, and the word to put there."""
    pieces: list[str] = []
    at = 0
    for start, end, word in sorted(corrections):
        pieces += (text[at:start], word)
        at = end
    return " ".join("".join((*pieces, text[at:])).split())

"""The words of published pages as a script that a page can load from a disk: small, with the telling words alone."""

import json
import math
import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Sequence

MOST_WORDS = 55
SUMMARY = 140
_WORD = re.compile(r"[^\W_]{2,40}")
_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"

#: Title, address, summary and text of a page.
Page = tuple[str, str, str, str]


def script(pages: Sequence[Page]) -> str:
    """The index of pages as a script that sets ``KB_INDEX``.

    ``words`` maps each word to the pages that it tells of: gaps between their numbers, and weights, in base 36.
    """
    counted = [_weights(page) for page in pages]
    found_in = Counter(word for weights in counted for word in weights)
    postings: dict[str, list[tuple[int, int]]] = defaultdict(list)
    for number, weights in enumerate(counted):
        telling = {word: weight * math.log(1 + len(pages) / found_in[word]) for word, weight in weights.items()}
        for word in sorted(telling, key=lambda word: (-telling[word], word))[:MOST_WORDS]:
            postings[word].append((number, min(round(weights[word]), 35)))
    words = {word: _coded(postings[word]) for word in sorted(postings)}
    shown = [
        [title, address, (summary or " ".join(text[:400].split()))[:SUMMARY]]
        for title, address, summary, text in pages
    ]
    data = json.dumps({"pages": shown, "words": words}, ensure_ascii=False, separators=(",", ":"))
    # A file of its own is never part of a page, but may be pasted into one.
    return f"window.KB_INDEX={data.replace('<', chr(92) + 'u003c')};\n"


def _weights(page: Page) -> dict[str, float]:
    title, _address, summary, text = page
    weights: dict[str, float] = defaultdict(float)
    for word, count in Counter(_words(text)).items():
        weights[word] += 1 + math.log(count) * 2
    for word in set(_words(summary)):
        weights[word] += 3
    for word in set(_words(title)):
        weights[word] += 10
    return weights


def _words(text: str) -> list[str]:
    plain = "".join(char for char in unicodedata.normalize("NFD", text.lower()) if not unicodedata.combining(char))
    return _WORD.findall(plain)


def _coded(postings: list[tuple[int, int]]) -> str:
    parts, last = [], 0
    for number, weight in postings:
        parts.append(_base36(number - last) + (f".{_base36(weight)}" if weight > 1 else ""))
        last = number
    return " ".join(parts)


def _base36(number: int) -> str:
    digits = ""
    while True:
        number, rest = divmod(number, 36)
        digits = _DIGITS[rest] + digits
        if not number:
            return digits

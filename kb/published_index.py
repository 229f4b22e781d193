"""The words of published pages as scripts that a page can load from a disk: small, with the telling words alone."""

import json
import math
import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Sequence
from typing import Any

MOST_WORDS = 55
SUMMARY = 140
# Of a part of the index in bytes, about; and how many summaries stand together.
PART = 8_000
TOGETHER = 50
_WORD = re.compile(r"[^\W_]{2,40}")
_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"

#: Title, address, summary and text of a page.
Page = tuple[str, str, str, str]


def scripts(pages: Sequence[Page]) -> dict[str, str]:
    """The index of pages as scripts, by what comes behind the name of the first one, which is "".

    The first one has the titles and addresses of pages, and with which words the parts of the index begin; each part
    (``-w0``) maps each of its words to the pages that it tells of: gaps between their numbers, and weights, in base
    36. Summaries stand in parts of their own (``-p0``). So a search loads what it needs alone, on a slow line too.
    """
    counted = [_weights(page) for page in pages]
    found_in = Counter(word for weights in counted for word in weights)
    postings: dict[str, list[tuple[int, int]]] = defaultdict(list)
    for number, weights in enumerate(counted):
        telling = {word: weight * math.log(1 + len(pages) / found_in[word]) for word, weight in weights.items()}
        for word in sorted(telling, key=lambda word: (-telling[word], word))[:MOST_WORDS]:
            postings[word].append((number, min(round(weights[word]), 35)))
    parts: list[dict[str, str]] = []
    size = PART
    # As JavaScript compares texts: by their units of 16 bits.
    for word in sorted(postings, key=lambda word: word.encode("utf-16-be")):
        if size >= PART:
            parts.append({})
            size = 0
        parts[-1][word] = _coded(postings[word])
        size += len(word.encode()) + len(parts[-1][word]) + 6
    summaries = [(summary or " ".join(text[:400].split()))[:SUMMARY] for _title, _address, summary, text in pages]
    first = {
        "pages": [[title, address] for title, address, _summary, _text in pages],
        "begins": [next(iter(part)) for part in parts], "together": TOGETHER,
    }  # fmt: skip
    found = {"": _script("first", 0, first)}
    for number, part in enumerate(parts):
        found[f"-w{number}"] = _script("words", number, part)
    for number in range(0, len(summaries), TOGETHER):
        place = number // TOGETHER
        found[f"-p{place}"] = _script("summaries", place, summaries[number : number + TOGETHER])
    return found


def _script(what: str, number: int, data: Any) -> str:
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"))
    # A file of its own is never part of a page, but may be pasted into one.
    text = text.replace("<", chr(92) + "u003c")
    return f'(window.KB_INDEX=window.KB_INDEX||[]).push(["{what}",{number},{text}]);\n'


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

"""Two hundred queries made to hurt: each is answered within half a second, and memory stays flat.

Every tenth of them usually; all with FAULTS=full."""

import os
import random
import resource
import time

import pytest

from kb.search import Query, synonyms
from tests.kb.search.library import EVERYBODY, document

WORDS = [
    "contract",
    "tender",
    "supplier",
    "buyer",
    "award",
    "release",
    "licitación",
    "proveedor",
    "fournisseur",
    "marché",
    "ocid",
    "amendment",
]
LONGEST_SECONDS = 0.5
MOST_GROWTH_KB = 60_000


def hostile() -> list[str]:
    """Prefix bombs, nesting, brackets, wildcards, phrases, exclusions, synonyms in heaps: the same each time."""
    chance = random.Random(200)
    letters = "abcdefghijklmnopqrstuvwxyz"
    made: list[str] = []
    for n in range(20):
        word = chance.choice(WORDS)
        made += [
            "(" * (500 * n) + word + ")" * (500 * n),
            " ".join(f"{letter}*" for letter in letters * 20),
            " ".join(chance.choice(letters) for _ in range(1000)),
            f'"{" ".join(chance.choices(WORDS, k=250))}"',
            " ".join(f"-{chance.choice(WORDS)}" for _ in range(300)) + f" {word}",
            " ".join(chance.choices(WORDS, k=400)),
            "/".join(chance.choices(WORDS, k=300)),
            '"' + '" "'.join(f"{a} {b}" for a in WORDS for b in WORDS) + '"',
            "".join(chance.choice("ab\u0301*?~^\"'\\()[]{}:/&|!<>- \0\u202e") for _ in range(3000)),
            " ".join(f"{word}{chance.randrange(10**6)}" for _ in range(300)) + " " + word[:2],
        ]
    return made


@pytest.fixture
def library(index):
    chance = random.Random(7)
    synonyms.use(synonyms.shipped(), "shipped")
    index.rebuild(
        document(n, f"About {chance.choice(WORDS)} {n}", " ".join(chance.choices(WORDS, k=120)) + f" word{n % 97}")
        for n in range(150)
    )
    return index


def test_two_hundred_hostile_queries_are_answered_soon_in_flat_memory(library):
    queries = hostile()
    assert len(queries) == 200
    if os.environ.get("FAULTS") != "full":
        chosen = random.Random(3).sample(range(200), 20)
        queries = [queries[n] for n in chosen]
    slow: list[tuple[float, str]] = []

    def ask(text: str) -> None:
        for prefix_last in (False, True):
            begin = time.process_time()
            library.search(
                Query(
                    text=text, visibilities=EVERYBODY, prefer_language="es", prefix_last=prefix_last, with_reasons=True
                )
            )
            slow.append((time.process_time() - begin, text[:60]))
        begin = time.process_time()
        library.suggest(text, visibilities=EVERYBODY)
        slow.append((time.process_time() - begin, text[:60]))

    for text in queries[:20]:
        ask(text)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for text in queries:
        ask(text)
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert max(slow)[0] < LONGEST_SECONDS, max(slow)
    assert grown < MOST_GROWTH_KB

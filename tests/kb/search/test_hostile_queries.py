"""Whatever is typed, a search answers, and soon."""

import time

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kb.search import Query
from tests.kb.search.library import EVERYBODY, LIBRARY, found

HOSTILE = {
    "10 kB of brackets": "(" * 10_000,
    "brackets in pairs": "[{(" * 3000 + ")}]" * 3000,
    "5,000 terms": " ".join(f"word{n}" for n in range(5000)),
    "one term 5,000 times": "contract " * 5000,
    "leading wildcards": "*tract ?ontract *a*b*c* ***",
    "regular expression": r"(a+)+$ .* [a-z]{1,9999} \1 /contract/",
    "NULs": "con\0tract \0\0 \x01\x02",
    "unbalanced quotes": '"open "" contract "',
    "only quotes": '"' * 999,
    "minus signs": "- -- --- -- -contract --contract",
    "operators": "AND OR NOT NEAR/3 contract AND NOT (open OR",
    "fields": "title:contract visibility:staff id:article:7 {public internal} : x ^ contract^999",
    "ranges": "[a TO z] {1 TO 9} contract~5 date:[* TO *]",
    "SQL": "'; DROP TABLE search_document; -- contract",
    "tsquery": "contract & !award | <-> :* 'x':A \\",
    "percent": "100% contract %_ :name %(name)s {0}",
    "lone surrogates": "\ud800 contract \udfff",
    "right to left": "\u202econtract\u202c عقد",
    "emoji": "🦓🐟 contract 👩‍👩‍👧",
    "Chinese": "合同 公开 招标 contract",
    "one long word": "a" * 100_000,
    "one long path": "a/" * 50_000,
    "one long camel": "aB" * 50_000,
    "combining marks": "e" + "\u0301" * 5000,
    "prefix of everything": "a e i o u c t",
    "newlines": "contract\r\n\r\nSubject: x\n.\n",
    "empty": "",
    "spaces": "   \t \n ",
}


@pytest.fixture
def library(index):
    index.rebuild(LIBRARY)
    return index


@pytest.mark.parametrize("typed", HOSTILE.values(), ids=HOSTILE.keys())
def test_a_hostile_query_is_answered_soon(library, typed):
    start = time.perf_counter()
    for prefix_last in (False, True):
        library.search(Query(text=typed, prefix_last=prefix_last, prefer_language="es"))
    library.suggest(typed, visibilities=EVERYBODY)
    # Far more than it takes, far less than a stall.
    assert time.perf_counter() - start < 3


@pytest.mark.parametrize(
    "typed", ["*contract*", "(contract", "contract)", "[contract]", "contract~", "+contract", "contract:"]
)
def test_punctuation_around_a_word_is_only_text(library, typed):
    assert found(library, typed)[0] == "article:1"


def test_a_query_that_is_too_long_is_cut_and_says_so(library):
    results = library.search(Query(text="amendments " + "x" * 2600))
    assert "2,000 characters" in results.refused
    results = library.search(Query(text="amendments " + " ".join(f"w{n}" for n in range(60))))
    assert "32 most telling words" in results.refused
    assert results.hits[0].id == "article:1"


def test_the_telling_words_of_a_long_text_are_looked_for_wherever_they_stand(library):
    """As when somebody pastes a whole abstract: what it is about may come last."""
    chatter = " ".join(f"w{n}" for n in range(100))
    assert found(library, f"{chatter} amendments")[0] == "article:1"


def test_odd_filters_find_nothing_and_raise_nothing(library):
    odd = ("'; --", "\\", "%", "a\u0301")
    assert found(library, "contract", kinds=odd) == []
    assert found(library, "contract", topics=odd, countries=odd, languages=odd) == []
    assert found(library, "contract", prefer_language="'; --") != []
    assert found(library, "contract", limit=0) == []


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(typed=st.text(max_size=60) | st.text(alphabet="ab \"-*()\\'/:&|!<>~^\0é", max_size=60))
def test_any_text_can_be_searched(library, typed):
    library.search(Query(text=typed, prefix_last=True))
    library.suggest(typed, visibilities=EVERYBODY)

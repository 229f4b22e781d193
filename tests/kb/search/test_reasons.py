"""Why a document was found is told when asked, and only of what the document holds."""

import pytest

from kb.search import Query, synonyms
from tests.kb.search.library import LIBRARY

GROUPS = ((("en", "amendment"), ("es", "modificación"), ("en", "variation")),)


@pytest.fixture
def library(index):
    index.rebuild(LIBRARY)
    return index


def reasons(library, text, **more):
    hits = library.search(Query(text=text, with_reasons=True, **more)).hits
    return {hit.id: {reason.typed: reason for reason in hit.reasons} for hit in hits}, hits


def test_nothing_is_told_when_nobody_asks(library):
    assert all(not hit.reasons for hit in library.search(Query(text="contract amendments")).hits)


def test_each_word_is_told_with_its_places_as_it_was_typed(library):
    told, hits = reasons(library, "Contracts of the amendments")
    first = told[hits[0].id]
    assert set(first) == {"Contracts", "amendments"}
    assert "title" in first["amendments"].places
    assert first["amendments"].instead == ""


def test_a_beginning_is_told_with_the_word_that_begins_so(library):
    told, hits = reasons(library, "amendm", prefix_last=True)
    assert told[hits[0].id]["amendm"].instead.startswith("amendm")


def test_a_synonym_and_a_word_of_another_language_are_told_as_such(library):
    synonyms.use(GROUPS, "reasons")
    told, hits = reasons(library, "variation")
    assert told[hits[0].id]["variation"].instead == "amendment"
    assert not hits[0].is_across
    told, hits = reasons(library, "modificación", languages=("en",), prefer_language="es")
    assert told[hits[0].id]["modificación"].instead == "amendment"
    assert hits[0].is_across

"""Other words for the same thing, in one language and across languages, on both backends."""

import pytest

from core.words import scan
from kb.search import Query, synonyms
from tests.kb.search.library import document, marked
from tests.kb.search.library import found as ids

ENGLISH = document(1, "Which suppliers won", "The suppliers of each contract are listed with their identifiers.")
SPANISH = document(
    2, "Qué proveedores ganaron", "Los proveedores de cada contrato, con sus identificadores.", language="es"
)
ORDERS = document(3, "Call-offs", "Each purchase order under the framework is a contract.")
OTHER = document(4, "Licences", "Choose an open licence.")


def found(index, text, **rest):
    return [int(each.partition(":")[2]) for each in ids(index, text, **rest)]


@pytest.fixture
def library(index):
    synonyms.use(synonyms.shipped(), "shipped")
    index.rebuild([ENGLISH, SPANISH, ORDERS, OTHER])
    return index


@pytest.fixture
def others():
    synonyms.use(synonyms.shipped(), "shipped")

    def ask(text):
        found = synonyms.current().others(scan(text)[0])
        return {place: {other.text for other in ways} for place, ways in found.items()}

    return ask


def test_the_shipped_list_is_whole():
    groups = synonyms.shipped()
    assert len(groups) >= 150
    for group in groups:
        assert {"en", "es", "fr"} <= {language for language, _text in group}, group
        assert all(1 <= len(text.split()) <= 6 for _language, text in group)
    assert len(set(groups)) == len(groups)


def test_a_spanish_question_finds_the_english_page_below_an_equal_spanish_one(library):
    assert found(library, "proveedores", prefer_language="es") == [2, 1]
    assert found(library, "fournisseurs", prefer_language="fr")[:2] in ([1, 2], [2, 1])
    assert found(library, "supplier", prefer_language="en") == [1, 2]


def test_what_is_found_by_another_word_is_marked(library):
    hits = library.search(Query(text="fournisseur")).hits
    english = next(hit for hit in hits if hit.id == "article:1")
    assert marked(english.title_marked) == ["suppliers"]


def test_words_that_mean_something_together_are_known_together(library, others):
    assert found(library, "orden de compra")[0] == 3
    assert "purchase order" in others("¿Una orden de compra?")[1]
    assert "purchase order" in others("órdenes de compra")[0], "whatever the number"
    assert "procurement" not in others("orden de compra")[2], "the longer one counts"


def test_quoted_words_mean_themselves(library):
    assert found(library, '"los proveedores"') == [2]


def test_own_groups_take_effect_at_once(library):
    assert found(library, "zorblatt") == []
    synonyms.use([*synonyms.shipped(), (("en", "zorblatt"), ("en", "licence"))], "own")
    assert found(library, "zorblatt") == [4]


def test_an_odd_group_harms_nobody():
    odd = [
        (),
        (("en", ""),),
        (("en", "the of"), ("es", "de la")),
        (("zz", "x" * 500), ("en", "one two three four five six")),
        (("en", "a | b"),),
    ]
    synonyms.use(odd, "odd")
    assert synonyms.current().others(scan("the of de la one two three")[0]) == {}


def test_a_question_of_many_words_finds_what_holds_the_telling_ones(index):
    index.rebuild([ENGLISH, SPANISH, ORDERS, OTHER])
    question = (
        "we would like to know please if each order that our ministry makes under a framework needs its own entry"
    )
    assert found(index, question)[0] == 3


def test_a_name_of_several_words_is_marked_where_these_stand_together(index):
    synonyms.use(synonyms.shipped(), "shipped")
    together = document(1, "Calls", "The call for tenders is published.")
    apart = document(2, "Calls", "We call you about a licitación.")
    index.rebuild([together, apart])
    marks = {hit.id: marked(hit.snippet) for hit in index.search(Query(text="licitación")).hits}
    assert marks["article:1"][0] == "call"
    assert marks["article:2"] == ["licitación"]


def test_function_words_of_a_question_are_not_marked(index):
    index.rebuild([document(1, "Prefixes", "We publish a list of all of the prefixes.")])
    (hit,) = index.search(Query(text="how do we get a list of prefixes")).hits
    assert set(marked(hit.snippet)) == {"list", "prefixes"}

"""Nothing that a person may not see shows in hits, totals, facets, spelling or suggestions."""

import pytest

from kb.search import Query
from tests.kb.search.library import EVERYBODY, LIBRARY, STAFF, STAFF_SEE, document

SECRETS = ("zebrafish", "Zebrafish handling", "escalation", '"zebrafish tickets"')
# Near to, or the beginning of, words that only staff documents hold.
NEAR_SECRETS = ("zebrafsh", "zebrafis", "zebrafihs", "escaltion", "platipus", "zebrafish tiket")


@pytest.fixture
def library(index):
    index.rebuild(LIBRARY)
    return index


def nothing_of(results) -> bool:
    shown = [hit.id for hit in results.hits]
    return not shown and not results.total and not any(results.facets.values()) and not results.suggestion


@pytest.mark.parametrize("typed", SECRETS + NEAR_SECRETS)
@pytest.mark.parametrize("prefix_last", [False, True])
def test_a_stranger_learns_nothing_of_words_that_only_staff_documents_hold(library, typed, prefix_last):
    assert nothing_of(library.search(Query(text=typed, visibilities=EVERYBODY, prefix_last=prefix_last)))
    assert library.suggest(typed, visibilities=EVERYBODY) == []


def test_staff_find_and_spell_them(library):
    results = library.search(Query(text="zebrafsh", visibilities=STAFF_SEE))
    assert results.suggestion == "zebrafish"
    assert [hit.id for hit in library.search(Query(text="zebraf", visibilities=STAFF_SEE, prefix_last=True)).hits] == [
        STAFF.id
    ]
    assert [hit.id for hit in library.suggest("zebrafish", visibilities=STAFF_SEE)] == [STAFF.id]


def test_champions_see_theirs_and_not_those_of_staff(library):
    see = ("public", "champions")
    assert [hit.id for hit in library.search(Query(text="platypus", visibilities=see)).hits] == ["article:6"]
    assert library.search(Query(text="platipus", visibilities=see)).suggestion == "platypus"
    assert nothing_of(library.search(Query(text="zebrafish", visibilities=see)))


def test_somebody_who_may_see_nothing_finds_nothing(library):
    assert nothing_of(library.search(Query(text="amendments", visibilities=())))
    assert nothing_of(library.search(Query(text="amendemnts", visibilities=())))
    assert library.suggest("amendments", visibilities=()) == []


def test_totals_and_facets_count_visible_documents_only(library):
    public = library.search(Query(text="contract", visibilities=EVERYBODY))
    everything = library.search(Query(text="contract", visibilities=STAFF_SEE))
    assert everything.total == public.total + 1
    assert "desk" not in public.facets["topic"]
    assert everything.facets["topic"]["desk"] == 1


def test_hidden_documents_do_not_move_the_scores_of_visible_ones(index):
    visible = [document(1, "Otter habits", "River otter"), document(2, "Badger habits", "Forest badger")]
    query = Query(text="otter habits river", visibilities=EVERYBODY)
    index.rebuild(visible)
    before = [(hit.id, hit.score) for hit in index.search(query).hits]
    index.rebuild([*visible, *(document(10 + n, "Otter habits", "River", visibility="staff") for n in range(30))])
    after = [(hit.id, hit.score) for hit in index.search(query).hits]
    assert after == before


def test_a_document_that_becomes_secret_takes_its_words_along(library):
    library.apply([document(8, "Narwhal guide", "narwhal")], [])
    assert library.search(Query(text="narwal")).suggestion == "narwhal"
    library.apply([document(8, "Narwhal guide", "narwhal", visibility="staff")], [])
    for typed in ("narwhal", "narwal", "narw"):
        assert nothing_of(library.search(Query(text=typed, prefix_last=True)))
    assert library.suggest("narwhal", visibilities=EVERYBODY) == []
    library.apply([], ["article:8"])
    assert nothing_of(library.search(Query(text="narwal", visibilities=STAFF_SEE)))


def test_leaving_out_a_secret_word_hides_no_visible_document(library):
    with_it = library.search(Query(text="contract -zebrafish"))
    assert with_it.total == library.search(Query(text="contract")).total

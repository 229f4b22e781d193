"""The count beside a filter is what is left when it is chosen."""

from kb.search import Query
from tests.kb.search.library import document, many

ENGLISH = many(6, "A framework agreement", "A framework and an agreement.")
SPANISH = [
    document(21, "Un framework agreement", "Framework agreement.", language="es", topic="lots"),
    document(22, "Un framework", "Framework.", language="es", topic="lots"),
    document(23, "Un agreement", "Agreement.", language="es", topic="lots"),
]
FRENCH = [document(31, "Framework", language="fr"), document(32, "Agreement", language="fr", topic="lots")]


def counted(index, facet: str, **filters) -> dict[str, int]:
    """What the count beside each value of a facet says, and what is left of it when it is chosen."""
    asked = {"text": "framework agreement", "limit": 50, **filters}
    counts = dict(index.search(Query(**asked)).facets[facet])
    for value, count in counts.items():
        results = index.search(Query(**asked | {f"{facet}s": (value,)}))
        assert (results.total, len(results.hits)) == (count, count), (value, filters)
    return counts


def test_each_count_is_what_its_filter_leaves(index):
    index.rebuild([*ENGLISH, *SPANISH, *FRENCH])
    assert counted(index, "language") == {"en": 6, "es": 1}
    assert counted(index, "topic") == {"lots": 1}
    assert counted(index, "language", topics=("lots",)) == {"es": 1}


def test_filters_that_leave_nothing_with_all_words_leave_what_has_some(index):
    index.rebuild([*ENGLISH, *SPANISH, *FRENCH])
    results = index.search(Query(text="framework agreement", languages=("fr",), limit=50))
    assert {hit.id for hit in results.hits} == {"article:31", "article:32"}
    # What the other languages have is as it is without this filter.
    assert counted(index, "language", languages=("fr",)) == {"en": 6, "es": 1, "fr": 2}
    assert counted(index, "topic", languages=("fr",)) == {"lots": 1}


def test_where_few_have_all_words_those_with_some_count_too(index):
    index.rebuild([*SPANISH, *FRENCH])
    assert counted(index, "language") == {"es": 3, "fr": 2}
    assert counted(index, "topic") == {"lots": 4}

"""Counts by kind, topic, language and country beside the results."""

from collections import Counter

from kb.search.protocol import Query

# How many documents match the words, by (kind, topic, language, country), before any filter.
Cube = Counter[tuple[str, str, str, str]]

_SHOWN = ("kind", "topic", "language", "country")


def count_facets(cube: Cube, query: Query) -> dict[str, dict[str, int]]:
    """Counts for each facet with every filter but its own, most frequent value first, without the value ""."""
    filters = (query.kinds, query.topics, query.languages, query.countries)
    counts: dict[str, Counter[str]] = {name: Counter() for name in _SHOWN}
    for key, count in cube.items():
        failing = [
            i for i, (value, wanted) in enumerate(zip(key, filters, strict=True)) if wanted and value not in wanted
        ]
        for i, name in enumerate(_SHOWN):
            if key[i] and failing in ([], [i]):
                counts[name][key[i]] += count
    return {name: dict(counter.most_common()) for name, counter in counts.items()}

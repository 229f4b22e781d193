"""Documents as rows of the PostgreSQL index: everything that can be worked out before writing, in plain values."""

from itertools import islice
from typing import Any

from core.tsvector import vector
from kb.search.analysis import HEADINGS, SUMMARY, TAGS, TEXT, TITLE, Analysed, analyse, texts
from kb.search.protocol import Document
from kb.search.weighing import UNIT

_LETTERS = {TITLE: "A", HEADINGS: "B", TAGS: "B", SUMMARY: "C", TEXT: "D"}
# The type holds at most a megabyte, so the longest documents keep the terms that come first.
_MOST_TERMS = 20_000


def row(document: Document) -> dict[str, Any]:
    """Analyse a document."""
    analysed = analyse(document)
    title, summary, _, _, body = texts(document)
    return {
        "id": document.id,
        "kind": document.kind,
        "topic": document.topic,
        "country": document.country,
        "language": document.language,
        "visibility": document.visibility,
        "url": document.url,
        "title": title,
        "summary": summary,
        "body": body,
        "updated": document.updated.isoformat(),
        "boost": document.boost,
        "words": list(analysed.words),
        "terms": list(analysed.words.values()),
        # Sixteenths: what each of these terms weighs in the document, as the other backend has it.
        "weights": [min(int(analysed.weights[term] * UNIT), 32_767) for term in analysed.words.values()],
        "head": _vector(analysed, (TITLE, SUMMARY, HEADINGS, TAGS)),
        "tsv": _vector(analysed, (TITLE, SUMMARY, HEADINGS, TAGS, TEXT)),
    }


def _vector(analysed: Analysed, fields: tuple[int, ...]) -> str:
    found = {
        term: [((place >> 3) + 1, _LETTERS[place & 7]) for place in places if place & 7 in fields]
        for term, places in islice(analysed.places.items(), _MOST_TERMS)
    }
    return vector({term: places for term, places in found.items() if places})

"""Documents as rows of the PostgreSQL index: everything that can be worked out before writing, in plain values."""

from itertools import islice
from typing import Any

from core.tsvector import vector
from kb.search.analysis import HEADINGS, SUMMARY, TAGS, TEXT, TITLE, Analysed, analyse, texts
from kb.search.postings import UNIT
from kb.search.protocol import Document

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
        # Sixteenths: what each term weighs in the document, as the other backend has it.
        "weights": {term: min(max(int(weight * UNIT), 1), 65_535) for term, weight in analysed.weights.items()},
        "tsv": _vector(analysed),
    }


def _vector(analysed: Analysed) -> str:
    return vector(
        {
            term: [((place >> 3) + 1, _LETTERS[place & 7]) for place in places]
            for term, places in islice(analysed.places.items(), _MOST_TERMS)
        }
    )

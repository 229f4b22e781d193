"""Documents as rows of the Whoosh index: everything that can be worked out before writing, and in another process."""

import json
import zlib
from array import array
from dataclasses import dataclass

from kb.search.analysis import analyse, texts
from kb.search.parts import Details
from kb.search.protocol import Document

# A term or word, its weight in the document, its positions (bytes of 16-bit numbers; none for a word).
Posting = tuple[bytes, float, bytes]


def shown_to_bytes(title: str, summary: str, text: str, url: str) -> bytes:
    """As the column `shown` holds it."""
    return zlib.compress(json.dumps([title, summary, text, url], ensure_ascii=False).encode(), 6)


@dataclass(frozen=True, slots=True)
class Row:
    """A document as the fields of the index."""

    id: str
    details: bytes
    shown: bytes
    terms: list[Posting]
    words: list[Posting]

    def plain(self) -> tuple[str, bytes, bytes, list[Posting], list[Posting]]:
        """As plain values, for another process."""
        return self.id, self.details, self.shown, self.terms, self.words


def row(document: Document) -> Row:
    """Analyse a document."""
    analysed = analyse(document)
    weights = analysed.weights
    title, summary, _, _, text = texts(document)
    details = Details(
        document.id, document.kind, document.topic, document.language, document.country, document.visibility,
        document.boost, document.updated.timestamp(),
    )  # fmt: skip
    return Row(
        document.id,
        json.dumps(details).encode(),
        shown_to_bytes(title, summary, text, document.url),
        [(term.encode(), weights[term], array("H", analysed.positions(term)).tobytes()) for term in analysed.places],
        [(word.encode(), weights[term], b"") for word, term in analysed.words.items()],
    )

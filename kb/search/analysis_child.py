"""Documents analysed in a second process, so that rebuilding the index keeps two cores busy: one analyses, one writes.

Run as ``python -m kb.search.analysis_child`` it is that process. It runs our own analysis alone, so that what passes
between the two may be `marshal`, which takes a tenth of the time of JSON.
"""

import marshal
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import fields
from datetime import UTC, datetime
from itertools import islice
from typing import Any, TypeVar

from core.child import Broken, Child, TooSlow, serve
from kb.search.protocol import Document

# Documents that go to and fro together. Fewer than these are not worth a process.
BATCH = 100
MODULE = "kb.search.analysis_child"
_AHEAD = 3
_SECONDS = 120.0
_NAMES = tuple(field.name for field in fields(Document))

_Row = TypeVar("_Row")


def rows(
    documents: Iterable[Document], kind: str, here: Callable[[Document], _Row], made: Callable[[Any], _Row]
) -> Iterator[_Row]:
    """The rows of documents, in their order, analysed by another process while this one writes those before.

    :param kind: of the index: ``whoosh`` or ``postgresql``.
    :param here: makes the row of a document in this process, for few documents or when the other one fails.
    :param made: makes the row of what came back.
    """
    waiting = iter(documents)
    batch = list(islice(waiting, BATCH))
    if len(batch) < BATCH:
        yield from map(here, batch)
        return
    child = Child(MODULE)

    def analysed(some: list[Document]) -> list[Any] | None:
        try:
            return list(marshal.loads(child.ask(_packed(kind, some), _SECONDS)))  # noqa: S302 # Our own process.
        except (Broken, TooSlow):
            return None

    sent: deque[tuple[list[Document], Future[list[Any] | None]]] = deque()
    try:
        with ThreadPoolExecutor(1, thread_name_prefix="analysis") as thread:
            while batch or sent:
                if batch:
                    sent.append((batch, thread.submit(analysed, batch)))
                    batch = list(islice(waiting, BATCH))
                if len(sent) >= _AHEAD or not batch:
                    some, answer = sent.popleft()
                    back = answer.result()
                    yield from map(here, some) if back is None else map(made, back)
    finally:
        child.stop()


def _packed(kind: str, documents: list[Document]) -> bytes:
    plain = [
        tuple(document.updated.timestamp() if name == "updated" else getattr(document, name) for name in _NAMES)
        for document in documents
    ]
    return marshal.dumps((kind, plain))


def _answer(request: bytes) -> bytes:
    kind, plain = marshal.loads(request)  # noqa: S302 # From the process that started this one.
    documents = [_document(values) for values in plain]
    if kind == "whoosh":
        from kb.search.whoosh_rows import row

        return marshal.dumps([row(document).plain() for document in documents])
    from kb.search.postgres_rows import row as postgres_row

    return marshal.dumps([postgres_row(document) for document in documents])


def _document(values: tuple[Any, ...]) -> Document:
    named = dict(zip(_NAMES, values, strict=True))
    named["updated"] = datetime.fromtimestamp(named["updated"], UTC)
    return Document(**named)


if __name__ == "__main__":
    serve(_answer)

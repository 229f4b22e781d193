"""Judged questions: our own in three languages, and collections of others in files."""

import csv
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

FOLDER = Path(__file__).parent
LANGUAGES = ("en", "es", "fr")


@dataclass(frozen=True)
class Question:
    """What somebody asks and the pages that answer it, by name, with a grade above 0 each."""

    text: str
    language: str
    grades: dict[str, float]


@dataclass(frozen=True)
class Text:
    """A document of a collection."""

    id: str
    title: str
    text: str


def own(language: str) -> list[Question]:
    """Our questions in one language."""
    rows = yaml.safe_load((FOLDER / f"questions.{language}.yaml").read_text(encoding="utf-8"))
    return [Question(text, language, {name: float(grade) for name, grade in pages.items()}) for text, pages in rows]


def documents(folder: Path) -> Iterator[Text]:
    """The documents of a collection: documents.jsonl, one object a line with `id` (or `_id`), `title` and `text`."""
    for row in _lines(folder / "documents.jsonl"):
        yield Text(_id(row), str(row.get("title") or ""), str(row.get("text") or row.get("contents") or ""))


def questions(folder: Path, language: str = "en") -> list[Question]:
    """The judged questions of a collection: queries.jsonl with `id` and `text`, qrels.tsv of question, document and
    grade.

    A first line of names is passed over, and so is the second column of files with four (as trec_eval has them).
    Questions without any right document are left out.
    """
    grades: dict[str, dict[str, float]] = {}
    with (folder / "qrels.tsv").open(encoding="utf-8", newline="") as file:
        for row in csv.reader(file, delimiter="\t"):
            cells = row if len(row) > 1 else " ".join(row).split()
            if len(cells) < 3 or not _is_number(cells[-1]):
                continue
            if float(cells[-1]) > 0:
                grades.setdefault(cells[0].strip(), {})[cells[-2].strip()] = float(cells[-1])
    found = []
    for asked in _lines(folder / "queries.jsonl"):
        if _id(asked) in grades:
            text = str(asked.get("text") or asked.get("query") or "")
            found.append(Question(text, str(asked.get("language") or language), grades[_id(asked)]))
    return found


def _lines(path: Path) -> Iterator[dict[str, Any]]:
    with path.open(encoding="utf-8") as file:
        for number, line in enumerate(file, 1):
            if line.strip():
                try:
                    yield json.loads(line)
                except ValueError as error:
                    raise ValueError(f"{path.name}, line {number}: {error}") from error


def _id(row: dict[str, Any]) -> str:
    return str(row.get("id", row.get("_id", "")))


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True

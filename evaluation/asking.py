"""Asks the application's own search what judged questions ask, and says how good the answers are."""

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from sqlalchemy import insert, select

from core.db import db
from evaluation.judged import LANGUAGES, Question, Text, own
from evaluation.measures import CUT, mean, ndcg
from kb import finding
from kb.indexing import open_index, rebuild
from kb.models import PUBLISHED, Answer, Article

_BATCH = 500


@dataclass
class Score:
    """Of one list of questions: the mean nDCG@10, how many were asked, CPU milliseconds each, and the worst ones."""

    name: str
    ndcg: float
    asked: int
    cpu_ms: float
    worst: list[tuple[float, str]] = field(default_factory=list)


def ask(name: str, questions: Sequence[tuple[Question, dict[str, float]]], names: dict[str, str],
        languages: Sequence[str] = ()) -> Score:  # fmt: skip
    """Ask and grade.

    :param questions: each with the grades that count here.
    :param names: of documents by their ids in the index (`article:12`); what has none is itself.
    :param languages: to search in; all if empty.
    """
    results: list[tuple[float, str]] = []
    begin = time.process_time()
    for question, grades in questions:
        hits = finding.find(
            question.text, user=None, languages=languages, language=question.language, limit=CUT
        ).hits  # fmt: skip
        results.append((ndcg([names.get(hit.id, hit.id) for hit in hits], grades), question.text))
    spent = (time.process_time() - begin) * 1000 / max(len(results), 1)
    return Score(name, mean([value for value, _text in results]), len(results), spent, sorted(results)[:8])


def own_scores() -> list[Score]:
    """Our own questions: within each language, across from Spanish and French to English, and as people ask them."""
    names, there = _pages()
    scores = []
    for language in LANGUAGES:
        within = _judged(own(language), there[language])
        scores.append(ask(f"within {language}", within, names, (language,)))
    for language in ("es", "fr"):
        scores.append(ask(f"{language} → en", _judged(own(language), there["en"]), names, ("en",)))
    for language in LANGUAGES:
        everywhere = set().union(*there.values())
        scores.append(ask(f"{language}, all languages", _judged(own(language), everywhere), names))
    return scores


def known_items(limit: int = 200) -> Score:
    """Whether the words of an article's summary find it, among all articles of its language."""
    rows = db.session.execute(
        select(Article.id, Article.title, Article.summary, Article.language)
        .where(Article.state == PUBLISHED, Article.visibility == "public", Article.summary != "")
        .order_by(Article.id)
        .limit(limit)
    ).all()  # fmt: skip
    asked = []
    for row in rows:
        asked.append((Question(row.summary, row.language, {}), {f"article:{row.id}": 1.0}))
    return ask("known items by summary", asked, {})


def load(texts: Iterable[Text]) -> dict[str, str]:
    """Fill an empty knowledge base with the documents of a collection and index them: their names by index id."""
    names: dict[str, str] = {}
    rows = []
    for number, text in enumerate(texts, 1):
        names[f"article:{number}"] = text.id
        rows.append(
            {"id": number, "language": "en", "slug": f"d{number}", "title": text.title or text.id,
             "body_text": text.text, "state": PUBLISHED, "topic": "", "contents": []}
        )  # fmt: skip
    for start in range(0, len(rows), _BATCH):
        db.session.execute(insert(Article), rows[start : start + _BATCH])
    db.session.commit()
    rebuild(open_index())
    db.session.commit()
    return names


def _pages() -> tuple[dict[str, str], dict[str, set[str]]]:
    """The names that judgements use, by index id, and which of them there are in each language."""
    names: dict[str, str] = {}
    there: dict[str, set[str]] = {language: set() for language in LANGUAGES}
    for row in db.session.execute(select(Article.id, Article.slug, Article.language, Article.source_path)).all():
        path = row.source_path.removeprefix(f"{row.language}/")
        name = path if "/" in path else row.slug
        names[f"article:{row.id}"] = name
        there.setdefault(row.language, set()).add(name)
    for answer in db.session.execute(select(Answer.id, Answer.slug, Answer.language)).all():
        names[f"answer:{answer.id}"] = f"answer:{answer.slug}"
        there.setdefault(answer.language, set()).add(f"answer:{answer.slug}")
    return names, there


def _judged(questions: list[Question], there: set[str]) -> list[tuple[Question, dict[str, float]]]:
    """The questions that a page there answers (grade 3), with the grades of the pages that are there."""
    kept = []
    for question in questions:
        grades = {name: grade for name, grade in question.grades.items() if name in there}
        if max(grades.values(), default=0) >= 3:
            kept.append((question, grades))
    return kept

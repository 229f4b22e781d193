"""Which articles and past answers fit a question best: by its words, its topic, country and language, and by what
answered solved tickets like it.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import literal, select

from accounts.models import User
from core import fulltext
from core.db import db
from helpdesk.models import Citation, Ticket
from helpdesk.states import ENDED
from kb import finding
from kb.models import READABLE, Answer, Article, visibilities_of
from kb.search import Hit
from kb.slugs import answer_path, article_path

READ_LENGTH = 1500
# A search takes so many characters.
_SEARCHED = 390
# So many candidates by words and so many tickets are looked at.
BY_WORDS = 20
# Of what a search finds, what is further behind the best is chance.
_LEAST_OF_BEST = 0.35
_TICKETS = 40
# What one rank further down costs, and what a vote of the tickets weighs beside the words.
_RANK = 8.0
_VOTES = 1.0
_SAME_TOPIC, _SAME_COUNTRY, _SAME_LANGUAGE = 1.2, 1.1, 1.25
_MODELS: dict[str, Any] = {"article": Article, "answer": Answer}


@dataclass(frozen=True, kw_only=True)
class Question:
    """What is asked, as far as it is known."""

    title: str
    body: str = ""
    language: str = ""
    topic: str = ""
    country: str = ""


def fitting(
    question: Question, *, reader: User | None, without: Sequence[int] = (), limit: int = 6, thorough: bool = True
) -> list[Hit]:
    """Articles and past answers that the reader may see and that may answer a question, best first.

    :param without: tickets whose citations do not count: the question's own, above all.
    :param thorough: also search for the words as a search does, which takes some 30 ms more; not while typing.
    """
    known: dict[str, Hit] = {}
    scores: dict[str, float] = {}
    for hits in _by_words(question, reader, thorough=thorough):
        for rank, hit in enumerate(hits):
            known.setdefault(hit.id, hit)
            scores[hit.id] = scores.get(hit.id, 0.0) + 1 / (_RANK + rank)
    votes = _votes(question, without, internal=reader is not None and reader.is_staff)
    known |= {hit.id: hit for hit in _hits([name for name in votes if name not in known], reader)}
    most = max((votes[name] for name in known if name in votes), default=0.0)
    for name, weight in votes.items():
        if name in known and most > 0:
            scores[name] = scores.get(name, 0.0) + _VOTES * weight / most / _RANK
    ranked = sorted(scores, key=lambda name: -scores[name] * _same(known[name], question))
    ranked = _without_twins(ranked[: 2 * limit], known, question.language)
    return [replace(known[name], score=scores[name]) for name in ranked[:limit]]


def _by_words(question: Question, reader: User | None, *, thorough: bool) -> Iterator[Sequence[Hit]]:
    """Lists of what the words find: those of the title alone, and of all that was written."""
    body = question.body[:READ_LENGTH].strip()
    texts = [text for text in dict.fromkeys([question.title.strip(), f"{question.title} {body}".strip()]) if text]
    for text in texts:
        yield finding.suggest(text, user=reader, language=question.language, limit=BY_WORDS)
    if thorough:
        for text in dict.fromkeys(text[:_SEARCHED].replace('"', " ") for text in texts):
            hits = finding.find(text, user=reader, language=question.language, limit=BY_WORDS).hits
            least = hits[0].score * _LEAST_OF_BEST if hits else 0.0
            yield [hit for hit in hits if hit.score >= least]


def _votes(question: Question, without: Sequence[int], *, internal: bool) -> dict[str, float]:
    """How much each article or past answer was cited by solved tickets like this, by id as in the index."""
    if not question.title.strip():
        return {}
    similar = fulltext.similar(
        db.session, question.title, internal=internal, exclude=list(without), limit=_TICKETS
    )  # fmt: skip
    weights = {hit.ticket_id: max(hit.score, 0.0) for hit in similar}
    if not weights:
        return {}
    rows = db.session.execute(
        select(Citation.ticket_id, Citation.target_kind, Citation.target_id, Ticket.topic, Ticket.language)
        .join(Ticket, Ticket.id == Citation.ticket_id)
        .where(Citation.ticket_id.in_(weights), Ticket.state.in_(ENDED))
        .distinct()
    ).all()  # fmt: skip
    votes: dict[str, float] = {}
    for row in rows:
        weight = weights[row.ticket_id] * (_SAME_TOPIC if question.topic and row.topic == question.topic else 1.0)
        name = f"{row.target_kind}:{row.target_id}"
        votes[name] = votes.get(name, 0.0) + weight
    return votes


def _without_twins(names: list[str], known: dict[str, Hit], language: str) -> list[str]:
    """The same without articles in other languages of which the list has the one in the language of the question."""
    numbers = [int(name.partition(":")[2]) for name in names if name.startswith("article:")]
    if not language or len({known[name].language for name in names}) < 2:
        return names
    rows = db.session.execute(select(Article.id, Article.source_id).where(Article.id.in_(numbers))).all()
    source = {f"article:{row.id}": row.source_id or row.id for row in rows}
    here = {source.get(name) for name in names if known[name].language == language}
    return [name for name in names if known[name].language == language or source.get(name) not in here - {None}]


def _same(hit: Hit, question: Question) -> float:
    factor = 1.0
    if question.topic and hit.topic == question.topic:
        factor *= _SAME_TOPIC
    if question.country and hit.country == question.country:
        factor *= _SAME_COUNTRY
    if question.language and hit.language == question.language:
        factor *= _SAME_LANGUAGE
    return factor


def _hits(names: Sequence[str], reader: User | None) -> list[Hit]:
    """Published texts that the reader may see, as if they had been found by words."""
    hits = []
    for kind, model in _MODELS.items():
        numbers = [int(name.partition(":")[2]) for name in names if name.startswith(f"{kind}:")]
        if not numbers:
            continue
        said = Article.summary if model is Article else Answer.question
        country = literal("") if model is Article else Answer.country
        rows = db.session.execute(
            select(
                model.id, model.slug, model.title, model.language, model.topic, model.updated_at, said.label("said"),
                country.label("country"),
            ).where(
                model.id.in_(numbers), model.state.in_(READABLE), model.visibility.in_(visibilities_of(reader))
            )
        ).all()  # fmt: skip
        for row in rows:
            url = article_path(row.language, row.slug) if kind == "article" else answer_path(row.slug)
            hits.append(
                Hit(id=f"{kind}:{row.id}", kind=kind, title=row.title, url=url, language=row.language, topic=row.topic,
                    country=row.country, score=0.0, snippet=((row.said[:200], False),),
                    title_marked=((row.title, False),), updated=row.updated_at)
            )  # fmt: skip
    return hits

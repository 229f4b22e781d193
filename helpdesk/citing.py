"""Answers that fit a ticket, and which of them a reply points to."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote, urlsplit

from flask import current_app
from sqlalchemy import or_, select, tuple_

from accounts.models import User
from core import fulltext, markdown
from core.db import db
from core.web import external
from helpdesk.fitting import Question
from helpdesk.fitting import fitting as fitting_texts
from helpdesk.models import PUBLIC, Message, Ticket
from helpdesk.states import ENDED
from kb.models import MERGED, READABLE, VISIBILITIES, Answer, Article, visibilities_of
from kb.search import Hit
from kb.slugs import answer_path, article_path

MOST_FITTING = 6
MOST_SIMILAR = 5
MOST_CITED = 20
_LOOKED_AT = 40

_ADDRESS = re.compile(r"https?://[^\s<>()\[\]\"']{3,500}|(?<![\w/])/(?:kb|answers)/[^\s<>()\[\]\"']{1,400}")
_ARTICLE = re.compile(r"/kb/([a-z]{2,3}(?:-[a-z]{2,4})?)/([^/]+)/?")
_ANSWER = re.compile(r"/answers/([^/]+)/?")
_REFERENCE = re.compile(r"(article|answer):([1-9]\d{0,8})")
_BRACKETS = str.maketrans({"[": "\\[", "]": "\\]", "\\": "\\\\", "\n": " "})

Target = Article | Answer


@dataclass(frozen=True)
class Fit:
    """An article or a past answer that may answer a ticket.

    ``link`` is what a reply says to point to it; "" if the requester may not read it.
    """

    hit: Hit
    link: str


def fitting(ticket: Ticket, reader: User) -> list[Fit]:
    """Articles and past answers that may answer a ticket, best first."""
    first = db.session.scalar(
        select(Message.body)
        .where(Message.ticket_id == ticket.id, Message.kind == PUBLIC)
        .order_by(Message.id)
        .limit(1)
    )
    question = Question(
        title=ticket.title, body=first or "", language=ticket.language, topic=ticket.topic, country=ticket.country
    )
    hits = fitting_texts(question, reader=reader, without=[ticket.id], limit=MOST_FITTING)
    readable = _readable(hits, ticket.requester)
    return [Fit(hit, link(hit.title, hit.url) if hit.id in readable else "") for hit in hits]


def similar(ticket: Ticket) -> Sequence[Any]:
    """Solved tickets whose titles share words with this one, as rows."""
    hits = fulltext.similar(db.session, ticket.title, internal=True, exclude=[ticket.id], limit=_LOOKED_AT)
    ids = [hit.ticket_id for hit in hits]
    if not ids:
        return []
    rows = db.session.execute(
        select(Ticket.id, Ticket.title, Ticket.language, Ticket.country, Ticket.solved_at)
        .where(Ticket.id.in_(ids), Ticket.state.in_(ENDED))
    ).all()  # fmt: skip
    return sorted(rows, key=lambda row: ids.index(row.id))[:MOST_SIMILAR]


def link(title: str, path: str) -> str:
    """A link in Markdown to one of our pages, by its whole address, so that it also works in a mail."""
    return f"[{title.translate(_BRACKETS)}]({_whole(path)})"


def cited_in(text: str) -> list[Target]:
    """The articles and past answers of ours that a text in Markdown links to, each once."""
    base = urlsplit(current_app.config["BASE_URL"])
    root = base.path.rstrip("/")
    articles: set[tuple[str, str]] = set()
    answers: set[str] = set()
    for address in [*markdown.targets(text), *_ADDRESS.findall(text)][: 50 * MOST_CITED]:
        try:
            parts = urlsplit(address.rstrip(".,;:!?"))
        except ValueError:
            continue
        if (parts.netloc and parts.netloc != base.netloc) or not parts.path.startswith(root):
            continue
        path = unquote(parts.path[len(root) :]).replace("\0", "")
        if found := _ARTICLE.fullmatch(path):
            articles.add((found[1], found[2]))
        elif found := _ANSWER.fullmatch(path):
            answers.add(found[1])
    targets: list[Target] = []
    if articles:
        named = tuple_(Article.language, Article.slug).in_(sorted(articles)[:MOST_CITED])
        targets += db.session.scalars(select(Article).where(named))
    if answers:
        named = Answer.slug.in_(sorted(answers)[:MOST_CITED])
        # An old link leads to the one that stands in its place.
        into = select(Answer.merged_into_id).where(named, Answer.state == MERGED)
        targets += db.session.scalars(
            select(Answer).where(or_(named & (Answer.state != MERGED), Answer.id.in_(into)))
        )  # fmt: skip
    return targets


def chosen(references: Iterable[str], *readers: User) -> list[Target]:
    """The published articles and past answers that references such as ``article:12`` name and all of these may read:
    whoever chose them, and whoever gets a text that names them.
    """
    seen = [code for code in VISIBILITIES if all(code in visibilities_of(reader) for reader in readers)]
    numbers: dict[str, list[int]] = {"article": [], "answer": []}
    for reference in list(references)[:MOST_CITED]:
        if found := _REFERENCE.fullmatch(reference):
            numbers[found[1]].append(int(found[2]))
    targets: list[Target] = []
    models: dict[str, type[Target]] = {"article": Article, "answer": Answer}
    for kind, model in models.items():
        if numbers[kind]:
            targets += db.session.scalars(
                select(model).where(
                    model.id.in_(numbers[kind]),
                    model.state.in_(READABLE),
                    model.visibility.in_(seen),
                )
            )
    return targets


def with_links(text: str, targets: Iterable[Target]) -> str:
    """A text with links at its end to those of the targets that it does not link to already."""
    known = {(type(target), target.id) for target in cited_in(text)}
    lines = [link_to(target) for target in targets if (type(target), target.id) not in known]
    return "\n\n".join([text.rstrip(), "\n".join(f"- {line}" for line in lines)]).strip() if lines else text


def link_to(target: Target) -> str:
    """A link in Markdown to an article or a past answer."""
    if isinstance(target, Article):
        address = external("kb.article", language=target.language, slug=target.slug)
    else:
        address = external("kb.answer", slug=target.slug)
    return f"[{target.title.translate(_BRACKETS)}]({address})"


def path_of(target: Target) -> str:
    """Where an article or a past answer is read."""
    if isinstance(target, Article):
        return article_path(target.language, target.slug)
    return answer_path(target.slug)


def _whole(path: str) -> str:
    base = urlsplit(current_app.config["BASE_URL"])
    return f"{base.scheme}://{base.netloc}{path}"


def _readable(hits: Sequence[Hit], requester: User) -> set[str]:
    """The ids of those hits that a requester may read."""
    models: dict[str, type[Target]] = {"article": Article, "answer": Answer}
    readable = set()
    for kind, model in models.items():
        numbers = [int(hit.id.partition(":")[2]) for hit in hits if hit.kind == kind]
        if numbers:
            visible = model.visibility.in_(visibilities_of(requester))
            rows = db.session.scalars(select(model.id).where(model.id.in_(numbers), visible))
            readable |= {f"{kind}:{number}" for number in rows}
    return readable

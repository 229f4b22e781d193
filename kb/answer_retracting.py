"""What becomes of articles that a past answer went into, when whoever asked does not want it to be public.

Their words are taken away from readers in the same transaction: an article that was made from it, and its
translations, are withdrawn; a part that was put into another article is taken out of it. Where it is not plain which
part is theirs, the article is withdrawn too, until somebody has looked. What was done is an event: staff are told.
"""

import re
from dataclasses import dataclass

from sqlalchemy import or_, select
from sqlalchemy.orm import undefer

from accounts.models import User
from core.db import db
from core.events import Event, record
from core.i18n import _, in_language
from core.words import fold
from kb import articles, laying_out, workflow
from kb.models import NEEDS_UPDATE, READABLE, Answer, Article
from kb.slugs import answer_path

MADE, ADDED, TAKEN_OUT = "answer.made_article", "answer.added_to_article", "answer.taken_out_of_article"
# What was done: the whole article is withdrawn, a part of it was taken out, nothing of it was found.
WITHDRAWN, PART, LOOK = "withdrawn", "part", "look"
# Shorter paragraphs may stand in any text.
_TELLING = 25
_HEADING = re.compile(r" {0,3}#{1,6}[ \t]+(.*?)(?:[ \t]+#+)?[ \t]*$")


@dataclass(frozen=True)
class Fate:
    """What was done with an article: ``what`` is withdrawn, part or look."""

    article: Article
    what: str


def take_out(row: Answer, *, by: User | None) -> list[Fate]:
    """Take a past answer away from the readers of all articles that it went into, at once."""
    fates = []
    for article, how in _articles(row):
        what = WITHDRAWN if how == MADE else _without(article, row, by, is_noted=how == ADDED)
        if what == WITHDRAWN and article.state in READABLE:
            articles.withdraw(article, by=by)
        if what:
            record(TAKEN_OUT, row, by=by, article=article, what=what)
            fates.append(Fate(article, what))
    db.session.flush()
    for fate in fates:
        laying_out.lay_out_bringing_in(fate.article)
    return fates


def fates_of(row: Answer) -> list[Fate]:
    """What was done with articles when a past answer was taken back, each once, with the last that was done."""
    rows = db.session.execute(
        select(Article, Event.data["what"].as_string())
        .join(Event, Event.data["article"].as_integer() == Article.id)
        .where(Event.subject_kind == "answer", Event.subject_id == row.id, Event.name == TAKEN_OUT)
        .order_by(Event.id)
    ).all()  # fmt: skip
    last = {article.id: Fate(article, what) for article, what in rows}
    return list(last.values())


def _articles(row: Answer) -> list[tuple[Article, str]]:
    """Articles that hold some of a past answer, and their translations.

    Each with how it came there: made from it, added to it, or "" for one that only points to it.
    """
    events = db.session.execute(
        select(Event.name, Event.data).where(
            Event.subject_kind == "answer", Event.subject_id == row.id, Event.name.in_((MADE, ADDED))
        )
    ).all()
    how = {int(event.data["article"]): event.name for event in sorted(events, key=lambda event: event.name)}
    if row.article_id is not None:
        # Noted where no event was kept.
        how.setdefault(row.article_id, ADDED)
    found = db.session.scalars(
        select(Article).where(
            or_(
                Article.id.in_(how), Article.source_id.in_(how),
                Article.body.contains(answer_path(row.slug), autoescape=True),
            )
        ).order_by(Article.id).with_for_update(of=Article)
        .options(undefer(Article.body), undefer(Article.links), undefer(Article.front_matter))
    ).all()  # fmt: skip
    return [(each, how.get(each.id) or how.get(each.source_id or 0, "")) for each in found]


def _without(article: Article, row: Answer, by: User | None, *, is_noted: bool) -> str:
    """Take what a past answer says out of an article, and out of the change of it that somebody works on.

    :param is_noted: whether it was put into the article; else the article may just point to it, or have a copy.
    :return: what was done, "" for nothing.
    """
    change = workflow.change_of(article)
    if change is not None:
        change.body, _is_whole = without_part(change.body, row)
    left, is_whole = without_part(article.body, row)
    if not is_whole and is_noted:
        return WITHDRAWN
    is_changed = left != article.body
    if is_changed:
        with in_language(article.language):
            reason = _("The person who asked does not want a part of it to be public")
        articles.edit(article, articles.details_of(article), left, by=by, reason=reason)
    elif not is_noted:
        return ""
    if article.state in READABLE:
        article.state = NEEDS_UPDATE
    return PART if is_changed else LOOK


def without_part(body: str, row: Answer) -> tuple[str, bool]:
    """A text in Markdown without what a past answer says; and whether it is plain that all of it is gone.

    Its part goes from the heading with its title to the line that links back to it. Whatever else it says word for
    word goes too. A link back that stands below another heading says that there is something of it that was rewritten.
    """
    lines = body.split("\n")
    is_whole = True
    title = _plain(row.title)
    for end in reversed([number for number, line in enumerate(lines) if _points_to(line, row)]):
        start = next((number for number in range(end, -1, -1) if _heading(lines[number]) == title), None)
        if start is None or any(_points_to(line, row) for line in lines[start:end]):
            is_whole = False
            continue
        del lines[start : end + 1]
    kept = _paragraphs("\n".join(lines))
    said = {_plain(text) for text in (*_paragraphs(row.question), *_paragraphs(row.answer)) if text.strip()}
    left = [text for text in kept if len(_plain(text)) < _TELLING or _plain(text) not in said]
    text = "\n\n".join(left).strip("\n") + "\n" if left != kept or lines != body.split("\n") else body
    return text, is_whole


def _points_to(text: str, row: Answer) -> bool:
    return re.search(re.escape(answer_path(row.slug)) + r"(?![\w-])", text) is not None


def _heading(line: str) -> str | None:
    found = _HEADING.match(line)
    return _plain(found[1]) if found else None


def _paragraphs(text: str) -> list[str]:
    return re.split(r"\n[ \t]*\n+", text.replace("\r\n", "\n").strip("\n"))


def _plain(text: str) -> str:
    return " ".join(fold(text).split())

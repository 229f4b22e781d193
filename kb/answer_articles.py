"""From a past answer to an article: a new draft, or a part for one that is there. Nothing is published by it."""

import re
from dataclasses import dataclass, replace

from flask import current_app
from sqlalchemy import select
from sqlalchemy.orm import undefer

from accounts.models import User
from core.db import db
from core.events import record
from core.exceptions import NotNow
from core.i18n import _, in_language
from kb import answer_standing, articles, workflow
from kb.answer_models import REFUSED, TAKEN_BACK
from kb.models import DRAFT, READABLE, Answer, Article
from kb.pages import Details
from kb.slugs import answer_path

_HEADING = re.compile(r" {0,3}(#{1,6})[ \t]+(.*?)(?:[ \t]+#+)?[ \t]*$")
_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})")
_DEEPEST = 6


@dataclass(frozen=True)
class Section:
    """A heading of an article in Markdown: its level, its words, and the lines from it to the end of its part."""

    number: int
    level: int
    title: str
    start: int
    end: int


def become_article(row: Answer, *, by: User) -> Article:
    """A new draft of an article that says what a past answer says, with a link back to it.

    :raises NotNow: if it became one already, or whoever asked does not want it to be public.
    """
    _heed(row)
    if row.article_id is not None and db.session.get(Article, row.article_id) is not None:
        raise NotNow(_("This past answer became an article already."))
    details = Details(
        title=row.title, slug="", topic=row.topic, language=row.language, visibility=row.visibility,
        tags=tuple(row.tags), state=DRAFT,
    )  # fmt: skip
    with in_language(row.language):
        parts = [f"## {_('The question')}\n\n{row.question}"] if row.question else []
        parts += [f"## {_('The answer')}\n\n{row.answer}", _back(row)]
        reason = _("From a past answer")
    article = articles.write(details, "\n\n".join(parts) + "\n", by=by, reason=reason)
    row.article_id = article.id
    record("answer.made_article", row, by=by, article=article)
    return article


def add_to_article(row: Answer, article: Article, section: int, *, by: User) -> None:
    """Put a past answer at the end of a section of an article, as a change that readers do not see yet.

    A change that somebody works on already is added to; the text of a draft is changed itself.

    :param section: its number as in `sections_of` of `text_of`; 0 stands for the end of the article.
    :raises NotNow: if whoever asked does not want it to be public.
    """
    _heed(row)
    body = body_with(text_of(article), row, section)
    with in_language(row.language):
        reason = _("From a past answer")
    change = workflow.change_of(article)
    details = articles.details_of(article)
    if article.state not in READABLE:
        articles.edit(article, details, body, by=by, reason=reason)
    elif change is None:
        workflow.keep_change(article, details, body, by=by, reason=reason)
    else:
        kept = replace(
            details, title=change.title, summary=change.summary, topic=change.topic, tags=tuple(change.tags),
            visibility=change.visibility,
        )  # fmt: skip
        workflow.keep_change(
            article, kept, body, by=by, reason=change.reason or reason, significance=change.significance,
            base_number=change.base_number,
        )  # fmt: skip
    row.article_id = article.id
    record("answer.added_to_article", row, by=by, article=article)


def text_of(article: Article) -> str:
    """What an article is to say: the change that somebody works on, else the article itself."""
    change = workflow.change_of(article)
    return change.body if change is not None else article.body


def body_with(body: str, row: Answer, section: int) -> str:
    """The text of an article with a past answer at the end of a section.

    :param section: its number as in `sections_of`; 0 stands for the end of the article.
    """
    lines = body.split("\n")
    chosen = next((each for each in sections_of(body) if each.number == section), None)
    level = min(chosen.level + 1, _DEEPEST) if chosen is not None else 2
    end = chosen.end if chosen is not None else len(lines)
    with in_language(row.language):
        part = f"{'#' * level} {row.title}\n\n{row.answer}\n\n{_back(row)}"
    before, after = "\n".join(lines[:end]).rstrip(), "\n".join(lines[end:]).lstrip("\n")
    return "\n\n".join(text for text in (before, part, after) if text).rstrip() + "\n"


def sections_of(body: str) -> list[Section]:
    """The headings of a text in Markdown, in their order, those in code left out."""
    lines = body.split("\n")
    found: list[tuple[int, str, int]] = []
    fence = ""
    for place, line in enumerate(lines):
        mark = _FENCE.match(line)
        if mark and (not fence or mark[1].startswith(fence)):
            fence = "" if fence else mark[1]
        elif not fence and (heading := _HEADING.match(line)):
            found.append((len(heading[1]), heading[2], place))
    return [
        Section(number, level, title, place, next((
            start for deeper, _title, start in found[number:] if deeper <= level), len(lines)))
        for number, (level, title, place) in enumerate(found, 1)
    ]  # fmt: skip


def article_named(text: str) -> Article | None:
    """The article that a number or an address stands for: “12”, “/kb/en/some-article”."""
    text = text.strip()
    if text.isascii() and text.isdigit() and len(text) < 10:
        return db.session.get(Article, int(text), options=[undefer(Article.body)])
    found = re.search(r"/kb/([a-z]{2,3}(?:-[a-z]{2,4})?)/([^/?#\s]{1,200})", text)
    if found is None:
        return None
    statement = select(Article).where(Article.language == found[1], Article.slug == found[2])
    return db.session.scalar(statement.options(undefer(Article.body)))


def _heed(row: Answer) -> None:
    said = answer_standing.ruling(row)
    if said is not None and said.state in {REFUSED, TAKEN_BACK}:
        raise NotNow(_("The person who asked does not want this to be published."))


def _back(row: Answer) -> str:
    base = current_app.config["BASE_URL"]
    root = base[: base.index("/", base.index("://") + 3)] if "/" in base[base.index("://") + 3 :] else base
    return f"[{_('From a past answer')}]({root}{answer_path(row.slug)})"

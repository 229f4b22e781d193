"""What is to be translated, into which language: missing, out of date, not published, done."""

from dataclasses import dataclass
from typing import Any

from flask import current_app
from sqlalchemy import and_, case, func, literal, outerjoin, select
from sqlalchemy.orm import aliased

from accounts.models import User
from core.db import db
from core.i18n import _
from kb import translations
from kb.models import READABLE, Article, visibilities_of

MISSING, BEHIND, UNREAD, DONE = "missing", "behind", "draft", "done"
STATES = (MISSING, BEHIND, UNREAD, DONE)
SIZE = 50


@dataclass(frozen=True)
class Work:
    """A page of rows, how many there are in each state, and the mark of the next page ("" if there is none)."""

    rows: list[Any]
    counts: dict[str, int]
    next: str


@dataclass(frozen=True)
class _Statement:
    source: Any
    translation: Any
    since: Any
    state: Any
    joined: Any


def names() -> dict[str, str]:
    """The states in the reader's language."""
    return {
        MISSING: _("Not translated"), BEHIND: _("Out of date"), UNREAD: _("Not published"), DONE: _("Up to date"),
    }  # fmt: skip


def languages() -> list[str]:
    """The languages of articles and of the site, those of most articles first."""
    counted = db.session.execute(
        select(Article.language, func.count()).group_by(Article.language).order_by(func.count().desc())
    ).all()
    found = [code for code, _count in counted]
    return [*found, *(code for code in current_app.config["LANGUAGES"] if code not in found)]


def work(language: str, user: User | None, *, state: str = "", after: str = "") -> Work:
    """The sources that readers can read, each with its translation into a language; what most people read first.

    :param state: one of `STATES`; "" for all that is not done.
    """
    parts = _statement(language)
    counted = db.session.execute(
        select(parts.state, func.count()).select_from(parts.joined).where(*_readable(parts, language, user))
        .group_by(parts.state)
    ).all()  # fmt: skip
    counts = dict.fromkeys(STATES, 0) | {row[0]: row[1] for row in counted}
    source, translation = parts.source, parts.translation
    wanted = parts.state == state if state in STATES else parts.state != DONE
    start = int(after) if after.isascii() and after.isdigit() and len(after) < 7 else 0
    rows = db.session.execute(
        select(
            source.id, source.language, source.slug, source.title, source.helpful_count, source.unhelpful_count,
            translation.slug.label("own_slug"), translation.title.label("own_title"), parts.since, parts.state,
        )
        .select_from(parts.joined).where(*_readable(parts, language, user), wanted)
        .order_by((source.helpful_count + source.unhelpful_count).desc(), source.title, source.id)
        .offset(start).limit(SIZE + 1)
    ).all()  # fmt: skip
    return Work(list(rows[:SIZE]), counts, str(start + SIZE) if len(rows) > SIZE else "")


def _statement(language: str) -> _Statement:
    source, translation = aliased(Article, name="source"), aliased(Article, name="translation")
    late = translations.behind_by_article()
    state = case(
        (translation.id.is_(None), literal(MISSING)),
        (late.c.since.is_not(None), literal(BEHIND)),
        (translation.state.not_in(READABLE), literal(UNREAD)),
        else_=literal(DONE),
    ).label("state")
    joined = outerjoin(
        outerjoin(
            source, translation, and_(translation.source_id == source.id, translation.language == language)
        ),
        late, late.c.id == translation.id,
    )  # fmt: skip
    return _Statement(source, translation, late.c.since, state, joined)


def _readable(parts: _Statement, language: str, user: User | None) -> list[Any]:
    source = parts.source
    return [
        source.source_id.is_(None), source.state.in_(READABLE), source.language != language,
        source.visibility.in_(visibilities_of(user)),
    ]  # fmt: skip

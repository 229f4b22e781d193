"""How often articles are read, a number for an article and a day. Nothing is kept of who read it.

A view costs an addition in the memory of the process. What was counted goes into the database now and then, in one
statement, by a thread of its own; what a killed process had not written yet is lost, at most half a minute of it.
Programs that say so of themselves are not counted, nor are pages that a browser loads ahead, nor staff at work. A
browser that asks whether its page is still true is, though nothing is sent; one that does not ask within the minute
that it may keep the page is not.
"""

import logging
import re
import threading
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from flask import Flask, current_app, request
from sqlalchemy import select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import SQLAlchemyError

from accounts.policy import staff
from core.db import db, now, write_apart
from core.web import person
from kb.models import Article, Feedback
from kb.writing_models import ArticleViews

logger = logging.getLogger(__name__)

SECONDS = 30
# Rows of one statement: SQLite takes some 30,000 values.
MOST_ROWS = 2000
WEEKS = 26

_BOT = re.compile(
    r"bot\b|bot/|crawl|spider|slurp|preview|fetch|monitor|curl|wget|python|java/|libwww|httpclient|go-http|headless"
    r"|facebookexternalhit|scan|archiver|lighthouse",
    re.IGNORECASE,
)


class _Waiting:
    """What was counted and is not written yet."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.counts: Counter[tuple[int, date]] = Counter()
        self.writer: threading.Timer | None = None
        self.is_serving = False

    def take(self) -> Counter[tuple[int, date]]:
        """All of it; from now on it is the taker's."""
        with self.lock:
            counts, self.counts, self.writer = self.counts, Counter(), None
        return counts


def register(app: Flask) -> None:
    """Give the application something to count in."""
    app.extensions["article_views"] = _Waiting()


def begin(app: Flask) -> None:
    """Told that this process serves pages from now on: what it counts is written now and then."""
    app.extensions["article_views"] = _Waiting()
    app.extensions["article_views"].is_serving = True


def end(app: Flask) -> None:
    """Told that this process serves no more: what is left is written."""
    _write(app)


def is_ahead() -> bool:
    """Whether a page is only asked about, or loaded by a browser before anybody opens it."""
    purpose = request.headers.get("Sec-Purpose") or request.headers.get("Purpose") or ""
    return request.method == "HEAD" or "prefetch" in purpose.lower()


def is_somebody() -> bool:
    """Whether a person asks, as far as the request says: no program, and no browser that loads a page ahead."""
    agent = request.headers.get("User-Agent", "")
    return bool(agent) and not _BOT.search(agent) and not is_ahead()


def note(article_id: int) -> None:
    """Count that an article is read by whoever asks for the page; no statement runs."""
    if request.method != "GET" or not is_somebody() or staff(person()):
        return
    waiting: _Waiting = current_app.extensions["article_views"]
    with waiting.lock:
        waiting.counts[article_id, now().date()] += 1
        # Every server of pages says what it is; tests and commands that ask for one do not.
        is_serving = waiting.is_serving or bool(request.environ.get("SERVER_SOFTWARE"))
        if waiting.writer is None and is_serving:
            app: Any = current_app
            waiting.writer = threading.Timer(SECONDS, _write, (app._get_current_object(),))
            waiting.writer.daemon = True
            waiting.writer.start()


def write() -> int:
    """Write what was counted in this process; returns how many views. Commits: nothing else may be under way."""
    waiting: _Waiting = current_app.extensions["article_views"]
    counts = waiting.take()
    written = 0
    if not counts:
        return written
    try:
        known = set(db.session.scalars(select(Article.id).where(Article.id.in_({number for number, _day in counts}))))
        rows: list[dict[str, Any]] = [
            {"article_id": number, "day": day, "count": count}
            for (number, day), count in sorted(counts.items())
            if number in known
        ]
        while batch := rows[:MOST_ROWS]:
            write_apart(_adding(batch))
            del rows[:MOST_ROWS]
            for row in batch:
                del counts[row["article_id"], row["day"]]
            written += sum(row["count"] for row in batch)
    except SQLAlchemyError:
        # Written with the next ones.
        with waiting.lock:
            waiting.counts.update(counts)
        raise
    return written


def _write(app: Flask) -> None:
    """The same from a thread of its own."""
    try:
        with app.app_context():
            write()
    except SQLAlchemyError as error:
        logger.warning("views of articles could not be written yet: %s", error)


def _adding(rows: list[dict[str, Any]]) -> Any:
    insert: Any = sqlite.insert if db.engine.dialect.name == "sqlite" else postgresql.insert
    statement = insert(ArticleViews).values(rows)
    return statement.on_conflict_do_update(
        index_elements=["article_id", "day"], set_={"count": ArticleViews.count + statement.excluded.count}
    )


@dataclass(frozen=True)
class Week:
    """A week of an article, by its Monday: how often it was read, and what readers said."""

    monday: date
    views: int
    helpful: int
    unhelpful: int


def weeks(article: Article, *, until: date | None = None, many: int = WEEKS) -> list[Week]:
    """The last weeks of an article, the oldest first; weeks in which nothing happened too."""
    last = until or now().date()
    last -= timedelta(days=last.weekday())
    first = last - timedelta(weeks=many - 1)
    views: Counter[date] = Counter()
    for day, count in db.session.execute(
        select(ArticleViews.day, ArticleViews.count)
        .where(ArticleViews.article_id == article.id, ArticleViews.day >= first)
    ):  # fmt: skip
        views[day - timedelta(days=day.weekday())] += count
    said: Counter[tuple[date, bool]] = Counter()
    since = datetime.combine(first, time(), UTC)
    for at, is_helpful in db.session.execute(
        select(Feedback.at, Feedback.is_helpful)
        .where(Feedback.about_kind == "article", Feedback.about_id == article.id, Feedback.at >= since)
    ):  # fmt: skip
        said[at.date() - timedelta(days=at.weekday()), is_helpful] += 1
    mondays = [first + timedelta(weeks=number) for number in range(many)]
    return [Week(monday, views[monday], said[monday, True], said[monday, False]) for monday in mondays]

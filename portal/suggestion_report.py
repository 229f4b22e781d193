"""What suggestions are worth: how often they were shown, opened, cited, and answered a question."""

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import select

from core.db import db, now
from helpdesk.measuring_models import (
    ANSWERED,
    CITED,
    PLACES,
    SuggestionShowing,
    SuggestionStep,
)
from kb.models import Answer, Article
from kb.slugs import answer_path, article_path

# More than so many showings of a period are not read: the newest count.
MOST_SHOWINGS = 20_000
MOST_ROWS = 15
KINDS = ("article", "answer", "ticket")
# So often shown and never opened is worth a look.
OFTEN = 3


@dataclass
class Share:
    """Showings of one kind, and in how many of them somebody opened, cited or was answered by one."""

    shown: int = 0
    opened: int = 0
    cited: int = 0
    answered: int = 0

    def count(self, happened: set[str]) -> None:
        """Add one showing. Whoever cites one or is answered by it has read it, whether or not it was opened here."""
        self.shown += 1
        self.opened += bool(happened)
        self.cited += CITED in happened
        self.answered += ANSWERED in happened

    @property
    def taken(self) -> int:
        """Of 100 showings, in how many one was cited or answered the question."""
        return round(100 * (self.cited + self.answered) / self.shown) if self.shown else 0


@dataclass(frozen=True)
class Named:
    """An article or a past answer and how often."""

    title: str
    url: str
    language: str
    count: int


@dataclass
class SuggestionReport:
    """The figures of a period."""

    days: int
    whole: Share = field(default_factory=Share)
    by_place: dict[str, Share] = field(default_factory=dict)
    # By what was among them: article, answer, ticket (a similar one, beside a ticket).
    by_kind: dict[str, Share] = field(default_factory=dict)
    by_language: dict[str, Share] = field(default_factory=dict)
    by_topic: dict[str, Share] = field(default_factory=dict)
    by_week: list[tuple[datetime, Share]] = field(default_factory=list)
    # Of the citations in replies to tickets with suggestions beside them: all, and those that had been suggested.
    citations: int = 0
    suggested: int = 0
    never_opened: list[Named] = field(default_factory=list)
    most_citing: list[Named] = field(default_factory=list)


def make(days: int) -> SuggestionReport:
    """Count one period that ends now."""
    rows, steps = _read(days)
    report = SuggestionReport(
        days, by_place={place: Share() for place in PLACES}, by_kind={kind: Share() for kind in KINDS}
    )
    weeks = [Share() for _week in range(min(days // 7 + 1, 13))]
    moment = now()
    shown: Counter[str] = Counter()
    opened: set[str] = set()
    cited: Counter[str] = Counter()
    for row in rows:
        of_row = steps.get(row.id, ())
        back = (moment - row.at).days // 7
        groups = [report.whole, report.by_place.setdefault(row.place, Share()),
                  report.by_language.setdefault(row.language, Share()), report.by_topic.setdefault(row.topic, Share()),
                  *(weeks[back : back + 1])]  # fmt: skip
        happened = {step.what for step in of_row if step.rank}
        for share in groups:
            share.count(happened)
        for kind in {name.partition(":")[0] for name in row.targets}:
            report.by_kind.setdefault(kind, Share()).count(
                {step.what for step in of_row if step.rank and step.target_kind == kind}
            )
        shown.update(name for name in row.targets if not name.startswith("ticket:"))
        for step in of_row:
            name = f"{step.target_kind}:{step.target_id}"
            opened.add(name)
            if step.what == CITED:
                cited[name] += 1
                report.citations += 1
                report.suggested += step.rank > 0
    report.by_week = [(moment - timedelta(days=7 * back), weeks[back]) for back in range(len(weeks) - 1, -1, -1)]
    report.by_language, report.by_topic = _largest(report.by_language), _largest(report.by_topic)
    ignored = [(name, count) for name, count in shown.most_common() if name not in opened and count >= OFTEN]
    names = _named([*(name for name, _count in ignored[:MOST_ROWS]), *dict(cited.most_common(MOST_ROWS))])
    report.never_opened = _rows(ignored[:MOST_ROWS], names)
    report.most_citing = _rows(cited.most_common(MOST_ROWS), names)
    return report


def table(days: int) -> list[list[str]]:
    """The same as rows for a spreadsheet: one for each day, place, language and topic, with a head."""
    rows, steps = _read(days)
    groups: dict[tuple[date, str, str, str], Share] = defaultdict(Share)
    for row in rows:
        share = groups[row.at.date(), row.place, row.language, row.topic]
        happened = {step.what for step in steps.get(row.id, ()) if step.rank}
        share.count(happened)
    head = ["day", "place", "language", "topic", "shown", "opened", "cited", "answered"]
    body = [
        [day.isoformat(), place, language, topic, *(str(count) for count in (s.shown, s.opened, s.cited, s.answered))]
        for (day, place, language, topic), s in sorted(groups.items())
    ]  # fmt: skip
    return [head, *body]


def _read(days: int) -> tuple[list[Any], dict[int, list[Any]]]:
    since = now() - timedelta(days=days)
    rows = db.session.execute(
        select(
            SuggestionShowing.id, SuggestionShowing.at, SuggestionShowing.place, SuggestionShowing.language,
            SuggestionShowing.topic, SuggestionShowing.targets,
        )
        .where(SuggestionShowing.at >= since)
        .order_by(SuggestionShowing.id.desc())
        .limit(MOST_SHOWINGS)
    ).all()  # fmt: skip
    steps: dict[int, list[Any]] = {}
    for step in db.session.execute(
        select(
            SuggestionStep.showing_id, SuggestionStep.what, SuggestionStep.target_kind, SuggestionStep.target_id,
            SuggestionStep.rank,
        )
        .join(SuggestionShowing, SuggestionShowing.id == SuggestionStep.showing_id)
        .where(SuggestionShowing.at >= since)
    ).all():  # fmt: skip
        steps.setdefault(step.showing_id, []).append(step)
    return list(rows), steps


def _largest(shares: dict[str, Share]) -> dict[str, Share]:
    return dict(sorted(shares.items(), key=lambda item: (-item[1].shown, item[0]))[:MOST_ROWS])


def _named(names: Iterable[str]) -> dict[str, tuple[str, str, str]]:
    """Title, address and language of articles and past answers, by id as in the index."""
    wanted: dict[str, list[int]] = {"article": [], "answer": []}
    for name in names:
        kind, _colon, number = str(name).partition(":")
        if kind in wanted:
            wanted[kind].append(int(number))
    found: dict[str, tuple[str, str, str]] = {}
    if wanted["article"]:
        columns = select(Article.id, Article.title, Article.language, Article.slug)
        for row in db.session.execute(columns.where(Article.id.in_(wanted["article"]))).all():
            found[f"article:{row.id}"] = (row.title, article_path(row.language, row.slug), row.language)
    if wanted["answer"]:
        columns = select(Answer.id, Answer.title, Answer.language, Answer.slug)
        for row in db.session.execute(columns.where(Answer.id.in_(wanted["answer"]))).all():
            found[f"answer:{row.id}"] = (row.title, answer_path(row.slug), row.language)
    return found


def _rows(counts: Iterable[tuple[str, int]], names: dict[str, tuple[str, str, str]]) -> list[Named]:
    return [Named(*names[name], count) for name, count in counts if name in names]

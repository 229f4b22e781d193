"""Searches that found nothing or led nowhere, as a work list: what readers look for and we do not answer yet.

No name is kept with the words, and words that look like somebody's own (an address, a telephone number) are not kept.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import case, delete, func, insert, select

from accounts.models import User
from core import jobs, limits
from core.db import db, now, write_apart
from core.events import record
from core.exceptions import Refused
from core.i18n import _
from core.words import fold
from kb.gap_models import DISMISSED, LEFT, NOTHING, OUTCOMES, SETTLED, GapDecision, SearchMade
from kb.models import Article
from kb.pages import MOST_TAGS, TAG_LENGTH

KEPT_DAYS = 180
LONGEST = 120
SHORTEST = 3
# What the mark on the page of a search vouches for.
SHOWN = "search-shown"
MOST = 100
# The same search again within this time is the same.
SAME_SECONDS = 1800

_WORD = re.compile(r"[^\W_]+(?:[-_./:@][^\W_]+)*")
# An address, a telephone number or another long number, a link.
_PERSONAL = re.compile(r"@|https?:|www\.|(?:\d[\s().-]*){7,}")


@dataclass(frozen=True)
class Gap:
    """What people searched for without opening anything."""

    words: str
    text: str
    nothing: int
    left: int
    languages: tuple[str, ...]
    last_at: datetime

    @property
    def count(self) -> int:
        """How often."""
        return self.nothing + self.left


def folded(text: str) -> str:
    """The words of a search by which it is told from others: folded, each once, in order of the alphabet."""
    return " ".join(sorted({fold(word) for word in _WORD.findall(text)}))[:200]


def may_be_kept(text: str) -> bool:
    """Whether a search may be written down: short enough, and nothing that looks like somebody's own."""
    return SHORTEST <= len(text) <= LONGEST and not _PERSONAL.search(text) and bool(folded(text))


def note(text: str, outcome: str, *, language: str) -> bool:
    """Write down, apart from the request, how a search ended. False if it is not kept."""
    text = " ".join(text.split())
    if outcome not in OUTCOMES or not may_be_kept(text):
        return False
    values = {
        "words": folded(text), "text": text, "language": language[:8], "outcome": outcome, "at": now(),
    }  # fmt: skip
    write_apart(insert(SearchMade), values)
    return True


def is_new(text: str, outcome: str, whom: str) -> bool:
    """Whether a search that ended so was not made by the same ones a moment ago: a page that is loaded again is the
    same search. Commits.

    :param whom: a network address, of which a hash is kept for half an hour.
    """
    return not limits.seconds_left("search", f"{whom}|{outcome}|{folded(text)}", 1, SAME_SECONDS, add=1)


def gaps(*, settled: bool = False) -> list[Gap]:
    """What was searched for in vain, most often first.

    :param settled: those that somebody has decided about instead; a decision ends when people search in vain again
        after it, unless they were dismissed.
    """
    nothing = func.sum(case((SearchMade.outcome == NOTHING, 1), else_=0))
    left = func.sum(case((SearchMade.outcome == LEFT, 1), else_=0))
    decided = select(GapDecision.id).where(
        GapDecision.words == SearchMade.words,
        (GapDecision.what == DISMISSED) | (GapDecision.at >= SearchMade.at),
    )  # fmt: skip
    rows = db.session.execute(
        select(
            SearchMade.words, func.max(SearchMade.text).label("text"), nothing.label("in_vain"),
            left.label("unopened"), func.max(SearchMade.at).label("last_at"),
        )
        .where(SearchMade.outcome.in_((NOTHING, LEFT)), decided.exists() if settled else ~decided.exists())
        .group_by(SearchMade.words)
        .order_by((nothing * 2 + left).desc(), func.max(SearchMade.at).desc(), SearchMade.words)
        .limit(MOST)
    ).all()  # fmt: skip
    spoken = _languages([row.words for row in rows])
    return [
        Gap(row.words, row.text, int(row.in_vain), int(row.unopened), spoken.get(row.words, ()), row.last_at)
        for row in rows
    ]  # fmt: skip


def dismiss(words: str, *, by: User) -> None:
    """Nothing is to be done about searches of these words."""
    _decide(words, DISMISSED, by)


def settle(words: str, article: Article, *, by: User) -> None:
    """An article answers searches of these words: they become a tag of it, so that it is found by them.

    :raises Refused: if the article has as many tags as it can have.
    """
    text = db.session.scalar(
        select(SearchMade.text).where(SearchMade.words == words).order_by(SearchMade.id.desc()).limit(1)
    )
    tag = (text or words)[:TAG_LENGTH].strip()
    if fold(tag) not in {fold(str(known)) for known in article.tags}:
        if len(article.tags) >= MOST_TAGS:
            raise Refused(_("This article has as many tags as it can have. Take one out first."), "article")
        article.tags = [*article.tags, tag]
        article.updated_at = now()
        record("article.edited", article, by=by, tags=True)
    _decide(words, SETTLED, by, article)


def reopen(words: str) -> None:
    """Put searches of these words back on the list."""
    db.session.execute(delete(GapDecision).where(GapDecision.words == words))


def _decide(words: str, what: str, by: User, article: Article | None = None) -> None:
    row = db.session.scalar(select(GapDecision).where(GapDecision.words == words))
    if row is None:
        row = GapDecision(words=words)
        db.session.add(row)
    row.what, row.by_id, row.at = what, by.id, now()
    row.article_id = article.id if article is not None else None


def _languages(words: Sequence[str]) -> dict[str, tuple[str, ...]]:
    if not words:
        return {}
    rows: Sequence[Any] = db.session.execute(
        select(SearchMade.words, SearchMade.language)
        .where(SearchMade.words.in_(words), SearchMade.language != "")
        .distinct()
        .order_by(SearchMade.language)
    ).all()  # fmt: skip
    found: dict[str, tuple[str, ...]] = {}
    for row in rows:
        found[row.words] = (*found.get(row.words, ()), row.language)
    return found


@jobs.every("gaps.sweep", 86400)
def sweep() -> None:
    """Forget searches after half a year."""
    db.session.execute(
        delete(SearchMade)
        .where(SearchMade.at < now() - timedelta(days=KEPT_DAYS))
        .execution_options(synchronize_session=False)
    )

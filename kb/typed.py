"""What people type into the editor and have not saved: kept by the server, so that another computer has it too.

One row for a person and a place: a new article in a language (``new-en``) or an article (``article-12``). A page says
which state of the row it goes on from; where another window wrote meanwhile, nothing is replaced.
"""

import re
from collections.abc import Mapping
from datetime import datetime, timedelta

from sqlalchemy import delete, select

from accounts.models import User
from core import jobs
from core.db import db, now
from core.exceptions import NotNow
from core.i18n import _
from kb.articles import BODY_LENGTH
from kb.models import Article
from kb.writing_models import ArticleTyping

DAYS = 30
#: What is kept of the form, and how long it may be. The last three say what the text was made from.
FIELDS = {
    "title": 300, "summary": 1000, "body": BODY_LENGTH, "topic": 60, "tags": 1000, "visibility": 10, "language": 8,
    "slug": 120, "reason": 300, "significance": 10, "version": 10, "base": 10, "kept_version": 10,
}  # fmt: skip

_PLACE = re.compile(r"new-[a-z]{2,3}(-[a-z]{2,4})?|article-[1-9][0-9]{0,8}")


def place_of(article: Article | None, language: str = "") -> str:
    """Where somebody types: into an article, or into a new one in a language."""
    place = f"article-{article.id}" if article is not None else f"new-{language}"
    return place if is_place(place) else "new-en"


def is_place(place: str) -> bool:
    """Whether somebody can type there."""
    return _PLACE.fullmatch(place) is not None


def article_number(place: str) -> int:
    """The number of the article that a place names, 0 for a new one."""
    return int(place.removeprefix("article-")) if place.startswith("article-") else 0


def find(person: User, place: str) -> ArticleTyping | None:
    """What a person typed at a place, if anything is kept."""
    found: ArticleTyping | None = db.session.scalar(
        select(ArticleTyping).where(ArticleTyping.person_id == person.id, ArticleTyping.place == place)
    )
    return found


def mark_of(row: ArticleTyping | None) -> str:
    """What tells one state of what is kept from another, "" for nothing."""
    return row.at.isoformat() if row is not None else ""


def keep(person: User, place: str, fields: Mapping[str, str], *, after: str) -> ArticleTyping:
    """Keep what a person typed.

    :param after: the mark of what the page goes on from.
    :raises NotNow: if another window kept something meanwhile, which would be lost.
    """
    row = find(person, place)
    if mark_of(row) != after and row is not None:
        raise NotNow(_("You are writing this in another window too. What you type here is kept in this browser."))
    if row is None:
        row = ArticleTyping(person_id=person.id, place=place)
        db.session.add(row)
    row.fields = {
        name: str(fields[name]).replace("\r\n", "\n").replace("\x00", "")[:length]
        for name, length in FIELDS.items()
        if name in fields
    }
    row.at = now()
    db.session.flush()
    return row


def drop(person: User, place: str) -> None:
    """Forget what a person typed at a place: it is saved, or they threw it away."""
    db.session.execute(delete(ArticleTyping).where(ArticleTyping.person_id == person.id, ArticleTyping.place == place))


def uses() -> list[str]:
    """All texts that are kept, for whoever looks what they show."""
    return [str((row or {}).get("body", "")) for row in db.session.scalars(select(ArticleTyping.fields))]


@jobs.every("article_typing.sweep", 86400)
def sweep(moment: datetime | None = None) -> None:
    """Forget what nobody went on with for a month."""
    oldest = (moment or now()) - timedelta(days=DAYS)
    db.session.execute(delete(ArticleTyping).where(ArticleTyping.at < oldest))

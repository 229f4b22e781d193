"""What of the knowledge base wants care: links to nowhere, articles that nothing leads to, nobody's, overdue, no help.

Everything is read when it is asked for, without texts being loaded as objects: some 10,000 articles take a second.
"""

import html
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any
from urllib.parse import unquote, urlsplit

from flask import current_app
from sqlalchemy import ColumnElement, and_, or_, select

from core.db import db, now
from kb.includes import BROUGHT_IN
from kb.models import NEEDS_UPDATE, READABLE, RETIRED, VISIBILITIES, Answer, Article, ArticleFile
from kb.writing_models import ArticleAddress

MOST = 500
BATCH = 500

GONE, CLOSED, NARROWER, NO_SECTION = "gone", "closed", "narrower", "section"

_LINK = re.compile(r'\b(?:href|src)="([^"#?]*/(?:kb|answers)/[^"]*)"')
_SECTION = re.compile(r'\bhref="((?:[^"#?]*/kb/[^"#?]*)?)(?:\?[^"#]*)?#([^"]+)"')
_SET = re.compile(r'\bid="([^"]+)"')
_ARTICLE = re.compile(r"/kb/(?P<language>[a-z]{2,3}(?:-[a-z]{2,4})?)/(?P<slug>[^/?#]+)/?")
_FILE = re.compile(r"/kb/files/(?P<token>[0-9a-f]{32})/[^/]*")
_ANSWER = re.compile(r"/answers/(?P<slug>[^/?#]+)/?")
# Pages of the knowledge base that are no articles.
_PAGES = frozenset({"collections", "feedback", "files"})


@dataclass(frozen=True)
class Head:
    """As much of an article as a list needs."""

    id: int
    language: str
    slug: str
    title: str
    state: str
    visibility: str
    owner_id: int | None
    review_by: date | None
    helpful_count: int
    unhelpful_count: int


@dataclass(frozen=True)
class BrokenLink:
    """A link that some reader of an article cannot follow; ``why``: gone, closed (not published), narrower, or
    section (the article is there, but no such place in it).
    """

    article: Head
    target: str
    why: str


_COLUMNS = tuple(getattr(Article, name) for name in Head.__dataclass_fields__)


def broken_links(limit: int = MOST) -> list[BrokenLink]:
    """Links of articles that readers see which lead nowhere, to a text that is not published, or to one that fewer
    people may read than the article.
    """
    known = _Known()
    found: list[BrokenLink] = []
    elsewhere: list[tuple[BrokenLink, int, str]] = []
    for row, links, body in _texts():
        head = _head(row)
        for target, anchor in dict.fromkeys(_SECTION.findall(body)):
            link = BrokenLink(head, html.unescape(f"{target}#{anchor}"), NO_SECTION)
            number = known.article_at(html.unescape(target)) if target else row.id
            if number != row.id:
                elsewhere.append((link, number, anchor))
            elif not _is_set(anchor, set(_SET.findall(body))):
                found.append(link)
        for target, address in links.items():
            if not address and not target.startswith(BROUGHT_IN):
                found.append(BrokenLink(head, target, GONE))
        for target in dict.fromkeys(_LINK.findall(body)):
            if why := known.trouble(html.unescape(target), head.visibility):
                found.append(BrokenLink(head, html.unescape(target), why))
        if len(found) >= limit:
            return found[:limit]
    return [*found, *_without_section(elsewhere)][:limit]


def _without_section(links: list[tuple[BrokenLink, int, str]]) -> Iterator[BrokenLink]:
    """Those links whose place in another article is not there; where there is no article, that was said already."""
    numbers = sorted({number for _link, number, _anchor in links if number})
    places: dict[int, set[str]] = {}
    for begin in range(0, len(numbers), BATCH):
        wanted = Article.id.in_(numbers[begin : begin + BATCH]), Article.state.in_(READABLE)
        for number, body in db.session.execute(select(Article.id, Article.body_html).where(*wanted)):
            places[number] = set(_SET.findall(body))
    for link, number, anchor in links:
        if number in places and not _is_set(anchor, places[number]):
            yield link


def _is_set(anchor: str, places: set[str]) -> bool:
    # Browsers take an anchor as it is, and else without its percent signs.
    return anchor in places or html.escape(unquote(html.unescape(anchor))) in places


def orphans(limit: int = MOST) -> list[Head]:
    """Articles that readers see and that no other one of them links to, nor any collection holds."""
    from kb.collection_models import CollectionMember

    known = _Known()
    heads: dict[int, Head] = {}
    linked: set[int] = set(db.session.scalars(select(CollectionMember.article_id)))
    for row, _links, body in _texts():
        heads[row.id] = _head(row)
        for target in set(_LINK.findall(body)):
            number = known.article_at(html.unescape(target))
            if number != row.id:
                linked.add(number)
    # A translation is reached from its source.
    translated = set(db.session.scalars(select(Article.id).where(Article.source_id.is_not(None))))
    lonely = [head for number, head in heads.items() if number not in linked and number not in translated]
    return sorted(lonely, key=lambda head: (head.title.casefold(), head.id))[:limit]


def overdue(limit: int = MOST) -> list[Head]:
    """Articles that need an update, or whose day of review is past; the longest first."""
    return _list(
        or_(Article.state == NEEDS_UPDATE, Article.review_by < now().date()), Article.review_by.is_(None),
        Article.review_by, Article.updated_at, limit=limit,
    )  # fmt: skip


def ownerless(limit: int = MOST) -> list[Head]:
    """Articles that nobody cares for; the most read ones first, as far as their readers said anything."""
    said = Article.helpful_count + Article.unhelpful_count
    return _list(Article.owner_id.is_(None), said.desc(), Article.title, limit=limit)


def unhelpful(limit: int = MOST) -> list[Head]:
    """Articles of which more readers said that they did not help than that they did; the worst first."""
    return _list(
        and_(Article.unhelpful_count > 0, Article.unhelpful_count >= Article.helpful_count),
        (Article.unhelpful_count - Article.helpful_count).desc(), Article.title, limit=limit,
    )  # fmt: skip


def _list(condition: ColumnElement[bool], *order: Any, limit: int) -> list[Head]:
    statement = select(*_COLUMNS).where(Article.state.in_(READABLE), condition)
    return [_head(row) for row in db.session.execute(statement.order_by(*order, Article.id).limit(limit))]


def _head(row: Any) -> Head:
    return Head(*row[: len(_COLUMNS)])


def _texts() -> Iterator[tuple[Any, dict[str, str], str]]:
    """Every article that readers see, with its relative links and its laid out text, a batch at a time."""
    last = 0
    while True:
        rows = db.session.execute(
            select(*_COLUMNS, Article.links, Article.body_html)
            .where(Article.state.in_(READABLE), Article.id > last).order_by(Article.id).limit(BATCH)
        ).all()  # fmt: skip
        for row in rows:
            yield row, row.links or {}, row.body_html
        if len(rows) < BATCH:
            return
        last = rows[-1].id


class _Known:
    """What stands at the addresses of this site."""

    def __init__(self) -> None:
        base = urlsplit(current_app.config["BASE_URL"])
        self._host, self._root = base.netloc, base.path.rstrip("/")
        self._articles: dict[tuple[str, str], tuple[int, str, str]] = {}
        self._slugs: dict[str, tuple[int, str, str]] = {}
        rows = db.session.execute(
            select(
                Article.language, Article.slug, Article.id, Article.state, Article.visibility, Article.replaced_by_id
            )
        ).all()
        by_number = {row.id: row for row in rows}
        for row in rows:
            there = by_number.get(row.replaced_by_id) if row.state == RETIRED else None
            there = there or row
            found = (row.id, there.state, there.visibility)
            self._articles[row.language, row.slug] = found
            if there.state in READABLE:
                self._slugs.setdefault(row.slug, found)
        for old in db.session.execute(select(ArticleAddress.language, ArticleAddress.slug, ArticleAddress.article_id)):
            if (now_there := by_number.get(old.article_id)) is not None:
                found = (now_there.id, now_there.state, now_there.visibility)
                self._articles.setdefault((old.language, old.slug), found)
        self._answers = {
            row.slug: (0, row.state, row.visibility)
            for row in db.session.execute(select(Answer.slug, Answer.state, Answer.visibility))
        }
        self._files = set(db.session.scalars(select(ArticleFile.file_id)))

    def article_at(self, target: str) -> int:
        """The number of the article that a link leads to, 0 if it leads to none."""
        match = _ARTICLE.fullmatch(self._path(target))
        found = self._article(match) if match else None
        return found[0] if found else 0

    def trouble(self, target: str, visibility: str) -> str:
        """Why readers of an article of this visibility cannot follow a link, "" if they can or it is not ours."""
        path = self._path(target)
        if match := _FILE.fullmatch(path):
            return "" if match["token"] in self._files else GONE
        found: tuple[int, str, str] | None
        if match := _ANSWER.fullmatch(path):
            found = self._answers.get(match["slug"])
            # Where it was merged or taken back, its address says so, and leads to the other one.
            if found is not None and found[1] == "merged":
                return ""
        elif (match := _ARTICLE.fullmatch(path)) and match["slug"] not in _PAGES:
            found = self._article(match)
        else:
            return ""
        if found is None:
            return GONE
        if found[1] not in READABLE:
            return CLOSED
        return NARROWER if VISIBILITIES.index(found[2]) > VISIBILITIES.index(visibility) else ""

    def _article(self, match: re.Match[str]) -> tuple[int, str, str] | None:
        return self._articles.get((match["language"], match["slug"])) or self._slugs.get(match["slug"])

    def _path(self, target: str) -> str:
        """The path of a link below the root of the site, "" for what is elsewhere."""
        try:
            parts = urlsplit(target)
        except ValueError:
            return ""
        if (parts.scheme or parts.netloc) and (parts.scheme not in {"http", "https"} or parts.netloc != self._host):
            return ""
        if not parts.path.startswith(f"{self._root}/"):
            return ""
        return unquote(parts.path[len(self._root) :])

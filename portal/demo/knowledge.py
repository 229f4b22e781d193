"""What is going on in the knowledge base of the demonstration: collections, reviews, care, late translations."""

import hashlib
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.orm import undefer

from accounts.models import User
from core.db import db
from kb import articles, collections, workflow
from kb.models import IN_REVIEW, MAJOR, Article, Revision
from kb.pages import Details
from kb.sync_models import CHANGED, SyncConflict, SyncRun
from kb.writing_models import ArticleComment, ArticleReview


def load(document: Mapping[str, Any], cast: Mapping[str, User], moment: datetime) -> None:
    """Load it; the articles are there."""
    _collections(document["collections"], cast["bruno"])
    for item in document["care"]:
        _care(item, cast, moment)
    _draft(document["draft"], cast, moment)
    _change(document["change"], cast, moment)
    for item in document["changed"]:
        _changed(item, cast, moment)
    _conflict(document["conflict"], moment)
    db.session.flush()


def _find(slug: str) -> Article:
    statement = select(Article).where(Article.slug == slug, Article.source_id.is_(None))
    return db.session.scalars(statement.options(undefer(Article.body), undefer(Article.front_matter))).one()


def _collections(items: list[dict[str, Any]], by: User) -> None:
    known: dict[str, int] = {}
    for item in items:
        row = collections.write(
            collections.Words(
                title=item["title"], text=item["text"], slug=item["slug"], visibility=item["visibility"],
                parent_id=known.get(item.get("inside", "")),
            ), by=by,
        )  # fmt: skip
        known[row.slug] = row.id
        collections.put(row, [_find(slug).id for slug in item["articles"]], by=by)
        for language, words in item["titles"].items():
            collections.call(row, language, words["title"], words["text"], by=by)


def _care(item: dict[str, Any], cast: Mapping[str, User], moment: datetime) -> None:
    row, owner = _find(item["slug"]), cast[item["owner"]]
    workflow.care(row, owner=owner, review_by=(moment + timedelta(days=item["days"])).date(), by=owner)
    if item["days"] < 0:
        workflow.need_update(row, by=owner, reason=item["why"])
        row.reminded_at = moment - timedelta(days=-item["days"])


def _draft(item: dict[str, Any], cast: Mapping[str, User], moment: datetime) -> None:
    details = Details(
        title=item["title"], slug=item["slug"], topic=item["topic"], language=item["language"],
        tags=tuple(item["tags"]), summary=item["summary"], state="draft",
    )  # fmt: skip
    author = cast[item["by"]]
    row = articles.write(details, item["body"], by=author, reason=item["note"])
    workflow.ask_review(row, cast[item["reviewer"]], by=author, note=item["note"])
    at = moment - timedelta(days=item["days_ago"])
    row.created_at = row.updated_at = at
    for comment in item["comments"]:
        workflow.comment(row, comment["text"], line=comment["line"], by=cast[comment["by"]])
    _date_back(row, at)


def _change(item: dict[str, Any], cast: Mapping[str, User], moment: datetime) -> None:
    row, author = _find(item["slug"]), cast[item["by"]]
    body = row.body.replace(item["find"], item["instead"])
    workflow.keep_change(row, articles.details_of(row), body, by=author, reason=item["reason"])
    workflow.ask_review(row, cast[item["reviewer"]], by=author, note=item["note"])
    _date_back(row, moment - timedelta(days=item["days_ago"]), revisions=False)


def _changed(item: dict[str, Any], cast: Mapping[str, User], moment: datetime) -> None:
    row, at = _find(item["slug"]), moment - timedelta(days=item["days_ago"])
    revision = articles.edit(
        row, articles.details_of(row), row.body.rstrip() + "\n" + item["add"], by=cast[item["by"]],
        reason=item["reason"], significance=MAJOR,
    )  # fmt: skip
    if revision is not None:
        revision.at = row.updated_at = at


def _conflict(item: dict[str, Any], moment: datetime) -> None:
    row, at = _find(item["slug"]), moment - timedelta(days=item["days_ago"])
    ours = articles.as_file(row)
    first = row.body.strip().split("\n\n")[0]
    theirs = ours.replace(first, f"{first} Lots of it are not frameworks of their own.", 1)
    hashes = [hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest() for text in (ours, theirs)]
    db.session.add(
        SyncConflict(
            kind=CHANGED, path=articles.place_of(row), article_id=row.id, our_blob=hashes[0], their_blob=hashes[1],
            ours=ours, theirs=theirs, author=item["author"], message=item["message"], at=at,
        )
    )  # fmt: skip
    db.session.add(SyncRun(folder=item["folder"], head=hashes[1], at=at, pulled=3, written=2))


def _date_back(row: Article, at: datetime, *, revisions: bool = True) -> None:
    db.session.flush()
    db.session.execute(update(ArticleReview).where(ArticleReview.article_id == row.id).values(at=at))
    later = at + timedelta(hours=20)
    db.session.execute(update(ArticleComment).where(ArticleComment.article_id == row.id).values(at=later))
    if revisions and row.state == IN_REVIEW:
        db.session.execute(update(Revision).where(Revision.article_id == row.id).values(at=at))

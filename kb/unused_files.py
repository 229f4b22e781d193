"""Uploads that nothing shows are thrown away after a month: pictures of texts that were never saved, or put in twice.

Every text of the database that names a file uses it, of whatever part: articles with their versions and changes, what
is typed and not saved, past answers, tickets. Files of an imported folder stay: they came with it.
"""

import re
from datetime import datetime, timedelta

from flask import Flask
from sqlalchemy import JSON, Text, cast, exists, or_, select
from sqlalchemy.types import TypeDecorator

from core import files, jobs
from core.db import db, now
from core.files import StoredFile
from kb.models import ArticleFile, ArticleFileUse

DAYS = 30
MOST = 500
# Bytes that were written this lately may belong to a form that is not sent yet.
_REST = timedelta(days=2)
_NAMED = re.compile(r"/kb/files/([0-9a-f]{32})/")
_SOME = "%/kb/files/%"


def register(_app: Flask) -> None:
    """Importing this module is what tells the clock."""


@jobs.every("kb.unused_files", 86400)
def sweep() -> None:
    """Have the worker look; texts are many, so it is not done while others wait to write."""
    jobs.enqueue("kb.unused_files", key="kb.unused_files")


@jobs.job("kb.unused_files", slow=True)
def throw_away_unused() -> None:
    """Forget the uploads that nothing uses since a month, their bytes too where nothing else has the same."""
    throw_away(unused(now()))


def unused(moment: datetime) -> list[int]:
    """The uploads that were there for a month and that no text names."""
    old = dict(
        db.session.execute(
            select(ArticleFile.file_id, ArticleFile.id).join(StoredFile, StoredFile.id == ArticleFile.file_id)
            .where(ArticleFile.path == "", StoredFile.created_at < moment - timedelta(days=DAYS))
            .where(~exists().where(ArticleFileUse.article_file_id == ArticleFile.id))
            .order_by(ArticleFile.id).limit(MOST)
        ).all()  # type: ignore[arg-type] # Rows of two.
    )  # fmt: skip
    if old:
        for token in _named():
            old.pop(token, None)
    # What is read is read: the next statement may have to write.
    db.session.rollback()
    return list(old.values())


def throw_away(numbers: list[int]) -> None:
    """Forget some uploads; where something else has the same file, only that they belong to the knowledge base."""
    for row in db.session.scalars(select(ArticleFile).where(ArticleFile.id.in_(numbers))).all():
        stored = row.file
        db.session.delete(row)
        db.session.flush()
        if not _has_other_owner(stored):
            jobs.enqueue("kb.forget_bytes", hashes=[each for each in (stored.sha256, stored.picture_sha256) if each])
            db.session.delete(stored)
            db.session.flush()


@jobs.job("kb.forget_bytes")
def forget_bytes(hashes: list[str]) -> None:
    """Remove content from the disk that no row names any more."""
    for each in hashes:
        path = files.path_of(each)
        named = select(StoredFile.id).where(or_(StoredFile.sha256 == each, StoredFile.picture_sha256 == each)).limit(1)
        if db.session.scalar(named) is None and path.exists():
            if now().timestamp() - path.stat().st_mtime < _REST.total_seconds():
                raise jobs.Later(_REST.total_seconds(), "somebody may be sending the same file just now")
            path.unlink(missing_ok=True)


def _named() -> set[str]:
    """The files that any text names."""
    found: set[str] = set()
    for table in db.metadata.sorted_tables:
        for column in table.columns:
            kind = column.type.impl if isinstance(column.type, TypeDecorator) else column.type
            if isinstance(kind, Text | JSON):
                text = cast(column, Text) if isinstance(kind, JSON) else column
                rows = db.session.scalars(select(text).where(text.like(_SOME)).execution_options(yield_per=200))
                for value in rows:
                    found.update(_NAMED.findall(value))
    return found


def _has_other_owner(stored: StoredFile) -> bool:
    for table in db.metadata.sorted_tables:
        for key in table.foreign_keys:
            if key.column.table.name == StoredFile.__tablename__:
                own = select(key.parent).where(key.parent == stored.id).limit(1)
                if db.session.scalar(own) is not None:
                    return True
    return False

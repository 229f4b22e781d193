"""Pictures and files of articles: as open as the most open article that shows them."""

import re
from collections.abc import Iterable
from typing import IO

from sqlalchemy import delete, select

from core import files
from core.db import db
from core.files import StoredFile
from kb.models import READABLE, STAFF, VISIBILITIES, Article, ArticleFile, ArticleFileUse
from kb.slugs import file_path

_SHOWN = re.compile(r"/kb/files/([0-9a-f]{32})/")


def add(source: bytes | IO[bytes], filename: str, *, path: str = "", limit: int | None = None) -> ArticleFile:
    """Keep a file; until an article shows it, only staff can load it.

    :param path: its place in an imported folder.
    :raises TooLarge: if it is over the limit.
    """
    return adopt(files.save(source, filename, limit=limit), path=path)


def adopt(stored: StoredFile, *, path: str = "") -> ArticleFile:
    """Make a stored file one of the knowledge base; until an article shows it, only staff can load it."""
    row = ArticleFile(file=stored, path=path, visibility=STAFF)
    db.session.add(row)
    db.session.flush()
    return row


def markdown_for(row: ArticleFile) -> str:
    """What puts a file into a text: a picture, or a link."""
    name = " ".join(re.sub(r"[^\w.,' -]", " ", row.file.filename).split()) or row.file_id
    address = file_path(row.file_id, row.file.filename).replace("(", "%28").replace(")", "%29")
    return f"![{name}]({address})" if shows(row.file) else f"[{name}]({address})"


def shows(file: StoredFile) -> bool:
    """Whether a file can be shown inside a text."""
    return file.is_picture or file.content_type == "image/svg+xml"


def tokens(html: str) -> set[str]:
    """The files that a text shows or links to."""
    return set(_SHOWN.findall(html))


def note_uses(article: Article, html: str) -> None:
    """Remember which files an article shows, and open or close those that it showed before or shows now."""
    shown = tokens(html)
    # What a text brings in is not always a link as well.
    brought_in = tokens(" ".join(str(address) for address in (article.links or {}).values()))
    known = dict(
        db.session.execute(
            select(ArticleFile.id, ArticleFile.file_id).where(ArticleFile.file_id.in_(shown | brought_in))
        ).all()  # type: ignore[arg-type] # Rows of two.
    )
    uses = db.session.scalars(select(ArticleFileUse).where(ArticleFileUse.article_id == article.id)).all()
    before = {use.article_file_id for use in uses}
    gone = before - known.keys()
    if gone:
        db.session.execute(
            delete(ArticleFileUse).where(
                ArticleFileUse.article_id == article.id, ArticleFileUse.article_file_id.in_(gone)
            )
        )
    for number in known.keys() - before:
        db.session.add(ArticleFileUse(article_id=article.id, article_file_id=number))
    open_or_close(before | known.keys())


def follow(article: Article) -> None:
    """Open or close the files of an article whose state or visibility has changed."""
    numbers = db.session.scalars(
        select(ArticleFileUse.article_file_id).where(ArticleFileUse.article_id == article.id)
    ).all()
    open_or_close(numbers)


def open_or_close(numbers: Iterable[int]) -> None:
    """Give files the visibility of the most open published article that shows them."""
    wanted = set(numbers)
    if not wanted:
        return
    db.session.flush()
    rows = db.session.execute(
        select(ArticleFileUse.article_file_id, Article.visibility)
        .join(Article, Article.id == ArticleFileUse.article_id)
        .where(ArticleFileUse.article_file_id.in_(wanted), Article.state.in_(READABLE))
    ).all()
    shown: dict[int, set[str]] = {}
    for number, visibility in rows:
        shown.setdefault(number, set()).add(visibility)
    for file in db.session.scalars(select(ArticleFile).where(ArticleFile.id.in_(wanted))):
        open_to = shown.get(file.id, {STAFF})
        file.visibility = next(visibility for visibility in VISIBILITIES if visibility in open_to)

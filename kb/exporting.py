"""All articles as a folder of Markdown files and pictures: what `kb.importing` takes, byte for byte what it took."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path, PurePosixPath

from sqlalchemy import exists, select
from sqlalchemy.orm import undefer

from core import files
from core.db import db
from core.i18n import _
from kb import articles
from kb.importing import CREATED, PROBLEM, UNCHANGED, UPLOADS, Line
from kb.models import Article, ArticleFile, ArticleFileUse

_NAME_BYTES = 180


def export_folder(folder: Path, *, begin: Callable[[int], None] = lambda _count: None) -> Iterator[Line]:
    """Write all articles, whatever their state, and the files that they show; a line for each.

    :param begin: told how many there are, before the first is written.
    """
    root = folder.resolve()
    root.mkdir(parents=True, exist_ok=True)
    statement = select(Article.id).order_by(Article.source_path == "", Article.source_path, Article.id)
    numbers = list(db.session.scalars(statement))
    used = exists().where(ArticleFileUse.article_file_id == ArticleFile.id)
    rows: list[ArticleFile] = list(
        db.session.scalars(select(ArticleFile).where(used).order_by(ArticleFile.path, ArticleFile.file_id))
    )
    begin(len(numbers) + len(rows))
    taken: set[str] = set()
    for number in numbers:
        article = db.session.get_one(Article, number, options=[undefer(Article.body), undefer(Article.front_matter)])
        path = _free_path(articles.place_of(article), taken)
        yield _write(root, path, articles.as_file(article).encode())
        db.session.expunge(article)
    for row in rows:
        yield _write(root, file_path_of(row), files.read(row.file))


def file_path_of(row: ArticleFile) -> str:
    """Where a picture or file stands in the folder that all make up."""
    return row.path or f"{UPLOADS}/{row.file_id}/{_file_name(row.file.filename)}"


def _free_path(path: str, taken: set[str]) -> str:
    """A path that no other article has, not even in another case, for disks that do not tell them apart."""
    stem, number = path.removesuffix(".md"), 2
    while path.casefold() in taken:
        path = f"{stem}-{number}.md"
        number += 1
    taken.add(path.casefold())
    return path


def _file_name(name: str) -> str:
    name = re.sub(r"[/\\\x00]", "_", name)
    name = f"file{name}" if name.startswith(".") else name
    stem, dot, ending = name.rpartition(".")
    if len(name.encode()) <= _NAME_BYTES:
        return name
    return (stem or ending).encode()[: _NAME_BYTES - 20].decode("utf-8", "ignore") + (f"{dot}{ending}" if stem else "")


def _write(root: Path, path: str, content: bytes) -> Line:
    target = root / path
    if PurePosixPath(path).is_absolute() or ".." in PurePosixPath(path).parts:
        return Line(path, PROBLEM, _("This path leads out of the folder."))
    try:
        if not target.parent.resolve().is_relative_to(root) or target.is_symlink():
            return Line(path, PROBLEM, _("This link leads out of the folder."))
        if target.is_file() and target.read_bytes() == content:
            return Line(path, UNCHANGED)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)
    except OSError as error:
        return Line(path, PROBLEM, _("The file cannot be written: %(problem)s.", problem=error.strerror or ""))
    return Line(path, CREATED)

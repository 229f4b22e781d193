"""What was changed here as commits: one for each article, with the files that it shows."""

from collections.abc import Mapping

from sqlalchemy import select

from core import files
from core.db import db, now
from core.exceptions import Refused
from kb import pages
from kb.exporting import file_path_of
from kb.git_repository import Blob, Repository
from kb.models import Article, ArticleFile, ArticleFileUse, Revision


def write(
    repository: Repository, parent: str, row: Article, path: str, content: bytes, *, prefix: str,
    tree: Mapping[str, Blob], committer: tuple[str, str],
) -> str:  # fmt: skip
    """Write a commit in the name of whoever changed an article last. Returns its hash; no branch moves.

    :param path: of its page among those of the documentation, which stands below ``prefix``.
    :param tree: what the repository has.
    """
    revision = db.session.scalar(
        select(Revision).where(Revision.article_id == row.id).order_by(Revision.number.desc()).limit(1)
    )
    author = revision.author if revision is not None else None
    at = revision.at if revision is not None else now()
    message = (revision.reason if revision is not None else "") or row.title
    if _says_the_same(repository, row, tree.get(prefix + path)):
        author, at, message = None, now(), f"State, order or place: {row.title}"
    site, address = committer
    own = address.replace("@", f"+{author.id}@") if author is not None else address
    changes = {prefix + path: content, **_files_of(row, prefix, tree)}
    return repository.commit(
        parent, changes, author=(author.name if author is not None else site, own), at=at, committer=committer,
        message=f"{message}\n",
    )  # fmt: skip


def is_made(row: Article) -> bool:
    """Whether an article comes from a catalogue of translations and nobody changed it here."""
    if not (row.front_matter or {}).get("made_from"):
        return False
    authors = select(Revision.author_id).where(Revision.article_id == row.id, Revision.author_id.is_not(None))
    return db.session.scalar(authors.limit(1)) is None


def _says_the_same(repository: Repository, row: Article, blob: Blob | None) -> bool:
    """Whether what differs from the page in the repository is nothing that a version of the article has."""
    content = repository.read([blob.sha]).get(blob.sha, b"") if blob is not None else b""
    try:
        page = pages.read("page.md", content.decode("utf-8"), language=row.language)
    except (Refused, UnicodeDecodeError):
        return False
    return (row.title, row.summary, row.body) == (page.details.title, page.details.summary, page.body)


def _files_of(row: Article, prefix: str, tree: Mapping[str, Blob]) -> dict[str, bytes]:
    """The pictures and files of an article that the repository has not."""
    used = (
        select(ArticleFile).join(ArticleFileUse, ArticleFileUse.article_file_id == ArticleFile.id)
        .where(ArticleFileUse.article_id == row.id)
    )  # fmt: skip
    return {
        prefix + path: files.read(file.file)
        for file in db.session.scalars(used)
        if prefix + (path := file_path_of(file)) not in tree
    }

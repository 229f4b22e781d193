"""Where the links of an article lead: to other articles and to files, by their places in one folder.

An article that was written here stands in that folder too, as ``en/its-slug.md``: so it can be exported, and links
to it can be written as to any file.
"""

import posixpath
from collections.abc import Iterable
from urllib.parse import unquote, urlsplit

from sqlalchemy import select

from core.db import db
from kb.models import Article, ArticleFile
from kb.pages import path_of
from kb.slugs import article_path, file_path

# Anchors of articles have this prefix, lest a text takes the id of something on the page.
ANCHOR = "h-"


class Places:
    """What stands at which path. Read from the database when first needed."""

    def __init__(self) -> None:
        self._pages: dict[str, str] | None = None
        self._files: dict[str, str] | None = None

    def page(self, path: str) -> str:
        """The address of the article at a path, "" if there is none."""
        if self._pages is None:
            # Where two claim a place, the one that came from a file has it.
            statement = select(Article.language, Article.slug, Article.source_path).order_by(Article.source_path != "")
            rows = db.session.execute(statement).all()
            self._pages = {
                source or path_of(language, slug): article_path(language, slug) for language, slug, source in rows
            }
        return self._pages.get(path, "")

    def file(self, path: str) -> str:
        """The address of the file at a path, "" if there is none."""
        if self._files is None:
            rows = db.session.scalars(select(ArticleFile).where(ArticleFile.path != "")).all()
            self._files = {row.path: file_path(row.file_id, row.file.filename) for row in rows}
        return self._files.get(path, "")

    def resolve_all(self, targets: Iterable[str], source: str) -> dict[str, str]:
        """The addresses of those links that are relative, or mean something in the folder; "" leads nowhere."""
        resolved = {}
        for target in targets:
            address = self.resolve(target, source)
            if address is not None:
                resolved[target] = address
        return resolved

    def resolve(self, target: str, source: str) -> str | None:
        """The address that a link stands for.

        :param target: the link as it is written in the article at the path ``source``.
        :return: None if it stands for itself; "" if it is relative and leads nowhere.
        """
        try:
            parts = urlsplit(target)
        except ValueError:
            return None
        if parts.scheme or parts.netloc or target.startswith("//") or not parts.path:
            return None
        path = unquote(parts.path)
        is_rooted = path.startswith("/")
        # As in addresses of the web, “..” leads no higher than the top of the folder.
        place = posixpath.normpath(posixpath.join("/", posixpath.dirname(source), path)).lstrip("/")
        address = self._at(place) if "\x00" not in place else ""
        if not address:
            return None if is_rooted else ""
        is_page = "/kb/files/" not in address
        anchor = parts.fragment.removeprefix(ANCHOR)
        return f"{address}#{ANCHOR}{anchor}" if anchor and is_page else address

    def _at(self, place: str) -> str:
        stem = place.removesuffix(".html")
        for path in (place, f"{stem}.md", f"{stem}/index.md", f"{stem}/README.md"):
            if path.endswith(".md") and (address := self.page(path)):
                return address
        return self.page("index.md") if not place else self.file(place)

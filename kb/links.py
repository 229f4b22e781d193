"""Where the links of an article lead: to other articles and to files, by their places in one folder.

An article that was written here stands in that folder too, as ``en/its-slug.md``: so it can be exported, and links
to it can be written as to any file. In a folder of translations (``es/guide/map.md``) a link may lead to what stands
beside the source instead (``guide/map.md``): pictures are seldom translated, and not every page is.
"""

import posixpath
from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

from sqlalchemy import select
from sqlalchemy.orm import undefer

from core import files
from core.db import db
from core.inclusions import Problem
from kb.models import READABLE, VISIBILITIES, Article, ArticleFile
from kb.pages import is_known_language, path_of
from kb.slugs import article_path, file_path

# Anchors of articles have this prefix, lest a text takes the id of something on the page.
ANCHOR = "h-"
LARGEST_TEXT = 2 * 1024 * 1024


@dataclass(frozen=True)
class Target:
    """A link taken apart: the places that it may stand for, the best first.

    ``is_rooted`` says that it begins at the top; ``is_outside`` that it climbs out of the folder, so that “..” at the
    top of it counts for nothing.
    """

    places: tuple[str, ...]
    anchor: str
    is_rooted: bool
    is_outside: bool


def target_of(target: str, source: str) -> Target | None:
    """Take a link apart that is written in the article at the path ``source``; None if it stands for itself."""
    try:
        parts = urlsplit(target)
    except ValueError:
        return None
    if parts.scheme or parts.netloc or target.startswith("//") or not parts.path:
        return None
    path = unquote(parts.path)
    is_rooted = path.startswith("/")
    # As in addresses of the web, “..” leads no higher than the top of the folder.
    joined = posixpath.join("/", posixpath.dirname(source), path)
    is_outside = posixpath.normpath(joined.lstrip("/")).split("/")[0] == ".."
    place = posixpath.normpath(joined).lstrip("/")
    if "\x00" in place:
        return Target((), "", is_rooted, is_outside)
    folder, _slash, rest = place.partition("/")
    own, _slash, _rest = source.partition("/")
    if is_known_language(folder) and rest:
        places: tuple[str, ...] = (place, rest)
    elif is_known_language(own) and is_rooted:
        places = (f"{own}/{place}", place)
    else:
        places = (place,)
    return Target(places, parts.fragment.removeprefix(ANCHOR), is_rooted, is_outside)


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

    def text(self, path: str, visibility: str) -> str | None:
        """What the text file or the article at a path says, for an article of this visibility; None if it cannot be.

        What fewer people may read than the article is not brought into it.
        """
        row = self._article(path) if path.lower().endswith(".md") else None
        if row is not None:
            return row.body if _is_open(row.state, row.visibility, visibility) else None
        file = db.session.scalar(select(ArticleFile).where(ArticleFile.path == path))
        if file is None or file.file.size > LARGEST_TEXT:
            return None
        return decoded(files.read(file.file))

    def note(self, place: str, problems: tuple[Problem, ...]) -> None:
        """Told what the article at a place could not bring in."""

    def title(self, path: str, visibility: str) -> str:
        """The title of the article at a path, for an article of this visibility; "" if there is none to be told."""
        row = self._article(path)
        return row.title if row is not None and _is_open(row.state, row.visibility, visibility) else ""

    def labelled(self, label: str, visibility: str) -> tuple[str, str]:
        """The place of the article that sets a label, and the heading that it stands at, for an article of this
        visibility; two times "" if there is none to be told.
        """
        marks = (f"({label})=", f".. _{label}:")
        for mark in marks:
            found = select(Article).where(Article.body.contains(mark, autoescape=True)).options(undefer(Article.body))
            for row in db.session.scalars(found.order_by(Article.source_path, Article.id).limit(5)):
                is_open = _is_open(row.state, row.visibility, visibility)
                if is_open and (title := title_at(row.body, label)):
                    return row.source_path or path_of(row.language, row.slug), title
        return "", ""

    def _article(self, path: str) -> Article | None:
        statement = select(Article).where(Article.source_path == path)
        row = db.session.scalar(statement.options(undefer(Article.body)).limit(1))
        folder, _slash, name = path.partition("/")
        if row is not None or "/" in name:
            return row
        written = select(Article).where(Article.source_path == "", Article.language == folder)
        return db.session.scalar(
            written.where(Article.slug == name.removesuffix(".md")).options(undefer(Article.body)).limit(1)
        )

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
        taken = target_of(target, source)
        if taken is None:
            return None
        address = next(filter(None, (self._at(place) for place in taken.places)), "")
        if not address:
            return None if taken.is_rooted else ""
        is_page = "/kb/files/" not in address
        return f"{address}#{ANCHOR}{taken.anchor}" if taken.anchor and is_page else address

    def page_at(self, place: str) -> str:
        """The path of the article that a place stands for, with or without its ending; "" if there is none."""
        stem = place.removesuffix(".html")
        for path in (place, f"{stem}.md", f"{stem}/index.md", f"{stem}/README.md"):
            if path.endswith(".md") and self.page(path):
                return path
        tops = ("index.md", "README.md") if place in {"", "."} else ()
        return next((path for path in tops if self.page(path)), "")

    def _at(self, place: str) -> str:
        path = self.page_at(place)
        return self.page(path) if path else self.file(place)


def _is_open(state: str, visibility: str, to: str) -> bool:
    """Whether an article with this state and visibility is open to all who may read those of the visibility ``to``."""
    return state in READABLE and VISIBILITIES.index(visibility) <= VISIBILITIES.index(to)


def title_at(body: str, label: str) -> str:
    """The heading that a label stands at in a text, else the label as words; "" if the text does not set it."""
    is_set = False
    for line in body.split("\n"):
        if is_set and line.strip():
            return line.strip("# \t") if line.startswith("#") else label.replace("-", " ").replace("_", " ")
        is_set = is_set or line.strip() in {f"({label})=", f".. _{label}:"}
    return label if is_set else ""


def decoded(content: bytes) -> str | None:
    """Text of a file in UTF-8, None if it is not that."""
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return None
    return None if "\x00" in text else text.replace("\r\n", "\n")

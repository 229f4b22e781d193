"""A folder of Markdown files and pictures, brought in as articles.

Files are matched with articles by their place in the folder, so the same folder can come again: what did not change is
left alone. One bad file never stops the others. Nothing is committed here: `steps` yields after each file.
"""

import hashlib
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.orm import undefer

from accounts.models import User
from core import files
from core.db import db
from core.exceptions import HelpdeskError, Refused
from core.files import StoredFile
from core.i18n import _
from kb import article_files, articles, pages
from kb.links import Places
from kb.models import Article, ArticleFile
from kb.pages import Page
from kb.slugs import article_path, file_path, unique

LARGEST = 2 * 1024 * 1024
PATH_LENGTH = 500
# Uploaded files stand here in an exported folder, each under its token, so that links to them go on working.
UPLOADS = "_files"
SKIPPED_FOLDERS = frozenset({"node_modules", "__pycache__", UPLOADS})

CREATED, CHANGED, UNCHANGED, PROBLEM = "created", "changed", "unchanged", "problem"


@dataclass(frozen=True)
class Line:
    """What became of one file: created, changed, unchanged or problem, with a sentence if there is more to say."""

    path: str
    outcome: str
    sentence: str = ""


@dataclass
class Report:
    """What became of all files."""

    lines: list[Line] = field(default_factory=list)

    @property
    def failed(self) -> bool:
        """Whether any file could not be brought in."""
        return any(line.outcome == PROBLEM for line in self.lines)

    def count(self, outcome: str) -> int:
        """How many files had this outcome."""
        return sum(line.outcome == outcome for line in self.lines)


def import_folder(folder: Path, *, by: User | None, language: str = "en") -> Report:
    """Bring a folder in, whole.

    :param language: of files that say nothing of it.
    """
    return Report(list(steps(folder, by=by, language=language)))


def steps(
    folder: Path, *, by: User | None, language: str = "en", begin: Callable[[int], None] = lambda _count: None
) -> Iterator[Line]:
    """Bring a folder in, file by file: all files are read first, so that links to later ones work.

    :param begin: told how many files there are, before the first is brought in.
    """
    root = folder.resolve()
    problems: list[Line] = []
    paths = list(_walk(root, problems))
    begin(len(paths) + len(problems))
    yield from problems
    plan = _Plan(root, language)
    for path in paths:
        plan.read(path)
    plan.give_slugs()
    yield from plan.problems
    places = _FolderPlaces(root, plan)
    for path, page in sorted(plan.pages.items()):
        try:
            with db.session.begin_nested():
                line = _bring_in(page, plan.known.get(path), places, by)
        except HelpdeskError as error:
            line = Line(path, PROBLEM, str(error))
        yield line
        yield from places.take_problems()


def _walk(root: Path, problems: list[Line]) -> Iterator[str]:
    """The Markdown files, by path; links that lead out of the folder are refused."""
    for folder, names, file_names in os.walk(root):
        here = Path(folder)
        for name in sorted(names):
            if (here / name).is_symlink() and not _is_inside(here / name, root):
                problems.append(Line(_relative(here / name, root), PROBLEM, _("This link leads out of the folder.")))
        names[:] = sorted(name for name in names if not name.startswith(".") and name not in SKIPPED_FOLDERS)
        for name in sorted(file_names):
            if name.startswith(".") or not name.lower().endswith(".md"):
                continue
            path = _relative(here / name, root)
            if not _is_inside(here / name, root):
                problems.append(Line(path, PROBLEM, _("This link leads out of the folder.")))
            else:
                yield path


def _relative(path: Path, root: Path) -> str:
    return os.fsencode(path.relative_to(root).as_posix()).decode("utf-8", "replace")


def _is_inside(path: Path, root: Path) -> bool:
    try:
        return path.resolve(strict=True).is_relative_to(root)
    except (OSError, RuntimeError):
        return False


class _Plan:
    """Which file becomes which article, before any is written."""

    def __init__(self, root: Path, language: str) -> None:
        self.root = root
        self.language = language
        self.pages: dict[str, Page] = {}
        self.problems: list[Line] = []
        # The articles that files belong to already, by path of the file.
        self.known: dict[str, Article] = {}
        wanted = [Article.body, Article.links, Article.front_matter, Article.body_html]
        rows = db.session.scalars(select(Article).options(*(undefer(column) for column in wanted))).all()
        self._by_path = {row.source_path: row for row in rows if row.source_path}
        self._by_address = {(row.language, row.slug): row for row in rows}
        self.all_places = {articles.place_of(row): (row.language, row.slug) for row in rows}

    def read(self, path: str) -> None:
        """Read one file, and note what is wrong with it."""
        try:
            if len(path) > PATH_LENGTH:
                raise Refused(_("The path is longer than %(count)s characters.", count=PATH_LENGTH))
            self.pages[path] = pages.read(path, _text(self.root / path), language=self.language)
        except Refused as error:
            self.problems.append(Line(path, PROBLEM, str(error)))

    def give_slugs(self) -> None:
        """Give each file an address: first those that name theirs, then the rest, made unique."""
        taken = {address: articles.place_of(row) for address, row in self._by_address.items()}
        for path in sorted(self.pages, key=lambda path: (not self.pages[path].has_slug, path)):
            page = self.pages[path]
            row = self._by_path.get(path) or self._same_article(page)
            details = page.details
            if not page.has_slug:
                details = replace(details, slug=self._slug(page, row, taken))
            address = (details.language, details.slug)
            owner = taken.get(address, path)
            if owner != path and (row is None or owner != articles.place_of(row)):
                sentence = _("The address “%(slug)s” belongs to %(path)s.", slug=details.slug, path=owner)
                self.problems.append(Line(path, PROBLEM, sentence))
                del self.pages[path]
                continue
            if row is not None:
                taken.pop((row.language, row.slug), None)
                self.known[path] = row
                self.all_places.pop(articles.place_of(row), None)
            taken[address] = path
            self.all_places[path] = address
            self.pages[path] = replace(page, details=details)

    def _same_article(self, page: Page) -> Article | None:
        """An article at the address that the file names: written here, or come from a file that is no longer there."""
        row = self._by_address.get((page.details.language, page.details.slug)) if page.has_slug else None
        return row if row is not None and (not row.source_path or row.source_path not in self.pages) else None

    def _slug(self, page: Page, row: Article | None, taken: dict[tuple[str, str], str]) -> str:
        details = page.details
        if row is not None and row.language == details.language:
            base, _hyphen, number = row.slug.rpartition("-")
            if row.slug == details.slug or (base == details.slug and number.isdigit()):
                return row.slug
        return unique(details.slug, {slug for language, slug in taken if language == details.language})


def _text(path: Path) -> str:
    """The text of a file, character for character.

    :raises Refused: if it cannot be read, is too large or is not UTF-8.
    """
    try:
        if path.stat().st_size > LARGEST:
            raise Refused(_("The file is larger than %(megabytes)s MB.", megabytes=LARGEST // (1024 * 1024)))
        text = path.read_bytes().decode("utf-8")
    except OSError as error:
        raise Refused(_("The file cannot be read: %(problem)s.", problem=error.strerror or "")) from None
    except UnicodeDecodeError as error:
        raise Refused(_("The file is not UTF-8 (byte %(position)s).", position=error.start)) from None
    if "\x00" in text:
        raise Refused(_("The file contains a character that cannot be kept."))
    return text


class _FolderPlaces(Places):
    """Places in the folder that is brought in; a file is taken in when the first link to it is met."""

    def __init__(self, root: Path, plan: _Plan) -> None:
        super().__init__()
        self._root = root
        self._pages = {path: article_path(*address) for path, address in plan.all_places.items()}
        self._met: dict[str, str] = {}
        self._rows = {row.path: row for row in db.session.scalars(select(ArticleFile).where(ArticleFile.path != ""))}
        self._tokens = set(db.session.scalars(select(StoredFile.id).join(ArticleFile)))
        self._problems: list[Line] = []

    def take_problems(self) -> list[Line]:
        """What was wrong with files since last asked."""
        problems, self._problems = self._problems, []
        return problems

    def file(self, path: str) -> str:
        """The address of a file of the folder, "" if there is none."""
        if path not in self._met:
            self._met[path] = self._take_in(path)
        return self._met[path]

    def take_in_uploads(self, body: str) -> None:
        """Take in those files that a text shows by their token, and that came with the folder."""
        for token in sorted(article_files.tokens(body)):
            folder = self._root / UPLOADS / token
            if token in self._tokens or not folder.is_dir():
                continue
            self._tokens.add(token)
            for path in sorted(folder.iterdir())[:1]:
                if path.is_file() and _is_inside(path, self._root) and (content := self._content(path)) is not None:
                    stored = files.save(content, path.name)
                    # The token is part of the texts that show it.
                    stored.id = token
                    db.session.flush()
                    db.session.add(ArticleFile(file=stored))
                    db.session.flush()

    def _take_in(self, path: str) -> str:
        full = self._root / path
        known = self._rows.get(path)
        hidden = len(path) > PATH_LENGTH or any(part.startswith(".") for part in path.split("/"))
        if hidden or path.lower().endswith(".md") or not full.is_file():
            return file_path(known.file_id, known.file.filename) if known is not None and not hidden else ""
        if not _is_inside(full, self._root):
            self._problems.append(Line(path, PROBLEM, _("This link leads out of the folder.")))
            return ""
        content = self._content(full)
        if content is None:
            return ""
        if known is None:
            known = self._rows[path] = article_files.add(content, full.name, path=path)
        elif known.file.sha256 != hashlib.sha256(content).hexdigest():
            known.file = files.save(content, full.name)
            db.session.flush()
        return file_path(known.file_id, known.file.filename)

    def _content(self, path: Path) -> bytes | None:
        relative = _relative(path, self._root)
        try:
            if path.stat().st_size > files.limit_bytes():
                sentence = _(
                    "The file is larger than %(megabytes)s MB.", megabytes=files.limit_bytes() // (1024 * 1024)
                )
                self._problems.append(Line(relative, PROBLEM, sentence))
                return None
            return path.read_bytes()
        except OSError as error:
            sentence = _("The file cannot be read: %(problem)s.", problem=error.strerror or "")
            self._problems.append(Line(relative, PROBLEM, sentence))
            return None


def _bring_in(page: Page, row: Article | None, places: _FolderPlaces, by: User | None) -> Line:
    places.take_in_uploads(page.body)
    reason = _("From the file %(path)s", path=page.path)
    source = articles.Source(page.path, page.head, page.others)
    if row is None:
        row = articles.write(page.details, page.body, by=by, reason=reason, source=source, places=places)
        return Line(page.path, CREATED, _remarks(row))
    if page.path == articles.place_of(row) and page.head + page.body == articles.as_file(row):
        # As it would be exported: at most its links lead elsewhere by now.
        return Line(page.path, CHANGED, _remarks(row)) if articles.refresh(row, places) else Line(page.path, UNCHANGED)
    articles.edit(row, page.details, page.body, by=by, reason=reason, source=source, places=places)
    articles.set_state(row, page.details.state, by=by)
    return Line(page.path, CHANGED, _remarks(row))


def _remarks(row: Article) -> str:
    remarks = []
    dead = sorted(target for target, address in (row.links or {}).items() if not address)
    if dead:
        remarks.append(_("Links that lead nowhere: %(links)s.", links=", ".join(dead)))
    if row.is_plain:
        remarks.append(_("The text is too complicated to be laid out, and is shown as it was written."))
    return " ".join(remarks)

"""Which file of a folder becomes which article, before any is written: addresses, translations, labels."""

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from sqlalchemy import select
from sqlalchemy.orm import undefer

from core import directives
from core.db import db
from core.exceptions import Refused
from core.i18n import _, language_name
from kb import articles, catalogues, pages
from kb.folders import PATH_LENGTH, Folder
from kb.links import title_at
from kb.models import DRAFT, Article
from kb.pages import Page
from kb.slugs import is_language, unique

# A page of which less is translated is no translation; below half it is a draft for a translator.
LEAST_SHARE, READABLE_SHARE = 0.05, 0.5

_CATALOGUE = re.compile(
    r"^(?P<base>(?:[^/]+/){0,3}?)(?:[^/]+/)(?P<language>[A-Za-z]{2,3}(?:[_-][A-Za-z]{2,4})?)/LC_MESSAGES/(?P<name>.+)\.po$"
)


@dataclass(frozen=True)
class Made:
    """A page that is made from another one and a catalogue of translations."""

    source: str
    catalogue: str
    mark: str
    share: float


@dataclass(frozen=True)
class Trouble:
    """What is wrong with one file."""

    path: str
    sentence: str


@dataclass
class Plan:
    """The pages of a folder by path. ``known`` are the articles that files belong to already; ``made`` the pages that
    come from catalogues.
    """

    folder: Folder
    language: str
    pages: dict[str, Page] = field(default_factory=dict)
    troubles: list[Trouble] = field(default_factory=list)
    known: dict[str, Article] = field(default_factory=dict)
    made: dict[str, Made] = field(default_factory=dict)
    labels: dict[str, tuple[str, str]] = field(default_factory=dict)
    remarks: dict[str, list[str]] = field(default_factory=dict)
    all_places: dict[str, tuple[str, str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        wanted = [Article.body, Article.links, Article.front_matter, Article.body_html]
        rows = db.session.scalars(select(Article).options(*(undefer(column) for column in wanted))).all()
        self._by_path = {row.source_path: row for row in rows if row.source_path}
        self._by_address = {(row.language, row.slug): row for row in rows}
        self.all_places = {articles.place_of(row): (row.language, row.slug) for row in rows}

    def read(self, paths: Iterable[str]) -> None:
        """Read files, and note what is wrong with them."""
        by_name: dict[str, str] = {}
        for path in paths:
            try:
                if len(path) > PATH_LENGTH:
                    raise Refused(_("The path is longer than %(count)s characters.", count=PATH_LENGTH))
                page = pages.read(path, self.folder.text(path), language=self.language)
            except Refused as error:
                self.troubles.append(Trouble(path, str(error)))
                continue
            self.pages[path] = page
            other = by_name.setdefault(path.casefold(), path)
            if other != path:
                sentence = _("Its name differs from %(path)s in capital letters alone.", path=other)
                self.remarks.setdefault(path, []).append(str(sentence))
            if ")=" in page.body or ".. _" in page.body:
                self._note_labels(path, page.body)

    def _note_labels(self, path: str, body: str) -> None:
        for line, is_code in directives.by_line(body):
            if not is_code and (label := directives.label_of(line)):
                self.labels.setdefault(label, (path, title_at(body, label)))

    def read_catalogues(self, paths: Iterable[str]) -> None:
        """Make pages of translations: ``es/guide/map.md`` from ``guide/map.md`` and its Spanish catalogue."""
        by_language: dict[tuple[str, str], dict[str, str]] = {}
        for path in paths:
            if found := _CATALOGUE.match(path):
                code = found["language"].lower().replace("_", "-")
                by_language.setdefault((found["base"], code), {})[found["name"]] = path
        for (base, code), by_name in sorted(by_language.items()):
            if is_language(code):
                self._translate(base, code, by_name)

    def _translate(self, base: str, code: str, by_name: dict[str, str]) -> None:
        for path, page in list(self.pages.items()):
            if not path.startswith(base) or path in self.made or page.details.language == code:
                continue
            own = f"{base}{code}/{path.removeprefix(base)}"
            name = path.removeprefix(base).removesuffix(".md")
            # Sphinx can also put all messages of a folder into one catalogue.
            catalogue = by_name.get(name) or by_name.get(name.split("/")[0])
            if catalogue and own not in self.pages:
                try:
                    self._make(own, code, page, catalogue)
                except Refused as error:
                    self.troubles.append(Trouble(catalogue, str(error)))
                    by_name = {key: value for key, value in by_name.items() if value != catalogue}

    def _make(self, own: str, code: str, page: Page, catalogue: str) -> None:
        content = self.folder.content(catalogue, catalogues.LARGEST)
        translated = catalogues.translate(page.body, catalogues.read(content))
        if translated.share < LEAST_SHARE:
            return
        mark = hashlib.sha256(page.head.encode() + page.body.encode() + content).hexdigest()[:40]
        made = pages.read(own, translated.text, language=code)
        state = page.details.state if translated.share >= READABLE_SHARE else DRAFT
        source = page.details
        details = replace(
            made.details,
            language=code,
            topic=source.topic,
            visibility=source.visibility,
            tags=source.tags,
            state=state,
        )
        self.pages[own] = replace(made, details=details)
        self.made[own] = Made(page.path, catalogue, mark, translated.share)
        if translated.share < READABLE_SHARE:
            sentence = _(
                "%(percent)s %% of it is in %(language)s, so it is a draft for a translator.",
                percent=int(translated.share * 100), language=language_name(code),
            )  # fmt: skip
            self.remarks.setdefault(own, []).append(str(sentence))

    def give_slugs(self) -> None:
        """Give each file an address: first those that name theirs, then the rest, made unique; translations that of
        their source.
        """
        taken = {address: articles.place_of(row) for address, row in self._by_address.items()}
        for path in sorted(self.pages, key=lambda path: (path in self.made, not self.pages[path].has_slug, path)):
            page = self.pages[path]
            source = self.pages.get(self.made[path].source) if path in self.made else None
            if path in self.made and source is None:
                del self.pages[path]
                continue
            details = page.details
            if source is not None:
                details = replace(details, slug=source.details.slug)
                page = replace(page, details=details)
            row = self._by_path.get(path) or self._same_article(page, is_named=page.has_slug or source is not None)
            if source is None and not page.has_slug:
                details = replace(details, slug=self._slug(page, row, taken))
            address = (details.language, details.slug)
            owner = taken.get(address, path)
            if owner != path and (row is None or owner != articles.place_of(row)):
                sentence = _("The address “%(slug)s” belongs to %(path)s.", slug=details.slug, path=owner)
                self.troubles.append(Trouble(path, str(sentence)))
                del self.pages[path]
                continue
            if row is not None:
                taken.pop((row.language, row.slug), None)
                self.known[path] = row
                self.all_places.pop(articles.place_of(row), None)
            taken[address] = path
            self.all_places[path] = address
            self.pages[path] = replace(page, details=details)

    def _same_article(self, page: Page, *, is_named: bool) -> Article | None:
        """An article at the address that the file names: written here, or come from a file that is no longer there."""
        row = self._by_address.get((page.details.language, page.details.slug)) if is_named else None
        return row if row is not None and (not row.source_path or row.source_path not in self.pages) else None

    def _slug(self, page: Page, row: Article | None, taken: dict[tuple[str, str], str]) -> str:
        details = page.details
        if row is not None and row.language == details.language:
            base, _hyphen, number = row.slug.rpartition("-")
            if row.slug == details.slug or (base == details.slug and number.isdigit()):
                return row.slug
        return unique(details.slug, {slug for language, slug in taken if language == details.language})

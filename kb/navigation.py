"""The order of the pages of a documentation, as its tool knows it: tables of contents of Sphinx, menus of MkDocs."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core import directives
from core.directive_forms import parted
from core.exceptions import Refused
from kb import front_matter
from kb.folders import Folder
from kb.links import target_of
from kb.pages import Page

MKDOCS = ("mkdocs.yml", "mkdocs.yaml")
_MOST_LEVELS = 12
_MEMBER = re.compile(r"^(?:.{1,300}?\s*<)?(?P<target>[^<>]{1,500}?)>?$")


@dataclass(frozen=True)
class Section:
    """Pages in their order, under a title; ``path`` is the page that has the section as its table of contents, "" for
    a menu.
    """

    title: str
    paths: tuple[str, ...]
    path: str = ""


def docs_folder(folder: Path) -> Path:
    """Where the pages stand: the folder itself, or the one that the settings of MkDocs name."""
    settings = _settings(folder)
    if settings is None:
        return folder
    named = settings.get("docs_dir", "docs")
    root = Folder(folder)
    inside = root.root / str(named)
    return inside if inside.is_dir() and root.holds(inside) else folder


def sections(folder: Path, pages: Mapping[str, Page]) -> list[Section]:
    """The order of pages, where the documentation has one.

    :param folder: with the settings of MkDocs, if it has any.
    :param pages: by path.
    """
    settings = _settings(folder)
    if settings is not None and isinstance(settings.get("nav"), list):
        return [section for section in _menu("", settings["nav"], pages, 0) if section.paths]
    found = [_contents(path, page, pages) for path, page in sorted(pages.items()) if "toctree" in page.body]
    return [section for section in found if section.paths]


def _settings(folder: Path) -> dict[str, Any] | None:
    root = Folder(folder)
    for name in MKDOCS:
        if root.is_file(name):
            try:
                return front_matter.settings(root.text(name))
            except Refused:
                return {}
    return None


def _menu(title: str, items: Any, pages: Mapping[str, Page], level: int) -> Iterator[Section]:
    own: list[str] = []
    inner: list[Section] = []
    for item in items if isinstance(items, list) and level < _MOST_LEVELS else []:
        for name, value in item.items() if isinstance(item, dict) else [("", item)]:
            if isinstance(value, list):
                inner += _menu(str(name), value, pages, level + 1)
            elif isinstance(value, str) and value.lstrip("./") in pages:
                own.append(value.lstrip("./"))
    yield Section(title, tuple(dict.fromkeys(own)))
    yield from inner


def _contents(path: str, page: Page, pages: Mapping[str, Page]) -> Section:
    found: list[str] = []
    for directive in directives.walk(page.body.replace("\r\n", "\n").split("\n")):
        if directive.name != "toctree":
            continue
        _options, inside = parted([line.removeprefix(directive.indent) for line in directive.body])
        for line in filter(None, map(str.strip, inside)):
            member = _MEMBER.match(line)
            taken = target_of(member["target"], path) if member else None
            for place in taken.places if taken else ():
                found += [
                    each for each in (place, f"{place}.md", f"{place}/index.md") if each in pages and each != path
                ]
    return Section(page.details.title, tuple(dict.fromkeys(found)), path)

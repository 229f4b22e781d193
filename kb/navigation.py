"""The order of the pages of a documentation, as its tool knows it: tables of contents of Sphinx, menus of MkDocs."""

import posixpath
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from core import directives
from core.directive_forms import parted
from core.exceptions import Refused
from core.i18n import _
from kb import front_matter
from kb.folders import Folder
from kb.links import target_of
from kb.pages import Page, one_line

MKDOCS = ("mkdocs.yml", "mkdocs.yaml")
_MOST_LEVELS = 12
_KEY_LENGTH = 480
_MEMBER = re.compile(r"^(?:.{1,300}?\s*<)?(?P<target>[^<>]{1,500}?)>?$")


@dataclass(frozen=True)
class Section:
    """Pages in their order, under a title; ``path`` is the page that has the section as its table of contents, "" for
    a menu. ``key`` is its name in the folder, and ``inside`` that of the section that it stands in, "" for none.
    """

    title: str
    paths: tuple[str, ...]
    path: str = ""
    key: str = ""
    inside: str = ""


@dataclass(frozen=True)
class Placed:
    """A section as a collection: with its own page first, inside another one (its key, "" for none) one level deep."""

    section: Section
    paths: tuple[str, ...]
    inside: str = ""


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
        name = one_line(str(settings.get("site_name") or ""))
        return list(_menu(Section(name, (), "", MKDOCS[0]), settings["nav"], pages, 0))
    found = [_contents(path, page, pages) for path, page in sorted(pages.items()) if "toctree" in page.body]
    found = [section for section in found if section.paths]
    above = _above(found)
    return [replace(section, inside=above.get(section.path, "")) for section in found]


def _above(found: Sequence[Section]) -> dict[str, str]:
    """For each page with a table of contents that stands in another one, the page of that."""
    named = {section.path for section in found}
    above: dict[str, str] = {}
    for section in found:
        for path in section.paths:
            folder, own = posixpath.dirname(path), posixpath.dirname(section.path)
            # A page further up is a way back.
            is_back = folder != own and (not folder or own.startswith(f"{folder}/"))
            if path in named and path != section.path and not is_back:
                above.setdefault(path, section.path)
    for path in sorted(above, key=lambda path: (path.count("/"), path)):
        met, place = set[str](), above[path]
        while place in above and place not in met:
            met.add(place)
            place = above[place]
        if path in met:
            # They name each other; the one that is nearer to the top of the folder stands above.
            del above[path]
    return above


def menu_troubles(folder: Path, pages: Mapping[str, Page]) -> list[tuple[str, str]]:
    """What is wrong with the settings of MkDocs: the name of the file, and a sentence.

    :param pages: all of the folder, by path.
    """
    root = Folder(folder)
    name = next((each for each in MKDOCS if root.is_file(each)), "")
    if not name:
        return []
    try:
        settings = front_matter.settings(root.text(name))
    except Refused as error:
        return [(name, str(error))]
    gone = [
        path
        for path in _named(settings.get("nav"), 0)
        if path not in pages and not Folder(docs_folder(folder)).is_file(path)
    ]
    if not gone:
        return []
    return [(name, _("The menu names what is not there: %(paths)s.", paths=", ".join(dict.fromkeys(gone))))]


def _named(items: Any, level: int) -> Iterator[str]:
    """The pages that a list of a menu names, with those inside it."""
    for item in items if isinstance(items, list) and level < _MOST_LEVELS else []:
        for value in item.values() if isinstance(item, dict) else [item]:
            if isinstance(value, list):
                yield from _named(value, level + 1)
            elif isinstance(value, str) and value.endswith(".md") and "://" not in value:
                yield value.lstrip("./") if not value.startswith("..") else value


def placed(found: Sequence[Section]) -> list[Placed]:
    """Sections as collections, in their order. What stands deeper than one level is part of the section above it; a
    table of contents of everything comes last, so that readers are led through the nearer one.
    """
    below: dict[str, list[Section]] = defaultdict(list)
    by_key = {section.key: section for section in found}
    for section in found:
        if section.inside in by_key:
            below[section.inside].append(section)
    for above, beside in below.items():
        order = {path: place for place, path in enumerate(by_key[above].paths)}
        beside.sort(key=lambda section: order.get(section.path, len(order)))
    result: list[Placed] = []
    for top in (section for section in found if section.inside not in by_key):
        is_overview = bool(top.path) and bool(below[top.key])
        for each in below[top.key] if is_overview else [top]:
            own = _with_own(each)
            if len(own) < 2 and not below[each.key] and len(found) > 1:
                # A single page beside others is no collection.
                continue
            result.append(Placed(each, own))
            for inner in below[each.key]:
                result.append(Placed(inner, tuple(dict.fromkeys(_flat(inner, below, set(by_key)))), each.key))
        if is_overview:
            result.append(Placed(top, _with_own(top)))
    return result


def _with_own(section: Section) -> tuple[str, ...]:
    return tuple(dict.fromkeys([section.path, *section.paths] if section.path else section.paths))


def _flat(section: Section, below: Mapping[str, Sequence[Section]], others: set[str]) -> Iterator[str]:
    """The pages of a section and of all below it, as they are read.

    :param others: the sections that stand somewhere; those below are taken from them, the others are left out.
    """
    inner = {each.key: each for each in below.get(section.key, ())}
    others.difference_update(inner)
    for path in _with_own(section):
        if path == section.path or path not in others | inner.keys():
            yield path
        elif path in inner:
            yield from _flat(inner.pop(path), below, others)
    for each in inner.values():
        yield from _flat(each, below, others)


def _settings(folder: Path) -> dict[str, Any] | None:
    root = Folder(folder)
    for name in MKDOCS:
        if root.is_file(name):
            try:
                return front_matter.settings(root.text(name))
            except Refused:
                return {}
    return None


def _menu(own: Section, items: Any, pages: Mapping[str, Page], level: int) -> Iterator[Section]:
    """The section that a list of a menu is, with those inside it."""
    paths: list[str] = []
    inner: list[Section] = []
    for item in items if isinstance(items, list) and level < _MOST_LEVELS else []:
        for name, value in item.items() if isinstance(item, dict) else [("", item)]:
            if isinstance(value, list):
                # What stands at the top of a menu is beside its sections, not around them.
                key = f"{own.key}{'/' if level else '#'}{name}"[:_KEY_LENGTH]
                inner += _menu(Section(str(name), (), "", key, own.key if level else ""), value, pages, level + 1)
            elif isinstance(value, str) and value.lstrip("./") in pages:
                paths.append(value.lstrip("./"))
    if paths or (inner and level):
        yield replace(own, paths=tuple(dict.fromkeys(paths)))
    yield from inner


def _contents(path: str, page: Page, pages: Mapping[str, Page]) -> Section:
    found: list[str] = []
    for directive in directives.walk(page.body.replace("\r\n", "\n").split("\n")):
        if directive.name != "toctree":
            continue
        _options, inside = parted([line.removeprefix(directive.indent) for line in directive.body])
        for line in filter(None, map(str.strip, inside)):
            member = _MEMBER.match(line)
            if member and "*" in member["target"]:
                pattern = posixpath.normpath(posixpath.join(posixpath.dirname(path), member["target"]))
                found += [each for each in sorted(pages) if each != path and fnmatchcase(each, f"{pattern}.md")]
                continue
            taken = target_of(member["target"], path) if member else None
            for place in taken.places if taken else ():
                found += [
                    each for each in (place, f"{place}.md", f"{place}/index.md") if each in pages and each != path
                ]
    return Section(page.details.title, tuple(dict.fromkeys(found)), path, path)

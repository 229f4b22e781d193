"""Collections from a folder that is brought in: its tables of contents, its menu, and what its pages name.

What somebody changed here of such a collection stays; what changed in the folder since is put into it.
"""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import undefer

from accounts.models import User
from core.db import db
from kb import collections
from kb.collection_files import claims
from kb.collection_models import Collection, CollectionMember
from kb.collections import MOST, RESERVED, Words
from kb.models import READABLE, STAFF, VISIBILITIES, Article
from kb.navigation import Placed, placed, sections
from kb.pages import TITLE_LENGTH, Page, one_line
from kb.slugs import slugify, unique


def put_in_order(
    folder: Path, pages: Mapping[str, Page], *, made: Iterable[str], speaking: Mapping[str, Page], by: User | None
) -> None:
    """Put the pages of a folder into collections.

    :param folder: with the settings of MkDocs, if it has any.
    :param pages: all of it, by path; those of them that are in the knowledge base count.
    :param made: the paths of those that are made from catalogues.
    :param speaking: the pages whose front matter is new, so that what it says of collections counts.
    """
    rows = {
        row.source_path: row
        for row in db.session.scalars(select(Article).where(Article.source_path.in_(pages))).all()
    }  # fmt: skip
    left_out = set(made) | (pages.keys() - rows.keys())
    own = {path: page for path, page in pages.items() if path not in left_out}
    _from_sections(placed(sections(folder, own)), own, rows, by)
    _from_pages({path: rows[path] for path in speaking if path in rows}, speaking, by)


def _from_sections(
    found: Sequence[Placed], pages: Mapping[str, Page], rows: Mapping[str, Article], by: User | None
) -> None:
    # The tables of contents of a translation have the same pages as those of its source.
    found = [each for each in found if not each.section.path or rows[each.section.path].source_id is None]
    from_folders = select(Collection).where(Collection.source_path != "").options(undefer(Collection.source_says))
    known = {row.source_path: row for row in db.session.scalars(from_folders)}
    by_key: dict[str, Collection] = {}
    for each in found:
        own = rows.get(each.section.path)
        members = [rows[path] for path in each.paths if path in rows]
        numbers = [row.source_id or row.id for row in members][:MOST]
        says = {
            "title": one_line(each.section.title)[:TITLE_LENGTH] or pages[each.paths[0]].details.title,
            "visibility": _visibility([own] if own is not None else members),
            "articles": list(dict.fromkeys(numbers)), "titles": _titles(own),
        }  # fmt: skip
        row = known.get(each.section.key)
        parent = by_key.get(each.inside)
        if row is None:
            row = _new(each, says, own, parent, by)
        elif row.source_says != says:
            _follow(row, says, by)
        by_key[each.section.key] = row
    for key, row in known.items():
        if key in pages and key not in by_key:
            _without_contents(row, by)


def _new(
    each: Placed, says: dict[str, Any], own: Article | None, parent: Collection | None, by: User | None
) -> Collection:
    wanted = own.slug if own is not None else slugify(says["title"]) or "collection"
    taken = {*RESERVED, *db.session.scalars(select(Collection.slug))}
    row = collections.write(
        Words(
            title=says["title"], slug=unique(wanted, taken), language=own.language if own is not None else "en",
            visibility=says["visibility"], parent_id=parent.id if parent is not None else None,
        ), by=by,
    )  # fmt: skip
    row.source_path, row.source_says = each.section.key, says
    collections.put(row, says["articles"], by=by)
    for language, title in says["titles"].items():
        collections.call(row, language, title, by=by)
    return row


def _follow(row: Collection, says: dict[str, Any], by: User | None) -> None:
    """Change what changed in the folder since, and leave what was changed here."""
    before = row.source_says
    if row.title == before.get("title"):
        row.title = says["title"]
    more_closed = VISIBILITIES.index(says["visibility"]) > VISIBILITIES.index(row.visibility)
    if more_closed or row.visibility == before.get("visibility"):
        row.visibility = says["visibility"]
    base, wanted = before.get("articles", []), says["articles"]
    present = [
        *db.session.scalars(
            select(CollectionMember.article_id).where(CollectionMember.collection_id == row.id)
            .order_by(CollectionMember.position, CollectionMember.id)
        )
    ]  # fmt: skip
    if present != base:
        gone, new = set(base) - set(wanted), [number for number in wanted if number not in base]
        wanted = [number for number in present if number not in gone] + [each for each in new if each not in present]
    collections.put(row, wanted, by=by)
    called = {each.language: each.title for each in row.titles}
    for language, title in says["titles"].items():
        if called.get(language) == before.get("titles", {}).get(language):
            collections.call(row, language, title, by=by)
    row.source_says = says


def _without_contents(row: Collection, by: User | None) -> None:
    """The table of contents is gone: so is its collection, but for one that somebody changed here."""
    numbers = [member.article_id for member in row.members]
    if numbers == row.source_says.get("articles"):
        collections.remove(row, by=by)
    else:
        row.source_path, row.source_says = "", {}


def _titles(own: Article | None) -> dict[str, str]:
    """What the page of a section is called in other languages, as far as everybody may know who may read it."""
    if own is None:
        return {}
    rows = db.session.execute(
        select(Article.language, Article.title)
        .where(Article.source_id == own.id, Article.state.in_(READABLE))
        .where(Article.visibility.in_(VISIBILITIES[: VISIBILITIES.index(own.visibility) + 1]))
        .order_by(Article.language)
    )  # fmt: skip
    return {str(language): str(title) for language, title in rows}


def _visibility(rows: Sequence[Article]) -> str:
    """As open as the most open of these that can be read."""
    shown = {row.visibility for row in rows if row.state in READABLE}
    return next((each for each in VISIBILITIES if each in shown), STAFF)


def _from_pages(rows: Mapping[str, Article], pages: Mapping[str, Page], by: User | None) -> None:
    """Put articles into the collections that their files name, and take them out of those that they do not name."""
    said = {path: claims(pages[path].others) for path in rows}
    numbers = {row.id for row in rows.values() if row.source_id is None}
    held = set(
        db.session.scalars(
            select(Collection.slug).join(CollectionMember)
            .where(CollectionMember.article_id.in_(numbers), Collection.source_path == "")
        )
    )  # fmt: skip
    for slug in sorted(held | {slug for each in said.values() for slug in each} - RESERVED):
        named = {path: each[slug] for path, each in said.items() if slug in each}
        row = db.session.scalar(select(Collection).where(Collection.slug == slug))
        if row is None:
            name = next(iter(named.values()))[0]
            first = next(iter(named))
            row = collections.write(
                Words(
                    title=name if name != slug else slug.replace("-", " ").capitalize(), slug=slug,
                    language=rows[first].language, visibility=_visibility([rows[path] for path in named]),
                ), by=by,
            )  # fmt: skip
        _arrange(
            row, {rows[path].source_id or rows[path].id: place for path, (_name, place) in named.items()}, numbers, by
        )


def _arrange(row: Collection, named: Mapping[int, float | None], speaking: set[int], by: User | None) -> None:
    present = db.session.execute(
        select(CollectionMember.article_id, CollectionMember.position, Article.front_matter)
        .join(Article, Article.id == CollectionMember.article_id)
        .where(CollectionMember.collection_id == row.id).order_by(CollectionMember.position)
    ).all()  # fmt: skip
    places: dict[int, tuple[float, int]] = {}
    for number, position, kept in present:
        if number in speaking and number not in named and not row.source_path:
            continue
        own = claims(((kept or {}).get("others")) or {}).get(row.slug, ("", None))[1]
        place = named.get(number)
        places[number] = (place if place is not None else own if own is not None else position, position)
    for count, (number, place) in enumerate(named.items()):
        places.setdefault(number, (place if place is not None else float("inf"), len(present) + count))
    wanted = list(places) if row.source_path else sorted(places, key=lambda number: places[number])
    collections.put(row, wanted, by=by, is_told=True)

"""Collections in the files of their articles: ``collection`` and ``order`` in the front matter.

A collection that came from a table of contents is told by that, and not by its articles.
"""

from collections.abc import Iterable
from itertools import pairwise
from typing import Any

from sqlalchemy import select, update

from core.db import db
from kb.collection_models import Collection, CollectionMember
from kb.models import Article
from kb.pages import IN_COLLECTIONS, collections_in
from kb.slugs import slugify


def claims(others: dict[str, Any]) -> dict[str, tuple[str, float | None]]:
    """The collections that a front matter names by their addresses: the name as it stands there, and the place."""
    return {slugify(name): (name, place) for name, place in collections_in(others).items()}


def tell(row: Collection, numbers: Iterable[int], *, was: str = "") -> None:
    """Write into the front matter of articles in which collections they are; not a change of what they say.

    :param row: the collection that has changed.
    :param numbers: of articles that were in it.
    :param was: its address before, if that has changed.
    """
    if row.source_path:
        return
    db.session.flush()
    order = _in_order(row)
    wanted = {*numbers, *order}
    kept = _kept(wanted)
    # The numbers that stand there may still tell the right order.
    said = {number: claims(kept[number][0]) for number in kept}
    for each in said.values():
        if was in each:
            each[row.slug] = each.pop(was)
    told = [said[number].get(row.slug, ("", None))[1] for number in order]
    places = [place for place in told if place is not None]
    is_right = len(places) == len(told) and all(before < after for before, after in pairwise(places))
    named: dict[int, list[tuple[str, float]]] = {number: [] for number in wanted}
    found = db.session.execute(
        select(CollectionMember.article_id, CollectionMember.position, Collection.slug, Collection.title)
        .join(Collection, Collection.id == CollectionMember.collection_id)
        .where(CollectionMember.article_id.in_(wanted), Collection.source_path == "")
        .order_by(Collection.id)
    )  # fmt: skip
    for number, position, slug, title in found:
        place = said[number].get(slug, ("", None))[1]
        if place is None or (slug == row.slug and not is_right):
            place = position
        named[number].append((title if slugify(title) == slug else slug, place))
    for number, entries in named.items():
        _write(number, *kept[number], entries)


def _in_order(row: Collection) -> list[int]:
    return list(
        db.session.scalars(
            select(CollectionMember.article_id).where(CollectionMember.collection_id == row.id)
            .order_by(CollectionMember.position, CollectionMember.id)
        )
    )  # fmt: skip


def _kept(numbers: Iterable[int]) -> dict[int, tuple[dict[str, Any], dict[str, Any]]]:
    """Fields that are not ours, and all that is kept with them, by article."""
    rows = db.session.execute(select(Article.id, Article.front_matter).where(Article.id.in_(numbers)))
    return {number: ((kept or {}).get("others") or {}, kept or {}) for number, kept in rows}


def _write(number: int, others: dict[str, Any], kept: dict[str, Any], entries: list[tuple[str, float]]) -> None:
    names, places = [name for name, _place in entries], [place for _name, place in entries]
    fields = dict(others)
    for key in IN_COLLECTIONS:
        fields.pop(key, None)
    if entries:
        fields["collection"] = names[0] if len(names) == 1 else names
        fields["order"] = places[0] if len(places) == 1 else places
    if fields == others:
        return
    # Nobody who edits the article should be told of a conflict.
    db.session.execute(
        update(Article).where(Article.id == number).values(front_matter={**kept, "others": fields})
        .execution_options(synchronize_session="fetch")
    )  # fmt: skip

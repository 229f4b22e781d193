"""What can be done with collections, and with the order of the articles of a topic."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sqlalchemy import func, select, update

from accounts.models import User
from core.db import db, now
from core.events import record
from core.exceptions import Refused
from core.i18n import _
from kb import collection_files, translations
from kb.collection_models import Collection, CollectionMember, CollectionTitle
from kb.models import PUBLIC, UNPLACED, VISIBILITIES, Article
from kb.pages import TITLE_LENGTH, one_line
from kb.slugs import is_language, is_slug, slugify, unique

TEXT_LENGTH = 2000
MOST = 500
UP, DOWN = -1, 1
RESERVED = frozenset({"new"})


@dataclass(frozen=True, kw_only=True)
class Words:
    """What a collection says and where it stands."""

    title: str
    text: str = ""
    slug: str = ""
    language: str = "en"
    visibility: str = PUBLIC
    parent_id: int | None = None


def write(words: Words, *, by: User | None) -> Collection:
    """A new collection, the last one of those beside it.

    :raises Refused: naming the field.
    """
    row = Collection()
    _put(row, words)
    row.position = _last(row.parent_id) + 1
    db.session.add(row)
    db.session.flush()
    record("collection.written", row, by=by)
    return row


def edit(row: Collection, words: Words, *, by: User | None) -> None:
    """Change what a collection says, who may read it and where it stands.

    :raises Refused: naming the field.
    """
    before, was = row.parent_id, row.slug
    _put(row, words)
    if row.parent_id != before:
        row.position = _last(row.parent_id) + 1
    row.updated_at = now()
    db.session.flush()
    collection_files.tell(row, (), was=was)
    record("collection.edited", row, by=by)


def call(row: Collection, language: str, title: str, text: str = "", *, by: User | None) -> None:
    """Say what a collection is called in another language; nothing (""), and it is called as in its own.

    :raises Refused: naming the field.
    """
    title = one_line(title)
    known = next((each for each in row.titles if each.language == language), None)
    if not is_language(language) or language == row.language:
        raise Refused(_("Choose another language than that of the collection."), "language")
    if len(title) > TITLE_LENGTH or len(text) > TEXT_LENGTH:
        raise Refused(_("A collection needs a title of at most %(count)s characters.", count=TITLE_LENGTH), "title")
    if known is None and title:
        row.titles.append(CollectionTitle(language=language, title=title, text=text.strip()))
    elif known is not None and title:
        known.title, known.text = title, text.strip()
    elif known is not None:
        row.titles.remove(known)
    row.updated_at = now()
    db.session.flush()
    record("collection.edited", row, by=by)


def remove(row: Collection, *, by: User | None) -> None:
    """Take a collection away; its articles stay, and collections inside it stand by themselves."""
    record("collection.removed", row, by=by)
    put(row, [], by=by)
    db.session.execute(update(Collection).where(Collection.parent_id == row.id).values(parent_id=None))
    db.session.delete(row)
    db.session.flush()


def add(row: Collection, article: Article, *, by: User | None) -> None:
    """Put an article at the end of a collection; a translation stands for its source.

    :raises Refused: if it is in it already, or the collection is full.
    """
    number = translations.head_of(article)
    members = _members(row)
    if any(member.article_id == number for member in members):
        raise Refused(_("This article is in the collection already."), "article")
    if len(members) >= MOST:
        raise Refused(_("A collection may have %(count)s articles.", count=MOST), "article")
    last = members[-1].position if members else 0
    db.session.add(CollectionMember(collection_id=row.id, article_id=number, position=last + 1))
    _changed(row, by)


def put(row: Collection, numbers: Sequence[int], *, by: User | None, is_told: bool = False) -> None:
    """Have exactly these articles in a collection, in this order.

    :param is_told: whether the files of the articles say so already.
    """
    wanted = list(dict.fromkeys(numbers))[:MOST]
    members = {member.article_id: member for member in _members(row)}
    if [member.article_id for member in _members(row)] == wanted:
        return
    for number in set(members) - set(wanted):
        db.session.delete(members[number])
    for place, number in enumerate(wanted, 1):
        if number in members:
            members[number].position = place
        else:
            db.session.add(CollectionMember(collection_id=row.id, article_id=number, position=place))
    _changed(row, by, None if is_told else members)


def drop(row: Collection, number: int, *, by: User | None) -> None:
    """Take an article out of a collection."""
    for member in _members(row):
        if member.article_id == number:
            db.session.delete(member)
            _changed(row, by, [number])


def move(row: Collection, number: int, step: int, *, by: User | None) -> None:
    """Move an article of a collection one place up or down."""
    order = [member.article_id for member in _members(row)]
    put(row, _moved(order, number, step), by=by)


def move_collection(row: Collection, step: int, *, by: User | None) -> None:
    """Move a collection one place up or down among those beside it."""
    beside = db.session.scalars(
        select(Collection).where(Collection.parent_id.is_not_distinct_from(row.parent_id))
        .order_by(Collection.position, Collection.id)
    ).all()  # fmt: skip
    by_number = {each.id: each for each in beside}
    for place, number in enumerate(_moved([each.id for each in beside], row.id, step), 1):
        by_number[number].position = place
    _changed(row, by)


def in_order(topic: str, language: str) -> Sequence[Article]:
    """The articles of a topic in one language in their order, those that nobody put in order last, by title."""
    return db.session.scalars(
        select(Article).where(Article.topic == topic, Article.language == language)
        .order_by(Article.position, Article.title, Article.id).limit(MOST)
    ).all()  # fmt: skip


def move_in_topic(article: Article, step: int, *, by: User | None) -> None:
    """Move an article one place up or down in its topic; all before it have a place of their own then."""
    rows = in_order(article.topic, article.language)
    by_number = {row.id: row for row in rows}
    order = _moved([row.id for row in rows], article.id, step)
    # What stands before the last one that somebody put in order has a place too.
    last = max(
        place for place, number in enumerate(order)
        if number == article.id or by_number[number].position != UNPLACED
    )  # fmt: skip
    for place, number in enumerate(order[: last + 1], 1):
        _place(number, place)
    record("article.ordered", article, by=by)


def forget_order(topic: str, language: str) -> None:
    """Order the articles of a topic by their titles again."""
    for row in in_order(topic, language):
        _place(row.id, UNPLACED)


def _place(number: int, place: int) -> None:
    # Not a change of the article: nobody who edits it should be told of a conflict.
    db.session.execute(update(Article).where(Article.id == number).values(position=place))


def _moved(order: list[int], number: int, step: int) -> list[int]:
    place = order.index(number) if number in order else -1
    other = place + step
    if place >= 0 and 0 <= other < len(order):
        order[place], order[other] = order[other], order[place]
    return order


def _members(row: Collection) -> Sequence[CollectionMember]:
    return db.session.scalars(
        select(CollectionMember).where(CollectionMember.collection_id == row.id)
        .order_by(CollectionMember.position, CollectionMember.id)
    ).all()  # fmt: skip


def _changed(row: Collection, by: User | None, before: Iterable[int] | None = ()) -> None:
    """Note a change, and tell the files of the articles in it, and of those that were ``before``; none if None."""
    row.updated_at = now()
    db.session.flush()
    db.session.expire(row, ["members"])
    if before is not None:
        collection_files.tell(row, before)
    record("collection.edited", row, by=by)


def _last(parent_id: int | None) -> int:
    return db.session.scalar(
        select(func.max(Collection.position)).where(Collection.parent_id.is_not_distinct_from(parent_id))
    ) or 0  # fmt: skip


def _put(row: Collection, words: Words) -> None:
    title = one_line(words.title)
    if not title or len(title) > TITLE_LENGTH:
        raise Refused(_("A collection needs a title of at most %(count)s characters.", count=TITLE_LENGTH), "title")
    if len(words.text) > TEXT_LENGTH:
        raise Refused(_("A text may have %(count)s characters.", count=TEXT_LENGTH), "text")
    if words.slug and not is_slug(words.slug):
        raise Refused(_("The address may only hold small letters, digits and single hyphens."), "slug")
    if not is_language(words.language):
        raise Refused(_("“%(code)s” is not the code of a language.", code=words.language), "language")
    if words.visibility not in VISIBILITIES:
        raise Refused(_("Nobody knows this visibility."), "visibility")
    taken = {*RESERVED, *db.session.scalars(select(Collection.slug).where(Collection.id != (row.id or 0)))}
    if words.slug in taken:
        raise Refused(_("Another collection has this address already."), "slug")
    row.parent_id = _parent(row, words.parent_id)
    row.slug = words.slug or row.slug or unique(slugify(title) or "collection", taken)
    row.title, row.text, row.language, row.visibility = title, words.text.strip(), words.language, words.visibility


def _parent(row: Collection, number: int | None) -> int | None:
    if number is None:
        return None
    parent = db.session.get(Collection, number)
    if parent is None or parent.id == row.id:
        raise Refused(_("There is no such collection."), "parent")
    inside = select(Collection.id).where(Collection.parent_id == (row.id or 0)).limit(1)
    if parent.parent_id is not None or db.session.scalar(inside) is not None:
        raise Refused(_("Collections stand inside others one level deep."), "parent")
    return parent.id

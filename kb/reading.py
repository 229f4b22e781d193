"""What stands around an article: its translations, what to read next, and its place in a collection.

Statements are built once: on these pages, building one takes longer than running it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import and_, bindparam, func, literal, select, union_all

from accounts.models import User
from core.db import db
from core.i18n import language as reader_language
from kb.collection_models import Collection, CollectionMember, CollectionTitle, RelatedArticle
from kb.models import PUBLISHED, READABLE, Article, visibilities_of
from kb.translations import Behind, behind, head_of

RELATED = 3
_TRANSLATION, _RELATED = 0, 1

# What a reader may see, in three places that are always filled: a list of changing length is worked out each time.
_MAY_SEE: list[Any] = [bindparam(f"seen{place}") for place in range(3)]
# Added to nothing, so that databases look rows up by their numbers, not by what half of all articles have.
_SEEN = (
    (Article.state + "").in_(READABLE),
    (Article.visibility + "").in_(_MAY_SEE),
)
_IN_LANGUAGE = (Article.language + "") == bindparam("language")
_NAMED = (Article.id, Article.slug, Article.language, Article.title, Article.visibility, Article.source_id)


def _either(statement: Any, number: Any) -> tuple[Any, Any]:
    """A statement for the source with a number, and for its translations: each is found by an index of its own."""
    return statement.where(Article.id == number), statement.where(Article.source_id == number)


_OTHERS: Any = union_all(
    *_either(
        select(literal(_TRANSLATION).label("kind"), literal(0).label("place"), *_NAMED)
        .where(*_SEEN, Article.id != bindparam("own")),
        bindparam("head"),
    ),
    *_either(
        select(literal(_RELATED).label("kind"), RelatedArticle.position.label("place"), *_NAMED)
        .where(*_SEEN, _IN_LANGUAGE, RelatedArticle.article_id == bindparam("head")),
        RelatedArticle.related_id,
    ),
)  # fmt: skip

# For an article that the worker knows nothing of yet.
_SAME_TOPIC: Any = (
    select(*_NAMED)
    .where(Article.state == PUBLISHED, Article.visibility.in_(_MAY_SEE))
    .where(Article.language == bindparam("language"), Article.topic == bindparam("topic"))
    .where(Article.id != bindparam("own")).order_by(Article.position, Article.title).limit(RELATED)
)  # fmt: skip

_PLACE: Any = (
    select(
        Collection.id, Collection.slug, func.coalesce(CollectionTitle.title, Collection.title).label("title"),
        func.coalesce(CollectionTitle.language, Collection.language).label("language"), CollectionMember.position,
    )
    .join_from(CollectionMember, Collection, Collection.id == CollectionMember.collection_id)
    .outerjoin(
        CollectionTitle,
        and_(CollectionTitle.collection_id == Collection.id, CollectionTitle.language == bindparam("reader")),
    )
    .where(CollectionMember.article_id == bindparam("head"))
    .where(Collection.visibility.in_(_MAY_SEE))
    .order_by(
        Collection.slug != bindparam("wanted"), Collection.parent_id.is_not(None), Collection.position, Collection.id
    )
    .limit(1)
)  # fmt: skip


def _nearest(*, is_before: bool) -> Any:
    place: Any = bindparam("place")
    found = union_all(
        *_either(
            select(literal(is_before).label("is_before"), CollectionMember.position.label("place"), *_NAMED)
            .where(*_SEEN, CollectionMember.collection_id == bindparam("collection"))
            .where(CollectionMember.position < place if is_before else CollectionMember.position > place),
            CollectionMember.article_id,
        )
    ).subquery()  # fmt: skip
    near = found.c.place.desc() if is_before else found.c.place
    ordered = select(found).order_by(
        near, found.c.language != bindparam("language"), found.c.source_id.is_not(None), found.c.id
    )
    return select(ordered.limit(1).subquery())


_NEIGHBOURS: Any = union_all(_nearest(is_before=True), _nearest(is_before=False))


@dataclass(frozen=True)
class Around:
    """What a reader may go on to; ``late`` says since when a translation is out of date."""

    translations: Sequence[Any]
    related: Sequence[Any]
    collection: Any
    before: Any
    after: Any
    late: Behind | None
    source: Any

    @property
    def key(self) -> tuple[Any, ...]:
        """What the page shows of it, to tell whether it changed."""
        rows = (*self.translations, *self.related, self.collection, self.before, self.after)
        return (*(tuple(row) if row is not None else None for row in rows), self.late)


def around(article: Article, user: User | None, *, collection: str = "") -> Around:
    """What stands around an article, for a person.

    :param collection: the address of the collection that the reader goes through, "" if none.
    """
    head, may_see = head_of(article), visibilities_of(user)
    seen = {f"seen{place}": may_see[min(place, len(may_see) - 1)] for place in range(len(_MAY_SEE))}
    asked = {"head": head, "own": article.id, "language": article.language, "topic": article.topic, **seen}
    # Rows, not objects: the session would only stand in between.
    connection = db.session.connection()
    rows = connection.execute(_OTHERS, asked).all()
    others = sorted((row for row in rows if row.kind == _TRANSLATION), key=lambda row: row.language)
    related = sorted((row for row in rows if row.kind == _RELATED), key=lambda row: row.place)[:RELATED]
    if not related:
        related = list(connection.execute(_SAME_TOPIC, asked).all())
    wanted = {"head": head, "wanted": collection, "reader": reader_language(), **seen}
    place = connection.execute(_PLACE, wanted).first()
    before = after = None
    if place is not None:
        named = {"collection": place.id, "place": place.position, "language": article.language, **seen}
        for row in connection.execute(_NEIGHBOURS, named):
            before, after = (row, after) if row.is_before else (before, row)
    source = next((row for row in others if row.id == article.source_id), None)
    # Of a source that somebody may not read they are not told either that it changed.
    late = behind(article) if source is not None or (user is not None and user.is_staff) else None
    return Around(others, related, place, before, after, late, source)

"""What stands around an article: its translations, what to read next, and its place in a collection.

Statements are built once: on these pages, building one takes longer than running it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import bindparam, literal, or_, select, union_all
from sqlalchemy.orm import aliased

from accounts.models import User
from core.db import db
from kb.collection_models import Collection, CollectionMember, RelatedArticle
from kb.models import READABLE, Article, visibilities_of
from kb.translations import Behind, behind, head_of

RELATED = 3
_TRANSLATION, _RELATED, _SAME_TOPIC = 0, 1, 2

_SEEN = (Article.state.in_(READABLE), Article.visibility.in_(bindparam("seen", expanding=True)))
_NAMED = (Article.id, Article.slug, Article.language, Article.title, Article.visibility)
_IS_ITSELF = or_(Article.id == bindparam("head"), Article.source_id == bindparam("head"))


def _first(statement: Any) -> Any:
    return select(statement.limit(RELATED).subquery())


_OTHERS: Any = union_all(
    select(literal(_TRANSLATION).label("kind"), literal(0).label("place"), *_NAMED)
    .where(*_SEEN, _IS_ITSELF, Article.id != bindparam("own")),
    _first(
        select(literal(_RELATED).label("kind"), RelatedArticle.position.label("place"), *_NAMED)
        .join_from(
            RelatedArticle, Article,
            or_(Article.id == RelatedArticle.related_id, Article.source_id == RelatedArticle.related_id),
        )
        .where(*_SEEN, RelatedArticle.article_id == bindparam("head"), Article.language == bindparam("language"))
        .order_by(RelatedArticle.position)
    ),
    _first(
        select(literal(_SAME_TOPIC).label("kind"), Article.helpful_count.label("place"), *_NAMED)
        .where(*_SEEN, Article.language == bindparam("language"), Article.topic == bindparam("topic"))
        .where(Article.id != bindparam("own")).order_by(Article.helpful_count.desc(), Article.id)
    ),
)  # fmt: skip

_PLACE: Any = (
    select(Collection.id, Collection.slug, Collection.title, Collection.language, CollectionMember.position)
    .join_from(CollectionMember, Collection, Collection.id == CollectionMember.collection_id)
    .where(CollectionMember.article_id == bindparam("head"))
    .where(Collection.visibility.in_(bindparam("seen", expanding=True)))
    .order_by(Collection.slug != bindparam("wanted"), Collection.position, Collection.id).limit(1)
)  # fmt: skip


def _nearest(*, is_before: bool) -> Any:
    member = aliased(CollectionMember)
    place: Any = bindparam("place")
    statement = (
        select(literal(is_before).label("is_before"), *_NAMED)
        .join_from(member, Article, or_(Article.id == member.article_id, Article.source_id == member.article_id))
        .where(*_SEEN, member.collection_id == bindparam("collection"))
        .where(member.position < place if is_before else member.position > place)
        .order_by(
            member.position.desc() if is_before else member.position, Article.language != bindparam("language"),
            Article.source_id.is_not(None), Article.id,
        )
    )  # fmt: skip
    return select(statement.limit(1).subquery())


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
    head, seen = head_of(article), visibilities_of(user)
    asked = {"head": head, "own": article.id, "language": article.language, "topic": article.topic, "seen": seen}
    rows = db.session.execute(_OTHERS, asked).all()
    others = sorted((row for row in rows if row.kind == _TRANSLATION), key=lambda row: row.language)
    near = sorted((row for row in rows if row.kind == _RELATED), key=lambda row: row.place)
    near += sorted((row for row in rows if row.kind == _SAME_TOPIC), key=lambda row: (-row.place, row.id))
    unique: dict[int, Any] = {}
    for row in near:
        unique.setdefault(row.id, row)
    related = list(unique.values())
    place = db.session.execute(_PLACE, {"head": head, "seen": seen, "wanted": collection}).first()
    before = after = None
    if place is not None:
        named = {"collection": place.id, "place": place.position, "language": article.language, "seen": seen}
        for row in db.session.execute(_NEIGHBOURS, named):
            before, after = (row, after) if row.is_before else (before, row)
    return Around(
        others, related[:RELATED], place, before, after, behind(article),
        next((row for row in others if row.id == article.source_id), None),
    )  # fmt: skip

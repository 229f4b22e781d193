"""Articles and past answers by API."""

from typing import Any

from flask import Blueprint, Flask, abort, jsonify, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import func
from sqlalchemy.orm import joinedload, undefer

from accounts.sign_ins import has_scope
from core import api, pager
from core.conditional import conditional
from core.db import db
from core.exceptions import Refused
from core.i18n import _
from core.policy import can, checked, permits, require
from core.web import external, person
from kb import articles, topics, translations
from kb.collection_models import Collection, CollectionMember
from kb.models import DRAFT, PUBLISHED, READABLE, VISIBILITIES, Answer, Article
from kb.pages import Details

bp = Blueprint("kb_api", __name__, url_prefix="/api/v1")

MOST = 300
FIELDS = {"slug": str, "topic": str, "language": str, "visibility": str, "tags": list, "summary": str, "state": str}


def register(app: Flask) -> None:
    """Add the routes."""
    app.register_blueprint(bp)


@bp.get("/articles")
@permits("kb.browse")
def index() -> ResponseReturnValue:
    """The articles that the caller may read, newest first."""
    _need_scope("articles:read")
    api.limited()
    statement = Article.visible_to(person()).where(Article.state.in_(READABLE))
    for name, column in (("topic", Article.topic), ("lang", Article.language), ("slug", Article.slug)):
        if value := request.args.get(name, ""):
            statement = statement.where(column == value)
    if value := request.args.get("translation_of", ""):
        number = int(value) if value.isascii() and value.isdigit() and len(value) < 10 else 0
        statement = statement.where(translations.same_in_other_words(number))
    page = pager.page(statement, [(Article.id, True)], after=request.args.get("after", ""), size=api.page_size())
    values: dict[str, Any] = {**request.args.to_dict(), "after": page.next}
    following = url_for(".index", **values) if page.next else None
    return conditional(jsonify({"articles": [summary(article) for article in page.items], "next": following}))


@bp.get("/articles/<int:number>")
@permits("article.see")
def show(number: int) -> ResponseReturnValue:
    """One article with its Markdown and its HTML."""
    _need_scope("articles:read")
    api.limited()
    options = [undefer(Article.body), undefer(Article.body_html)]
    article = db.session.get(Article, number, options=options) if number < 2**31 else None
    if article is None:
        checked("article.see")
        abort(404)
    require(person(), "article.see", article)
    return conditional(jsonify({**summary(article), "body": article.body, "html": article.body_html}))


@bp.get("/answers")
@permits("kb.browse")
def answers() -> ResponseReturnValue:
    """The past answers that the caller may read, newest first."""
    _need_scope("articles:read")
    api.limited()
    statement = Answer.visible_to(person()).where(Answer.state == PUBLISHED)
    for name, column in (("topic", Answer.topic), ("lang", Answer.language), ("country", Answer.country)):
        if value := request.args.get(name, ""):
            statement = statement.where(column == value)
    page = pager.page(statement, [(Answer.id, True)], after=request.args.get("after", ""), size=api.page_size())
    values: dict[str, Any] = {**request.args.to_dict(), "after": page.next}
    following = url_for(".answers", **values) if page.next else None
    # What is taken back is gone at once.
    body = jsonify({"answers": [answer_summary(row) for row in page.items], "next": following})
    return conditional(body, seconds=0)


@bp.get("/answers/<int:number>")
@permits("answer.see")
def show_answer(number: int) -> ResponseReturnValue:
    """One past answer with its question, as Markdown and as HTML."""
    _need_scope("articles:read")
    api.limited()
    row = db.session.get(Answer, number) if number < 2**31 else None
    if row is None:
        checked("answer.see")
        abort(404)
    require(person(), "answer.see", row)
    more = {
        "question": row.question, "question_html": row.question_html, "answer": row.answer,
        "answer_html": row.answer_html,
    }  # fmt: skip
    return conditional(jsonify({**answer_summary(row), **more}), seconds=0)


@bp.get("/topics")
@permits("kb.browse")
def topic_index() -> ResponseReturnValue:
    """The topics, with how many articles and past answers of each the caller may read."""
    _need_scope("articles:read")
    api.limited()
    counts: dict[str, dict[str, int]] = {code: {"articles": 0, "answers": 0} for code in topics.TOPICS}
    for name, model in (("articles", Article), ("answers", Answer)):
        statement: Any = model.visible_to(person()).where(model.state.in_(READABLE))
        for code, count in db.session.execute(
            statement.with_only_columns(model.topic, func.count()).group_by(model.topic)
        ):
            counts.setdefault(code, {"articles": 0, "answers": 0})[name] = count
    rows = [{"topic": code, "name": topics.topic_name(code), **counted} for code, counted in counts.items()]
    return conditional(jsonify({"topics": rows}))


@bp.get("/collections")
@permits("kb.browse")
def collection_index() -> ResponseReturnValue:
    """The collections that the caller may read, in their order."""
    _need_scope("articles:read")
    api.limited()
    statement: Any = Collection.visible_to(person()).options(joinedload(Collection.parent))
    statement = statement.order_by(Collection.position, Collection.id).limit(MOST)
    return conditional(jsonify({"collections": [_collection(row) for row in db.session.scalars(statement)]}))


@bp.get("/collections/<int:number>")
@permits("collection.see")
def show_collection(number: int) -> ResponseReturnValue:
    """A collection with its articles in order; those that the caller may not read are left out."""
    _need_scope("articles:read")
    api.limited()
    row = db.session.get(Collection, number) if number < 2**31 else None
    if row is None:
        checked("collection.see")
        abort(404)
    require(person(), "collection.see", row)
    statement: Any = (
        Article.visible_to(person()).where(Article.state.in_(READABLE))
        .join(CollectionMember, CollectionMember.article_id == Article.id)
        .where(CollectionMember.collection_id == row.id).order_by(CollectionMember.position)
    )  # fmt: skip
    rows = db.session.scalars(statement).all()
    return conditional(jsonify({**_collection(row), "articles": [summary(article) for article in rows]}))


@bp.post("/articles")
@permits("article.add")
@api.idempotent
def create() -> ResponseReturnValue:
    """Write an article: a draft, unless ``state`` says published."""
    _need_scope("articles:write")
    api.limited()
    data = api.body(required={"title": str, "body": str}, optional=FIELDS)
    if data.get("visibility", "public") not in VISIBILITIES:
        raise Refused(
            _("“%(name)s” must be one of %(codes)s.", name="visibility", codes=", ".join(VISIBILITIES)), "visibility"
        )
    if data.get("state", DRAFT) not in {DRAFT, PUBLISHED}:
        raise Refused(_("“%(name)s” must be one of %(codes)s.", name="state", codes="draft, published"), "state")
    if not all(isinstance(text, str) for text in data.get("tags", [])):
        raise Refused(_("“tags” is a list of texts."), "tags")
    article = articles.write(
        Details(
            title=api.clean_text(data["title"], 300, "title"), slug=data.get("slug", ""),
            topic=data.get("topic", "other"),
            language=data.get("language", "en"), visibility=data.get("visibility", "public"),
            tags=tuple(data.get("tags", ())), summary=data.get("summary", ""), state=data.get("state", DRAFT),
        ),
        data["body"], by=person(), reason="API",
    )  # fmt: skip
    address = external("kb.article", language=article.language, slug=article.slug)
    return api.created(summary(article), address)


def summary(article: Article) -> dict[str, Any]:
    """An article in a list."""
    return {
        "id": article.id,
        "title": article.title,
        "slug": article.slug,
        "language": article.language,
        "summary": article.summary,
        "topic": article.topic,
        "tags": article.tags,
        "visibility": article.visibility,
        "state": article.state,
        "revision": article.revision_number,
        "translation_of": article.source_id,
        "source_revision": article.source_revision_number or None,
        "updated_at": api.stamp(article.updated_at),
        "url": external("kb.article", language=article.language, slug=article.slug),
    }


def _collection(row: Collection) -> dict[str, Any]:
    parent = row.parent if row.parent_id is not None else None
    return {
        "id": row.id,
        "title": row.title,
        "slug": row.slug,
        "text": row.text,
        "language": row.language,
        "visibility": row.visibility,
        "parent": parent.id if parent is not None and can(person(), "collection.see", parent) else None,
        "updated_at": api.stamp(row.updated_at),
        "url": external("kb.collection", slug=row.slug),
    }


def answer_summary(answer: Answer) -> dict[str, Any]:
    """A past answer in a list."""
    return {
        "id": answer.id,
        "title": answer.title,
        "slug": answer.slug,
        "language": answer.language,
        "country": answer.country,
        "topic": answer.topic,
        "tags": answer.tags,
        "visibility": answer.visibility,
        "published_at": api.stamp(answer.published_at),
        "updated_at": api.stamp(answer.updated_at),
        "url": external("kb.answer", slug=answer.slug),
    }


def _need_scope(scope: str) -> None:
    if person() is not None:
        api.need_scope(has_scope(scope), scope)

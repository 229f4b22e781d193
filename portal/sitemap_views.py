"""The public pages, for search engines (sitemaps.org), each with its translations."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from flask import Response, abort, render_template
from flask.typing import ResponseReturnValue
from sqlalchemy import func, select

from core.conditional import conditional
from core.db import db
from core.policy import permits
from core.web import external
from kb.collection_models import Collection
from kb.models import PUBLIC, Answer, Article, published_answers, published_articles
from portal.views import bp

# The format allows 50,000 addresses and 50 MB in one file; translations make entries long.
MOST = 10_000
SECONDS = 3600
# An article and its translations have this number in common.
_HEAD = func.coalesce(Article.source_id, Article.id).label("head")


@bp.get("/sitemap.xml")
@permits("site.see")
def sitemap() -> ResponseReturnValue:
    """All public pages; where there are too many for one file, the list of files."""
    articles, answers = _count(published_articles(), Article), _count(published_answers(), Answer)
    if articles + answers < MOST:
        return _xml("portal/sitemap.xml", entries=[*_fixed(), *_articles(0), *_answers(0)])
    files = [external("portal.sitemap_part", kind="pages", number=1)]
    files += [external("portal.sitemap_part", kind="articles", number=n + 1) for n in range(-(-articles // MOST))]
    files += [external("portal.sitemap_part", kind="answers", number=n + 1) for n in range(-(-answers // MOST))]
    return _xml("portal/sitemap_index.xml", files=files)


@bp.get("/sitemap-<kind>-<int:number>.xml")
@permits("site.see")
def sitemap_part(kind: str, number: int) -> ResponseReturnValue:
    """One file of a large site map."""
    if kind == "pages" and number == 1:
        return _xml("portal/sitemap.xml", entries=_fixed())
    readers = {"articles": _articles, "answers": _answers}
    if kind not in readers or not 1 <= number < 100_000:
        abort(404)
    entries = readers[kind]((number - 1) * MOST)
    if not entries:
        abort(404)
    return _xml("portal/sitemap.xml", entries=entries)


def _fixed() -> list[dict[str, Any]]:
    collections = db.session.execute(
        select(Collection.slug, Collection.updated_at).where(Collection.visibility == PUBLIC)
        .order_by(Collection.id).limit(MOST // 2)
    )  # fmt: skip
    return [
        *({"url": external(name)} for name in ("portal.home", "kb.browse", "kb.answers", "kb.collection_index")),
        *({"url": external("kb.collection", slug=row.slug), "changed": row.updated_at} for row in collections),
    ]


def _articles(start: int) -> list[dict[str, Any]]:
    rows = db.session.execute(
        published_articles().where(Article.visibility == PUBLIC).order_by(_HEAD, Article.id)
        .offset(start).limit(MOST).with_only_columns(_HEAD, Article.language, Article.slug, Article.updated_at)
    ).all()  # fmt: skip
    addresses = _translations(rows)
    return [
        {"url": external("kb.article", language=row.language, slug=row.slug), "changed": row.updated_at,
         "alternates": _alternates(addresses[row.head])}
        for row in rows
    ]  # fmt: skip


def _alternates(addresses: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """Each language with its address; for readers of other languages the source, which comes first."""
    return [*addresses, ("x-default", addresses[0][1])] if len(addresses) > 1 else []


def _translations(rows: Sequence[Any]) -> dict[int, list[tuple[str, str]]]:
    """The translations of each of these articles, those in another file of the site map too; the source first."""
    found: dict[int, list[tuple[str, str]]] = defaultdict(list)
    if rows:
        near = published_articles().where(Article.visibility == PUBLIC, _HEAD.between(rows[0].head, rows[-1].head))
        named = near.order_by(Article.source_id.is_not(None), Article.language, Article.id)
        for row in db.session.execute(named.with_only_columns(_HEAD, Article.language, Article.slug)):
            found[row.head].append((row.language, external("kb.article", language=row.language, slug=row.slug)))
    return found


def _answers(start: int) -> list[dict[str, Any]]:
    rows = db.session.execute(
        published_answers().where(Answer.visibility == PUBLIC).order_by(Answer.id).offset(start).limit(MOST)
        .with_only_columns(Answer.slug, Answer.updated_at)
    ).all()  # fmt: skip
    return [{"url": external("kb.answer", slug=row.slug), "changed": row.updated_at} for row in rows]


def _count(statement: Any, model: Any) -> int:
    counted = statement.where(model.visibility == PUBLIC).with_only_columns(model.id).subquery()
    return db.session.scalar(select(func.count()).select_from(counted)) or 0


def _xml(template: str, **values: Any) -> Response:
    return conditional(Response(render_template(template, **values), mimetype="application/xml"), seconds=SECONDS)

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
from kb.models import PUBLIC, Answer, Article, published_answers, published_articles
from portal.views import bp

# The format allows 50,000 addresses and 50 MB in one file; translations make entries long.
MOST = 10_000
SECONDS = 3600


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
    return [{"url": external(name)} for name in ("portal.home", "kb.browse", "kb.answers")]


def _articles(start: int) -> list[dict[str, Any]]:
    rows = db.session.execute(
        published_articles().where(Article.visibility == PUBLIC).order_by(Article.slug, Article.language)
        .offset(start).limit(MOST).with_only_columns(Article.language, Article.slug, Article.updated_at)
    ).all()  # fmt: skip
    languages = _languages(rows)
    return [
        {"url": external("kb.article", language=row.language, slug=row.slug), "changed": row.updated_at,
         "alternates": _alternates(row.slug, languages[row.slug])}
        for row in rows
    ]  # fmt: skip


def _alternates(slug: str, languages: list[str]) -> list[tuple[str, str]]:
    if len(languages) < 2:
        return []
    found = [(code, external("kb.article", language=code, slug=slug)) for code in languages]
    default = "en" if "en" in languages else languages[0]
    return [*found, ("x-default", external("kb.article", language=default, slug=slug))]


def _languages(rows: Sequence[Any]) -> dict[str, list[str]]:
    """The languages of each of these articles, those in another file of the site map too."""
    languages: dict[str, list[str]] = defaultdict(list)
    if rows:
        found = published_articles().where(
            Article.visibility == PUBLIC, Article.slug >= rows[0].slug, Article.slug <= rows[-1].slug
        )
        named = found.order_by(Article.slug, Article.language).with_only_columns(Article.slug, Article.language)
        for row in db.session.execute(named):
            languages[row.slug].append(row.language)
    return languages


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

"""Feeds (Atom, RFC 4287) of articles and past answers, by topic, country and language."""

from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

from flask import Response, current_app, render_template, request
from flask.typing import ResponseReturnValue
from sqlalchemy import func

from core.conditional import conditional
from core.db import db
from core.i18n import _, country_name, language_name
from core.policy import permits
from core.web import external, person
from kb import topics
from kb.models import PUBLISHED, Answer, Article
from kb.slugs import is_language
from kb.views import EXCERPT, bp, excerpt, filtered, listed

FEED = 50
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@bp.get("/kb/feed.atom")
@permits("kb.browse")
def feed() -> ResponseReturnValue:
    """New articles, by topic and language where asked for."""
    statement = filtered(listed(), Article, "topic", "language")
    rows = db.session.execute(
        statement.order_by(Article.published_at.desc(), Article.id.desc()).limit(FEED).with_only_columns(
            Article.id, Article.title, Article.slug, Article.language, Article.topic, Article.summary,
            Article.published_at, Article.updated_at, func.substr(Article.body_text, 1, EXCERPT).label("beginning"),
        )
    ).all()  # fmt: skip
    entries = [
        {"row": row, "id": _id("article", row), "url": external("kb.article", language=row.language, slug=row.slug),
         "summary": row.summary or excerpt(row.beginning)}
        for row in rows
    ]  # fmt: skip
    return _feed(_("Knowledge base"), "kb.feed", "kb.browse", entries)


@bp.get("/answers/feed.atom")
@permits("kb.browse")
def answers_feed() -> ResponseReturnValue:
    """New past answers, by topic, country and language where asked for."""
    statement = Answer.visible_to(person()).where(Answer.state == PUBLISHED)
    statement = filtered(statement, Answer, "topic", "country", "language")
    rows = db.session.execute(
        statement.order_by(Answer.published_at.desc(), Answer.id.desc()).limit(FEED).with_only_columns(
            Answer.id, Answer.title, Answer.slug, Answer.language, Answer.topic, Answer.published_at,
            Answer.updated_at, func.substr(Answer.answer_text, 1, EXCERPT).label("beginning"),
        )
    ).all()  # fmt: skip
    entries = [
        {"row": row, "id": _id("answer", row), "url": external("kb.answer", slug=row.slug),
         "summary": excerpt(row.beginning)}
        for row in rows
    ]  # fmt: skip
    return _feed(_("Past answers"), "kb.answers_feed", "kb.answers", entries)


def _id(kind: str, row: Any) -> str:
    """What stays the same when the address changes (RFC 4287, 4.2.6; a tag URI, RFC 4151)."""
    host = urlsplit(current_app.config["BASE_URL"]).hostname
    return f"tag:{host},{row.published_at.year}:{kind}/{row.id}"


def _feed(title: str, endpoint: str, page: str, entries: list[dict[str, Any]]) -> Response:
    asked = {name: value for name in ("topic", "country", "language") if (value := request.args.get(name, "")[:60])}
    names = {"topic": topics.topic_name, "country": country_name, "language": language_name}
    if parts := [names[name](value) for name, value in asked.items()]:
        title = f"{title}: {', '.join(parts)}"
    language = asked.get("language", "")
    text = render_template(
        "kb/feed.xml", title=title, own_url=external(endpoint, **asked), page_url=external(page, **asked),
        entries=entries, updated=max((entry["row"].updated_at for entry in entries), default=EPOCH),
        language=language if is_language(language) else "",
    )  # fmt: skip
    # What is taken back is gone at once.
    seconds = 300 if endpoint == "kb.feed" else 0
    return conditional(Response(text, mimetype="application/atom+xml"), seconds=seconds)

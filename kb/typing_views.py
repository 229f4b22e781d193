"""Keeping what is typed into the editor, giving it back, and throwing it away."""

from dataclasses import dataclass

import flask_babel
from flask import abort, flash, jsonify, redirect, request, url_for
from flask.typing import ResponseReturnValue

from core import limits
from core.db import db, now
from core.i18n import _
from core.policy import permits, require
from core.web import person
from kb import typed
from kb.forms import ArticleForm
from kb.models import Article
from kb.views import bp
from kb.writing_models import ArticleTyping

# One page keeps what is typed every few seconds; this is for a handful of windows.
MOST, SECONDS = 400, 600


@dataclass(frozen=True)
class Kept:
    """What the page of the editor says of what was typed: ``row`` is offered where it is not in the form."""

    place: str
    mark: str
    row: ArticleTyping | None

    @property
    def when(self) -> str:
        """The time of day, with the day if that is another one, as the reader's clock shows it."""
        at = self.row.at if self.row is not None else now()
        is_today = flask_babel.to_user_timezone(at).date() == flask_babel.to_user_timezone(now()).date()
        return str(flask_babel.format_time(at, "short") if is_today else flask_babel.format_datetime(at, "short"))


def kept_for(form: ArticleForm, article: Article | None, *, is_begun: bool) -> Kept:
    """What is kept of what the reader of a page typed there.

    :param is_begun: whether the form shows what was typed, as when it comes back with errors.
    """
    place = request.form.get("typing_place", "")
    if article is not None or not typed.is_place(place) or typed.article_number(place):
        place = typed.place_of(article, form.language.data if article is None else "")
    row = typed.find(person(), place)
    if is_begun:
        return Kept(place, typed.mark_of(row), None)
    if row is not None and _says_the_same(form, row):
        return Kept(place, typed.mark_of(row), None)
    return Kept(place, "", row)


def fill(form: ArticleForm, article: Article | None) -> bool:
    """Put what was typed into the form, if something is kept. Returns whether it is."""
    row = typed.find(person(), typed.place_of(article, form.language.data if article is None else ""))
    if row is None:
        return False
    for name, value in row.fields.items():
        if name in form:
            form[name].data = value
    return True


def saved(article: Article | None) -> None:
    """Forget what was typed into the form that was just saved."""
    place = typed.place_of(article) if article is not None else request.form.get("typing_place", "")
    if typed.is_place(place) and (article is not None or not typed.article_number(place)):
        typed.drop(person(), place)


@bp.post("/kb/typing/<place>")
@permits("article.add")
def keep_typed(place: str) -> ResponseReturnValue:
    """Keep what is typed; says when, and the mark that the next one has to name."""
    _may_type(place)
    limits.hit("article.typing", str(person().id), MOST, SECONDS)
    row = typed.keep(person(), place, request.form, after=request.form.get("after", ""))
    return jsonify(mark=typed.mark_of(row))


@bp.post("/kb/typing/<place>/throw-away")
@permits("article.add")
def throw_typed_away(place: str) -> ResponseReturnValue:
    """Forget what was typed, and begin from what is saved."""
    article = _may_type(place)
    typed.drop(person(), place)
    flash(_("What you had typed is thrown away."), "success")
    flash(f"article-{article.id}" if article is not None else "article-new", "draft-done")
    if article is not None:
        return redirect(url_for(".edit", language=article.language, slug=article.slug), 303)
    return redirect(url_for(".new", language=place.removeprefix("new-")), 303)


def _may_type(place: str) -> Article | None:
    if not typed.is_place(place):
        abort(404)
    number = typed.article_number(place)
    if not number:
        return None
    article = db.session.get(Article, number)
    if article is None:
        abort(404)
    require(person(), "article.edit", article, seen_by="article.see")
    return article


def _says_the_same(form: ArticleForm, row: ArticleTyping) -> bool:
    names = ("title", "summary", "body", "tags", "topic", "visibility")
    return all(row.fields.get(name, "") == str(form[name].data or "").replace("\r\n", "\n") for name in names)

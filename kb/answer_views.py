"""Past answers, by staff: change, publish, withdraw. They are drafted from tickets elsewhere."""

from typing import Any

from flask import Flask, abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy.orm.exc import StaleDataError

from core import markdown
from core.db import db
from core.exceptions import Refused
from core.i18n import _
from core.policy import permits, require
from core.web import person
from kb import answer_files, answers
from kb.forms import AnswerForm, BasisForm
from kb.models import Answer
from kb.views import bp, find_answer


def register(app: Flask) -> None:
    """The routes belong to the blueprint of `kb.views`, which is registered there."""
    app.jinja_env.globals.update(answer_files=answer_files.of)


@bp.get("/answers/<slug>/edit")
@permits("answer.edit")
def edit_answer(slug: str) -> ResponseReturnValue:
    """A past answer, to change it."""
    row = _find(slug)
    form = AnswerForm(None)
    form.fill(row)
    return _page(row, form, BasisForm(None))


@bp.post("/answers/<slug>/edit")
@permits("answer.edit")
def change_answer(slug: str) -> ResponseReturnValue:
    """Change a past answer, unless somebody else did so since the page was loaded."""
    row = _find(slug)
    form = AnswerForm()
    valid = form.validate_on_submit()
    if form.version.number != row.version:
        return _conflict(row, form)
    if not valid:
        return _page(row, form, BasisForm(None)), 422
    try:
        changed = answers.edit(row, form.words(), by=person())
        db.session.flush()
    except Refused as error:
        field = form[error.field if error.field in form else "title"]
        field.errors = [*field.errors, str(error)]
        return _page(row, form, BasisForm(None)), 422
    except StaleDataError:
        db.session.rollback()
        return _conflict(_find(slug), form)
    flash(f"answer-{row.id}", "draft-done")
    flash(_("Your change is kept.") if changed else _("Nothing was changed."), "success")
    return redirect(url_for(".answer", slug=slug), 303)


@bp.post("/answers/<slug>/publish")
@permits("answer.edit")
def publish_answer(slug: str) -> ResponseReturnValue:
    """Publish a past answer, and say why it may be."""
    row = _find(slug)
    basis = BasisForm()
    if not basis.validate_on_submit():
        form = AnswerForm(None)
        form.fill(row)
        return _page(row, form, basis), 422
    answers.publish(row, basis=basis.basis.data, by=person())
    flash(_("The past answer is published."), "success")
    return redirect(url_for(".answer", slug=slug), 303)


@bp.post("/answers/<slug>/withdraw")
@permits("answer.edit")
def withdraw_answer(slug: str) -> ResponseReturnValue:
    """Take a past answer away from readers."""
    row = _find(slug)
    answers.withdraw(row, by=person())
    flash(_("The past answer is withdrawn. Only staff see it now."), "success")
    return redirect(url_for(".answer", slug=slug), 303)


@bp.post("/answers/preview")
@permits("article.add")
def preview_answer() -> ResponseReturnValue:
    """How a text of a past answer will look."""
    return markdown.render_message(request.form.get("text", "")[: answers.TEXT_LENGTH])


def _find(slug: str) -> Answer:
    row = find_answer(slug)
    if row is None:
        abort(404)
    require(person(), "answer.edit", row, seen_by="answer.see")
    return row


def _page(row: Answer, form: AnswerForm, basis: BasisForm, **more: Any) -> str:
    return render_template("kb/edit_answer.html", answer=row, form=form, basis=basis, **more)


def _conflict(row: Answer, form: AnswerForm) -> ResponseReturnValue:
    """Keep what was typed, and show what it says now; saving again is then a decision."""
    form.version.data = str(row.version)
    return _page(row, form, BasisForm(None), conflict=True), 409

"""“Was this helpful?”: asked under every article and past answer, of everybody, once in a browser session."""

from flask import abort, flash, redirect, render_template, request, session, url_for
from flask.typing import ResponseReturnValue

from core import limits, pager
from core.db import db
from core.exceptions import Refused
from core.i18n import _
from core.policy import checked, permits, require
from core.web import person
from kb import feedback
from kb.forms import FeedbackForm
from kb.models import Answer, Article, Feedback
from kb.views import bp, find_answer, find_article

PER_HOUR = 60
REMEMBERED = 50
PAGE = 50


@bp.route("/kb/<language>/<slug>/feedback", methods=["GET", "POST"])
@permits("article.see")
def article_feedback(language: str, slug: str) -> ResponseReturnValue:
    """Say whether an article helped."""
    row = find_article(language, slug)
    if row is None:
        abort(404)
    require(person(), "article.see", row)
    return _ask(row, url_for(".article", language=language, slug=slug))


@bp.route("/answers/<slug>/feedback", methods=["GET", "POST"])
@permits("answer.see")
def answer_feedback(slug: str) -> ResponseReturnValue:
    """Say whether a past answer helped."""
    row = find_answer(slug)
    if row is None:
        abort(404)
    require(person(), "answer.see", row)
    return _ask(row, url_for(".answer", slug=slug))


@bp.get("/kb/feedback")
@permits("feedback.see")
def inbox() -> ResponseReturnValue:
    """What readers said: by default what is new and has words."""
    everything = "all" in request.args
    statement = db.select(Feedback)
    if not everything:
        statement = statement.where(Feedback.comment != "", Feedback.seen_at.is_(None))
    page = pager.page(
        statement, [(Feedback.id, True)], after=request.args.get("after", ""), before=request.args.get("before", ""),
        size=PAGE,
    )  # fmt: skip
    subjects = {}
    for kind, model in (("article", Article), ("answer", Answer)):
        numbers = {row.about_id for row in page.items if row.about_kind == kind}
        if numbers:
            for subject in db.session.scalars(db.select(model).where(model.id.in_(numbers))):
                subjects[kind, subject.id] = subject
    return render_template("kb/feedback_inbox.html", page=page, subjects=subjects, everything=everything)


@bp.post("/kb/feedback/<int:number>/seen")
@permits("feedback.see")
def see(number: int) -> ResponseReturnValue:
    """Mark a comment as read."""
    checked("feedback.see")
    row = db.session.get(Feedback, number) if number < 2**31 else None
    if row is None:
        abort(404)
    feedback.see(row)
    return redirect(url_for(".inbox"), 303)


def given(about: Article | Answer) -> Feedback | None:
    """What this browser said of a text in this session."""
    number = session.get("helped", {}).get(f"{about.__tablename__}:{about.id}")
    row = db.session.get(Feedback, number) if number else None
    return row if row is not None and row.about_id == about.id else None


def _ask(about: Article | Answer, back: str) -> ResponseReturnValue:
    form = FeedbackForm()
    if request.method == "GET":
        chosen = request.args.get("helpful", "")
        form.helpful.data = chosen if chosen in {"yes", "no"} else None
        return render_template("kb/feedback.html", form=form, about=about, back=back)
    limits.hit("feedback", limits.network_address(), PER_HOUR, 3600)
    if not form.validate_on_submit():
        return render_template("kb/feedback.html", form=form, about=about, back=back), 422
    is_helpful, comment = form.helpful.data == "yes", form.comment.data or ""
    known = given(about)
    try:
        if known is not None:
            feedback.change(known, about, is_helpful=is_helpful, comment=comment)
        else:
            known = feedback.give(about, is_helpful=is_helpful, by=person(), comment=comment)
    except Refused as error:
        form.comment.errors = [str(error)]
        return render_template("kb/feedback.html", form=form, about=about, back=back), 422
    helped = {**session.get("helped", {}), f"{about.__tablename__}:{about.id}": known.id}
    session["helped"] = dict(list(helped.items())[-REMEMBERED:])
    if comment:
        flash(_("Thank you. Our staff will read what you wrote."), "success")
    return redirect(f"{back}#helpful", 303)

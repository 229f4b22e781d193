"""The work list of searches that found nothing or led nowhere, and the report of how a search ended."""

from flask import Blueprint, Flask, abort, current_app, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from core import limits, signing
from core.db import db
from core.exceptions import Refused
from core.i18n import _, language
from core.policy import permits, require
from core.web import person, signed_post
from kb import finding, gaps
from kb.gap_models import LEFT, OPENED
from kb.models import Article

bp = Blueprint("gaps", __name__)

MOST_CANDIDATES = 8


def register(app: Flask) -> None:
    """Add the routes."""
    app.register_blueprint(bp)


@bp.post("/search/ended")
@permits("kb.browse")
@signed_post
def ended() -> ResponseReturnValue:
    """Write down whether anything was opened of what a search found, without who searched.

    The mark that the page of the search carries stands for the token of a form, so that strangers need no cookie, and
    only searches that were shown are written down.
    """
    settings = current_app.extensions["settings"].limits
    limits.hit("suggest", limits.network_address(), settings.suggest_per_minute, 60)
    outcome = request.form.get("outcome", "")
    text = request.form.get("q", "")
    if not signing.is_mark(gaps.SHOWN, text, request.form.get("mark", "")):
        abort(404)
    if outcome not in {LEFT, OPENED}:
        abort(422, _("Something in the form is missing or wrong."))
    if gaps.is_new(text, outcome, limits.network_address()):
        gaps.note(text, outcome, language=language())
    return "", 204


@bp.get("/kb/gaps")
@permits("article.add")
def index() -> ResponseReturnValue:
    """What readers searched for in vain."""
    settled = "settled" in request.args
    return render_template("kb/gaps.html", gaps=gaps.gaps(settled=settled), settled=settled, kept=gaps.KEPT_DAYS)


@bp.get("/kb/gaps/answer")
@permits("article.add")
def choose() -> ResponseReturnValue:
    """Articles that may answer a search, to choose the one that does."""
    words, text = request.args.get("words", "")[:200], request.args.get("q", "")[: gaps.LONGEST]
    hits = finding.find(text, user=person(), kinds=("article",), language=language(), limit=MOST_CANDIDATES).hits
    return render_template("kb/gap_answer.html", words=words, q=text, hits=hits)


@bp.post("/kb/gaps/settle")
@permits("article.edit")
def settle() -> ResponseReturnValue:
    """Say that an article answers it: the words become a tag of the article."""
    number = request.form.get("article", "")
    known = number.isascii() and number.isdigit() and len(number) < 10
    article = db.session.get(Article, int(number)) if known else None
    if article is None:
        abort(404)
    require(person(), "article.edit", article, seen_by="article.see")
    try:
        gaps.settle(_words(), article, by=person())
    except Refused as error:
        flash(str(error), "danger")
        return redirect(url_for(".index"), 303)
    flash(_("“%(title)s” is found by these words from now on.", title=article.title), "success")
    return redirect(url_for(".index"), 303)


@bp.post("/kb/gaps/dismiss")
@permits("article.add")
def dismiss() -> ResponseReturnValue:
    """Nothing is to be done about it."""
    gaps.dismiss(_words(), by=person())
    return redirect(url_for(".index"), 303)


@bp.post("/kb/gaps/reopen")
@permits("article.add")
def reopen() -> ResponseReturnValue:
    """Put it back on the list."""
    gaps.reopen(_words())
    return redirect(url_for(".index", settled=1), 303)


def _words() -> str:
    words = request.form.get("words", "")
    if not words or len(words) > 200:
        abort(422, _("Something in the form is missing or wrong."))
    return words

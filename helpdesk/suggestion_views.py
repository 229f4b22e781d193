"""Answers that fit, while a question is typed: shown, opened in place, and “this answered my question”."""

from typing import Any

from flask import Blueprint, Flask, abort, current_app, jsonify, render_template, request, url_for
from flask.typing import ResponseReturnValue

from core import limits
from core.db import db
from core.i18n import _, language, language_name
from core.policy import checked, permits, require
from core.web import person
from helpdesk import measuring
from helpdesk.fitting import Question, fitting
from helpdesk.measuring_models import ANSWERED, OPENED
from kb.models import Answer, Article, SuggestionUse
from kb.search import Hit
from kb.topics import TOPICS

bp = Blueprint("suggestions", __name__)

TEXT_LENGTH = 2000
SHORTEST = 3
MOST = 5


def register(app: Flask) -> None:
    """Add the routes."""
    app.register_blueprint(bp)


@bp.get("/suggestions")
@permits("kb.browse")
def index() -> ResponseReturnValue:
    """Articles and past answers that fit what is typed so far."""
    asked = {name: request.args.get(name, "")[:TEXT_LENGTH] for name in ("title", "body", "topic", "country")}
    if len(f"{asked['title']}{asked['body']}".strip()) < SHORTEST:
        return jsonify([])
    question = Question(**asked, language=language())
    return jsonify([card(hit) for hit in fitting(question, reader=person(), limit=MOST, thorough=False)])


@bp.get("/suggestions/<kind>/<int:number>")
@permits("article.see")
def preview(kind: str, number: int) -> ResponseReturnValue:
    """The text of a suggestion, as a fragment, to read in place."""
    return render_template("helpdesk/_suggestion.html", target=_target(kind, number), kind=kind)


@bp.post("/suggestions/shown")
@permits("kb.browse")
def shown() -> ResponseReturnValue:
    """Write down which suggestions have stood there for a while: never what was typed, nor by whom."""
    _slow_down()
    targets = measuring.references(request.form.getlist("ref"))
    if not targets:
        abort(422, _("This suggestion is not known."))
    topic = request.form.get("topic", "")
    token = measuring.show(
        targets, language=language(), topic=topic if topic in TOPICS else "", token=request.form.get("showing", "")
    )
    return jsonify(showing=token)


@bp.post("/suggestions/opened")
@permits("kb.browse")
def opened() -> ResponseReturnValue:
    """Write down that a suggestion was opened."""
    _slow_down()
    kind, number = _reference()
    if not measuring.references([f"{kind}:{number}"]):
        abort(422, _("This suggestion is not known."))
    measuring.step(request.form.get("showing", ""), OPENED, kind, number)
    return "", 204


@bp.post("/suggestions/answered")
@permits("kb.browse")
def answered() -> ResponseReturnValue:
    """Record that a suggestion answered the question, so that it need not be asked. The words typed are not kept."""
    _slow_down()
    kind, number = _reference()
    target = _target(kind, number)
    # A click that comes twice answered one question.
    if measuring.step(request.form.get("showing", ""), ANSWERED, kind, number):
        db.session.add(SuggestionUse(what="answered", place="ask", target_kind=kind, target_id=target.id))
    return jsonify(thanks=_("Good to hear. Nothing was sent; what you typed is cleared."))


def _slow_down() -> None:
    settings = current_app.extensions["settings"].limits
    limits.hit("suggest", limits.network_address(), settings.suggest_per_minute, 60)


def _reference() -> tuple[str, int]:
    kind, _colon, number = request.form.get("ref", "").partition(":")
    if not number.isascii() or not number.isdigit() or len(number) > 9:
        abort(422, _("This suggestion is not known."))
    return kind, int(number)


def card(hit: Hit) -> dict[str, Any]:
    """One suggestion, for the script of the page."""
    kind, _colon, number = hit.id.partition(":")
    return {
        "kind": kind,
        "label": _("Past answer") if kind == "answer" else _("Article"),
        "title": hit.title_marked,
        "url": hit.url,
        "snippet": hit.snippet,
        "note": "" if hit.language == language() else language_name(hit.language),
        "fragment_url": url_for("suggestions.preview", kind=kind, number=number),
        "ref": hit.id,
    }


def _target(kind: str, number: int) -> Article | Answer:
    model = {"article": Article, "answer": Answer}.get(kind)
    target: Article | Answer | None = db.session.get(model, number) if model is not None else None
    if target is None:
        abort(404)
    if kind == "answer":
        checked("article.see")
    require(person(), f"{kind}.see", target)
    return target

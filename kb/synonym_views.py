"""The page on which staff keep the list of words that mean the same."""

from flask import Blueprint, Flask, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from core.exceptions import Refused
from core.i18n import _
from core.policy import permits
from core.web import person
from kb import synonym_groups
from kb.search.synonyms import COLUMNS

bp = Blueprint("synonyms", __name__)


def register(app: Flask) -> None:
    """Add the routes."""
    app.register_blueprint(bp)


@bp.get("/kb/synonyms")
@permits("article.add")
def index() -> ResponseReturnValue:
    """The list, and a form for a new group or the one chosen."""
    return _page()


@bp.post("/kb/synonyms")
@permits("article.add")
def save() -> ResponseReturnValue:
    """Add or change a group."""
    words = {language: request.form.get(language, "")[:2000] for language in COLUMNS}
    reader = person()
    assert reader is not None
    try:
        synonym_groups.save(words, number=_number(), replaces=_replaces(), by=reader)
    except Refused as error:
        return _page(typed=words, error=error), 422
    flash(_("Saved. Searches know it within seconds."), "success")
    return redirect(url_for(".index"), 303)


@bp.post("/kb/synonyms/remove")
@permits("article.add")
def remove() -> ResponseReturnValue:
    """Take a group out of use."""
    reader = person()
    assert reader is not None
    synonym_groups.remove(number=_number(), replaces=_replaces(), by=reader)
    flash(_("Removed."), "success")
    return redirect(url_for(".index"), 303)


def _page(typed: dict[str, str] | None = None, error: Refused | None = None) -> str:
    groups = synonym_groups.listed()
    number, replaces = _number(), _replaces()
    chosen = next(
        (one for one in groups if (number is not None and one.number == number) or (replaces == one.replaces != "")),
        None,
    )
    words = request.args.get("q", "").strip().lower()
    shown = [one for one in groups if any(words in text.lower() for text in one.words.values())] if words else groups
    return render_template(
        "kb/synonyms.html", groups=shown, chosen=chosen, columns=COLUMNS, error=error, q=request.args.get("q", ""),
        typed=typed or (chosen.words if chosen else dict.fromkeys(COLUMNS, "")),
    )  # fmt: skip


def _number() -> int | None:
    value = request.values.get("number", "")
    return int(value) if value.isascii() and value.isdigit() and len(value) < 10 else None


def _replaces() -> str:
    return request.values.get("replaces", "")[:100]

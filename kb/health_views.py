"""The page of what wants care in the knowledge base."""

from flask import Blueprint, Flask, abort, render_template, request
from flask.typing import ResponseReturnValue

from core.i18n import _
from core.policy import permits
from kb import health

bp = Blueprint("health", __name__)

BROKEN = "broken"
LISTS = {
    "overdue": health.overdue,
    "ownerless": health.ownerless,
    "unhelpful": health.unhelpful,
    "orphans": health.orphans,
}


def register(app: Flask) -> None:
    """Add the route."""
    app.register_blueprint(bp)


@bp.get("/kb/health")
@permits("article.add")
def index() -> ResponseReturnValue:
    """One list: broken links, orphans, overdue, without an owner, or without help to their readers."""
    show = request.args.get("show", BROKEN)
    if show != BROKEN and show not in LISTS:
        abort(404)
    names = {
        BROKEN: _("Broken links"), "overdue": _("To be looked through"), "ownerless": _("Nobody's"),
        "unhelpful": _("Did not help"), "orphans": _("Nothing links to them"),
    }  # fmt: skip
    return render_template(
        "kb/health.html", show=show, names=names, most=health.MOST,
        links=health.broken_links() if show == BROKEN else [], rows=LISTS[show]() if show != BROKEN else [],
    )  # fmt: skip

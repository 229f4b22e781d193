"""The report of suggestions: a page and a file."""

import csv
import io

from flask import Blueprint, Flask, flash, make_response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from core import jobs
from core.i18n import _
from core.policy import permits
from helpdesk import held_out
from kb.topics import topic_name
from portal import suggestion_report
from portal.reports import PERIODS

bp = Blueprint("suggestion_report", __name__)


def register(app: Flask) -> None:
    """Add the routes."""
    app.register_blueprint(bp)


@bp.get("/reports/suggestions")
@permits("reports.see")
def page() -> ResponseReturnValue:
    """How often suggestions are taken, which never are, and how the ranking does on solved tickets."""
    return render_template(
        "portal/suggestion_report.html", report=suggestion_report.make(_days()), periods=PERIODS,
        topic_name=topic_name, trial=held_out.newest(),
    )  # fmt: skip


@bp.get("/reports/suggestions.csv")
@permits("reports.see")
def export() -> ResponseReturnValue:
    """The same as a table."""
    text = io.StringIO()
    csv.writer(text).writerows(suggestion_report.table(_days()))
    response = make_response(text.getvalue())
    response.headers["Content-Type"] = "text/csv; charset=utf-8"
    response.headers["Content-Disposition"] = 'attachment; filename="suggestions.csv"'
    return response


@bp.post("/reports/suggestions/trial")
@permits("reports.see")
def try_now() -> ResponseReturnValue:
    """Have the ranking tried on the solved tickets now."""
    jobs.enqueue("suggestions.trial", key="suggestions.trial")
    flash(_("The ranking is being tried on the solved tickets. The figures are here in a moment."), "success")
    return redirect(url_for(".page", _anchor="trial"), 303)


def _days() -> int:
    days = request.args.get("days", 90, int)
    return days if days in PERIODS else 90

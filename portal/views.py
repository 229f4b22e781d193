"""Home, and what programs ask of a site: health, figures, sitemap."""

from functools import cache
from typing import Any

from flask import Blueprint, Flask, Response, jsonify, render_template
from flask.typing import ResponseReturnValue
from sqlalchemy import bindparam, func, select, text

import portal.policy  # noqa: F401 # Importing it defines the permissions.
from core import jobs
from core.db import db
from core.i18n import language
from core.mail import OutgoingMail
from core.policy import permits
from core.web import external, person
from helpdesk import health
from helpdesk.intake_models import InboundMail
from helpdesk.models import Ticket
from kb.models import Answer, visibilities_of

bp = Blueprint("portal", __name__)

RECENT_ANSWERS = 5


def register(app: Flask) -> None:
    """Add the routes, those of the site map too."""
    from portal import sitemap_views  # noqa: F401 # Importing it adds its routes.

    app.register_blueprint(bp)


@bp.get("/")
@permits("site.see")
def home() -> ResponseReturnValue:
    """The front door: search first, then ask, then what others asked."""
    recent = db.session.execute(_recent(visibilities_of(person())), {"language": language()}).all()
    return render_template("portal/home.html", recent=recent)


@cache
def _recent(visibilities: tuple[str, ...]) -> Any:
    """The newest past answers of some visibilities, those in a language first; put together once for each audience."""
    return (
        select(Answer.title, Answer.slug, Answer.language, Answer.country, Answer.topic, Answer.published_at)
        .where(Answer.visibility.in_(visibilities), Answer.state == "published")
        .order_by(Answer.language != bindparam("language"), Answer.published_at.desc(), Answer.id.desc())
        .limit(RECENT_ANSWERS)
    )


@bp.get("/healthz")
@permits("site.see")
def healthz() -> ResponseReturnValue:
    """Whether this process answers."""
    return jsonify(status="ok")


@bp.get("/readyz")
@permits("site.see")
def readyz() -> ResponseReturnValue:
    """Whether this process can serve: the database answers and has the newest schema."""
    from portal import demo

    db.session.execute(text("SELECT 1"))
    if not demo.is_newest():
        return jsonify(status="the database needs “flask db upgrade”"), 503
    return jsonify(status="ok")


@bp.get("/metrics")
@permits("metrics.see")
def metrics() -> ResponseReturnValue:
    """Figures for monitoring, in the text format of Prometheus."""
    queues = jobs.counts()
    lines = [
        *_metric("helpdesk_jobs", "Jobs by state.", "state", queues),
        *_metric("helpdesk_tickets", "Tickets by state.", "state", _counts(Ticket.state)),
        *_metric("helpdesk_inbound_mail", "Mail in by fate.", "fate", _counts(InboundMail.fate)),
        *_metric(
            "helpdesk_mail_in_warnings",
            "Warnings of the health page of mail in.",
            "kind",
            {"all": len(health.examine().warnings)},
        ),
        *_metric("helpdesk_outgoing_mail", "Mail out by state.", "state", _counts(OutgoingMail.state)),
    ]
    return Response(
        "\n".join(lines) + "\n", mimetype="text/plain", content_type="text/plain; version=0.0.4; charset=utf-8"
    )


@bp.get("/robots.txt")
@permits("site.see")
def robots() -> ResponseReturnValue:
    """What crawlers may read: what is published."""
    lines = ["User-agent: *", "Disallow: /desk", "Disallow: /tickets", "Disallow: /api/", "Disallow: /admin/",
             "Disallow: /search", f"Sitemap: {external('portal.sitemap')}"]  # fmt: skip
    return Response("\n".join(lines) + "\n", mimetype="text/plain")


def _counts(column: object) -> dict[str, int]:
    rows = db.session.execute(select(column, func.count()).group_by(column)).all()  # type: ignore[call-overload]
    return {code or "waiting": count for code, count in rows}


def _metric(name: str, sentence: str, label: str, values: dict[str, int]) -> list[str]:
    rows = [f'{name}{{{label}="{code}"}} {count}' for code, count in sorted(values.items())]
    return [f"# HELP {name} {sentence}", f"# TYPE {name} gauge", *rows]

"""The engine room for admins, the mails of a site without a mail server, and the reports for managers."""

import email
from email.message import EmailMessage
from email.policy import default

from flask import Blueprint, Flask, abort, current_app, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import func, select, update

from core import events, jobs, mail_sending
from core.db import db, now
from core.events import record
from core.i18n import _
from core.jobs import Job
from core.mail import OutgoingMail
from core.policy import permits, rules
from core.web import person
from helpdesk.intake_models import InboundMail
from helpdesk.outbound import FAULTS
from helpdesk.states import SERVICES, STATES
from kb.indexing import search_index
from kb.topics import topic_name
from portal import reports

bp = Blueprint("admin", __name__)

MOST_MAILS = 100


def register(app: Flask) -> None:
    """Add the routes."""
    app.register_blueprint(bp)


@bp.get("/admin/")
@permits("site.run")
def overview() -> ResponseReturnValue:
    """Whether jobs, mail and index are well, and what waits for a person."""
    dead = db.session.scalars(select(Job).where(Job.state == "dead").order_by(Job.id.desc()).limit(50)).all()
    oldest = db.session.scalar(select(func.min(Job.run_at)).where(Job.state == "queued"))
    mails = dict(db.session.execute(select(OutgoingMail.state, func.count()).group_by(OutgoingMail.state)).all())
    quarantine = db.session.scalar(select(func.count()).where(InboundMail.fate == "quarantine"))
    return render_template(
        "portal/admin.html", counts=jobs.counts(), dead=dead, mails=mails,
        late=oldest if oldest and oldest < now() else None,
        quarantine=quarantine, health=search_index().health(), rules=rules(), subscribers=events.subscribers(),
        has_server=bool(current_app.extensions["settings"].mail.host), troubles=mail_sending.troubles(), faults=FAULTS,
    )  # fmt: skip


@bp.post("/admin/jobs/<int:number>")
@permits("site.run")
def retry(number: int) -> ResponseReturnValue:
    """Try a parked job again."""
    job = db.session.get(Job, number)
    if job is None:
        abort(404)
    db.session.execute(
        update(Job)
        .where(Job.id == number, Job.state == "dead")
        .values(state="queued", run_at=now(), attempts=0, lease_until=None)
    )
    record("job.retried", job, by=person())
    flash(_("The job will be tried again."), "success")
    return redirect(url_for(".overview"), 303)


@bp.get("/admin/outbox")
@permits("site.run")
def outbox() -> ResponseReturnValue:
    """The mails that were written to the outbox folder because no mail server is set."""
    folder = current_app.extensions["settings"].data_dir / "outbox"
    paths = sorted(folder.glob("*.eml"), key=lambda path: path.stat().st_mtime, reverse=True)[:MOST_MAILS]
    return render_template("portal/outbox.html", mails=[_read(path.name, path.read_bytes()) for path in paths])


@bp.get("/reports/")
@permits("reports.see")
def report() -> ResponseReturnValue:
    """The figures of a period."""
    days = request.args.get("days", 30, int)
    figures = reports.make(days if days in reports.PERIODS else 30)
    return render_template(
        "portal/reports.html",
        report=figures,
        periods=reports.PERIODS,
        states=STATES,
        services=SERVICES,
        topic_name=topic_name,
    )


def _read(name: str, raw: bytes) -> dict[str, str]:
    message = email.message_from_bytes(raw, policy=default)
    body = message.get_body(("plain",)) if isinstance(message, EmailMessage) else None
    return {
        "name": name, "to": str(message["To"]), "subject": str(message["Subject"]), "date": str(message["Date"]),
        "text": body.get_content() if body is not None else "",
    }  # fmt: skip

"""Mail out: every mail that left or should have, what became of it, and sending one again."""

from flask import abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import select

from core import mail_sending
from core.db import db
from core.i18n import _
from core.i18n import lazy as _l
from core.mail import OutgoingMail
from core.policy import permits
from core.web import person, safe_next
from helpdesk import mail_search, outbound
from helpdesk.mail_views import around, bp, page_of, searched
from helpdesk.models import Ticket

STATES = {
    "queued": _l("Waiting"),
    "deferred": _l("Tried, waiting"),
    "sent": _l("Sent"),
    "bounced": _l("Came back"),
    "dead": _l("Failed"),
}
DOTS = {"queued": "waiting", "deferred": "waiting", "sent": "sent", "bounced": "failed", "dead": "failed"}


@bp.get("/out")
@permits("mail.see")
def sent() -> ResponseReturnValue:
    """Every mail that went out or should have, newest first. What they say is not shown: some carry keys."""
    state, q = request.args.get("state", "all"), searched()
    statement = select(OutgoingMail)
    if state == "failed":
        statement = statement.where(OutgoingMail.state.in_(outbound.FAILED))
    elif state in STATES:
        statement = statement.where(OutgoingMail.state == state)
    if q:
        statement = statement.where(mail_search.matching(q, mail_search.OUTGOING))
    page = page_of(statement, OutgoingMail)
    return render_template(
        "helpdesk/mail_out.html", page=page, state=state, states=STATES, q=q, dots=DOTS, failed=outbound.FAILED,
        about_ticket=Ticket.__tablename__, troubles=mail_sending.troubles(), faults=outbound.FAULTS, **around("out"),
    )  # fmt: skip


@bp.post("/out/<int:number>/retry")
@permits("mail.see")
def retry(number: int) -> ResponseReturnValue:
    """Send a mail again that failed, or at once one that waits for its next try."""
    row = db.session.get(OutgoingMail, number) if number < 2**31 else None
    if row is None:
        abort(404)
    outbound.send_again(row, by=person())
    flash(_("The mail to %(address)s will be sent again.", address=row.recipient), "success")
    return redirect(safe_next(request.form.get("next", ""), url_for(".sent", state="failed")), 303)

"""People whom a mail named, beside a ticket: staff let them in or do not."""

from flask import abort, flash, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import select

from core.db import db
from core.i18n import _
from core.policy import checked, permits, require
from core.web import person, see_other
from helpdesk import choices, proposals
from helpdesk import thread as threads
from helpdesk.desk_views import bp
from helpdesk.mail_trust_models import ProposedParticipant


@bp.post("/desk/tickets/<int:number>/proposals/<int:proposal>")
@permits("ticket.triage")
def decide_proposal(number: int, proposal: int) -> ResponseReturnValue:
    """Let somebody take part who was named in a mail, or decide that they do not."""
    ticket = threads.find(number, to_change=True)
    if ticket is None or proposal >= choices.HIGHEST_NUMBER:
        checked("ticket.triage")
        abort(404)
    require(person(), "ticket.triage", ticket, seen_by="ticket.see")
    row = db.session.scalar(
        select(ProposedParticipant)
        .where(ProposedParticipant.id == proposal, ProposedParticipant.ticket_id == ticket.id)
        .with_for_update(of=ProposedParticipant)
    )
    if row is None:
        abort(404)
    if request.form.get("answer") == "accept":
        user = proposals.accept(row, by=person())
        flash(_("%(name)s takes part now, and receives later replies.", name=user.shown_name), "success")
    else:
        proposals.dismiss(row, by=person())
        flash(_("%(name)s takes no part.", name=row.name or row.email), "success")
    return see_other(url_for(".show", number=number))

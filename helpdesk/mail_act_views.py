"""What staff do with a mail of the log: into another ticket, a new one, to spam and back, or read again in a heap."""

from flask import abort, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import select

from core.db import db
from core.exceptions import NotNow, Refused
from core.i18n import _, ngettext
from core.policy import permits, require
from core.web import person
from helpdesk import choices, inbound, mail_moves
from helpdesk import placing as placing  # noqa: PLC0414 # Importing it registers its job.
from helpdesk.intake_models import InboundMail
from helpdesk.mail_views import bp, row_or_404, shown
from helpdesk.models import Ticket

# So many are read again at once; the button stays while there are more.
HEAP = 500


@bp.post("/<int:number>/move")
@permits("mail.see")
def move(number: int) -> ResponseReturnValue:
    """Move a mail to another ticket, or put one there that is in none."""
    row = row_or_404(number)
    typed = request.form.get("ticket", "").strip().lstrip("#")
    target = None
    if choices.is_number(typed) and 0 < int(typed) < choices.HIGHEST_NUMBER:
        target = db.session.scalar(select(Ticket).where(Ticket.id == int(typed)).with_for_update())
    if target is None:
        return shown(row, problem=_("There is no ticket with this number."), typed_ticket=typed), 422
    require(person(), "ticket.triage", target, seen_by="ticket.see")
    try:
        if row.ticket_message is not None:
            mail_moves.move(row.ticket_message, target, by=person())
            flash(_("The mail is in ticket %(number)s now.", number=target.id), "success")
        else:
            mail_moves.place(row, target, by=person())
            flash(_("The mail will be in ticket %(number)s in a moment.", number=target.id), "success")
    except (Refused, NotNow) as error:
        return shown(row, problem=str(error), typed_ticket=typed), 409 if isinstance(error, NotNow) else 422
    return redirect(url_for(".show", number=number), 303)


@bp.post("/<int:number>/ticket")
@permits("mail.see")
def make_ticket(number: int) -> ResponseReturnValue:
    """Make a ticket of a mail that is in none, whatever it is."""
    mail_moves.place(row_or_404(number), None, by=person())
    flash(_("The mail will be a ticket in a moment."), "success")
    return redirect(url_for(".show", number=number), 303)


@bp.post("/<int:number>/spam")
@permits("mail.see")
def mark_spam(number: int) -> ResponseReturnValue:
    """Mark a mail as spam; its ticket closes, and its sender is remembered."""
    row = row_or_404(number)
    mail_moves.mark_spam(row, by=person())
    flash(_("Marked as spam. “Not spam” takes it back."), "success")
    return redirect(url_for(".show", number=number), 303)


@bp.post("/<int:number>/not-spam")
@permits("mail.see")
def unmark_spam(number: int) -> ResponseReturnValue:
    """Take that back."""
    mail_moves.unmark_spam(row_or_404(number), by=person())
    flash(_("No spam any more. Mail of its sender comes in again."), "success")
    return redirect(url_for(".show", number=number), 303)


@bp.post("/replay")
@permits("mail.see")
def replay_heap() -> ResponseReturnValue:
    """Read all mails in quarantine again that are there for the same reason."""
    reason = request.form.get("reason", "")
    if not reason:
        abort(404)
    statement = (
        select(InboundMail).where(InboundMail.fate == "quarantine", InboundMail.reason == reason)
        .order_by(InboundMail.id).limit(HEAP).with_for_update()
    )  # fmt: skip
    rows = db.session.scalars(statement).all()
    for row in rows:
        inbound.replay(row, by=person())
    said = ngettext("%(num)s mail will be read again.", "%(num)s mails will be read again.", len(rows))
    flash(said, "success")
    return redirect(url_for(".index", fate="quarantine"), 303)

"""Replies that have not left: taking one back, another moment for it, sending it at once, throwing it away."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import flask_babel
from flask import abort, current_app, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue

from core import files
from core.db import db, now
from core.exceptions import NotNow, Refused
from core.files import StoredFile
from core.i18n import _
from core.policy import checked, permits, require
from core.web import person
from helpdesk import planned
from helpdesk.desk_forms import ReplyForm
from helpdesk.desk_views import bp
from helpdesk.models import Ticket
from helpdesk.outgoing_models import PlannedReply
from helpdesk.sending import Draft
from helpdesk.tickets import Recipients


@bp.post("/desk/tickets/<int:number>/planned/<int:reply>/undo")
@permits("ticket.triage")
def take_back(number: int, reply: int) -> ResponseReturnValue:
    """Put a reply back into the reply box."""
    row = _find(number, reply)
    if row is None:
        return _too_late(number)
    planned.take_back(row, by=person())
    return redirect(url_for("desk.show", number=number, draft=reply, _anchor="reply"), 303)


@bp.post("/desk/tickets/<int:number>/planned/<int:reply>/discard")
@permits("ticket.triage")
def discard(number: int, reply: int) -> ResponseReturnValue:
    """Throw a reply away."""
    row = _find(number, reply)
    if row is None:
        return _too_late(number)
    planned.discard(row, by=person())
    flash(_("The reply was thrown away. Nobody got it."), "success")
    return redirect(url_for("desk.show", number=number), 303)


@bp.post("/desk/tickets/<int:number>/planned/<int:reply>/moment")
@permits("ticket.triage")
def put_off(number: int, reply: int) -> ResponseReturnValue:
    """Send a reply at once, or at another moment; the button that was pressed says which."""
    row = _find(number, reply)
    if row is None:
        return _too_late(number)
    try:
        if request.form.get("do") == "now":
            message = planned.send_now(row)
            flash(_("Your reply is on its way."), "success")
            return redirect(url_for("desk.show", number=number, _anchor=f"message-{message.id}"), 303)
        moment = chosen_moment(request.form.get("leaves_on", ""), request.form.get("leaves_at", ""))
        if moment is None:
            raise Refused(_("Choose a day and a time."), "leaves_on")
        planned.put_off(row, moment, by=person())
    except (Refused, NotNow) as error:
        db.session.rollback()
        flash(str(error), "danger")
    return redirect(url_for("desk.show", number=number, _anchor=f"planned-{reply}"), 303)


def chosen_moment(day: str, time: str) -> datetime | None:
    """The moment that two fields of a form say, in the time zone of whoever fills them in; None if they are empty.

    :raises Refused: if they say none.
    """
    if not day.strip() and not time.strip():
        return None
    try:
        naive = datetime.fromisoformat(f"{day.strip()}T{time.strip() or '09:00'}")
        if naive.tzinfo is not None:
            raise ValueError("the form has no time zone")
        moment: datetime = flask_babel.to_utc(naive)
        return moment.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        raise Refused(_("Write a day and a time, such as 2026-11-30 and 09:00."), "leaves_on") from None


def plan_reply(
    ticket: Ticket, draft: Draft, *, body: str, then: str, recipients: Recipients | None,
    stored: Sequence[StoredFile],
) -> PlannedReply | None:  # fmt: skip
    """Have a reply wait, for its moment or to be undone; None where it leaves at once.

    :raises Refused: as `planned.plan`.
    :raises NotNow: as `planned.plan`.
    """
    moment = chosen_moment(draft.leaves_on, draft.leaves_at)
    seconds = int(current_app.extensions["settings"].mail.undo_seconds)
    if moment is None and seconds <= 0:
        return None
    row = planned.plan(
        ticket, by=person(), body=body, recipients=recipients, files=stored, then=then, cites=draft.cites,
        leaves_at=moment or now() + timedelta(seconds=seconds), is_later=moment is not None,
    )  # fmt: skip
    if moment is None:
        flash(_("Your reply leaves in %(seconds)s seconds.", seconds=seconds), "success")
    else:
        flash(_("Your reply leaves at the time that you chose."), "success")
    return row


def fill(form: ReplyForm, number: int, reply: str) -> Draft | None:
    """Put a reply that was taken back into the reply box of its ticket; None if there is none."""
    row = planned.find(int(reply)) if reply.isascii() and reply.isdigit() and len(reply) < 18 else None
    if row is None or row.ticket_id != number or not row.held:
        return None
    form.body.data = row.body
    kept = [db.session.get(StoredFile, item["file"]) for item in row.files]
    form.kept = [files.kept(file) for file in kept if file is not None]
    local = flask_babel.to_user_timezone(row.leaves_at) if row.is_later and row.leaves_at > now() else None
    return Draft(
        to=None if row.to_ids is None else frozenset(str(one) for one, _took_part in row.to_ids),
        cc=frozenset(str(one) for one, _took_part in row.cc_ids), planned=str(row.id), cites=tuple(row.cites),
        leaves_on=f"{local:%Y-%m-%d}" if local else "", leaves_at=f"{local:%H:%M}" if local else "",
    )  # fmt: skip


def forget(number: int, draft: Draft) -> None:
    """Drop the reply that was taken back and has now been sent in another form."""
    text = draft.planned
    row = planned.find(int(text), to_change=True) if text.isascii() and text.isdigit() and len(text) < 18 else None
    if row is not None and row.ticket_id == number and row.held == planned.DRAFT:
        db.session.delete(row)


def _find(number: int, reply: int) -> PlannedReply | None:
    ticket = db.session.get(Ticket, number) if number < 2**31 else None
    if ticket is None:
        checked("ticket.triage")
        abort(404)
    require(person(), "ticket.triage", ticket, seen_by="ticket.see")
    row = planned.find(reply, to_change=True) if reply < 2**31 else None
    return row if row is not None and row.ticket_id == number else None


def _too_late(number: int) -> ResponseReturnValue:
    flash(_("It was too late: the reply has left already."), "info")
    return redirect(url_for("desk.show", number=number), 303)

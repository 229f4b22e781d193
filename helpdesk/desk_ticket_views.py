"""One ticket on the desk: its page, replies and notes, its fields, who takes part."""

from collections.abc import Sequence
from typing import Any

from flask import abort, flash, render_template, request, url_for
from flask.typing import ResponseReturnValue

from accounts import people
from accounts.models import User
from core import markdown
from core.db import db, now
from core.exceptions import NotNow, Refused
from core.i18n import _
from core.policy import can, checked, permits, require
from core.web import deny, person, see_other
from helpdesk import choices, citing, measuring, planned, planned_views, sending, tickets
from helpdesk import thread as threads
from helpdesk.desk_forms import ReplyForm
from helpdesk.desk_views import bp
from helpdesk.fields import Conflict, change_fields
from helpdesk.models import Message, Ticket
from helpdesk.outgoing_models import PlannedReply
from helpdesk.sending import Draft
from helpdesk.tickets import Words
from kb import view_counts

THEN = {"wait": "", "solve": "solve", "open": "open"}


@bp.get("/desk/tickets/<int:number>")
@permits("ticket.triage")
def show(number: int) -> ResponseReturnValue:
    """A ticket: the thread, the reply box, and what belongs to the ticket beside them.

    ``?cites=article:7`` begins the reply with a link, for readers without scripts.
    """
    if person() is None:
        # Staff who follow a link in a mail sign in first; the answer is the same for a number that is no ticket.
        checked("ticket.triage")
        return deny()
    form = ReplyForm(None)
    if "draft" in request.args and can(person(), "desk.see"):
        draft = planned_views.fill(form, number, request.args["draft"])
        if draft is not None:
            return _page(number, form, draft)
    if "cites" in request.args:
        targets = citing.chosen(request.args.getlist("cites"), person(), _find(number).requester)
        form.body.data = citing.with_links("", targets)
    return _page(number, form)


@bp.post("/desk/tickets/<int:number>/replies")
@permits("ticket.triage")
def reply(number: int) -> ResponseReturnValue:
    """Send a reply, or keep a note; the button that was pressed says which."""
    ticket = _find(number)
    form = ReplyForm()
    is_note = request.form.get("send") == "note"
    draft = sending.read(request.form)
    if not form.validate_on_submit():
        return _again(number, form, draft, 413 if form.too_large else 422)
    by: User = person()
    body = (form.body.data or "").strip()
    waits = None
    try:
        if is_note:
            message = tickets.note(ticket, by=by, words=Words(body=body, files=form.stored_files(), channel="desk"))
        else:
            sending.check_seen(ticket, draft)
            recipients = sending.recipients(ticket, draft)
            body = citing.with_links(body, citing.chosen(request.form.getlist("cites"), by, ticket.requester))
            stored = form.stored_files()
            then = THEN.get(request.form.get("send", ""), "")
            waits = planned_views.plan_reply(ticket, draft, body=body, then=then, recipients=recipients, stored=stored)
            if waits is None:
                words = Words(body=body, files=stored, channel="desk", language=ticket.language)
                message = tickets.reply(ticket, by=by, words=words, recipients=recipients, then=then)
    except sending.Stop as stop:
        return _again(number, form, stop.draft, stop.status)
    except Refused as refused:
        form.form_errors.append(str(refused))
        return _again(number, form, draft, 422)
    except NotNow as error:
        form.form_errors.append(str(error))
        return _again(number, form, draft, 409)
    planned_views.forget(number, draft)
    flash(f"reply-{number}", "draft-done")
    if waits is not None:
        return see_other(url_for(".show", number=number, _anchor=f"planned-{waits.id}"))
    for target in citing.cited_in(body):
        tickets.cite(message, target, by=by)
    flash(_("The note is kept.") if is_note else _("Your reply is on its way."), "success")
    return see_other(url_for(".show", number=number, _anchor=f"message-{message.id}"))


@bp.post("/desk/tickets/<int:number>/fields")
@permits("ticket.triage")
def change(number: int) -> ResponseReturnValue:
    """Change one or more fields of a ticket, unless somebody else changed the same one meanwhile."""
    ticket = _find(number)
    try:
        said = change_fields(ticket, request.form, by=person())
    except Conflict as conflict:
        return _again(number, ReplyForm(None), None, 409, conflict=conflict)
    except (Refused, NotNow) as error:
        return _again(number, ReplyForm(None), None, 409 if isinstance(error, NotNow) else 422, problem=str(error))
    if said:
        flash(said, "success")
    return see_other(url_for(".show", number=number))


@bp.post("/desk/tickets/<int:number>/participants")
@permits("ticket.triage")
def add_participant(number: int) -> ResponseReturnValue:
    """Let somebody take part, by their address."""
    ticket = _find(number)
    address = request.form.get("email", "")
    try:
        user = people.find_or_add(address, name=" ".join(request.form.get("name", "").split()))
        sending.not_ours(user.email)
        tickets.add_participant(ticket, user, by=person())
    except Refused as refused:
        return _again(number, ReplyForm(None), None, 422, problem=str(refused), typed_participant=address)
    flash(_("%(name)s takes part now, and receives later replies.", name=user.shown_name), "success")
    return see_other(url_for(".show", number=number))


@bp.post("/desk/tickets/<int:number>/participants/<int:user>/remove")
@permits("ticket.triage")
def remove_participant(number: int, user: int) -> ResponseReturnValue:
    """Take somebody out; their links and reply addresses end."""
    ticket = _find(number)
    other = db.session.get(User, user) if user < choices.HIGHEST_NUMBER else None
    if other is None:
        abort(404)
    try:
        tickets.remove_participant(ticket, other, by=person())
    except Refused as refused:
        return _again(number, ReplyForm(None), None, 422, problem=str(refused))
    flash(_("%(name)s no longer takes part.", name=other.shown_name), "success")
    return see_other(url_for(".show", number=number))


@bp.get("/desk/tickets/<int:number>/fit")
@permits("ticket.triage")
def fit(number: int) -> ResponseReturnValue:
    """Answers that fit and similar past tickets: a fragment beside the ticket, or a page of its own."""
    ticket = _find(number)
    fits, similar = citing.fitting(ticket, person()), citing.similar(ticket)
    if not view_counts.is_ahead():
        measuring.show_on_desk(ticket, [*(fit.hit.id for fit in fits), *(f"ticket:{row.id}" for row in similar)])
    return render_template(
        "helpdesk/_desk_fit.html" if request.headers.get("X-Fragment") else "helpdesk/desk_fit.html",
        ticket=ticket, fits=fits, similar=similar,
    )  # fmt: skip


@bp.get("/desk/tickets/<int:number>/fit/<kind>/<int:target>")
@permits("ticket.triage")
def open_fit(number: int, kind: str, target: int) -> ResponseReturnValue:
    """Open an article, a past answer or a similar ticket that was suggested beside one, and write down that it was."""
    _find(number)
    if kind == "ticket":
        path = url_for(".show", number=_find(target).number)
    elif found := citing.chosen([f"{kind}:{target}"], person()):
        path = citing.path_of(found[0])
    else:
        abort(404)
    if not view_counts.is_ahead():
        measuring.opened_on_desk(number, kind, target)
    return see_other(path)


@bp.get("/desk/tickets/<int:number>/peers")
@permits("ticket.triage")
def peers(number: int) -> ResponseReturnValue:
    """Champions who have done it: a fragment beside the ticket, or a page of its own."""
    ticket = _find(number)
    return render_template(
        "peers/_ticket_peers.html" if request.headers.get("X-Fragment") else "helpdesk/desk_peers.html", ticket=ticket
    )


@bp.get("/desk/messages/<int:message_id>/full")
@permits("ticket.triage")
def full(message_id: int) -> ResponseReturnValue:
    """The whole text of a mail, with its quotations: a fragment inside the thread, or a page of its own."""
    message = db.session.get(Message, message_id) if 0 < message_id < 2**63 else None
    if message is None:
        checked("ticket.triage")
        abort(404)
    require(person(), "ticket.triage", message.ticket, seen_by="ticket.see")
    html = markdown.render_plain(message.full_text or message.body)
    if request.headers.get("X-Fragment"):
        return html, {"Content-Type": "text/html; charset=utf-8"}
    return render_template("helpdesk/desk_full.html", message=message, html=html)


def _find(number: int) -> Ticket:
    ticket = threads.find(number, to_change=request.method == "POST")
    if ticket is None:
        checked("ticket.triage")
        abort(404)
    require(person(), "ticket.triage", ticket, seen_by="ticket.see")
    return ticket


def _again(number: int, form: ReplyForm, draft: Draft | None, status: int, **more: Any) -> ResponseReturnValue:
    """The page once more with everything typed kept; what was half done is undone first."""
    db.session.rollback()
    return _page(number, form, draft, **more), status


def _page(number: int, form: ReplyForm, draft: Draft | None = None, **more: Any) -> str:
    limit = request.args.get("messages", "")
    if not can(person(), "desk.see"):
        _find(number)
    thread = threads.load(number, limit=int(limit) if choices.is_number(limit) else threads.WINDOW)
    if thread is None:
        checked("ticket.triage")
        abort(404)
    require(person(), "ticket.triage", thread.ticket, seen_by="ticket.see")
    draft = draft or Draft()
    missed: Sequence[Any] = ()
    if draft.missed_after is not None:
        missed = [entry.message for entry in thread.entries if entry.message and entry.message.id > draft.missed_after]
    return render_template(
        "helpdesk/desk_ticket.html", thread=thread, ticket=thread.ticket, form=form, draft=draft, missed=missed,
        people=sending.choices(thread.participants, draft), reader=person(),
        waiting=planned.of_ticket(thread.ticket) if thread.has_planned else (),
        seconds_left=_seconds_left, **more,
    )  # fmt: skip


def _seconds_left(row: PlannedReply) -> float:
    return round(max((row.leaves_at - now()).total_seconds(), 0), 1)

"""The pages of those who ask: the ask page, one's own tickets, and one ticket."""

from flask import Blueprint, Flask, abort, current_app, flash, redirect, render_template, request, session, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import joinedload, selectinload

from accounts import people
from accounts.models import User
from core import limits, pager
from core.db import db
from core.i18n import _, language
from core.policy import can, checked, permits, require
from core.web import person, see_other
from helpdesk import grants, tickets
from helpdesk.forms import AnswerForm, AskForm
from helpdesk.models import PUBLIC, Message, Ticket
from helpdesk.states import STATES_FOR_REQUESTER
from helpdesk.tickets import Words

bp = Blueprint("helpdesk", __name__)

HIGHEST_NUMBER = 2**31


def register(app: Flask) -> None:
    """Add the routes."""
    from helpdesk import asked_views  # noqa: F401 # It adds its routes.

    app.register_blueprint(bp)
    settings = app.extensions["settings"]
    app.jinja_env.globals.update(
        requester_state=lambda ticket: str(STATES_FOR_REQUESTER[ticket.state]),
        file_megabytes=settings.files.max_megabytes,
        ticket_link_days=settings.security.ticket_link_days,
    )


@bp.get("/ask")
@permits("ticket.ask")
def ask() -> ResponseReturnValue:
    """The ask page. What is in the address (title, topic, …) is filled in, for links from elsewhere."""
    who = person()
    form = (
        AskForm(request.args, stranger=who is None, meta={"csrf": True})
        if request.args
        else AskForm(None, stranger=who is None)
    )
    if not request.args:
        form.language.data = (who.language if who else "") or language()
        form.country.data = who.country if who else ""
        form.organisation.data = who.organisation.name if who and who.organisation else ""
    return _ask_page(form)


@bp.post("/ask")
@permits("ticket.ask")
def send() -> ResponseReturnValue:
    """Take a question."""
    settings = current_app.extensions["settings"].limits
    limits.hit("ask", limits.network_address(), settings.ask_per_address, 3600)
    who = person()
    form = AskForm(stranger=who is None)
    if not form.validate_on_submit():
        return _ask_page(form), 413 if form.too_large else 422
    by: User = who or people.find_or_add(
        form.email.data or "", name=form.name.data or "", country=form.country.data, language=_interface_language(form)
    )
    organisation = people.organisation_named(form.organisation.data or "", form.country.data)
    ticket = tickets.ask(
        by=by, title=form.title.data or "",
        words=Words(body=(form.body.data or "").strip(), files=form.stored_files(), is_verified=who is not None),
        topic=form.topic.data, service=form.service.data, country=form.country.data, language=form.language.data,
        organisation=organisation, may_publish=form.consent.data,
    )  # fmt: skip
    flash("ask", "draft-done")
    if who is not None:
        flash(_("We have your question. You will get a mail when there is an answer."), "success")
        return see_other(url_for(".show", number=ticket.number))
    session["asked"] = ticket.number
    # What is suggested on the next page goes on with what the script of this one showed.
    session["asked_showing"] = request.form.get("showing", "")[:32]
    return see_other(url_for(".asked"))


@bp.get("/tickets")
@permits("ticket.list_own")
def own_tickets() -> ResponseReturnValue:
    """The tickets in which one takes part."""
    statement = tickets.taken_part_in(person())
    page = pager.page(
        statement, [(Ticket.last_activity_at, True), (Ticket.id, True)], after=request.args.get("after", ""),
        before=request.args.get("before", ""), size=30,
    )  # fmt: skip
    return render_template("helpdesk/own_tickets.html", page=page)


@bp.get("/tickets/<int:number>")
@permits("ticket.see")
def show(number: int) -> ResponseReturnValue:
    """One ticket, as its requester sees it; staff are sent to the desk."""
    ticket = _find(number)
    if key := request.args.get("key", ""):
        return _enter(ticket, key)
    if ticket is None:
        return _unknown()
    _require(ticket, "ticket.see")
    if can(person(), "ticket.triage", ticket) and grants.holder(ticket) is None:
        return redirect(url_for("desk.show", number=number))
    return _ticket_page(ticket, AnswerForm(None))


@bp.post("/tickets/<int:number>")
@permits("ticket.reply")
def answer(number: int) -> ResponseReturnValue:
    """Take a message by whoever takes part."""
    ticket = _find(number)
    if ticket is None:
        return _unknown()
    _require(ticket, "ticket.reply")
    form = AnswerForm()
    if not form.validate_on_submit():
        return _ticket_page(ticket, form), 413 if form.too_large else 422
    message = tickets.reply(
        ticket, by=_actor(ticket), words=Words(body=(form.body.data or "").strip(), files=form.stored_files())
    )
    flash(f"ticket-{number}", "draft-done")
    flash(_("We have your message."), "success")
    return see_other(url_for(".show", number=number, _anchor=f"message-{message.id}"))


@bp.post("/tickets/<int:number>/state")
@permits("ticket.settle")
def settle(number: int) -> ResponseReturnValue:
    """Mark a ticket solved, or open it again."""
    ticket = _find(number)
    if ticket is None:
        return _unknown()
    _require(ticket, "ticket.settle")
    by = _actor(ticket)
    if request.form.get("state") == "solved":
        tickets.solve(ticket, by=by)
        flash(_("Thank you. We are glad that it is solved."), "success")
    else:
        tickets.reopen(ticket, by=by)
        flash(_("Your question is open again."), "success")
    return redirect(url_for(".show", number=number), 303)


def _ask_page(form: AskForm) -> str:
    return render_template("helpdesk/ask.html", form=form)


def _interface_language(form: AskForm) -> str:
    return form.language.data if form.language.data in current_app.config["LANGUAGES"] else language()


def _find(number: int) -> Ticket | None:
    if number >= HIGHEST_NUMBER:
        return None
    statement = (
        db.select(Ticket).where(Ticket.id == number)
        .options(joinedload(Ticket.requester), joinedload(Ticket.assignee), selectinload(Ticket.participants))
    )  # fmt: skip
    found: Ticket | None = db.session.scalar(statement)
    return found


def _unknown() -> ResponseReturnValue:
    """As for a ticket that is not for the reader: a stranger may sign in and see, everyone else is told nothing."""
    checked("ticket.see")
    abort(404)


def _require(ticket: Ticket, permission: str) -> None:
    require(person(), permission, ticket)


def _actor(ticket: Ticket) -> User:
    who = grants.actor(ticket)
    if who is None:
        abort(404)
    return who


def _enter(ticket: Ticket | None, key: str) -> ResponseReturnValue:
    """Open a signed link: keep it in the session and take it out of the address bar."""
    checked("ticket.see")
    part = grants.accept(ticket, key) if ticket is not None else None
    if ticket is None or part is None:
        return render_template("helpdesk/link_ended.html"), 404
    target = url_for(".show", number=ticket.number)
    who = person()
    if who is not None and (who.is_staff or who.id == part.user_id):
        return redirect(target)
    if part.user.has_account:
        # Whoever has a password signs in with it: a forwarded mail must not open their account's tickets.
        flash(_("Please sign in to see your question."), "info")
        return redirect(url_for("accounts.sign_in", next=target))
    grants.remember(part)
    return redirect(target)


def _ticket_page(ticket: Ticket, form: AnswerForm) -> str:
    messages = db.session.scalars(
        db.select(Message).where(Message.ticket_id == ticket.id, Message.kind == PUBLIC).order_by(Message.id)
        .options(joinedload(Message.author), selectinload(Message.attachments))
    ).all()  # fmt: skip
    return render_template(
        "helpdesk/ticket.html",
        ticket=ticket,
        messages=messages,
        form=form,
        reader=grants.actor(ticket),
        linked=tickets.linked(ticket, grants.actor(ticket)),
    )

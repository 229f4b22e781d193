"""Tickets by API: the same verbs as the pages, with the manners of core/api.py."""

from typing import Any

from flask import Blueprint, Flask, current_app, jsonify, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import Select
from sqlalchemy.orm import joinedload, selectinload

from accounts import people
from accounts.models import User
from accounts.sign_ins import has_scope
from core import api, limits, pager
from core.db import db
from core.exceptions import Refused
from core.i18n import _, country_codes
from core.policy import checked, permits, require
from core.web import deny, external, person
from helpdesk import mailboxes, tickets
from helpdesk.models import Message, Participant, Ticket
from helpdesk.states import PRIORITIES, SERVICES, STATES
from helpdesk.tickets import Words

bp = Blueprint("helpdesk_api", __name__, url_prefix="/api/v1")

TICKET_FIELDS = {"topic": str, "service": str, "country": str, "language": str, "organisation": str, "consent": bool}
CHANGES = {
    "state": str, "priority": str, "topic": str, "service": str, "country": str, "language": str, "tags": list,
    "assignee": str, "version": int, "title": str, "team": str,
}  # fmt: skip


def register(app: Flask) -> None:
    """Add the routes."""
    app.register_blueprint(bp)


@bp.post("/tickets")
@permits("ticket.ask")
@api.idempotent
def create() -> ResponseReturnValue:
    """Ask a question. Anonymous callers give the asker's e-mail; a person's token asks for that person, a staff token
    for anybody.
    """
    _need_scope("tickets:write", anonymous=True)
    api.limited()
    caller = person()
    if caller is None:
        limits.hit("ask", limits.network_address(), current_app.extensions["settings"].limits.ask_per_address, 3600)
    data = api.body(required={"title": str, "body": str, "email": str}, optional={"name": str, **TICKET_FIELDS})
    _check_codes(data)
    asker = _asker(caller, data)
    ticket = tickets.ask(
        by=asker, title=api.clean_text(data["title"], 300, "title"),
        words=Words(body=api.clean_text(data["body"], 100_000, "body"), channel="api", is_verified=caller is not None),
        topic=data.get("topic", ""), service=data.get("service", "enquiry"), country=data.get("country", "").upper(),
        language=data.get("language", ""), may_publish=data.get("consent", False),
        organisation=people.organisation_named(data.get("organisation", ""), data.get("country", "").upper()),
    )  # fmt: skip
    address = external("helpdesk.show", number=ticket.number)
    return api.created({"number": ticket.number, "url": address, "state": ticket.state}, address)


@bp.get("/tickets")
@permits("ticket.list_own")
def index() -> ResponseReturnValue:
    """The tickets that the caller may see, newest first."""
    _need_scope("tickets:read")
    api.limited()
    statement: Select[Any] = Ticket.visible_to(person()).options(*_LISTED)
    for name in ("state", "topic", "team", "country", "language", "priority", "service"):
        if value := request.args.get(name, ""):
            statement = statement.where(getattr(Ticket, name) == value)
    page = pager.page(statement, [(Ticket.id, True)], after=request.args.get("after", ""), size=api.page_size())
    values: dict[str, Any] = {**request.args.to_dict(), "after": page.next}
    following = url_for(".index", **values) if page.next else None
    return jsonify({"tickets": [summary(ticket) for ticket in page.items], "next": following})


@bp.get("/tickets/<int:number>")
@permits("ticket.see")
def show(number: int) -> ResponseReturnValue:
    """One ticket with its thread; notes only for staff."""
    _need_scope("tickets:read")
    api.limited()
    ticket = _ticket(number, "ticket.see")
    return jsonify(document(ticket, person()))


@bp.patch("/tickets/<int:number>")
@permits("ticket.see")
def change(number: int) -> ResponseReturnValue:
    """Change a ticket. Staff change everything; its requester may set the state to solved or open."""
    _need_scope("tickets:write")
    api.limited()
    ticket = _ticket(number, "ticket.see")
    data = api.body(required={}, optional=CHANGES)
    _check_codes(data)
    by = person()
    if data.pop("version", ticket.version) != ticket.version:
        return api.problem(409, _("Somebody else changed this ticket. Read it again and repeat your change."))
    if set(data) <= {"state"} and not by.is_staff:
        require(by, "ticket.settle", ticket, seen_by="ticket.see")
        if data.get("state") not in {None, "solved", "open"}:
            raise Refused(_("You can set the state to “solved” or “open”."), "state")
    else:
        require(by, "ticket.triage", ticket, seen_by="ticket.see")
    _apply(ticket, data, by)
    db.session.flush()
    db.session.refresh(ticket)
    return jsonify(document(ticket, by))


@bp.post("/tickets/<int:number>/messages")
@permits("ticket.see")
@api.idempotent
def add_message(number: int) -> ResponseReturnValue:
    """Add a public message or, for staff, an internal note."""
    _need_scope("tickets:write")
    api.limited()
    ticket = _ticket(number, "ticket.see", listed=False)
    data = api.body(required={"body": str}, optional={"kind": str, "then": str})
    words = Words(body=api.clean_text(data["body"], 100_000, "body"), channel="api")
    kind = data.get("kind", "public")
    if kind not in {"public", "internal"}:
        raise Refused(_("“kind” is “public” or “internal”."), "kind")
    if data.get("then", "") not in {"", "solve", "open"}:
        raise Refused(_("“then” is “solve” or “open”."), "then")
    if kind == "internal":
        require(person(), "ticket.triage", ticket, seen_by="ticket.see")
        message = tickets.note(ticket, by=person(), words=words)
    else:
        require(person(), "ticket.reply", ticket, seen_by="ticket.see")
        message = tickets.reply(ticket, by=person(), words=words, then=data.get("then", ""))
    return api.created(
        message_document(message), external("helpdesk.show", number=ticket.number, _anchor=f"message-{message.id}")
    )


_LISTED = (
    joinedload(Ticket.requester).lazyload(User.role_rows), joinedload(Ticket.assignee).lazyload(User.role_rows),
    joinedload(Ticket.organisation), selectinload(Ticket.tag_rows),
)  # fmt: skip


def summary(ticket: Ticket) -> dict[str, Any]:
    """A ticket in a list. The requester's address is only for staff's and the requester's own eyes, who alone see the
    ticket.
    """
    return {
        "number": ticket.number,
        "title": ticket.title,
        "state": ticket.state,
        "priority": ticket.priority,
        "topic": ticket.topic,
        "service": ticket.service,
        "team": ticket.team,
        "country": ticket.country,
        "language": ticket.language,
        "tags": ticket.tags,
        "requester": {"name": ticket.requester.shown_name, "email": ticket.requester.email},
        "organisation": ticket.organisation.name if ticket.organisation else "",
        "assignee": ticket.assignee.shown_name if ticket.assignee else "",
        "created_at": api.stamp(ticket.created_at),
        "last_activity_at": api.stamp(ticket.last_activity_at),
        "url": external("helpdesk.show", number=ticket.number),
        "version": ticket.version,
    }


def document(ticket: Ticket, reader: User | None) -> dict[str, Any]:
    """A ticket with its thread, as far as the reader may see it."""
    staff = reader is not None and reader.is_staff
    statement = (
        db.select(Message).where(Message.ticket_id == ticket.id).order_by(Message.id)
        .options(joinedload(Message.author), selectinload(Message.attachments))
    )  # fmt: skip
    if not staff:
        statement = statement.where(Message.kind == "public")
    messages = db.session.scalars(statement).all()
    return {**summary(ticket), "messages": [message_document(message) for message in messages]}


def message_document(message: Message) -> dict[str, Any]:
    """One message."""
    return {
        "id": message.id,
        "kind": message.kind,
        "author": message.author.shown_name,
        "by_staff": message.by_staff,
        "body": message.body,
        "created_at": api.stamp(message.created_at),
        "attachments": [
            {"id": row.id, "filename": row.filename, "size": row.file.size, "content_type": row.file.content_type}
            for row in message.attachments
        ],
    }


def _apply(ticket: Ticket, data: dict[str, Any], by: User) -> None:
    if "state" in data:
        tickets.set_state(ticket, data["state"], by=by)
    if "assignee" in data:
        to = (
            db.session.scalar(db.select(User).where(User.email == data["assignee"].lower()))
            if data["assignee"]
            else None
        )
        if data["assignee"] and to is None:
            raise Refused(_("Nobody has this address."), "assignee")
        tickets.assign(ticket, to, by=by)
    if "tags" in data:
        if not all(isinstance(text, str) for text in data["tags"]):
            raise Refused(_("“tags” is a list of texts."), "tags")
        tickets.tag(ticket, data["tags"], by=by)
    sortable = ("title", "priority", "topic", "service", "team", "country", "language")
    tickets.sort(ticket, by=by, **{name: data[name] for name in sortable if name in data})


def _ticket(number: int, permission: str, *, listed: bool = True) -> Ticket:
    statement = (
        db.select(Ticket)
        .where(Ticket.id == number)
        .options(
            *(_LISTED if listed else ()),
            selectinload(Ticket.participants).joinedload(Participant.user).lazyload(User.role_rows),
        )
    )
    ticket = db.session.scalar(statement) if number < 2**31 else None
    if ticket is None:
        checked(permission)
        raise api.not_found()
    require(person(), permission, ticket)
    found: Ticket = ticket
    return found


def _asker(caller: User | None, data: dict[str, Any]) -> User:
    if caller is not None and not caller.is_staff:
        if people.clean_address(data["email"]) != caller.email:
            raise Refused(_("A token asks for its own person only."), "email")
        return caller
    return people.find_or_add(data["email"], name=data.get("name", ""), country=data.get("country", "").upper(),
                              language=data.get("language", ""))  # fmt: skip


def _check_codes(data: dict[str, Any]) -> None:
    """Refuse codes that are not in our lists, naming the field."""
    closed = {"state": STATES, "priority": PRIORITIES, "service": SERVICES}
    for name, codes in closed.items():
        if name in data and data[name] not in codes:
            raise Refused(_("“%(name)s” must be one of %(codes)s.", name=name, codes=", ".join(codes)), name)
    if data.get("country") and data["country"].upper() not in country_codes():
        raise Refused(_("“country” is a code of two letters (ISO 3166-1)."), "country")
    if data.get("language") and not (
        data["language"].isascii() and data["language"].isalpha() and len(data["language"]) in {2, 3}
    ):
        raise Refused(_("“language” is a code of two or three letters (ISO 639)."), "language")
    if data.get("team") and data["team"] not in mailboxes.teams():
        names = ", ".join(mailboxes.teams())
        raise Refused(_("“%(name)s” must be one of %(codes)s.", name="team", codes=names or "“”"), "team")
    if len(data.get("topic", "")) > 60:
        raise Refused(_("There is no such topic."), "topic")


def _need_scope(scope: str, *, anonymous: bool = False) -> None:
    if person() is None:
        if not anonymous:
            deny()
        return
    api.need_scope(has_scope(scope), scope)

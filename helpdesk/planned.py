"""Replies that have not left yet: they wait a few seconds, to be undone, or for the moment that their writer chose.

Nothing of them is in the ticket until they leave; then the ordinary verb writes the message and the state moves.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

from flask import Flask
from sqlalchemy import func, select
from sqlalchemy.orm import joinedload

from accounts.models import User
from core import jobs
from core.db import db, now
from core.events import Event, on, record
from core.exceptions import NotNow, Refused
from core.files import StoredFile
from core.i18n import _
from helpdesk import citing, tickets
from helpdesk.models import PUBLIC, Message, Ticket
from helpdesk.outgoing_models import PlannedReply
from helpdesk.states import MOVES, STATES
from helpdesk.tickets import Recipients, Words

LONGEST = timedelta(days=366)
# Why a reply did not leave; anything else in `held` is the sentence that it was refused with.
ANSWERED, WRITER, DRAFT = "answered", "writer", "draft"


def register(app: Flask) -> None:
    """Importing this module is what registers its job and subscribers."""


def plan(
    ticket: Ticket, *, by: User, body: str, recipients: Recipients | None, files: Sequence[StoredFile] = (),
    then: str = "", cites: Sequence[str] = (), leaves_at: datetime, is_later: bool,
) -> PlannedReply:  # fmt: skip
    """Have a reply leave at a moment.

    :param is_later: its writer chose the moment, so it is held if the other side writes first.
    :raises NotNow: if the ticket is closed.
    :raises Refused: if nothing is written, nobody receives it, or the moment is past or too far away.
    """
    if ticket.state not in MOVES["reply"][0]:
        state = str(STATES[ticket.state]).lower()
        raise NotNow(_("This is not possible while the ticket is “%(state)s”.", state=state))
    if not body.strip() and not files:
        raise Refused(_("Write something first."), "body")
    if recipients is not None and not recipients.to and not recipients.cc:
        raise Refused(_("Choose at least one person to send this to."), "to")
    if is_later:
        _check_moment(leaves_at)
    taking_part = {part.user_id for part in ticket.participants}
    last = db.session.scalar(select(func.max(Message.id)).where(Message.ticket_id == ticket.id)) or 0
    row = PlannedReply(
        ticket_id=ticket.id, by_id=by.id, body=body, then=then,
        to_ids=None if recipients is None else _known(recipients.to, taking_part),
        cc_ids=[] if recipients is None else _known(recipients.cc, taking_part),
        files=[{"file": file.id, "name": file.filename} for file in files], cites=list(cites), is_later=is_later,
        last_seen=last, leaves_at=leaves_at,
    )  # fmt: skip
    db.session.add(row)
    db.session.flush()
    record("ticket.reply_planned", ticket, by=by, planned=row, later=is_later)
    _enqueue(row)
    return row


def take_back(row: PlannedReply, *, by: User) -> None:
    """Keep a reply from leaving; its text goes back into the reply box."""
    row.held = DRAFT
    record("ticket.reply_undone", row.ticket, by=by, planned=row)


def discard(row: PlannedReply, *, by: User) -> None:
    """Throw a reply away that has not left."""
    record("ticket.reply_discarded", row.ticket, by=by, planned=row)
    db.session.delete(row)


def put_off(row: PlannedReply, leaves_at: datetime, *, by: User) -> None:
    """Choose another moment; a reply that was held may leave again, as its writer has seen what came.

    :raises Refused: if the moment is past or too far away.
    """
    _check_moment(leaves_at)
    row.leaves_at, row.is_later, row.held = leaves_at, True, ""
    row.last_seen = db.session.scalar(select(func.max(Message.id)).where(Message.ticket_id == row.ticket_id)) or 0
    record("ticket.reply_planned", row.ticket, by=by, planned=row, later=True)
    _enqueue(row)


def send_now(row: PlannedReply) -> Message:
    """Have a reply leave at once, whatever it waited for.

    :raises NotNow: if the ticket is closed.
    :raises Refused: if nobody is left to receive it.
    """
    return _leave(row)


def find(number: int, *, to_change: bool = False) -> PlannedReply | None:
    """A reply that has not left; one that leaves at this moment is waited for, and then is gone."""
    statement = select(PlannedReply).where(PlannedReply.id == number)
    return db.session.scalar(statement.with_for_update(of=PlannedReply) if to_change else statement)


def of_ticket(ticket: Ticket) -> Sequence[PlannedReply]:
    """The replies of a ticket that have not left."""
    return db.session.scalars(
        select(PlannedReply).where(PlannedReply.ticket_id == ticket.id).order_by(PlannedReply.id)
        .options(joinedload(PlannedReply.by).lazyload(User.role_rows))
    ).all()  # fmt: skip


@jobs.job("reply.leave")
def leave(reply: int) -> None:
    """Let a reply leave whose time has come; hold it where it must not."""
    row = find(reply, to_change=True)
    if row is None or row.held or row.leaves_at > now():
        # It has left, was taken back, or waits for another moment, for which there is another job.
        return
    if row.by.is_disabled or not row.by.is_staff:
        _hold(row, WRITER)
    elif row.is_later and _other_side_wrote(row):
        _hold(row, ANSWERED)
    else:
        try:
            with db.session.begin_nested():
                _leave(row)
        except (NotNow, Refused) as error:
            _hold(row, str(error))


@on("ticket.answered")
def hold_what_was_planned(event: Event) -> None:
    """Hold the replies that somebody planned for later: the other side has written first."""
    rows = db.session.scalars(
        select(PlannedReply)
        .where(PlannedReply.ticket_id == event.subject_id, PlannedReply.is_later, PlannedReply.held == "")
        .with_for_update(of=PlannedReply)
    ).all()
    for row in rows:
        if _other_side_wrote(row):
            _hold(row, ANSWERED)


def _hold(row: PlannedReply, why: str) -> None:
    row.held = why
    record("ticket.reply_held", row.ticket, planned=row)


def _leave(row: PlannedReply) -> Message:
    ticket = db.session.execute(
        select(Ticket).where(Ticket.id == row.ticket_id).with_for_update(of=Ticket)
        .execution_options(populate_existing=True)
    ).scalar_one()  # fmt: skip
    kept = [db.session.get(StoredFile, item["file"]) for item in row.files]
    words = Words(body=row.body, files=[file for file in kept if file is not None], channel="desk",
                  language=ticket.language)  # fmt: skip
    message = tickets.reply(ticket, by=row.by, words=words, recipients=_recipients(row, ticket), then=row.then)
    for target in citing.cited_in(row.body):
        tickets.cite(message, target, by=row.by)
    db.session.delete(row)
    return message


def _recipients(row: PlannedReply, ticket: Ticket) -> Recipients | None:
    """As chosen, without those who were shut out or taken out of the ticket meanwhile."""
    if row.to_ids is None:
        return None
    taking_part = {part.user_id for part in ticket.participants}

    def still(chosen: Sequence[Sequence[int]]) -> list[User]:
        found = [
            db.session.get(User, number) for number, took_part in chosen if number in taking_part or not took_part
        ]
        return [user for user in found if user is not None and not user.is_disabled]

    return Recipients(to=still(row.to_ids), cc=still(row.cc_ids))


def _known(people: Sequence[User], taking_part: set[int]) -> list[list[int]]:
    return [[user.id, int(user.id in taking_part)] for user in people]


def _other_side_wrote(row: PlannedReply) -> bool:
    return bool(
        db.session.scalar(
            select(Message.id).where(
                Message.ticket_id == row.ticket_id, Message.id > row.last_seen, Message.kind == PUBLIC,
                Message.by_staff.is_(False),
            ).limit(1)
        )
    )  # fmt: skip


def _check_moment(leaves_at: datetime) -> None:
    if not now() < leaves_at < now() + LONGEST:
        raise Refused(_("Choose a moment between now and a year from now."), "leaves_on")


def _enqueue(row: PlannedReply) -> None:
    jobs.enqueue("reply.leave", delay=max((row.leaves_at - now()).total_seconds(), 0), reply=row.id)

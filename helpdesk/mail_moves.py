"""Mail put right by staff: moved to another ticket, marked as spam, or taken back from there."""

from sqlalchemy import delete, func, select, update

from accounts.models import User
from core import jobs, markdown
from core.db import db, now
from core.events import record
from core.exceptions import NotNow, Refused
from core.i18n import _
from helpdesk import tickets
from helpdesk.intake_models import InboundMail
from helpdesk.mail_trust_models import AwaitedMail, SpamSender
from helpdesk.models import PUBLIC, Message, Ticket
from helpdesk.states import CLOSED, NEEDS_ANSWER, NEW

SPAM_TAG = "spam"
PLACEABLE = ("quarantine", "ignored", "automatic", "spam", "bounce")


def move(message: Message, to: Ticket, *, by: User | None) -> None:
    """Take a message out of its ticket with its files and put it into another; history tells it on both.

    Its author does not take part in the other ticket by that. A ticket that is left empty is closed.

    :raises Refused: if it is there already, or came from the desk: others have got it as part of that ticket.
    """
    source = message.ticket
    if source.id == to.id:
        raise Refused(_("It is in this ticket already."), "ticket")
    if message.by_staff and message.kind == PUBLIC:
        raise Refused(_("A reply of the desk stays where it was sent from."), "ticket")
    was = to.state
    message.ticket = to
    db.session.flush()
    db.session.expire(source, ["messages"])
    db.session.expire(to, ["messages"])
    moved = {"ticket_id": to.id}
    db.session.execute(update(InboundMail).where(InboundMail.ticket_message_id == message.id).values(moved))
    for ticket in (source, to):
        _recount(ticket)
        tickets.rewrite_fulltext(ticket)
    if message.kind == PUBLIC and was != NEW:
        tickets.move(to, "answer")
    to.last_activity_at = now()
    record("ticket.message_moved", source, by=by, message=message, to=to)
    record("ticket.message_received", to, by=by, message=message, source=source)
    if to.state != was:
        record("ticket.moved", to, by=by, old=was, new=to.state)
    if source.message_count == 0 and source.state != CLOSED:
        was = source.state
        tickets.move(source, "close")
        record("ticket.moved", source, by=by, old=was, new=CLOSED)


def join(source: Ticket, to: Ticket) -> None:
    """Put the mails of a ticket that nobody at the desk has touched into another of the same person."""
    messages = db.session.scalars(select(Message).where(Message.ticket_id == source.id).order_by(Message.id)).all()
    if source.state not in NEEDS_ANSWER or any(message.by_staff for message in messages):
        return
    for message in messages:
        move(message, to, by=None)
    db.session.execute(delete(AwaitedMail).where(AwaitedMail.ticket_id == source.id))


def place(row: InboundMail, ticket: Ticket | None, *, by: User) -> None:
    """Have a mail that is in no ticket put into one, or into a new one; the worker does it.

    :raises NotNow: if it is in a ticket already, or waits to be read.
    """
    if row.fate not in PLACEABLE or row.ticket_id is not None:
        raise NotNow(_("This mail is in a ticket already, or waits to be read."))
    row.fate, row.reason, row.fated_at = "", "", None
    record("mail.placed", row, by=by, ticket=ticket.id if ticket is not None else None)
    jobs.enqueue("mail.place", mail=row.id, ticket=ticket.id if ticket is not None else 0, by=by.id)


def mark_spam(row: InboundMail, *, by: User) -> None:
    """Say that a mail is spam: its ticket is closed and tagged, and further mail of its sender goes the same way.

    A sender who takes part in other tickets, or is staff, is not remembered: anybody can write under their name.

    :raises NotNow: if it began no ticket, or the desk has answered it.
    """
    message = row.ticket_message
    ticket = row.ticket
    if row.fate == "automatic" and ticket is None:
        _remember(row, by)
    elif row.fate != "ticket" or ticket is None or message is None or ticket.first_reply_at is not None:
        raise NotNow(_("Only a mail that began a ticket, and that nobody has answered, can be marked as spam."))
    else:
        was = ticket.state
        if was != CLOSED:
            tickets.move(ticket, "close")
            record("ticket.moved", ticket, by=by, old=was, new=CLOSED)
        tickets.tag(ticket, [*ticket.tags, SPAM_TAG], by=by)
        others = db.session.scalar(
            tickets.taken_part_in(message.author).where(Ticket.id != ticket.id).with_only_columns(func.count())
        )
        if not others and not message.author.is_staff:
            _remember(row, by)
    row.fate, row.reason, row.fated_at = "spam", _("%(name)s marked it as spam.", name=by.shown_name), now()
    record("mail.marked_spam", row, by=by)


def unmark_spam(row: InboundMail, *, by: User) -> None:
    """Take that back: the sender is forgotten; its ticket opens again, or the mail is read again into one.

    :raises NotNow: if it is not marked.
    """
    if row.fate != "spam":
        raise NotNow(_("This mail is not marked as spam."))
    db.session.execute(delete(SpamSender).where(SpamSender.email == row.sender))
    record("mail.unmarked_spam", row, by=by)
    ticket = row.ticket
    if ticket is None:
        row.fate, row.reason, row.fated_at = "", "", None
        jobs.enqueue("mail.intake", mail=row.id, by_hand=True)
        return
    tickets.tag(ticket, [tag for tag in ticket.tags if tag != SPAM_TAG], by=by)
    if ticket.state == CLOSED:
        tickets.reopen(ticket, by=by)
    row.fate, row.reason, row.fated_at = "ticket", _("%(name)s said that it is no spam.", name=by.shown_name), now()


def is_remembered(address: str) -> bool:
    """Whether mail from an address goes to spam because staff said so."""
    return db.session.scalar(select(SpamSender.id).where(SpamSender.email == address)) is not None


def _remember(row: InboundMail, by: User) -> None:
    if row.sender and not is_remembered(row.sender):
        db.session.add(SpamSender(email=row.sender, by_id=by.id))


def _recount(ticket: Ticket) -> None:
    """Bring the count and the excerpt of a ticket in line with its messages."""
    ticket.message_count = (
        db.session.scalar(select(func.count()).select_from(Message).where(Message.ticket_id == ticket.id)) or 0
    )
    last = db.session.scalar(
        select(Message.body_html).where(Message.ticket_id == ticket.id, Message.kind == PUBLIC)
        .order_by(Message.id.desc()).limit(1)
    )  # fmt: skip
    ticket.excerpt = " ".join(markdown.to_text(last or "").split())[: tickets.EXCERPT_LENGTH]

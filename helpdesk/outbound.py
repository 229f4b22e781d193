"""Mail that left us, or should have."""

from datetime import timedelta

from sqlalchemy import update

from accounts.models import User
from core import jobs
from core.db import db, now
from core.events import record
from core.exceptions import NotNow
from core.i18n import _
from core.i18n import lazy as _l
from core.jobs import Job
from core.mail import OutgoingMail
from helpdesk import tickets
from helpdesk.models import Ticket
from helpdesk.states import CLOSED, SOLVED, WAITING

MAIL_FAILED = "mail-failed"
FAILED = ("dead", "bounced")
# What goes to those outside the desk; a notice to staff that fails is no reason to look at the ticket.
TO_ASKERS = ("ticket_reply", "ticket_solved", "ticket_received")

# What keeps mail from leaving, in words for whoever can have it mended.
FAULTS = {
    "sign-in": _l("The mail server refuses our sign-in."),
    "tls": _l("The mail server offers no encryption that can be trusted; mail never goes without."),
    "server": _l("The mail server does not answer."),
    "dkim": _l("Mails cannot be signed."),
}


def send_again(row: OutgoingMail, *, by: User) -> None:
    """Try a mail again that failed, or at once one that waits; it keeps its Message-ID, so whoever has it can tell.

    :raises NotNow: if it was sent, or is being sent.
    """
    moment = now()
    if row.state not in (*FAILED, "deferred"):
        raise NotNow(_("Only a mail that failed can be sent again."))
    if row.sending_until is not None and row.sending_until > moment:
        raise NotNow(_("This mail is being sent at this moment."))
    ticket = ticket_of(row)
    if row.state in FAILED and ticket is not None and ticket.attention == MAIL_FAILED:
        ticket.attention = ""
    row.state, row.last_error, row.fault, row.next_at, row.retried_at = "queued", "", "", None, moment
    record("mail.sent_again", row, by=by)
    key = f"mail-{row.id}"
    jobs.enqueue("mail.send", key=key, mail=row.id)
    # If it waited for its time, that is now.
    db.session.execute(
        update(Job).where(Job.key == key, Job.run_at > moment).values(run_at=moment - timedelta(seconds=1))
        .execution_options(synchronize_session=False)
    )  # fmt: skip


def raise_ticket(row: OutgoingMail) -> Ticket | None:
    """Put a ticket before the desk again because a mail of it failed; it opens if it waited for the other side.

    Returns the ticket; None if the mail was about no ticket or went to staff.
    """
    ticket = ticket_of(row)
    if ticket is None or row.notice not in TO_ASKERS or row.state not in FAILED:
        return None
    was = ticket.state
    if was in (WAITING, SOLVED, CLOSED):
        tickets.move(ticket, "open")
    ticket.attention = MAIL_FAILED
    ticket.last_activity_at = now()
    record("ticket.raised", ticket, mail=row)
    if ticket.state != was:
        record("ticket.moved", ticket, old=was, new=ticket.state)
    return ticket


def ticket_of(row: OutgoingMail) -> Ticket | None:
    """The ticket that a mail is about, if any."""
    if row.about_kind != Ticket.__tablename__ or row.about_id is None:
        return None
    return db.session.get(Ticket, row.about_id)

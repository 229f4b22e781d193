"""People whom a mail brings along: proposed to staff, who decide whether they take part. Nobody gets in by a Cc."""

from sqlalchemy import select
from sqlalchemy.dialects import postgresql, sqlite

from accounts import people
from accounts.models import User
from core.db import db, now
from core.events import record
from core.exceptions import NotNow, Refused
from core.i18n import _
from core.mime import ParsedMail
from helpdesk import code_mails, reply_address, tickets
from helpdesk.mail_trust_models import ProposedParticipant
from helpdesk.models import Ticket

# A mail to a whole ministry proposes no ministry.
MOST = 10


def propose(ticket: Ticket, parsed: ParsedMail, by: User, *, is_unknown_sender: bool) -> None:
    """Note who else got a mail of a ticket, and its sender where they take no part, for staff to decide."""
    candidates = [("sender", by.email, by.name)] if is_unknown_sender else []
    for address in (*parsed.to, *parsed.cc):
        if not reply_address.is_own(address.email) and not code_mails.is_machine_address(address.email):
            candidates.append(("cc", address.email, address.name))
    if not candidates:
        return
    known = {part.user.email for part in ticket.participants} | {by.email if not is_unknown_sender else ""}
    wanted: dict[str, tuple[str, str]] = {}
    for way, email, name in candidates:
        try:
            cleaned = people.clean_address(email)
        except Refused:
            continue
        if cleaned not in known:
            wanted.setdefault(cleaned, (way, "" if "@" in name else name[:200]))
    if not wanted:
        return
    staff = {user.email for user in db.session.scalars(select(User).where(User.email.in_(wanted))).unique()
             if user.is_staff or user.is_disabled}  # fmt: skip
    insert = postgresql.insert if db.engine.dialect.name == "postgresql" else sqlite.insert
    for email, (way, name) in [each for each in wanted.items() if each[0] not in staff][:MOST]:
        db.session.execute(
            insert(ProposedParticipant)
            .values(ticket_id=ticket.id, email=email, name=name, state="open", way=way, proposed_at=now())
            .on_conflict_do_nothing(index_elements=["ticket_id", "email"])
        )


def accept(proposal: ProposedParticipant, *, by: User) -> User:
    """Let somebody take part who was proposed; they receive later replies.

    :raises NotNow: if it was decided already.
    """
    _still_open(proposal)
    user = people.find_or_add(proposal.email, name=proposal.name)
    tickets.add_participant(proposal.ticket, user, by=by)
    proposal.state = "accepted"
    return user


def dismiss(proposal: ProposedParticipant, *, by: User) -> None:
    """Decide that somebody takes no part; they are not proposed again in this ticket.

    :raises NotNow: if it was decided already.
    """
    _still_open(proposal)
    proposal.state = "dismissed"
    record("ticket.proposal_dismissed", proposal.ticket, by=by, proposal=proposal)


def _still_open(proposal: ProposedParticipant) -> None:
    if proposal.state != "open":
        raise NotNow(_("Somebody has decided this already."))

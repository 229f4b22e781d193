"""Where a mail belongs: which ticket, by which proof. Nothing that a stranger can write leads into somebody's ticket.

In this order: a reply address that we signed; a Message-ID that we minted, or one that we keep, in References, if the
sender takes part in that ticket; a mail that came before and refers to this one; ``[#123]`` in the subject, if the
sender takes part. Otherwise it is a new question.

Staff speak for the desk by mail only from an address that our own mail server proved (DMARC) and to an address that we
signed for them; whatever else claims to come from staff is kept as a note.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from sqlalchemy import select

from accounts.models import User
from core import mail
from core.db import db
from core.i18n import _
from core.mail import OutgoingMail
from core.mime import ParsedMail
from helpdesk import reply_address
from helpdesk.mail_trust_models import AwaitedMail
from helpdesk.models import Message, Ticket
from helpdesk.sender_proof import Proof

_NUMBER = re.compile(r"\[#([1-9]\d{0,8})\]")
_MOST_IDS = 50
# One Message-ID may have been used again and again.
_MOST_NAMESAKES = 200
MOST_AWAITED = 20
ID_LENGTH = 255


@dataclass(frozen=True)
class Place:
    """Where a mail goes.

    :param ticket: None for a new question.
    :param is_verified: whether the sender was shown to be who they say, by our mail server or by a secret that only
        they were given.
    :param is_note: it is kept for staff alone: it says that it comes from staff, and that is not shown.
    :param speaks_for_desk: somebody of the desk answers by mail, proved.
    :param reason: why, as a sentence for the mail log.
    :param awaits: Message-IDs to which it refers and that we do not know: they may come later.
    :param was_awaited: it is such a mail, and now it has come.
    :param joins: other tickets of its sender that were opened by answers to it.
    """

    ticket: Ticket | None
    is_verified: bool
    is_note: bool
    reason: str
    speaks_for_desk: bool = False
    awaits: Sequence[str] = ()
    was_awaited: bool = False
    joins: Sequence[Ticket] = ()


@dataclass(frozen=True)
class Sender:
    """Who sent a mail, by the address in From alone.

    :param address: in the form that we keep.
    :param known: the person with that address, if there is one already.
    """

    address: str
    known: User | None
    proof: Proof

    @property
    def is_staff(self) -> bool:
        """Whether it says that it comes from the desk."""
        return self.known is not None and self.known.is_staff


def place_of(parsed: ParsedMail, sender: Sender) -> Place:
    """Where a mail goes that a person sent."""
    arrived_at = [*parsed.delivered_to, *(address.email for address in (*parsed.to, *parsed.cc))]
    signed = reply_address.find(arrived_at)
    if signed is not None:
        return _by_address(signed.ticket, signed.user, sender)
    refused: list[str] = []
    unknown: list[str] = []
    place = (
        _by_reference(parsed, sender, refused, unknown)
        or _by_waiting(parsed, sender)
        or _by_number(parsed.subject, sender, refused)
    )
    return place or Place(
        None, is_verified=sender.proof.is_proved, is_note=False, reason=" ".join(refused),
        awaits=unknown[:MOST_AWAITED],
    )  # fmt: skip


def _by_address(ticket: Ticket, given_to: User, sender: Sender) -> Place:
    own = sender.address == given_to.email
    if own:
        reason = _("It came to the reply address of its sender.")
    else:
        reason = _("It came to the reply address of %(name)s, from another address.", name=given_to.email)
    return _placed(ticket, sender, reason, has_secret=own, has_signed_address=own)


def _by_reference(
    parsed: ParsedMail, sender: Sender, refused: list[str], unknown: list[str]
) -> Place | None:  # fmt: skip
    ids = list(dict.fromkeys([parsed.in_reply_to, *reversed(parsed.references)]))
    ids = [each[:ID_LENGTH] for each in ids if each][:_MOST_IDS]
    minted = [each for each in ids if mail.is_own_message_id(each)]
    sent: dict[str, tuple[int | None, str]] = {}
    if minted:
        rows = db.session.execute(
            select(OutgoingMail.message_id, OutgoingMail.about_id, OutgoingMail.recipient).where(
                OutgoingMail.message_id.in_(minted), OutgoingMail.about_kind == Ticket.__tablename__
            )
        )
        sent = {row.message_id: (row.about_id, row.recipient.lower()) for row in rows}
    stored: dict[str, list[int]] = {}
    others = [each for each in ids if each not in sent]
    if others:
        rows = db.session.execute(
            select(Message.mail_message_id, Message.ticket_id)
            # The second condition is that of the index: most messages came without a mail.
            .where(Message.mail_message_id.in_(others), Message.mail_message_id != "")
            .order_by(Message.id + 0)
            .limit(_MOST_NAMESAKES)
        )
        for row in rows:
            stored.setdefault(row.mail_message_id, []).append(row.ticket_id)
    unknown += [each for each in others if each not in stored and each not in minted]
    for each in ids:
        numbers = [sent[each][0]] if each in sent else stored.get(each, ())
        # One Message-ID may stand in several tickets, if somebody used it again: the one of the sender counts.
        for number in dict.fromkeys(numbers):
            ticket = db.session.get(Ticket, number) if number is not None else None
            if ticket is None:
                continue
            given_to_sender = each in sent and sent[each][1] == sender.address
            if _takes_part(ticket, sender.address):
                reason = _("It answers a mail of ticket %(number)s, in which its sender takes part.", number=ticket.id)
                return _placed(ticket, sender, reason, has_secret=given_to_sender)
            if sender.is_staff and given_to_sender:
                reason = _("Staff answered a notice about the ticket.")
                return _placed(ticket, sender, reason, has_secret=True)
            sentence = _("It refers to ticket %(number)s, in which its sender takes no part.", number=ticket.id)
            if sentence not in refused:
                refused.append(sentence)
    return None


def _by_waiting(parsed: ParsedMail, sender: Sender) -> Place | None:
    """A mail that was overtaken by an answer to it."""
    if not parsed.message_id:
        return None
    rows = db.session.scalars(
        select(AwaitedMail.ticket_id)
        .where(AwaitedMail.message_id == parsed.message_id[:ID_LENGTH])
        .order_by(AwaitedMail.id)
        .limit(_MOST_IDS)
    ).all()
    waiting = [ticket for number in rows if (ticket := db.session.get(Ticket, number)) is not None]
    own = [ticket for ticket in waiting if _takes_part(ticket, sender.address)]
    if not own:
        return None
    reason = _("An answer to it came before it and opened ticket %(number)s.", number=own[0].id)
    return replace(_placed(own[0], sender, reason), was_awaited=True, joins=own[1:])


def _by_number(subject: str, sender: Sender, refused: list[str]) -> Place | None:
    found = _NUMBER.search(subject)
    ticket = db.session.get(Ticket, int(found[1])) if found and int(found[1]) < 2**31 else None
    if ticket is None:
        return None
    if _takes_part(ticket, sender.address):
        reason = _("Its subject names ticket %(number)s, in which its sender takes part.", number=ticket.id)
        return _placed(ticket, sender, reason)
    refused.append(_("Its subject names ticket %(number)s, in which its sender takes no part.", number=ticket.id))
    return None


def _placed(
    ticket: Ticket, sender: Sender, reason: str, *, has_secret: bool = False, has_signed_address: bool = False
) -> Place:
    """A mail that belongs to a ticket. Staff answer in others' tickets only where both proofs are there."""
    proved = sender.proof.is_proved
    is_verified = proved or (has_secret and not sender.proof.failed)
    if not sender.is_staff or (sender.known is not None and ticket.requester_id == sender.known.id):
        return Place(ticket, is_verified=is_verified, is_note=False, reason=reason)
    if proved and has_signed_address:
        return Place(ticket, is_verified=True, is_note=False, reason=reason, speaks_for_desk=True)
    doubt = _("Its sender is staff, but not proved by DMARC: kept as a note.")
    if proved:
        doubt = _("Its sender is staff, but it did not come to the reply address of a notice to them: kept as a note.")
    return Place(ticket, is_verified=proved, is_note=True, reason=f"{reason} {doubt}")


def _takes_part(ticket: Ticket, address: str) -> bool:
    return any(part.user.email == address for part in ticket.participants)


def remember_awaited(place: Place, ticket: Ticket) -> None:
    """Keep to what a mail that opened a ticket refers, so that those mails find it when they come."""
    db.session.add_all(AwaitedMail(message_id=each, ticket_id=ticket.id) for each in place.awaits)

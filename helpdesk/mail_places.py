"""Where a mail belongs: which ticket, by which proof. Nothing that a stranger can write leads into somebody's ticket.

In this order: a reply address that we signed; a Message-ID that we minted, or one that we keep, in References, if the
sender takes part in that ticket; ``[#123]`` in the subject, if the sender takes part. Otherwise it is a new question.
"""

import re
from dataclasses import dataclass

from sqlalchemy import select

from accounts.models import User
from core import mail
from core.db import db
from core.i18n import _
from core.mail import OutgoingMail
from core.mime import ParsedMail
from helpdesk import reply_address
from helpdesk.models import Message, Participant, Ticket

_NUMBER = re.compile(r"\[#([1-9]\d{0,8})\]")
_MOST_IDS = 50
ID_LENGTH = 255


@dataclass(frozen=True)
class Place:
    """Where a mail goes.

    :param ticket: None for a new question.
    :param is_verified: whether the sender was shown to be who they say, by a secret that only they were given.
    :param is_note: it is kept for staff alone: it says that it comes from staff, and that is not shown.
    :param reason: why, as a sentence for the mail log.
    """

    ticket: Ticket | None
    is_verified: bool
    is_note: bool
    reason: str


def place_of(parsed: ParsedMail, sender: str, known: User | None) -> Place:
    """Where a mail goes that a person sent.

    :param sender: the address in From, in the form that we keep.
    :param known: the person with that address, if there is one already.
    """
    arrived_at = [*parsed.delivered_to, *(address.email for address in (*parsed.to, *parsed.cc))]
    signed = reply_address.find(arrived_at)
    if signed is not None:
        return _by_address(*signed, sender, known)
    refused: list[str] = []
    place = _by_reference(parsed, sender, known, refused) or _by_number(parsed.subject, sender, refused)
    return place or Place(None, is_verified=False, is_note=False, reason=" ".join(refused))


def _by_address(ticket: Ticket, part: Participant, sender: str, known: User | None) -> Place:
    if sender == part.user.email:
        reason = _("It came to the reply address of its sender.")
        return Place(ticket, is_verified=True, is_note=False, reason=reason)
    if known is not None and known.is_staff and not _takes_part(ticket, sender):
        reason = _("It claims to be from staff, but came to somebody else's reply address: kept as a note.")
        return Place(ticket, is_verified=False, is_note=True, reason=reason)
    reason = _("It came to the reply address of %(name)s, from another address.", name=part.user.email)
    return Place(ticket, is_verified=False, is_note=False, reason=reason)


def _by_reference(parsed: ParsedMail, sender: str, known: User | None, refused: list[str]) -> Place | None:
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
    stored: dict[str, int] = {}
    others = [each for each in ids if each not in sent]
    if others:
        rows = db.session.execute(
            select(Message.mail_message_id, Message.ticket_id)
            .where(Message.mail_message_id.in_(others))
            .order_by(Message.id.desc())
        )
        stored = {row.mail_message_id: row.ticket_id for row in rows}
    for each in ids:
        number = sent[each][0] if each in sent else stored.get(each)
        ticket = db.session.get(Ticket, number) if number is not None else None
        if ticket is None:
            continue
        given_to_sender = each in sent and sent[each][1] == sender
        if _takes_part(ticket, sender):
            reason = _("It answers a mail of ticket %(number)s, in which its sender takes part.", number=ticket.id)
            return Place(ticket, is_verified=given_to_sender, is_note=False, reason=reason)
        if known is not None and known.is_staff and given_to_sender:
            reason = _("Staff answered a notice about the ticket: kept as a note.")
            return Place(ticket, is_verified=True, is_note=True, reason=reason)
        sentence = _("It refers to ticket %(number)s, in which its sender takes no part.", number=ticket.id)
        if sentence not in refused:
            refused.append(sentence)
    return None


def _by_number(subject: str, sender: str, refused: list[str]) -> Place | None:
    found = _NUMBER.search(subject)
    ticket = db.session.get(Ticket, int(found[1])) if found else None
    if ticket is None:
        return None
    if _takes_part(ticket, sender):
        reason = _("Its subject names ticket %(number)s, in which its sender takes part.", number=ticket.id)
        return Place(ticket, is_verified=False, is_note=False, reason=reason)
    refused.append(_("Its subject names ticket %(number)s, in which its sender takes no part.", number=ticket.id))
    return None


def _takes_part(ticket: Ticket, sender: str) -> bool:
    return any(part.user.email == sender for part in ticket.participants)

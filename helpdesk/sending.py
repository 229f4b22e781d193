"""Before a reply leaves: has its writer seen everything, who receives it, and is that meant."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from email.utils import getaddresses
from typing import Any

from werkzeug.datastructures import MultiDict

from accounts import people
from accounts.models import find
from core.exceptions import HelpdeskError, Refused
from core.i18n import _
from helpdesk import reply_address
from helpdesk import thread as threads
from helpdesk.models import Participant, Ticket
from helpdesk.tickets import Recipients

MOST_ADDED = 20


@dataclass(frozen=True, kw_only=True)
class Draft:
    """What a reply box says beside its text.

    :param to: ids of participants in To, as texts; None where nothing was chosen yet.
    :param added: the text with further addresses, for Cc.
    :param confirmed: addresses that the writer was asked about and confirmed.
    :param asked: addresses to ask about before the reply leaves.
    :param missed_after: the last message that the writer had seen, if there are newer ones.
    :param has_changed: the state or the assignee is another since.
    :param leaves_on: the day on which it is to leave, and ``leaves_at`` the time, as typed; "" for now.
    :param planned: the number of the reply that was taken back and is written anew here, as text.
    """

    is_note: bool = False
    to: frozenset[str] | None = None
    cc: frozenset[str] = frozenset()
    added: str = ""
    seen: str = ""
    confirmed: frozenset[str] = frozenset()
    asked: tuple[str, ...] = ()
    missed_after: int | None = None
    has_changed: bool = False
    cites: tuple[str, ...] = ()
    leaves_on: str = ""
    leaves_at: str = ""
    planned: str = ""


class Stop(HelpdeskError):
    """A reply does not leave yet: its writer is asked something, with everything kept."""

    def __init__(self, draft: Draft, status: int) -> None:
        super().__init__("")
        self.draft = draft
        self.status = status


@dataclass(frozen=True)
class Choice:
    """One participant in the list of who receives a reply."""

    user_id: int
    name: str
    email: str
    is_to: bool
    is_cc: bool


def read(form: MultiDict[str, str]) -> Draft:
    """What a submitted reply box says."""
    has_people = "to" in form or "cc" in form or "recipients" in form
    return Draft(
        is_note=form.get("send") == "note",
        to=frozenset(form.getlist("to")) if has_people else None,
        cc=frozenset(form.getlist("cc")),
        added=form.get("add", "")[:2000],
        seen=form.get("seen", ""),
        confirmed=frozenset(form.get("confirmed", "").split()),
        cites=tuple(form.getlist("cites")[:20]),
        leaves_on=form.get("leaves_on", "")[:20],
        leaves_at=form.get("leaves_at", "")[:20],
        planned=form.get("planned", "")[:20],
    )


def choices(participants: Sequence[Any], draft: Draft) -> list[Choice]:
    """Who can receive a reply, as chosen so far: by default the requester, and the others in Cc."""
    shown = []
    for row in participants:
        if row.is_disabled:
            continue
        number = str(row.user_id)
        is_to = row.kind == "requester" if draft.to is None else number in draft.to
        is_cc = row.kind != "requester" if draft.to is None else number in draft.cc
        shown.append(Choice(row.user_id, row.name, row.email, is_to, is_cc and not is_to))
    return shown


def check_seen(ticket: Ticket, draft: Draft) -> None:
    """Stop a reply whose writer has not seen the newest messages, or that somebody else took the ticket.

    :raises Stop: with what they have missed (409). A form that does not say what it showed is not stopped.
    """
    seen = threads.read_seen(draft.seen)
    if seen is None:
        return
    missed = threads.missed(ticket, seen)
    has_changed = threads.has_changed(ticket, seen)
    if missed or has_changed:
        raise Stop(replace(draft, missed_after=seen.last_message, has_changed=has_changed), 409)


def recipients(ticket: Ticket, draft: Draft) -> Recipients | None:
    """Who a reply goes to, as people; None where nothing was chosen: everyone who takes part.

    :raises Refused: for an address that is none.
    :raises Stop: to ask about addresses that are new here or staff's, unless these were confirmed (422).
    """
    addresses = _addresses(draft.added)
    if draft.to is None and not addresses:
        return None
    participants: list[Participant] = [part for part in ticket.participants if not part.user.is_disabled]
    chosen = draft.to if draft.to is not None else {str(p.user_id) for p in participants if p.kind == "requester"}
    in_cc = draft.cc if draft.to is not None else {str(p.user_id) for p in participants if p.kind != "requester"}
    to = [part.user for part in participants if str(part.user_id) in chosen]
    cc = [part.user for part in participants if str(part.user_id) in in_cc and part.user not in to]
    known = {part.user.email for part in participants}
    cc += [part.user for part in participants if part.user.email in addresses and part.user not in (*to, *cc)]
    new = [address for address in addresses if address not in known]
    asked = sorted({*new, *(user.email for user in (*to, *cc) if user.is_staff and user.id != ticket.requester_id)})
    if set(asked) - draft.confirmed:
        raise Stop(replace(draft, asked=tuple(asked)), 422)
    cc += [people.find_or_add(address, name=addresses[address]) for address in new]
    return Recipients(to=to, cc=cc)


def not_ours(address: str) -> None:
    """Refuse our own addresses: mail to them would come back as a new message.

    :raises Refused: with the field ``add``.
    """
    if reply_address.is_own(address):
        raise Refused(_("%(address)s is an address of the helpdesk itself.", address=address), "add")


def _addresses(text: str) -> dict[str, str]:
    """The addresses in a text, each with its name or "".

    :raises Refused: if one of them is none.
    """
    found: dict[str, str] = {}
    parts = [part.strip() for part in re.split(r"[;,\n]+", text) if part.strip()]
    for part in parts:
        ((name, address),) = getaddresses([part])[:1] or [("", part)]
        try:
            clean = people.clean_address(address or part)
        except Refused:
            raise Refused(_("“%(text)s” is not an e-mail address.", text=part[:100]), "add") from None
        not_ours(clean)
        user = find(clean)
        if user is not None and user.is_disabled:
            raise Refused(_("%(address)s belongs to somebody who was shut out.", address=clean), "add")
        found.setdefault(clean, name.strip())
    if len(found) > MOST_ADDED:
        raise Refused(_("You can add %(count)s addresses at once.", count=MOST_ADDED), "add")
    return found

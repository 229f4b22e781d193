"""A ticket with all that its page on the desk shows, in few statements, whatever its length."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import Any

from sqlalchemy import and_, bindparam, func, literal, select, union_all
from sqlalchemy.orm import joinedload

from accounts.models import User
from core.db import db, now
from core.files import StoredFile
from core.mail import OutgoingMail
from helpdesk import choices, history, outbound, queue
from helpdesk.history import Happening
from helpdesk.mail_trust_models import ProposedParticipant
from helpdesk.models import (
    PUBLIC,
    AnswerSource,
    Attachment,
    Message,
    MessageRecipient,
    Participant,
    Ticket,
    TicketTag,
)
from helpdesk.outgoing_models import PlannedReply
from kb.models import Answer

WINDOW = 50
MOST_SHOWN = 1000
MOST_OTHERS = 5
MOST_PROPOSED = 20
_TOGETHER = timedelta(seconds=3)
_FRESH = timedelta(hours=1)
_SEPARATOR = "\x1f"
_LOADED = (joinedload(Ticket.requester).lazyload(User.role_rows), joinedload(Ticket.organisation))


@dataclass(frozen=True)
class Entry:
    """One thing in the thread: a message, or else something that happened."""

    message: Any = None  # A row of `_messages`.
    happening: Happening | None = None


@dataclass(frozen=True)
class Seen:
    """What a page showed when it was made, so that a reply can tell what its writer has not seen."""

    last_message: int
    state: str
    assignee: int

    def __str__(self) -> str:
        """As a hidden field carries it."""
        return f"{self.last_message}-{self.state}-{self.assignee}"


@dataclass(frozen=True)
class Thread:
    """A ticket and what belongs to it; rows rather than objects where they are only shown."""

    ticket: Ticket
    tags: tuple[str, ...]
    answer_slug: str
    answer_state: str
    entries: list[Entry]
    # How many messages there are before those shown, and how many are shown.
    earlier: int
    shown: int
    files: dict[int, list[Any]]
    deliveries: dict[int, list[Any]]
    # Mails of the ticket that failed, where somebody should look.
    failed: Sequence[Any]
    participants: Sequence[Any]
    history: list[Happening]
    names: dict[int, str]
    analysts: Sequence[Any]
    # Other tickets of the requester, and of others in the organisation.
    theirs: list[Any]
    colleagues: list[Any]
    # People whom a mail named and who take no part yet; tickets that go on with this one, or that it goes on with.
    proposals: Sequence[Any]
    # Whether replies wait that have not left.
    has_planned: bool
    linked: Sequence[Any]
    seen: Seen
    # The mail of a newer message is on its way; an older one without a mail was never to be sent.
    fresh_since: datetime


def find(number: int, *, to_change: bool) -> Ticket | None:
    """A ticket with its requester and organisation.

    :param to_change: whoever else would change it waits, and then sees the change.
    """
    if not 0 < number < choices.HIGHEST_NUMBER:
        return None
    statement = select(Ticket).where(Ticket.id == number).options(*_LOADED)
    return db.session.scalar(statement.with_for_update(of=Ticket) if to_change else statement)


def read_seen(text: str) -> Seen | None:
    """What the hidden field of a page says; None if that is not to be understood."""
    last, _dash, rest = text.partition("-")
    state, _dash, assignee = rest.partition("-")
    if not (last.isascii() and last.isdigit() and assignee.isascii() and assignee.isdigit()):
        return None
    return Seen(int(last[:18]), state, int(assignee[:18]))


def load(number: int, *, limit: int = WINDOW) -> Thread | None:
    """Everything that the page of a ticket shows; None if there is no such ticket.

    :param limit: how many messages, the newest.
    """
    if not 0 < number < choices.HIGHEST_NUMBER:
        return None
    row = db.session.execute(_ticket_statement(), {"number": number}).one_or_none()
    if row is None:
        return None
    ticket: Ticket = row.Ticket
    limit = max(WINDOW, min(limit, MOST_SHOWN))
    messages = _messages(ticket, limit)
    ids = [message.id for message in messages]
    events = history.events_of(ticket)
    analysts = queue.analysts()
    participants = _participants(ticket)
    names = {row.id: row.name or row.email.partition("@")[0] for row in analysts}
    names |= {row.user_id: row.name or row.email.partition("@")[0] for row in participants}
    names |= _names({message.author_id for message in messages} | history.people_in(events), names)
    happenings = history.told(events, names)
    others = _others(ticket)
    return Thread(
        ticket=ticket,
        tags=tuple(sorted(row.tags.split(_SEPARATOR))) if row.tags else (),
        answer_slug=row.answer_slug or "",
        answer_state=row.answer_state or "",
        entries=_entries(messages, happenings),
        earlier=max(ticket.message_count - len(messages), 0) if len(messages) == limit else 0,
        shown=len(messages),
        files=_files(ids),
        deliveries=_deliveries([message.id for message in messages if message.by_staff and message.kind == PUBLIC]),
        failed=_failed(ticket) if ticket.attention else (),
        participants=participants,
        history=happenings,
        names=names,
        analysts=analysts,
        theirs=[other for other in others if other.whose == "person"],
        colleagues=[other for other in others if other.whose == "organisation"],
        proposals=_proposals(ticket) if row.has_proposals else (),
        has_planned=row.has_planned,
        linked=[other for other in others if other.whose == "linked"],
        seen=Seen(ids[-1] if ids else 0, ticket.state, ticket.assignee_id or 0),
        fresh_since=now() - _FRESH,
    )


# Statements that are always the same are put together once.


@cache
def _ticket_statement() -> Any:
    return (
        select(Ticket, *_asides()).where(Ticket.id == bindparam("number")).options(*_LOADED)
        .execution_options(populate_existing=True)
    )  # fmt: skip


@cache
def _messages_statement() -> Any:
    return (
        select(
            Message.id, Message.author_id, Message.kind, Message.body_html, Message.has_more, Message.by_staff,
            Message.channel, Message.is_verified, Message.proof, Message.remark, Message.language, Message.created_at,
        )
        .where(Message.ticket_id == bindparam("ticket")).order_by(Message.id.desc()).limit(bindparam("most"))
    )  # fmt: skip


def _asides() -> tuple[Any, ...]:
    """Columns beside a ticket: its tags, and the last past answer that was made from it."""
    tags = select(func.aggregate_strings(TicketTag.tag, _SEPARATOR)).where(TicketTag.ticket_id == Ticket.id)
    source = (
        select(AnswerSource.answer_id).where(AnswerSource.ticket_id == Ticket.id).correlate(Ticket)
        .order_by(AnswerSource.id.desc()).limit(1).scalar_subquery()
    )  # fmt: skip
    return (
        tags.scalar_subquery().label("tags"),
        select(Answer.slug).where(Answer.id == source).scalar_subquery().label("answer_slug"),
        select(Answer.state).where(Answer.id == source).scalar_subquery().label("answer_state"),
        select(PlannedReply.id).where(PlannedReply.ticket_id == Ticket.id).exists().label("has_planned"),
        select(ProposedParticipant.id)
        .where(ProposedParticipant.ticket_id == Ticket.id, ProposedParticipant.state == "open")
        .exists().label("has_proposals"),
    )  # fmt: skip


def _messages(ticket: Ticket, limit: int) -> list[Any]:
    rows = db.session.execute(_messages_statement(), {"ticket": ticket.id, "most": limit}).all()
    return list(reversed(rows))


def _files(message_ids: Sequence[int]) -> dict[int, list[Any]]:
    rows = db.session.execute(
        select(
            Attachment.id, Attachment.message_id, Attachment.filename, StoredFile.size,
            (StoredFile.picture_sha256 != "").label("is_picture"),
        ).join(StoredFile, StoredFile.id == Attachment.file_id)
        .where(Attachment.message_id.in_(message_ids)).order_by(Attachment.id)
    )  # fmt: skip
    return _by_message(rows)


def _deliveries(message_ids: Sequence[int]) -> dict[int, list[Any]]:
    """Who each reply was meant for, and what became of the mail; ``state`` is None while none is queued."""
    if not message_ids:
        return {}
    rows = db.session.execute(
        select(
            MessageRecipient.message_id, MessageRecipient.kind, User.name, User.email, OutgoingMail.state,
            OutgoingMail.last_error, OutgoingMail.sent_at, OutgoingMail.id.label("mail_id"), OutgoingMail.next_at,
        ).join(User, User.id == MessageRecipient.user_id)
        .outerjoin(
            OutgoingMail,
            and_(
                OutgoingMail.part_kind == Message.__tablename__, OutgoingMail.part_id == MessageRecipient.message_id,
                OutgoingMail.recipient == User.email,
            ),
        ).where(MessageRecipient.message_id.in_(message_ids)).order_by(MessageRecipient.id)
    )  # fmt: skip
    return _by_message(rows)


def _failed(ticket: Ticket) -> Sequence[Any]:
    columns = (OutgoingMail.id, OutgoingMail.recipient, OutgoingMail.last_error, OutgoingMail.state)
    return db.session.execute(
        select(*columns).where(
            OutgoingMail.about_kind == Ticket.__tablename__, OutgoingMail.about_id == ticket.id,
            OutgoingMail.state.in_(outbound.FAILED), OutgoingMail.notice.in_(outbound.TO_ASKERS),
        ).order_by(OutgoingMail.id.desc()).limit(MOST_OTHERS)
    ).all()  # fmt: skip


def _by_message(rows: Any) -> dict[int, list[Any]]:  # Rows.
    found: dict[int, list[Any]] = defaultdict(list)
    for row in rows:
        found[row.message_id].append(row)
    return found


def _participants(ticket: Ticket) -> Sequence[Any]:
    return db.session.execute(
        select(Participant.user_id, Participant.kind, User.name, User.email, User.is_disabled)
        .join(User, User.id == Participant.user_id)
        .where(Participant.ticket_id == ticket.id).order_by(Participant.id)
    ).all()  # fmt: skip


def _proposals(ticket: Ticket) -> Sequence[Any]:
    columns = (ProposedParticipant.id, ProposedParticipant.email, ProposedParticipant.name, ProposedParticipant.way)
    return db.session.execute(
        select(*columns)
        .where(ProposedParticipant.ticket_id == ticket.id, ProposedParticipant.state == "open")
        .order_by(ProposedParticipant.id).limit(MOST_PROPOSED)
    ).all()  # fmt: skip


def _names(ids: set[int], known: dict[int, str]) -> dict[int, str]:
    missing = [number for number in ids if number not in known]
    if not missing:
        return {}
    rows = db.session.execute(select(User.id, User.name, User.email).where(User.id.in_(missing)))
    return {row.id: row.name or row.email.partition("@")[0] for row in rows}


def _others(ticket: Ticket) -> Sequence[Any]:
    columns = (Ticket.id, Ticket.title, Ticket.state, Ticket.language)
    parts = [
        select(*columns, literal("person").label("whose"))
        .where(Ticket.requester_id == ticket.requester_id, Ticket.id != ticket.id)
    ]  # fmt: skip
    if ticket.organisation_id is not None:
        parts.append(
            select(*columns, literal("organisation").label("whose")).where(
                Ticket.organisation_id == ticket.organisation_id, Ticket.requester_id != ticket.requester_id
            )
        )
    goes_on = Ticket.follows_id == ticket.id
    if ticket.follows_id is not None:
        goes_on |= Ticket.id == ticket.follows_id
    parts.append(select(*columns, literal("linked").label("whose")).where(goes_on))
    newest = [select(part.order_by(Ticket.id.desc()).limit(MOST_OTHERS).subquery()) for part in parts]
    return db.session.execute(union_all(*newest)).all()


def _entries(messages: Sequence[Any], happenings: Sequence[Happening]) -> list[Entry]:
    """Messages with what happened between them. What a reply itself brought about goes without saying."""
    written = [(message.created_at, message.author_id) for message in messages]
    since = written[0][0] if written else None
    between = [
        each for each in happenings
        if each.is_turning and (since is None or each.at >= since)
        and not any(author == each.actor_id and abs(at - each.at) <= _TOGETHER for at, author in written)
    ]  # fmt: skip
    entries = [(message.created_at, 0, Entry(message=message)) for message in messages]
    entries += [(each.at, 1, Entry(happening=each)) for each in between]
    entries.sort(key=lambda item: item[:2])
    return [entry for _at, _rank, entry in entries]


def missed(ticket: Ticket, seen: Seen) -> Sequence[Any]:
    """The messages that whoever saw that has not seen, as rows of id and author."""
    statement = select(Message.id, Message.author_id).where(
        Message.ticket_id == ticket.id, Message.id > seen.last_message
    )
    return db.session.execute(statement.order_by(Message.id)).all()


def has_changed(ticket: Ticket, seen: Seen) -> bool:
    """Whether its state is another since, or somebody else looks after it."""
    return (seen.state, seen.assignee) != (ticket.state, ticket.assignee_id or 0)

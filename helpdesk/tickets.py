"""What can be done with a ticket. Pages, API, mail and commands all call these; none of them commits or sends mail."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Select, bindparam, insert, select, update

from accounts.models import Organisation, User
from core import fulltext, markdown
from core.db import db, now
from core.events import record
from core.exceptions import NotNow, Refused
from core.i18n import _
from helpdesk import models
from helpdesk.models import Attachment, Citation, Message, MessageRecipient, Participant, Ticket, TicketTag
from helpdesk.states import (
    CLOSED,
    ENDED,
    MOVES,
    NEEDS_ANSWER,
    NEW,
    OPEN,
    PRIORITIES,
    SERVICES,
    SOLVED,
    STATES,
    WAITING,
)
from helpdesk.written import Recipients as Recipients  # noqa: PLC0414 # Known to callers from here.
from helpdesk.written import Words as Words  # noqa: PLC0414 # Known to callers from here.
from kb.models import Answer, Article

TITLE_LENGTH = 300
EXCERPT_LENGTH = 160


def ask(
    *, by: User, title: str, words: Words, topic: str = "", service: str = "enquiry", country: str = "",
    language: str = "", organisation: Organisation | None = None, may_publish: bool = False, cc: Sequence[User] = (),
    follows: Ticket | None = None, is_note: bool = False, team: str = "",
) -> Ticket:  # fmt: skip
    """Open a ticket with its first message.

    :param follows: the closed ticket that it goes on with.
    :param is_note: only staff see the message, and nobody is told.
    """
    ticket = Ticket(
        title=_title(title, words.body), requester=by, topic=topic,
        service=service if service in SERVICES else "enquiry", country=country or by.country,
        language=language or by.language, organisation=organisation or by.organisation, may_publish=may_publish,
        channel=words.channel, state=NEW, follows_id=follows.id if follows is not None else None, team=team,
    )  # fmt: skip
    db.session.add(ticket)
    ticket.participants.append(Participant(user=by, kind="requester"))
    for other in (each for each in cc if each is not by):
        ticket.participants.append(Participant(user=other, kind="cc"))
    message = _add(ticket, by=by, words=words, kind=models.INTERNAL if is_note else models.PUBLIC)
    _write_fulltext(ticket, "" if is_note else words.body, internal=words.body if is_note else "")
    record("ticket.noted" if is_note else "ticket.asked", ticket, by=by, message=message)
    if follows is not None:
        record("ticket.followed", follows, by=by, ticket=ticket)
    return ticket


def open_for(
    requester: User, *, by: User, title: str, words: Words, is_note: bool, topic: str = "", service: str = "enquiry",
    country: str = "", language: str = "", organisation: Organisation | None = None,
) -> Ticket:  # fmt: skip
    """Open a ticket for somebody, as after a call.

    :param is_note: the words are a note for staff, and nobody is told; otherwise they are sent to the requester.
    :raises Refused: when there is nothing written.
    """
    _not_empty(words)
    ticket = Ticket(
        title=_title(title, words.body), requester=requester, topic=topic,
        service=service if service in SERVICES else "enquiry", country=country or requester.country,
        language=language or requester.language, organisation=organisation or requester.organisation, channel="desk",
        state=NEW,
    )  # fmt: skip
    db.session.add(ticket)
    ticket.participants.append(Participant(user=requester, kind="requester", added_by_id=by.id))
    db.session.flush()
    _write_fulltext(ticket, "")
    record("ticket.opened", ticket, by=by)
    if is_note:
        assign(ticket, by, by=by)
        note(ticket, by=by, words=words)
    else:
        reply(ticket, by=by, words=words)
    return ticket


def reply(ticket: Ticket, *, by: User, words: Words, recipients: Recipients | None = None, then: str = "") -> Message:
    """Add a public message and pass the turn to the other side.

    :param recipients: who an analyst's reply goes to; by default everyone who takes part.
    :param then: for an analyst, the move that follows instead of waiting: "solve" or "open".
    :raises NotNow: when the ticket is closed and an analyst would write into it.
    :raises Refused: when there is nothing to send.
    """
    _not_empty(words)
    from_desk = _speaks_for_the_desk(ticket, by, words)
    was = ticket.state
    move(ticket, "reply" if from_desk else "answer")
    if from_desk and then == "solve":
        move(ticket, "solve")
    elif from_desk and then == "open":
        move(ticket, "open")
    moment, is_taken = now(), from_desk and ticket.assignee_id is None
    # Before the message is written, so that the ticket is written once.
    if from_desk:
        ticket.first_reply_at = ticket.first_reply_at or moment
        ticket.attention = ""
    if is_taken:
        ticket.assignee, ticket.assignee_id = by, by.id
    message = _add(ticket, by=by, words=words, kind=models.PUBLIC, by_staff=from_desk, at=moment)
    if from_desk:
        _address(message, ticket, recipients)
    if is_taken:
        record("ticket.assigned", ticket, by=by, old=None, new=by.id)
    fulltext.append(db.session, ticket.id, public=words.body, language=ticket.language)
    if from_desk:
        record("ticket.replied", ticket, by=by, message=message, then=then)
    else:
        record("ticket.answered", ticket, by=by, message=message)
    _record_state(ticket, was, by)
    return message


def note(ticket: Ticket, *, by: User, words: Words) -> Message:
    """Add an internal note, which only staff ever see."""
    _not_empty(words)
    message = _add(ticket, by=by, words=words, kind=models.INTERNAL, by_staff=True)
    fulltext.append(db.session, ticket.id, internal=words.body, language=ticket.language)
    record("ticket.noted", ticket, by=by, message=message)
    return message


def solve(ticket: Ticket, *, by: User) -> None:
    """Mark a ticket solved."""
    _settle(ticket, "solve", by)


def reopen(ticket: Ticket, *, by: User) -> None:
    """Open an ended or waiting ticket again."""
    _settle(ticket, "open", by)


def close(ticket: Ticket, *, by: User) -> None:
    """Close a ticket for good; a later answer by its requester opens it again."""
    _settle(ticket, "close", by)


def set_state(ticket: Ticket, state: str, *, by: User) -> None:
    """Move to a state by the move that leads there; no move, no change."""
    moves = {OPEN: "open", WAITING: "wait", SOLVED: "solve", CLOSED: "close"}
    if state == ticket.state:
        return
    if state not in moves:
        raise Refused(_("A ticket cannot be made new again."), "state")
    _settle(ticket, moves[state], by)


def move(ticket: Ticket, name: str) -> None:
    """Make one move of `states.MOVES`.

    :raises NotNow: if it does not start from the present state.
    """
    sources, target = MOVES[name]
    if ticket.state not in sources:
        state = str(STATES[ticket.state]).lower()
        raise NotNow(_("This is not possible while the ticket is “%(state)s”.", state=state))
    if (ticket.state in NEEDS_ANSWER) != (target in NEEDS_ANSWER):
        ticket.turn_since = now()
    ticket.state = target
    ticket.solved_at = (ticket.solved_at or now()) if target in ENDED else None


def assign(ticket: Ticket, to: User | None, *, by: User) -> None:
    """Give a ticket to an analyst, or to nobody."""
    if to is not None and (not to.is_staff or to.is_disabled):
        raise Refused(_("Only staff can be assigned."), "assignee")
    old = ticket.assignee_id
    new = to.id if to is not None else None
    if old == new:
        return
    ticket.assignee = to
    ticket.assignee_id = new
    record("ticket.assigned", ticket, by=by, old=old, new=new)


def sort(ticket: Ticket, *, by: User, title: str | None = None, priority: str | None = None, topic: str | None = None,
         service: str | None = None, country: str | None = None, language: str | None = None,
         team: str | None = None) -> None:  # fmt: skip
    """Change how a ticket is sorted; each change is recorded with old and new code."""
    if priority is not None and priority not in PRIORITIES:
        raise Refused(_("There is no such priority."), "priority")
    if service is not None and service not in SERVICES:
        raise Refused(_("There is no such service."), "service")
    changes = {"priority": priority, "topic": topic, "service": service, "country": country, "language": language,
               "team": team}  # fmt: skip
    for name, value in changes.items():
        if value is not None and value != (old := getattr(ticket, name)):
            setattr(ticket, name, value)
            record("ticket.sorted", ticket, by=by, field=name, old=old, new=value)
    if title is not None and title.strip() and title.strip() != ticket.title:
        ticket.title = title.strip()[:TITLE_LENGTH]
        rewrite_fulltext(ticket)
        record("ticket.sorted", ticket, by=by, field="title")


def tag(ticket: Ticket, tags: Iterable[str], *, by: User) -> None:
    """Give a ticket exactly these tags."""
    wanted = sorted({" ".join(text.lower().split())[:60] for text in tags if text.strip()})
    if len(wanted) > 20:
        raise Refused(_("A ticket may have 20 tags."), "tags")
    old = ticket.tags
    if wanted == old:
        return
    ticket.tag_rows = [row for row in ticket.tag_rows if row.tag in wanted] + [
        TicketTag(ticket_id=ticket.id, tag=text) for text in wanted if text not in old
    ]
    record("ticket.tagged", ticket, by=by, old=old, new=wanted)


def add_participant(ticket: Ticket, user: User, *, by: User) -> None:
    """Let somebody take part; they receive later replies, never the history by themselves."""
    if any(part.user_id == user.id for part in ticket.participants):
        return
    ticket.participants.append(Participant(user=user, kind="cc", added_by_id=by.id))
    record("ticket.participant_added", ticket, by=by, participant=user)


def remove_participant(ticket: Ticket, user: User, *, by: User) -> None:
    """Take somebody out of a ticket; their links and reply addresses stop working.

    :raises Refused: for the requester, whose ticket it is.
    """
    for part in ticket.participants:
        if part.user_id == user.id:
            if part.kind == "requester":
                raise Refused(_("The requester always takes part."), "participant")
            ticket.participants.remove(part)
            db.session.delete(part)
            record("ticket.participant_removed", ticket, by=by, participant=user)
            return


def cite(message: Message, target: Article | Answer, *, by: User) -> None:
    """Remember that a message points to an article or a past answer; once each."""
    kind = "article" if isinstance(target, Article) else "answer"
    known = db.session.scalar(
        select(Citation.id).where(
            Citation.message_id == message.id, Citation.target_kind == kind, Citation.target_id == target.id
        )
    )
    if known is None:
        db.session.add(
            Citation(
                ticket_id=message.ticket_id, message_id=message.id, target_kind=kind, target_id=target.id, by_id=by.id
            )
        )
        record("ticket.cited", message.ticket, by=by, message=message, kind=kind, target=target.id)


def rewrite_fulltext(ticket: Ticket) -> None:
    """Write the searchable text of a ticket anew from its messages."""
    public = "\n".join(message.body for message in ticket.messages if not message.is_internal)
    internal = "\n".join(message.body for message in ticket.messages if message.is_internal)
    fulltext.put(db.session, ticket.id, title=ticket.title, public=public, internal=internal, language=ticket.language)


def default_recipients(ticket: Ticket) -> Recipients:
    """Who a reply goes to unless the analyst chooses otherwise: the requester, and the others in Cc."""
    to = [part.user for part in ticket.participants if part.kind == "requester"]
    return Recipients(to=to, cc=[part.user for part in ticket.participants if part.kind != "requester"])


def _speaks_for_the_desk(ticket: Ticket, by: User, words: Words) -> bool:
    """Whether a message is the desk's; not of staff who asked themselves, or who write by mail as one in Cc."""
    if not by.is_staff or ticket.requester_id == by.id:
        return False
    return words.channel != "mail" or all(part.user_id != by.id for part in ticket.participants)


def _settle(ticket: Ticket, name: str, by: User) -> None:
    was = ticket.state
    move(ticket, name)
    ticket.last_activity_at, ticket.attention = now(), ""
    _record_state(ticket, was, by)


def _record_state(ticket: Ticket, was: str, by: User) -> None:
    if ticket.state != was:
        record("ticket.moved", ticket, by=by, old=was, new=ticket.state)


def _add(
    ticket: Ticket, *, by: User, words: Words, kind: str, by_staff: bool = False, at: datetime | None = None
) -> Message:
    message = Message(
        author=by, kind=kind, is_markdown=words.is_markdown, body=words.body,
        body_html=markdown.render_message(words.body) if words.is_markdown else markdown.render_plain(words.body),
        full_text=words.full_text if words.full_text != words.body else "",
        has_more=bool(words.full_text and words.full_text != words.body), by_staff=by_staff, channel=words.channel,
        mail_message_id=words.mail_message_id, is_verified=words.is_verified, language=words.language,
        proof=words.proof, remark=words.remark, created_at=at or now(),
    )  # fmt: skip
    is_first = ticket.id is None
    message.ticket = ticket
    if kind == models.PUBLIC:
        ticket.excerpt = " ".join(markdown.to_text(message.body_html).split())[:EXCERPT_LENGTH]
    ticket.last_activity_at = message.created_at
    if is_first:
        ticket.message_count = 1
    db.session.add(message)
    db.session.flush()
    attached = [
        *((file.id, file.filename, False, "") for file in words.files),
        *((file.id, name, True, content_id) for file, name, content_id in words.inline_files),
    ]
    if attached:
        # Written at once, past the session, which would take as long as for all the rest.
        db.session.connection().execute(
            _ATTACH,
            [
                {
                    "message_id": message.id,
                    "file_id": file_id,
                    "filename": name,
                    "is_inline": is_inline,
                    "content_id": content_id,
                }
                for file_id, name, is_inline, content_id in attached
            ],
        )
    if not is_first:
        # Counted in the database: two messages at once must both count, without one of them failing.
        db.session.connection().execute(_COUNT, {"number": ticket.id})
    return message


_ATTACH = insert(Attachment.__table__)  # type: ignore[arg-type]
_COUNT = (
    update(Ticket.__table__).where(Ticket.__table__.c.id == bindparam("number"))  # type: ignore[arg-type]
    .values(message_count=Ticket.__table__.c.message_count + 1)
)  # fmt: skip


def _address(message: Message, ticket: Ticket, recipients: Recipients | None) -> None:
    chosen = recipients or default_recipients(ticket)
    if not chosen.to and not chosen.cc:
        raise Refused(_("Choose at least one person to send this to."), "to")
    seen: set[int] = set()
    for kind, people in (("to", chosen.to), ("cc", chosen.cc)):
        for person in people:
            if person.id not in seen:
                seen.add(person.id)
                db.session.add(MessageRecipient(message_id=message.id, user_id=person.id, kind=kind))
                add_participant(ticket, person, by=message.author)


def _write_fulltext(ticket: Ticket, body: str, internal: str = "") -> None:
    fulltext.put(
        db.session, ticket.id, title=ticket.title, public=body, internal=internal, language=ticket.language,
        is_new=True,
    )  # fmt: skip


def _title(title: str, body: str) -> str:
    text = " ".join(title.split()) or " ".join(body.split())[:80] or _("No subject")
    return text[:TITLE_LENGTH]


def _not_empty(words: Words) -> None:
    if not words.body.strip() and not words.files and not words.inline_files:
        raise Refused(_("Write something first."), "body")


def taken_part_in(user: User) -> Select[tuple[Ticket]]:
    """The tickets in which a person takes part, whatever their role."""
    return select(Ticket).where(Ticket.id.in_(select(Participant.ticket_id).where(Participant.user_id == user.id)))


def linked(ticket: Ticket, reader: User | None) -> list[Ticket]:
    """The closed ticket that this one goes on with, and those that go on with it, as far as a reader may see them."""
    if reader is None:
        return []
    other = Ticket.follows_id == ticket.id
    if ticket.follows_id is not None:
        other |= Ticket.id == ticket.follows_id
    statement: Select[Any] = Ticket.visible_to(reader).where(other).order_by(Ticket.id).limit(10)
    return list(db.session.scalars(statement))

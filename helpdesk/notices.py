"""What people are told about tickets, by mail. Notes never leave the desk, whatever happens to a ticket."""

import re
from datetime import timedelta
from typing import Any

from flask import Flask, current_app
from sqlalchemy import func, select
from sqlalchemy.orm import joinedload, selectinload

from accounts import mail_choices
from accounts.models import User
from core import mail, markdown
from core.db import db, now
from core.events import Event, on
from core.i18n import _, in_language
from core.mail import OutgoingMail, Recipient
from core.settings import Settings
from core.web import external
from helpdesk import grants, mail_texts, outbound, planned, reply_address
from helpdesk.mail_texts import Value
from helpdesk.models import PUBLIC, Message, Participant, Ticket
from helpdesk.outgoing_models import PlannedReply

# Files together larger than this are named in the mail, with the link to where they are.
ATTACHED_BYTES = 10 * 1024 * 1024
EXCERPT_LENGTH = 500
MOST_REFERENCES = 20
# Tickets that staff or the demo made: nobody waits for a word that we have the question.
UNANNOUNCED = ("desk", "demo")

_RE = re.compile(r"^(?:\s*(?:re|fwd?|aw|rv|tr)\s*:)+\s*", re.IGNORECASE)
# Nobody reads what is sent to these.
_MACHINE = re.compile(
    r"(?:mailer-daemon|mail-daemon|postmaster|no-?reply|do-?not-?reply|ne-?pas-?repondre|no-?responder|bounces?)(?:[+.@-])",
    re.IGNORECASE,
)
# In the HTML of our sanitiser, and in Markdown.
_LOCAL_LINK = re.compile(r"((?:href|src)=\"|\]\()/(?!/)")


def register(app: Flask) -> None:
    """Importing this module is what subscribes it."""


@on("ticket.asked")
def acknowledge(event: Event) -> None:
    """Tell whoever asked that we have the question, with their link to it.

    Anybody may type anybody's address into the form, so an address that was never proved gets nothing that was typed:
    no title, no name; and only so many of these mails in an hour.
    """
    ticket = _ticket(event)
    if ticket is None or ticket.channel in UNANNOUNCED or event.actor_id not in (None, ticket.requester_id):
        return
    part = _part(ticket, ticket.requester_id)
    user = ticket.requester
    if part is None or not _may_be_told(user) or not _within_limits(user.email, ticket):
        return
    proved = user.verified_at is not None
    to = Recipient(user.email, user.name if proved else "", _language(user, ticket))
    link = grants.link(ticket, user, key_version=part.key_version)
    message = db.session.get(Message, event.data.get("message"))
    by_mail = message.mail_message_id if message is not None else ""
    mail.queue(
        "ticket_received", to, f"event-{event.id}", about=ticket, is_automatic=True, ticket=ticket,
        reply_to=reply_address.make(ticket, part), in_reply_to=by_mail, references=[by_mail] if by_mail else [],
        title=thread_title(ticket) if proved else "", link=link,
        written=mail_texts.written("received", to.language, _values(ticket, to, link, is_proved=proved)),
    )  # fmt: skip


@on("ticket.replied")
def send_reply(event: Event) -> None:
    """Send what the desk wrote to each person it was meant for, as a mail of their own, in their thread."""
    ticket = _ticket(event)
    message = db.session.scalar(
        select(Message).where(Message.id == event.data.get("message"))
        .options(selectinload(Message.recipients), selectinload(Message.attachments), joinedload(Message.author))
    )  # fmt: skip
    if ticket is None or message is None or message.kind != PUBLIC or message.ticket_id != ticket.id:
        return
    # Whoever was taken out meanwhile gets nothing any more.
    meant = [(row.user, part) for row in message.recipients if (part := _part(ticket, row.user_id)) is not None]
    meant = [(user, part) for user, part in meant if _may_be_told(user)]
    attachments, left_out = _attachments(message)
    wording = "solved" if event.data.get("then") == "solve" else "reply"
    settings: Settings = current_app.extensions["settings"]
    for user, part in meant:
        known = _known_ids(ticket, user, before=message)
        to = Recipient(user.email, user.name, _language(user, ticket))
        link = grants.link(ticket, user, key_version=part.key_version)
        body, body_html = _with_signature(message, to.language)
        reply = Value(*_with_left_out(body, body_html, left_out, to.language))
        values = {**_values(ticket, to, link, is_proved=True), "reply": reply,
                  "analyst.name": Value(message.author.shown_name)}  # fmt: skip
        mail.queue(
            f"ticket_{wording}", to, f"event-{event.id}", about=ticket, part=message, ticket=ticket,
            reply_to=reply_address.make(ticket, part), in_reply_to=known[-1] if known else "", references=known,
            shown_cc=[other.email for other, _part_of_other in meant if other.id != user.id],
            sender_name=f"{message.author.shown_name} ({settings.mail.sender_name})", attachments=attachments,
            title=thread_title(ticket), body=body, body_html=body_html, left_out=left_out, link=link,
            written=mail_texts.written(wording, to.language, values),
        )  # fmt: skip


@on("ticket.answered")
def tell_the_assignee(event: Event) -> None:
    """Tell whoever looks after a ticket that its requester wrote; nobody, while nobody does."""
    ticket = _ticket(event)
    message = db.session.get(Message, event.data.get("message"))
    if ticket is None or message is None or ticket.assignee is None or event.actor_id == ticket.assignee_id:
        return
    _tell_staff(
        "ticket_answered", ticket.assignee, event, ticket, part=message, author=message.author,
        excerpt=message.body[:EXCERPT_LENGTH],
    )  # fmt: skip


@on("ticket.assigned")
def tell_the_new_assignee(event: Event) -> None:
    """Tell whoever was given a ticket, unless they took it themselves or it went on to somebody else."""
    ticket = _ticket(event)
    if ticket is None or ticket.assignee is None:
        return
    if event.data.get("new") == ticket.assignee_id != event.actor_id:
        author = db.session.get(User, event.actor_id) if event.actor_id else None
        _tell_staff("ticket_assigned", ticket.assignee, event, ticket, author=author)


@on("ticket.reply_held")
def tell_the_writer(event: Event) -> None:
    """Tell whoever planned a reply that it did not leave."""
    ticket, reply = _ticket(event), db.session.get(PlannedReply, event.data.get("planned"))
    if ticket is not None and reply is not None and reply.held and reply.by.is_staff:
        _tell_staff("reply_held", reply.by, event, ticket, answered=reply.held == planned.ANSWERED,
                    excerpt=reply.body[:EXCERPT_LENGTH])  # fmt: skip


@on("mail.failed")
def tell_of_a_failed_mail(event: Event) -> None:
    """Put the ticket before the desk again, and tell whoever looks after it that a mail of it did not arrive."""
    failed = db.session.get(OutgoingMail, event.subject_id)
    if failed is None or failed.notice == "mail_failed":
        return
    ticket = outbound.raise_ticket(failed)
    if ticket is not None and ticket.assignee is not None and ticket.assignee.email != failed.recipient:
        _tell_staff("mail_failed", ticket.assignee, event, ticket, failed=failed)


def thread_title(ticket: Ticket) -> str:
    """The title without the signs of an answer before it, so that “Re: Re:” does not grow."""
    return _RE.sub("", ticket.title) or ticket.title


def with_full_links(text: str) -> str:
    """HTML or Markdown with links to our own pages made whole, since a mail has no page to be relative to."""
    return _LOCAL_LINK.sub(lambda found: f"{found[1]}{current_app.config['BASE_URL']}/", text)


def _tell_staff(
    notice: str, user: User, event: Event, ticket: Ticket, part: Message | None = None, **more: Any
) -> None:
    if not _may_be_told(user) or not mail_choices.of(user).wants_notices:
        return
    settings: Settings = current_app.extensions["settings"]
    # Staff answer by mail only where our server judges mail: without that, anybody could write under their name.
    reply_to = reply_address.make_for_staff(ticket, user) if settings.mail.authserv_id else ""
    mail.queue(
        notice, Recipient(user.email, user.name, user.language or "en"), f"event-{event.id}", about=ticket, part=part,
        is_automatic=True, reply_to=reply_to, list_name="notices",
        unsubscribe=mail_choices.unsubscribe_link(user, "notices"),
        ticket=ticket, title=thread_title(ticket), link=external("desk.show", number=ticket.number),
        **more,
    )  # fmt: skip


def _ticket(event: Event) -> Ticket | None:
    return db.session.get(Ticket, event.subject_id)


def _part(ticket: Ticket, user_id: int) -> Participant | None:
    return next((part for part in ticket.participants if part.user_id == user_id), None)


def _may_be_told(user: User) -> bool:
    return not user.is_disabled and not reply_address.is_own(user.email)


def _within_limits(address: str, ticket: Ticket) -> bool:
    """Whether an automatic mail to an address that anybody can type is within its limits, and can meet a person.

    One for each address, ticket and day, and so many for each address and hour: who answers every mail by machine, and
    says so in no way that we know, is answered no more than that.
    """
    if _MACHINE.match(address):
        return False
    settings: Settings = current_app.extensions["settings"]
    this_hour = OutgoingMail.queued_at >= now() - timedelta(hours=1)
    is_answer = OutgoingMail.notice == "ticket_received"
    told, automatic, same = db.session.execute(
        select(
            func.count().filter(is_answer, this_hour), func.count().filter(OutgoingMail.is_automatic, this_hour),
            func.count().filter(is_answer, OutgoingMail.about_id == ticket.id),
        ).where(OutgoingMail.recipient == address, OutgoingMail.queued_at >= now() - timedelta(days=1))
    ).one()  # fmt: skip
    return bool(
        told < settings.limits.links_per_person and automatic < settings.mail.automatic_per_address_hour and not same
    )


def _language(user: User, ticket: Ticket) -> str:
    """The language that a person chose, else the one that they asked in, if we speak it."""
    if user.language:
        return user.language
    return ticket.language if ticket.language in current_app.config["LANGUAGES"] else "en"


def _known_ids(ticket: Ticket, user: User, before: Message) -> list[str]:
    """The Message-IDs of this thread that a person has in their mailbox: what they sent, and what we sent them."""
    sent = db.session.execute(
        select(OutgoingMail.queued_at, OutgoingMail.message_id).where(
            OutgoingMail.about_kind == Ticket.__tablename__, OutgoingMail.about_id == ticket.id,
            OutgoingMail.recipient == user.email, OutgoingMail.queued_at < now(),
        )
    ).all()  # fmt: skip
    theirs = db.session.execute(
        select(Message.created_at, Message.mail_message_id).where(
            Message.ticket_id == ticket.id, Message.author_id == user.id, Message.kind == PUBLIC,
            Message.mail_message_id != "", Message.id < before.id,
        )
    ).all()  # fmt: skip
    return [str(row[1]) for row in sorted((*sent, *theirs), key=lambda row: row[0])][-MOST_REFERENCES:]


def _values(ticket: Ticket, to: Recipient, link: str, *, is_proved: bool) -> dict[str, Value]:
    """What variables stand for where an admin chose the words; nothing that a stranger typed, unless it is proved."""
    settings: Settings = current_app.extensions["settings"]
    asker = ticket.requester
    with in_language(to.language):
        title = thread_title(ticket) if is_proved else _("Your question")
    return {
        "ticket.number": Value(str(ticket.number)), "ticket.title": Value(title), "ticket.link": Value(link),
        "requester.name": Value(asker.name if is_proved and asker.verified_at is not None else ""),
        "recipient.name": Value(to.name if is_proved else ""), "site.name": Value(settings.site.name),
        "link.days": Value(str(settings.security.ticket_link_days)),
    }  # fmt: skip


def _with_signature(message: Message, language: str) -> tuple[str, str]:
    """A reply as text and as HTML, with what stands under it; the message itself keeps the words alone."""
    text, html = with_full_links(message.body), with_full_links(message.body_html)
    signature = mail_texts.signature(message.author, language)
    return (f"{text}\n\n{signature}", html + markdown.render_plain(signature)) if signature else (text, html)


def _with_left_out(text: str, html: str, names: list[str], language: str) -> tuple[str, str]:
    if not names:
        return text, html
    with in_language(language):
        sentence = _("Files that are too large for a mail: %(names)s. You find them with the link below.",
                     names=", ".join(names))  # fmt: skip
    return f"{text}\n\n{sentence}", html + markdown.render_plain(sentence)


def _attachments(message: Message) -> tuple[list[tuple[str, str]], list[str]]:
    """What goes with the mail as (file id, name), and the names of what is too large for it."""
    rows = [row for row in message.attachments if not row.is_inline]
    if sum(row.file.size for row in rows) > ATTACHED_BYTES:
        return [], [row.filename for row in rows]
    return [(row.file_id, row.filename) for row in rows], []

"""The fate of a mail that was read: one of `intake_models.FATES`, with its reason, decided and written at once."""

import hashlib
import json
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from flask import current_app
from sqlalchemy import ARRAY, Text, bindparam, delete, func, not_, or_, select

from accounts import people
from accounts.models import User, find
from core import forwards, mail, mime_headers
from core.db import db, now
from core.events import Event
from core.exceptions import Refused
from core.files import StoredFile
from core.i18n import _
from core.mime import ParsedMail
from core.mime_headers import Headers
from core.settings import Settings
from helpdesk import bouncing, code_mails, mail_moves, mailboxes, proposals, reply_address, sender_proof, tickets
from helpdesk.intake_models import InboundMail
from helpdesk.mail_places import ID_LENGTH, Place, Sender, place_of, remember_awaited
from helpdesk.mail_trust_models import AwaitedMail, SpamSender
from helpdesk.models import Message, Ticket
from helpdesk.states import CLOSED
from helpdesk.tickets import Words

MOST_FILES = 100
BODY_LENGTH = 200_000
HEADER_BYTES = 64 * 1024
_SPAM = ("yes", "true")

# Run for every mail: put together once.
_ROWS: Any = (
    select(InboundMail).where(InboundMail.id.in_(bindparam("numbers", expanding=True))).order_by(InboundMail.id)
    .with_for_update().execution_options(populate_existing=True)
)  # fmt: skip
_FATED = InboundMail.fate.not_in(("", "duplicate"))
_PLACE = (InboundMail.id, InboundMail.ticket_id, InboundMail.ticket_message_id)
_IS_SAME = InboundMail.content_sha256 == bindparam("content")
_SAME_ID: Any = (
    select(*_PLACE, _IS_SAME.label("is_same"))
    .where(InboundMail.message_id == bindparam("message_id"), InboundMail.id != bindparam("number"),
           or_(not_(_IS_SAME), _FATED))
    .order_by(_IS_SAME.desc(), InboundMail.id).limit(1)
)  # fmt: skip
_SAME_BYTES: Any = (
    select(*_PLACE).where(InboundMail.sha256 == bindparam("sha256"), InboundMail.id != bindparam("number"), _FATED)
    .order_by(InboundMail.id).limit(1)
)  # fmt: skip

# A subquery that must be sorted before the locks are taken.
_KEYS = select(func.unnest(bindparam("keys", type_=ARRAY(Text))).label("key")).order_by("key").offset(0).subquery()
_LOCK = select(func.pg_advisory_xact_lock(func.hashtextextended(_KEYS.c.key, 0)))

# (file, name, content id, whether the text shows it)
Kept = list[tuple[StoredFile, str, str, bool]]


@dataclass(frozen=True)
class Parsed:
    """A stored mail as it was read, before it is decided. ``parsed`` is None where it could not be read.

    ``passed_on``: the mail that it carries as a file, if it does and somebody passed that on.
    """

    number: int
    content: bytes
    by_hand: bool
    parsed: ParsedMail | None
    kept: Kept
    problem: str = ""
    passed_on: forwards.Forwarded | None = None


def give_fate(read: Parsed, row: InboundMail | None) -> None:
    """Decide and write, so that a failure anywhere leaves nothing half done.

    :param row: the mail, locked; None if it has a fate already.
    """
    parsed = read.parsed
    if row is None or parsed is None:
        return
    header = header_of(read.content)
    describe(row, parsed, header)
    with db.session.no_autoflush:
        twin, namesake = _alike(row)
    if twin is not None:
        row.duplicate_of_id, row.ticket_id, row.ticket_message_id = twin.id, twin.ticket_id, twin.ticket_message_id
        settle(row, "duplicate", _("The same mail came before, as mail %(number)s.", number=twin.id))
    elif reason := _own_reason(parsed, header, by_hand=read.by_hand):
        settle(row, "ignored", reason)
    elif (report := bouncing.take(parsed, by_hand=read.by_hand)) is not None:
        row.bounce_of_id = report.mail.id if report.mail is not None else None
        settle(row, report.fate, report.reason)
    elif parsed.is_automatic is not None and not read.by_hand:
        settle(row, "automatic", _("A machine sent it, by this sign: %(sign)s", sign=parsed.is_automatic))
    elif (flag := _spam_flag(header)) and not read.by_hand:
        settle(row, "spam", _("The spam filter marked it: %(sign)s", sign=flag))
    else:
        _take(row, read, parsed, header, namesake)


def _take(row: InboundMail, read: Parsed, parsed: ParsedMail, header: Headers, namesake: int | None) -> None:
    """Put the mail of a person into its ticket, or open one."""
    sender = _sender(row, parsed, header)
    if sender is None:
        return
    place = place_of(parsed, sender)
    kept = read.kept
    if not read.by_hand and not place.is_verified and place.ticket is None and _is_marked(sender.address):
        settle(row, "spam", _("Staff marked mail of its sender as spam."))
        return
    passed_on = _passed_on(read, parsed, sender) if place.ticket is None else None
    by: User = sender.known or people.find_or_add(
        sender.address, name=row.sender_name, language=_interface_language(parsed.language)
    )
    db.session.add_all(file for file, *_rest in kept)
    if passed_on is not None:
        _open_passed_on(row, read, by, passed_on, namesake)
        return
    remark = ""
    is_note = place.is_note
    if place.is_note:
        remark = _("It says that it comes from staff. It was not sent to anybody.")
    elif place.speaks_for_desk and place.ticket is not None and place.ticket.state == CLOSED:
        is_note, remark = True, _("The ticket was closed. It was not sent to anybody.")
    elif code_mails.is_code_mail(parsed) and not (place.ticket and place.is_verified and part_of(place.ticket, by)):
        is_note, remark = True, _("It may carry a code or a link that proves who owns an address. Only staff see it.")
    words = words_of(parsed, kept, place=place, proof=row.proof, remark=remark)
    is_secret = is_note and place.ticket is None
    ticket, message, fate = _written(place, by, parsed, words, row.mailbox, is_note=is_note, is_secret=is_secret)
    row.ticket_id, row.ticket_message_id = ticket.id, message.id if message else None
    if message is not None and not is_note:
        proposals.propose(ticket, parsed, by, is_unknown_sender=not part_of(ticket, by) and not by.is_staff)
    if place.was_awaited:
        for other in place.joins:
            mail_moves.join(other, ticket)
        db.session.execute(
            delete(AwaitedMail).where(AwaitedMail.message_id == row.message_id, AwaitedMail.ticket_id == ticket.id)
            .execution_options(synchronize_session=False)
        )  # fmt: skip
    settle(row, fate, _with_remarks(" ".join(each for each in (place.reason, remark) if each), parsed, namesake))


def _written(
    place: Place, by: User, parsed: ParsedMail, words: Words, mailbox: str, *, is_note: bool, is_secret: bool
) -> tuple[Ticket, Message | None, str]:
    """The ticket and the message that a mail becomes, and the fate that this is."""
    if place.ticket is None:
        # The subject of such a mail often holds the code itself, and whoever asked reads the title.
        title = _("Mail from %(address)s", address=by.email) if is_secret else parsed.subject
        start = mailboxes.defaults(mailbox)
        ticket = tickets.ask(
            by=by, title=title, words=words, language=parsed.language or start.language, topic=start.topic,
            team=start.team, is_note=is_note,
        )  # fmt: skip
        remember_awaited(place, ticket)
        return ticket, ticket.messages[0] if ticket.messages else None, "ticket"
    ticket = place.ticket
    if is_note:
        return ticket, tickets.note(ticket, by=by, words=words), "reply"
    if not place.speaks_for_desk and _is_long_closed(ticket):
        following = tickets.ask(
            by=by, title=parsed.subject or ticket.title, words=words, language=parsed.language, topic=ticket.topic,
            service=ticket.service, country=ticket.country, team=ticket.team, follows=ticket,
        )  # fmt: skip
        return following, following.messages[0] if following.messages else None, "ticket"
    return ticket, tickets.reply(ticket, by=by, words=words), "reply"


def _sender(row: InboundMail, parsed: ParsedMail, header: Headers) -> Sender | None:
    """Who sent a mail; None if nobody can be answered, which is then its fate."""
    written = parsed.from_.email if parsed.from_ else ""
    try:
        address = people.clean_address(written)
    except Refused:
        settle(row, "quarantine", _("It has no sender address that an answer could be sent to."))
        return None
    if sender_proof.names_nobody(header):
        settle(row, "quarantine", _("It names nobody in From; what stands in Sender or Reply-To does not count."))
        return None
    if not sender_proof.is_plain(header, written) and sender_proof.is_read_in_two_ways(header, written):
        settle(row, "quarantine", _("Its From can be read in two ways, as two senders."))
        return None
    known = find(address)
    if known is not None and known.is_disabled:
        settle(row, "quarantine", _("Its sender is shut out."))
        return None
    return Sender(address, known, _proof_of(row))


def _proof_of(row: InboundMail) -> sender_proof.Proof:
    return sender_proof.Proof(row.proof, row.spf, row.dkim, row.dmarc)


def _passed_on(read: Parsed, parsed: ParsedMail, sender: Sender) -> forwards.Forwarded | None:
    """The mail of somebody else that staff passed on to the desk; where our server judges mail, it must be proved."""
    settings: Settings = current_app.extensions["settings"]
    if not sender.is_staff or (settings.mail.authserv_id and not sender.proof.is_proved):
        return None
    found = read.passed_on if forwards.carries_mail(parsed) else forwards.forwarded(parsed)
    if found is None or not found.email or reply_address.is_own(found.email):
        return None
    try:
        original = find(people.clean_address(found.email))
    except Refused:
        return None
    return None if original is not None and (original.is_staff or original.is_disabled) else found


def _open_passed_on(row: InboundMail, read: Parsed, by: User, found: forwards.Forwarded, namesake: int | None) -> None:
    """Open a ticket for whoever wrote the mail that staff passed on; what staff wrote above it becomes a note."""
    parsed, kept = read.parsed, read.kept
    if parsed is None:
        return
    requester = people.find_or_add(found.email, name=found.name, language=_interface_language(parsed.language))
    inner = found.mail.message_id if found.mail is not None else parsed.message_id
    remark = _("%(name)s passed this on to the helpdesk.", name=by.shown_name)
    text = found.text.strip()[:BODY_LENGTH] or _("(This mail has no text.)")
    words = Words(
        body=text, is_markdown=False, files=[file for file, _name, _id, inline in kept if not inline],
        inline_files=[(file, name, content_id) for file, name, content_id, inline in kept if inline], channel="mail",
        mail_message_id=inner[:ID_LENGTH], is_verified=False, language=parsed.language[:8], remark=remark,
    )  # fmt: skip
    start = mailboxes.defaults(row.mailbox)
    ticket = tickets.ask(
        by=requester, title=found.subject, words=words, language=parsed.language or start.language, topic=start.topic,
        team=start.team,
    )  # fmt: skip
    message = ticket.messages[0] if ticket.messages else None
    if found.note.strip():
        tickets.note(ticket, by=by, words=Words(
            body=found.note.strip()[:BODY_LENGTH], is_markdown=False, channel="mail", proof=row.proof,
            is_verified=row.proof == "dmarc", mail_message_id=parsed.message_id[:ID_LENGTH],
        ))  # fmt: skip
    db.session.flush()
    row.ticket_id, row.ticket_message_id = ticket.id, message.id if message else None
    reason = _("%(name)s passed it on; %(original)s wrote it.", name=by.email, original=requester.email)
    settle(row, "ticket", _with_remarks(reason, parsed, namesake))


def _is_long_closed(ticket: Ticket) -> bool:
    """Whether a ticket was closed so long ago that a reply begins a new one."""
    if ticket.state != CLOSED:
        return False
    moves = db.session.execute(
        select(Event.data, Event.at)
        .where(Event.subject_kind == Ticket.__tablename__, Event.subject_id == ticket.id, Event.name == "ticket.moved")
        .order_by(Event.id.desc()).limit(10)
    )  # fmt: skip
    closed = next((move.at for move in moves if move.data.get("new") == CLOSED), None)
    days: int = current_app.extensions["settings"].mail.reopen_days
    return (closed or ticket.solved_at or ticket.last_activity_at) < now() - timedelta(days=days)


def part_of(ticket: Ticket, user: User) -> bool:
    """Whether somebody takes part in a ticket."""
    return any(part.user_id == user.id for part in ticket.participants)


def words_of(parsed: ParsedMail, kept: Kept, *, place: Place, proof: str = "", remark: str = "") -> Words:
    """What a mail says, as the verbs of tickets take it."""
    body = (parsed.reply_text or parsed.text).strip()[:BODY_LENGTH]
    attached = [file for file, _name, _content_id, inline in kept if not inline]
    if not body and not kept:
        body = _("(This mail has no text.)")
    return Words(
        body=body, is_markdown=False, full_text=parsed.text.strip(), files=attached,
        inline_files=[(file, name, content_id) for file, name, content_id, inline in kept if inline], channel="mail",
        mail_message_id=parsed.message_id[:ID_LENGTH], is_verified=place.is_verified, language=parsed.language[:8],
        proof=proof, remark=remark,
    )  # fmt: skip


def _alike(row: InboundMail) -> tuple[Any, int | None]:
    """The same mail, delivered before: same Message-ID and same content; without a Message-ID, the same bytes.

    Else the number of one with the same Message-ID that says something else.
    """
    if not row.message_id:
        return db.session.execute(_SAME_BYTES, {"sha256": row.sha256, "number": row.id}).first(), None
    asked = {"message_id": row.message_id, "content": row.content_sha256, "number": row.id}
    other = db.session.execute(_SAME_ID, asked).first()
    if other is None:
        return None, None
    return (other, None) if other.is_same else (None, other.id)


def _own_reason(parsed: ParsedMail, header: Headers, *, by_hand: bool) -> str:
    """Why this is a mail of ours that came back, "" if it is not."""
    settings: Settings = current_app.extensions["settings"]
    if parsed.message_id and mail.is_own_message_id(parsed.message_id):
        return str(_("It is a mail of ours that came back: we minted its Message-ID."))
    if parsed.from_ is not None and reply_address.is_own(parsed.from_.email):
        return str(_("It comes from an address of ours."))
    if not by_hand and settings.reply_domain in (value.lower() for value in header.all("x-helpdesk")):
        return str(_("It is a mail of ours that came back: it carries our header."))
    return ""


def _spam_flag(header: Headers) -> str:
    """What a spam filter in front of us says where it says yes; "" otherwise, or where that is not to be believed."""
    if not current_app.extensions["settings"].mail.believe_spam_flag:
        return ""
    for name in ("x-spam-flag", "x-spam-status"):
        value = header.first(name)
        if value.strip().lower().split(",")[0].split(" ")[0] in _SPAM:
            return f"{name.title()}: {value[:100]}"
    return ""


def _is_marked(address: str) -> bool:
    return db.session.scalar(select(SpamSender.id).where(SpamSender.email == address)) is not None


def _with_remarks(reason: str, parsed: ParsedMail, namesake: int | None) -> str:
    sentences = [reason]
    if namesake is not None:
        sentences.append(_("Mail %(number)s has the same Message-ID but says something else.", number=namesake))
    if len(parsed.attachments) > MOST_FILES:
        sentences.append(_("Only the first %(count)s files were kept apart.", count=MOST_FILES))
    return " ".join(sentence for sentence in sentences if sentence)


def set_aside(number: int, content: bytes, reason: str, parsed: ParsedMail | None = None) -> None:
    """Quarantine: visible to staff, with its reason, and ready to be read again."""
    row = locked(number)
    if row is None:
        return
    header = header_of(content)
    if parsed is not None:
        describe(row, parsed, header)
    else:
        sender = next(iter(mime_headers.addresses(header.first("from")[:2000])), None)
        row.sender, row.sender_name = (sender.email[:254], sender.name[:200]) if sender else ("", "")
        row.subject = mime_headers.decoded(header.first("subject")[:2000])
    settle(row, "quarantine", reason)


def describe(row: InboundMail, parsed: ParsedMail, header: Headers) -> None:
    """Note in the log what a mail says of itself, and what our mail server says of its sender."""
    row.message_id = parsed.message_id[:ID_LENGTH]
    row.sender = parsed.from_.email.lower()[:254] if parsed.from_ else ""
    name = parsed.from_.name[:200] if parsed.from_ else ""
    # A name that looks like another address is there to deceive.
    row.sender_name = "" if "@" in name else name
    row.subject = parsed.subject[:2000]
    settings: Settings = current_app.extensions["settings"]
    proof = sender_proof.judge(header, settings.mail.authserv_id, row.sender)
    row.proof, row.spf, row.dkim, row.dmarc = proof.level, proof.spf, proof.dkim, proof.dmarc
    content = [
        row.sender, sorted(address.email.lower() for address in (*parsed.to, *parsed.cc)), parsed.subject, parsed.text,
        parsed.html, parsed.date.isoformat() if parsed.date else "", [part.sha256 for part in parsed.attachments],
    ]  # fmt: skip
    row.content_sha256 = hashlib.sha256(json.dumps(content).encode()).hexdigest()


def settle(row: InboundMail, fate: str, reason: str) -> None:
    """Write down the fate of a mail."""
    row.fate, row.reason, row.fated_at = fate, reason, now()


def locked(number: int) -> InboundMail | None:
    """The row of a mail that has no fate yet, so that nobody else gives it one meanwhile."""
    return locked_together([number]).get(number)


def locked_together(numbers: list[int]) -> dict[int, InboundMail]:
    """Those of these mails that have no fate yet, locked in one order, by their numbers."""
    return {row.id: row for row in db.session.scalars(_ROWS, {"numbers": numbers}) if not row.fate}


def one_at_a_time(read_ones: list[Parsed], rows: dict[int, InboundMail]) -> None:
    """Of two copies of one mail, read at the same moment by two workers, the second must see the first.

    Called once in a transaction, before any of its mails is given a fate; in one order, so that two workers cannot
    wait for each other.
    """
    if db.engine.dialect.name == "postgresql":
        known = [(each.parsed, rows[each.number]) for each in read_ones if each.number in rows]
        keys = {(parsed.message_id[:ID_LENGTH] if parsed else "") or row.sha256 for parsed, row in known}
        db.session.execute(_LOCK, {"keys": sorted(keys)})


def _interface_language(code: str) -> str:
    return code if code in current_app.config["LANGUAGES"] else ""


def header_of(content: bytes) -> mime_headers.Headers:
    """The header of a raw mail, as far as its first 64 KiB go; for looking at, however broken the mail is."""
    head = content[:HEADER_BYTES].lstrip(b"\r\n").replace(b"\r\n", b"\n").partition(b"\n\n")[0]
    return mime_headers.Headers(mime_headers.fields(head.decode("utf-8", "surrogateescape")))

"""Reading mail: each stored mail gets exactly one fate, written in one transaction with all that it does.

The raw bytes are never touched: a mail that we cannot read is set aside where staff see it, and read again after the
mend.
"""

import hashlib
import json
import logging
from dataclasses import dataclass
from typing import Any, NamedTuple

from flask import Flask, current_app
from sqlalchemy import bindparam, func, not_, or_, select
from sqlalchemy.exc import IntegrityError, OperationalError
from sqlalchemy.orm.exc import StaleDataError

from accounts import people
from accounts.models import User, find
from core import files, jobs, mail, mime_headers
from core.batches import Together
from core.db import db, now
from core.exceptions import Refused, TooLarge
from core.files import StoredFile
from core.i18n import _
from core.mime import ParsedMail, Unparsable
from core.mime_child import parse_in_child
from core.settings import Settings
from helpdesk import bouncing, mailboxes, reply_address, tickets
from helpdesk.intake_models import InboundMail, RawMail
from helpdesk.mail_places import ID_LENGTH, place_of
from helpdesk.tickets import Words

logger = logging.getLogger(__name__)

MOST_FILES = 100
BODY_LENGTH = 200_000
HEADER_BYTES = 64 * 1024
# Two workers may meet at one ticket or at one new person; whoever comes second looks again.
TRIES = 3

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

# (file, name, content id, whether the text shows it)
Kept = list[tuple[StoredFile, str, str, bool]]


def register(app: Flask) -> None:
    """Importing this module is what registers its job."""


class Stored(NamedTuple):
    """A mail as it came.

    ``by_hand``: somebody looked at it and says that a person wrote it.
    """

    number: int
    content: bytes
    by_hand: bool


@dataclass(frozen=True)
class Parsed:
    """A stored mail as it was read, before it is decided. ``parsed`` is None where it could not be read."""

    number: int
    content: bytes
    by_hand: bool
    parsed: ParsedMail | None
    kept: Kept
    problem: str = ""


def read(mail: int, by_hand: bool = False) -> None:  # noqa: FBT001, FBT002 # Jobs are called with their payload.
    """Give one stored mail its fate; a mail that has one is left alone."""
    stored = load([{"mail": mail, "by_hand": by_hand}])
    # No transaction may be open while the mail is parsed and its files are written.
    db.session.rollback()
    for each in parse(stored):
        if each.parsed is None:
            _set_aside(mail, each.content, each.problem)
            return
        for left in reversed(range(TRIES)):
            try:
                _give_fate(each, _locked(mail))
                return
            except OperationalError:
                # The database is away or busy, which says nothing about the mail: the job is tried again.
                raise
            except Exception as error:  # A fault of ours may delay this mail, but neither lose it nor stop the others.
                db.session.rollback()
                if left and isinstance(error, (IntegrityError, StaleDataError)):
                    continue
                logger.exception("mail %s could not be given a fate", mail)
                _set_aside(mail, each.content, f"{type(error).__name__}: {error}"[:1000], each.parsed)
                return


def load(payloads: list[dict[str, Any]]) -> list[Stored]:
    """The bytes of stored mails; those that have a fate are left out."""
    numbers = {payload["mail"]: bool(payload.get("by_hand")) for payload in payloads}
    rows = db.session.execute(
        select(InboundMail.id, RawMail.content).join(RawMail, InboundMail.sha256 == RawMail.sha256)
        .where(InboundMail.id.in_(numbers), InboundMail.fate == "").order_by(InboundMail.id)
    ).all()  # fmt: skip
    return [Stored(row.id, row.content, numbers[row.id]) for row in rows]


def parse(stored: list[Stored]) -> list[Parsed]:
    """Read mails and write their files; the database is not touched, because a mail may take its time."""
    settings: Settings = current_app.extensions["settings"]
    read_ones = []
    for number, content, by_hand in stored:
        parsed: ParsedMail | None = None
        kept: Kept = []
        problem = ""
        if len(content) > settings.mail.max_megabytes * 1024 * 1024:
            problem = _("It is larger than %(megabytes)s MB.", megabytes=settings.mail.max_megabytes)
        else:
            try:
                parsed = parse_in_child(content, settings.mail.parse_seconds)
            except Unparsable as error:
                problem = error.reason
        if parsed is not None and parsed.is_bounce is None and (parsed.is_automatic is None or by_hand):
            kept = _keep_files(parsed)
        read_ones.append(Parsed(number, content, by_hand, parsed, kept, problem))
    return read_ones


def decide(read_ones: list[Parsed]) -> None:
    """Give several mails their fates in one transaction. Whatever is raised, none has one."""
    # Locked together; each is then found in the session. In one order, so that two workers cannot wait for each other.
    found = db.session.scalars(_ROWS, {"numbers": [each.number for each in read_ones]})
    rows = {row.id: row for row in found if not row.fate}
    for each in read_ones:
        row = rows.get(each.number)
        if each.parsed is None or row is None:
            _set_aside(each.number, each.content, each.problem)
            continue
        # Out of the session, so that it is written once, when all is known, before the next mail looks for its like.
        db.session.expunge(row)
        with db.session.no_autoflush:
            _give_fate(each, row)
        db.session.add(row)
        db.session.flush()


jobs.job("mail.intake", slow=True, together=Together(load, parse, decide))(read)


def _give_fate(mail: Parsed, row: InboundMail | None) -> None:
    """Decide and write, so that a failure anywhere leaves nothing half done.

    :param row: the mail, locked; None if it has a fate already.
    """
    parsed, content, by_hand, kept = mail.parsed, mail.content, mail.by_hand, mail.kept
    if row is None or parsed is None:
        return
    _describe(row, parsed)
    _one_at_a_time(row)
    with db.session.no_autoflush:
        twin, namesake = _alike(row)
    if twin is not None:
        row.duplicate_of_id, row.ticket_id, row.ticket_message_id = twin.id, twin.ticket_id, twin.ticket_message_id
        _settle(row, "duplicate", _("The same mail came before, as mail %(number)s.", number=twin.id))
    elif reason := _own_reason(parsed, content, by_hand=by_hand):
        _settle(row, "ignored", reason)
    elif (report := bouncing.take(parsed)) is not None:
        _settle(row, report.fate, report.reason)
    elif parsed.is_automatic is not None and not by_hand:
        _settle(row, "automatic", _("A machine sent it, by this sign: %(sign)s", sign=parsed.is_automatic))
    else:
        _take(row, parsed, kept, namesake)


def _take(row: InboundMail, parsed: ParsedMail, kept: Kept, namesake: int | None) -> None:
    """Put the mail of a person into its ticket, or open one."""
    try:
        sender = people.clean_address(parsed.from_.email if parsed.from_ else "")
    except Refused:
        _settle(row, "quarantine", _("It has no sender address that an answer could be sent to."))
        return
    known = find(sender)
    if known is not None and known.is_disabled:
        _settle(row, "quarantine", _("Its sender is shut out."))
        return
    place = place_of(parsed, sender, known)
    name = parsed.from_.name if parsed.from_ else ""
    by: User = known or people.find_or_add(sender, name=name, language=_interface_language(parsed.language))
    db.session.add_all(file for file, *_rest in kept)
    words = _words(parsed, kept, is_verified=place.is_verified)
    if place.ticket is None:
        start = mailboxes.defaults(row.mailbox)
        ticket = tickets.ask(
            by=by, title=parsed.subject, words=words, language=parsed.language or start.language, topic=start.topic,
            team=start.team,
        )  # fmt: skip
        message = ticket.messages[0] if ticket.messages else None
        fate = "ticket"
    else:
        ticket, fate = place.ticket, "reply"
        message = (
            tickets.note(ticket, by=by, words=words) if place.is_note else tickets.reply(ticket, by=by, words=words)
        )
    row.ticket_id, row.ticket_message_id = ticket.id, message.id if message else None
    _settle(row, fate, _with_remarks(place.reason, parsed, namesake))


def _words(parsed: ParsedMail, kept: Kept, *, is_verified: bool) -> Words:
    body = (parsed.reply_text or parsed.text).strip()[:BODY_LENGTH]
    attached = [file for file, _name, _content_id, inline in kept if not inline]
    if not body and not kept:
        body = _("(This mail has no text.)")
    return Words(
        body=body, is_markdown=False, full_text=parsed.text.strip(), files=attached,
        inline_files=[(file, name, content_id) for file, name, content_id, inline in kept if inline], channel="mail",
        mail_message_id=parsed.message_id[:ID_LENGTH], is_verified=is_verified, language=parsed.language[:8],
    )  # fmt: skip


def _keep_files(parsed: ParsedMail) -> Kept:
    """Write the files of a mail to the disk, with no transaction open; their rows come where the mail is decided."""
    limit = int(current_app.extensions["settings"].mail.max_megabytes) * 1024 * 1024
    kept: Kept = []
    for part in parsed.attachments[:MOST_FILES]:
        try:
            file = files.put(part.data, part.filename, limit=limit)
        except TooLarge:
            continue
        kept.append((file, file.filename, part.content_id[:255], part.inline))
    return kept


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


def _own_reason(parsed: ParsedMail, content: bytes, *, by_hand: bool) -> str:
    """Why this is a mail of ours that came back, "" if it is not."""
    settings: Settings = current_app.extensions["settings"]
    if parsed.message_id and mail.is_own_message_id(parsed.message_id):
        return str(_("It is a mail of ours that came back: we minted its Message-ID."))
    if parsed.from_ is not None and reply_address.is_own(parsed.from_.email):
        return str(_("It comes from an address of ours."))
    if not by_hand and settings.reply_domain in (value.lower() for value in header_of(content).all("x-helpdesk")):
        return str(_("It is a mail of ours that came back: it carries our header."))
    return ""


def _with_remarks(reason: str, parsed: ParsedMail, namesake: int | None) -> str:
    sentences = [reason]
    if namesake is not None:
        sentences.append(_("Mail %(number)s has the same Message-ID but says something else.", number=namesake))
    if len(parsed.attachments) > MOST_FILES:
        sentences.append(_("Only the first %(count)s files were kept apart.", count=MOST_FILES))
    return " ".join(sentence for sentence in sentences if sentence)


def _set_aside(number: int, content: bytes, reason: str, parsed: ParsedMail | None = None) -> None:
    """Quarantine: visible to staff, with its reason, and ready to be read again."""
    row = _locked(number)
    if row is None:
        return
    if parsed is not None:
        _describe(row, parsed)
    else:
        header = header_of(content)
        sender = next(iter(mime_headers.addresses(header.first("from")[:2000])), None)
        row.sender, row.sender_name = (sender.email[:254], sender.name[:200]) if sender else ("", "")
        row.subject = mime_headers.decoded(header.first("subject")[:2000])
    _settle(row, "quarantine", reason)


def _describe(row: InboundMail, parsed: ParsedMail) -> None:
    row.message_id = parsed.message_id[:ID_LENGTH]
    row.sender = parsed.from_.email.lower()[:254] if parsed.from_ else ""
    row.sender_name = parsed.from_.name[:200] if parsed.from_ else ""
    row.subject = parsed.subject[:2000]
    content = [
        row.sender, sorted(address.email.lower() for address in (*parsed.to, *parsed.cc)), parsed.subject, parsed.text,
        parsed.html, parsed.date.isoformat() if parsed.date else "", [part.sha256 for part in parsed.attachments],
    ]  # fmt: skip
    row.content_sha256 = hashlib.sha256(json.dumps(content).encode()).hexdigest()


def _settle(row: InboundMail, fate: str, reason: str) -> None:
    row.fate, row.reason, row.fated_at = fate, reason, now()


def _locked(number: int) -> InboundMail | None:
    """The row of a mail that has no fate yet, so that nobody else gives it one meanwhile."""
    row = db.session.scalar(_ROWS, {"numbers": [number]})
    return None if row is None or row.fate else row


def _one_at_a_time(row: InboundMail) -> None:
    """Of two copies of one mail, read at the same moment by two workers, the second must see the first."""
    if db.engine.dialect.name == "postgresql":
        key = row.message_id or row.sha256
        db.session.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(key, 0))))


def _interface_language(code: str) -> str:
    return code if code in current_app.config["LANGUAGES"] else ""


def header_of(content: bytes) -> mime_headers.Headers:
    """The header of a raw mail, as far as its first 64 KiB go; for looking at, however broken the mail is."""
    head = content[:HEADER_BYTES].lstrip(b"\r\n").replace(b"\r\n", b"\n").partition(b"\n\n")[0]
    return mime_headers.Headers(mime_headers.fields(head.decode("utf-8", "surrogateescape")))

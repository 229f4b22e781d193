"""Putting a mail into a ticket because staff said so: whatever it is, and even if it cannot be read."""

from flask import current_app
from sqlalchemy import select

from accounts import people
from accounts.models import User
from core import files, jobs
from core.db import db
from core.exceptions import Refused, TooLarge
from core.i18n import _
from core.mime import Unparsable
from core.mime_child import parse_in_child
from core.settings import Settings
from helpdesk import fates, intake, reply_address, tickets
from helpdesk.intake_models import InboundMail, RawMail
from helpdesk.mail_places import Place
from helpdesk.models import Ticket
from helpdesk.tickets import Words


@jobs.job("mail.place", slow=True)
def place(mail: int, ticket: int, by: int) -> None:
    """Put one mail without a fate into a ticket, 0 for a new one; its sender is not asked for any proof.

    A mail that cannot be read comes as a note with its bytes as a file.
    """
    content = db.session.scalar(
        select(RawMail.content).join(InboundMail, InboundMail.sha256 == RawMail.sha256)
        .where(InboundMail.id == mail, InboundMail.fate == "")
    )  # fmt: skip
    staff = db.session.get(User, by)
    # No transaction may be open while the mail is parsed and its files are written.
    db.session.rollback()
    if content is None or staff is None:
        return
    settings: Settings = current_app.extensions["settings"]
    parsed, kept = None, []
    if len(content) <= settings.mail.max_megabytes * 1024 * 1024:
        try:
            parsed = parse_in_child(content, settings.mail.parse_seconds)
            kept = intake.keep_files(parsed)
        except Unparsable:
            parsed = None
    if parsed is None:
        try:
            raw = files.put(content, f"mail-{mail}.eml", limit=len(content) + 1)
        except TooLarge:
            raw = None
    row = fates.locked(mail)
    if row is None:
        return
    staff = db.session.get_one(User, by)
    if parsed is not None:
        fates.describe(row, parsed, fates.header_of(content))
    try:
        known = people.clean_address(row.sender) if row.sender and not reply_address.is_own(row.sender) else ""
    except Refused:
        known = ""
    author = people.find_or_add(known, name=row.sender_name) if known else staff
    target = db.session.get(Ticket, ticket) if ticket else None
    is_note = parsed is None or author.is_staff
    if parsed is not None:
        db.session.add_all(file for file, *_rest in kept)
        place_ = Place(target, is_verified=row.proof == "dmarc", is_note=is_note, reason="")
        words = fates.words_of(parsed, kept, place=place_, proof=row.proof)
    else:
        if raw is not None:
            db.session.add(raw)
        words = Words(
            body=_("(This mail cannot be read. It is attached as it came.)"), is_markdown=False, channel="mail",
            files=[raw] if raw is not None else [], is_verified=False,
        )  # fmt: skip
    reason = _("%(name)s put it there.", name=staff.shown_name)
    if target is None:
        made = tickets.ask(by=author, title=row.subject, words=words, is_note=is_note,
                           language=parsed.language if parsed is not None else "")  # fmt: skip
        message, target, fate = made.messages[0], made, "ticket"
    else:
        message = tickets.note(target, by=author, words=words) if is_note else tickets.reply(
            target, by=author, words=words
        )  # fmt: skip
        fate = "reply"
    row.ticket_id, row.ticket_message_id = target.id, message.id
    fates.settle(row, fate, reason)

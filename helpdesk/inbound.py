"""Mail that reached us, before and after it is read: stored whole, then read by the worker, read again on demand."""

import hashlib
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.dialects import postgresql, sqlite

from accounts.models import User
from core import jobs
from core.db import db
from core.events import record
from core.exceptions import NotNow, Refused
from core.i18n import _
from helpdesk.intake_models import InboundMail, RawMail

# What somebody may have read again: mail that reached no ticket.
REPLAYABLE = ("quarantine", "ignored", "automatic")


@dataclass(frozen=True)
class Origin:
    """Where a mail was fetched from: the folder, its UIDVALIDITY, and the UID of the mail (RFC 9051, 2.3.1.1)."""

    place: str
    uidvalidity: int
    uid: int


def store(
    raw: bytes, *, source: str, mailbox: str = "", origin: Origin | None = None, is_read: bool = True
) -> InboundMail:
    """Keep a raw message, with the job that will read it.

    :param origin: what was fetched from there before is kept once: the same row is given back.
    :param is_read: false for a stub, which nobody needs to read.
    :raises Refused: if it is empty.
    """
    if not raw.strip():
        raise Refused(_("The message is empty."), "body")
    sha256 = hashlib.sha256(raw).hexdigest()
    insert = postgresql.insert(RawMail) if db.engine.dialect.name == "postgresql" else sqlite.insert(RawMail)
    db.session.execute(insert.values(sha256=sha256, content=raw).on_conflict_do_nothing(index_elements=["sha256"]))
    row = InboundMail(sha256=sha256, size=len(raw), source=source, mailbox=mailbox[:100])
    if origin is not None:
        known = _fetched(row.mailbox, origin)
        if known is not None and known.sha256 == sha256:
            return known
        if known is not None:
            # A server that gives one number to two mails, as after a restore: both are kept.
            known.uid = None
            db.session.flush()
        row.place, row.uidvalidity, row.uid, row.is_settled = origin.place, origin.uidvalidity, origin.uid, False
    db.session.add(row)
    db.session.flush()
    if is_read:
        jobs.enqueue("mail.intake", mail=row.id)
    return row


def _fetched(mailbox: str, origin: Origin) -> InboundMail | None:
    return db.session.scalar(
        select(InboundMail).where(
            InboundMail.mailbox == mailbox, InboundMail.place == origin.place,
            InboundMail.uidvalidity == origin.uidvalidity, InboundMail.uid == origin.uid,
        )
    )  # fmt: skip


def replay(row: InboundMail, *, by: User | None, by_hand: bool = False) -> None:
    """Have a mail read again from its raw bytes.

    :param by_hand: somebody looked at it and says that a person wrote it: the signs of a machine are not heeded.
    :raises NotNow: if it is in a ticket already, or waits to be read.
    """
    if row.fate not in REPLAYABLE:
        raise NotNow(_("Only a mail that reached no ticket can be read again."))
    row.fate, row.reason, row.fated_at = "", "", None
    record("mail.replayed", row, by=by)
    jobs.enqueue("mail.intake", mail=row.id, by_hand=by_hand)

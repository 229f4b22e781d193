"""Mail that reached us, before and after it is read: stored whole, then read by the worker, read again on demand."""

import hashlib

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


def store(raw: bytes, *, source: str, mailbox: str = "") -> InboundMail:
    """Keep a raw message, with the job that will read it.

    :raises Refused: if it is empty.
    """
    if not raw.strip():
        raise Refused(_("The message is empty."), "body")
    sha256 = hashlib.sha256(raw).hexdigest()
    insert = postgresql.insert(RawMail) if db.engine.dialect.name == "postgresql" else sqlite.insert(RawMail)
    db.session.execute(insert.values(sha256=sha256, content=raw).on_conflict_do_nothing(index_elements=["sha256"]))
    row = InboundMail(sha256=sha256, size=len(raw), source=source, mailbox=mailbox[:100])
    db.session.add(row)
    db.session.flush()
    jobs.enqueue("mail.intake", mail=row.id)
    return row


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

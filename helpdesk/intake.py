"""Reading mail: each stored mail gets exactly one fate, written in one transaction with all that it does.

The raw bytes are never touched: a mail that we cannot read is set aside where staff see it, and read again after the
mend.
"""

import logging
from typing import Any, NamedTuple

from flask import Flask, current_app
from sqlalchemy import bindparam, select, update
from sqlalchemy.exc import IntegrityError, OperationalError
from sqlalchemy.orm.exc import StaleDataError

from core import events, files, forwards, jobs
from core.batches import Together
from core.db import db
from core.exceptions import TooLarge
from core.i18n import _
from core.mime import ParsedMail, Unparsable
from core.mime_child import parse_in_child
from core.settings import Settings
from helpdesk import fates
from helpdesk.fates import MOST_FILES, Kept, Parsed
from helpdesk.intake_models import InboundMail, RawMail

logger = logging.getLogger(__name__)

# Two workers may meet at one ticket or at one new person; whoever comes second looks again.
TRIES = 3

# A mail is written by one statement, since the session would take as long for it as for all the rest.
_WRITTEN = tuple(
    column.key for column in InboundMail.__table__.columns if column.key not in {"id", "sha256", "size", "received_at"}
)
_WRITE: Any = (
    update(InboundMail.__table__).where(InboundMail.__table__.c.id == bindparam("number"))  # type: ignore[arg-type]
    .values({name: bindparam(name) for name in _WRITTEN})
)  # fmt: skip


def register(app: Flask) -> None:
    """Importing this module is what registers its job."""


class Stored(NamedTuple):
    """A mail as it came.

    ``by_hand``: somebody looked at it and says that a person wrote it.
    """

    number: int
    content: bytes
    by_hand: bool


def read(mail: int, by_hand: bool = False) -> None:  # noqa: FBT001, FBT002 # Jobs are called with their payload.
    """Give one stored mail its fate; a mail that has one is left alone."""
    stored = load([{"mail": mail, "by_hand": by_hand}])
    # No transaction may be open while the mail is parsed and its files are written.
    db.session.rollback()
    for each in parse(stored):
        if each.parsed is None:
            fates.set_aside(mail, each.content, each.problem)
            return
        for left in reversed(range(TRIES)):
            try:
                rows = fates.locked_together([mail])
                fates.one_at_a_time([each], rows)
                fates.give_fate(each, rows.get(mail))
                return
            except OperationalError:
                # The database is away or busy, which says nothing about the mail: the job is tried again.
                raise
            except Exception as error:  # A fault of ours may delay this mail, but neither lose it nor stop the others.
                db.session.rollback()
                if left and isinstance(error, (IntegrityError, StaleDataError)):
                    continue
                logger.exception("mail %s could not be given a fate", mail)
                fates.set_aside(mail, each.content, f"{type(error).__name__}: {error}"[:1000], each.parsed)
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
            kept = keep_files(parsed)
        # A mail inside is read here as well, where nobody waits for a lock.
        inner = forwards.forwarded(parsed) if parsed is not None and forwards.carries_mail(parsed) else None
        read_ones.append(Parsed(number, content, by_hand, parsed, kept, problem, inner))
    return read_ones


def decide(read_ones: list[Parsed]) -> None:
    """Give several mails their fates in one transaction. Whatever is raised, none has one."""
    # Locked together; each is then found in the session. In one order, so that two workers cannot wait for each other.
    rows = fates.locked_together([each.number for each in read_ones])
    fates.one_at_a_time(read_ones, rows)
    with events.together():
        for each in read_ones:
            _decide_one(each, rows.get(each.number))


def _decide_one(each: Parsed, row: InboundMail | None) -> None:
    if each.parsed is None or row is None:
        fates.set_aside(each.number, each.content, each.problem)
        return
    # Out of the session, so that it is written once, when all is known, before the next mail looks for its like.
    db.session.expunge(row)
    with db.session.no_autoflush:
        fates.give_fate(each, row)
    db.session.flush()
    values = {name: getattr(row, name) for name in _WRITTEN}
    db.session.connection().execute(_WRITE, {"number": row.id, **values})


jobs.job("mail.intake", slow=True, together=Together(load, parse, decide))(read)


def keep_files(parsed: ParsedMail) -> Kept:
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

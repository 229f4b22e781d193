"""What must hold after every fault, whatever it was: nothing lost, nothing doubled, nothing half written."""

import hashlib
from pathlib import Path

from sqlalchemy import func, select, text

from core.db import db
from core.files import StoredFile
from core.mail import OutgoingMail
from helpdesk.intake_models import InboundMail, RawMail
from helpdesk.models import Attachment, Message, Ticket


def broken(app, accepted=(), *, at_rest=True) -> list[str]:
    """Sentences about what does not hold, [] if all is well. ``accepted``: bytes that were acknowledged as taken in."""
    with app.app_context():
        found = [*_mail(accepted, at_rest=at_rest), *_partial(app), *_sound()]
        db.session.remove()
    return found


def _mail(accepted, *, at_rest):
    found = []
    raws = dict(db.session.execute(select(RawMail.sha256, RawMail.content)).all())
    found += [f"I1: bytes of {sha} changed" for sha, raw in raws.items() if hashlib.sha256(raw).hexdigest() != sha]
    lost = {hashlib.sha256(raw).hexdigest() for raw in accepted} - set(raws)
    found += [f"I1: lost: {sha}" for sha in sorted(lost)]
    rows = db.session.scalars(select(InboundMail)).all()
    for row in rows:
        if at_rest and not row.fate:
            found.append(f"I1: mail {row.id} has no fate")
        if row.fate in {"ticket", "reply"} and (row.ticket_id is None or row.ticket_message_id is None):
            found.append(f"I1: mail {row.id} is in no ticket")
        if row.fate == "duplicate" and row.duplicate_of_id is None:
            found.append(f"I1: mail {row.id} is a duplicate of nothing")
    taken = [row.ticket_message_id for row in rows if row.fate in {"ticket", "reply"}]
    if len(taken) != len(set(taken)):
        found.append("I1: two mails became one message")
    contents = [(row.message_id, row.content_sha256) for row in rows if row.fate in {"ticket", "reply"}]
    found += [f"I1: doubled: {each}" for each in set(contents) if each[0] and contents.count(each) > 1]
    mailed = db.session.scalar(select(func.count()).select_from(Message).where(Message.channel == "mail"))
    if mailed != len(taken):
        found.append(f"I1: {mailed} messages by mail, {len(taken)} mails that became one")
    ids = db.session.scalars(select(OutgoingMail.message_id)).all()
    if len(ids) != len(set(ids)):
        found.append("I3: two mails out share a Message-ID")
    return found


def _partial(app):
    found = []
    without = select(Ticket.id).where(~select(Message.id).where(Message.ticket_id == Ticket.id).exists())
    found += [f"I5: ticket {number} has no message" for number in db.session.scalars(without)]
    for sha256, size in db.session.execute(
        select(StoredFile.sha256, StoredFile.size).join(Attachment, Attachment.file_id == StoredFile.id)
    ):
        names = [path for path in Path(app.config["FILES_DIR"]).rglob(f"{sha256}*") if path.is_file()]
        if not names or names[0].stat().st_size != size:
            found.append(f"I2: file {sha256} is not there whole")
    return found


def _sound():
    if db.engine.dialect.name == "sqlite":
        answers = [
            *db.session.scalars(text("PRAGMA integrity_check")),
            *db.session.execute(text("PRAGMA foreign_key_check")),
        ]
        db.session.rollback()
        return [f"I6: {each}" for each in answers if each != "ok"]
    bad = db.session.scalars(text("SELECT conname FROM pg_constraint WHERE NOT convalidated")).all()
    return [f"I6: {each} is not valid" for each in bad]

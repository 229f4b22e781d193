"""The job that sends what was queued: at least once, with one Message-ID, backed off over five days.

A mail that the server took just before a crash goes out again with the same Message-ID; nothing else is repeated. No
transaction is open while a server is talked to.
"""

import random
from datetime import timedelta
from pathlib import Path

from flask import Flask, current_app
from sqlalchemy import func, or_, select, update

from core import bounce_address, jobs, mail_building, smtp
from core.db import db, now
from core.doctor import Finding
from core.events import record
from core.mail import OutgoingMail, secret_of
from core.mail_building import CannotSign
from core.settings import Settings
from core.smtp import Outcome

GIVE_UP_AFTER = timedelta(days=5)
LEASE_SECONDS = 300
LONGEST_WAIT = 3600
LIMIT_WAIT = 600
WAITING = ("queued", "deferred")
# What is wrong between us and our own mail server, as flask check says it.
FAULTS = {
    "sign-in": "the mail server refuses our sign-in",
    "tls": "the mail server offers no TLS that can be trusted, and mail never goes without",
    "server": "the mail server does not answer",
    "dkim": "mails cannot be signed",
}


def register(app: Flask) -> None:
    """Importing this module registers its job; ``flask check`` also looks at what waits."""
    app.extensions.setdefault("doctors", []).append(_trouble)


@jobs.job("mail.send", attempts=200, lease_seconds=LEASE_SECONDS, slow=True, waits=True)
def send(mail: int) -> None:
    """Hand one mail to the SMTP server (or to the outbox folder), and note what came of it."""
    row = db.session.get(OutgoingMail, mail)
    if row is None or row.state not in WAITING:
        return
    settings: Settings = current_app.extensions["settings"]
    if reason := _over_a_limit(row, settings):
        _wait(row, LIMIT_WAIT * random.uniform(0.8, 1.2), reason, "limit")  # noqa: S311 # Spreads tries only.
        return
    secret = secret_of(row)
    if secret is None:
        row.state, row.last_error = "dead", "the link in it has ended"
        return
    outcome: Outcome | None = None
    raw, sender, recipient = b"", bounce_address.make(row.id), row.recipient
    try:
        raw = mail_building.as_bytes(mail_building.build(row, settings, secret=secret), settings)
    except CannotSign as error:
        outcome = Outcome("deferred", str(error), "dkim")
    except ValueError as error:
        outcome = Outcome("dead", f"this mail cannot be built: {error}")
    if outcome is None:
        _take(mail)
        outcome = _deliver(raw, sender, recipient, row.message_id, settings)
    _note(mail, outcome)


def _take(mail: int) -> None:
    """Say that we are at it, so that no other worker is; ends the transaction before a server is waited for.

    :raises Later: if another one is.
    """
    moment = now()
    taken = db.session.execute(
        update(OutgoingMail)
        .where(
            OutgoingMail.id == mail, OutgoingMail.state.in_(WAITING),
            or_(OutgoingMail.sending_until.is_(None), OutgoingMail.sending_until < moment),
        )
        .values(sending_until=moment + timedelta(seconds=LEASE_SECONDS - 10))
        .execution_options(synchronize_session=False)
    )  # fmt: skip
    db.session.commit()
    if taken.rowcount != 1:  # type: ignore[attr-defined] # An UPDATE gives a cursor result.
        raise jobs.Later(LEASE_SECONDS, "another worker is sending it")


def _deliver(raw: bytes, sender: str, recipient: str, message_id: str, settings: Settings) -> Outcome:
    if settings.mail.host:
        return smtp.deliver(raw, sender=sender, recipient=recipient, settings=settings)
    folder = settings.data_dir / "outbox"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{message_id.replace('/', '_')}.eml").write_bytes(raw)
    return Outcome("sent")


def _note(mail: int, outcome: Outcome) -> None:
    row = db.session.get(OutgoingMail, mail, populate_existing=True)
    if row is None:
        return
    row.sending_until = None
    row.attempts += 1 if outcome.is_tried else 0
    given_up = now() - max(row.queued_at, row.retried_at or row.queued_at) > GIVE_UP_AFTER
    if outcome.state == "deferred" and not given_up:
        delay = min(60 * 2 ** min(max(row.attempts - 1, 0), 6), LONGEST_WAIT)
        _wait(row, delay * random.uniform(0.8, 1.2), outcome.reason, outcome.fault)  # noqa: S311
        return
    row.state = "sent" if outcome.state == "sent" else "dead"
    row.last_error, row.fault, row.next_at = outcome.reason[:2000], outcome.fault, None
    if row.state == "sent":
        row.sent_at = now()
    else:
        record("mail.failed", row)


def _wait(row: OutgoingMail, seconds: float, reason: str, fault: str) -> None:
    row.state, row.last_error, row.fault = "deferred", reason[:2000], fault
    row.next_at = now() + timedelta(seconds=seconds)
    jobs.enqueue("mail.send", key=f"mail-{row.id}", delay=seconds, mail=row.id)


def _over_a_limit(row: OutgoingMail, settings: Settings) -> str:
    """Why this mail has to wait for others that went out in the last hour, "" if it has not."""
    recent = OutgoingMail.sent_at >= now() - timedelta(hours=1)
    if _count(recent, OutgoingMail.recipient == row.recipient) >= settings.mail.per_address_hour:
        return "the limit of mails to this address in an hour is reached"
    if settings.mail.per_hour and _count(recent) >= settings.mail.per_hour:
        return "the limit of mails in an hour is reached"
    return ""


def _count(*conditions: object) -> int:
    return db.session.scalar(select(func.count(OutgoingMail.id)).where(*conditions)) or 0  # type: ignore[arg-type]


def troubles() -> list[tuple[str, int, str]]:
    """What keeps mail from leaving, that we can mend ourselves: (fault, how many mails wait, what was said last)."""
    rows = db.session.execute(
        select(OutgoingMail.fault, func.count(), func.max(OutgoingMail.id))
        .where(OutgoingMail.state == "deferred", OutgoingMail.fault.in_(tuple(FAULTS)))
        .group_by(OutgoingMail.fault)
    ).all()
    return [
        (fault, count, db.session.scalar(select(OutgoingMail.last_error).where(OutgoingMail.id == newest)) or "")
        for fault, count, newest in rows
    ]


def _trouble() -> list[Finding]:
    settings: Settings = current_app.extensions["settings"]
    found = [Finding(f"{count} mails wait because {FAULTS[fault]}: {said[:300]}") for fault, count, said in troubles()]
    if settings.dkim.key_file and not Path(settings.dkim.key_file).is_file():
        found.append(Finding("dkim.key_file is not there: mails wait until they can be signed."))
    if settings.dkim.key_file and not settings.dkim.selector:
        found.append(Finding("dkim.selector is empty: receivers cannot find the public key."))
    return found

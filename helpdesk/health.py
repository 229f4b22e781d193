"""Whether mail comes in as it should: what staff see on the health page, on the desk and in ``flask check``."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise

from flask import current_app
from flask_babel import format_timedelta
from sqlalchemy import func, select
from sqlalchemy.dialects import postgresql, sqlite

from core import jobs, room
from core.db import db, now
from core.doctor import Finding
from core.i18n import _, ngettext
from core.jobs import Job
from core.mailbox_settings import Mailbox
from core.room import NoRoom
from helpdesk import mailboxes
from helpdesk.imap_server import place
from helpdesk.intake_models import InboundMail
from helpdesk.mailbox_models import FAILED, UNEXPLAINED, MailboxState, MailTrouble

# The usual silence is learnt from this long, and from so many mails at most; from fewer than so many, nothing is.
LEARN, MOST, LEAST = timedelta(days=28), 5000, 20
# One long silence may have been a fault of its own; so the third longest is what is usual.
RANK = 3
SHORTEST_ALARM = timedelta(hours=1)
WAIT_ALARM = timedelta(minutes=10)
# A mail that failed so often is a matter for a person.
TRIES = 3


@dataclass(frozen=True)
class BoxHealth:
    """How one mailbox does. ``usual`` is the longest silence that is usual, None where too little is known."""

    name: str
    is_fetched: bool
    state: MailboxState | None
    last_mail_at: datetime | None
    usual: timedelta | None
    warnings: tuple[str, ...]

    @property
    def usual_words(self) -> str:
        """The usual silence in words."""
        return format_timedelta(self.usual) if self.usual is not None else ""


@dataclass(frozen=True)
class Health:
    """How mail in does, all in all; ``warnings`` are sentences, those of the mailboxes too."""

    boxes: tuple[BoxHealth, ...]
    waiting_since: datetime | None
    dead: int
    needing_a_look: int
    free_megabytes: int
    is_paused: bool
    warnings: tuple[str, ...]


def examine() -> Health:
    """Look at everything, in two statements."""
    boxes = mailboxes.all_of_them()
    states = {(row.mailbox, row.place): row for row in db.session.scalars(select(MailboxState))}
    waiting = (
        select(InboundMail.received_at).where(InboundMail.fate == "").order_by(InboundMail.id).limit(1)
    ).scalar_subquery()
    dead = select(func.count()).select_from(Job).where(Job.state == "dead", Job.kind.startswith("mail.intake"))
    look = select(func.count()).select_from(MailTrouble).where(
        ((MailTrouble.kind == FAILED) & (MailTrouble.tries >= TRIES)) | (MailTrouble.kind == UNEXPLAINED)
    )  # fmt: skip
    last = [
        select(InboundMail.received_at).where(InboundMail.mailbox == name)
        .order_by(InboundMail.id.desc()).limit(1).scalar_subquery().label(f"last_{number}")
        for number, name in enumerate(boxes)
    ]  # fmt: skip
    row = db.session.execute(
        select(
            waiting.label("waiting"), dead.scalar_subquery().label("dead"), look.scalar_subquery().label("look"), *last
        )
    ).one()
    found = tuple(
        _box(name, box, states.get((name, place(box, box.folder) if box.host else "")), getattr(row, f"last_{number}"))
        for number, (name, box) in enumerate(boxes.items())
    )
    settings = current_app.extensions["settings"]
    try:
        room.check(settings)
        is_paused = False
    except NoRoom:
        is_paused = True
    general = _general(row.waiting, row.dead, row.look, room.free_megabytes(settings) if is_paused else None)
    return Health(
        found, row.waiting, row.dead, row.look, room.free_megabytes(settings), is_paused,
        (*general, *(warning for box in found for warning in box.warnings)),
    )  # fmt: skip


def _general(waiting: datetime | None, dead: int, look: int, free: int | None) -> list[str]:
    found = []
    if free is not None:
        found.append(_("Only %(free)s MB are free on the disk. Mail in pauses and stays on its server.", free=free))
    if waiting is not None and now() - waiting > WAIT_ALARM:
        since = format_timedelta(now() - waiting)
        found.append(_("A mail has waited to be read for %(time)s. Is “flask work” running?", time=since))
    if dead:
        found.append(ngettext("%(num)s mail was given up.", "%(num)s mails were given up.", dead))
    if look:
        found.append(
            ngettext("%(num)s mail cannot be fetched from its server.", "%(num)s mails cannot be fetched.", look)
        )
    return found


def _box(name: str, box: Mailbox, state: MailboxState | None, last: datetime | None) -> BoxHealth:
    warnings = []
    if box.host:
        allowed = max(WAIT_ALARM, timedelta(seconds=3 * box.poll_seconds))
        fetched = state.fetched_at if state is not None else None
        if fetched is None or now() - fetched > allowed:
            since = format_timedelta(now() - fetched) if fetched else ""
            why = state.last_error if state is not None else ""
            ask = _("Is “flask mail fetch” running?")
            if since:
                sentence = _("%(mailbox)s was last fetched %(time)s ago.", mailbox=name, time=since)
            else:
                sentence = _("%(mailbox)s was never fetched.", mailbox=name)
            warnings.append(f"{sentence} {why or ask}")
        elif state is not None and state.last_error:
            warnings.append(f"{name}: {state.last_error}")
    usual = timedelta(seconds=state.usual_seconds) if state is not None and state.usual_seconds else None
    if usual is not None and last is not None and now() - last > max(usual * 2, SHORTEST_ALARM):
        warnings.append(
            _("%(mailbox)s has had no mail for %(time)s; usually it is no longer than %(usual)s.", mailbox=name,
              time=format_timedelta(now() - last), usual=format_timedelta(usual))
        )  # fmt: skip
    return BoxHealth(name, bool(box.host), state, last, usual, tuple(str(each) for each in warnings))


def usual_silence(moments: Sequence[datetime]) -> timedelta | None:
    """The longest silence between mails that is usual; None where there are too few of them to tell."""
    if len(moments) < LEAST:
        return None
    gaps = sorted((later - earlier for earlier, later in pairwise(sorted(moments))), reverse=True)
    return gaps[RANK - 1]


@jobs.every("mail-usual-silence", 3600)
def learn() -> None:
    """Learn what silence is usual in each mailbox, from the last weeks."""
    for name, box in mailboxes.all_of_them().items():
        moments = db.session.scalars(
            select(InboundMail.received_at)
            .where(InboundMail.mailbox == name, InboundMail.received_at >= now() - LEARN)
            .order_by(InboundMail.id.desc()).limit(MOST)
        ).all()  # fmt: skip
        usual = usual_silence(moments)
        seconds = int(usual.total_seconds()) if usual is not None else 0
        insert = postgresql.insert if db.engine.dialect.name == "postgresql" else sqlite.insert
        values = {"mailbox": name, "place": place(box, box.folder) if box.host else "", "uidvalidity": 0,
                  "last_uid": 0, "last_error": "", "failures": 0, "lease_token": "", "lease_owner": "",
                  "reconciled_words": "", "usual_seconds": seconds}  # fmt: skip
        db.session.execute(
            insert(MailboxState).values(values)
            .on_conflict_do_update(index_elements=["mailbox", "place"], set_={"usual_seconds": seconds})
        )  # fmt: skip


def troubles() -> Sequence[MailTrouble]:
    """The mails on servers that could not be had, the oldest first."""
    return db.session.scalars(select(MailTrouble).order_by(MailTrouble.since, MailTrouble.id).limit(200)).all()


def findings() -> list[Finding]:
    """The warnings for ``flask check``, and what of the mailboxes is unsafe."""
    found = [
        Finding(f"mailbox.{name}.tls is “none”: mails and the password travel in the clear.", is_bad=True)
        for name, box in mailboxes.fetched().items()
        if box.tls == "none" and box.host not in {"127.0.0.1", "localhost", "::1"}
    ]
    return found + [Finding(str(sentence), is_bad=False) for sentence in examine().warnings]

"""Fetching mail by IMAP: bytes are committed before the server is told anything; one bad mail stops no other.

By UID and UIDVALIDITY (RFC 9051, 2.3.1.1), never by sequence number or by “unseen”. A crash at any point costs
nothing: what was stored is known by its UID, what was not is still on the server.
"""

import hashlib
import logging
import random
import threading
import time
from collections.abc import Callable
from typing import Any

from flask import Flask, current_app
from sqlalchemy import select, update
from sqlalchemy.exc import DataError, SQLAlchemyError

from core import room
from core.db import db, now
from core.exceptions import Refused
from core.i18n import _
from core.mailbox_settings import Mailbox
from core.room import NoRoom
from helpdesk import inbound, mail_troubles, mailboxes, mime_glance
from helpdesk.imap_server import Declined, Server, Unreachable, place
from helpdesk.inbound import Origin
from helpdesk.intake_models import InboundMail
from helpdesk.mailbox_lease import Lease, Lost
from helpdesk.mailbox_models import FAILED, TOO_LARGE

logger = logging.getLogger(__name__)

# Sizes are asked for, and the server told of what is stored, so many mails at a time.
BATCH = 50
# Seconds until a mail that could not be fetched is tried again, by how often it failed.
RETRIES = (2, 10, 60, 600, 3600, 6 * 3600)
LONGEST_BACK_OFF = 45.0


class Fetcher:
    """Reads one folder of one mailbox. Needs an application context; leaves no transaction open while it waits."""

    def __init__(self, name: str, box: Mailbox, folder: str = "") -> None:
        self.name, self.box, self.folder = name, box, folder or box.folder
        self.lease = Lease(name, place(box, self.folder))
        self.stored = 0
        self._complaint = ""
        # Mails stored over this connection, which are still what they were; and those that seemed cut short, by hash.
        self._fresh: set[int] = set()
        self._doubtful: dict[int, str] = {}

    def connect(self) -> Server:
        """Sign in.

        :raises Unreachable: if that fails.
        """
        self._fresh.clear()
        return Server(self.box, self.folder)

    def fetch(self, server: Server, stop: Callable[[], bool] = lambda: False) -> int:
        """Store what is new and what failed before, then tell the server. Returns how many mails were stored.

        :raises Unreachable: if the connection broke; nothing is lost by that.
        :raises NoRoom: if the disk is nearly full.
        """
        before, self._complaint = self.stored, ""
        state = self.lease.state()
        self.lease.keep(tried_at=now(), **self._began_anew(server, state.uidvalidity))
        last = state.last_uid if state.uidvalidity == server.uidvalidity else 0
        again = mail_troubles.due(self.name, server)
        db.session.commit()
        room.check(current_app.extensions["settings"])
        self.settle(server)
        waiting = sorted({*again, *server.uids(last)})
        for start in range(0, len(waiting), BATCH):
            several = waiting[start : start + BATCH]
            sizes = server.sizes(several)
            for uid in several:
                if stop():
                    return self.stored - before
                room.check(current_app.extensions["settings"])
                self.take(server, uid, sizes.get(uid, 0))
            self.settle(server)
        self.lease.keep(fetched_at=now(), last_error=self._complaint, failures=0)
        db.session.commit()
        return self.stored - before

    def take(self, server: Server, uid: int, size: int) -> None:
        """Store one mail; a mail that cannot be had is set aside and tried again later.

        :raises Unreachable: if the connection broke, after this mail was set aside.
        """
        limit = current_app.extensions["settings"].mail.max_megabytes * 1024 * 1024
        try:
            if size > limit:
                self._store_stub(server, uid, size)
                return
            raw = server.body(uid)
            if raw is None:
                if server.holds(uid):
                    raise Declined("the server lists this mail but does not give it")
                # Another program deleted it meanwhile.
                self._note_gone(server, uid)
                return
            if len(raw) < size and self._doubtful.get(uid) != (seen := hashlib.sha256(raw).hexdigest()):
                # Cut short, or a server that counts wrongly: what it says twice, over two connections, is believed.
                self._doubtful[uid] = seen
                raise Unreachable(f"the server gave {len(raw)} bytes of a mail of {size}")
            self._store(server, uid, raw)
        except (Declined, Refused, DataError) as error:
            self._set_aside(server, uid, str(error))
        except Unreachable as error:
            self._set_aside(server, uid, str(error))
            raise

    def settle(self, server: Server) -> None:
        """Tell the server of the mails that are stored, as far as it was not told yet."""
        rows = db.session.execute(
            select(InboundMail.id, InboundMail.uid, InboundMail.uidvalidity, InboundMail.sha256)
            .where(InboundMail.mailbox == self.name, InboundMail.is_settled.is_(False),
                   InboundMail.place == server.place).order_by(InboundMail.id)
        ).all()  # fmt: skip
        db.session.commit()
        # Under another UIDVALIDITY a number means another mail; what is there has been fetched anew.
        done = [row.id for row in rows if row.uid is None or row.uidvalidity != server.uidvalidity]
        mine = [row for row in rows if row.uid is not None and row.uidvalidity == server.uidvalidity]
        try:
            for start in range(0, len(mine), BATCH):
                several = [row for row in mine[start : start + BATCH] if self._is_still(server, row)]
                if several:
                    server.settle([row.uid for row in several])
                done += [row.id for row in several]
                self._settled(done)
        except Declined as error:
            logger.warning("%s: stored mails stay on the server: %s", self.name, error)
            self._complaint = _("Stored mails cannot be marked or moved on the server: %(why)s", why=str(error))
        self._settled(done)

    def _is_still(self, server: Server, row: Any) -> bool:
        """Whether a number still means the mail that is stored, before a mail is moved or deleted by it."""
        if row.uid in self._fresh or self.box.after == "seen":
            return True
        raw = server.body(row.uid)
        if raw is None or hashlib.sha256(raw).hexdigest() == row.sha256:
            return True
        self._store(server, row.uid, raw)
        return False

    def _settled(self, numbers: list[int]) -> None:
        if numbers:
            statement = update(InboundMail).where(InboundMail.id.in_(numbers)).values(is_settled=True)
            db.session.execute(statement.execution_options(synchronize_session=False))
            db.session.commit()
            db.session.expire_all()
            numbers.clear()

    def _began_anew(self, server: Server, known: int) -> dict[str, Any]:
        """What to write when the server has numbered its mails anew: all of them are looked at again."""
        if known == server.uidvalidity:
            return {}
        if known:
            logger.warning("%s: UIDVALIDITY changed from %s to %s", self.name, known, server.uidvalidity)
        mail_troubles.forget(self.name, server)
        return {"uidvalidity": server.uidvalidity, "last_uid": 0}

    def store_from(self, server: Server, uid: int, raw: bytes) -> None:
        """Store a mail of another folder, which stays as it is there."""
        origin = Origin(server.place, server.uidvalidity, uid)
        inbound.store(raw, source="imap", mailbox=self.name, origin=origin).is_settled = True
        self.lease.keep()
        db.session.commit()

    def _is_renumbered(self, server: Server, uid: int, raw: bytes) -> bool:
        """Whether a mail that is stored got another number, as all do when UIDVALIDITY changes: no new arrival."""
        row = db.session.scalar(
            select(InboundMail)
            .where(InboundMail.sha256 == hashlib.sha256(raw).hexdigest(), InboundMail.mailbox == self.name,
                   InboundMail.place == server.place, InboundMail.uidvalidity != server.uidvalidity)
            .order_by(InboundMail.id).limit(1).with_for_update()
        )  # fmt: skip
        if row is None:
            return False
        row.uidvalidity, row.uid, row.is_settled = server.uidvalidity, uid, False
        self._handled(server, uid)
        db.session.commit()
        self._fresh.add(uid)
        self._doubtful.pop(uid, None)
        return True

    def _store(self, server: Server, uid: int, raw: bytes) -> None:
        if self._is_renumbered(server, uid, raw):
            return
        try:
            inbound.store(raw, source="imap", mailbox=self.name, origin=Origin(server.place, server.uidvalidity, uid))
            self._handled(server, uid)
            db.session.commit()
        except BaseException:
            db.session.rollback()
            raise
        self.stored += 1
        self._fresh.add(uid)
        self._doubtful.pop(uid, None)

    def _store_stub(self, server: Server, uid: int, size: int) -> None:
        """Keep the header of a mail that is too large, where staff see it; the mail stays on the server."""
        megabytes = current_app.extensions["settings"].mail.max_megabytes
        header = (server.header(uid) or b"").rstrip(b"\r\n")
        words = _("This mail is larger than %(megabytes)s MB. It stays in its mailbox.", megabytes=megabytes)
        raw = header + b"\r\n\r\n" + str(words).encode() + b"\r\n"
        if self._is_renumbered(server, uid, raw):
            # It stays there, as it is.
            mail_troubles.note(self.name, server, uid, TOO_LARGE, str(words))
            db.session.execute(update(InboundMail).where(InboundMail.place == server.place, InboundMail.uid == uid,
                               InboundMail.uidvalidity == server.uidvalidity).values(is_settled=True))  # fmt: skip
            db.session.commit()
            return
        row = inbound.store(
            raw, source="imap", mailbox=self.name, origin=Origin(server.place, server.uidvalidity, uid), is_read=False
        )
        glance = mime_glance.glance(raw)
        row.sender, row.sender_name, row.subject = glance.sender, glance.sender_name, glance.subject
        row.message_id = glance.message_id
        row.fate, row.reason, row.fated_at, row.is_settled, row.size = "quarantine", str(words), now(), True, size
        self._handled(server, uid)
        mail_troubles.note(self.name, server, uid, TOO_LARGE, str(words))
        db.session.commit()
        self.stored += 1

    def _handled(self, server: Server, uid: int) -> None:
        """In the transaction of a mail: how far the folder was read, and that the mail is no trouble any more."""
        mail_troubles.end(self.name, server, uid)
        self.lease.keep(last_uid=max(self.lease.state().last_uid, uid), failures=0)

    def _note_gone(self, server: Server, uid: int) -> None:
        logger.info("%s: mail %s was gone before it was fetched", self.name, uid)
        self._handled(server, uid)
        db.session.commit()

    def _set_aside(self, server: Server, uid: int, reason: str) -> None:
        db.session.rollback()
        logger.warning("%s: mail %s could not be fetched: %s", self.name, uid, reason)
        mail_troubles.note(self.name, server, uid, FAILED, reason, retries=RETRIES)
        self.lease.keep(last_uid=max(self.lease.state().last_uid, uid))
        db.session.commit()


def once(name: str, box: Mailbox) -> int:
    """Fetch what is new in a mailbox and leave. Returns how many mails were stored, -1 if somebody else is at it.

    :raises Unreachable, NoRoom: and writes down why.
    """
    fetcher = Fetcher(name, box)
    if not fetcher.lease.take():
        return -1
    try:
        try:
            server = fetcher.connect()
            try:
                return fetcher.fetch(server)
            finally:
                server.close()
        except (Unreachable, Declined, NoRoom) as error:
            note_failure(fetcher.lease, error)
            raise
    finally:
        db.session.rollback()
        fetcher.lease.give_back()


def note_failure(lease: Lease, error: Exception) -> int:
    """Write down why a try failed, where staff see it. Returns how many failed in a row."""
    db.session.rollback()
    failures = lease.state().failures + 1
    reason = str(error) or type(error).__name__
    lease.keep(last_error=reason[:1000], failures=failures, tried_at=now())
    db.session.commit()
    return failures


def run(app: Flask, name: str, box: Mailbox, stop: Callable[[], bool]) -> None:
    """Fetch a mailbox until told to stop: at once when there is news; after a failure, with growing pauses."""
    with app.app_context():
        fetcher = Fetcher(name, box)
        failures = 0
        while not stop():
            pause = 5.0
            try:
                if fetcher.lease.take():
                    _watch(fetcher, stop)
                    pause = 0.0
            except (Unreachable, Declined, NoRoom, Lost, SQLAlchemyError) as error:
                logger.warning("%s: %s", name, error)
                failures = _failed(fetcher, error, failures)
                pause = min(2.0 ** min(failures, 10) / 2, LONGEST_BACK_OFF) * random.uniform(0.6, 1.0)  # noqa: S311
            except Exception:  # A fault of ours with one mailbox must not end the others.
                logger.exception("%s: fetching failed", name)
                db.session.rollback()
                pause = 30.0
            finally:
                db.session.remove()
            until = time.monotonic() + pause
            while time.monotonic() < until and not stop():
                time.sleep(0.2)
        db.session.rollback()
        fetcher.lease.give_back()


def _failed(fetcher: Fetcher, error: Exception, failures: int) -> int:
    """How often in a row it failed; written down too, if the database can be written to."""
    if isinstance(error, Lost):
        return failures
    try:
        return note_failure(fetcher.lease, error)
    except (SQLAlchemyError, Lost):
        db.session.rollback()
        return failures + 1


def _watch(fetcher: Fetcher, stop: Callable[[], bool]) -> None:
    """Stay connected: fetch, wait for news, fetch."""
    from helpdesk import reconciling

    server = fetcher.connect()
    try:
        while not stop():
            fetcher.fetch(server, stop)
            reconciling.if_due(fetcher, server)
            until = time.monotonic() + fetcher.box.poll_seconds
            news = False
            while not news and not stop() and (left := until - time.monotonic()) > 0:
                news = server.wait(min(left, _next_retry(fetcher)), stop)
                fetcher.lease.keep()
                db.session.commit()
                if _next_retry(fetcher) <= 0:
                    break
    finally:
        server.close()


def _next_retry(fetcher: Fetcher) -> float:
    """Seconds until a mail that failed is tried again; a day if there is none."""
    left = mail_troubles.next_due(fetcher.name)
    db.session.commit()
    return left


def run_all(app: Flask, boxes: dict[str, Mailbox], stop: Callable[[], bool]) -> None:
    """Fetch several mailboxes, each in a thread of its own, until told to stop."""
    threads = [
        threading.Thread(target=run, args=(app, name, box, stop), name=f"fetch-{name}", daemon=True)
        for name, box in boxes.items()
    ]
    for thread in threads:
        thread.start()
    while not stop() and any(thread.is_alive() for thread in threads):
        time.sleep(0.2)
    for thread in threads:
        thread.join(8)


def names(wanted: str) -> dict[str, Mailbox]:
    """The mailboxes to fetch: the one that is named, else all.

    :raises LookupError: if there is none, saying so.
    """
    boxes = mailboxes.fetched()
    if wanted and wanted not in boxes:
        raise LookupError(f"the settings have no mailbox “{wanted}” with a host")
    if not boxes:
        raise LookupError("the settings have no mailbox with a host")
    return {wanted: boxes[wanted]} if wanted else boxes

"""Comparing a mailbox with the mail log, every night: what is missing is fetched, what is strange is raised."""

import hashlib
import logging
from datetime import timedelta

from sqlalchemy import delete, select

from core.db import db, now
from core.i18n import _, ngettext
from core.mailbox_settings import Mailbox
from helpdesk import mime_glance
from helpdesk.fetching import BATCH, Fetcher
from helpdesk.imap_server import Server, Unreachable
from helpdesk.intake_models import InboundMail, RawMail
from helpdesk.mailbox_models import FAILED, TOO_LARGE, UNEXPLAINED, MailTrouble

logger = logging.getLogger(__name__)

EVERY = timedelta(hours=24)
# Mail that was moved aside is compared by Message-ID as far back as this many mails.
MOST_MOVED = 5000


def if_due(fetcher: Fetcher, server: Server) -> None:
    """Compare once a night: 24 hours after the last time, at the first moment between midnight and five (UTC)."""
    state = fetcher.lease.state()
    db.session.commit()
    moment = now()
    last = state.reconciled_at
    if last is None or moment - last >= 2 * EVERY or (moment - last >= EVERY / 2 and moment.hour < 5):
        reconcile(fetcher, server)


def reconcile(fetcher: Fetcher, server: Server) -> str:
    """Compare one folder, and where stored mail is moved to, with the mail log. Returns what was found, in words.

    :raises Unreachable: if the connection broke.
    """
    on_server = server.uids()
    logged = _logged(fetcher, server)
    missing = [uid for uid in on_server if uid not in logged]
    before = fetcher.stored
    for start in range(0, len(missing), BATCH):
        several = missing[start : start + BATCH]
        sizes = server.sizes(several)
        for uid in several:
            fetcher.take(server, uid, sizes.get(uid, 0))
    fetcher.settle(server)
    fetched = fetcher.stored - before
    if fetcher.box.move_to and server.has_folder(fetcher.box.move_to):
        fetched += _look_where_mail_is_moved(fetcher)
    unexplained = _raise_what_is_not_explained(fetcher, server)
    words = [
        ngettext("%(num)s mail is on the server.", "%(num)s mails are on the server.", len(on_server)),
        ngettext("%(num)s was missing here and was fetched.", "%(num)s were missing here and were fetched.", fetched)
        if fetched
        else _("None was missing here."),
    ]
    if unexplained:
        words.append(ngettext("%(num)s needs a look: see below.", "%(num)s need a look: see below.", unexplained))
    text = " ".join(str(each) for each in words)
    fetcher.lease.keep(reconciled_at=now(), reconciled_words=text)
    db.session.commit()
    return text


def _logged(fetcher: Fetcher, server: Server) -> set[int]:
    """The UIDs of the folder that the mail log has, or that wait among the troubles."""
    stored = db.session.scalars(
        select(InboundMail.uid).where(
            InboundMail.mailbox == fetcher.name, InboundMail.place == server.place,
            InboundMail.uidvalidity == server.uidvalidity, InboundMail.uid.is_not(None),
        )
    ).all()  # fmt: skip
    set_aside = db.session.scalars(
        select(MailTrouble.uid).where(
            MailTrouble.mailbox == fetcher.name, MailTrouble.place == server.place,
            MailTrouble.uidvalidity == server.uidvalidity, MailTrouble.kind == TOO_LARGE,
        )
    ).all()  # fmt: skip
    db.session.commit()
    return {uid for uid in (*stored, *set_aside) if uid is not None}


def _look_where_mail_is_moved(fetcher: Fetcher) -> int:
    """Mail in the folder that stored mail is moved to must be known; another program may have moved it unread."""
    server = Server(fetcher.box, fetcher.box.move_to, readonly=True)
    found = 0
    try:
        uids = server.uids()[-MOST_MOVED:]
        for start in range(0, len(uids), BATCH):
            several = uids[start : start + BATCH]
            ids = {
                uid: mime_glance.bare_id(field.partition(":")[2]) for uid, field in server.message_ids(several).items()
            }
            known = set(
                db.session.scalars(select(InboundMail.message_id).where(InboundMail.message_id.in_(ids.values())))
            )
            db.session.commit()
            for uid, message_id in ids.items():
                if (message_id and message_id in known) or (raw := server.body(uid)) is None:
                    continue
                sha256 = hashlib.sha256(raw).hexdigest()
                is_known = db.session.scalar(select(RawMail.sha256).where(RawMail.sha256 == sha256)) is not None
                db.session.commit()
                if not is_known and raw.strip():
                    fetcher.store_from(server, uid, raw)
                    found += 1
    finally:
        server.close()
    return found


def _raise_what_is_not_explained(fetcher: Fetcher, server: Server) -> int:
    """Mails that failed again and again become something for a person; what was raised and is gone is taken back."""
    db.session.execute(
        delete(MailTrouble).where(
            MailTrouble.mailbox == fetcher.name, MailTrouble.place == server.place, MailTrouble.kind == UNEXPLAINED
        )
    )
    rows = db.session.scalars(
        select(MailTrouble).where(MailTrouble.mailbox == fetcher.name, MailTrouble.kind == FAILED)
    ).all()
    count = len(rows)
    unsettled = db.session.scalars(
        select(InboundMail).where(
            InboundMail.mailbox == fetcher.name, InboundMail.place == server.place, InboundMail.is_settled.is_(False),
            InboundMail.received_at < now() - timedelta(hours=1), InboundMail.uid.is_not(None),
        ).limit(BATCH)
    ).all()  # fmt: skip
    for row in unsettled:
        reason = _("It is stored as mail %(number)s, but the server does not let us mark or move it.", number=row.id)
        db.session.add(
            MailTrouble(mailbox=fetcher.name, place=server.place, uidvalidity=server.uidvalidity, uid=row.uid or 0,
                        kind=UNEXPLAINED, reason=str(reason), since=now())
        )  # fmt: skip
    db.session.commit()
    return count + len(unsettled)


def now_and_here(name: str, box: Mailbox) -> str:
    """Compare a mailbox at once, over a connection of its own. Needs an application context.

    :raises Unreachable: if the server cannot be reached, or somebody else reads the mailbox at this moment.
    """
    fetcher = Fetcher(name, box)
    if not fetcher.lease.take():
        raise Unreachable(_("Another process is fetching it; it compares by itself every night."))
    try:
        server = fetcher.connect()
        try:
            fetcher.fetch(server)
            return reconcile(fetcher, server)
        finally:
            server.close()
    finally:
        db.session.rollback()
        fetcher.lease.give_back()

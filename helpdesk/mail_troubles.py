"""Mails of a folder on a server that could not be fetched, and when each is tried again."""

from datetime import timedelta
from typing import Any

from sqlalchemy import ColumnElement, delete, select

from core.db import db, now
from helpdesk.imap_server import Server
from helpdesk.mailbox_models import MailTrouble


def due(mailbox: str, server: Server) -> list[int]:
    """The UIDs of mails to be tried again now."""
    return list(db.session.scalars(select(MailTrouble.uid).where(*_of(mailbox, server), MailTrouble.next_at <= now())))


def next_due(mailbox: str) -> float:
    """Seconds until a mail that failed is tried again; a day if there is none."""
    moment = db.session.scalar(
        select(MailTrouble.next_at).where(MailTrouble.mailbox == mailbox, MailTrouble.next_at.is_not(None))
        .order_by(MailTrouble.next_at).limit(1)
    )  # fmt: skip
    return max((moment - now()).total_seconds(), 0.0) if moment is not None else 86400.0


def note(mailbox: str, server: Server, uid: int, kind: str, reason: str, *, retries: tuple[int, ...] = ()) -> None:
    """Write down why a mail could not be had.

    :param retries: seconds until the next try, by how often it failed; without any it is not tried again.
    """
    row = db.session.scalar(select(MailTrouble).where(*_of(mailbox, server), MailTrouble.uid == uid))
    if row is None:
        row = MailTrouble(
            mailbox=mailbox, place=server.place, uidvalidity=server.uidvalidity, uid=uid, tries=0, since=now()
        )
        db.session.add(row)
    row.kind, row.reason = kind, reason[:1000]
    row.next_at = now() + timedelta(seconds=retries[min(row.tries, len(retries) - 1)]) if retries else None
    row.tries += 1
    db.session.flush()


def end(mailbox: str, server: Server, uid: int) -> None:
    """A mail is no trouble any more."""
    db.session.execute(delete(MailTrouble).where(*_of(mailbox, server), MailTrouble.uid == uid))


def forget(mailbox: str, server: Server) -> None:
    """The server has numbered its mails anew: the old numbers mean nothing."""
    db.session.execute(
        delete(MailTrouble).where(
            MailTrouble.mailbox == mailbox, MailTrouble.place == server.place,
            MailTrouble.uidvalidity != server.uidvalidity,
        )
    )  # fmt: skip


def _of(mailbox: str, server: Server) -> tuple[ColumnElement[Any], ...]:
    return (
        MailTrouble.mailbox == mailbox, MailTrouble.place == server.place,
        MailTrouble.uidvalidity == server.uidvalidity,
    )  # fmt: skip

"""One reader at a time for each mailbox: a lease in its row, fenced by a token that every write names."""

import os
import secrets
from datetime import timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.dialects import postgresql, sqlite

from core.db import db, now
from helpdesk.mailbox_models import MailboxState

SECONDS = 180


class Lost(Exception):
    """Somebody else reads this mailbox now."""


class Lease:
    """The right to read one folder of one mailbox. Every method commits or rolls back; none leaves a transaction."""

    def __init__(self, mailbox: str, place: str) -> None:
        self.mailbox, self.place = mailbox, place
        self.token = secrets.token_hex(16)

    def take(self) -> bool:
        """Take it if nobody has it, its time is over, or the process that had it is dead."""
        moment = now()
        insert = postgresql.insert if db.engine.dialect.name == "postgresql" else sqlite.insert
        empty = {"mailbox": self.mailbox, "place": self.place, "uidvalidity": 0, "last_uid": 0, "last_error": "",
                 "failures": 0, "lease_token": "", "lease_owner": "", "reconciled_words": ""}  # fmt: skip
        db.session.execute(insert(MailboxState).values(empty).on_conflict_do_nothing())
        state = self.state()
        holder = state.lease_token
        is_free = (
            not holder
            or holder == self.token
            or state.lease_until is None
            or state.lease_until < moment
            or _is_dead(state.lease_owner)
        )
        is_mine = is_free and self._write(
            (MailboxState.lease_token == holder,),
            {"lease_token": self.token, "lease_owner": _owner(), "lease_until": moment + timedelta(seconds=SECONDS)},
        )
        db.session.commit()
        return bool(is_mine)

    def keep(self, **values: Any) -> None:
        """Write to the row of the mailbox and go on reading it, in the transaction that is open; no commit.

        :raises Lost: if somebody else reads it meanwhile; what was written with it must not stand.
        """
        values["lease_until"] = now() + timedelta(seconds=SECONDS)
        if not self._write((MailboxState.lease_token == self.token,), values):
            db.session.rollback()
            raise Lost(self.mailbox)

    def give_back(self) -> None:
        """Let the next one read at once."""
        values = {"lease_token": "", "lease_owner": "", "lease_until": None}
        self._write((MailboxState.lease_token == self.token,), values)
        db.session.commit()

    def state(self) -> MailboxState:
        """The row of the mailbox, as it is now."""
        return db.session.execute(
            select(MailboxState).where(MailboxState.mailbox == self.mailbox, MailboxState.place == self.place)
            .execution_options(populate_existing=True)
        ).scalar_one()  # fmt: skip

    def _write(self, conditions: tuple[Any, ...], values: dict[str, Any]) -> bool:
        result = db.session.execute(
            update(MailboxState)
            .where(MailboxState.mailbox == self.mailbox, MailboxState.place == self.place, *conditions)
            .values(**values).execution_options(synchronize_session=False)
        )  # fmt: skip
        return bool(result.rowcount == 1)  # type: ignore[attr-defined] # An UPDATE gives a cursor result.


def _owner() -> str:
    """What tells this process from every other: the start of the machine, its process space, number and start."""
    return " ".join((*_machine(), str(os.getpid()), _started(os.getpid())))


def _is_dead(owner: str) -> bool:
    """Whether a process of this machine is gone; of other machines nothing can be said."""
    parts = owner.split(" ")
    if len(parts) != 4 or tuple(parts[:2]) != _machine() or not parts[2].isdigit() or not parts[0]:
        return False
    return _started(int(parts[2])) != parts[3]


def _machine() -> tuple[str, str]:
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        return boot, str(Path("/proc/self/ns/pid").readlink())
    except OSError:
        return "", ""


def _started(pid: int) -> str:
    try:
        state, *rest = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return ""
    # A process that was killed and whose parent has not noticed yet is dead too.
    return "" if state == "Z" else rest[18]

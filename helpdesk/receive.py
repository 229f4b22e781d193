"""Take one mail from an MTA: store its bytes, commit, exit 0. On any failure exit 75, so that the MTA keeps it.

This runs once for every mail, so it uses the database driver itself and imports neither models nor SQLAlchemy.
"""

import hashlib
import json
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote, urlsplit

import click

from core import room
from core import settings as settings_module
from core.settings import Settings
from core.turns import Turns

# EX_TEMPFAIL of sysexits.h: “try again later”.
TEMPORARY_FAILURE = 75

STATEMENTS = (
    "INSERT INTO raw_mail (sha256, content) VALUES ({0}, {0}) ON CONFLICT (sha256) DO NOTHING",
    """INSERT INTO inbound_mail (sha256, size, source, mailbox, received_at, fate, reason, message_id, content_sha256,
    sender, sender_name, subject) VALUES ({0}, {0}, {0}, {0}, {0}, '', '', '', '', '', '', '') RETURNING id""",
    """INSERT INTO job (kind, payload, state, run_at, attempts, lease_token, last_error, created_at)
    VALUES ('mail.intake', {0}, 'queued', {0}, 0, '', '', {0})""",
)


@click.group()
def mail() -> None:
    """Mail in."""


class _Patient(click.Command):
    """A command whose every failure, a mistyped option too, means “try again later”."""

    def make_context(self, *args: Any, **kwargs: Any) -> click.Context:
        """Read the arguments."""
        try:
            return super().make_context(*args, **kwargs)
        except click.UsageError as error:
            click.echo(f"mail receive: {error.format_message()}", err=True)
            sys.exit(TEMPORARY_FAILURE)


@mail.command(cls=_Patient)
@click.option("--mailbox", default="", help="Name of the mailbox that it came to.")
def receive(mailbox: str) -> None:
    """Store one raw message from standard input; exit 0 only once it is stored, 75 on any failure."""
    try:
        raw = sys.stdin.buffer.read()
        if not raw:
            raise ValueError("the message is empty")
        settings = settings_module.load()
        room.check(settings)
        store(raw, mailbox=mailbox, source="pipe", settings=settings)
    except Exception as error:  # noqa: BLE001 # Whatever went wrong, the MTA must keep the mail.
        click.echo(f"mail receive: {error}", err=True)
        sys.exit(TEMPORARY_FAILURE)


def store(raw: bytes, *, mailbox: str, source: str, settings: Settings) -> int:
    """Store a raw message and the job that will read it, in one transaction; returns the number of its row."""
    moment = datetime.now(UTC)
    sha256 = hashlib.sha256(raw).hexdigest()
    connection: Any
    if settings.on_postgresql:
        import psycopg  # Only one of the two drivers is loaded.

        url = settings.database_url.replace("postgresql+psycopg://", "postgresql://", 1)
        connection = psycopg.connect(url, connect_timeout=10)
        mark: str = "%s"
        time: Any = moment
    else:
        import pysqlite3

        path = unquote(urlsplit(settings.database_url).path)[1:]
        # mode=rw: a mail must not make an empty database where none was set up.
        connection = pysqlite3.connect(f"file:{quote(path)}?mode=rw", uri=True, timeout=30)
        connection.execute("PRAGMA synchronous=FULL")
        with Turns(Path(path)).waiting():
            connection.execute("BEGIN IMMEDIATE")
        mark = "?"
        time = moment.replace(tzinfo=None).isoformat(sep=" ", timespec="microseconds")
    try:
        cursor = connection.cursor()
        cursor.execute(STATEMENTS[0].format(mark), (sha256, raw))
        cursor.execute(STATEMENTS[1].format(mark), (sha256, len(raw), source, mailbox, time))
        number = int(cursor.fetchone()[0])
        cursor.execute(STATEMENTS[2].format(mark), (json.dumps({"mail": number}), time, time))
        connection.commit()
    finally:
        connection.close()
    return number

"""An LMTP listener (RFC 2033): a mail server hands mail over and hears, for each recipient, once it is stored."""

import asyncio
import logging
import re
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from aiosmtpd.lmtp import LMTP
from flask import Flask
from sqlalchemy.exc import SQLAlchemyError

from core import room
from core.db import db
from core.exceptions import Refused
from core.room import NoRoom
from core.settings import Settings
from helpdesk import inbound, mailboxes

logger = logging.getLogger(__name__)

# Seconds that a silent client is waited for (RFC 5321, 4.5.3.2 asks for five minutes).
PATIENCE = 300
MOST_RECIPIENTS = 1000
STORED = "250 2.0.0 Stored"
LATER = "451 4.3.0 Not stored, try again later"
NO_ROOM = "452 4.3.1 The disk is nearly full, try again later"
EMPTY = "554 5.6.0 The message is empty"
SMUGGLED = "554 5.6.0 A line that ends the message has bare line ends"

# What other servers may take for the end of a message: a dot alone between line ends of which one is bare.
_SMUGGLING = re.compile(rb"(?:(?<!\r)\n|\r(?!\n))\.(?:\r|\n)|\n\.(?:\r(?!\n)|(?<!\r)\n)")


class Handler:
    """Stores what comes in, one row for each mailbox that it is for."""

    def __init__(self, app: Flask) -> None:
        self.app = app

    async def handle_RCPT(self, _server: Any, _session: Any, envelope: Any, address: str, _options: Any) -> str:  # noqa: N802
        """Take any recipient: which mailbox an address belongs to is for the settings to say."""
        if len(envelope.rcpt_tos) >= MOST_RECIPIENTS:
            return "452 4.5.3 Too many recipients"
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 Ok"

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:  # noqa: N802 # So called there.
        """Answer for each recipient, in their order (RFC 2033, 4.2)."""
        loop = asyncio.get_running_loop()
        content = bytes(envelope.original_content or b"")
        recipients = [str(each) for each in envelope.rcpt_tos]
        store = partial(self.store, content, str(envelope.mail_from or ""), recipients)
        return "\r\n".join(await loop.run_in_executor(None, store))

    def store(self, content: bytes, sender: str, recipients: list[str]) -> list[str]:
        """Keep a message; for each recipient the answer, 250 only once it is committed."""
        with self.app.app_context():
            settings: Settings = self.app.extensions["settings"]
            if _SMUGGLING.search(content):
                return [SMUGGLED] * len(recipients)
            if not content.strip():
                return [EMPTY] * len(recipients)
            by_mailbox: dict[str, list[str]] = {}
            for each in recipients:
                name = mailboxes.of_recipient(each, settings.mail.reply_separator)
                by_mailbox.setdefault(name, []).append(each)
            answers = {name: self._store_one(content, sender, name, their) for name, their in by_mailbox.items()}
            return [answers[mailboxes.of_recipient(each, settings.mail.reply_separator)] for each in recipients]

    def _store_one(self, content: bytes, sender: str, name: str, recipients: list[str]) -> str:
        # Whoever delivers last says so in the header (RFC 5321, 4.4): which address a mail came to decides its ticket.
        head = [f"Return-Path: <{_plain(sender)}>", *(f"Delivered-To: {_plain(each)}" for each in recipients)]
        raw = "".join(f"{line}\r\n" for line in head).encode("utf-8", "surrogateescape") + content
        try:
            room.check(self.app.extensions["settings"])
            inbound.store(raw, source="lmtp", mailbox=name)
            db.session.commit()
        except NoRoom as error:
            logger.warning("a mail was put off: %s", error)
            return NO_ROOM
        except (SQLAlchemyError, OSError, Refused):
            logger.exception("a mail could not be stored")
            return LATER
        except Exception:  # Whatever went wrong, the mail server must keep the mail.
            logger.exception("a mail could not be stored")
            return LATER
        else:
            return STORED
        finally:
            db.session.rollback()
            db.session.remove()


def _plain(text: str) -> str:
    return "".join(char for char in text if char.isprintable())


def server_of(app: Flask) -> LMTP:
    """The protocol of one connection."""
    settings: Settings = app.extensions["settings"]
    return LMTP(
        Handler(app), data_size_limit=settings.mail.max_megabytes * 1024 * 1024, enable_SMTPUTF8=True,
        timeout=PATIENCE, ident="OCDS Helpdesk", hostname=settings.reply_domain or "localhost",
    )  # fmt: skip


def listen(
    app: Flask, *, host: str = "127.0.0.1", port: int = 2424, path: str = "", stop: Callable[[], bool],
    ready: Callable[[int], None] = lambda _port: None,
) -> None:  # fmt: skip
    """Listen until told to stop, on a TCP port or on a socket in the file system.

    :param ready: is told the port once connections are taken (0 for a socket).
    :raises OSError: if the address cannot be had.
    """
    loop = asyncio.new_event_loop()
    if path:
        _remove_socket(Path(path))
        server = loop.run_until_complete(loop.create_unix_server(partial(server_of, app), path))
        Path(path).chmod(0o660)
    else:
        server = loop.run_until_complete(loop.create_server(partial(server_of, app), host, port))

    def look() -> None:
        if stop():
            loop.stop()
        else:
            loop.call_later(0.2, look)

    look()
    ready(0 if path else server.sockets[0].getsockname()[1])
    try:
        loop.run_forever()
    finally:
        server.close()
        for task in asyncio.all_tasks(loop):
            task.cancel()
        # A mail that is being stored is stored and answered, or not answered at all.
        loop.run_until_complete(loop.shutdown_default_executor())
        loop.close()
        if path:
            _remove_socket(Path(path))


def _remove_socket(path: Path) -> None:
    """Remove what a process that was killed left behind; never a file that is no socket."""
    if path.is_socket():
        path.unlink()

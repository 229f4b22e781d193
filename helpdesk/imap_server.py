"""One connection to one folder of an IMAP server (RFC 9051), as far as fetching mail needs it.

Everything is named by UID; no command waits longer than the mailbox says; what goes wrong is either the connection
(`Unreachable`) or one command (`Declined`).
"""

import contextlib
import socket
import ssl
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from imapclient import DELETED, SEEN, IMAPClient, SocketTimeout
from imapclient.exceptions import IMAPClientAbortError, IMAPClientError, LoginError, ProtocolError

from core.mailbox_settings import Mailbox

# So often, in seconds, a wait looks whether it should stop, and asks the server whether it is still there.
LOOK, IDLE_FOR = 2.0, 25.0
HEADER_BYTES = 64 * 1024


class Unreachable(Exception):
    """The server cannot be reached, went away, was silent for too long, or does not speak the protocol."""


class Declined(Exception):
    """The server answered NO to one command; the connection is fine."""


@contextmanager
def _spoken() -> Iterator[None]:
    """Tell what a library raises in our two words."""
    try:
        yield
    except (LoginError, IMAPClientAbortError, ProtocolError) as error:
        raise Unreachable(_words(error)) from error
    except IMAPClientError as error:
        raise Declined(_words(error)) from error
    except (OSError, ValueError, AssertionError, TypeError, IndexError, KeyError, AttributeError) as error:
        # Beyond what the network does, a server that lies about lengths makes the library stumble in many ways.
        raise Unreachable(_words(error)) from error


def _words(error: BaseException) -> str:
    text = str(error) or type(error).__name__
    return "".join(char if char.isprintable() else " " for char in text)[:500]


def place(box: Mailbox, folder: str) -> str:
    """What names a folder on a server: user, server and folder."""
    return f"{box.user}@{box.host}:{box.server_port}/{folder}"[:255]


class Server:
    """A connection, signed in, with one folder selected.

    :raises Unreachable: if that cannot be had, also where TLS is required and the server has none to be trusted.
    """

    def __init__(self, box: Mailbox, folder: str = "", *, readonly: bool = False) -> None:
        self.box = box
        self.folder = folder or box.folder
        self.place = place(box, self.folder)
        with _connecting():
            timeout: Any = SocketTimeout(connect=min(box.timeout_seconds, 20), read=box.timeout_seconds)
            context = ssl.create_default_context() if box.tls != "none" else None
            self._client = IMAPClient(
                box.host, box.server_port, ssl=box.tls == "tls", ssl_context=context, timeout=timeout
            )
            try:
                if box.tls == "starttls":
                    self._client.starttls(context)
                _keep_alive(self._client.socket())
                self._client.login(box.user, box.password)
                selected = self._client.select_folder(self.folder, readonly=readonly)
                self.uidvalidity = int(selected[b"UIDVALIDITY"])
            except BaseException:
                self.close()
                raise

    def close(self) -> None:
        """Leave; a server that does not answer is left all the same."""
        with contextlib.suppress(OSError, IMAPClientError, AttributeError):
            self._client.shutdown()

    def uids(self, after: int = 0) -> list[int]:
        """The UIDs of what is in the folder beyond one, in order."""
        with _spoken():
            # “n:*” always holds the last mail, even if that is before n (RFC 9051, 9).
            found = self._client.search(["UID", f"{after + 1}:*"])
            return sorted(int(uid) for uid in found if int(uid) > after)

    def has_folder(self, name: str) -> bool:
        """Whether there is such a folder on the server."""
        with _spoken():
            return bool(self._client.folder_exists(name))

    def holds(self, uid: int) -> bool:
        """Whether a mail is (still) in the folder."""
        with _spoken():
            return uid in self._client.search(["UID", str(uid)])

    def sizes(self, uids: list[int]) -> dict[int, int]:
        """What the server says of the sizes of mails, in bytes."""
        with _spoken():
            answer = self._client.fetch(uids, ["RFC822.SIZE"])
            return {int(uid): int(item[b"RFC822.SIZE"]) for uid, item in answer.items() if b"RFC822.SIZE" in item}

    def message_ids(self, uids: list[int]) -> dict[int, str]:
        """The Message-ID fields of mails, as they stand there."""
        key = b"BODY[HEADER.FIELDS (MESSAGE-ID)]"
        with _spoken():
            answer = self._client.fetch(uids, [b"BODY.PEEK[HEADER.FIELDS (MESSAGE-ID)]"])
            return {int(uid): bytes(item.get(key) or b"").decode("utf-8", "replace") for uid, item in answer.items()}

    def body(self, uid: int) -> bytes | None:
        """The bytes of a mail, without marking it as seen; None if the server gives none."""
        return self._part(uid, b"BODY.PEEK[]", b"BODY[]")

    def header(self, uid: int) -> bytes | None:
        """The header of a mail, as far as its first 64 KiB go."""
        return self._part(uid, f"BODY.PEEK[HEADER]<0.{HEADER_BYTES}>".encode(), b"BODY[HEADER]<0>")

    def _part(self, uid: int, wanted: bytes, key: bytes) -> bytes | None:
        with _spoken():
            answer = self._client.fetch([uid], [wanted]).get(uid, {})
            part = answer.get(key)
            return bytes(part) if part is not None else None

    def settle(self, uids: list[int]) -> None:
        """Do with stored mails what the settings say: mark them as seen, move them or delete them; by UID alone.

        :raises Declined: if the server does not; the mails are still where they were.
        """
        with _spoken():
            if self.box.after == "delete":
                self._delete(uids)
            elif self.box.move_to:
                try:
                    self._move(uids)
                except (IMAPClientAbortError, ProtocolError):
                    raise
                except IMAPClientError:
                    if self._client.folder_exists(self.box.move_to):
                        raise
                    self._client.create_folder(self.box.move_to)
                    self._move(uids)
            else:
                self._client.add_flags(uids, [SEEN], silent=True)

    def _move(self, uids: list[int]) -> None:
        if self._client.has_capability("MOVE"):
            self._client.move(uids, self.box.move_to)
        else:
            self._client.copy(uids, self.box.move_to)
            self._delete(uids)

    def _delete(self, uids: list[int]) -> None:
        self._client.add_flags(uids, [DELETED], silent=True)
        # A plain EXPUNGE would take what somebody else marked as deleted, whether it is stored here or not.
        if self._client.has_capability("UIDPLUS"):
            self._client.uid_expunge(uids)

    def wait(self, seconds: float, stop: Callable[[], bool]) -> bool:
        """Wait for news, by IDLE (RFC 2177) if the server can, at most so many seconds; whether there is any.

        :raises Unreachable: if the server is not there any more.
        """
        seconds = min(seconds, IDLE_FOR)
        until = time.monotonic() + seconds
        with _spoken():
            idles = self.box.idle and self._client.has_capability("IDLE")
            if not idles:
                while time.monotonic() < until and not stop():
                    time.sleep(min(LOOK, max(until - time.monotonic(), 0)))
                self._client.noop()
                return False
            self._client.idle()
            news: list[Any] = []
            while not news and (left := until - time.monotonic()) > 0 and not stop():
                patience = min(LOOK, left)
                began = time.monotonic()
                news = self._client.idle_check(timeout=patience)
                # Nothing, before the time was up, is how the library tells the end of the connection.
                if not news and time.monotonic() - began < patience * 0.5:
                    break
            _text, more = self._client.idle_done()
            if any(line and line[0] == b"BYE" for line in news):
                raise Unreachable("the server said BYE")
            return any(len(line) > 1 and line[1] in {b"EXISTS", b"RECENT"} for line in (*news, *(more or ())))


@contextmanager
def _connecting() -> Iterator[None]:
    try:
        with _spoken():
            yield
    except Declined as error:
        raise Unreachable(str(error)) from error


def _keep_alive(connection: socket.socket) -> None:
    """Have the system find out about a line that was cut while nobody speaks."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, value in (("TCP_KEEPIDLE", 30), ("TCP_KEEPINTVL", 10), ("TCP_KEEPCNT", 3)):
        if hasattr(socket, name):
            connection.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)

"""``core.mime.parse`` in a child process that can be killed: whatever a mail does to the parser, the worker lives on.

One child serves one mail after another, since starting Python for each would cost more than the parsing. It has no
secrets in its environment, no database, a limit on memory, and ends when its parent does. What passes between the two
is JSON and plain bytes, never pickles. Run as ``python -m core.mime_child`` it is that child.
"""

import atexit
import contextlib
import fcntl
import json
import os
import resource
import selectors
import struct
import subprocess
import sys
import threading
import time
from dataclasses import fields
from datetime import datetime
from pathlib import Path
from typing import Any, BinaryIO

from core.mime import Address, ParsedMail, Part, Unparsable, parse

_ROOT = Path(__file__).resolve().parent.parent
_LENGTHS = struct.Struct("!QQ")
_LENGTH = struct.Struct("!Q")
_CHUNK = 1024 * 1024
#: A child that has read a mail of this many bytes is let go, and its memory with it.
_LARGE = 8 * 1024 * 1024
_MOST_MEMORY = 3 * 1024 * 1024 * 1024


class _Gone(Unparsable):
    """The child ended before it answered."""

    def __init__(self) -> None:
        super().__init__("The reader of messages broke down on this message.")


def parse_in_child(raw: bytes, seconds: float = 20) -> ParsedMail:
    """Parse ``raw`` in the child of this process, started at the first call and after each kill.

    Safe to call from several threads: they take turns. Raises ``Unparsable`` as ``parse`` does, and when the child
    takes longer than ``seconds`` or dies.
    """
    with _lock:
        return _unpacked(*_asked(raw, seconds))


_lock = threading.Lock()
_child: tuple[int, subprocess.Popen[bytes]] | None = None


def _asked(raw: bytes, seconds: float) -> tuple[bytes, bytes]:
    """The two halves of the child's answer: JSON, and the bytes of all attachments."""
    child, fresh = _running()
    try:
        answer = _exchange(child, raw, time.monotonic() + seconds)
    except _Gone:
        _stop()
        # An old child may have died of something else, at rest; a new one died of this mail.
        if fresh:
            raise
        return _asked(raw, seconds)
    except BaseException:
        # After half an exchange the pipes are of no use, even if it was our own process that was interrupted.
        _stop()
        raise
    if len(raw) > _LARGE:
        _stop()
    return answer


def _running() -> tuple[subprocess.Popen[bytes], bool]:
    """The child, and whether it was started just now."""
    global _child
    # After a fork the pipes are shared with another process, whose answers would get mixed with ours.
    if _child is not None and (_child[0] != os.getpid() or _child[1].poll() is not None):
        _stop()
    fresh = _child is None
    if _child is None:
        environment = {"PATH": os.defpath, "PYTHONUTF8": "1", "PYTHONDONTWRITEBYTECODE": "1"}
        command = [sys.executable, "-m", "core.mime_child"]
        pipe = subprocess.PIPE
        child = subprocess.Popen(  # noqa: S603 # our own module
            command, stdin=pipe, stdout=pipe, cwd=_ROOT, env=environment, bufsize=0, start_new_session=True
        )
        for stream in (child.stdin, child.stdout):
            if stream is not None:
                _widen(stream.fileno())
        _child = (os.getpid(), child)
    return _child[1], fresh


def _widen(descriptor: int) -> None:
    """Let a pipe hold a megabyte, where the system knows how: each turn of 64 kB costs a change of process."""
    with contextlib.suppress(OSError, AttributeError):
        fcntl.fcntl(descriptor, fcntl.F_SETPIPE_SZ, _CHUNK)


def _stop() -> None:
    global _child
    if _child is None:
        return
    owner, child = _child
    _child = None
    for stream in (child.stdin, child.stdout):
        if stream is not None:
            with contextlib.suppress(OSError):
                stream.close()
    if owner == os.getpid():
        child.kill()
        child.wait()


atexit.register(_stop)


def _exchange(child: subprocess.Popen[bytes], raw: bytes, deadline: float) -> tuple[bytes, bytes]:
    """Send one mail and read one answer, both without waiting longer than ``deadline`` on the monotonic clock."""
    if child.stdin is None or child.stdout is None:
        raise Unparsable("The reader has no pipes.")
    sending = memoryview(_LENGTH.pack(len(raw)) + raw)
    received = bytearray()
    wanted = _LENGTHS.size
    os.set_blocking(child.stdin.fileno(), False)
    with selectors.DefaultSelector() as selector:
        selector.register(child.stdin, selectors.EVENT_WRITE)
        selector.register(child.stdout, selectors.EVENT_READ)
        while len(received) < wanted:
            left = deadline - time.monotonic()
            ready = selector.select(left) if left > 0 else []
            if not ready:
                raise Unparsable("Reading the message took too long.")
            for key, _ in ready:
                if key.fileobj is child.stdin:
                    sending = _send(child.stdin.fileno(), sending)
                    if not sending:
                        selector.unregister(child.stdin)
                    continue
                data = os.read(key.fd, _CHUNK)
                if not data:
                    raise _Gone
                received += data
                if wanted == _LENGTHS.size <= len(received):
                    wanted += sum(_LENGTHS.unpack_from(received))
    text_length, _ = _LENGTHS.unpack_from(received)
    start = _LENGTHS.size + text_length
    return bytes(received[_LENGTHS.size : start]), bytes(received[start:])


def _send(descriptor: int, data: memoryview) -> memoryview:
    try:
        return data[os.write(descriptor, data[:_CHUNK]) :]
    except BlockingIOError:
        return data
    except BrokenPipeError as error:
        raise _Gone from error


def _packed(mail: ParsedMail) -> tuple[bytes, bytes]:
    values: dict[str, Any] = {field.name: getattr(mail, field.name) for field in fields(mail)}
    values["date"] = mail.date.isoformat() if mail.date else None
    values["from_"] = [mail.from_.name, mail.from_.email] if mail.from_ else None
    for name in ("reply_to", "to", "cc"):
        values[name] = [[address.name, address.email] for address in values[name]]
    names = [field.name for field in fields(Part) if field.name != "data"]
    values["attachments"] = [[getattr(part, name) for name in names] for part in mail.attachments]
    return json.dumps(values).encode(), b"".join(part.data for part in mail.attachments)


def _unpacked(text: bytes, data: bytes) -> ParsedMail:
    values = json.loads(text)
    if "unparsable" in values:
        raise Unparsable(values["unparsable"])
    values["date"] = datetime.fromisoformat(values["date"]) if values["date"] else None
    values["from_"] = Address(*values["from_"]) if values["from_"] else None
    for name in ("reply_to", "to", "cc"):
        values[name] = [Address(*each) for each in values[name]]
    parts: list[Part] = []
    position = 0
    for filename, content_type, size, sha256, content_id, inline in values["attachments"]:
        parts.append(Part(filename, content_type, size, sha256, content_id, inline, data[position : position + size]))
        position += size
    values["attachments"] = parts
    return ParsedMail(**values)


def _answer(raw: bytes) -> tuple[bytes, bytes]:
    try:
        return _packed(parse(raw))
    except Unparsable as error:
        reason = error.reason
    except MemoryError:
        reason = "The message needs more memory than it may have."
    except Exception as error:  # noqa: BLE001 # A fault of ours delays this mail; staff see it and replay it after the fix.
        reason = f"The message cannot be read ({type(error).__name__})."
    return json.dumps({"unparsable": reason}).encode(), b""


def _serve(source: BinaryIO, target: BinaryIO) -> None:
    """Answer every mail on ``source`` until it ends."""
    while len(head := source.read(_LENGTH.size)) == _LENGTH.size:
        (length,) = _LENGTH.unpack(head)
        text, data = _answer(source.read(length))
        target.write(_LENGTHS.pack(len(text), len(data)))
        target.write(text)
        target.write(data)
        target.flush()


def _main() -> None:
    with contextlib.suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_AS, (_MOST_MEMORY, _MOST_MEMORY))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    with contextlib.suppress(BrokenPipeError, KeyboardInterrupt):
        _serve(sys.stdin.buffer, sys.stdout.buffer)


if __name__ == "__main__":
    _main()

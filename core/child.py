"""Work that may never end, given to a child process that can be killed.

One child serves one request after another, since starting Python for each would cost more than the work. It has no
secrets in its environment and a limit on memory. It ends when its parent does: at rest because its input ends, at work
because the system's alarm clock ends it.
"""

import atexit
import contextlib
import os
import resource
import selectors
import signal
import struct
import subprocess
import sys
import threading
import time
import weakref
from collections.abc import Callable
from pathlib import Path

_ROOT = Path(__file__).resolve().parent.parent
#: What goes in: length in bytes, and the seconds that the work may take. What comes back: length.
_REQUEST = struct.Struct("!Qd")
_ANSWER = struct.Struct("!Q")
_CHUNK = 1024 * 1024
_SECONDS_TO_START = 60.0
#: How much later than the parent the child gives up by itself.
_GRACE = 1.0
MOST_MEMORY = 1024 * 1024 * 1024


class TooSlow(Exception):
    """The work took longer than it may, and was stopped."""


class Broken(Exception):
    """The child ended at its work."""


class Child:
    """A child process of this process, running a module that calls `serve`; started when first needed.

    Safe for several threads (they take turns) and after a fork (each process has a child of its own).
    """

    def __init__(self, module: str) -> None:
        self.module = module
        self.lock = threading.Lock()
        self.process: subprocess.Popen[bytes] | None = None
        _children.add(self)

    def ask(self, request: bytes, seconds: float) -> bytes:
        """The child's answer.

        :param seconds: that the work may take, from when the child is ready and others have finished.
        :raises TooSlow: if it takes longer, or its turn does not come. The child is killed, to be started anew.
        :raises Broken: if the child ended at its work, by its limit on memory for example.
        """
        if not self.lock.acquire(timeout=seconds + _SECONDS_TO_START):
            raise TooSlow
        try:
            return self._ask(request, seconds)
        finally:
            self.lock.release()

    def stop(self) -> None:
        """End the child, if there is one."""
        process, self.process = self.process, None
        if process is not None:
            process.kill()
            process.wait()
            _close(process)

    def forget(self) -> None:
        """Leave the child to the process that this one was forked from."""
        process, self.process = self.process, None
        self.lock = threading.Lock()
        if process is not None:
            process.returncode = 0
            _close(process)

    def _ask(self, request: bytes, seconds: float) -> bytes:
        is_fresh = self.process is None or self.process.poll() is not None
        try:
            process = self._start() if is_fresh or self.process is None else self.process
            message = _REQUEST.pack(len(request), seconds + _GRACE) + request
            return _exchange(process, message, time.monotonic() + seconds)
        except Broken:
            self.stop()
            if is_fresh:
                raise
        except BaseException:
            # After half an exchange the pipes are of no use.
            self.stop()
            raise
        # An old child may have died of something else, at rest; a new one dies of this.
        return self._ask(request, seconds)

    def _start(self) -> subprocess.Popen[bytes]:
        self.stop()
        environment = {"PATH": os.defpath, "PYTHONUTF8": "1", "PYTHONDONTWRITEBYTECODE": "1"}
        pipe = subprocess.PIPE
        self.process = subprocess.Popen(  # noqa: S603 # A module of our own.
            [sys.executable, "-m", self.module],
            stdin=pipe,
            stdout=pipe,
            cwd=_ROOT,
            env=environment,
            bufsize=0,
            start_new_session=True,
        )
        if self.process.stdin is not None:
            os.set_blocking(self.process.stdin.fileno(), False)
        # It says that it is ready, so that the time of the first request is its own.
        _exchange(self.process, b"", time.monotonic() + _SECONDS_TO_START)
        return self.process


_children: "weakref.WeakSet[Child]" = weakref.WeakSet()


def serve(answer: Callable[[bytes], bytes]) -> None:
    """Answer all requests of the parent, until there are no more: the main loop of a child."""
    with contextlib.suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_AS, (MOST_MEMORY, MOST_MEMORY))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    source, target = sys.stdin.buffer, sys.stdout.buffer
    # What is printed by accident must not get between the answers.
    sys.stdout = sys.stderr
    with contextlib.suppress(BrokenPipeError, KeyboardInterrupt):
        target.write(_ANSWER.pack(0))
        target.flush()
        while len(head := source.read(_REQUEST.size)) == _REQUEST.size:
            length, seconds = _REQUEST.unpack(head)
            request = source.read(length)
            # Without a handler the signal ends the process, even in the middle of a regular expression.
            signal.setitimer(signal.ITIMER_REAL, seconds)
            result = answer(request)
            signal.setitimer(signal.ITIMER_REAL, 0)
            target.write(_ANSWER.pack(len(result)) + result)
            target.flush()


def _exchange(process: subprocess.Popen[bytes], message: bytes, deadline: float) -> bytes:
    """Send a message and read an answer, both no longer than until ``deadline`` on the monotonic clock."""
    if process.stdin is None or process.stdout is None:
        raise Broken
    sending = memoryview(message)
    received = bytearray()
    wanted = _ANSWER.size
    with selectors.DefaultSelector() as selector:
        if sending:
            selector.register(process.stdin, selectors.EVENT_WRITE)
        selector.register(process.stdout, selectors.EVENT_READ)
        while len(received) < wanted:
            left = deadline - time.monotonic()
            ready = selector.select(left) if left > 0 else []
            if not ready:
                raise TooSlow
            for key, _events in ready:
                if key.fileobj is process.stdin:
                    try:
                        sending = sending[os.write(key.fd, sending[:_CHUNK]) :]
                    except BrokenPipeError as error:
                        raise Broken from error
                    if not sending:
                        selector.unregister(process.stdin)
                elif data := os.read(key.fd, _CHUNK):
                    received += data
                    if wanted == _ANSWER.size <= len(received):
                        wanted += _ANSWER.unpack_from(received)[0]
                else:
                    raise Broken
    return bytes(received[_ANSWER.size :])


def _close(process: subprocess.Popen[bytes]) -> None:
    for stream in (process.stdin, process.stdout):
        if stream is not None:
            with contextlib.suppress(OSError):
                stream.close()


def _forget_all() -> None:
    for child in list(_children):
        child.forget()


def _stop_all() -> None:
    for child in list(_children):
        child.stop()


os.register_at_fork(after_in_child=_forget_all)
atexit.register(_stop_all)

"""Several processes of one worker: one slow mail server, or one core, shall not hold up the rest.

The processes are forks of one that has loaded the application and does nothing but watch them. One that ends before
its time is replaced. They end when the watching one does, however it ends.
"""

import logging
import os
import signal
import struct
import sys
import time
from collections.abc import Callable
from types import FrameType

logger = logging.getLogger(__name__)

# What a member does: it gets its place (0 is the first) and a function that says whether to stop; it gives a count.
Duty = Callable[[int, Callable[[], bool]], int]

_SIGNALS = (signal.SIGTERM, signal.SIGINT)
_COUNT = struct.Struct("!Q")
_PAUSE = 0.2
# How long members may take to finish what they are at, in seconds.
_STOP_SECONDS = 60
# A member that ends at once shall not be replaced in a tight circle.
_BREATH = 1.0


def run(size: int, duty: Duty, *, is_lasting: bool) -> int:
    """Run ``duty`` in ``size`` forked processes until told to stop by a signal; gives the sum of their counts.

    :param is_lasting: whether a member that ends without being told is replaced; otherwise its work is done.
    """
    crew = _Crew(duty)
    crew.listen()
    for place in range(size):
        if not crew.is_stopping:
            crew.start(place)
    while crew.members:
        crew.look(is_lasting=is_lasting)
        time.sleep(_PAUSE if is_lasting else 0.02)
    return crew.total


class _Crew:
    def __init__(self, duty: Duty) -> None:
        self._duty = duty
        self._stopping_since = 0.0
        self.members: dict[int, tuple[int, int, float]] = {}
        self.total = 0

    def listen(self) -> None:
        def stop(_number: int, _frame: FrameType | None) -> None:
            self._stopping_since = self._stopping_since or time.monotonic()
            self._signal(signal.SIGTERM)

        for number in _SIGNALS:
            signal.signal(number, stop)

    @property
    def is_stopping(self) -> bool:
        return self._stopping_since > 0

    def start(self, place: int) -> None:
        sys.stdout.flush()
        sys.stderr.flush()
        reader, writer = os.pipe()
        parent = os.getpid()
        # A signal waits until the copy listens for itself, and until we know that it is there.
        signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)
        member = os.fork()
        if member == 0:
            os.close(reader)
            _serve(self._duty, place, parent, writer)
        os.close(writer)
        self.members[member] = (place, reader, time.monotonic())
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _SIGNALS)

    def look(self, *, is_lasting: bool) -> None:
        """Take the counts of members that ended, and replace those that should have stayed."""
        for member, (place, reader, since) in list(self.members.items()):
            ended, status = os.waitpid(member, os.WNOHANG)
            if not ended:
                continue
            del self.members[member]
            counted = os.read(reader, _COUNT.size)
            os.close(reader)
            self.total += _COUNT.unpack(counted)[0] if len(counted) == _COUNT.size else 0
            if is_lasting and not self.is_stopping:
                logger.error("a process of the worker ended (status %s); another takes its place", status)
                time.sleep(max(_BREATH - (time.monotonic() - since), 0))
                if not self.is_stopping:
                    self.start(place)
        if self.is_stopping and time.monotonic() - self._stopping_since > _STOP_SECONDS:
            self._signal(signal.SIGKILL)

    def _signal(self, number: int) -> None:
        for member in list(self.members):
            try:
                os.kill(member, number)
            except ProcessLookupError:
                continue


def _serve(duty: Duty, place: int, parent: int, writer: int) -> None:
    """Be a member; never returns."""
    told = False

    def stop(_number: int, _frame: FrameType | None) -> None:
        nonlocal told
        told = True

    status = 1
    try:
        signal.signal(signal.SIGTERM, stop)
        # Ctrl-C reaches the whole group; who watches passes it on.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _SIGNALS)
        os.write(writer, _COUNT.pack(duty(place, lambda: told or os.getppid() != parent)))
        status = 0
    except BaseException:  # Nothing may run on in a copy of the parent.
        logger.exception("a process of the worker failed")
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)

"""Writers of one SQLite database take turns: whoever waits says so, and whoever writes much lets them go first.

SQLite has one writer at a time and no queue: it looks again after growing pauses. Beside a process that writes batch
after batch, others would look at the wrong moments until they gave up. So a waiting writer holds a shared lock on a
file beside the database and looks often; a busy one tries to have that file for itself between two transactions, and
pauses while it cannot. The system frees the lock of a process that ended.
"""

import contextlib
import fcntl
import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO

# How often a waiting writer looks, and how long a busy one makes way at most, in seconds.
PAUSE = 0.003
MOST = 0.5


class Turns:
    """The turns of one database; threads may share it."""

    def __init__(self, database: Path) -> None:
        self._path = database.with_name(f"{database.name}-waiting")
        self._own = threading.local()

    @contextlib.contextmanager
    def waiting(self) -> Iterator[None]:
        """Say that somebody waits to write."""
        file = self._file()
        if file is None:
            yield
            return
        fcntl.flock(file, fcntl.LOCK_SH)
        try:
            yield
        finally:
            fcntl.flock(file, fcntl.LOCK_UN)

    def give_way(self) -> None:
        """Let those who wait to write go first. Called with no transaction open."""
        file = self._file()
        if file is None:
            return
        until = time.monotonic() + MOST
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if time.monotonic() > until:
                    return
                time.sleep(PAUSE)
                continue
            fcntl.flock(file, fcntl.LOCK_UN)
            return

    def _file(self) -> IO[bytes] | None:
        """The file, opened by this thread of this process: locks belong to whoever opened it."""
        known: tuple[int, IO[bytes]] | None = getattr(self._own, "file", None)
        if known is None or known[0] != os.getpid():
            try:
                known = self._own.file = (os.getpid(), self._path.open("ab"))
            except OSError:
                # A folder that cannot be written to: the database will say so.
                return None
        return known[1]

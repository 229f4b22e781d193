"""Starts workers that are killed in tests: everything is loaded once, then each line on stdin forks one and says its pid.

The worker is the real one (`core.jobs.work`), on the database and the settings of the environment.
"""

import os
import signal
import sys

from app import create_app


def main() -> None:
    """Read lines: “start” forks a worker, “reap PID” waits for one."""
    app = create_app()
    from core import jobs

    for line in sys.stdin:
        verb, _space, rest = line.strip().partition(" ")
        if verb == "start":
            pid = os.fork()
            if pid == 0:
                signal.signal(signal.SIGINT, signal.SIG_IGN)
                jobs.work(app, stop=lambda: False, pause=0.01)
                os._exit(0)
            print(pid, flush=True)
        else:
            os.waitpid(int(rest), 0)
            print("reaped", flush=True)


if __name__ == "__main__":
    main()

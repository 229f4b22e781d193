"""Starts fetchers and workers that are killed in tests: each line on stdin forks one and says its pid.

“full BYTES” forks a fetcher for which the disk is full: no file of its can grow beyond so many bytes.

What is forked is the real thing (`helpdesk.fetching.run_all`, `core.jobs.work`), on the database and the settings of
the environment; everything is loaded once.
"""

import os
import resource
import signal
import sys

from app import create_app


def main() -> None:
    """Read lines: “fetch”, “full” or “work” forks one, “reap PID” waits for one."""
    app = create_app()
    from core import jobs
    from helpdesk import fetching, imap_server, mailboxes

    fetching.RETRIES, fetching.LONGEST_BACK_OFF, imap_server.LOOK = (0,), 0.1, 0.1
    with app.app_context():
        boxes = mailboxes.fetched()
    for line in sys.stdin:
        verb, _space, rest = line.strip().partition(" ")
        if verb == "reap":
            os.waitpid(int(rest), 0)
            print("reaped", flush=True)
            continue
        pid = os.fork()
        if pid == 0:
            signal.signal(signal.SIGINT, signal.SIG_IGN)
            if verb == "full":
                signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
                resource.setrlimit(resource.RLIMIT_FSIZE, (int(rest), int(rest)))
            if verb in {"fetch", "full"}:
                fetching.run_all(app, boxes, lambda: False)
            else:
                jobs.work(app, stop=lambda: False, pause=0.01)
            os._exit(0)
        print(pid, flush=True)


if __name__ == "__main__":
    main()

"""How gunicorn runs the application; used by ``make run`` and by the units in docs/how-to/."""

import gc
from typing import Any

workers = 2
threads = 4
worker_class = "gthread"
# Longer than a browser or a proxy keeps a connection: a shorter one resets requests that reuse it.
keepalive = 15
timeout = 60
graceful_timeout = 20
# One copy of the code in memory for all workers.
preload_app = True
accesslog = None
forwarded_allow_ips = ""


def when_ready(_server: Any) -> None:
    """What was loaded stays for ever: the collector need not look through it again, nor unshare its memory."""
    gc.collect()
    gc.freeze()
    # Objects of one page are many and live briefly; looking for cycles among them each time is a tenth of the work.
    gc.set_threshold(20_000, 20, 50)


def post_fork(server: Any, _worker: Any) -> None:
    """Give each worker connections of its own."""
    from core.db import db
    from kb import view_counts

    app = server.app.wsgi()
    with app.app_context():
        db.engine.dispose(close=False)
    view_counts.begin(app)


def worker_exit(server: Any, _worker: Any) -> None:
    """Have each worker write down what it counted."""
    from kb import view_counts

    view_counts.end(server.app.wsgi())

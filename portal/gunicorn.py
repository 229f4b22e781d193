"""How gunicorn runs the application; used by ``make run`` and by the units in docs/how-to/."""

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


def post_fork(server: Any, _worker: Any) -> None:
    """Give each worker connections of its own."""
    from core.db import db

    with server.app.wsgi().app_context():
        db.engine.dispose(close=False)

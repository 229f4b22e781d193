"""``make run``: everything in one terminal: database, demo data on the first start, web server and worker.

Ctrl-C or TERM stops all of it.
"""

import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from types import FrameType

from core import settings

BIN = Path(sys.executable).parent
STOP_SECONDS = 10


def main() -> None:
    """Start, wait, stop."""
    port = os.environ.get("PORT", "8000")
    address = f"http://127.0.0.1:{port}"
    os.environ.setdefault("HELPDESK_SITE_BASE_URL", address)
    environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
    environment.pop("PORT", None)
    has_demo = prepare()
    web = [
        str(BIN / "gunicorn"), "--config", "python:portal.gunicorn", "--bind", f"127.0.0.1:{port}", "app:create_app()",
    ]  # fmt: skip
    worker = [str(BIN / "flask"), "work"]
    commands = [web, worker]
    if any(box.host for box in settings.load().mailboxes.values()):
        commands.append([str(BIN / "flask"), "mail", "fetch"])
    # Each in a session of its own, so that Ctrl-C reaches only us and we stop them in order.
    children = [subprocess.Popen(command, env=environment, start_new_session=True) for command in commands]  # noqa: S603

    def stop(_number: int, _frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    signal.signal(signal.SIGTERM, stop)
    code = 0
    try:
        if not wait_for(f"{address}/healthz", children):
            code = 1
        else:
            greet(address, has_demo=has_demo)
            while all(child.poll() is None for child in children):
                time.sleep(0.3)
            code = 1
    except KeyboardInterrupt:
        print("\nStopping…", flush=True)  # noqa: T201 # This is a command.
    finally:
        for child in children:
            if child.poll() is None:
                child.terminate()
        deadline = time.monotonic() + STOP_SECONDS
        for child in children:
            try:
                child.wait(max(deadline - time.monotonic(), 0.1))
            except subprocess.TimeoutExpired:
                child.kill()
    sys.exit(code)


def prepare() -> bool:
    """Bring the database up to date, with demo data on the first start. Returns whether the demo data is there."""
    import flask_migrate
    from sqlalchemy import inspect

    from app import create_app
    from core.db import db
    from portal import demo

    app = create_app()
    with app.app_context():
        is_first = not inspect(db.engine).has_table("user")
        if not demo.is_newest():
            flask_migrate.upgrade(directory=str(Path(app.root_path) / "migrations"))
        if is_first:
            print("First start: loading the demo data…", flush=True)  # noqa: T201
            demo.load()
        has_demo = demo.is_loaded()
        db.session.remove()
        db.engine.dispose()
    return has_demo


def wait_for(url: str, children: list[subprocess.Popen[bytes]], seconds: float = 60) -> bool:
    """Wait until the server answers; False if it does not, or a process ended."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if any(child.poll() is not None for child in children):
            return False
        try:
            with urllib.request.urlopen(url, timeout=2) as response:  # noqa: S310 # Our own address.
                return bool(response.status == 200)
        except (urllib.error.URLError, OSError):
            time.sleep(0.1)
    return False


def greet(address: str, *, has_demo: bool) -> None:
    """Print the address and the demo sign-ins."""
    from portal import demo

    print(f"\nThe helpdesk is open at {address}\n", flush=True)  # noqa: T201
    if has_demo:
        print(demo.sign_ins(), flush=True)  # noqa: T201
    print("Ctrl-C stops it.", flush=True)  # noqa: T201


if __name__ == "__main__":
    main()

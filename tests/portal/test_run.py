"""``make run`` as a newcomer meets it: one command, twice, and a clean end."""

import os
import signal
import socket
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def start(folder, port: int) -> subprocess.Popen[str]:
    settings = {"DATA_DIR": str(folder), "PORT": str(port), "PYTHONUNBUFFERED": "1"}
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("HELPDESK_", "DATABASE_URL"))}
    return subprocess.Popen(
        [sys.executable, "-m", "portal.run"], cwd=ROOT, env=kept | settings, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
    )  # fmt: skip


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.mark.slow
def test_the_second_start_serves_and_says_where_and_as_whom_like_the_first(tmp_path):
    port = free_port()
    for _start in ("first", "second"):
        process = start(tmp_path, port)
        said = []
        try:
            for line in process.stdout:
                said.append(line)
                if "Ctrl-C stops it" in line:
                    break
            text = "".join(said)
            assert f"http://127.0.0.1:{port}" in text
            assert "bruno@helpdesk.example" in text
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/desk", timeout=10) as answer:
                assert "/sign-in" in answer.url
        finally:
            process.send_signal(signal.SIGTERM)
            process.communicate(timeout=30)
        with socket.socket() as probe:
            assert probe.connect_ex(("127.0.0.1", port)) != 0, "nothing is left running"

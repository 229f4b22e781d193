"""The processes that are measured: web server, empty page, worker, mail from an MTA."""

import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

BIN = Path(sys.executable).parent
OURS = ["--config", "python:portal.gunicorn", "app:create_app()"]
# As portal/gunicorn.py has it, without what only our application has.
EMPTY = [
    "--workers",
    "2",
    "--threads",
    "4",
    "--worker-class",
    "gthread",
    "--keep-alive",
    "15",
    "--preload",
    "bench.empty:app",
]


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


@contextmanager
def served(arguments: list[str], environment: dict[str, str], path: str = "/") -> Iterator[tuple[int, float, int]]:
    """A server by gunicorn; gives its port, the seconds from start to its first answer, and its process number."""
    port = free_port()
    address = f"http://127.0.0.1:{port}"
    command = [str(BIN / "gunicorn"), "--bind", f"127.0.0.1:{port}", "--log-level", "warning", *arguments]
    began = time.perf_counter()
    process = subprocess.Popen(command, env={**environment, "HELPDESK_SITE_BASE_URL": address})
    try:
        while True:
            try:
                urllib.request.urlopen(f"{address}{path}", timeout=10).read()
                break
            except (urllib.error.URLError, OSError) as error:
                if process.poll() is not None or time.perf_counter() - began > 60:
                    raise RuntimeError("the server does not answer") from error
                time.sleep(0.02)
        yield port, time.perf_counter() - began, process.pid
    finally:
        process.terminate()
        process.wait(30)


def worked(pids: list[int]) -> float:
    """The processor time of servers and their workers so far, in seconds; Linux counts it in nanoseconds."""
    total = 0
    for pid in pids:
        for each in (pid, *(child.pid for child in psutil.Process(pid).children())):
            for path in Path(f"/proc/{each}/task").glob("*/schedstat"):
                total += int(path.read_text("ascii").split()[0])
    return total / 1e9


def memory(pid: int) -> tuple[float, float]:
    """The largest resident size of a web process and the share of all of them that is really theirs, in MB."""
    master = psutil.Process(pid)
    workers = master.children()
    full = [each.memory_full_info() for each in (master, *workers)]
    return max(each.rss for each in full) / 1e6, sum(each.pss for each in full) / 1e6


def environment(data_dir: Path, url: str) -> dict[str, str]:
    """The settings of a measured application: as by default, without limits on how often one may ask."""
    settings = {
        "DATA_DIR": str(data_dir), "SECRET_KEY": "only-for-measuring-0123456789abcdef", "LOG_LEVEL": "WARNING",
        "HELPDESK_LIMITS_API_PER_MINUTE": "1000000", "HELPDESK_LIMITS_SUGGEST_PER_MINUTE": "1000000",
        "HELPDESK_MAIL_PER_ADDRESS_HOUR": "1000000", "HELPDESK_MAIL_UNDO_SECONDS": "0",
        "HELPDESK_MAIL_PER_HOUR": "0", "HELPDESK_LIMITS_LINKS_PER_PERSON": "1000000",
    }  # fmt: skip
    if url:
        settings["DATABASE_URL"] = url
    return {**{name: value for name, value in os.environ.items() if not name.startswith("HELPDESK_")}, **settings}


def receive_seconds(environment: dict[str, str], count: int) -> list[float]:
    """How long ``mail receive`` takes as a whole process, with mails that it has not seen."""
    times = []
    for number in range(count):
        began = time.perf_counter()
        subprocess.run(
            [str(BIN / "flask"), "mail", "receive"],
            input=mail(number, "pipe"),
            env=environment,
            check=True,
            capture_output=True,
        )
        times.append(time.perf_counter() - began)
    return times


def mail(number: int, run: str, reply_to: str = "") -> bytes:
    """A mail as people send it: text and HTML, a quotation, a small file."""
    reply = f"In-Reply-To: {reply_to}\r\nReferences: {reply_to}\r\n" if reply_to else ""
    return f"""From: Requester Number {number % 500 + 1} <requester-{number % 500 + 1}@bench.example>\r
To: helpdesk@helpdesk.example\r
Subject: {"Re: " if reply_to else ""}How do we publish amendments? ({run} {number})\r
Message-ID: <{run}-{number}@mail.bench.example>\r
Date: Mon, 02 Mar 2026 10:{number % 60:02}:00 +0000\r
{reply}MIME-Version: 1.0\r
Content-Type: multipart/mixed; boundary="one"\r
\r
--one\r
Content-Type: multipart/alternative; boundary="two"\r
\r
--two\r
Content-Type: text/plain; charset=utf-8\r
Content-Transfer-Encoding: quoted-printable\r
\r
Hello,\r
\r
our contract {number} was amended twice. Should each amendment be a release of its own, with=\r
 a new release ID, or do we change the first release?\r
\r
Best regards\r
-- \r
Requester Number {number % 500 + 1}\r
\r
On Mon, 2 Mar 2026 at 09:00, OCDS Helpdesk <helpdesk@helpdesk.example> wrote:\r
> We received your question and will answer soon.\r
\r
--two\r
Content-Type: text/html; charset=utf-8\r
\r
<p>Hello,</p><p>our contract {number} was amended twice. Should each amendment be a release of its own, with a new release\r
ID, or do we change the first release?</p><p>Best regards</p>\r
\r
--two--\r
\r
--one\r
Content-Type: text/csv; charset=utf-8; name="contracts.csv"\r
Content-Disposition: attachment; filename="contracts.csv"\r
\r
id,amended\r
{number},2\r
--one--\r
""".encode()


def small_mail(number: int, run: str, reply_to: str = "") -> bytes:
    """A mail of a few lines, without files."""
    reply = f"In-Reply-To: {reply_to}\r\nReferences: {reply_to}\r\n" if reply_to else ""
    return f"""From: Requester Number {number % 500 + 1} <requester-{number % 500 + 1}@bench.example>\r
To: helpdesk@helpdesk.example\r
Subject: {"Re: " if reply_to else ""}How do we publish amendments? ({run} {number})\r
Message-ID: <{run}-{number}@mail.bench.example>\r
Date: Mon, 02 Mar 2026 10:{number % 60:02}:00 +0000\r
{reply}MIME-Version: 1.0\r
Content-Type: text/plain; charset=utf-8\r
\r
Hello,\r
\r
our contract {number} was amended twice. Should each amendment be a release of its own, with\r
a new release ID, or do we change the first release?\r
\r
Best regards\r
""".encode()

"""The whole site as ``make run`` starts it, with demo data, for browser tests; and what a test needs to use it."""

import email
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from email.policy import default
from pathlib import Path

ROOT = Path(__file__).parents[2]
AXE = ROOT / "tests/browser/vendor/axe-core/axe.min.js"
PASSWORD = "demo-helpdesk"
RULES = "['wcag2a','wcag2aa','wcag21a','wcag21aa','wcag22aa','best-practice']"


class Site:
    """A running site on a port of its own, its data in a folder of its own."""

    def __init__(self, data_dir: Path, **settings: str):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        self.base = f"http://127.0.0.1:{port}"
        self.data_dir = data_dir
        clean = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("HELPDESK_", "DATABASE_", "SECRET_"))
        }
        self.log = (data_dir / "run.log").open("wb")
        self.process = subprocess.Popen(
            [sys.executable, "-m", "portal.run"], cwd=ROOT, stdout=self.log, stderr=subprocess.STDOUT,
            env={**clean, "PORT": str(port), "DATA_DIR": str(data_dir),
                 "HELPDESK_MAIL_UNDO_SECONDS": "0", **settings},
        )  # fmt: skip
        self.wait()

    def wait(self) -> None:
        """Until it is ready to serve and its worker has built the index."""
        deadline = time.monotonic() + 120
        while time.monotonic() < deadline:
            assert self.process.poll() is None, (self.data_dir / "run.log").read_text()
            try:
                with urllib.request.urlopen(f"{self.base}/api/v1/search?q=prefix", timeout=5) as answer:
                    if b'"kind":"article"' in answer.read().replace(b" ", b""):
                        return
            except OSError:
                pass
            time.sleep(0.3)
        raise AssertionError((self.data_dir / "run.log").read_text())

    def stop(self) -> None:
        """As Ctrl-C does."""
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(30)
        self.log.close()

    def mail_to(self, address: str, words: str, seconds: float = 20) -> str:
        """The text of the newest mail in the outbox to an address that holds some words."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            found = []
            for path in (self.data_dir / "outbox").glob("*.eml"):
                mail = email.message_from_bytes(path.read_bytes(), policy=default)
                text = mail.get_body(("plain",)).get_content()
                if address in str(mail["To"]) and words in f"{mail['Subject']}\n{text}":
                    found.append((path.stat().st_mtime, text))
            if found:
                return max(found)[1]
            time.sleep(0.2)
        raise AssertionError(f"no mail to {address} with “{words}” came")

    def link_to(self, address: str, words: str, part: str) -> str:
        """The address in that mail that holds a part."""
        return re.search(rf"{re.escape(self.base)}\S*{part}\S*", self.mail_to(address, words))[0]


def complaints(page) -> list[str]:
    """What axe finds wrong with the page as it is now. Runs in the page, past its policy, as an extension would."""
    page.evaluate(AXE.read_text())
    found = page.evaluate(
        f"axe.run(document, {{runOnly: {RULES}}}).then(r => r.violations.map(v => v.id + ': ' + v.nodes[0].html.slice(0, 200)))"
    )
    if page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth"):
        found.append("the page is wider than the window")
    return found


def open_window(chromium, *, theme: str = "light", width: int = 1280, **more):
    """A window with its console watched: (page, what was said there)."""
    context = chromium.new_context(
        viewport={"width": width, "height": 900}, color_scheme=theme, bypass_csp=True, reduced_motion="reduce", **more
    )
    page = context.new_page()
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text) if message.type in {"error", "warning"} else None)
    page.on("pageerror", lambda error: said.append(str(error)))
    return page, said


def sign_in(page, site: Site, address: str) -> None:
    """Sign in by password, with the form."""
    page.goto(f"{site.base}/sign-in")
    form = page.locator("form:has(input[type=password])")
    form.locator("input[type=email]").fill(address)
    form.locator("input[type=password]").fill(PASSWORD)
    form.locator("button[type=submit], button:not([type])").first.click()
    page.wait_for_url(lambda url: "/sign-in" not in url)

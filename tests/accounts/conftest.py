"""What tests of signing in share: the mails that went out, and a clock that can be put forward."""

import re
import time
from datetime import timedelta
from email import message_from_bytes
from email.policy import default

import pytest

from accounts import links, sign_ins
from core import db as core_db
from core import limits
from tests.conftest import CAST

LINK = re.compile(r"\S+/sign-in/\S{20,}")


@pytest.fixture
def outbox(app):
    """The mails that were sent: a function that gives them, the oldest first."""

    def read():
        folder = app.extensions["settings"].data_dir / "outbox"
        files = sorted(folder.glob("*.eml"), key=lambda path: path.stat().st_mtime_ns)
        return [message_from_bytes(path.read_bytes(), policy=default) for path in files]

    return read


@pytest.fixture
def links_in(outbox, work):
    """Works off what is due, and gives the sign-in links of all mails to an address."""

    def read(email):
        work()
        mails = [mail for mail in outbox() if email in str(mail["To"])]
        return [LINK.findall(mail.get_body(("plain",)).get_content())[0] for mail in mails]

    return read


@pytest.fixture
def ask_for_link(browser):
    """Asks for a link to an address, from a browser of its own."""

    def ask(email, **more):
        browser.get("/sign-in")
        return browser.send("/sign-in/link", {"email": email, **more})

    return ask


@pytest.fixture
def link_of(ask_for_link, links_in):
    """A fresh link for one of the cast: its path."""

    def make(key):
        assert ask_for_link(CAST[key][1]).status_code == 303
        return links_in(CAST[key][1])[-1].removeprefix("http://127.0.0.1:8000")

    return make


@pytest.fixture(autouse=True)
def window(monkeypatch):
    """Lets each test begin with a fresh window of every limit, so that none ends in its middle."""
    left = 3600 - time.time() % 3600
    monkeypatch.setattr(limits, "now", lambda: core_db.now() + timedelta(seconds=left))


@pytest.fixture
def clock(monkeypatch, window):
    """Puts the clock of sign-ins, links and limits forward by some seconds."""
    real_time = time.time
    ahead = [0.0]

    def forward(seconds):
        ahead[0] += seconds

    for module in (links, sign_ins, limits):
        monkeypatch.setattr(module, "now", lambda real=module.now: real() + timedelta(seconds=ahead[0]))
    # Sessions are signed with the time, too.
    monkeypatch.setattr(time, "time", lambda: real_time() + ahead[0])
    return forward

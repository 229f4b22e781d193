"""The mail log, clicked in a real browser: find a mail, read one of quarantine again, move one, make a ticket of one."""

import os
import subprocess
import sys
import time

import pysqlite3
import pytest

from tests.browser.site import ROOT, complaints, open_window, sign_in
from tests.helpdesk.conftest import compose

pytestmark = pytest.mark.browser

ASKER = "daniel.osei@ppa-gh.example"


def awake(page) -> None:
    page.wait_for_function("document.documentElement?.classList.contains('is-awake')")


def hand_in(site, raw: bytes) -> None:
    """As a mail server does."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("HELPDESK_", "DATABASE_"))}
    subprocess.run(
        [sys.executable, "-m", "flask", "mail", "receive"], input=raw, cwd=ROOT, check=True, timeout=60,
        env={**clean, "DATA_DIR": str(site.data_dir)},
    )  # fmt: skip


def change(site, statement: str, *values) -> None:
    connection = pysqlite3.connect(site.data_dir / "helpdesk.db", timeout=20)
    connection.execute(statement, values)
    connection.commit()
    connection.close()


def open_mail(page, site, words: str, fate: str) -> None:
    """The page of the mail with these words, once it has its fate."""
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        page.goto(f"{site.base}/desk/mail")
        page.fill("input[name=q]", words)
        with page.expect_navigation():
            page.get_by_role("button", name="Search", exact=True).last.click()
        row = page.locator("table.mail-table tbody tr", has_text=fate)
        if row.count():
            row.first.locator("a[data-row-link]").click()
            awake(page)
            return
        page.wait_for_timeout(300)
    raise AssertionError(f"no mail with “{words}” became “{fate}”")


def wait_for_fate(page, fate: str) -> None:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        if page.locator(".page-head .state", has_text=fate).count():
            awake(page)
            return
        page.wait_for_timeout(300)
        page.reload()
    raise AssertionError(f"it never became “{fate}”")


def press(page, name: str) -> None:
    """A button that asks again before it does something."""
    page.locator("main").get_by_role("button", name=name, exact=True).click()
    with page.expect_navigation():
        page.locator("dialog[open]").get_by_role("button", name=name, exact=True).click()


@pytest.mark.parametrize(("theme", "width"), [("light", 1280), ("dark", 320), ("dark", 1280), ("light", 320)])
def test_mails_are_found_read_again_moved_and_made_tickets(chromium, site, theme, width):
    mark = f"{theme}{width}"
    change(site, "UPDATE user SET is_disabled = 1 WHERE email = ?", ASKER)
    hand_in(site, compose(sender=ASKER, subject=f"Setaside {mark}", text=f"A question of {mark}."))
    hand_in(site, compose(subject=f"Machine {mark}", Auto_Submitted="auto-replied", text=f"Written by {mark}."))
    page, said = open_window(chromium, theme=theme, width=width)
    sign_in(page, site, "bruno@helpdesk.example")

    open_mail(page, site, f"Setaside {mark}", "Quarantine")
    assert complaints(page) == []
    change(site, "UPDATE user SET is_disabled = 0 WHERE email = ?", ASKER)
    press(page, "Read it again")
    wait_for_fate(page, "New ticket")
    assert complaints(page) == []

    page.fill("input[name=ticket]", "999999")
    with page.expect_navigation():
        page.get_by_role("button", name="Move", exact=True).click()
    page.locator(".error-summary").wait_for()
    awake(page)
    assert complaints(page) == []
    page.fill("input[name=ticket]", "30")
    with page.expect_navigation():
        page.get_by_role("button", name="Move", exact=True).click()
    page.locator("dl.facts a[href*='/tickets/30']").wait_for()
    awake(page)
    assert complaints(page) == []
    with page.expect_navigation():
        page.locator("dl.facts a[href*='/tickets/30']").click()
    awake(page)
    assert f"A question of {mark}." in page.locator(".thread").inner_text()
    assert "Sender not proved" in page.locator(".thread").inner_text()
    assert complaints(page) == []

    open_mail(page, site, f"Machine {mark}", "Automatic")
    press(page, "Make a ticket of it")
    wait_for_fate(page, "New ticket")
    press(page, "This is spam")
    wait_for_fate(page, "Spam")
    assert complaints(page) == []
    with page.expect_navigation():
        page.locator("main").get_by_role("button", name="Not spam", exact=True).click()
    wait_for_fate(page, "New ticket")
    page.goto(f"{site.base}/desk/mail?q={mark}&since=2020-01-01")
    awake(page)
    assert complaints(page) == []
    page.context.close()
    # The one refusal that was provoked.
    assert [text for text in said if "422" not in text] == []

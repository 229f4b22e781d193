"""Sending, clicked in a real browser: undo, send later, what became of each mail, the words of mails."""

from datetime import datetime, timedelta

import pytest

from tests.browser.site import Site, complaints, open_window, sign_in

pytestmark = pytest.mark.browser

ANSWER = "You can ask for a prefix on the registration page."
WINDOWS = [("light", 1280), ("dark", 320)]


@pytest.fixture(scope="module")
def desk(tmp_path_factory):
    """A site whose replies wait twenty seconds."""
    running = Site(tmp_path_factory.mktemp("site"), HELPDESK_MAIL_UNDO_SECONDS="20")
    yield running
    running.stop()


def awake(page) -> None:
    page.wait_for_function("document.documentElement?.classList.contains('is-awake')")


def write(page, desk, number, text=ANSWER) -> None:
    page.goto(f"{desk.base}/desk/tickets/{number}")
    awake(page)
    page.fill("#body", text)


@pytest.mark.parametrize(("theme", "width"), WINDOWS)
def test_a_reply_is_undone_while_it_counts_down(chromium, desk, theme, width):
    page, said = open_window(chromium, theme=theme, width=width)
    sign_in(page, desk, "bruno@helpdesk.example")
    write(page, desk, 30)
    page.click("button[name=send][value=open]")
    box = page.locator("section.planned")
    box.wait_for()
    awake(page)
    page.wait_for_function("/^In \\d+ s/.test(document.querySelector('[data-countdown]')?.textContent)")
    assert complaints(page) == []
    box.get_by_role("button", name="Undo").click()
    page.wait_for_url("**draft=*")
    awake(page)
    assert page.input_value("#body") == ANSWER
    assert complaints(page) == []
    page.goto(f"{desk.base}/desk/tickets/30")
    awake(page)
    page.locator("section.planned form[action$=discard] button").click()
    page.locator("dialog[open] button", has_text="Discard").click()
    page.wait_for_function("!document.querySelector('section.planned')")
    page.context.close()
    assert said == []


def test_a_reply_for_later_stands_on_the_ticket_and_can_be_sent_at_once(chromium, desk):
    page, said = open_window(chromium)
    sign_in(page, desk, "bruno@helpdesk.example")
    write(page, desk, 38, "Later words.")
    page.click("details.send-later summary")
    page.fill("[name=leaves_on]", f"{datetime.now() + timedelta(days=2):%Y-%m-%d}")
    page.fill("details.send-later [name=leaves_at]", "09:30")
    page.click("button[name=send][value=wait]")
    box = page.locator("section.planned")
    box.wait_for()
    awake(page)
    assert "9:30" in box.inner_text()
    assert complaints(page) == []
    box.get_by_role("button", name="Send now").click()
    page.wait_for_selector("article.message-desk:has-text('Later words.')")
    assert page.locator("section.planned").count() == 0
    page.context.close()
    assert said == []


def test_undo_works_without_scripts(chromium, desk):
    page, _said = open_window(chromium, java_script_enabled=False)
    sign_in(page, desk, "bruno@helpdesk.example")
    page.goto(f"{desk.base}/desk/tickets/30")
    page.fill("#body", ANSWER)
    page.click("button[name=send][value=open]")
    page.locator("section.planned").get_by_role("button", name="Undo").click()
    assert page.input_value("#body") == ANSWER
    page.context.close()


def test_what_became_of_a_mail_stands_under_the_reply(chromium, desk):
    page, said = open_window(chromium)
    sign_in(page, desk, "bruno@helpdesk.example")
    write(page, desk, 33, "Words that arrive.")
    page.click("details.send-later summary")
    page.fill("[name=leaves_on]", f"{datetime.now() + timedelta(days=2):%Y-%m-%d}")
    page.click("button[name=send][value=wait]")
    page.locator("section.planned").get_by_role("button", name="Send now").click()
    page.wait_for_selector("article.message-desk:has-text('Words that arrive.')")
    for _turn in range(40):
        page.reload()
        if page.locator("article.message-desk:has-text('Words that arrive.') .state-sent").count():
            break
        page.wait_for_timeout(250)
    assert page.locator("article.message-desk:has-text('Words that arrive.') .state-sent").inner_text() == "Sent"
    page.context.close()
    assert said == []


@pytest.mark.parametrize(("theme", "width"), WINDOWS)
def test_an_admin_changes_the_words_of_a_mail_with_a_preview(chromium, desk, theme, width):
    page, said = open_window(chromium, theme=theme, width=width)
    sign_in(page, desk, "chidi@helpdesk.example")
    for path in ("/admin/mail-templates", "/admin/mail-templates/solved/es", "/profile/mail"):
        page.goto(desk.base + path)
        awake(page)
        assert complaints(page) == [], path
    page.goto(f"{desk.base}/admin/mail-templates/received/en")
    page.fill("#subject", "We have it: {{ticket.number}}")
    page.fill("#body", "Hello {{nobody.name}}")
    page.get_by_role("button", name="Preview").click()
    page.wait_for_selector("#body-error")
    assert "nobody.name" in page.locator("#body-error").inner_text()
    page.fill("#body", "Hello **{{recipient.name}}**,\n\n{{ticket.link}}")
    page.get_by_role("button", name="Preview").click()
    page.wait_for_selector("text=We have it: 1039")
    assert page.locator("section .prose strong").inner_text() == "Amina Diallo"
    page.get_by_role("button", name="Use these words").click()
    page.wait_for_selector("text=These words are used from now on.")
    awake(page)
    page.get_by_role("button", name="Back to the original").click()
    page.locator("dialog[open] button", has_text="Back to the original").click()
    page.wait_for_selector("text=The original words are used again.")
    page.context.close()
    assert [text for text in said if "422" not in text] == []

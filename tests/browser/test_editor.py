"""Writing an article in a real browser: the preview beside the text, what is kept of it, and finding what to link to."""

import pytest

from tests.browser.site import complaints, open_window, sign_in

pytestmark = pytest.mark.browser


@pytest.fixture
def window(chromium, site):
    """A window of an analyst: (page, what its console said)."""
    page, said = open_window(chromium)
    sign_in(page, site, "bruno@helpdesk.example")
    yield page, said
    page.context.close()


def open_editor(page, site, path):
    page.goto(f"{site.base}{path}")
    page.wait_for_selector("html.is-awake")


def test_the_preview_follows_what_is_typed_and_how_far_it_is_scrolled(window, site):
    page, said = window
    open_editor(page, site, "/kb/en/lots/edit")
    pane = page.locator("[data-preview]")
    assert pane.is_visible(), "on a wide screen it stands beside the text"
    page.wait_for_selector("[data-preview] h3, [data-preview] h2")
    page.locator("#body").press("Control+End")
    page.locator("#body").press_sequentially("\n\nTyped **just now**.")
    page.wait_for_selector("[data-preview] strong:has-text('just now')")
    page.evaluate("document.querySelector('#body').scrollTop = 0")
    page.wait_for_function("document.querySelector('[data-preview]')?.scrollTop === 0")
    page.evaluate("document.querySelector('#body').scrollTop = 1e6")
    page.wait_for_function(
        "(([a]) => a.scrollTop > 0 && a.scrollTop + a.clientHeight >= a.scrollHeight - 2)"
        "([document.querySelector('[data-preview]')])"
    )
    assert complaints(page) == []
    page.click("[data-show=write]")
    assert pane.is_hidden()
    assert page.locator("#body").is_visible()
    assert said == []
    # What is kept of it is nobody else's business.
    page.wait_for_selector("[data-draft-state]:has-text('Draft saved')")
    open_editor(page, site, "/kb/en/lots/edit")
    page.get_by_role("button", name="Throw away").click()
    page.wait_for_selector("text=is thrown away")


def test_what_was_typed_is_there_again_in_another_browser(chromium, window, site):
    page, said = window
    open_editor(page, site, "/kb/new?language=fr")
    page.fill("#title", "Écrit ici")
    page.fill("#body", "Continued **elsewhere**.")
    page.wait_for_selector("[data-draft-state]:has-text('Draft saved')")
    assert page.evaluate("Object.keys(localStorage).filter((name) => name.startsWith('draft:'))") == []
    other, other_said = open_window(chromium, width=320, theme="dark")
    sign_in(other, site, "bruno@helpdesk.example")
    open_editor(other, site, "/kb/new?language=fr")
    assert complaints(other) == []
    assert other.input_value("#body") == ""
    other.click("text=Continue with it")
    other.wait_for_selector("html.is-awake")
    assert (other.input_value("#title"), other.input_value("#body")) == ("Écrit ici", "Continued **elsewhere**.")
    other.fill("#body", "Changed in the other window.")
    other.wait_for_selector("[data-draft-state]:has-text('Draft saved')")
    page.fill("#body", "Changed in this one too.")
    page.wait_for_selector("[data-draft-state]:has-text('another window')")
    assert page.evaluate("Object.keys(localStorage).filter((name) => name.startsWith('draft:'))") == [
        "draft:article-new"
    ]
    assert [line for line in said if "409" not in line] == []
    assert other_said == []
    other.context.close()


def test_a_page_that_was_only_looked_at_is_no_other_window(window, site):
    page, said = window
    open_editor(page, site, "/kb/new?language=nl")
    page.get_by_role("link", name="How-to").click()
    page.wait_for_url("**kind=how-to**")
    page.wait_for_selector("html.is-awake")
    page.fill("#title", "Begonnen met koppen")
    page.wait_for_selector("[data-draft-state]:not(:empty)")
    assert "Draft saved" in page.inner_text("[data-draft-state]")
    assert said == []


def test_without_the_server_what_is_typed_stays_in_the_browser(window, site):
    page, _said = window
    open_editor(page, site, "/kb/new?language=pt")
    page.route("**/kb/typing/**", lambda route: route.abort())
    page.fill("#title", "Sem rede")
    page.wait_for_function("localStorage.getItem('draft:article-new') !== null")
    page.unroute("**/kb/typing/**")
    open_editor(page, site, "/kb/new?language=pt")
    assert page.input_value("#title") == "Sem rede"


def test_a_link_is_found_and_put_in_by_keyboard_alone(window, site):
    page, said = window
    open_editor(page, site, "/kb/new?language=it")
    area = page.locator("#body")
    area.press_sequentially("See ")
    area.press("Control+k")
    page.wait_for_selector("dialog.picker[open]")
    page.keyboard.type("lots")
    page.wait_for_selector("dialog.picker li button")
    assert complaints(page) == []
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    assert page.evaluate("document.activeElement.matches('dialog li:nth-child(2) button')")
    page.keyboard.press("ArrowUp")
    title = page.evaluate("document.activeElement.firstChild.textContent")
    page.keyboard.press("Enter")
    page.wait_for_selector("dialog.picker", state="detached")
    assert page.input_value("#body").startswith(f"See [{title}](/kb/en/")
    assert page.evaluate("document.activeElement.id") == "body"
    page.keyboard.type(" and ")
    page.keyboard.press("Control+k")
    page.keyboard.type("tender/procurementMethod")
    page.wait_for_selector("dialog.picker li button:has-text('tender/procurementMethod')")
    page.keyboard.press("Enter")
    page.wait_for_selector("dialog.picker", state="detached")
    assert page.input_value("#body").endswith("#release-schema.json,/definitions/Tender,procurementMethod)")
    page.keyboard.press("Control+k")
    page.keyboard.press("Escape")
    page.wait_for_selector("dialog.picker", state="detached")
    assert page.evaluate("document.activeElement.id") == "body"
    # What is marked becomes the words of the link.
    area.fill("the lots")
    area.evaluate("(area) => area.setSelectionRange(4, 8)")
    page.keyboard.press("Control+k")
    page.wait_for_selector("dialog.picker li button")
    page.keyboard.press("Enter")
    page.wait_for_selector("dialog.picker", state="detached")
    assert page.input_value("#body").startswith("the [lots](/kb/")
    assert said == []

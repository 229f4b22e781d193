"""Writing and reading an article in a real browser: pasted pictures, drawings that run nothing, pages that are kept."""

import base64
import io

import pytest
from PIL import Image

from tests.browser.site import complaints, open_window, sign_in

pytestmark = pytest.mark.browser

PASTE = """([name, type, data]) => {
  const bytes = Uint8Array.from(atob(data), (char) => char.charCodeAt(0));
  const transfer = new DataTransfer();
  transfer.items.add(new File([bytes], name, { type }));
  const area = document.querySelector("#body");
  area.focus();
  area.setSelectionRange(area.value.length, area.value.length);
  area.dispatchEvent(new ClipboardEvent("paste", { clipboardData: transfer, bubbles: true, cancelable: true }));
}"""
DRAWING = (
    b"<svg xmlns='http://www.w3.org/2000/svg' width='30' height='20'><script>parent.hit = document.hit = 1; alert(1)</script>"
    b"<rect width='30' height='20' fill='teal' onclick='alert(2)'/></svg>"
)


def picture() -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (12, 8), "teal").save(out, "PNG")
    return out.getvalue()


def save(page):
    page.click("main form .submit-row .btn-primary")
    page.wait_for_url(lambda url: not url.endswith(("/edit", "/new")))


def test_pasted_pictures_stand_in_the_text_and_run_nothing(chromium, site):
    page, said = open_window(chromium)
    alerts = []
    page.on("dialog", lambda dialog: (alerts.append(dialog.message), dialog.dismiss()))
    sign_in(page, site, "bruno@helpdesk.example")
    page.goto(f"{site.base}/kb/new")
    page.wait_for_selector("html.is-awake")
    page.fill("#title", "Pictures from the clipboard")
    page.fill("#body", "Look:\n\n")
    for name, kind, data in (("shot.png", "image/png", picture()), ("drawing.svg", "image/svg+xml", DRAWING)):
        page.evaluate(PASTE, [name, kind, base64.b64encode(data).decode()])
        page.wait_for_function("name => document.querySelector('#body').value.includes(name + ')')", arg=name)
    save(page)
    sizes = page.evaluate(
        "[...document.querySelectorAll('.prose img')].map((one) => [one.naturalWidth, one.naturalHeight])"
    )
    assert sizes == [[12, 8], [30, 20]]
    with page.expect_download() as download:
        page.evaluate("() => { location.href = document.querySelector('.prose img[src$=svg]').src; }")
    assert download.value.suggested_filename == "drawing.svg", "opened by itself it is a download"
    assert alerts == []
    assert page.evaluate("window.hit") is None
    assert said == []
    assert complaints(page) == []
    page.context.close()


def test_what_readers_meet_has_no_barrier_after_changes(chromium, site):
    page, said = open_window(chromium)
    sign_in(page, site, "bruno@helpdesk.example")
    page.goto(f"{site.base}/kb/en/bids-and-tenderers/edit")
    page.wait_for_selector("html.is-awake")
    other = page.context.new_page()
    other.goto(f"{site.base}/kb/en/bids-and-tenderers/edit")
    other.fill("#body", other.input_value("#body") + "\nA line by somebody else.\n")
    other.fill("#reason", "One more line")
    save(other)
    page.fill("#title", "Publish all bids")
    page.click("main form .submit-row .btn-primary")
    page.wait_for_selector("#conflict")
    assert page.input_value("#title") == "Publish all bids"
    assert complaints(page) == []
    save(page)
    for path in (
        "/kb/en/bids-and-tenderers/history/2",
        "/kb/en/bids-and-tenderers/history/2?against=3",
        "/kb/drafts",
        "/kb/feedback?all=1",
        "/answers/?state=draft",
    ):
        page.goto(site.base + path)
        assert complaints(page) == [], path
    assert [text for text in said if "409" not in text] == []
    page.context.close()


def test_a_page_that_the_browser_kept_still_has_its_scripts(chromium, site):
    context = chromium.new_context()  # Under the real policy.
    page = context.new_page()
    said = []
    page.on("console", lambda message: said.append(message.text))
    statuses = []
    network = context.new_cdp_session(page)
    network.send("Network.enable")
    # What came over the line; the page itself is told 200 even when the browser shows what it kept.
    network.on("Network.responseReceivedExtraInfo", lambda event: statuses.append(event["statusCode"]))
    for _ in range(3):
        page.goto(f"{site.base}/kb/en/bids-and-tenderers")
        page.wait_for_selector("html.is-awake")
        # For a minute the browser need not ask; a reader who reloads makes it ask.
        page.reload()
        page.wait_for_selector("html.is-awake")
        page.goto(f"{site.base}/kb/")
    assert 304 in statuses
    page.goto(f"{site.base}/kb/en/bids-and-tenderers")
    page.click("button[value=no]")
    page.fill("#comment", "The second example is missing.")
    page.click("main form .submit-row .btn-primary")
    page.wait_for_url("**/kb/en/bids-and-tenderers#helpful")
    assert "Thank you" in page.inner_text("#helpful")
    assert said == []
    context.close()

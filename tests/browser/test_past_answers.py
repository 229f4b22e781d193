"""The second reader in a real browser: both sides, what was left out and what is new, and the decision."""

import pytest

from tests.browser.site import complaints, open_window, sign_in

pytestmark = pytest.mark.browser


def test_a_second_reader_sees_both_sides_and_decides(chromium, site):
    page, said = open_window(chromium)
    sign_in(page, site, "mona@helpdesk.example")
    page.goto(f"{site.base}/desk/answers?state=in_review")
    page.click("main .entries a")
    left, right = (
        page.locator("section[aria-labelledby=left-title]"),
        page.locator("section[aria-labelledby=right-title]"),
    )
    one, other = left.bounding_box(), right.bounding_box()
    assert one["x"] + one["width"] <= other["x"], "side by side"
    assert abs(one["y"] - other["y"]) < 4
    gone = left.locator("del").first
    assert gone.is_visible()
    assert "line-through" in gone.evaluate("each => getComputedStyle(each).textDecorationLine")
    assert gone.inner_text() not in right.inner_text()
    assert complaints(page) == []
    page.set_viewport_size({"width": 320, "height": 900})
    one, other = left.bounding_box(), right.bounding_box()
    assert one["y"] + one["height"] <= other["y"], "one below the other where there is no room"
    assert complaints(page) == []
    page.set_viewport_size({"width": 1280, "height": 900})
    page.click("button[value=back]")
    assert page.locator(".error-summary").is_visible(), "a word on what has to change is needed"
    page.fill("#comment", "Leave Lusaka out.")
    page.click("button[value=back]")
    assert "Leave Lusaka out." in page.locator("main").inner_text()
    assert page.locator("button[value=approve]").count() == 0
    page.context.close()
    assert [text for text in said if "422" not in text] == []

"""The main job, clicked: a publisher asks, an analyst answers by keyboard, a champion finds it and is connected."""

import re

import pytest

from tests.browser.site import complaints, open_window, sign_in

pytestmark = pytest.mark.browser


def awake(page) -> None:
    page.wait_for_function("document.documentElement?.classList.contains('is-awake')")


def calm(page, said) -> None:
    """Nothing wrong with the page as it is now."""
    assert complaints(page) == []
    assert said == []


def test_a_publisher_asks_an_analyst_answers_and_a_champion_is_connected(chromium, site, tmp_path):
    number = a_publisher_asks(chromium, site, tmp_path)
    an_analyst_answers(chromium, site, number)
    the_publisher_reads_the_answer(chromium, site, number)
    slug = the_analyst_publishes_it(chromium, site, number)
    a_champion_finds_it_and_meets_another(chromium, site, slug)


def a_publisher_asks(chromium, site, tmp_path) -> int:
    page, said = open_window(chromium, width=320)
    page.goto(f"{site.base}/ask")
    awake(page)
    page.fill("input[name=title]", "Do two systems need two OCID prefixes?")
    page.fill("textarea[name=body]", "Our ministry has a second procurement system.")
    page.wait_for_selector("[data-suggest-target] article, [data-suggest-target] .suggestion")
    calm(page, said)
    page.reload()
    awake(page)
    assert page.input_value("input[name=title]") == "Do two systems need two OCID prefixes?"
    page.click("main form[enctype] button.btn-primary")
    page.wait_for_selector("[aria-invalid=true]")
    assert page.input_value("textarea[name=body]") == "Our ministry has a second procurement system."
    said.clear()  # The browser itself remarks on the 422.
    page.fill("input[name=email]", "lucia@agency.example")
    sample = tmp_path / "release.json"
    sample.write_text('{"ocid": "ocds-abc123-1"}')
    page.set_input_files("input[type=file]", str(sample))
    page.click("main form[enctype] button.btn-primary")
    page.wait_for_url("**/ask/sent")
    calm(page, said)
    text = page.inner_text("main")
    page.goto(f"{site.base}/ask")
    awake(page)
    assert page.input_value("input[name=title]") == ""
    page.context.close()
    return int(re.search(r"\d+", text)[0])


def an_analyst_answers(chromium, site, number: int) -> None:
    page, said = open_window(chromium)
    sign_in(page, site, "bruno@helpdesk.example")
    page.goto(f"{site.base}/desk?sort=newest")
    awake(page)
    page.keyboard.press("j")
    page.keyboard.press("k")
    calm(page, said)
    page.goto(f"{site.base}/desk/tickets/{number}")
    awake(page)
    page.keyboard.press("?")
    page.wait_for_selector("dialog[open]")
    page.keyboard.press("Escape")
    page.keyboard.press("r")
    page.keyboard.type("A prefix belongs to a system. ")
    page.wait_for_selector("[data-insert]")
    page.locator("[data-insert]").first.click()
    assert "/kb/" in page.input_value("#body") or "/answers/" in page.input_value("#body")
    calm(page, said)
    page.locator("button[data-show=preview]").click()
    page.wait_for_selector("[data-preview] a")
    page.locator("button[data-show=write]").click()
    page.locator("#reply button[value=solve]").click()
    page.wait_for_selector("article.message:has-text('A prefix belongs to a system.')")
    page.goto(f"{site.base}/desk/tickets/{number}")
    assert "A prefix belongs to a system." in page.inner_text("main")
    page.context.close()


def the_publisher_reads_the_answer(chromium, site, number: int) -> None:
    link = site.link_to("lucia@agency.example", "A prefix belongs to a system.", f"/tickets/{number}")
    page, said = open_window(chromium, theme="dark", width=320)
    page.goto(link)
    awake(page)
    assert "key=" not in page.url
    assert "A prefix belongs to a system." in page.inner_text("main")
    calm(page, said)
    page.context.close()


def the_analyst_publishes_it(chromium, site, number: int) -> str:
    page, said = open_window(chromium, theme="dark")
    sign_in(page, site, "bruno@helpdesk.example")
    page.goto(f"{site.base}/desk/tickets/{number}/past-answer")
    awake(page)
    page.fill("input[name=title]", "Do two systems of one ministry need two prefixes?")
    for box in page.locator("input[name=stay]").all():
        box.check()
    page.locator("input[name=basis][value=nothing-personal]").check()
    page.fill("[name=reason]", "It names nobody.")
    calm(page, said)
    page.locator("button[name=do][value=review]").click()
    page.wait_for_url("**/desk/answers/*")
    calm(page, said)
    address = page.url.partition("?")[0]
    page.context.close()
    # Somebody who did not write it reads it; then it goes out.
    page, said = open_window(chromium)
    sign_in(page, site, "mona@helpdesk.example")
    page.goto(address)
    awake(page)
    page.locator("button[name=do][value=approve], button[value=approve]").first.click()
    awake(page)
    calm(page, said)
    page.get_by_role("button", name="Publish the past answer").click()
    awake(page)
    calm(page, said)
    places = [
        page.url.partition("?")[0],
        *(link.get_attribute("href") for link in page.locator("a[href*='/answers/']").all()),
    ]
    slug = next(
        found[1] for place in places if (found := re.search(r"(?<!desk)/answers/([a-z][a-z0-9-]+)(?:#.*)?$", place))
    )
    page.context.close()
    return slug


def a_champion_finds_it_and_meets_another(chromium, site, slug: str) -> None:
    page, said = open_window(chromium, width=320)
    sign_in(page, site, "amara@ppa-gh.example")
    for _ in range(40):
        page.goto(f"{site.base}/search?q=two+systems+of+one+ministry")
        if slug in page.content():
            break
        page.wait_for_timeout(500)
    page.locator(f"a[href*='{slug}']").first.click()
    awake(page)
    calm(page, said)
    page.goto(f"{site.base}/peers/")
    awake(page)
    page.locator("main .card-actions a[href*='/connect']").first.click()
    page.fill("textarea[name=reason]", "We begin with a second system in January.")
    page.select_option("select[name=topic]", "ocid-prefix")
    calm(page, said)
    page.locator("main form:has(textarea) button").last.click()
    page.wait_for_url("**/peers/connections/**")
    calm(page, said)
    page.context.close()

"""A change of language keeps the place that is being read."""

import re

import pytest

from tests.browser.site import open_window

pytestmark = pytest.mark.browser

# Which heading is being read: the last one in the upper third of the window.
READ = """() => {
  const all = [...document.querySelectorAll(".prose :is(h2, h3, h4)[id]")];
  return all.indexOf(all.filter((heading) => heading.getBoundingClientRect().top < innerHeight / 3).at(-1));
}"""


def test_the_other_language_opens_at_the_section_that_is_being_read(chromium, site):
    page, said = open_window(chromium)
    page.goto(f"{site.base}/kb/en/get-an-ocid-prefix")
    page.wait_for_function("document.documentElement?.classList.contains('is-awake')")
    headings = page.locator(".prose h2[id]")
    place = 3
    headings.nth(place).evaluate("heading => window.scrollTo(0, heading.getBoundingClientRect().top + scrollY - 40)")
    was = page.evaluate(READ)
    assert was >= place
    link = page.locator("a[hreflang=es][data-same-place]").first
    # With the keyboard: the link stands far above, and going to it must not lose the place.
    link.evaluate("link => link.focus({ preventScroll: true })")
    page.keyboard.press("Enter")
    page.wait_for_url(lambda address: "/kb/es/" in address)
    page.wait_for_function("document.documentElement?.classList.contains('is-awake')")
    page.wait_for_function("!location.hash.includes('~')")
    assert re.search(r"#h-[\w-]+$", page.url), "an address that works without scripts, too"
    ids = page.evaluate("[...document.querySelectorAll('.prose :is(h2, h3, h4)[id]')].map(heading => heading.id)")
    assert ids.index(page.evaluate("decodeURIComponent(location.hash.slice(1))")) == was
    heading = page.locator(f"[id='{page.evaluate('decodeURIComponent(location.hash.slice(1))')}']")
    assert heading.evaluate("heading => heading.tagName") in {"H2", "H3", "H4"}
    assert 0 <= heading.bounding_box()["y"] < 300
    page.context.close()
    assert said == []


def test_at_the_top_the_other_language_opens_at_its_top(chromium, site):
    page, said = open_window(chromium)
    page.goto(f"{site.base}/kb/en/get-an-ocid-prefix")
    page.wait_for_function("document.documentElement?.classList.contains('is-awake')")
    page.evaluate("document.querySelector('.prose').style.paddingTop = '120vh'")
    page.locator("a[hreflang=fr][data-same-place]").first.click()
    page.wait_for_url(lambda address: "/kb/fr/" in address)
    page.wait_for_function("document.documentElement?.classList.contains('is-awake')")
    assert "#" not in page.url
    assert page.evaluate("scrollY") == 0
    page.context.close()
    assert said == []


def test_an_address_with_a_section_that_is_not_there_opens_the_page(chromium, site):
    page, said = open_window(chromium)
    for harm in ("#nowhere~99", "#%E0%A4%A", "#~", "#x~<img src=x onerror=alert(1)>"):
        page.goto(f"{site.base}/")
        page.goto(f"{site.base}/kb/es/get-an-ocid-prefix{harm}")
        page.wait_for_function("document.documentElement?.classList.contains('is-awake')")
        assert page.locator("h1").count() == 1
    page.context.close()
    assert said == []

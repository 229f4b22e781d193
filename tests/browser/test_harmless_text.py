"""In a real browser: nothing that people wrote runs, loads from elsewhere or leads to where scripts are."""

import pytest

from tests.payloads import RENDERERS, payloads

CHUNK = 110

# Everything an attack would call, and everything that a person could do to set it off.
HOOKS = """
window.fired = [];
for (const name of ["alert", "confirm", "prompt", "print"]) {
  window[name] = () => { window.fired.push(document.currentTest || "?"); };
}
"""
SET_OFF = """
async (texts) => {
  document.addEventListener("click", (event) => {
    const link = event.target.closest && event.target.closest("a, area");
    const href = link ? String(link.getAttribute("href") || link.getAttribute("xlink:href") || "") : "";
    // Links to pages would take us away; scripts in addresses are what we look for.
    if (link && link.protocol !== "javascript:" && !href.startsWith("javascript:")) event.preventDefault();
  }, true);
  document.addEventListener("submit", (event) => {
    if (!String(event.target.action).startsWith("javascript:")) event.preventDefault();
  }, true);
  const fired = [];
  for (const [index, text] of texts.entries()) {
    const before = window.fired.length;
    const place = document.createElement("div");
    document.body.append(place);
    // Parsed as the page of a server is, where scripts run too.
    place.append(document.createRange().createContextualFragment(text));
    for (const element of place.querySelectorAll("*")) {
      for (const kind of ["mouseover", "mouseenter", "pointerover", "mousemove", "focus", "load", "error", "toggle", "pageshow", "start"]) {
        element.dispatchEvent(new Event(kind, {bubbles: kind.startsWith("mouse"), cancelable: true}));
      }
      element.dispatchEvent(new MouseEvent("click", {bubbles: true, cancelable: true}));
    }
    await new Promise((done) => setTimeout(done, 0));
    if (window.fired.length > before) fired.push(index);
    place.remove();
  }
  await new Promise((done) => setTimeout(done, 150));
  if (!fired.length && window.fired.length) fired.push(-1);
  return fired;
}
"""


@pytest.fixture
def page(chromium):
    """An empty page of a site of its own, that can load nothing; what it asked for is in ``asked``."""
    context = chromium.new_context()
    page = context.new_page()
    page.asked = []

    def answer(route):
        if route.request.url == "https://desk.example/":
            route.fulfill(body="<!doctype html><title>x</title><body>", content_type="text/html")
        else:
            page.asked.append(route.request.url)
            route.abort()

    page.route("**/*", answer)
    page.add_init_script(HOOKS)
    page.goto("https://desk.example/")
    yield page
    context.close()


@pytest.mark.browser
@pytest.mark.parametrize("kind", RENDERERS)
def test_no_attack_runs_or_loads_anything(page, kind):
    attacks = payloads()
    shown = [RENDERERS[kind](attack) for attack in attacks]
    for start in range(0, len(shown), CHUNK):
        if start:
            page.goto("https://desk.example/")
        fired = page.evaluate(SET_OFF, shown[start : start + CHUNK])
        assert [(attacks[start + index], shown[start + index]) for index in fired] == []
        assert page.url == "https://desk.example/"
    strangers = [url for url in page.asked if not url.startswith("https://desk.example/")]
    assert strangers == []
    assert [url for url in page.asked if "sign-out" in url] == []


@pytest.mark.browser
def test_the_attacks_do_run_where_nothing_is_cleaned(page):
    attacks = [attack for attack in payloads() if attack.startswith("<")]
    fired = set()
    for start in range(0, len(attacks), 20):
        page.goto("https://desk.example/")
        fired |= {start + index for index in page.evaluate(SET_OFF, attacks[start : start + 20]) if index >= 0}
    assert len(fired) > 90
    assert any(url.startswith("https://evil.example/") for url in page.asked)

"""Every page that people see, light and dark, wide and narrow: no complaint by axe, nothing on the console."""

import pytest

from tests.browser.site import complaints, open_window, sign_in

pytestmark = pytest.mark.browser

PAGES = {
    "": ("/", "/ask", "/kb/", "/kb/en/", "/kb/en/get-an-ocid-prefix", "/kb/es/get-an-ocid-prefix", "/answers/", "/search?q=prefix", "/search?q=topic:prefix",
         "/kb/collections", "/kb/collections/first-steps", "/kb/es/releases-and-records", "/kb/?topic=publishing",
         "/search", "/search?q=zzzzqqq", "/peers/", "/sign-in", "/no-such-page", "/tickets/1"),
    "daniel.osei@ppa-gh.example": ("/tickets", "/profile", "/profile/security", "/profile/tokens"),
    "amara@ppa-gh.example": ("/peers/", "/peers/profile", "/peers/connections", "/peers/connections/1", "/peers/1/connect?topic=mapping"),
    "bruno@helpdesk.example": ("/desk", "/desk?view=all", "/desk?q=prefijo", "/desk?view=all&tag=nothing-has-this", "/desk/tickets/30",
                               "/desk/tickets/38", "/desk/new", "/desk/mail", "/desk/mail/out", "/desk/mail/health", "/kb/new",
                               "/kb/en/get-an-ocid-prefix/edit", "/kb/en/get-an-ocid-prefix/history", "/kb/feedback", "/admin/people",
                               "/desk/tickets/3/past-answer", "/search?q=contrato", "/desk/answers", "/desk/answers?state=suggested",
                               "/desk/answers/13", "/desk/answers/13/edit", "/desk/answers/13/append?article=/kb/en/get-an-ocid-prefix",
                               "/desk/answers/13/files", "/desk/answers/15", "/kb/sync", "/kb/sync/1", "/kb/translations",
                               "/kb/en/releases-and-records/translate/es", "/kb/collections", "/kb/collections/first-steps/edit",
                               "/kb/collections/new", "/kb/links?q=lots", "/kb/en/publish-who-owns-a-supplier/review", "/kb/en/lots/review"),
    "chidi@helpdesk.example": ("/admin/", "/admin/outbox", "/reports/", "/admin/people/new", "/admin/organisations", "/desk/answers/14"),
}  # fmt: skip


@pytest.mark.parametrize("width", [1280, 320])
@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("who", list(PAGES), ids=["stranger", "requester", "champion", "analyst", "admin"])
def test_no_page_has_a_barrier_or_an_error(chromium, site, who, theme, width):
    page, said = open_window(chromium, theme=theme, width=width)
    if who:
        sign_in(page, site, who)
    found = {}
    for path in PAGES[who]:
        answer = page.goto(site.base + path)
        page.wait_for_function("document.documentElement?.classList.contains('is-awake')")
        assert answer.status < 500, path
        wrong = complaints(page)
        said_here = [text for text in said if "404" not in text or answer.status == 200]
        if wrong or said_here:
            found[path] = wrong + said_here
        said.clear()
        assert page.locator("h1").count() == 1, path
        assert page.title(), path
    page.context.close()
    assert found == {}


@pytest.mark.parametrize("language", ["es", "fr"])
def test_pages_speak_the_readers_language_and_the_switch_keeps_the_place(chromium, site, language):
    page, said = open_window(chromium, locale=language)
    page.goto(f"{site.base}/answers/?topic=ocid-prefix")
    assert page.locator("html").get_attribute("lang") == language
    page.goto(f"{site.base}/language/en?next=/answers/?topic=ocid-prefix")
    assert page.locator("html").get_attribute("lang") == "en"
    assert page.url.endswith("/answers/?topic=ocid-prefix")
    page.context.close()
    assert said == []


def test_everything_important_works_without_scripts(chromium, site):
    page, _said = open_window(chromium, java_script_enabled=False)
    page.goto(f"{site.base}/ask")
    page.fill("input[name=title]", "Sin guiones")
    page.fill("textarea[name=body]", "¿Funciona sin JavaScript?")
    page.fill("input[name=email]", "sin@agency.example")
    page.click("main form[enctype] button.btn-primary")
    assert "/ask/sent" in page.url
    page.context.close()

"""What the scripts do for a page, on the real templates and scripts under the real content policy, without the application."""

import json
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from types import SimpleNamespace
from urllib.parse import parse_qs

import pytest
from jinja2 import DictLoader, Environment, FileSystemLoader
from jinja2.loaders import ChoiceLoader

from core.web import PAGE_POLICY

pytestmark = pytest.mark.browser

ROOT = Path(__file__).parents[2]
TYPES = {".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml"}

FORM = """{% extends "base.html" %}{% block title %}Test{% endblock %}{% block content %}<h1>Test</h1>
{% if flashed %}<span data-draft-done="test"></span>{% endif %}{% if failed %}<div class="error-summary" tabindex="-1" data-error-summary>Wrong</div>{% endif %}
<form method="post" action="/send" enctype="multipart/form-data" data-draft="test" data-upload data-suggest-url="/suggestions" data-answered-url="/answered" data-shown-url="/shown" data-opened-url="/opened">
<input type="hidden" name="csrf_token" value="t0ken"><input name="title" aria-label="title"><input type="password" name="secret" aria-label="secret">
<div class="field"><div data-dropzone data-max-bytes="1000" data-max-label="1 kB"><input type="file" name="files" multiple aria-label="files"></div><ul data-files></ul></div>
<div data-editor data-preview-url="/preview"><div data-editor-bar hidden><button type="button" data-show="write">w</button><button type="button" data-show="preview">p</button></div>
<textarea id="body" name="body" aria-label="body"></textarea><div data-preview hidden></div></div>
<span data-draft-state></span><button type="submit" id="send">Send</button></form>
<aside data-suggest-target hidden><h2>May fit</h2></aside>
<button type="button" data-insert="[Article](/kb/en/a)" data-insert-into="#body" data-insert-ref="article:1" data-key="i" data-key-label="insert">Insert</button>
<form method="post" action="/end" data-confirm="Really?"><button type="submit" id="end">End</button></form>
<table data-rows><tr data-row><td><input type="checkbox" id="one" aria-label="one"><a data-row-link href="/one">1</a></td></tr>
<tr data-row><td><input type="checkbox" id="two" aria-label="two"><a data-row-link href="/two">2</a></td></tr></table>{% endblock %}"""


def render(**values) -> bytes:
    """The test page in the real shell."""
    loader = ChoiceLoader([DictLoader({"form.html": FORM}), FileSystemLoader(ROOT / "templates")])
    env = Environment(loader=loader, autoescape=True, extensions=["jinja2.ext.i18n"])
    env.install_null_translations(newstyle=True)
    nobody = SimpleNamespace(is_authenticated=True, name="Bruno Keller", shown_name="Bruno Keller")
    request = SimpleNamespace(path="/", full_path="/?", query_string=b"", script_root="")
    env.globals.update(
        csp_nonce=lambda: "n0nce", asset=lambda path: f"/static/{path}", can=lambda _name: True, languages=[("en", "English")],
        locale="en", text_direction="ltr", theme="auto", csrf_token=lambda: "t0ken", current_user=nobody, request=request,
        settings=SimpleNamespace(site_name="Helpdesk"), get_flashed_messages=lambda **_: [],
    )  # fmt: skip
    return env.get_template("form.html").render(values).encode()


class Site(BaseHTTPRequestHandler):
    """Answers as the application would; `answers` says how a POST ends."""

    def do_GET(self):
        path = self.path.partition("?")[0]
        if path.startswith("/static/"):
            return self.answer(200, (ROOT / path[1:]).read_bytes(), TYPES.get(Path(path).suffix, "text/plain"))
        if path == "/suggestions":
            found = [{"kind": "answer", "title": [["<b>Two</b> ", False], ["prefixes", True]], "url": "/answers/1",
                      "snippet": "", "fragment_url": "/fragment", "ref": "answer:1"}]  # fmt: skip
            return self.answer(200, json.dumps(found).encode(), "application/json")
        if path == "/fragment":
            return self.answer(200, b"<p>Whole answer</p>")
        return self.answer(200, render(flashed=path == "/flashed"))

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.server.seen.append((self.path, dict(self.headers)))
        if self.path == "/preview":
            return self.answer(200, self.server.answers["preview"])
        if self.path == "/shown":
            self.server.showings.append(parse_qs(body.decode()).get("showing", [""])[0])
            return self.answer(200, b'{"showing": "t0ken"}', "application/json")
        if self.path in {"/answered", "/opened", "/end"}:
            return self.answer(204, b"")
        status, place = self.server.answers["send"]
        if status == 303 and self.headers.get("X-Upload"):
            return self.answer(204, b"", place=("X-Location", place))
        if status == 303:
            return self.answer(303, b"", place=("Location", place))
        return self.answer(status, render(failed=True))

    def answer(self, status, body, kind="text/html; charset=utf-8", place=None):
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Content-Security-Policy", PAGE_POLICY.format(nonce="n0nce"))
        self.send_header("Referrer-Policy", "same-origin")
        if place:
            self.send_header(*place)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_args):
        """Stay silent."""


@pytest.fixture
def site():
    """A server on a free port of this machine."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Site)
    server.showings = []
    server.seen, server.answers = [], {"preview": b"<p>Preview</p>", "send": (303, "/done")}
    thread = Thread(target=partial(server.serve_forever, 0.05))
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def page(site, chromium):
    """The test page, awake, in a browser of its own; an uncaught error fails the test."""
    context = chromium.new_context(base_url=f"http://127.0.0.1:{site.server_port}")
    page = context.new_page()
    page.set_default_timeout(5000)
    errors = []
    page.on("pageerror", lambda error: errors.append(error))  # noqa: PLW0108 # A built-in cannot be a handler.
    visit(page, "/")
    yield page
    context.close()
    assert not errors


def visit(page, path):
    page.goto(path)
    page.wait_for_selector("html.is-awake")


def reload(page):
    page.reload()
    page.wait_for_selector("html.is-awake")


def type_and_wait(page, text):
    page.fill("#body", text)
    page.wait_for_selector("[data-draft-state]:has-text('Draft saved')")


def test_what_was_typed_survives_a_reload_but_a_password_does_not(page):
    page.fill("[name=secret]", "hunter2")
    type_and_wait(page, "half a question")
    reload(page)
    assert page.input_value("#body") == "half a question"
    assert page.input_value("[name=secret]") == ""
    assert "hunter2" not in page.evaluate("JSON.stringify(localStorage)")


def test_a_draft_is_gone_once_the_server_said_that_it_was_sent(page):
    type_and_wait(page, "sent")
    visit(page, "/flashed")
    visit(page, "/")
    assert page.input_value("#body") == ""


def test_a_draft_is_gone_after_the_redirect_of_a_form_that_was_accepted(page):
    type_and_wait(page, "sent")
    page.click("#send")
    page.wait_for_url("**/done")
    page.wait_for_selector("html.is-awake")
    assert page.input_value("#body") == ""


def test_a_draft_stays_when_the_form_comes_back_with_errors(page, site):
    site.answers["send"] = (422, "")
    type_and_wait(page, "refused")
    page.click("#send")
    page.wait_for_selector("html.is-awake [data-error-summary]:focus")
    assert page.input_value("#body") == "refused"


def test_nothing_in_a_fragment_can_run(page, site):
    site.answers["preview"] = (
        b'<p id="p">Text<img src="/static/icon.svg" onload="document.title=\'bad\'"><a href="javascript:document.title=\'bad\'">x</a>'
        b'<iframe srcdoc="<p>bad</p>"></iframe></p><script>document.title="bad"</script>'
    )
    page.fill("#body", "text")
    page.click("[data-show=preview]")
    page.wait_for_selector("[data-preview] #p")
    inside = page.inner_html("[data-preview]")
    assert "Text" in inside
    for danger in ("onload", "javascript:", "iframe", "script"):
        assert danger not in inside


def test_no_other_script_may_make_html(page):
    for made in (
        "document.body.innerHTML = '<p>x</p>'",
        "trustedTypes.createPolicy('helpdesk', {})",
        "trustedTypes.createPolicy('other', {})",
    ):
        assert (
            page.evaluate(f"() => {{ try {{ {made}; return 'made' }} catch (error) {{ return error.name }} }}")
            == "TypeError"
        ), made


def test_a_suggestion_is_text_and_opens_in_place(page, site):
    page.fill("[name=title]", "prefix")
    page.wait_for_selector("[data-suggest-target]:not([hidden]) .suggestion")
    assert page.inner_text(".suggestion h3") == "<b>Two</b> prefixes"
    assert page.inner_text(".suggestion mark") == "prefixes"
    page.click(".suggestion summary")
    page.wait_for_selector("text=Whole answer")
    page.click(".suggestion button")
    page.wait_for_selector("text=Good to hear")
    path, headers = site.seen[-1]
    assert (path, headers["X-CSRFToken"]) == ("/answered", "t0ken")


def test_what_is_opened_at_once_was_shown_and_a_page_that_is_loaded_again_is_the_same_showing(page, site):
    for _time in range(2):
        page.fill("[name=title]", "prefix")
        page.wait_for_selector("[data-suggest-target]:not([hidden]) .suggestion")
        page.click(".suggestion summary")
        page.wait_for_selector("text=Whole answer")
        page.wait_for_timeout(1700)
        page.reload()
        page.wait_for_selector("html.is-awake")
    said = [path for path, _headers in site.seen if path in {"/shown", "/opened"}]
    assert said == ["/shown", "/opened"] * 2
    assert site.showings == ["", "t0ken"]


def test_a_file_over_the_limit_is_refused_before_it_is_sent(page):
    files = [
        {"name": "small.txt", "mimeType": "text/plain", "buffer": b"x" * 999},
        {"name": "big.txt", "mimeType": "text/plain", "buffer": b"x" * 1001},
    ]
    page.set_input_files("[name=files]", files)
    assert "The limit is 1 kB" in page.inner_text(".file.is-refused")
    assert page.evaluate("[...document.querySelector('[name=files]').files].map(file => file.name)") == ["small.txt"]


def test_an_upload_goes_where_the_server_says_and_forgets_the_draft(page, site):
    type_and_wait(page, "with a file")
    page.set_input_files("[name=files]", [{"name": "a.txt", "mimeType": "text/plain", "buffer": b"x"}])
    page.click("#send")
    page.wait_for_url("**/done")
    assert site.seen[-1][1]["X-Upload"] == "1"
    page.wait_for_selector("html.is-awake")
    assert page.input_value("#body") == ""


def test_a_refused_upload_keeps_text_and_files(page, site):
    site.answers["send"] = (422, "")
    type_and_wait(page, "with a file")
    page.set_input_files("[name=files]", [{"name": "a.txt", "mimeType": "text/plain", "buffer": b"x"}])
    page.click("#send")
    page.wait_for_selector("[data-error-summary]:focus")
    assert page.evaluate("[...document.querySelector('[name=files]').files].map(file => file.name)") == ["a.txt"]
    assert page.input_value("#body") == "with a file"


def test_a_citation_goes_to_the_cursor_and_can_be_undone(page):
    page.fill("#body", "See ")
    page.click("[data-insert]")
    assert page.input_value("#body") == "See [Article](/kb/en/a)"
    assert page.input_value("input[name=cited]") == "article:1"
    page.keyboard.press("Control+z")
    assert page.input_value("#body") == "See "


def test_keys_walk_and_pick_rows_but_never_while_somebody_types(page):
    page.keyboard.press("j")
    page.keyboard.press("j")
    page.keyboard.press("x")
    assert page.is_checked("#two")
    assert not page.is_checked("#one")
    page.focus("#body")
    page.keyboard.type("xkx?")
    assert page.input_value("#body") == "xkx?"
    assert page.is_checked("#two")
    assert not page.is_visible("#keys")


def test_the_keys_can_be_read_and_switched_off(page):
    page.keyboard.press("?")
    assert "insert" in page.inner_text("#keys")
    page.uncheck("[data-keys-on]")
    page.keyboard.press("Escape")
    page.keyboard.press("j")
    assert page.locator(".is-current").count() == 0


def test_what_cannot_be_undone_is_asked_first(page, site):
    page.click("#end")
    page.click("dialog[open] button[value=no]")
    page.wait_for_selector("dialog[open]", state="detached")
    assert not site.seen
    page.click("#end")
    with page.expect_request("**/end"):
        page.click("dialog[open] button[value=yes]")


def test_the_theme_changes_at_once_and_is_remembered(page):
    page.click("[popovertarget=account]")
    page.click("#account [data-theme-name=dark]")
    assert page.evaluate("document.documentElement.dataset.bsTheme") == "dark"
    assert "theme=dark" in page.evaluate("document.cookie")

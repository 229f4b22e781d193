"""What is true of every answer: headers, same origin, tokens, names of the site, what is kept by browsers."""

import re

import pytest

from core import web
from core.db import db
from tests.conftest import CAST, PASSWORD

PAGES = ("/", "/ask", "/kb/", "/answers/", "/peers/", "/search?q=prefix", "/sign-in", "/no-such-page", "/healthz",
         "/api/v1/openapi.json", "/api/v1/tickets/1", "/static/css/app.css", "/tickets/999", "/desk")  # fmt: skip


@pytest.mark.parametrize("path", PAGES)
def test_every_answer_carries_the_safe_headers(browser, path):
    headers = browser.get(path).headers
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["X-Frame-Options"] == "DENY"
    assert headers["Referrer-Policy"] == "same-origin"
    assert headers["Cross-Origin-Opener-Policy"] == "same-origin"
    assert headers["Cross-Origin-Resource-Policy"] == "same-origin"
    policy = headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy


def test_each_answer_has_a_nonce_of_its_own(browser):
    nonces = {re.search(r"'nonce-([^']+)'", browser.get("/").headers["Content-Security-Policy"])[1] for _ in range(5)}
    assert len(nonces) == 5
    assert all(len(nonce) >= 22 for nonce in nonces)


def test_strict_transport_is_told_when_it_is_switched_on(app, browser):
    assert "Strict-Transport-Security" not in browser.get("/").headers
    app.config["HSTS"] = True
    assert "max-age" in browser.get("/").headers["Strict-Transport-Security"]
    app.config["HSTS"] = False


def writes(app):
    for rule in app.url_map.iter_rules():
        for method in rule.methods - {"GET", "HEAD", "OPTIONS"}:
            path = re.sub(r"<int:[^>]+>", "1", str(rule))
            is_signed = getattr(app.view_functions[rule.endpoint], "is_signed_post", False)
            yield method, re.sub(r"<[^>]+>", "x", path), is_signed


def test_no_write_is_taken_without_a_token_or_from_another_site(app, browser_of):
    bruno = browser_of("bruno")
    token = bruno.csrf
    for method, path, is_signed in writes(app):
        if path.startswith("/api/"):
            continue
        # Where a signed address stands for the token, a forged one is no address at all.
        refusal = 404 if is_signed else 400
        assert bruno.open(path, method=method, data={}).status_code == refusal, path
        assert bruno.open(path, method=method, data={"csrf_token": "forged"}).status_code == refusal, path
        foreign = bruno.open(
            path, method=method, data={"csrf_token": token}, headers={"Origin": "https://evil.example"}
        )
        assert foreign.status_code == 403, path
        cross = bruno.open(path, method=method, data={"csrf_token": token}, headers={"Sec-Fetch-Site": "cross-site"})
        assert cross.status_code == 403, path
        plain = bruno.open(path, method=method, data='{"a": 1}', content_type="text/plain")
        assert plain.status_code == refusal, path


def test_the_api_does_not_take_the_cookie_of_a_sign_in(app, browser_of):
    bruno = browser_of("bruno")
    assert bruno.get("/api/v1/tickets").status_code == 401
    assert bruno.post("/api/v1/articles", json={"title": "a", "body": "b"}).status_code in {401, 403}
    assert bruno.post("/api/v1/articles", json={}, headers={"Origin": "https://evil.example"}).status_code == 403


def test_reading_writes_nothing(app, browser_of, work):
    work()
    bruno = browser_of("bruno")
    before = rows(app)
    for rule in app.url_map.iter_rules():
        if "GET" in rule.methods and "<" not in str(rule) and not str(rule).startswith("/api/"):
            bruno.get(str(rule))
    assert rows(app) == before


def rows(app) -> dict[str, list]:
    with app.app_context():
        found = {
            table.name: sorted(map(repr, db.session.execute(table.select()).all()))
            for table in db.metadata.sorted_tables
        }
        db.session.remove()
    return found


@pytest.mark.parametrize("host", ["evil.example", "evil.example:8000", "127.0.0.1.evil.example", "[::2]"])
def test_the_site_answers_only_under_its_own_name(app, host):
    assert app.test_client().get("/", headers={"Host": host}).status_code == 400


def test_what_a_signed_in_person_sees_is_kept_by_nobody(browser_of, browser):
    response = browser_of("bruno").get("/profile")
    assert response.headers["Cache-Control"] == "no-store"
    assert "Cookie" in response.headers["Vary"]
    assert "HttpOnly" in "".join(browser.get("/sign-in").headers.getlist("Set-Cookie"))


@pytest.mark.parametrize(
    "target",
    ["//evil.example", "/\\evil.example", "https://evil.example", "/\t/evil.example", "\\/evil", "javascript:alert(1)", "", "evil",
     "/%09/evil\n", "///evil.example", "http:/evil", "/ /evil", "\x00/evil"],
)  # fmt: skip
def test_nobody_is_sent_to_another_site(target):
    assert web.safe_next(target, "/home") == "/home"


@pytest.mark.parametrize("target", ["/", "/desk?state=open", "/kb/en/x#h-1", "/tickets/1"])
def test_a_path_of_this_site_is_gone_to(target):
    assert web.safe_next(target, "/home") == target


def test_pages_and_files_are_sent_compressed_to_those_who_take_it(browser):
    page = browser.get("/ask", headers={"Accept-Encoding": "gzip"})
    assert page.headers["Content-Encoding"] == "gzip"
    sheet = browser.get(re.search(r'href="(/static/~[^"]+bootstrap[^"]+)"', browser.get("/").text)[1],
                        headers={"Accept-Encoding": "gzip"})  # fmt: skip
    assert sheet.headers["Content-Encoding"] == "gzip"
    assert "immutable" in sheet.headers["Cache-Control"]
    assert "Content-Encoding" not in browser.get("/ask").headers


def test_the_first_view_of_a_public_page_fits_a_slow_line(browser):
    for path in ("/", "/ask", "/kb/", "/answers/", "/search?q=prefix", "/peers/"):
        page = browser.get(path, headers={"Accept-Encoding": "gzip"})
        parts = set(re.findall(r'(?:href|src)="(/static/[^"]+)"', browser.get(path).text))
        total = len(page.data) + sum(
            len(browser.get(part, headers={"Accept-Encoding": "gzip"}).data) for part in parts
        )
        assert total <= 100_000, path


def test_a_password_never_appears_in_an_answer(browser):
    response = browser.send("/sign-in", {"email": CAST["paula"][1], "password": PASSWORD + "x"})
    assert PASSWORD not in response.text

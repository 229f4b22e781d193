"""No address that somebody hands us as “next” leads off this site."""

from pathlib import Path
from urllib.parse import urljoin, urlsplit

from core.web import safe_next
from tests.conftest import CAST, PASSWORD

LINES = (Path(__file__).parents[1] / "fixtures" / "redirects.txt").read_text(encoding="utf-8").splitlines()
EVIL = [
    line.encode("latin-1", "backslashreplace").decode("unicode_escape")
    for line in LINES
    if line[:1] != "#" or "evil" in line
]
BASE = "http://127.0.0.1:8000/sign-in"
GOOD = [
    "/",
    "/desk",
    "/tickets/12?sort=age&page=2",
    "/kb/en/a-b#part",
    "/search?q=a/b",
    "/@somebody",
    "/%2fevil.example",
    "/a//b",
]


def as_a_browser(target: str) -> str:
    """The host that a browser goes to from our page: it drops tabs and line ends and reads a backslash as a slash."""
    cleaned = target.strip("".join(map(chr, range(33)))).translate(dict.fromkeys((9, 10, 13), "")).replace("\\", "/")
    return urlsplit(urljoin(BASE, cleaned)).netloc


def test_the_corpus_is_large():
    assert len(EVIL) >= 50


def test_an_address_elsewhere_is_never_followed():
    assert [target for target in EVIL if safe_next(target, "/fallback") != "/fallback"] == []


def test_a_path_here_is_kept():
    assert [safe_next(target, "/fallback") for target in GOOD] == GOOD


def test_no_route_that_takes_next_sends_anybody_away(browser, browser_of):
    member = browser_of("paula")
    for target in EVIL[::6]:
        answers = [
            browser.get("/language/en", query_string={"next": target}),
            browser.get("/theme/dark", query_string={"next": target}),
            member.get("/sign-in", query_string={"next": target}),
            member.send("/language", {"language": "en", "next": target}),
        ]
        for answer in answers:
            assert answer.status_code in {302, 303, 400}
            if answer.status_code != 400:
                assert as_a_browser(answer.location) == "127.0.0.1:8000"
                assert "evil" not in answer.location


def test_signing_in_does_not_lead_away(browser):
    for target in ("//evil.example", "/\\evil.example", "/\t/evil.example", "https:evil.example"):
        browser.get("/sign-in", query_string={"next": target})
        response = browser.send("/sign-in", {"email": CAST["paula"][1], "password": PASSWORD, "next": target})
        assert response.location == "/tickets"
        browser.get("/profile")
        browser.send("/sign-out")

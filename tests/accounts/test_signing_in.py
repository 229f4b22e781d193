"""Signing in by password, out again, and what the session is worth afterwards."""

import pytest

from accounts.models import SignIn
from core.db import db
from tests.conftest import CAST, PASSWORD, member, said_to


def try_password(browser, email, password=PASSWORD, **more):
    browser.get("/sign-in")
    return browser.send("/sign-in", {"email": email, "password": password, **more})


@pytest.mark.parametrize(("key", "place"), [("bruno", "/desk"), ("amara", "/peers/"), ("paula", "/tickets")])
def test_people_go_to_their_work_after_signing_in(browser, key, place):
    response = try_password(browser, CAST[key][1])
    assert response.status_code == 302
    assert response.location == place


def test_the_address_may_be_typed_in_any_case_and_with_blanks(browser):
    assert try_password(browser, "  PAULA@Compras.Example ").status_code == 302


def test_people_go_on_to_the_page_that_they_wanted(browser):
    response = browser.get("/profile?tab=1")
    assert response.status_code == 302
    assert response.location == "/sign-in?next=/profile?tab%3D1"
    page = browser.get(response.location)
    assert 'value="/profile?tab=1"' in page.text
    response = browser.send("/sign-in", {"email": CAST["paula"][1], "password": PASSWORD, "next": "/profile?tab=1"})
    assert response.location == "/profile?tab=1"


def test_a_wrong_password_keeps_what_was_typed_and_says_so(browser):
    response = try_password(browser, CAST["paula"][1], "not this one", next="/tickets/7")
    assert response.status_code == 422
    assert "do not belong together" in response.text
    assert CAST["paula"][1] in response.text
    assert "/tickets/7" in response.text
    assert "not this one" not in response.text


def test_a_form_with_something_missing_comes_back_with_the_reason(browser):
    browser.get("/sign-in")
    for data in ({}, {"email": ""}, {"email": "no address", "password": "x"}, {"email": "a@b.example"}):
        response = browser.send("/sign-in", data)
        assert response.status_code == 422
        assert 'role="alert"' in response.text


def test_no_address_breaks_the_sign_in(browser):
    browser.get("/sign-in")
    for text in ("a\x00b@c.example", "\u202e@\u202e.example", "x" * 5000, "'; DROP TABLE user; --"):
        answer = browser.send("/sign-in", {"email": text, "password": "anything at all"})
        assert answer.status_code in {400, 422}
        assert browser.send("/sign-in/link", {"email": text}).status_code in {400, 422}


def test_whoever_is_signed_in_is_not_asked_again(browser_of):
    assert browser_of("bruno").get("/sign-in").location == "/desk"


def test_a_disabled_person_is_told_the_same_as_for_a_wrong_password(app, browser):
    with app.app_context():
        member("paula").is_disabled = True
        db.session.commit()
    response = try_password(browser, CAST["paula"][1])
    assert response.status_code == 422
    assert "do not belong together" in response.text


def test_signing_out_forgets_pages_and_drafts_but_not_the_language(browser_of):
    browser = browser_of("paula")
    response = browser.send("/sign-out")
    assert response.status_code == 303
    assert '"cache"' in response.headers["Clear-Site-Data"]
    assert '"cookies"' not in response.headers["Clear-Site-Data"]
    assert browser.get("/profile").status_code == 302


def test_a_stranger_may_press_sign_out_too(browser):
    assert browser.send("/sign-out").status_code == 303


def test_signing_in_again_ends_the_sign_in_that_was_here(app, browser_of):
    browser = browser_of("paula")
    with app.app_context():
        before = db.session.scalars(db.select(SignIn.token_hash)).all()
    browser.post("/sign-out", data={"csrf_token": browser.csrf})
    browser.sign_in("paula")
    link_page = browser.get("/profile/security")
    assert link_page.text.count(f"{said_to(app, 'paula', 'Sign out')}</button>") >= 1
    with app.app_context():
        after = db.session.scalars(db.select(SignIn.token_hash)).all()
    assert len(before) == len(after) == 1
    assert before != after


def test_the_language_is_kept_for_strangers_in_a_cookie(browser):
    response = browser.get("/language/es?next=/sign-in")
    assert response.location == "/sign-in"
    assert 'lang="es"' in browser.get("/sign-in").text
    assert "language=" not in browser.get("/language/xx").headers.get("Set-Cookie", "")


def test_the_language_of_a_person_is_kept_in_their_profile(app, browser_of):
    browser = browser_of("quentin")
    assert browser.send("/language", {"language": "es", "next": "/profile"}).location == "/profile"
    assert 'lang="es"' in browser.get("/profile").text
    with app.app_context():
        assert member("quentin").language == "es"
    assert browser.send("/language", {"language": "xx", "next": "//evil.example"}).location == "/"


def test_the_colours_are_kept_in_a_cookie_that_the_switch_can_read(browser):
    response = browser.get("/theme/dark?next=/sign-in")
    assert "HttpOnly" not in response.headers["Set-Cookie"]
    assert 'data-bs-theme="dark"' in browser.get("/sign-in").text
    browser.get("/theme/<script>")
    assert 'data-bs-theme="dark"' in browser.get("/sign-in").text

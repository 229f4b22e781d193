"""What a session cookie is worth: nothing before signing in, nothing after signing out."""

import pytest

from accounts import people
from accounts.models import SignIn
from core.db import db
from tests.conftest import CAST, PASSWORD, Browser, member, said_to


def cookie_of(browser):
    return browser.get_cookie("session").value


@pytest.fixture
def replay(app):
    """What somebody who copied a session cookie gets to see."""

    def get(cookie):
        app.test_client_class = Browser
        thief = app.test_client()
        thief.set_cookie("session", cookie)
        return thief.get("/profile").status_code

    return get


def test_a_copied_cookie_works_until_its_owner_signs_out(browser_of, replay):
    browser = browser_of("paula")
    cookie = cookie_of(browser)
    assert replay(cookie) == 200
    browser.send("/sign-out")
    assert replay(cookie) == 302


def test_a_session_from_before_signing_in_is_not_signed_in_afterwards(browser, replay):
    browser.get("/sign-in")
    before = cookie_of(browser)
    browser.send("/sign-in", {"email": CAST["paula"][1], "password": PASSWORD})
    assert cookie_of(browser) != before
    assert replay(before) == 302


def test_a_new_password_ends_every_other_sign_in_and_this_one_goes_on(browser_of, replay, app):
    here, elsewhere = browser_of("paula"), browser_of("paula")
    before = cookie_of(here)
    here.get("/profile/security")
    answer = here.send("/profile/password", {"current": PASSWORD, "password": "another long password"})
    assert answer.status_code == 303
    assert here.get("/profile").status_code == 200
    assert elsewhere.get("/profile").status_code == 302
    assert replay(before) == 302
    with app.app_context():
        assert people.is_password(member("paula").password_hash, "another long password")


def test_disabling_a_person_ends_their_sign_ins_at_once(app, browser_of):
    browser = browser_of("paula")
    with app.app_context():
        people.disable(member("paula"), by=member("chidi"))
        db.session.commit()
    assert browser.get("/profile").status_code == 302
    with app.app_context():
        people.enable(member("paula"), by=member("chidi"))
        db.session.commit()
    assert browser.get("/profile").status_code == 302


def test_a_disabled_mark_alone_is_enough(app, browser_of):
    browser = browser_of("paula")
    with app.app_context():
        member("paula").is_disabled = True
        db.session.commit()
    assert browser.get("/profile").status_code == 302


def test_a_sign_in_of_an_older_epoch_does_not_count(app, browser_of):
    browser = browser_of("paula")
    with app.app_context():
        member("paula").epoch += 1
        db.session.commit()
    assert browser.get("/profile").status_code == 302


def test_a_sign_in_ends_after_twelve_hours_however_busy(browser_of, clock):
    browser = browser_of("paula")
    for _ in range(11):
        clock(3600)
        assert browser.get("/profile").status_code == 200
    clock(7200)
    assert browser.get("/profile").status_code == 302


def test_the_end_after_twelve_hours_is_kept_by_us_not_by_the_cookie(app, browser_of):
    browser = browser_of("paula")
    with app.app_context():
        db.session.execute(db.update(SignIn).values(expires_at=SignIn.created_at))
        db.session.commit()
    assert browser.get("/profile").status_code == 302


def test_a_sign_in_ends_when_it_is_not_used_for_two_hours(browser_of, clock):
    browser = browser_of("paula")
    clock(119 * 60)
    assert browser.get("/profile").status_code == 200
    clock(121 * 60)
    assert browser.get("/profile").status_code == 302


def test_signing_out_everywhere_ends_this_sign_in_too(browser_of, replay):
    here, elsewhere = browser_of("paula"), browser_of("paula")
    cookie = cookie_of(here)
    answer = here.send("/profile/sign-out-everywhere")
    assert answer.location == "/sign-in"
    assert "Clear-Site-Data" in answer.headers
    assert here.get("/profile").status_code == 302
    assert elsewhere.get("/profile").status_code == 302
    assert replay(cookie) == 302


def test_one_sign_in_can_be_ended_and_nobody_elses(app, browser_of):
    here, elsewhere, stranger = browser_of("paula"), browser_of("paula"), browser_of("quentin")
    with app.app_context():
        others = db.session.scalars(db.select(SignIn.id).where(SignIn.user_id == member("paula").id)).all()
    page = here.get("/profile/security").text
    assert page.count(f">{said_to(app, 'paula', 'this one')}<") == 1
    for number in others:
        assert f"/profile/sign-ins/{number}/end" in page
        assert stranger.send(f"/profile/sign-ins/{number}/end").status_code == 404
    assert here.send(f"/profile/sign-ins/{others[1]}/end").status_code == 303
    assert elsewhere.get("/profile").status_code == 302
    assert here.get("/profile").status_code == 200
    here.get("/profile/security")
    assert here.send(f"/profile/sign-ins/{others[0]}/end").location == "/sign-in"
    assert here.get("/profile").status_code == 302
    assert stranger.send(f"/profile/sign-ins/{2**70}/end").status_code == 404


def test_the_cookie_is_out_of_reach_for_scripts_and_other_sites(browser_of):
    browser = browser_of("paula")
    cookie = browser.get_cookie("session")
    assert cookie.http_only
    assert cookie.same_site == "Lax"


def test_pages_of_a_signed_in_person_are_not_kept_by_caches(browser_of):
    browser = browser_of("paula")
    for path in ("/profile", "/profile/security", "/profile/tokens", "/sign-in"):
        answer = browser.get(path)
        assert answer.headers["Cache-Control"] == "no-store"
        assert "Cookie" in answer.headers["Vary"]


def test_a_cookie_is_not_enough_for_the_api(browser_of):
    browser = browser_of("bruno")
    assert browser.get("/api/v1/tickets").status_code == 401

"""Whoever guesses passwords or asks who is here learns nothing and is stopped, and its victim is not locked out."""

import re
import shutil
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from argon2 import PasswordHasher

from accounts import people
from app import create_app
from core.db import db
from core.jobs import Job
from core.mail import OutgoingMail
from core.settings import Security
from tests.conftest import CAST, PASSWORD, Browser, make_settings, member

KNOWN, UNKNOWN = CAST["paula"][1], "nobody-here@compras.example"


class CountingHasher(PasswordHasher):
    """argon2 that counts how often it is put to work."""

    verified = 0

    def verify(self, hash, password):
        type(self).verified += 1
        return super().verify(hash, password)


@pytest.fixture
def verified(monkeypatch):
    """How often a password was put against a hash."""
    CountingHasher.verified = 0
    monkeypatch.setattr(people, "_hasher", CountingHasher(time_cost=2, memory_cost=19456, parallelism=1))
    return lambda: CountingHasher.verified


@pytest.fixture
def guess(app):
    """Tries a password from a network address, with a browser that nobody knows."""
    app.test_client_class = Browser

    def run(email, password="wrong", address="198.51.100.7", **headers):
        client = app.test_client()
        client.get("/sign-in")
        return client.send(
            "/sign-in",
            {"email": email, "password": password},
            environ_overrides={"REMOTE_ADDR": address},
            headers=headers,
        )

    return run


def without_tokens(page, *texts):
    for text in texts:
        page = page.replace(text, "X")
    return re.sub(r'(nonce|value)="[^"]*"', "", page)


def test_a_wrong_password_and_an_unknown_address_get_the_same_answer(guess):
    known, unknown = guess(KNOWN), guess(UNKNOWN)
    assert known.status_code == unknown.status_code == 422
    assert without_tokens(known.text, KNOWN) == without_tokens(unknown.text, UNKNOWN)
    assert set(known.headers.keys()) == set(unknown.headers.keys())


def test_as_much_work_is_done_for_whoever_is_not_here(app, guess, verified):
    with app.app_context():
        people.find_or_add("no-password@compras.example")
        member("quentin").is_disabled = True
        db.session.commit()
    for number, email in enumerate((KNOWN, UNKNOWN, "no-password@compras.example", CAST["quentin"][1]), start=1):
        assert guess(email, "some other password").status_code == 422
        assert verified() == number


@pytest.mark.parametrize("email", [KNOWN, UNKNOWN])
def test_asking_for_a_link_does_the_same_for_whoever_is_not_here(app, browser, statements, email):
    browser.get("/sign-in")
    with statements() as seen:
        answer = browser.send("/sign-in/link", {"email": email})
    assert answer.status_code == 303
    assert answer.location == "/sign-in/sent"
    assert not any('FROM "user"' in statement for statement in seen)
    with app.app_context():
        assert [job.kind for job in db.session.scalars(db.select(Job))] == ["accounts.mail_link"]


def test_the_page_after_asking_for_a_link_is_the_same(app):
    app.test_client_class = Browser
    pages = []
    for email in (KNOWN, UNKNOWN):
        client = app.test_client()
        client.get("/sign-in")
        client.send("/sign-in/link", {"email": email})
        pages.append(without_tokens(client.get("/sign-in/sent").text, email))
    assert pages[0] == pages[1]


def test_unknown_and_disabled_people_get_no_mail(app, ask_for_link, work, outbox):
    with app.app_context():
        member("quentin").is_disabled = True
        db.session.commit()
    ask_for_link(UNKNOWN)
    ask_for_link(CAST["quentin"][1])
    work()
    assert outbox() == []
    with app.app_context():
        assert db.session.scalars(db.select(OutgoingMail)).all() == []


def test_ten_wrong_passwords_then_no_more_wherever_from(guess, verified):
    codes = [guess(KNOWN, address=f"203.0.113.{number}").status_code for number in range(20)]
    assert codes == [422] * 10 + [429] * 10
    assert verified() == 10
    refused = guess(KNOWN, PASSWORD, address="203.0.113.99")
    assert refused.status_code == 429
    assert 0 < int(refused.headers["Retry-After"]) <= 900
    assert KNOWN in refused.text


def test_other_ways_to_write_an_address_are_the_same_account(guess, verified):
    variants = [KNOWN.upper(), f" {KNOWN}", f"{KNOWN} ", KNOWN.title(), f"\t{KNOWN}", KNOWN.swapcase()] * 3
    codes = [guess(email, address=f"203.0.113.{number}").status_code for number, email in enumerate(variants)]
    assert codes.count(422) == 10
    assert verified() == 10


def test_thirty_wrong_passwords_from_one_network_then_no_more_whoever_for(guess, verified):
    codes = [guess(f"person-{number}@compras.example").status_code for number in range(40)]
    assert codes == [422] * 30 + [429] * 10
    assert verified() == 30


HEADERS = ("X-Forwarded-For", "X-Real-IP", "Forwarded", "True-Client-IP", "CF-Connecting-IP", "X-Client-IP")


def test_an_address_that_the_caller_made_up_does_not_help(app, guess):
    settings = app.extensions["settings"]
    app.extensions["settings"] = replace(settings, limits=replace(settings.limits, sign_in_per_address=3))
    for number in range(3):
        guess(f"person-{number}@compras.example")
    for header in HEADERS:
        value = "for=203.0.113.9" if header == "Forwarded" else "203.0.113.9"
        assert guess("another@compras.example", **{header: value}).status_code == 429, header


def test_behind_one_proxy_only_what_the_proxy_added_counts(tmp_path, sqlite_template):
    shutil.copy(sqlite_template, tmp_path / "helpdesk.db")
    settings = make_settings(tmp_path, security=Security(secret_key="x" * 40, proxies=1))
    app = create_app(replace(settings, limits=replace(settings.limits, sign_in_per_address=3)))
    app.test_client_class = Browser
    codes = []
    for number in range(6):
        client = app.test_client()
        client.get("/sign-in")
        # The proxy appends the true address; what stands before it came from the caller.
        headers = {"X-Forwarded-For": f"203.0.113.{number}, 198.51.100.7"}
        codes.append(
            client.send(
                "/sign-in", {"email": f"p{number}@x.example", "password": "wrong"}, headers=headers
            ).status_code
        )
    assert codes == [422] * 3 + [429] * 3


def test_neighbours_in_one_ipv6_network_count_together(app, guess):
    settings = app.extensions["settings"]
    app.extensions["settings"] = replace(settings, limits=replace(settings.limits, sign_in_per_address=3))
    codes = [
        guess(f"p{number}@x.example", address=f"2001:db8:0:{number}::{number + 1}").status_code for number in range(6)
    ]
    assert codes == [422] * 3 + [429] * 3


def test_many_at_once_get_no_more_tries(app, verified):
    app.test_client_class = Browser
    clients = [app.test_client() for _ in range(20)]
    for client in clients:
        client.get("/sign-in")
    with ThreadPoolExecutor(20) as pool:
        codes = list(
            pool.map(
                lambda client: client.send("/sign-in", {"email": KNOWN, "password": "wrong"}).status_code, clients
            )
        )
    assert codes.count(422) == verified() == 10
    assert codes.count(429) == 10


def test_the_right_password_is_not_counted(guess):
    for _ in range(12):
        assert guess(KNOWN, PASSWORD).status_code == 302


def test_whoever_is_signed_in_stays_so_and_comes_back_in_their_browser_while_others_guess(guess, browser_of):
    owner = browser_of("paula")
    for number in range(15):
        guess(KNOWN, address=f"203.0.113.{number}")
    assert guess(KNOWN, PASSWORD).status_code == 429
    assert owner.get("/profile").status_code == 200
    owner.send("/sign-out")
    owner.get("/sign-in")
    assert owner.send("/sign-in", {"email": KNOWN, "password": PASSWORD}).status_code == 302


def test_a_browser_that_is_known_for_one_person_has_no_more_tries_for_another(guess, browser_of):
    mine = browser_of("quentin")
    mine.send("/sign-out")
    for number in range(10):
        guess(KNOWN, address=f"203.0.113.{number}")
    mine.get("/sign-in")
    assert mine.send("/sign-in", {"email": KNOWN, "password": PASSWORD}).status_code == 429


def test_a_known_browser_cannot_guess_for_ever(browser_of):
    mine = browser_of("paula")
    mine.send("/sign-out")
    codes = []
    for _ in range(12):
        mine.get("/sign-in")
        codes.append(mine.send("/sign-in", {"email": KNOWN, "password": "wrong"}).status_code)
    assert codes == [422] * 10 + [429] * 2


def test_the_tries_come_back_after_a_quarter_of_an_hour(guess, clock):
    for number in range(11):
        guess(KNOWN, address=f"203.0.113.{number}")
    clock(901)
    assert guess(KNOWN, PASSWORD).status_code == 302


def test_an_address_gets_three_links_an_hour_and_the_answer_stays_the_same(app, links_in):
    app.test_client_class = Browser
    for number in range(6):
        client = app.test_client()
        client.get("/sign-in")
        answer = client.send(
            "/sign-in/link", {"email": KNOWN}, environ_overrides={"REMOTE_ADDR": f"203.0.113.{number}"}
        )
        assert (answer.status_code, answer.location) == (303, "/sign-in/sent")
    assert len(links_in(KNOWN)) == 3


def test_a_network_address_may_ask_for_twenty_links_an_hour(app):
    app.test_client_class = Browser
    client = app.test_client()
    client.get("/sign-in")
    codes = [client.send("/sign-in/link", {"email": f"p{number}@x.example"}).status_code for number in range(25)]
    assert codes == [303] * 20 + [429] * 5


def test_whoever_holds_a_session_cannot_guess_the_password_through_the_profile(browser_of, verified):
    browser = browser_of("paula")
    before = verified()
    browser.get("/profile/security")
    codes = [
        browser.send(
            "/profile/password", {"current": f"guess {number}", "password": "a long new password"}
        ).status_code
        for number in range(14)
    ]
    assert codes == [422] * 10 + [429] * 4
    assert verified() - before == 10

"""Sign-in links: mailed, single-use, short-lived, hashed at rest, worth nothing to anybody else."""

import sqlite3
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import text

from accounts import links, people
from accounts.models import SignIn, SignInLink
from core import jobs
from core.db import db
from core.mail import OutgoingMail
from tests.conftest import CAST, Browser, member


def press(browser, path):
    """Open a link and press its button."""
    browser.get(path)
    return browser.send(path)


def test_a_link_signs_in_and_goes_to_the_page_that_was_wanted(browser, ask_for_link, links_in):
    answer = ask_for_link(CAST["paula"][1], next="/tickets/5")
    assert answer.status_code == 303
    assert CAST["paula"][1] in browser.get(answer.location).text
    (link,) = links_in(CAST["paula"][1])
    path = link.removeprefix("http://127.0.0.1:8000")
    page = browser.get(path)
    assert page.status_code == 200
    assert page.headers["Cache-Control"] == "no-store"
    assert CAST["paula"][1] in page.text
    response = browser.send(path)
    assert (response.status_code, response.location) == (302, "/tickets/5")
    assert browser.get("/profile").status_code == 200


def test_opening_a_link_does_not_use_it_up(browser, link_of):
    path = link_of("paula")
    for _ in range(3):
        assert browser.get(path).status_code == 200
    assert browser.head(path).status_code == 200
    assert press(browser, path).status_code == 302


def test_the_mail_says_the_same_in_text_and_html_in_the_language_of_the_person(ask_for_link, work, outbox):
    ask_for_link(CAST["quentin"][1])
    work()
    (mail,) = outbox()
    assert mail["Content-Language"] == "fr"
    assert mail["Auto-Submitted"] == "auto-generated"
    plain, html = (mail.get_body((kind,)).get_content() for kind in ("plain", "html"))
    link = next(line for line in plain.splitlines() if "/sign-in/" in line)
    assert html.count(link) == 2
    assert "<img" not in html
    assert "-- " in plain.splitlines()


def test_the_name_that_a_stranger_typed_is_not_in_the_mail(app, ask_for_link, work, outbox):
    with app.app_context():
        people.find_or_add("new@typed.example", name="Win a prize at evil.example")
        db.session.commit()
    ask_for_link("new@typed.example")
    work()
    assert "prize" not in str(outbox()[0])


def test_the_first_sign_in_by_link_proves_the_address(app, browser, ask_for_link, links_in):
    with app.app_context():
        people.find_or_add("new@typed.example")
        db.session.commit()
    ask_for_link("new@typed.example")
    press(browser, links_in("new@typed.example")[0].removeprefix("http://127.0.0.1:8000"))
    with app.app_context():
        assert people.find("new@typed.example").verified_at is not None


def test_a_used_link_says_so_and_offers_a_new_one(browser, link_of, app):
    path = link_of("paula")
    assert press(browser, path).status_code == 302
    app.test_client_class = Browser
    other = app.test_client()
    page = other.get(path)
    assert page.status_code == 404
    assert 'action="/sign-in/link"' in page.text
    assert other.send(path).status_code == 404
    assert other.get("/profile").status_code == 302


def test_no_other_token_signs_in(browser, link_of):
    browser.get(link_of("paula"))
    long = ("a" * 43, "A" * 5000)
    for token in ("%20", "NULL", "None", "0", "%00", "%27%20OR%201=1--", "%F0%9F%94%91", "../../", *long):
        response = browser.post(f"/sign-in/{token}", data={"csrf_token": browser.csrf})
        assert response.status_code in {400, 404}, token
    assert browser.get("/profile").status_code == 302


def test_a_token_with_a_letter_more_or_less_or_changed_does_not_work(browser, link_of):
    path = link_of("paula")
    for wrong in (path[:-1], path + "A", path[:-1] + ("A" if path[-1] != "A" else "B"), path + "%20", path.swapcase()):
        browser.get(path)
        assert browser.post(wrong, data={"csrf_token": browser.csrf}).status_code in {404, 405}
    assert press(browser, path).status_code == 302


def test_a_row_without_a_hash_is_no_open_door(app, browser, link_of):
    path = link_of("paula")
    with app.app_context():
        db.session.execute(text("UPDATE sign_in_link SET token_hash = ''"))
        db.session.commit()
    assert browser.get("/sign-in/%20").status_code == 404
    assert press(browser, path).status_code == 404


def test_a_link_ends_after_half_an_hour(browser, link_of, clock):
    path = link_of("paula")
    clock(29 * 60)
    assert browser.get(path).status_code == 200
    clock(2 * 60)
    assert browser.get(path).status_code == 404
    browser.get("/sign-in")
    assert browser.send(path).status_code == 404


def test_a_link_dies_with_the_password_it_was_made_under(app, browser, link_of):
    path = link_of("paula")
    with app.app_context():
        paula = member("paula")
        people.set_password(paula, "a new password for paula", by=paula)
        db.session.commit()
    assert press(browser, path).status_code == 404


def test_a_link_dies_when_the_person_is_shut_out(app, browser, link_of):
    path = link_of("paula")
    with app.app_context():
        people.disable(member("paula"), by=member("chidi"))
        db.session.commit()
    assert press(browser, path).status_code == 404


def test_a_link_signs_in_its_own_person_whoever_opens_it(app, browser_of, link_of):
    path = link_of("quentin")
    paula = browser_of("paula")
    page = paula.get(path)
    assert CAST["quentin"][1] in page.text
    assert CAST["paula"][1] in page.text
    assert paula.send(path).status_code == 302
    assert CAST["quentin"][1] in paula.get("/profile").text
    with app.app_context():
        paula_id = member("paula").id
        assert db.session.scalar(db.select(db.func.count()).where(SignIn.user_id == paula_id)) == 0


def test_of_fifty_who_redeem_a_link_at_once_one_gets_in(app, link_of):
    path = link_of("paula")
    app.test_client_class = Browser
    clients = [app.test_client() for _ in range(50)]
    for client in clients:
        client.get(path)
    with ThreadPoolExecutor(50) as pool:
        codes = list(pool.map(lambda client: client.send(path).status_code, clients))
    assert codes.count(302) == 1
    assert codes.count(404) == 49
    assert sum(client.get("/profile").status_code == 200 for client in clients) == 1
    with app.app_context():
        assert db.session.scalar(db.select(db.func.count()).select_from(SignIn)) == 1


def test_the_secret_is_not_in_the_database(app, link_of, engine_name):
    token = link_of("paula").rpartition("/")[2]
    with app.app_context():
        kept = [str(tuple(row)) for table in db.metadata.sorted_tables for row in db.session.execute(table.select())]
        assert not [row for row in kept if token in row]
        assert [row for row in kept if links.hash_of(token) in row]
        mail = db.session.scalars(db.select(OutgoingMail)).one()
        assert "filled-in" in mail.text
        assert mail.state == "sent"
        folder = app.extensions["settings"].data_dir
        db.session.remove()
    if engine_name == "sqlite":
        assert sqlite3.sqlite_version
        assert not any(token.encode() in path.read_bytes() for path in folder.glob("helpdesk.db*"))


def test_a_mail_that_is_late_does_not_carry_a_dead_link(app, ask_for_link, work, outbox):
    ask_for_link(CAST["paula"][1])
    with app.app_context():
        jobs.run_due()  # The link is made and its mail is queued, but not sent.
        db.session.execute(db.update(SignInLink).values(used_at=db.func.now()))
        db.session.commit()
    work()
    assert outbox() == []
    with app.app_context():
        assert db.session.scalars(db.select(OutgoingMail.state)).all() == ["dead"]


def test_old_links_are_forgotten(app, link_of, clock):
    link_of("paula")
    clock(2 * 86400)
    with app.app_context():
        links.sweep()
        db.session.commit()
        assert db.session.scalars(db.select(SignInLink)).all() == []


FORGED = [
    {"X-Forwarded-Host": "evil.example"},
    {"X-Forwarded-Host": "evil.example", "X-Forwarded-Proto": "https", "X-Forwarded-Port": "444"},
    {"X-Host": "evil.example"},
    {"X-Original-Host": "evil.example", "X-Forwarded-Server": "evil.example", "X-HTTP-Host-Override": "evil.example"},
    {"Forwarded": 'for=1.2.3.4;host="evil.example";proto=https'},
    {"X-Forwarded-Prefix": "/evil.example", "X-Script-Name": "//evil.example", "X-Original-URL": "//evil.example/"},
]


def test_links_begin_with_our_own_address_whatever_a_request_says(app, links_in):
    app.test_client_class = Browser
    names = list(CAST)
    for number, headers in enumerate(FORGED):
        client = app.test_client()
        client.get("/sign-in", headers=headers)
        email = CAST[names[number]][1]
        assert client.send("/sign-in/link", {"email": email}, headers=headers).status_code == 303
        (link,) = links_in(email)
        assert link.startswith("http://127.0.0.1:8000/sign-in/")


@pytest.mark.parametrize("address", ["http://127.0.0.1:81", "https://localhost:9999"])
def test_links_begin_with_our_own_address_whatever_name_we_are_called_by(app, links_in, address):
    app.test_client_class = Browser
    client = app.test_client()
    client.get("/sign-in", base_url=address)
    answer = client.send("/sign-in/link", {"email": CAST["paula"][1]}, base_url=address)
    assert answer.status_code == 303
    (link,) = links_in(CAST["paula"][1])
    assert link.startswith("http://127.0.0.1:8000/sign-in/")


def test_another_name_is_not_answered(browser):
    for host in (
        "evil.example", "evil.example:8000", "127.0.0.1.evil.example", "127.0.0.1@evil.example", "[::2]", "[::1", "",
        "evil.example@127.0.0.1", "evil.example#127.0.0.1", "127.0.0.1:8000@evil.example", "127.0.0.1 evil.example",
        "127.0.0.1,evil.example", "127.0.0.1\\evil.example", "127.0.0.1/evil.example",
    ):  # fmt: skip
        answer = browser.get("/sign-in", headers={"Host": host})
        assert answer.status_code == 400, host
        assert "evil" not in answer.text


def test_our_own_name_is_answered_in_any_case(browser):
    assert browser.get("/sign-in", headers={"Host": "LocalHost:8000"}).status_code == 200

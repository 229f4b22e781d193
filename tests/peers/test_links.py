"""Answering by the link in a mail, without signing in: for its own person, its own connection, for a while."""

import re

import pytest

from accounts import people
from core import signing
from core.db import db
from peers import connections, grants
from peers.models import Connection
from tests.conftest import Browser, member
from tests.peers.conftest import champion, proposed


@pytest.fixture
def asked(made, work):
    """A proposed connection whose two sides were mailed."""
    made(champion, "dalia")
    number = made(proposed)
    work()
    return number


@pytest.fixture
def fresh(app):
    """Browsers that nobody has used yet."""
    app.test_client_class = Browser
    return app.test_client


@pytest.fixture
def state(look):
    return lambda number: look(lambda: db.session.get(Connection, number).state)


def test_both_say_yes_by_the_links_in_their_mails_without_signing_in(asked, fresh, link_of, state, work, mails_to):
    path = f"/peers/connections/{asked}"
    for key, outcome in (("dalia", "proposed"), ("paula", "introduced")):
        page = fresh()
        opened = page.get(link_of(key))
        assert opened.status_code == 302
        assert opened.headers["Location"] == path
        text = page.get(path).text
        assert "Yes, introduce us" in text
        assert "@" not in re.search(r"<main.*</main>", text, re.DOTALL)[0]
        # Opening alone, as mail scanners do, answers nothing.
        assert state(asked) == "proposed"
        assert page.send(f"{path}/answer", {"answer": "accept"}).status_code == 303
        assert state(asked) == outcome
    work()
    assert "Dalia Benítez" in page.get(path).text
    assert "dalia@dncp.example" in page.get(path).text
    for key, other in (("dalia", "paula@compras.example"), ("paula", "dalia@dncp.example")):
        mail = mails_to(key)[-1]
        assert mail.startswith("connection_introduced")
        assert other in mail


def test_the_introduction_goes_to_the_two_alone(asked, app, look, work):
    from core.mail import OutgoingMail

    with app.app_context():
        connection = db.session.get(Connection, asked)
        connections.accept(connection, by=connection.seeker)
        connections.accept(connection, by=connection.helper)
        db.session.commit()
        db.session.remove()
    work()
    sent = look(lambda: [(row.recipient, row.reply_to) for row in db.session.scalars(
        db.select(OutgoingMail).where(OutgoingMail.notice == "connection_introduced"))])  # fmt: skip
    assert sorted(sent) == [
        ("dalia@dncp.example", "paula@compras.example"),
        ("paula@compras.example", "dalia@dncp.example"),
    ]


def test_one_no_by_a_link_ends_it(asked, fresh, link_of, state):
    page = fresh()
    page.get(link_of("dalia"))
    page.get(f"/peers/connections/{asked}")
    assert page.send(f"/peers/connections/{asked}/answer", {"answer": "decline"}).status_code == 303
    assert state(asked) == "declined"
    other = fresh()
    other.get(link_of("paula"))
    other.get(f"/peers/connections/{asked}")
    late = other.send(f"/peers/connections/{asked}/answer", {"answer": "accept"})
    assert late.status_code == 409
    assert state(asked) == "declined"


def refused(page, path: str, number: int) -> None:
    opened = page.get(path)
    assert opened.status_code == 404
    assert "This link no longer works" in opened.text
    assert page.get(f"/peers/connections/{number}").status_code == 404
    assert page.send(f"/peers/connections/{number}/answer", {"answer": "accept"}).status_code == 404


@pytest.mark.parametrize("spoil", [
    lambda key: key[:-9] + ("A" if key[-9] != "A" else "B") + key[-8:], lambda key: "x" + key[1:], lambda key: key + "0",
    lambda key: key.rpartition(".")[0], lambda key: "forged", lambda key: key[::-1], lambda key: "%00", lambda key: "é",
])  # fmt: skip
def test_a_forged_or_altered_link_opens_nothing(asked, fresh, link_of, state, spoil):
    path, _, key = link_of("dalia").partition("key=")
    page = fresh()
    opened = page.get(f"{path}key={spoil(key)}")
    assert opened.status_code in {400, 404}
    assert page.get(f"/peers/connections/{asked}").status_code == 404
    assert state(asked) == "proposed"


def test_a_key_that_was_signed_for_another_purpose_or_by_another_site_opens_nothing(asked, app, fresh, look):
    def keys():
        dalia = member("dalia")
        made_for = [asked, dalia.id, dalia.epoch]
        return [
            signing.sign("ticket-link", made_for), signing.sign(grants.PURPOSE, [asked, dalia.id, dalia.epoch + 1]),
            signing.sign(grants.PURPOSE, [asked, member("bruno").id, 1]), signing.sign(grants.PURPOSE, {"id": asked}),
            signing.sign(grants.PURPOSE, [asked]), signing.sign(grants.PURPOSE, [str(asked), dalia.id, dalia.epoch]),
        ]  # fmt: skip

    forged = look(keys)
    key = app.config["SECRET_KEY"]
    app.config["SECRET_KEY"] = "another-site-0123456789abcdefghijklmnop"
    forged.append(look(lambda: signing.sign(grants.PURPOSE, [asked, member("dalia").id, member("dalia").epoch])))
    app.config["SECRET_KEY"] = key
    for text in forged:
        refused(fresh(), f"/peers/connections/{asked}?key={text}", asked)


def test_the_link_of_another_connection_opens_nothing_here(asked, made, work, fresh, link_of):
    other = made(proposed, "quentin")
    work()
    key = link_of("dalia").partition("key=")[2]
    page = fresh()
    refused(page, f"/peers/connections/{asked}?key={key}", asked)
    assert page.get(f"/peers/connections/{other}?key={key}").status_code == 302
    assert page.get(f"/peers/connections/{asked}").status_code == 404


def test_a_link_ends_after_thirty_days_and_so_does_the_browser_that_opened_it(asked, fresh, link_of, clock):
    old, opened = fresh(), fresh()
    path = link_of("dalia")
    clock(days=29)
    assert opened.get(path).status_code == 302
    assert opened.get(f"/peers/connections/{asked}").status_code == 200
    clock(days=2)
    refused(old, path, asked)
    clock(days=30)
    assert opened.get(f"/peers/connections/{asked}").status_code == 404


def test_a_browser_that_is_used_every_day_does_not_keep_a_link_alive(asked, fresh, link_of):
    page = fresh()
    page.get(link_of("dalia"))
    with page.session_transaction() as session:
        user_id, epoch, ends = session["connection_grants"][str(asked)]
        session["connection_grants"] = {str(asked): [user_id, epoch, ends - grants.SECONDS - 1]}
    assert page.get(f"/peers/connections/{asked}").status_code == 404


def test_a_link_ends_with_a_new_password_also_where_it_was_opened(asked, app, fresh, link_of):
    opened = fresh()
    path = link_of("dalia")
    opened.get(path)
    assert opened.get(f"/peers/connections/{asked}").status_code == 200
    with app.app_context():
        people.set_password(member("dalia"), "another long password entirely", by=member("dalia"))
        db.session.commit()
        db.session.remove()
    assert opened.get(f"/peers/connections/{asked}").status_code == 404
    assert opened.send(f"/peers/connections/{asked}/answer", {"answer": "accept"}).status_code == 404
    refused(fresh(), path, asked)


def test_a_link_ends_when_its_person_is_shut_out(asked, app, fresh, link_of, look):
    epoch = look(lambda: member("paula").epoch)
    path = link_of("paula")
    with app.app_context():
        people.disable(member("paula"), by=member("chidi"))
        # Even if the number that ends links had not risen.
        member("paula").epoch = epoch
        db.session.commit()
        db.session.remove()
    refused(fresh(), path, asked)


def test_a_link_opened_by_somebody_else_who_is_signed_in_makes_nobody_of_them(asked, browser_of, link_of, state):
    path = link_of("dalia")
    rafael = browser_of("rafael")
    opened = rafael.get(path)
    assert opened.status_code == 403
    assert "This link is for somebody else" in opened.text
    assert rafael.get(f"/peers/connections/{asked}").status_code == 404
    bruno = browser_of("bruno")
    assert bruno.get(path).status_code == 302
    assert bruno.send(f"/peers/connections/{asked}/answer", {"answer": "accept"}).status_code == 403
    paula = browser_of("paula")
    paula.get(path)
    assert paula.send(f"/peers/connections/{asked}/answer", {"answer": "decline"}).status_code == 303
    assert state(asked) == "declined"


def test_a_link_gives_its_own_side_and_nothing_else_of_the_site(asked, made, fresh, link_of):
    page = fresh()
    page.get(link_of("dalia"))
    assert page.get("/peers/connections").status_code == 302
    assert page.get("/peers/profile").status_code == 302
    assert page.get("/profile").status_code == 302
    answer = page.get(f"/peers/connections/{asked}")
    assert answer.headers["Cache-Control"] == "no-store"
    assert 'name="robots" content="noindex"' in answer.text

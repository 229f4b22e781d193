"""Commands about people."""

import pytest

from accounts import people
from accounts.models import ApiToken
from core.db import db
from tests.conftest import CAST, PASSWORD, member


@pytest.fixture
def run(app):
    """Runs a command."""
    runner = app.test_cli_runner()
    return lambda *words, **more: runner.invoke(args=["accounts", *words], **more)


def test_a_person_is_made_with_roles_and_a_password_from_standard_input(app, run, browser):
    result = run("create", "New@Desk.example", "--role", "analyst", "--role", "manager", "--name", "New One", "--password-stdin",
                 input=f"{PASSWORD}\n")  # fmt: skip
    assert result.exit_code == 0, result.output
    browser.get("/sign-in")
    assert browser.send("/sign-in", {"email": "new@desk.example", "password": PASSWORD}).location == "/desk"
    with app.app_context():
        assert people.find("new@desk.example").roles == {"analyst", "manager"}


MISTAKES = [
    ("create", "no address", "--role", "admin"), ("create", CAST["paula"][1], "--role", "admin"),
    ("create", "a@b.example", "--role", "emperor"), ("create", "a@b.example", "--role", "admin", "--password-stdin"),
    ("token", "nobody@x.example", "--scope", "tickets:read"), ("token", CAST["paula"][1], "--scope", "everything"),
    ("token", CAST["paula"][1]), ("disable", "nobody@x.example"), ("link", "nobody@x.example"),
]  # fmt: skip


def test_a_mistake_ends_with_a_sentence_and_changes_nothing(app, run):
    for words in MISTAKES:
        result = run(*words, input="short\n")
        assert result.exit_code != 0, words
        assert "Traceback" not in result.output
    with app.app_context():
        assert people.find("a@b.example") is None
        assert member("paula").roles == {"requester"}
        assert db.session.scalars(db.select(ApiToken)).all() == []


def test_a_token_is_printed_alone_and_works(app, run):
    result = run("token", CAST["bruno"][1], "--scope", "tickets:read", "--scope", "tickets:write")
    secret = result.stdout.strip()
    assert secret.startswith("ocds_")
    with app.app_context():
        assert db.session.scalars(db.select(ApiToken)).one().scopes == ["tickets:read", "tickets:write"]
    client = app.test_client()
    assert client.get("/api/v1/tickets", headers={"Authorization": f"Bearer {secret}"}).status_code == 200


def test_a_link_is_printed_for_when_mail_does_not_work(run, browser):
    path = run("link", CAST["paula"][1]).stdout.split()[0].removeprefix("http://127.0.0.1:8000")
    browser.get(path)
    assert browser.send(path).status_code == 302


def test_a_person_is_shut_out_and_let_in(app, run, browser_of):
    browser = browser_of("paula")
    assert run("disable", CAST["paula"][1]).exit_code == 0
    assert browser.get("/profile").status_code == 302
    assert run("link", CAST["paula"][1]).exit_code != 0
    assert run("enable", CAST["paula"][1]).exit_code == 0
    with app.app_context():
        assert member("paula").is_active

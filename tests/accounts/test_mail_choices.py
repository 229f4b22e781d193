"""Which mails one wants, one's signature, and leaving a list by one click."""

import pytest

from accounts import mail_choices
from core.db import db
from tests.conftest import member


def choice(app, key) -> tuple[bool, bool, str]:
    with app.app_context():
        row = mail_choices.of(member(key))
        found = (row.wants_digest, row.wants_notices, row.signature)
        db.session.remove()
    return found


def link(app, key, name) -> str:
    with app.app_context():
        mail_choices.choose(member(key), by=None, wants_digest=True)
        db.session.commit()
        found = mail_choices.unsubscribe_link(member(key), name)
        db.session.remove()
    return found.removeprefix("http://127.0.0.1:8000")


def test_a_mail_program_takes_its_reader_from_the_list_without_cookies_or_tokens_of_forms(app, browser):
    path = link(app, "dalia", "digest")
    answer = browser.post(path, data={"List-Unsubscribe": "One-Click"})
    assert (answer.status_code, answer.data) == (200, b"")
    assert choice(app, "dalia")[0] is False
    assert browser.post(path, data={"List-Unsubscribe": "One-Click"}).status_code == 200


def test_opening_the_link_changes_nothing_and_its_button_does(app, browser):
    path = link(app, "dalia", "digest")
    page = browser.get(path)
    assert (page.status_code, "Stop these mails" in page.text) == (200, True)
    assert choice(app, "dalia")[0] is True
    done = browser.post(path, data={"List-Unsubscribe": "One-Click", "page": "1"})
    assert "No more of these mails" in done.text
    assert choice(app, "dalia")[0] is False


@pytest.mark.parametrize("change", [
    lambda token: token[:-1] + ("a" if token[-1] != "a" else "b"), lambda token: token.replace("digest", "notices"),
    lambda token: token.replace(".", ".9", 1), lambda token: "digest.1.", lambda token: "x", lambda token: token + "x",
])  # fmt: skip
def test_a_forged_link_takes_nobody_from_a_list(app, browser, change):
    path = link(app, "dalia", "digest")
    start, _slash, token = path.rpartition("/")
    forged = f"{start}/{change(token)}"
    assert browser.get(forged).status_code == 404
    assert browser.post(forged, data={"List-Unsubscribe": "One-Click"}).status_code == 404
    assert choice(app, "dalia") == (True, True, "")


def test_other_forms_still_need_their_token(app, browser_of):
    """The door for mail programs is one view, not all of them."""
    assert browser_of("dalia").post("/profile/mail", data={"wants_digest": "y"}).status_code == 400
    assert choice(app, "dalia")[0] is False


def test_a_champion_chooses_digests_and_an_analyst_notices_and_a_signature(app, browser_of):
    dalia, bruno = browser_of("dalia"), browser_of("bruno")
    assert "signature" not in dalia.get("/profile/mail").text
    assert dalia.send("/profile/mail", {"wants_digest": "y", "signature": "x", "version": "0"}).status_code == 303
    assert choice(app, "dalia") == (True, True, "")
    assert bruno.send("/profile/mail", {"signature": "Bruno\r\nAnalyst  ", "version": "0"}).status_code == 303
    assert choice(app, "bruno") == (False, False, "Bruno\nAnalyst")
    late = bruno.send("/profile/mail", {"signature": "Other", "wants_notices": "y", "version": "0"})
    assert (late.status_code, "Other" in late.text) == (409, True)
    long = bruno.send("/profile/mail", {"signature": "x" * 1001, "version": "1"})
    assert (long.status_code, "x" * 1001 in long.text) == (422, True)
    assert "your own questions only" in browser_of("rafael").get("/profile/mail").text

"""One's own profile, password and tokens."""

import re
from datetime import timedelta

import pytest

from accounts import people, sign_ins
from accounts.models import ApiToken, Organisation
from core.db import db, now
from core.events import Event
from core.exceptions import NotNow, Refused
from tests.conftest import CAST, PASSWORD, member

DETAILS = {
    "name": "Paula  Ortiz Díaz", "organisation": "Compras Públicas", "country": "PY", "languages": ["es", "pt"],
    "other_language": "gn", "language": "es", "time_zone": "America/Asuncion",
}  # fmt: skip


def version_in(page):
    return re.search(r'name="version"[^>]*value="(\d+)"', page.text)[1]


def save(browser, **changes):
    page = browser.get("/profile")
    return browser.send("/profile", {"version": version_in(page), **DETAILS, **changes})


def test_a_profile_is_saved_and_shown_again(app, browser_of):
    browser = browser_of("paula")
    assert save(browser).status_code == 303
    page = browser.get("/profile").text
    assert "Paula Ortiz Díaz" in page
    assert re.search(r'<option selected value="America/Asuncion">', page)
    with app.app_context():
        paula = member("paula")
        assert (paula.name, paula.country, paula.organisation.name) == ("Paula Ortiz Díaz", "PY", "Compras Públicas")
        assert paula.languages == ["es", "gn", "pt"]
        event = db.session.scalars(db.select(Event).where(Event.name == "person.changed")).one()
        assert set(event.data["fields"]) == {"name", "organisation", "country", "languages", "time_zone"}
        assert "Ortiz" not in str(event.data)


def test_pages_follow_the_language_and_the_time_zone_of_the_profile(browser_of):
    browser = browser_of("paula")
    save(browser, language="fr")
    assert '<html lang="fr"' in browser.get("/profile").text


def test_what_was_typed_is_kept_when_something_is_wrong(browser_of):
    browser = browser_of("paula")
    response = save(
        browser, name="  ", organisation="A new one", country="ZZ", time_zone="Mars/Olympus", languages=["xx"]
    )
    assert response.status_code == 422
    assert "A new one" in response.text
    assert response.text.count('class="field-error"') >= 3


def test_a_profile_that_was_changed_meanwhile_is_not_overwritten(app, browser_of):
    browser = browser_of("paula")
    page = browser.get("/profile")
    with app.app_context():
        people.change(member("paula"), by=member("bruno"), name="Paula by the desk")
        db.session.commit()
    response = browser.send("/profile", {"version": version_in(page), **DETAILS})
    assert response.status_code == 409
    assert "Paula Ortiz Díaz" in response.text
    with app.app_context():
        assert member("paula").name == "Paula by the desk"
        assert db.session.scalars(db.select(Organisation)).all() == []
    assert browser.send("/profile", {"version": version_in(response), **DETAILS}).status_code == 303


def test_nobody_changes_their_address_or_roles_by_the_profile(app, browser_of):
    browser = browser_of("paula")
    save(browser, email="other@compras.example", roles=["admin"], is_disabled="1", epoch="9")
    with app.app_context():
        assert member("paula").roles == {"requester"}


def test_organisations_of_one_name_and_country_are_one(app, browser_of):
    save(browser_of("paula"))
    save(browser_of("quentin"), organisation="  Compras   Públicas ")
    with app.app_context():
        assert db.session.scalar(db.select(db.func.count()).select_from(Organisation)) == 1


def test_the_profile_is_for_those_who_are_signed_in(browser):
    for path in ("/profile", "/profile/security", "/profile/tokens"):
        assert browser.get(path).location == f"/sign-in?next={path}"


def test_a_weak_password_is_refused_with_the_reason(browser_of):
    browser = browser_of("paula")
    browser.send("/language", {"language": "en"})
    browser.get("/profile/security")
    weak = {
        "short": "at least 12",
        "x" * 1001: "1,000",
        "a" * 16: "too easy",
        CAST["paula"][1]: "too easy",
        "": "Write the new",
    }
    for password, reason in weak.items():
        response = browser.send("/profile/password", {"current": PASSWORD, "password": password})
        assert response.status_code == 422
        assert reason in response.text


def test_the_old_password_is_needed_for_a_new_one(browser_of):
    browser = browser_of("paula")
    browser.get("/profile/security")
    for current in ("", "not the old one"):
        answer = browser.send("/profile/password", {"current": current, "password": "a long new password"})
        assert answer.status_code == 422
    assert browser.send("/profile/password", {"password": "a long new password"}).status_code == 422


def test_whoever_came_by_link_sets_a_password_without_the_old_one_for_a_while(browser, link_of, clock):
    path = link_of("paula")
    browser.get(path)
    browser.send(path)
    assert 'name="current"' not in browser.get("/profile/security").text
    clock(1900)
    assert 'name="current"' in browser.get("/profile/security").text
    assert browser.send("/profile/password", {"password": "a long new password"}).status_code == 422


def test_a_forgotten_password_is_set_anew_and_its_owner_is_told(browser, link_of, work, outbox):
    path = link_of("paula")
    browser.get(path)
    browser.send(path)
    browser.get("/profile/security")
    assert browser.send("/profile/password", {"password": "a long new password"}).status_code == 303
    browser.send("/sign-out")
    browser.get("/sign-in")
    answer = browser.send("/sign-in", {"email": CAST["paula"][1], "password": "a long new password"})
    assert answer.status_code == 302
    work()
    last = outbox()[-1]
    assert last["To"].addresses[0].addr_spec == CAST["paula"][1]
    assert "sign-in" in last.get_body(("plain",)).get_content()


def test_composed_and_decomposed_accents_are_one_password():
    assert people.is_password(people.hash_password("contrase\u00f1a larga y fea"), "contrasen\u0303a larga y fea")


def test_a_token_is_shown_once_and_kept_as_a_hash(app, browser_of):
    browser = browser_of("bruno")
    browser.get("/profile/tokens")
    answer = browser.send(
        "/profile/tokens", {"name": "import", "scopes": ["tickets:read", "people:read"], "days": "30"}
    )
    assert answer.status_code == 201
    token = re.search(r"ocds_[\w-]{43}", answer.text)[0]
    assert token not in browser.get("/profile/tokens").text
    with app.app_context():
        row = db.session.scalars(db.select(ApiToken)).one()
        assert row.token_hash == sign_ins.hash_of(token)
        assert row.scopes == ["tickets:read", "people:read"]
        assert timedelta(days=29) < row.expires_at - now() <= timedelta(days=30)
        assert not [
            table
            for table in db.metadata.sorted_tables
            for line in db.session.execute(table.select())
            if token in str(tuple(line))
        ]


def test_tokens_for_the_desk_are_not_for_requesters(app, browser_of):
    browser = browser_of("paula")
    assert "people:read" not in browser.get("/profile/tokens").text
    for scopes in (["people:read"], ["tickets:read", "mail:write"], ["everything"], []):
        answer = browser.send("/profile/tokens", {"name": "x", "scopes": scopes, "days": "30"})
        assert answer.status_code == 422
    with app.app_context(), pytest.raises(Refused):
        sign_ins.make_token(member("paula"), ["articles:write"])


def test_a_token_ends_within_a_year(app, browser_of):
    browser = browser_of("bruno")
    browser.get("/profile/tokens")
    for days in ("0", "-1", "3650", "soon", ""):
        answer = browser.send("/profile/tokens", {"name": "x", "scopes": ["tickets:read"], "days": days})
        assert answer.status_code == 422, days
    with app.app_context(), pytest.raises(Refused):
        sign_ins.make_token(member("bruno"), ["tickets:read"], days=400)


def test_nobody_hoards_tokens(context):
    bruno = member("bruno")
    for _ in range(sign_ins.MOST_TOKENS):
        sign_ins.make_token(bruno, ["tickets:read"])
    with pytest.raises(NotNow):
        sign_ins.make_token(bruno, ["tickets:read"])
    sign_ins.revoke(sign_ins.tokens_of(bruno)[0], by=bruno)
    assert sign_ins.make_token(bruno, ["tickets:read"])


@pytest.fixture
def token_of(app):
    """Makes a token of one of the cast: (number, secret)."""

    def make(key):
        with app.app_context():
            secret = sign_ins.make_token(member(key), ["tickets:read"], name="a program")
            db.session.commit()
            return sign_ins.tokens_of(member(key))[0].id, secret

    return make


def test_a_token_is_revoked_by_its_owner_or_an_admin_alone(app, browser_of, token_of):
    number, _ = token_of("bruno")
    for key in ("paula", "carla", "mona"):
        assert browser_of(key).send(f"/profile/tokens/{number}/revoke").status_code == 404
    assert browser_of("paula").send(f"/profile/tokens/{number + 999}/revoke").status_code == 404
    assert browser_of("bruno").send(f"/profile/tokens/{number}/revoke").location == "/profile/tokens"
    number, _ = token_of("bruno")
    assert "/admin/people/" in browser_of("chidi").send(f"/profile/tokens/{number}/revoke").location
    with app.app_context():
        assert not any(token.is_live for token in sign_ins.tokens_of(member("bruno")))


def ask_api(app, secret):
    return app.test_client().get("/api/v1/tickets", headers={"Authorization": f"Bearer {secret}"}).status_code


def test_a_token_works_until_it_is_revoked_or_ends_or_its_person_is_shut_out(app, token_of, clock):
    number, secret = token_of("bruno")
    assert ask_api(app, secret) == 200
    assert ask_api(app, secret + "x") in {401, 403}
    with app.app_context():
        assert db.session.get(ApiToken, number).last_used_on is not None
        sign_ins.revoke(db.session.get(ApiToken, number), by=member("bruno"))
        db.session.commit()
    assert ask_api(app, secret) in {401, 403}
    _, secret = token_of("carla")
    with app.app_context():
        people.disable(member("carla"), by=member("chidi"))
        db.session.commit()
    assert ask_api(app, secret) in {401, 403}
    number, secret = token_of("mona")
    with app.app_context():
        db.session.get(ApiToken, number).expires_at = now() - timedelta(seconds=1)
        db.session.commit()
    assert ask_api(app, secret) in {401, 403}


def test_a_token_opens_no_page(app, token_of):
    _, secret = token_of("bruno")
    client = app.test_client()
    assert client.get("/profile", headers={"Authorization": f"Bearer {secret}"}).status_code == 302
    assert client.get(f"/profile?access_token={secret}").status_code == 302

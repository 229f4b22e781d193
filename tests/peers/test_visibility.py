"""Who sees which profile: each champion chose, and what is drawn from the rest of them shows nowhere."""

import re

import pytest

from accounts import people
from core.db import db
from core.policy import can
from peers import directory
from peers.models import Profile
from tests.conftest import member
from tests.peers.conftest import TOPIC, champion, introduced

LEVELS = ("hidden", "staff", "peers", "public")
# reader -> the levels that they see
SEEN = {
    None: {"public"},
    "paula": {"public"},
    "rafael": {"public"},
    "amara": {"peers", "public"},
    "bruno": {"staff", "peers", "public"},
    "mona": {"staff", "peers", "public"},
}
MARKS = (
    "Dalia",
    "Benítez",
    "dalia@dncp.example",
    "dncp",
    "Zyzzyva",
    "Xylotomy",
    "Quaffle",
    "Paraguay",
    'href="/peers/1"',
)


@pytest.fixture
def seen_by(browser, browser_of):
    return lambda key: browser_of(key) if key else browser


@pytest.mark.parametrize("reader", SEEN)
@pytest.mark.parametrize("visibility", LEVELS)
def test_the_choice_holds_on_every_page(app, made, seen_by, visibility, reader):
    number = made(champion, "dalia", visibility=visibility, headline="Zyzzyva", offers="Xylotomy", seeks="Quaffle")
    page = seen_by(reader)
    listed, alone, form = page.get("/peers/"), page.get(f"/peers/{number}"), page.get(f"/peers/{number}/connect")
    if visibility in SEEN[reader]:
        assert "Zyzzyva" in listed.text
        assert "Paraguay" in listed.text
        assert "<circle" in listed.text
        assert alone.status_code == 200
        assert "Xylotomy" in alone.text
        assert "dalia@dncp.example" not in listed.text + alone.text
    else:
        assert alone.status_code == form.status_code == 404
        assert "<circle" not in listed.text
        for mark in MARKS:
            assert mark not in listed.text + alone.text + form.text, mark
        unknown = page.get("/peers/99999")
        assert unknown.status_code == 404
        assert text_of(unknown.text) == text_of(alone.text)


def text_of(html: str) -> str:
    return re.sub(r'nonce="[^"]*"|value="[^"]*"|/peers/\d+', "", html)


@pytest.mark.parametrize("filters", ["", "?country=PY", "?language=es", f"?topic={TOPIC}", "?from=1"])
def test_no_filter_and_no_count_tells_of_a_hidden_profile(made, browser_of, filters):
    made(champion, "dalia", visibility="hidden", headline="Zyzzyva")
    made(champion, "amara", headline="Seen by all champions")
    made(champion, "rafael", visibility="staff")
    text = browser_of("amara").get(f"/peers/{filters}").text
    for mark in (*MARKS, "Brazil"):
        assert mark not in text, mark


def test_every_rule_of_one_profile_says_the_same_as_the_list(context):
    for key, visibility in zip(("dalia", "rafael", "quentin", "carla"), LEVELS, strict=True):
        champion(key, visibility=visibility)
    champion("mona", visibility="public")
    people.disable(member("mona"), by=member("chidi"))
    champion("paula", visibility="public")
    people.give_roles(member("paula"), ["requester"], by=member("chidi"))
    db.session.flush()
    profiles = db.session.scalars(db.select(Profile)).unique().all()
    assert len(profiles) == 6
    for key in (None, "paula", "amara", "dalia", "rafael", "quentin", "bruno", "chidi"):
        reader = member(key) if key else None
        listed = set(db.session.scalars(Profile.visible_to(reader)).unique())
        assert listed == {profile for profile in profiles if can(reader, "profile.see", profile)}, key


def test_a_disabled_champion_and_a_former_one_are_gone_from_everywhere(made, app, browser, browser_of):
    number = made(champion, "dalia", visibility="public", headline="Zyzzyva")
    assert "Zyzzyva" in browser.get("/peers/").text
    with app.app_context():
        people.give_roles(member("dalia"), ["requester"], by=member("chidi"))
        db.session.commit()
        db.session.remove()
    for page in (browser, browser_of("bruno")):
        assert "Zyzzyva" not in page.get("/peers/").text
        assert page.get(f"/peers/{number}").status_code == 404


@pytest.mark.parametrize("visibility", LEVELS)
@pytest.mark.parametrize("reader", [None, "paula", "amara", "bruno"])
def test_lines_on_the_map_follow_the_choice_of_both_ends(context, visibility, reader):
    champion("dalia", visibility="public")
    champion("quentin", visibility="public")
    introduced("quentin", "dalia")
    db.session.flush()
    of = member(reader) if reader else None
    assert [(line.one, line.other, line.count) for line in directory.lines(of)] == [("PY", "SN", 1)]
    champion("quentin", visibility=visibility)
    db.session.flush()
    assert bool(directory.lines(of)) == (visibility in SEEN[reader])
    champion("quentin", visibility="public")
    champion("dalia", visibility=visibility)
    db.session.flush()
    assert bool(directory.lines(of)) == (visibility in SEEN[reader])


def test_the_country_of_an_asker_without_a_profile_is_on_the_map_for_champions_and_staff_alone(context):
    champion("dalia", visibility="public")
    introduced("paula", "dalia")
    db.session.flush()
    drawn = [bool(directory.lines(member(key) if key else None)) for key in (None, "rafael", "amara", "bruno")]
    assert drawn == [False, False, True, True]


def test_a_name_that_is_missing_is_not_made_from_the_address(made, app, browser):
    with app.app_context():
        member("dalia").name = ""
        db.session.commit()
        db.session.remove()
    number = made(champion, "dalia", visibility="public")
    text = browser.get("/peers/").text + browser.get(f"/peers/{number}").text
    assert "A champion" in text
    assert "dalia" not in text.lower()


def test_profiles_can_be_opened_so_often_in_an_hour(made, app, browser, browser_of, clock):
    number = made(champion, "dalia", visibility="public")
    own = made(champion, "amara")
    limit = app.extensions["settings"].limits.profiles_per_hour
    amara = browser_of("amara")
    paths = [f"/peers/{number}", f"/peers/{number}/connect", "/peers/424242"]
    for page in (amara, browser):
        codes = [page.get(paths[turn % 3]).status_code for turn in range(limit)]
        assert 429 not in codes
        refused = page.get(paths[0])
        assert refused.status_code == 429
        assert int(refused.headers["Retry-After"]) > 0
        assert page.get(paths[1]).status_code == 429
    assert amara.get(f"/peers/{own}").status_code == 200
    assert browser.get("/peers/").status_code == 200
    bruno = browser_of("bruno")
    assert {bruno.get(paths[0]).status_code for _turn in range(limit + 2)} == {200}
    clock(hours=1, seconds=1)
    assert browser.get(paths[0]).status_code == 200


@pytest.mark.parametrize("path", ["/peers/99999999999999999999", "/peers/9223372036854775808", "/peers/0",
                                  "/peers/connections/99999999999999999999", "/peers/99999999999999999999/connect"])  # fmt: skip
def test_numbers_that_no_row_can_have_are_unknown(browser_of, path):
    assert browser_of("bruno").get(path).status_code == 404

"""Pages of peers: forms keep what was typed, lists stay cheap, and what stands in the way is said."""

import re

import pytest

from accounts.models import Role, User
from core.db import db
from core.mail import OutgoingMail
from peers import connections, profiles
from peers.models import Connection, Profile, ProfileTopic
from tests.conftest import member, said_to
from tests.peers.conftest import REASON, TOPIC, champion, introduced, proposed

MOST_STATEMENTS = 12
PROFILE = {
    "visibility": "peers", "headline": "Moved a portal from PDF to OCDS", "offers": "Telling how", "seeks": "Lots",
    "systems": "PostgreSQL,  Flatten   Tool ,", "capacity": "3", "paused_until": "", "topic-bids": "expert",
    "topic-mapping": "", "topic-gossip": "expert", "version": "0",
}  # fmt: skip


def kept(key: str) -> dict:
    profile = profiles.of(member(key))
    return {
        "headline": profile.headline, "systems": profile.systems, "visibility": profile.visibility,
        "topics": {row.topic: row.level for row in profile.topics}, "version": profile.version,
    }  # fmt: skip


def test_a_champion_keeps_a_profile(browser_of, look):
    amara = browser_of("amara")
    form = amara.get("/peers/profile").text
    assert re.search(r'value="hidden" checked', form)
    response = amara.send("/peers/profile", PROFILE)
    assert response.status_code == 303
    assert look(lambda: kept("amara")) | {"version": 0} == {
        "headline": "Moved a portal from PDF to OCDS", "systems": ["PostgreSQL", "Flatten Tool"], "visibility": "peers",
        "topics": {"bids": "expert"}, "version": 0,
    }  # fmt: skip
    form = amara.get("/peers/profile").text
    assert 'value="PostgreSQL, Flatten Tool"' in form
    version = re.search(r'name="version" value="(\d+)"', form)[1]
    again = {**PROFILE, "version": version, "topic-bids": "working", "topic-use": "learning", "visibility": "public"}
    assert amara.send("/peers/profile", again).status_code == 303
    assert look(lambda: kept("amara"))["topics"] == {"bids": "working", "use": "learning"}


@pytest.mark.parametrize("wrong", [
    {"capacity": "many"}, {"capacity": "11"}, {"capacity": "-1"}, {"visibility": "everybody"}, {"visibility": ""},
    {"headline": "x" * 201}, {"offers": "x" * 2001}, {"paused_until": "tomorrow"},
])  # fmt: skip
def test_a_profile_with_a_mistake_comes_back_with_everything_typed(browser_of, look, wrong):
    amara = browser_of("amara")
    response = amara.send("/peers/profile", {**PROFILE, "seeks": "A colleague who knows lots", **wrong})
    assert response.status_code == 422
    assert "Please look at this again" in response.text
    assert "A colleague who knows lots" in response.text
    assert re.search(r'id="topic-bids".*?value="expert" selected', response.text)
    for value in wrong.values():
        if value and value != "everybody":
            assert value in response.text
    assert look(lambda: profiles.of(member("amara"))) is None


def test_a_profile_that_was_changed_in_another_window_is_not_overwritten(made, browser_of, look):
    made(champion, "amara", headline="First")
    amara = browser_of("amara")
    version = re.search(r'name="version" value="(\d+)"', amara.get("/peers/profile").text)[1]
    made(champion, "amara", headline="Second")
    response = amara.send("/peers/profile", {**PROFILE, "version": version, "headline": "Third"})
    assert response.status_code == 409
    assert 'value="Third"' in response.text
    assert look(lambda: kept("amara"))["headline"] == "Second"
    fresh = re.search(r'name="version" value="(\d+)"', response.text)[1]
    assert amara.send("/peers/profile", {**PROFILE, "version": fresh, "headline": "Third"}).status_code == 303
    assert look(lambda: kept("amara"))["headline"] == "Third"


@pytest.mark.parametrize(("key", "code"), [("paula", 403), ("bruno", 403), ("rafael", 403)])
def test_only_champions_keep_profiles(browser_of, key, code):
    page = browser_of(key)
    assert page.get("/peers/profile").status_code == code
    assert page.send("/peers/profile", PROFILE).status_code == code


def test_a_stranger_is_asked_to_sign_in_before_the_pages_of_champions(browser):
    for path in ("/peers/profile", "/peers/connections"):
        response = browser.get(path)
        assert response.status_code == 302
        assert "/sign-in" in response.headers["Location"]


def test_a_champion_proposes_for_themselves_and_staff_for_somebody(made, browser_of, look):
    number = made(champion, "dalia")
    response = browser_of("amara").send(f"/peers/{number}/connect", {"topic": TOPIC, "reason": REASON})
    assert response.status_code == 303
    form = {
        "topic": "bids",
        "reason": REASON,
        "seeker": "New.Person@gov.example",
        "origin_kind": "ticket",
        "origin_id": "7",
    }
    assert browser_of("bruno").send(f"/peers/{number}/connect", form).status_code == 303
    rows = look(lambda: [
        (row.seeker.email, row.helper.email, row.proposed_by.email, row.origin_kind, row.origin_id)
        for row in db.session.scalars(db.select(Connection).order_by(Connection.id)).unique()
    ])  # fmt: skip
    assert rows == [
        ("amara@ppa.example", "dalia@dncp.example", "amara@ppa.example", "directory", None),
        ("new.person@gov.example", "dalia@dncp.example", "bruno@helpdesk.example", "ticket", 7),
    ]


@pytest.mark.parametrize(("origin", "kept_as"), [
    ({"origin_kind": "ticket", "origin_id": "7"}, ("directory", None)),
    ({"origin_kind": "answer", "origin_id": "7"}, ("answer", 7)),
    ({"origin_kind": "answer", "origin_id": "9" * 30}, ("directory", None)),
    ({"origin_kind": "../etc", "origin_id": "x"}, ("directory", None)),
])  # fmt: skip
def test_a_champion_cannot_say_that_a_proposal_came_from_a_ticket(made, browser_of, look, origin, kept_as):
    number = made(champion, "dalia")
    sent = browser_of("amara").send(f"/peers/{number}/connect", {"topic": TOPIC, "reason": REASON, **origin})
    assert sent.status_code == 303
    assert look(
        lambda: [(row.origin_kind, row.origin_id) for row in db.session.scalars(db.select(Connection)).unique()]
    ) == [kept_as]


@pytest.mark.parametrize(("wrong", "said"), [
    ({"seeker": ""}, "Whom is it for?"), ({"seeker": "nobody"}, "not an e-mail address"), ({"reason": ""}, "required"),
    ({"topic": "gossip"}, "valid choice"), ({"seeker": "dalia@dncp.example"}, "two different people"),
    ({"reason": "Dalia did it."}, "Leave the name"), ({"reason": "x" * 2001}, "2000"),
])  # fmt: skip
def test_a_proposal_with_a_mistake_comes_back_with_everything_typed(made, browser_of, look, wrong, said):
    number = made(champion, "dalia")
    sent = {"topic": "bids", "reason": REASON, "seeker": "somebody@gov.example", **wrong}
    response = browser_of("bruno").send(f"/peers/{number}/connect", sent)
    assert response.status_code == 422
    assert said in response.text
    assert sent["seeker"] in response.text
    assert sent["reason"] in response.text
    assert look(lambda: db.session.scalar(db.select(db.func.count()).select_from(Connection))) == 0


def test_a_proposal_that_comes_at_the_wrong_time_keeps_what_was_typed_and_adds_nobody(made, browser_of, look):
    number = made(champion, "dalia", capacity=0)
    sent = {"topic": "bids", "reason": REASON, "seeker": "new.person@gov.example"}
    response = browser_of("bruno").send(f"/peers/{number}/connect", sent)
    assert response.status_code == 409
    assert "as many connections as they can hold" in response.text
    assert REASON in response.text
    assert "new.person@gov.example" in response.text
    assert look(lambda: db.session.scalar(db.select(User.id).where(User.email == "new.person@gov.example"))) is None


def test_an_address_stands_in_no_link_and_only_staff_get_it_by_number(made, look, browser_of):
    number = made(champion, "dalia")
    paula = look(lambda: member("paula").id)
    path = f"/peers/{number}/connect?seeker={paula}"
    assert "paula@compras.example" in browser_of("bruno").get(path).text
    assert "paula@compras.example" not in browser_of("amara").get(path).text


@pytest.mark.parametrize(("key", "code"), [("paula", 403), ("rafael", 403)])
def test_whoever_is_no_champion_proposes_nothing(made, browser_of, key, code):
    number = made(champion, "dalia", visibility="public")
    page = browser_of(key)
    assert page.get(f"/peers/{number}/connect").status_code == code
    assert page.send(f"/peers/{number}/connect", {"topic": TOPIC, "reason": REASON}).status_code == code


def connection_after(act, made):
    def make():
        champion("dalia")
        connection = introduced()
        act(connection)
        return connection

    return made(make)


def test_the_two_note_exchanges_and_end_with_an_outcome(made, browser_of, work, mails_to):
    number = connection_after(lambda connection: None, made)
    work()
    dalia, bruno = browser_of("dalia"), browser_of("bruno")
    path = f"/peers/connections/{number}"
    note = {"kind": "call", "note": "We spoke for an hour.", "at": "2026-01-15"}
    assert dalia.send(f"{path}/exchanges", note).status_code == 303
    page = bruno.get(path).text
    assert "Jan 15, 2026" in page
    assert "We spoke for an hour." in browser_of("paula").get(path).text
    wrong = dalia.send(f"{path}/exchanges", {"kind": "pigeon", "note": "Something typed"})
    assert wrong.status_code == 422
    assert "Something typed" in wrong.text
    wrong = dalia.send(f"{path}/outcome", {"outcome": "", "note": "They publish now"})
    assert wrong.status_code == 422
    assert "They publish now" in wrong.text
    assert dalia.send(f"{path}/outcome", {"outcome": "helped", "note": "They publish now"}).status_code == 303
    assert dalia.send(f"{path}/outcome", {"outcome": "not", "note": ""}).status_code == 409
    assert dalia.send(f"{path}/exchanges", note).status_code == 409
    assert "They publish now" in browser_of("paula").get(path).text
    work()
    assert [mail.splitlines()[0] for mail in mails_to("paula")][-1] == "connection_closed"
    assert "connection_closed" not in "".join(mails_to("dalia"))


def test_a_connection_is_unknown_to_everyone_but_the_two_the_proposer_and_staff(made, browser, browser_of):
    number = connection_after(lambda connection: None, made)
    made(champion, "amara")
    path = f"/peers/connections/{number}"
    for page in (browser, browser_of("amara"), browser_of("rafael"), browser_of("quentin")):
        assert page.get(path).status_code == 404
        assert page.send(f"{path}/answer", {"answer": "accept"}).status_code == 404
        assert page.send(f"{path}/exchanges", {"kind": "call", "note": "x"}).status_code == 404
        assert page.send(f"{path}/outcome", {"outcome": "helped"}).status_code == 404
    assert str(path) not in browser_of("amara").get("/peers/connections").text
    for key in ("dalia", "paula", "carla"):
        assert browser_of(key).get(path).status_code == 200


def test_staff_do_not_answer_for_the_two(made, browser_of):
    made(champion, "dalia")
    path = f"/peers/connections/{made(proposed)}"
    bruno = browser_of("bruno")
    assert "Yes, introduce us" not in bruno.get(path).text
    assert bruno.send(f"{path}/answer", {"answer": "accept"}).status_code == 403
    assert browser_of("dalia").send(f"{path}/answer", {"answer": "perhaps"}).status_code == 400


def main_of(html: str) -> str:
    return re.search(r"<main.*</main>", html, re.DOTALL)[0]


@pytest.mark.parametrize("reader", ["amara", "paula", "dalia"])
def test_the_sides_are_not_told_whether_somebody_said_no_or_nobody_answered(made, browser_of, reader, clock, app):
    """The same page, whether the helper declined or never answered."""
    made(champion, "dalia")
    made(champion, "amara")

    def make(end):
        seeker, by = ("amara", "amara") if reader == "amara" else ("paula", "bruno")
        connection = proposed(seeker, "dalia", by=by)
        end(connection)
        return connection

    numbers = [
        made(make, lambda connection: connections.decline(connection, by=member("dalia"))),
    ]
    clock(days=40)
    numbers.append(made(make, lambda connection: None))
    clock(days=22)
    with app.app_context():
        connections.expire()
        db.session.commit()
        db.session.remove()
    page = browser_of(reader)
    texts = [main_of(page.get(f"/peers/connections/{number}").text) for number in numbers]
    for text in texts:
        assert said_to(app, reader, "Did not come about") in text
        for word in ("Declined", "Expired"):
            assert said_to(app, reader, word) not in text
        assert "answered" not in text
    assert texts[0] == texts[1]
    if reader != "paula":
        listed = page.get("/peers/connections?state=ended").text
        assert listed.count(f"{said_to(app, reader, 'Did not come about')}</span>") == 2
        assert said_to(app, reader, "Declined") not in listed
        assert page.get("/peers/connections?state=declined").text.count("<tr>") == page.get(
            "/peers/connections"
        ).text.count("<tr>")
    staff = browser_of("bruno").get("/peers/connections").text
    assert "Declined" in staff
    assert "Expired" in staff


def test_the_proposer_gets_the_same_mail_for_a_no_and_for_silence(made, app, work, clock, mails_to):
    made(champion, "dalia")
    made(lambda: (connection := proposed(), connections.decline(connection, by=member("dalia")))[0])
    clock(days=40)
    made(proposed)
    clock(days=22)
    with app.app_context():
        connections.expire()
        db.session.commit()
        db.session.remove()
    work()
    told = [mail for mail in mails_to("bruno") if mail.startswith("connection_declined")]
    assert len(told) == 2
    assert told[0] == told[1]
    for name in ("Dalia", "Paula", "dalia@", "paula@"):
        assert name not in told[0]


def test_the_one_who_said_no_is_not_mailed_about_it(made, work, mails_to):
    made(champion, "dalia")
    made(champion, "amara")
    made(lambda: (connection := proposed("amara", by="amara"), connections.decline(connection, by=member("amara")))[0])
    work()
    assert "connection_declined" not in "".join(mails_to("amara") + mails_to("dalia"))


def many_champions():
    """500 public champions, four topics each, and 200 connections among them."""
    topics = ["amendments", "bids", "codelists", "mapping", "systems", "use", "extensions", "validation"]
    countries = ["GH", "PY", "CO", "UA", "KE", "MX", "NG", "PE", "MD", "AR"]
    users = [
        User(email=f"c{turn}@many.example", name=f"Champion {turn}", country=countries[turn % 10], languages=["en", "es"],
             time_zone="Africa/Accra", role_rows=[Role(role="champion")])
        for turn in range(500)
    ]  # fmt: skip
    db.session.add_all(users)
    db.session.flush()
    db.session.add_all(
        Profile(user_id=user.id, visibility="public", headline=f"Headline {turn}", systems=["PostgreSQL"], capacity=9,
                topics=[ProfileTopic(topic=topics[(turn + step) % 8], level="expert") for step in range(4)])
        for turn, user in enumerate(users)
    )  # fmt: skip
    db.session.flush()
    rows = [
        Connection(seeker_id=users[turn].id, helper_id=users[turn + 200].id, topic="bids", reason=REASON, state="introduced",
                   proposed_by_id=users[turn].id, introduced_at=users[0].created_at)
        for turn in range(200)
    ]  # fmt: skip
    db.session.add_all(rows)
    db.session.flush()
    return rows[0]


def test_pages_take_few_statements_with_five_hundred_champions(made, statements, browser, browser_of, look):
    number = made(many_champions)
    profile = look(lambda: db.session.scalar(db.select(Profile.id).order_by(Profile.id).limit(1)))
    paths = ["/peers/", "/peers/?topic=bids&country=PY&language=es", f"/peers/{profile}"]
    inside = [*paths, f"/peers/{profile}/connect", "/peers/connections", f"/peers/connections/{number}"]
    for page, ways in ((browser, paths), (browser_of("bruno"), inside), (browser_of("amara"), inside[:-1])):
        for path in ways:
            with statements() as seen:
                response = page.get(path)
            assert response.status_code == 200
            assert len(seen) <= MOST_STATEMENTS, (path, seen)
            assert len(response.data) < 200_000, path


def test_suggestions_take_few_statements_with_five_hundred_champions(app, made, statements, look):
    from flask_login import login_user

    from peers.views import fitting_peers

    made(many_champions)
    with app.test_request_context():
        login_user(member("bruno"))
        paula, bruno = member("paula"), member("bruno")
        assert bruno.is_staff
        assert paula.languages == []
        with statements() as seen:
            found = fitting_peers("bids", country="CO", language="es", text="PostgreSQL", seeker=paula)
            names = [match.profile.user.shown_name for match in found]
            assert [match.profile.user.organisation for match in found] == [None, None, None]
        assert len(names) == 3
        assert len(seen) <= 4, seen
        db.session.remove()


def test_the_directory_is_read_page_by_page(made, browser):
    made(many_champions)
    seen: list[str] = []
    path = "/peers/?topic=bids&country=PY"
    for _page in range(20):
        text = browser.get(path).text
        seen += re.findall(r">(Champion \d+)</a>", text)
        following = re.search(r'rel="next" href="([^"]+)"', text)
        if following is None:
            break
        path = following[1].replace("&amp;", "&")
    assert len(seen) == len(set(seen)) == 25
    back = browser.get(re.search(r'rel="prev" href="([^"]+)"', text)[1].replace("&amp;", "&")).text
    assert re.findall(r">(Champion \d+)</a>", back) == seen[:24]


def test_nobody_is_asked_by_mail_twice(made, work, look, app):
    from core.events import Event
    from peers import notices

    made(champion, "dalia")
    made(proposed)
    work()
    count = lambda: db.session.scalar(db.select(db.func.count()).select_from(OutgoingMail))  # noqa: E731
    assert look(count) == 2
    with app.app_context():
        notices.ask_both(
            db.session.scalars(db.select(Event).where(Event.name == "connection.proposed")).unique().one()
        )
        db.session.commit()
        db.session.remove()
    assert look(count) == 2

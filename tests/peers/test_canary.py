"""Before the introduction, nothing that a side can reach says who the other one is."""

import pytest

from accounts import people
from core.db import db
from peers import connections
from peers.models import Connection
from tests.conftest import Browser, member
from tests.peers.conftest import REASON, champion, proposed

SEEKER = ("Qwuxoria", "Vlenthby", "qwuxoria", "seeker-canary", "Seekeroffice")
HELPER = ("Zephyrina", "Moldwarp", "zephyrina", "helper-canary", "Helperoffice")


def name(key: str, canary: tuple[str, ...], country: str):
    user = member(key)
    user.name = f"{canary[0]} {canary[1]}"
    people.change_address(user, f"{canary[3]}@{canary[2]}.example", by=user)
    user.organisation = people.organisation_named(f"{canary[4]} of procurement", country)


@pytest.fixture
def told(app, look):
    """Every mail to a side, whole, by what its address holds."""
    from core.mail import OutgoingMail

    def read(canary) -> list[str]:
        def ask():
            rows = db.session.scalars(db.select(OutgoingMail).order_by(OutgoingMail.id)).all()
            return [
                " ".join(map(str, (row.message_id, row.notice, row.reply_to, row.sender_name, row.subject, row.text, row.html,
                                   row.in_reply_to, row.references, row.shown_cc)))
                for row in rows if canary[3] in row.recipient
            ]  # fmt: skip

        return look(ask)

    return read


def every_page(app, page, under: str = "/") -> dict[str, str]:
    """Every page, list and JSON that can be had by GET without knowing more than a number."""
    texts = {}
    paths = {str(rule) for rule in app.url_map.iter_rules() if "GET" in rule.methods and "<" not in str(rule)}
    numbered = {str(rule).replace("<int:number>", "1") for rule in app.url_map.iter_rules()
                if "GET" in rule.methods and str(rule).count("<") == 1 and "<int:number>" in str(rule)}  # fmt: skip
    for path in sorted(path for path in paths | numbered if path.startswith(under)):
        response = page.get(path)
        texts[path] = response.text if response.mimetype != "application/octet-stream" else ""
    assert "/peers/connections" in texts
    assert "/peers/connections/1" in texts
    return texts


def assert_silent(texts, canary) -> None:
    for where, text in texts.items():
        for word in canary:
            assert word.lower() not in text.lower(), (where, word)


@pytest.fixture
def strangers(app, made, work):
    """Bruno brings together two whose names nobody else has: hidden profiles do not matter, a connection does."""

    def make(seeker_is_champion):
        seeker = "amara" if seeker_is_champion else "paula"
        champion("dalia", visibility="staff")
        if seeker_is_champion:
            champion("amara", visibility="hidden")
        connection = proposed(seeker, "dalia")
        name(seeker, SEEKER, "GH")
        name("dalia", HELPER, "PY")
        return connection

    def run(seeker_is_champion: bool = True) -> int:
        number = made(make, seeker_is_champion)
        work()
        return number

    return run


def signed_in(app, address: str) -> Browser:
    from tests.conftest import PASSWORD

    app.test_client_class = Browser
    page = app.test_client()
    page.get("/sign-in")
    assert page.send("/sign-in", {"email": address, "password": PASSWORD}).status_code == 302
    page.get("/profile")
    return page


def addresses() -> dict[str, str]:
    return {"seeker": f"{SEEKER[3]}@{SEEKER[2]}.example", "helper": f"{HELPER[3]}@{HELPER[2]}.example"}


@pytest.mark.parametrize("answered", ["nobody", "seeker", "helper", "declined", "expired"])
@pytest.mark.parametrize("seeker_is_champion", [True, False])
def test_no_page_and_no_mail_names_the_other_side_before_both_agreed(
    app, strangers, work, told, seeker_is_champion, answered
):
    number = strangers(seeker_is_champion)
    with app.app_context():
        connection = db.session.get(Connection, number)
        if answered in {"seeker", "helper"}:
            connections.accept(connection, by=getattr(connection, answered))
        elif answered == "declined":
            connections.decline(connection, by=connection.helper)
        elif answered == "expired":
            connection.created_at -= connections.EXPIRES_AFTER * 2
            db.session.flush()
            connections.expire()
        db.session.commit()
        db.session.remove()
    work()
    # What the state of the connection may change is under /peers/; the rest of the site is walked once for each kind.
    under = "/" if answered == "seeker" else "/peers/"
    for mine, other in ((SEEKER, HELPER), (HELPER, SEEKER)):
        page = signed_in(app, addresses()["seeker" if mine is SEEKER else "helper"])
        texts = every_page(app, page, under)
        assert_silent(texts, other)
        assert mine[0] in texts["/peers/connections/1"]
        mails = told(mine)
        assert any("connection_proposed" in mail for mail in mails)
        assert_silent(dict(enumerate(mails)), other)
        # The same by the link in the mail, without a sign-in.
        key = next(mail for mail in mails if "connection_proposed" in mail).partition("?key=")[2].split()[0]
        app.test_client_class = Browser
        visitor = app.test_client()
        assert visitor.get(f"/peers/connections/{number}?key={key}").status_code == 302
        assert_silent(every_page(app, visitor, under), other)


def test_the_helper_does_not_learn_who_asks_before_saying_yes(app, made, work, told):
    """The champion who asks chose the helper; the helper has not chosen yet."""

    def make():
        champion("amara", visibility="hidden")
        champion("dalia", visibility="peers")
        connection = proposed("amara", "dalia", by="amara")
        name("amara", SEEKER, "GH")
        name("dalia", HELPER, "PY")
        return connection

    made(make)
    work()
    helper = signed_in(app, addresses()["helper"])
    assert_silent(every_page(app, helper), SEEKER)
    assert_silent(dict(enumerate(told(HELPER))), SEEKER)
    seeker = signed_in(app, addresses()["seeker"])
    assert HELPER[0] in seeker.get("/peers/connections").text
    for path, text in every_page(app, seeker).items():
        assert HELPER[3] not in text, path
    assert_silent(dict(enumerate(told(SEEKER))), (HELPER[3],))


def test_afterwards_both_know_and_nobody_else_reads_the_addresses(app, strangers, work, told, browser_of):
    number = strangers()
    with app.app_context():
        connection = db.session.get(Connection, number)
        connections.accept(connection, by=connection.seeker)
        connections.accept(connection, by=connection.helper)
        db.session.commit()
        db.session.remove()
    work()
    path = f"/peers/connections/{number}"
    for mine, other, role in ((SEEKER, HELPER, "seeker"), (HELPER, SEEKER, "helper")):
        text = signed_in(app, addresses()[role]).get(path).text
        assert other[0] in text
        assert other[3] in text
        mail = told(mine)[-1]
        assert "connection_introduced" in mail
        assert other[0] in mail
        assert other[3] in mail
    staff = browser_of("bruno").get(path).text
    assert SEEKER[0] in staff
    assert SEEKER[3] not in staff
    assert HELPER[3] not in staff


def test_staff_see_both_sides_all_along(strangers, browser_of):
    number = strangers()
    text = browser_of("bruno").get(f"/peers/connections/{number}").text
    assert SEEKER[0] in text
    assert HELPER[0] in text
    assert REASON in text

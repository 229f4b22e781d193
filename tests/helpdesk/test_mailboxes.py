"""Mailboxes of the settings, and what a ticket takes over from the one that its mail came by."""

from dataclasses import replace

import pytest
from sqlalchemy import select

from accounts import sign_ins
from accounts.models import find
from core import jobs, settings
from core.db import db
from core.exceptions import BadSetting
from core.mailbox_settings import Mailbox
from helpdesk import inbound, mailboxes
from helpdesk.models import Ticket
from tests.helpdesk.conftest import compose

BOXES = {
    "latam": Mailbox(team="Latin America", language="es", topic="publishing", addresses=("ayuda@helpdesk.example",)),
    "africa": Mailbox(team="Africa"),
}


@pytest.fixture
def boxes(app):
    before = app.extensions["settings"]
    app.extensions["settings"] = replace(before, mailboxes=BOXES)
    yield BOXES
    app.extensions["settings"] = before


def test_mailboxes_are_read_from_the_file_and_the_environment(tmp_path):
    path = tmp_path / "config.toml"
    path.write_text("[mailbox.latam-1]\nhost = 'imap.example'\nuser = 'a'\nafter = 'move:Done'\n")
    loaded = settings.load(
        path,
        environ={
            "HELPDESK_MAILBOX_LATAM_1_PASSWORD": "secret", "HELPDESK_MAILBOX_NORTH_EAST_POLL_SECONDS": "5",
            "HELPDESK_MAILBOX_NORTH_EAST_IDLE": "false",
        },
    )  # fmt: skip
    box = loaded.mailboxes["latam-1"]
    assert (box.password, box.tls, box.server_port, box.move_to) == ("secret", "tls", 993, "Done")
    assert (loaded.mailboxes["north_east"].poll_seconds, loaded.mailboxes["north_east"].idle) == (5, False)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[mailbox.a]\nhots = 'x'\n", "line 2: unknown key “hots” in [mailbox.a]"),
        ("[mailbox]\nhost = 'x'\n", "a mailbox needs a name"),
        ("[mailbox.a]\ntls = 'no'\n", "“tls” must be tls, starttls or none"),
        ("[mailbox.a]\nafter = 'burn'\n", "“after” must be seen, move:FOLDER or delete"),
        ("[mailbox.a]\nafter = 'move:inbox'\n", "into the folder that is read"),
        ("[mailbox.a]\nhost = 'x'\n", "“user” is missing"),
        ("[mailbox.a]\ntimeout_seconds = 600\n", "from 1 to 60"),
    ],
)
def test_a_wrong_mailbox_stops_the_start(tmp_path, text, expected):
    path = tmp_path / "config.toml"
    path.write_text(text)
    with pytest.raises(BadSetting) as caught:
        settings.load(path, environ={})
    assert expected in str(caught.value)


def test_an_unknown_key_of_a_mailbox_in_the_environment_stops_the_start():
    with pytest.raises(BadSetting, match="HELPDESK_MAILBOX_A_HOTS"):
        settings.load(environ={"HELPDESK_MAILBOX_A_HOTS": "x"})


def test_the_commented_example_of_a_mailbox_can_be_used(tmp_path):
    path = tmp_path / "config.toml"
    lines = settings.example().splitlines()
    path.write_text("\n".join(line[1:] if line.startswith("#") and line[1:2] != " " else line for line in lines))
    assert settings.load(path, environ={}).mailboxes["questions"] == Mailbox()


def test_a_new_ticket_takes_over_the_team_the_topic_and_the_language_of_its_mailbox(context, boxes):
    inbound.store(compose(text="?"), source="pipe", mailbox="latam")
    inbound.store(compose(text="??"), source="pipe", mailbox="elsewhere")
    db.session.commit()
    jobs.run_until_idle()
    first, second = db.session.scalars(select(Ticket).order_by(Ticket.id))
    assert (first.team, first.topic, first.language) == ("Latin America", "publishing", "es")
    assert (second.team, second.topic) == ("", "")


def test_a_mail_whose_language_can_be_told_keeps_it(context, boxes):
    text = "Bonjour, nous voudrions savoir comment obtenir un préfixe pour notre deuxième système. Merci beaucoup !"
    inbound.store(compose(text=text), source="pipe", mailbox="latam")
    db.session.commit()
    jobs.run_until_idle()
    assert db.session.scalars(select(Ticket.language)).one() == "fr"


def test_an_address_belongs_to_a_mailbox_by_its_addresses_or_its_name(context, boxes):
    found = {address: mailboxes.of_recipient(address, "+") for address in (
        "ayuda@helpdesk.example", "ayuda+abc.def@helpdesk.example", "Africa+x@helpdesk.example", "other@helpdesk.example",
    )}  # fmt: skip
    assert list(found.values()) == ["latam", "latam", "africa", ""]


def test_staff_see_change_and_filter_by_the_team_of_a_ticket(app, boxes, browser_of):
    with app.app_context():
        inbound.store(compose(), source="pipe", mailbox="latam")
        inbound.store(compose(subject="Elsewhere"), source="pipe")
        db.session.commit()
        jobs.run_until_idle()
    bruno = browser_of("bruno")
    page = bruno.get("/desk/tickets/1").text
    assert '<option value="Latin America" selected>' in page
    assert 'id="f-team"' in bruno.get("/desk?filter=1").text
    queue = bruno.get("/desk?view=all&team=Latin+America").text
    assert "Prefix for a second system" in queue
    assert "Elsewhere" not in queue
    bruno.get("/desk/tickets/1")
    assert bruno.send("/desk/tickets/1/fields", {"team": "Africa"}).status_code in {302, 303}
    assert "Africa" in bruno.get("/desk/tickets/1").text
    with app.app_context():
        assert db.session.get(Ticket, 1).team == "Africa"
    assert bruno.send("/desk/tickets/1/fields", {"team": "Nowhere"}).status_code == 422


def test_programs_read_change_and_filter_by_the_team_of_a_ticket(app, boxes):
    with app.app_context():
        inbound.store(compose(), source="pipe", mailbox="latam")
        inbound.store(compose(subject="Elsewhere"), source="pipe")
        db.session.commit()
        jobs.run_until_idle()
        secret = sign_ins.make_token(find("bruno@helpdesk.example"), ["tickets:read", "tickets:write"])
        db.session.commit()
    asked = {"headers": {"Authorization": f"Bearer {secret}"}}
    client = app.test_client()
    assert client.get("/api/v1/tickets/1", **asked).json["team"] == "Latin America"
    assert client.patch("/api/v1/tickets/1", json={"team": "Africa"}, **asked).json["team"] == "Africa"
    refused = client.patch("/api/v1/tickets/1", json={"team": "Nowhere"}, **asked)
    assert (refused.status_code, list(refused.json["errors"])) == (422, ["team"])
    assert [row["number"] for row in client.get("/api/v1/tickets?team=Africa", **asked).json["tickets"]] == [1]

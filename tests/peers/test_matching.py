"""Suggestions: who, in which order, for which reasons."""

from datetime import UTC, datetime, timedelta

import pytest

from accounts import people
from core.db import db, now
from peers import connections
from peers.matching import Need, need_of, shared_hours, suggest
from tests.conftest import member
from tests.peers.conftest import TOPIC, champion, introduced, proposed


def names(need=None, reader="bruno", **more) -> list[str]:
    db.session.flush()
    return [
        match.profile.name for match in suggest(need or Need(topic=TOPIC), member(reader) if reader else None, **more)
    ]


def reasons(need, reader="bruno") -> str:
    return "; ".join(suggest(need, member(reader))[0].reasons)


def test_experience_with_the_topic_comes_first_and_others_do_not_come_at_all(context):
    champion("amara", topics={TOPIC: "learning"})
    champion("dalia", topics={TOPIC: "expert", "bids": "expert"})
    champion("rafael", topics={TOPIC: "working"})
    champion("paula", topics={"bids": "expert"})
    assert names() == ["Dalia Benítez", "Rafael Silva", "Amara Mensah"]
    assert names(Need(topic="bids")) == ["Dalia Benítez", "Paula Ortiz"]
    assert names(Need(topic="")) == []
    assert names(Need(topic="codelists")) == []
    assert reasons(Need(topic=TOPIC)).startswith("Has done it: Amendments and changes")


def test_reasons_are_what_a_person_can_check(context):
    dalia = champion("dalia", systems=["PostgreSQL", "OCDS Kit"], capacity=3).user
    dalia.languages, dalia.time_zone = ["es", "en"], "America/Asuncion"
    connections.close(introduced("quentin"), by=member("bruno"), outcome="helped", note="")
    connections.close(introduced("rafael"), by=member("bruno"), outcome="not", note="")
    proposed("rafael", topic="bids")
    paula = member("paula")
    paula.languages, paula.time_zone = ["es"], "America/Bogota"
    said = reasons(need_of(TOPIC, paula, text="Merging with ocds kit: our database forgets old versions."))
    for reason in (
        "helped 1 person with it before",
        "speaks Spanish",
        "uses OCDS Kit too",
        "same region",
        "free for 2 more",
    ):
        assert reason in said
    assert "PostgreSQL" not in said
    assert "shared working hours" in said


def test_somebody_without_a_shared_language_is_said_to_need_an_interpreter(context):
    champion("dalia")
    assert "interpreter" in reasons(need_of(TOPIC, member("quentin")))
    assert "interpreter" not in reasons(need_of(TOPIC, member("paula")))


def test_who_has_more_room_comes_first_and_ties_are_always_in_the_same_order(context):
    champion("dalia", capacity=3)
    champion("amara", capacity=3)
    assert names() == names() == ["Dalia Benítez", "Amara Mensah"]
    proposed("paula", "dalia", topic="bids")
    assert names() == ["Amara Mensah", "Dalia Benítez"]


def test_the_full_the_paused_the_disabled_and_former_champions_are_left_out(context, clock):
    champion("dalia", capacity=1)
    champion("amara", paused_until=now() + timedelta(days=5))
    champion("rafael")
    champion("quentin")
    people.disable(member("rafael"), by=member("chidi"))
    people.give_roles(member("quentin"), ["requester"], by=member("chidi"))
    assert names() == ["Dalia Benítez"]
    proposed("paula", "dalia")
    assert names() == []


def test_nobody_is_suggested_to_themselves_or_to_their_own_organisation(context):
    office = people.organisation_named("Public Procurement Authority", "GH")
    champion("amara").user.organisation = office
    champion("dalia")
    rafael = champion("rafael").user
    assert "Amara Mensah" in names(need_of(TOPIC, rafael))
    assert "Rafael Silva" not in names(need_of(TOPIC, rafael))
    rafael.organisation = office
    assert names(need_of(TOPIC, rafael)) == ["Dalia Benítez"]


@pytest.mark.parametrize(("visibility", "stranger", "requester", "peer", "analyst"), [
    ("hidden", 0, 0, 0, 0), ("staff", 0, 0, 0, 1), ("peers", 0, 0, 1, 1), ("public", 1, 1, 1, 1),
])  # fmt: skip
def test_suggestions_hold_only_whom_the_reader_may_see(context, visibility, stranger, requester, peer, analyst):
    champion("dalia", visibility=visibility)
    seen = [len(names(reader=reader)) for reader in (None, "paula", "amara", "bruno")]
    assert seen == [stranger, requester, peer, analyst]


def test_a_hidden_profile_is_not_suggested_even_to_its_own_champion(context):
    champion("dalia", visibility="hidden")
    assert names(reader="dalia") == []


def test_the_list_is_cut_after_the_best(context):
    for key in ("amara", "dalia", "rafael", "paula", "quentin", "mona"):
        champion(key)
    assert len(names()) == 5
    assert names(limit=2) == names()[:2]


@pytest.mark.parametrize(("one", "other", "hours"), [
    ("Africa/Accra", "Africa/Accra", 8), ("Africa/Accra", "America/Asuncion", 5), ("America/Asuncion", "Africa/Accra", 5),
    ("Asia/Kolkata", "Africa/Accra", 2), ("Africa/Accra", "Asia/Kolkata", 2), ("Pacific/Auckland", "Africa/Accra", 0),
    ("Pacific/Auckland", "Pacific/Honolulu", 7), ("Nowhere/City", "Africa/Accra", 0), ("../etc/passwd", "Africa/Accra", 0),
])  # fmt: skip
def test_shared_working_hours_follow_the_clocks_of_both(one, other, hours):
    assert shared_hours(one, other, datetime(2026, 1, 15, 12, tzinfo=UTC)) == hours


def test_clocks_that_change_are_followed():
    winter, summer = (datetime(2026, month, 15, tzinfo=UTC) for month in (1, 7))
    assert shared_hours("Europe/Berlin", "Africa/Accra", winter) == 7
    assert shared_hours("Europe/Berlin", "Africa/Accra", summer) == 6

"""The verbs of connections: who may meet whom, when, how often, and how it ends."""

from datetime import timedelta

import pytest

from accounts import people
from core.db import db, now
from core.events import Event
from core.exceptions import NotNow, Refused
from peers import connections
from peers.models import Connection
from tests.conftest import member
from tests.peers.conftest import TOPIC, champion, introduced, proposed


def events(connection: Connection) -> list[str]:
    db.session.flush()
    rows = db.session.scalars(
        db.select(Event).where(Event.subject_kind == "connection", Event.subject_id == connection.id)
    )
    return [row.name for row in rows.unique()]


@pytest.fixture(autouse=True)
def dalia_is_a_champion(context):
    champion("dalia")


def test_a_connection_goes_from_proposal_to_outcome(context):
    connection = proposed()
    assert (connection.state, connection.seeker_accepted_at, connection.helper_accepted_at) == ("proposed", None, None)
    connections.accept(connection, by=member("dalia"))
    assert connection.state == "proposed"
    assert connection.introduced_at is None
    connections.accept(connection, by=member("paula"))
    assert connection.state == "introduced"
    assert connection.introduced_at is not None
    connections.log_exchange(connection, by=member("paula"), kind="call", note="We spoke for an hour.")
    connections.close(connection, by=member("dalia"), outcome="helped", note="They publish amendments now.")
    assert (connection.state, connection.outcome) == ("closed", "helped")
    assert connection.closed_at is not None
    assert events(connection) == [
        "connection.proposed", "connection.accepted", "connection.accepted", "connection.introduced",
        "connection.exchanged", "connection.closed",
    ]  # fmt: skip


def test_whoever_proposes_for_themselves_has_accepted_by_that(context):
    champion("amara")
    connection = proposed("amara", "dalia", by="amara")
    assert connection.seeker_accepted_at is not None
    connections.accept(connection, by=member("dalia"))
    assert connection.state == "introduced"


def test_saying_yes_twice_is_saying_it_once(context):
    connection = proposed()
    connections.accept(connection, by=member("paula"))
    first = connection.seeker_accepted_at
    connections.accept(connection, by=member("paula"))
    assert connection.state == "proposed"
    assert connection.seeker_accepted_at == first
    connections.accept(connection, by=member("dalia"))
    connections.accept(connection, by=member("dalia"))
    assert events(connection).count("connection.accepted") == 2
    assert events(connection).count("connection.introduced") == 1


def test_saying_no_ends_it_and_yes_comes_too_late(context):
    connection = proposed()
    connections.decline(connection, by=member("dalia"))
    connections.decline(connection, by=member("dalia"))
    assert connection.state == "declined"
    assert events(connection).count("connection.declined") == 1
    with pytest.raises(NotNow):
        connections.accept(connection, by=member("paula"))
    with pytest.raises(NotNow):
        connections.decline(connection, by=member("paula"))


def test_nobody_but_the_two_can_answer(context):
    connection = proposed()
    for key in ("bruno", "amara", "chidi"):
        with pytest.raises(Refused):
            connections.accept(connection, by=member(key))
        with pytest.raises(Refused):
            connections.decline(connection, by=member(key))
    assert connection.state == "proposed"


@pytest.mark.parametrize(("change", "field"), [
    ({"seeker": "dalia"}, "seeker"), ({"topic": "gossip"}, "topic"), ({"reason": " \n"}, "reason"),
    ({"helper": "quentin"}, ""), ({"helper": "amara"}, ""),
])  # fmt: skip
def test_a_proposal_that_makes_no_sense_is_refused(context, change, field):
    champion("amara", visibility="hidden")
    with pytest.raises(Refused) as refusal:
        proposed(**change)
    assert refusal.value.field == field


@pytest.mark.parametrize("reason", [
    "Dalia did it in Paraguay.", "Ask Benítez about it", "Paula's exports fail.", "Write to me: x.y@gov.example",
])  # fmt: skip
def test_a_reason_that_says_who_they_are_is_refused_before_either_has_agreed(context, reason):
    with pytest.raises(Refused) as refusal:
        proposed(reason=reason)
    assert refusal.value.field == "reason"


def test_a_disabled_person_is_not_introduced(context):
    connection = proposed()
    connections.accept(connection, by=member("paula"))
    people.disable(member("paula"), by=member("chidi"))
    with pytest.raises(NotNow):
        connections.accept(connection, by=member("dalia"))
    with pytest.raises(Refused):
        proposed("paula", "dalia", topic="bids")


def test_whoever_is_no_champion_any_more_takes_no_introductions(context):
    people.give_roles(member("dalia"), ["requester"], by=member("chidi"))
    with pytest.raises(Refused):
        proposed()


def test_capacity_counts_proposals_and_is_free_again_when_one_ends(context):
    first = proposed("paula", "dalia")
    proposed("quentin", "dalia")
    with pytest.raises(NotNow):
        proposed("rafael", "dalia")
    connections.decline(first, by=member("dalia"))
    proposed("rafael", "dalia")


def test_capacity_zero_means_nobody(context):
    champion("amara", capacity=0)
    with pytest.raises(NotNow):
        proposed(helper="amara")


def test_a_pause_lasts_until_its_day(context, clock):
    champion("amara", paused_until=now() + timedelta(days=10))
    with pytest.raises(NotNow):
        proposed(helper="amara")
    clock(days=11)
    assert proposed(helper="amara").state == "proposed"


def test_two_people_have_one_running_connection_on_a_topic(context):
    champion("amara")
    proposed("amara", "dalia")
    with pytest.raises(NotNow):
        proposed("amara", "dalia")
    with pytest.raises(NotNow):
        proposed("dalia", "amara")
    proposed("amara", "dalia", topic="bids")


def test_after_a_no_the_same_is_not_asked_again_for_a_month(context, clock):
    connections.decline(proposed(), by=member("dalia"))
    with pytest.raises(NotNow):
        proposed()
    clock(days=31)
    proposed()


def test_five_proposals_of_ones_own_may_wait_at_once(context):
    champion("amara")
    profile = champion("dalia", capacity=10)
    for topic in ("bids", "codelists", "mapping", "systems", "use"):
        proposed("amara", "dalia", by="amara", topic=topic)
    with pytest.raises(NotNow):
        proposed("amara", "dalia", by="amara", topic="extensions")
    assert connections.running(profile.user) == 5
    proposed("amara", "dalia", by="bruno", topic="extensions")


def test_a_proposal_that_nobody_answers_ends_after_three_weeks(context, clock):
    waiting, met = proposed(), introduced("quentin")
    clock(days=20)
    connections.expire()
    assert waiting.state == "proposed"
    clock(days=2)
    connections.expire()
    assert (waiting.state, met.state) == ("expired", "introduced")
    with pytest.raises(NotNow):
        connections.accept(waiting, by=member("paula"))


def test_exchanges_are_noted_only_while_the_two_are_in_contact(context):
    connection = proposed()
    say = {"by": member("paula"), "kind": "call", "note": "A call."}
    with pytest.raises(NotNow):
        connections.log_exchange(connection, **say)
    connections.accept(connection, by=connection.seeker)
    connections.accept(connection, by=connection.helper)
    with pytest.raises(Refused):
        connections.log_exchange(connection, by=member("paula"), kind="pigeon", note="x")
    with pytest.raises(Refused):
        connections.log_exchange(connection, by=member("paula"), kind="call", note="  ")
    exchange = connections.log_exchange(connection, **say, at=now() + timedelta(days=3))
    assert exchange.at <= now()
    connections.close(connection, by=member("bruno"), outcome="partly", note="")
    with pytest.raises(NotNow):
        connections.log_exchange(connection, **say)


def test_an_outcome_is_said_once_and_only_after_they_met(context):
    connection = proposed()
    with pytest.raises(NotNow):
        connections.close(connection, by=member("paula"), outcome="helped", note="")
    connection = introduced("quentin")
    with pytest.raises(Refused):
        connections.close(connection, by=member("dalia"), outcome="splendid", note="")
    connections.close(connection, by=member("dalia"), outcome="not", note="No time.")
    with pytest.raises(NotNow):
        connections.close(connection, by=member("quentin"), outcome="helped", note="")
    assert connection.outcome == "not"


def test_events_of_connections_hold_no_text_of_people(context):
    connection = introduced()
    connections.log_exchange(connection, by=member("paula"), kind="call", note="A secret call.")
    connections.close(connection, by=member("paula"), outcome="helped", note="A secret outcome.")
    db.session.flush()
    kept = " ".join(str(row.data) for row in db.session.scalars(db.select(Event)).unique())
    assert "secret" not in kept
    assert TOPIC not in kept

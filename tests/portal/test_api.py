"""The API does what its own description says, for every caller."""

import threading

import jsonschema
import pytest
import yaml
from openapi_spec_validator import validate

from accounts.scopes import for_person
from accounts.sign_ins import make_token
from core import jobs
from core.db import db
from helpdesk import tickets
from helpdesk.models import Message, Ticket
from helpdesk.tickets import Words
from portal.api import DESCRIPTION
from tests.conftest import member

SCOPES = ["tickets:read", "tickets:write", "articles:read", "articles:write", "search:read", "mail:write"]
NEW = {"title": "A prefix?", "body": "How do we get a prefix?", "email": "ines@agency.example"}


@pytest.fixture(scope="module")
def description():
    return yaml.safe_load(DESCRIPTION.read_text())


@pytest.fixture
def api(app, description):
    """Calls the API as one of the cast, and holds each answer against the description."""

    def call(method, path, *, by="", scopes=SCOPES, rule="", **kwargs):
        headers = dict(kwargs.pop("headers", {}))
        if by:
            with app.app_context():
                headers["Authorization"] = (
                    f"Bearer {make_token(member(by), [s for s in scopes if s in for_person(member(by))])}"
                )
                db.session.commit()
        response = app.test_client().open(f"/api/v1{path}", method=method, headers=headers, **kwargs)
        check(description, method, rule or path.partition("?")[0], response)
        return response

    return call


def check(description, method, rule, response):
    responses = description["paths"][rule][method.lower()]["responses"]
    answer = responses.get(str(response.status_code), responses.get("default"))
    if "$ref" in answer:
        answer = description["components"]["responses"][answer["$ref"].rpartition("/")[2]]
        assert response.mimetype == "application/problem+json"
    schema = next(iter(answer["content"].values()))["schema"]
    jsonschema.validate(response.json, {**schema, "components": description["components"]})


def test_the_description_is_valid_and_names_every_route(app, description):
    validate(description)
    described = {
        (method.upper(), path)
        for path, item in description["paths"].items()
        for method in item
        if method != "parameters"
    }
    import re

    routed = {
        (method, re.sub(r"<(?:int:)?([^>]+)>", lambda match: "{" + match[1] + "}", str(rule)).removeprefix("/api/v1"))
        for rule in app.url_map.iter_rules()
        if str(rule).startswith("/api/v1")
        for method in rule.methods - {"HEAD", "OPTIONS"}
    }
    normal = {(method, path.replace("/articles/{number}", "/articles/{id}")) for method, path in routed}
    assert described == normal


def test_anyone_may_ask_and_gets_the_number_and_the_address(api, app):
    response = api(
        "POST", "/tickets", json={**NEW, "name": "Inés", "topic": "ocid-prefix", "country": "py", "language": "es"}
    )
    assert response.status_code == 201
    assert response.location == response.json["url"]
    with app.app_context():
        ticket = db.session.get(Ticket, response.json["number"])
        assert (ticket.requester.email, ticket.country, ticket.channel) == ("ines@agency.example", "PY", "api")


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"title": ""}, "title"), ({"email": "x"}, "email"), ({"service": "x"}, "service"), ({"country": "XX"}, "country"),
        ({"language": "espanol"}, "language"), ({"body": None}, "body"), ({"title": 7}, "title"), ({"title": ["x"]}, "title"),
        ({"consent": "yes"}, "consent"), ({"state": "closed"}, "state"), ({"requester_id": 1}, "requester_id"),
        ({"title": "\x00"}, "title"), ({"body": " "}, "body"), ({"title": True}, "title"), ({"body": {"a": 1}}, "body"),
        ({"title": "x" * 301}, "title"),
    ],
)  # fmt: skip
def test_bad_input_is_refused_and_the_field_is_named(api, app, change, field):
    response = api("POST", "/tickets", json={**NEW, **change})
    assert response.status_code == 422
    assert field in response.json["errors"]
    with app.app_context():
        assert db.session.query(Ticket).count() == 0


@pytest.mark.parametrize("body", [b"", b"[]", b"1", b"null", b"{", b'"x"', b"\xff"])
def test_what_is_no_json_object_is_refused(api, body):
    assert api("POST", "/tickets", data=body, content_type="application/json").status_code == 422


def test_a_token_is_needed_to_read_and_only_in_the_header(api, app):
    assert api("GET", "/tickets").status_code == 401
    with app.app_context():
        token = make_token(member("bruno"), SCOPES)
        db.session.commit()
    assert app.test_client().get(f"/api/v1/tickets?token={token}").status_code == 401
    assert app.test_client().get("/api/v1/tickets", headers={"Authorization": "Bearer nonsense"}).status_code == 401


def test_a_token_cannot_do_what_its_scopes_do_not_say(api, ticket):
    assert api("GET", "/tickets", by="bruno", scopes=["search:read"]).status_code == 403
    assert api("PATCH", f"/tickets/{ticket}", by="bruno", scopes=["tickets:read"], rule="/tickets/{number}",
               json={"state": "solved"}).status_code == 403  # fmt: skip
    assert api("POST", f"/tickets/{ticket}/messages", by="bruno", scopes=["tickets:read"], rule="/tickets/{number}/messages",
               json={"body": "x"}).status_code == 403  # fmt: skip
    assert (
        api("POST", "/articles", by="bruno", scopes=["articles:read"], json={"title": "a", "body": "b"}).status_code
        == 403
    )


@pytest.fixture
def ticket(app):
    with app.app_context():
        row = tickets.ask(by=member("paula"), title="Prefix", words=Words("How do we get a prefix?"))
        tickets.note(row, by=member("bruno"), words=Words("CANARY-NOTE for staff"))
        db.session.commit()
        return row.id


def test_a_requester_sees_their_ticket_without_notes_and_a_stranger_none(api, ticket):
    own = api("GET", f"/tickets/{ticket}", by="paula", rule="/tickets/{number}")
    assert own.status_code == 200
    assert "CANARY" not in own.text
    assert "CANARY" in api("GET", f"/tickets/{ticket}", by="bruno", rule="/tickets/{number}").text
    other = api("GET", f"/tickets/{ticket}", by="quentin", rule="/tickets/{number}")
    missing = api("GET", "/tickets/999999", by="quentin", rule="/tickets/{number}")
    assert (other.status_code, other.json) == (404, missing.json)
    assert api("GET", "/tickets", by="quentin").json["tickets"] == []
    assert len(api("GET", "/tickets", by="paula").json["tickets"]) == 1


def test_staff_change_a_ticket_and_a_requester_only_settles_it(api, ticket):
    rule = "/tickets/{number}"
    changed = api("PATCH", f"/tickets/{ticket}", by="bruno", rule=rule,
                  json={"priority": "high", "assignee": "carla@helpdesk.example", "tags": ["a", "b"], "topic": "mapping"})  # fmt: skip
    assert (changed.json["priority"], changed.json["assignee"], changed.json["tags"]) == (
        "high",
        "Carla Mora",
        ["a", "b"],
    )
    assert api("PATCH", f"/tickets/{ticket}", by="paula", rule=rule, json={"priority": "low"}).status_code == 403
    assert (
        api("PATCH", f"/tickets/{ticket}", by="paula", rule=rule, json={"state": "solved"}).json["state"] == "solved"
    )
    assert api("PATCH", f"/tickets/{ticket}", by="quentin", rule=rule, json={"state": "open"}).status_code == 404
    assert api("PATCH", f"/tickets/{ticket}", by="bruno", rule=rule, json={"id": 7}).status_code == 422


def test_a_change_from_an_old_reading_is_refused(api, ticket):
    version = api("GET", f"/tickets/{ticket}", by="bruno", rule="/tickets/{number}").json["version"]
    first = api(
        "PATCH",
        f"/tickets/{ticket}",
        by="bruno",
        rule="/tickets/{number}",
        json={"priority": "high", "version": version},
    )
    assert first.status_code == 200
    second = api(
        "PATCH",
        f"/tickets/{ticket}",
        by="carla",
        rule="/tickets/{number}",
        json={"priority": "low", "version": version},
    )
    assert second.status_code == 409


def test_messages_go_to_the_thread_and_notes_stay_inside(api, ticket, app):
    rule = "/tickets/{number}/messages"
    assert (
        api("POST", f"/tickets/{ticket}/messages", by="bruno", rule=rule, json={"body": "Write to us."}).status_code
        == 201
    )
    assert api("POST", f"/tickets/{ticket}/messages", by="bruno", rule=rule,
               json={"body": "inside", "kind": "internal"}).json["kind"] == "internal"  # fmt: skip
    assert api("POST", f"/tickets/{ticket}/messages", by="paula", rule=rule,
               json={"body": "x", "kind": "internal"}).status_code == 403  # fmt: skip
    assert (
        api("POST", f"/tickets/{ticket}/messages", by="paula", rule=rule, json={"body": "x", "kind": "y"}).status_code
        == 422
    )
    with app.app_context():
        assert db.session.get(Ticket, ticket).state == "waiting"


def test_the_same_request_sent_again_acts_once_and_gets_the_same_answer(api, app):
    key = {"Idempotency-Key": "4711"}
    first = api("POST", "/tickets", json=NEW, headers=key)
    second = api("POST", "/tickets", json=NEW, headers=key)
    assert (first.status_code, first.json, first.location) == (second.status_code, second.json, second.location)
    assert second.headers["Idempotency-Replayed"] == "true"
    assert api("POST", "/tickets", json={**NEW, "title": "other"}, headers=key).status_code == 422
    with app.app_context():
        assert db.session.query(Ticket).count() == 1


def test_many_equal_requests_at_once_act_once(app):
    statuses = []

    def ask():
        response = app.test_client().post("/api/v1/tickets", json=NEW, headers={"Idempotency-Key": "race"})
        statuses.append(response.status_code)

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert 201 in statuses
    assert set(statuses) <= {201, 409}
    with app.app_context():
        assert db.session.query(Ticket).count() == 1
        assert db.session.query(Message).count() == 1


def test_lists_go_on_by_keyset_to_the_end(api, app):
    with app.app_context():
        for number in range(5):
            tickets.ask(by=member("paula"), title=f"Question {number}", words=Words("x"))
        db.session.commit()
    seen, path = [], "/tickets?limit=2"
    while path:
        page = api("GET", path, by="bruno").json
        seen += [item["title"] for item in page["tickets"]]
        path = page["next"].removeprefix("/api/v1") if page["next"] else None
    assert seen == [f"Question {number}" for number in reversed(range(5))]
    assert api("GET", "/tickets?limit=0", by="bruno").status_code == 422


def test_search_finds_articles_and_for_staff_tickets(api, app):
    created = api("POST", "/articles", by="bruno",
                  json={"title": "Register an OCID prefix", "body": "Send the name.", "state": "published"})  # fmt: skip
    assert created.status_code == 201
    with app.app_context():
        tickets.ask(by=member("paula"), title="Second prefix", words=Words("prefix"))
        db.session.commit()
        jobs.run_clocks()
        jobs.run_until_idle()
    public = api("GET", "/search?q=prefix").json["results"]
    assert [item["kind"] for item in public] == ["article"]
    assert "<mark>" in public[0]["snippet"] or "prefix" in public[0]["title"]
    assert {item["kind"] for item in api("GET", "/search?q=prefix", by="bruno").json["results"]} == {
        "article",
        "ticket",
    }
    assert api("GET", "/search?q=prefix&kind=ticket", by="quentin").json["results"] == []
    assert api("GET", "/search?q=").status_code == 422
    assert (
        api("GET", "/suggestions?text=how to register a prefix").json["suggestions"][0]["title"]
        == "Register an OCID prefix"
    )


def test_drafts_are_read_by_staff_alone(api):
    draft = api("POST", "/articles", by="bruno", json={"title": "Draft", "body": "x"}).json
    path = f"/articles/{draft['id']}"
    assert api("GET", path, rule="/articles/{id}").status_code == 404
    assert api("GET", path, by="amara", rule="/articles/{id}").status_code == 404
    assert api("GET", path, by="bruno", rule="/articles/{id}").json["body"] == "x"
    assert api("POST", "/articles", by="amara", json={"title": "No", "body": "x"}).status_code == 403


def test_too_many_requests_are_told_to_wait(app):
    from dataclasses import replace

    settings = app.extensions["settings"]
    app.extensions["settings"] = replace(settings, limits=replace(settings.limits, api_per_minute=3))
    statuses = [app.test_client().get("/api/v1/articles").status_code for _ in range(5)]
    app.extensions["settings"] = settings
    assert statuses == [200, 200, 200, 429, 429]

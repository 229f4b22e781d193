"""The demo files hold together: every key leads somewhere, every thread runs forward, every link opens."""

import json
import re
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pycountry
import pytest
import yaml
from PIL import Image

from accounts.models import ORGANISATION_KINDS
from accounts.roles import ROLES, STAFF
from core.db import db
from helpdesk.states import NEEDS_ANSWER, PRIORITIES, SERVICES, STATES
from kb.sync_models import SyncConflict
from kb.topics import TOPICS
from peers.states import EXCHANGE_KINDS, LEVELS, OUTCOMES
from portal.demo import loading
from tests.conftest import PASSWORD

DEMO = Path(__file__).parents[2] / "portal" / "demo"
LANGUAGES = {"en", "es", "fr"}
FRONT_MATTER = re.compile(r"---\n(.*?)\n---\n(.*)", re.DOTALL)
FENCE = re.compile(r"^(?P<indent> *)```(\w*)\n(.*?)^(?P=indent)```", re.DOTALL | re.MULTILINE)
MESSAGE_KEYS = {"by", "kind", "hours_ago", "text", "cites", "attachment"}


def read(name):
    return yaml.safe_load((DEMO / name).read_text(encoding="utf-8"))


def read_article(path):
    head, body = FRONT_MATTER.fullmatch(path.read_text(encoding="utf-8")).groups()
    return yaml.safe_load(head), body


ARTICLES = {path.relative_to(DEMO / "articles"): read_article(path) for path in sorted(DEMO.glob("articles/*/*.md"))}
DOCUMENT, TICKETS, ANSWERS, PEERS = read("people.yaml"), read("tickets.yaml"), read("answers.yaml"), read("peers.yaml")
KNOWLEDGE = read("knowledge.yaml")
PEOPLE = {person["key"]: person for person in DOCUMENT["people"]}
each_article = pytest.mark.parametrize("path", ARTICLES, ids=str)
each_ticket = pytest.mark.parametrize("ticket", TICKETS, ids=lambda ticket: ticket["key"])
each_connection = pytest.mark.parametrize(
    "connection", PEERS["connections"], ids=lambda connection: f"{connection['seeker']}-{connection['helper']}"
)


def test_there_are_as_many_articles_as_promised():
    assert Counter(path.parts[0] for path in ARTICLES) == {"en": 30, "es": 8, "fr": 6}
    english = [front for path, (front, _) in ARTICLES.items() if path.parts[0] == "en"]
    assert Counter(front["visibility"] for front in english) == {"public": 24, "champions": 3, "staff": 3}
    assert {front["topic"] for front in english} == set(TOPICS)


@each_article
def test_an_article_says_what_it_is_in_its_front_matter(path):
    front, _ = ARTICLES[path]
    assert set(front) == {"title", "slug", "topic", "language", "visibility", "tags", "summary"}
    assert (front["language"], front["slug"] + ".md") == path.parts
    assert front["topic"] in TOPICS
    assert len(front["tags"]) >= 3
    assert front["summary"].endswith(".")


@each_article
def test_an_article_is_neither_thin_nor_endless_and_shows_an_example(path):
    _, body = ARTICLES[path]
    assert 250 <= len(body.split()) <= 600
    assert "!!! note" in body
    assert len(re.findall(r"^## ", body, re.MULTILINE)) >= 4
    assert FENCE.search(body)


@each_article
def test_a_translation_keeps_the_topic_and_the_readers_of_its_original(path):
    front, body = ARTICLES[path]
    original, english = ARTICLES[Path("en") / path.name]
    assert (front["topic"], front["visibility"]) == (original["topic"], original["visibility"])
    assert len(FENCE.findall(body)) == len(FENCE.findall(english))
    assert path.parts[0] == "en" or front["title"] != original["title"]


@each_article
def test_links_between_articles_open_for_whoever_may_read_them(path):
    front, body = ARTICLES[path]
    readers = {"public": {"public"}, "champions": {"public", "champions"}, "staff": {"public", "champions", "staff"}}
    for link in re.findall(r"\]\(([^)\s]+)\)", FENCE.sub("", body)):
        if link.startswith(("https://", "/")):
            continue
        target = (DEMO / "articles" / path.parent / link.partition("#")[0]).resolve()
        linked, _ = ARTICLES[target.relative_to((DEMO / "articles").resolve())]
        assert linked["visibility"] in readers[front["visibility"]], link


@pytest.mark.parametrize(
    ("name", "text"),
    [(str(path), body) for path, (_, body) in ARTICLES.items()]
    + [(f"{ticket['key']}-{n}", m["text"]) for ticket in TICKETS for n, m in enumerate(ticket["messages"])]
    + [(answer["slug"], answer["answer"]) for answer in ANSWERS],
)
def test_every_json_example_is_json(name, text):
    for _, language, code in FENCE.findall(text):
        if language == "json":
            json.loads(code)


def test_what_goes_on_in_the_knowledge_base_names_what_there_is():
    english = {front["slug"]: front["visibility"] for path, (front, _) in ARTICLES.items() if path.parts[0] == "en"}
    open_to = ["public", "champions", "staff"]
    for item in KNOWLEDGE["collections"]:
        assert set(item["titles"]) <= LANGUAGES
        for slug in item["articles"]:
            assert item["visibility"] == "staff" or open_to.index(english[slug]) < 2, slug
    for item in (*KNOWLEDGE["care"], *KNOWLEDGE["changed"], KNOWLEDGE["change"], KNOWLEDGE["conflict"]):
        assert item["slug"] in english
        for key in ("owner", "by", "reviewer"):
            assert key not in item or STAFF & set(PEOPLE[item[key]]["roles"])
    _, lots = ARTICLES[Path("en/lots.md")]
    assert KNOWLEDGE["change"]["find"] in lots
    translated = {front["slug"] for path, (front, _) in ARTICLES.items() if path.parts[0] != "en"}
    assert {item["slug"] for item in KNOWLEDGE["changed"]} <= translated
    draft = KNOWLEDGE["draft"]
    assert draft["topic"] in TOPICS
    assert draft["by"] != draft["reviewer"]
    assert all(draft["body"].splitlines()[comment["line"] - 1].strip() for comment in draft["comments"])


def test_every_page_of_the_knowledge_base_has_something_to_show(app, browser, browser_of):
    with app.app_context():
        # The cast of the tests has the same addresses.
        for table in reversed(db.metadata.sorted_tables):
            db.session.execute(table.delete())
        loading.load(PASSWORD)
        conflict = db.session.scalar(db.select(SyncConflict.id))
    analyst = browser_of("bruno")
    shown = {
        "/kb/collections": "Check what you publish",
        "/kb/collections/how-we-work": "How we work at the desk",
        "/kb/drafts": "Publish who owns a supplier",
        "/kb/en/publish-who-owns-a-supplier/review": "a word of the press",
        "/kb/en/lots/review": "awarded in different years",
        "/kb/translations?language=es": "Releases and records",
        "/kb/es/releases-and-records": "Desactualizad|Out of date since",
        "/kb/care": "", "/kb/sync": "Ana Pérez", f"/kb/sync/{conflict}": "not frameworks of their own",
        "/kb/en/choose-an-architecture": "has to be looked through",
    }  # fmt: skip
    for path, words in shown.items():
        page = analyst.get(path)
        if words:
            assert page.status_code == 200, path
            assert re.search(words, page.text), (path, words)
    page = browser.get("/kb/collections", headers={"Accept-Language": "es"}).text
    assert "Primeros pasos para quienes publican" in page
    assert "How we work" not in page
    assert browser.get("/kb/en/publish-who-owns-a-supplier").status_code == 404
    assert "awarded in different years" not in browser.get("/kb/en/lots").text


def test_people_come_from_many_places_and_from_no_real_address():
    organisations = {item["key"]: item for item in DOCUMENT["organisations"]}
    assert len(organisations) == len(DOCUMENT["organisations"])
    assert len(PEOPLE) == len(DOCUMENT["people"]) == len({person["email"] for person in PEOPLE.values()})
    assert len({item["country"] for item in organisations.values()}) >= 15
    assert all(item["kind"] in ORGANISATION_KINDS for item in organisations.values())
    for person in PEOPLE.values():
        assert person["email"].endswith(".example")
        assert person["organisation"] in organisations
        assert pycountry.countries.get(alpha_2=person["country"])
        assert set(person["roles"]) <= set(ROLES)
        assert person["language"] in LANGUAGES & set(person["languages"])
        assert datetime.now(UTC).astimezone(ZoneInfo(person["time_zone"]))


def test_the_cast_has_fourteen_champions_of_fourteen_countries_and_as_many_requesters_as_promised():
    champions = [person for person in PEOPLE.values() if "champion" in person["roles"]]
    assert len(champions) == len({person["country"] for person in champions}) == 14
    requesters = [person for person in PEOPLE.values() if person["roles"] == ["requester"]]
    assert len(requesters) >= 28
    assert len({person["country"] for person in requesters}) >= 15
    roles = {key: PEOPLE[key]["roles"] for key in ("bruno", "carla", "fabien", "chidi", "mona", "rafael")}
    assert roles == {
        "bruno": ["analyst"], "carla": ["analyst"], "fabien": ["analyst"],
        "chidi": ["admin"], "mona": ["manager"], "rafael": ["researcher"],
    }  # fmt: skip


def test_the_queue_is_a_believable_mix():
    assert len(TICKETS) == len({ticket["key"] for ticket in TICKETS}) == 40
    assert Counter(ticket["language"] for ticket in TICKETS) == {"en": 20, "es": 12, "fr": 8}
    assert {ticket["state"] for ticket in TICKETS} == set(STATES)
    assert sum(ticket["state"] in NEEDS_ANSWER for ticket in TICKETS) == 12
    assert sum(not ticket["assignee"] for ticket in TICKETS) == 4
    assert {ticket["service"] for ticket in TICKETS} == set(SERVICES)
    assert {ticket["priority"] for ticket in TICKETS} == set(PRIORITIES)
    assert {ticket["topic"] for ticket in TICKETS} == set(TOPICS)
    assert {ticket["channel"] for ticket in TICKETS} == {"web", "mail", "api"}


@each_ticket
def test_a_thread_runs_forward_and_agrees_with_its_state(ticket):
    messages = ticket["messages"]
    times = [message["hours_ago"] for message in messages]
    assert 1 <= len(messages) <= 7
    assert times == sorted(set(times), reverse=True)
    assert 0 < times[-1] <= times[0] <= 120 * 24
    assert (messages[0]["by"], messages[0]["kind"]) == (ticket["requester"], "public")
    turns = [message["by"] for message in messages if message["kind"] == "public"]
    if ticket["state"] == "new":
        assert turns == [ticket["requester"]]
    elif ticket["state"] == "open":
        assert turns[-1] == ticket["requester"]
    elif ticket["state"] == "waiting":
        assert turns[-1] != ticket["requester"]


@each_ticket
def test_whoever_speaks_in_a_thread_exists_and_only_staff_write_notes(ticket):
    assert PEOPLE[ticket["requester"]]["language"] == ticket["language"]
    assert not ticket["assignee"] or STAFF & set(PEOPLE[ticket["assignee"]]["roles"])
    for message in ticket["messages"]:
        assert set(message) == MESSAGE_KEYS
        assert message["text"].strip()
        if message["by"] != ticket["requester"]:
            assert STAFF & set(PEOPLE[message["by"]]["roles"])
        else:
            assert message["kind"] == "public"
            assert not message["cites"]


@each_ticket
def test_a_public_reply_cites_only_what_its_requester_may_read(ticket):
    visible = {front["slug"]: front["visibility"] for front, _ in ARTICLES.values()}
    visible |= {answer["slug"]: "public" for answer in ANSWERS}
    for message in ticket["messages"]:
        for slug in message["cites"]:
            assert visible[slug] == "public" or message["kind"] == "internal"


def test_every_file_is_attached_somewhere_and_every_attachment_is_a_file():
    attached = {message["attachment"] for ticket in TICKETS for message in ticket["messages"]} - {None}
    assert attached == {path.name for path in DEMO.glob("files/*")}
    assert len(attached) == 4
    with Image.open(DEMO / "files" / "review-result.png") as image:
        image.verify()
    json.loads((DEMO / "files" / "draft-release.json").read_text(encoding="utf-8"))


def test_past_answers_come_from_ended_tickets_whose_asker_agreed():
    assert len(ANSWERS) == len({answer["slug"] for answer in ANSWERS}) == 12
    assert Counter(answer["language"] for answer in ANSWERS) == {"en": 6, "es": 4, "fr": 2}
    tickets = {ticket["key"]: ticket for ticket in TICKETS}
    for answer in ANSWERS:
        assert answer["topic"] in TOPICS
        assert not answer["country"] or pycountry.countries.get(alpha_2=answer["country"])
        if answer["ticket"]:
            ticket = tickets[answer["ticket"]]
            assert ticket["consent"]
            assert ticket["state"] in {"solved", "closed"}
            assert answer["language"] == ticket["language"]
            assert answer["days_ago"] * 24 < ticket["messages"][-1]["hours_ago"]


def test_past_answers_name_nobody():
    words = {word for person in PEOPLE.values() for word in person["name"].split()} | {".example", "@"}
    for answer in ANSWERS:
        told = " ".join((answer["title"], answer["question"], answer["answer"]))
        assert not [word for word in words if re.search(rf"(?<!\w){re.escape(word)}(?!\w)", told)], answer["slug"]


def test_each_champion_has_one_profile():
    champions = {key for key, person in PEOPLE.items() if "champion" in person["roles"]}
    assert sorted(profile["person"] for profile in PEERS["profiles"]) == sorted(champions)
    assert Counter(profile["visibility"] for profile in PEERS["profiles"]) == {"public": 5, "peers": 8, "staff": 1}
    for profile in PEERS["profiles"]:
        assert 1 <= profile["capacity"] <= 4
        assert all(item["topic"] in TOPICS and item["level"] in LEVELS for item in profile["topics"])
        assert len({item["topic"] for item in profile["topics"]}) == len(profile["topics"])
        assert profile["systems"]
        assert profile["offers"].strip()
        assert profile["seeks"].strip()


def test_connections_stand_at_every_stage_and_nobody_holds_more_than_they_can():
    stages = Counter(connection["state"] for connection in PEERS["connections"])
    assert stages == {
        "proposed": 2, "accepted": 2, "introduced": 2, "meeting": 2, "closed": 2, "declined": 1, "expired": 1,
    }  # fmt: skip
    running = {"proposed", "accepted", "introduced", "meeting"}
    held = Counter(item["helper"] for item in PEERS["connections"] if item["state"] in running)
    capacity = {profile["person"]: profile["capacity"] for profile in PEERS["profiles"]}
    assert all(number <= capacity[helper] for helper, number in held.items())


@each_connection
def test_a_connection_joins_two_people_who_can_talk_about_something_the_helper_knows(connection):
    seeker, helper = PEOPLE[connection["seeker"]], PEOPLE[connection["helper"]]
    assert seeker["organisation"] != helper["organisation"]
    assert set(seeker["languages"]) & set(helper["languages"])
    levels = {
        (profile["person"], item["topic"]): item["level"]
        for profile in PEERS["profiles"]
        for item in profile["topics"]
    }
    assert levels[connection["helper"], connection["topic"]] in {"working", "expert"}
    assert not connection["ticket"] or connection["ticket"] in {ticket["key"] for ticket in TICKETS}
    assert connection["proposed_by"] in PEOPLE
    if connection["state"] == "accepted":
        # Whoever proposes for themselves has accepted by that, and two who accepted are introduced.
        assert connection["proposed_by"] not in {connection["seeker"], connection["helper"]}


@each_connection
def test_exchanges_follow_the_introduction_and_only_what_is_finished_has_an_outcome(connection):
    days = [connection["days_ago"], *(exchange["days_ago"] for exchange in connection["exchanges"])]
    assert days == sorted(days, reverse=True)
    for exchange in connection["exchanges"]:
        assert exchange["by"] in {connection["seeker"], connection["helper"]}
        assert exchange["kind"] in EXCHANGE_KINDS
        assert exchange["note"]
    assert bool(connection["exchanges"]) <= (connection["state"] in {"introduced", "meeting", "closed"})
    if connection["state"] == "closed":
        assert connection["outcome"]["result"] in OUTCOMES
        assert connection["outcome"]["note"]
    else:
        assert connection["outcome"] is None

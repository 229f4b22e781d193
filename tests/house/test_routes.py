"""No route escapes: each names a permission, and who gets what is written down and checked.

The matrix beside this file holds, for every route and method, what each of the cast is answered: a new route, or a changed
right, changes the matrix, and somebody reads the difference. ``python -m pytest tests/house --write-matrix`` writes it anew.
"""

import json
from pathlib import Path

import pytest

from accounts.scopes import for_person
from accounts.sign_ins import make_token
from core.db import db
from core.policy import rules
from helpdesk import tickets
from helpdesk.tickets import Words
from kb import answers, articles
from kb.pages import Details
from peers import connections, profiles
from tests.conftest import member

MATRIX = Path(__file__).with_name("matrix.json")
ACTORS = ("stranger", "quentin", "paula", "rafael", "amara", "dalia", "bruno", "mona", "chidi")
# What must not be done in the middle of a walk through all routes.
LEFT_OUT = {"accounts.sign_out", "accounts.sign_out_everywhere", "people.disable", "accounts.change_password"}


def test_every_route_names_a_permission_that_exists(app):
    known = {rule.name for rule in rules()}
    for rule in app.url_map.iter_rules():
        if rule.endpoint in {"static", "versioned"}:
            continue
        view = app.view_functions[rule.endpoint]
        assert getattr(view, "permission", None) in known, rule.endpoint


def test_every_permission_is_used_or_asked_for():
    root = Path(__file__).parents[2]
    code = "\n".join(
        path.read_text(encoding="utf-8")
        for folder in ("core", "accounts", "kb", "helpdesk", "peers", "portal", "templates")
        for path in (root / folder).rglob("*")
        if path.suffix in {".py", ".html"} and path.name != "policy.py"
    )
    unused = [rule.name for rule in rules() if f'"{rule.name}"' not in code]
    assert unused == []


@pytest.fixture
def world(app):
    """A ticket of paula, an article of each visibility, a draft, an answer, a profile, a connection: numbers to ask for."""
    with app.app_context():
        paula, bruno, amara, dalia = (member(key) for key in ("paula", "bruno", "amara", "dalia"))
        ticket = tickets.ask(by=paula, title="Prefix", words=Words("How do we get a prefix?"), topic="ocid-prefix")
        tickets.note(ticket, by=bruno, words=Words("A note that nobody else may see."))
        for visibility in ("public", "champions", "staff"):
            articles.write(
                Details(title=visibility, slug=visibility, visibility=visibility), f"# {visibility}", by=bruno
            )
        answer = answers.draft(by=bruno, title="Answer", question="Q", answer="A")
        answers.publish(answer, basis="nothing-personal", by=bruno)
        profile = profiles.begin(dalia)
        profiles.keep(profile, by=dalia, headline="x", offers="", seeks="", systems=[], capacity=3, visibility="staff",
                      topics={"mapping": "expert"})  # fmt: skip
        connection = connections.propose(seeker=amara, helper=dalia, topic="mapping", reason="r", by=bruno)
        db.session.commit()
        numbers = {"ticket": ticket.id, "profile": profile.id, "connection": connection.id, "person": paula.id,
                   "answer": answer.slug}  # fmt: skip
        tokens = {key: make_token(member(key), for_person(member(key))) for key in ACTORS[1:]}
        db.session.commit()
    return numbers, tokens


@pytest.fixture
def walk(app, world, browser_of, browser):
    """Ask every route as every actor; {"METHOD /rule": {actor: status}}."""
    numbers, tokens = world
    clients = {key: browser if key == "stranger" else browser_of(key) for key in ACTORS}
    matrix: dict[str, dict[str, int]] = {}
    for rule in sorted(app.url_map.iter_rules(), key=str):
        if rule.endpoint in LEFT_OUT | {"static", "versioned"}:
            continue
        path = path_of(rule, numbers)
        for method in sorted(rule.methods - {"HEAD", "OPTIONS"}):
            row = matrix.setdefault(f"{method} {rule}", {})
            for key, client in clients.items():
                row[key] = status_of(client, method, path, tokens.get(key, ""))
    return matrix


def path_of(rule, numbers) -> str:
    """An address of a route, about the things of `world`."""
    path = str(rule)
    place = {
        "/tickets/": "ticket", "/desk/tickets/": "ticket", "/peers/connections/": "connection", "/peers/": "profile",
        "/admin/people/": "person",
    }  # fmt: skip
    number = next((numbers[name] for start, name in place.items() if start in path), 1)
    return (
        path.replace("<int:number>", str(number)).replace("<path:filename>", "x").replace("<language>", "en")
        .replace("<slug>", str(numbers["answer"]) if path.startswith("/answers") else "staff").replace("<code>", "es")
        .replace("<token>", "no-such-token").replace("<name>", "light").replace("<kind>", "article")
        .replace("<int:attachment>", "1").replace("<int:reply>", "1").replace("<int:mail>", "1").replace("<int:message>", "2")
    )  # fmt: skip


def status_of(client, method: str, path: str, token: str) -> int:
    """What is answered; a POST carries a token of the form and nothing else."""
    headers = {"Authorization": f"Bearer {token}"} if path.startswith("/api/") and token else {}
    if method == "GET":
        return client.get(path, headers=headers).status_code
    if path.startswith("/api/"):
        return client.open(path, method=method, headers=headers, json={}).status_code
    return client.send(path, {}).status_code


def test_the_matrix_of_actors_and_routes_is_as_written_down(walk, request, app):
    if request.config.getoption("--write-matrix"):
        MATRIX.write_text(json.dumps(walk, indent=1, sort_keys=True) + "\n")
    assert {route: row for route, row in walk.items() if any(status >= 500 for status in row.values())} == {}
    known = json.loads(MATRIX.read_text())
    assert sorted(walk) == sorted(known), "a route without a row, or a row without a route"
    differences = {route: (row, known[route]) for route, row in walk.items() if row != known[route]}
    assert differences == {}
    with app.app_context():
        staff = {key for key in ACTORS[1:] if member(key).is_staff}
    for route, row in walk.items():
        if "/admin/people/<int:number>" in route:
            # paula's own card and details, which are hers to see and to change.
            row = {key: status for key, status in row.items() if key != "paula"}
        if "/desk" in route or "/admin" in route or "/reports" in route:
            wrong = {
                key: status
                for key, status in row.items()
                if key not in staff and status not in {302, 400, 401, 403, 404}
            }
            assert wrong == {}, route

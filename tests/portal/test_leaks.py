"""Words that only some may read are told to nobody else: not by results, counts, facets, spelling, suggestions or feeds.

Each secret text has a word of its own. Twenty people each ask 200 things about all of them (the short form, which runs
with the suite, asks 40 of these; FAULTS=full asks all).
"""

import os
import random

import pytest

from accounts import people
from core.db import db
from helpdesk import tickets
from helpdesk.written import Words
from kb import articles, finding, indexing
from kb.models import visibilities_of
from kb.pages import Details
from portal import searching
from tests.conftest import CAST, member

ASKED = 200 if os.environ.get("FAULTS") == "full" else 40
NOBODY = ""

# The word of each secret, and words that are a letter away from it, begin like it or stand beside it.
STAFF, CHAMPIONS, NOTE = "quokkafish", "axolotlian", "capybarine"
TICKETS = {
    name: f"pangolin{letters}" for name, letters in zip(CAST, ("aba", "ebe", "ibi", "obo", "ubu", "aca", "ece", "ici", "oco"), strict=False)
}  # fmt: skip


@pytest.fixture
def everybody(app, work) -> list[str]:
    """Twenty people, nobody among them; and the secrets of some of them."""
    with app.app_context():
        for title, body, visibility in (
            ("Escalation", f"The {STAFF} procedure for a release.", "staff"),
            (f"Peer notes {CHAMPIONS}", "What champions say of a release.", "champions"),
            ("Releases", "A release says what happened at one stage.", "public"),
            ("Records", "A record holds each release of a process.", "public"),
        ):
            details = Details(title=title, slug="", state="published", visibility=visibility, topic="schema")
            articles.write(details, body, by=member("bruno"), reason="new")
        emails = [CAST[name][1] for name in CAST]
        for number in range(10):
            role = ("requester", "champion", "researcher")[number % 3]
            emails.append(people.add(email=f"p{number}@leaks.example", name=f"P {number}", roles=[role]).email)
        for name, word in TICKETS.items():
            ticket = tickets.ask(
                by=member(name), title=f"Our release {word}x", words=Words(f"About the release and {word}.")
            )
            tickets.note(ticket, by=member("bruno"), words=Words(f"They mean {NOTE} by that release."))
        db.session.commit()
    work()
    with app.app_context():
        indexing.search_index().health()
    return [NOBODY, *emails]


def secrets_from(email: str) -> set[str]:
    """The words that somebody may not read."""
    user = people.find(email) if email else None
    hidden = set() if user and user.is_staff else {STAFF, NOTE}
    if "champions" not in visibilities_of(user):
        hidden.add(CHAMPIONS)
    if not (user and user.is_staff):
        hidden |= {word for name, word in TICKETS.items() if CAST[name][1] != email}
    return hidden


def questions(chance: random.Random, hidden: set[str]) -> list[tuple[str, str]]:
    """What somebody may try, each with the secret that it is about."""
    ways = (
        lambda word: word, lambda word: f'"{word}"', lambda word: f"release {word}", lambda word: f"release -{word}",
        lambda word: word[:-2], lambda word: word[:5], lambda word: word[:3] + word[4:],
        lambda word: word[:4] + "z" + word[4:], lambda word: word[:-1] + "q", lambda word: f"the {word} procedure",
        lambda word: word.upper(), lambda word: f"{word}/release", lambda word: f"{word[:4]}*", lambda word: f"relase {word}",
    )  # fmt: skip
    words = sorted(hidden)
    return [((word := chance.choice(words)), chance.choice(ways)(word)) for _ in range(ASKED)]


def told(found, suggested, query: str) -> str:
    """All that an answer tells, as text, without what was asked."""
    texts = found.texts
    shown = [repr((hit.id, hit.title, hit.snippet, hit.title_marked, hit.topic)) for hit in texts.hits]
    shown += [repr((hit.ticket.title, hit.snippet)) for hit in found.tickets]
    shown += [repr((hit.title, hit.snippet)) for hit in suggested]
    shown.append(" ".join(word for word in texts.suggestion.split() if word not in query.split()))
    return " ".join(shown).lower()


def test_twenty_people_learn_nothing_of_what_they_may_not_read(app, everybody):
    chance = random.Random(20261123)
    leaks = []
    with app.app_context():
        assert len(everybody) == 20
        for email in everybody:
            reader = people.find(email) if email else None
            hidden = secrets_from(email)
            nonsense = _counts(searching.search("zzyzxqw", reader=reader))
            for word, query in questions(chance, hidden or {"zzyzxqw"}):
                found = searching.search(query, reader=reader)
                suggested = finding.suggest(query, user=reader)
                text = told(found, suggested, query)
                leaks += [(email, query, secret) for secret in hidden if secret in text]
                # A word that one may not read counts as one that nobody ever wrote.
                if query.strip('"').lower() == word and hidden and _counts(found) != nonsense:
                    leaks.append((email, query, "counts"))
        assert leaks == []


def _counts(found) -> tuple:
    facets = {name: dict(counts) for name, counts in found.texts.facets.items()}
    return found.texts.total, facets, found.ticket_total, found.texts.suggestion


def test_those_who_may_read_the_secrets_find_them(app, everybody):
    with app.app_context():
        for word in (STAFF, CHAMPIONS):
            assert searching.search(word, reader=member("bruno")).texts.total == 1
        assert searching.search(CHAMPIONS, reader=member("amara")).texts.total == 1
        assert searching.search(TICKETS["paula"], reader=member("paula")).ticket_total == 1
        assert searching.search(NOTE, reader=member("bruno")).ticket_total == len(TICKETS)


@pytest.mark.parametrize("who", [NOBODY, "paula", "rafael", "amara"])
def test_no_page_and_no_feed_tells_them_either(app, everybody, browser, browser_of, who):
    with app.app_context():
        hidden = sorted(secrets_from(CAST[who][1] if who else NOBODY))
    client = browser_of(who) if who else browser
    paths = ["/kb/feed.atom", "/answers/feed.atom", "/kb/", "/answers/", "/sitemap.xml", "/", "/api/v1/articles"]
    for word in hidden:
        near = word[:4] + "z" + word[4:]
        paths += [f"/search?q={near}", f"/suggestions?title={near}+release&body=release"]
    if not who:
        paths += [f"/api/v1/search?q={word[:4]}z{word[4:]}" for word in hidden]
    leaks = []
    for path in paths:
        answer = client.get(path)
        assert answer.status_code in {200, 301, 302, 403}, path
        leaks += [(path, word) for word in hidden if word in answer.text.lower()]
    assert leaks == []

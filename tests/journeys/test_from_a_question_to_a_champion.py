"""The whole main job, end to end: a question comes by mail, and its answer reaches a champion in another country.

Real parts: the command that an MTA's pipe runs, the worker, an SMTP server, the pages, the rows.
"""

import email
import os
import re
import socket
import subprocess
import sys
import time
from dataclasses import replace
from email.message import EmailMessage
from email.policy import default
from pathlib import Path

import pytest
from aiosmtpd.controller import Controller
from sqlalchemy import select

from accounts import people
from accounts.models import User
from core import jobs
from core.db import db
from helpdesk.intake_models import InboundMail
from helpdesk.models import AnswerSource, Citation, Message, Ticket
from kb import articles
from kb.models import Answer
from kb.pages import Details
from peers import profiles
from peers.models import Connection, Profile
from tests.conftest import member

ROOT = Path(__file__).parents[2]
BASE = "http://127.0.0.1:8000"


class Post:
    """The world's mail: what our SMTP client sends arrives here."""

    def __init__(self):
        self.mails: list[EmailMessage] = []

    async def handle_DATA(self, _server, _session, envelope):
        mail = email.message_from_bytes(envelope.content, policy=default)
        mail.envelope_to = list(envelope.rcpt_tos)
        self.mails.append(mail)
        return "250 OK"

    def last_to(self, address: str) -> EmailMessage:
        return next(mail for mail in reversed(self.mails) if address in mail.envelope_to)


@pytest.fixture
def post(app):
    post = Post()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    controller = Controller(post, hostname="127.0.0.1", port=port)
    controller.start()
    settings = app.extensions["settings"]
    app.extensions["settings"] = replace(
        settings, mail=replace(settings.mail, host="127.0.0.1", port=port, tls="none")
    )
    yield post
    controller.stop()


@pytest.fixture
def pipe(app):
    """What an MTA does with a mail: run our command with the bytes on its standard input."""

    def deliver(message: EmailMessage) -> None:
        settings = app.extensions["settings"]
        clean = {name: value for name, value in os.environ.items() if not name.startswith(("HELPDESK_", "DATABASE_"))}
        result = subprocess.run(
            [Path(sys.executable).with_name("flask"), "mail", "receive"], input=message.as_bytes(), capture_output=True,
            timeout=60, cwd=ROOT, env={**clean, "DATA_DIR": str(settings.data_dir), "DATABASE_URL": settings.database_url},
        )  # fmt: skip
        assert result.returncode == 0, result.stderr

    return deliver


def written(sender: str, to: str, subject: str, text: str, **headers: str) -> EmailMessage:
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = sender, to, subject
    message["Message-ID"] = f"<{abs(hash((sender, subject, text)))}@agency.example>"
    for name, value in headers.items():
        message[name.replace("_", "-")] = value
    message.set_content(text)
    return message


def link_in(mail: EmailMessage, words: str) -> str:
    found = re.search(rf"{re.escape(BASE)}(\S*{words}\S*)", mail.get_body(("plain",)).get_content())
    assert found, mail.as_string()
    return found[1]


def ticket_now(app) -> Ticket:
    return db.session.scalars(select(Ticket)).one()


def test_one_question_travels_from_a_publisher_to_a_champion(app, post, pipe, work, browser, browser_of):
    prepare(app)
    number = the_question_comes_by_mail(app, post, pipe, work)
    the_analyst_answers_with_an_article(app, post, work, browser_of, number)
    the_publisher_replies_into_the_same_ticket(app, post, pipe, work, number)
    slug = the_solved_question_becomes_a_past_answer(app, work, browser_of, number)
    the_champion_finds_it(browser_of, browser, slug)
    connection = a_connection_is_proposed(app, browser_of, slug)
    both_accept_by_their_links(app, post, work, browser, connection)
    the_outcome_is_recorded(app, browser_of, connection)


def prepare(app) -> None:
    """An article that fits, and two champions with profiles."""
    with app.app_context():
        articles.write(
            Details(title="Register an OCID prefix", slug="register-a-prefix", topic="ocid-prefix"),
            "# Register an OCID prefix\n\nSend the name of the publisher. One prefix belongs to one system.", by=member("bruno"),
        )  # fmt: skip
        for key, visibility in (("dalia", "public"), ("amara", "peers")):
            profile = profiles.begin(member(key))
            profiles.keep(
                profile, by=member(key), headline="Two systems, two prefixes", offers="How we did it", seeks="", systems=[],
                capacity=2, visibility=visibility, topics={"ocid-prefix": "expert" if key == "dalia" else "learning"},
            )  # fmt: skip
        db.session.commit()
        jobs.run_clocks()
        jobs.run_until_idle()


def the_question_comes_by_mail(app, post, pipe, work) -> int:
    question = written("Inés Rojas <ines@agency.example>", "helpdesk@helpdesk.example", "Prefix for a second system",
                       "Dear helpdesk,\n\nour ministry has a second system. Does it need its own prefix?\n\nRegards,\nInés")  # fmt: skip
    pipe(question)
    pipe(question)
    with app.app_context():
        assert [row.fate for row in db.session.scalars(select(InboundMail))] == ["", ""]
    work()
    with app.app_context():
        fates = sorted(row.fate for row in db.session.scalars(select(InboundMail)))
        assert fates == ["duplicate", "ticket"]
        ticket = ticket_now(app)
        assert (ticket.state, ticket.channel, ticket.requester.email) == ("new", "mail", "ines@agency.example")
        number = ticket.number
    acknowledgement = post.last_to("ines@agency.example")
    assert acknowledgement["Auto-Submitted"]
    assert "second system" not in acknowledgement.as_string()
    assert link_in(acknowledgement, f"/tickets/{number}")
    return number


def the_analyst_answers_with_an_article(app, post, work, browser_of, number: int) -> None:
    bruno = browser_of("bruno")
    assert "Prefix for a second system" in bruno.get("/desk").text
    page = bruno.get(f"/desk/tickets/{number}")
    fitting = bruno.get(f"/desk/tickets/{number}/fit").text
    assert "Register an OCID prefix" in fitting
    with app.app_context():
        requester = ticket_now(app).requester_id
    seen = re.search(r'name="seen" value="([^"]*)"', page.text)[1]
    note = bruno.send(f"/desk/tickets/{number}/replies", {"body": "CANARY: as in Ghana", "send": "note", "seen": seen})
    assert note.status_code == 303, note.text
    seen = re.search(r'name="seen" value="([^"]*)"', bruno.get(f"/desk/tickets/{number}").text)[1]
    reply = bruno.send(f"/desk/tickets/{number}/replies", {
        "body": f"Yes, a prefix belongs to a system: [Register an OCID prefix]({BASE}/kb/en/register-a-prefix).",
        "to": str(requester), "recipients": "1", "seen": seen, "send": "wait"})  # fmt: skip
    assert reply.status_code == 303, reply.text
    work()
    mail = post.last_to("ines@agency.example")
    text = mail.get_body(("plain",)).get_content()
    assert "a prefix belongs to a system" in text
    assert "a prefix belongs to a system" in mail.get_body(("html",)).get_content()
    assert mail["In-Reply-To"]
    assert mail["Reply-To"]
    assert all("CANARY" not in other.as_string() for other in post.mails)
    with app.app_context():
        assert ticket_now(app).state == "waiting"
        assert db.session.scalars(select(Citation.target_kind)).all() == ["article"]


def the_publisher_replies_into_the_same_ticket(app, post, pipe, work, number: int) -> None:
    mail = post.last_to("ines@agency.example")
    reply_to = mail["Reply-To"].addresses[0].addr_spec
    quoted = "\n".join(f"> {line}" for line in mail.get_body(("plain",)).get_content().splitlines())
    wrote = "On Mon, 23 Nov 2026 at 10:02, OCDS Helpdesk <helpdesk@helpdesk.example> wrote:"
    pipe(written("ines@agency.example", reply_to, f"Re: {mail['Subject']}", f"Thank you, that solves it.\n\n{wrote}\n{quoted}",
                 In_Reply_To=mail["Message-ID"], References=mail["Message-ID"]))  # fmt: skip
    work()
    with app.app_context():
        ticket = ticket_now(app)
        assert (ticket.number, ticket.state) == (number, "open")
        last = db.session.scalars(select(Message).order_by(Message.id.desc())).first()
        assert last.body.strip() == "Thank you, that solves it."
        assert last.has_more
        assert last.is_verified


def the_solved_question_becomes_a_past_answer(app, work, browser_of, number: int) -> str:
    carla = browser_of("carla")
    was = re.search(r'name="was_state" value="([^"]*)"', carla.get(f"/desk/tickets/{number}").text)
    fields = {"state": "solved", "was_state": was[1] if was else "open"}
    assert carla.send(f"/desk/tickets/{number}/fields", fields).status_code == 303
    with app.app_context():
        assert ticket_now(app).state == "solved"
    path = f"/desk/tickets/{number}/past-answer"
    drafted = carla.get(path).text
    assert "Does it need its own prefix?" in drafted
    texts = {"title": "Does a second system need its own prefix?", "topic": "ocid-prefix", "language": "en", "country": "",
             "visibility": "public", "answer": "Yes, a prefix belongs to a system, said Inés Rojas.",
             "question": "A ministry has a second system. Does it need its own prefix? Write to ines@agency.example"}  # fmt: skip
    refused = carla.send(path, {**texts, "do": "publish", "basis": "nothing-personal"})
    assert refused.status_code == 422
    replaced = carla.send(path, {**texts, "do": "replace"}).text
    assert (
        "ines@agency.example" not in re.search(r'<textarea[^>]*name="question".*?</textarea>', replaced, re.DOTALL)[0]
    )
    clean = {
        **texts,
        "answer": "Yes, a prefix belongs to a system.",
        "question": "A second system. Does it need its own prefix?",
    }
    response = carla.send(path, {**clean, "do": "review", "basis": "nothing-personal", "reason": "Read twice."})
    assert response.status_code == 303, response.text
    # Somebody who did not write it reads it before it is published.
    place, reader = response.location, browser_of("bruno")
    digest = re.search(r'name="digest" value="(\w+)"', reader.get(place).text)[1]
    assert reader.send(f"{place}/verdict", {"digest": digest, "do": "approve"}).status_code == 303
    assert reader.send(f"{place}/publish", {"basis": "nothing-personal"}).status_code == 303
    work()
    with app.app_context():
        answer = db.session.scalars(select(Answer)).one()
        assert (answer.state, answer.basis) == ("published", "nothing-personal")
        assert db.session.scalars(select(AnswerSource.ticket_id)).all() == [number]
        return answer.slug


def the_champion_finds_it(browser_of, browser, slug: str) -> None:
    for reader in (browser_of("amara"), browser):
        # Who searched a moment ago looks at the index again within half a second.
        deadline = time.monotonic() + 2
        while f"/answers/{slug}" not in (page := reader.get("/search?q=second system prefix").text):
            assert time.monotonic() < deadline, page
            time.sleep(0.1)
        page = reader.get(f"/answers/{slug}")
        assert page.status_code == 200
        assert "/desk/tickets/" not in page.text
        assert "Inés" not in page.text


def a_connection_is_proposed(app, browser_of, slug: str) -> int:
    amara = browser_of("amara")
    assert "Dalia" in amara.get(f"/answers/{slug}").text
    with app.app_context():
        profile = db.session.scalar(select(Profile).join(User).where(User.email == member("dalia").email))
        answer = db.session.scalars(select(Answer.id)).one()
        number = profile.id
    response = amara.send(f"/peers/{number}/connect", {
        "topic": "ocid-prefix", "reason": "We begin with a second system in January.", "origin_kind": "answer",
        "origin_id": str(answer)})  # fmt: skip
    assert response.status_code == 303, response.text
    with app.app_context():
        connection = db.session.scalars(select(Connection)).one()
        assert (connection.state, connection.origin_kind, connection.origin_id) == ("proposed", "answer", answer)
        assert connection.seeker_accepted_at is not None
        return connection.id


def both_accept_by_their_links(app, post, work, browser, connection: int) -> None:
    work()
    asked = post.last_to("dalia@dncp.example")
    assert "amara@ppa.example" not in asked.as_string()
    assert "Amara" not in asked.get_body(("plain",)).get_content()
    assert asked["Content-Language"] == "es"
    browser.get(link_in(asked, "/peers/connections/"), follow_redirects=True)
    answered = browser.send(f"/peers/connections/{connection}/answer", {"answer": "accept"})
    assert answered.status_code == 303, answered.text
    work()
    with app.app_context():
        assert db.session.get(Connection, connection).state == "introduced"
    to_dalia, to_amara = post.last_to("dalia@dncp.example"), post.last_to("amara@ppa.example")
    assert "amara@ppa.example" in to_dalia.as_string()
    assert "dalia@dncp.example" in to_amara.as_string()


def the_outcome_is_recorded(app, browser_of, connection: int) -> None:
    amara = browser_of("amara")
    logged = amara.send(
        f"/peers/connections/{connection}/exchanges", {"kind": "call", "note": "An hour on announcing prefixes."}
    )
    assert logged.status_code == 303, logged.text
    closed = amara.send(
        f"/peers/connections/{connection}/outcome", {"outcome": "helped", "note": "We took a second prefix."}
    )
    assert closed.status_code == 303, closed.text
    with app.app_context():
        row = db.session.get(Connection, connection)
        assert (row.state, row.outcome) == ("closed", "helped")
        assert len(row.exchanges) == 1


def test_a_forwarded_link_of_one_side_does_not_answer_for_the_other(app, post, work, browser, browser_of):
    prepare(app)
    with app.app_context():
        from peers import connections

        rafael = people.find_or_add("rafael@research.example")
        proposed = connections.propose(
            seeker=rafael, helper=member("dalia"), topic="ocid-prefix", reason="r", by=member("bruno")
        )
        db.session.commit()
        number = proposed.id
    work()
    browser.get(link_in(post.last_to("rafael@research.example"), "/peers/connections/"), follow_redirects=True)
    browser.send(f"/peers/connections/{number}/answer", {"answer": "accept"})
    with app.app_context():
        row = db.session.get(Connection, number)
        assert row.seeker_accepted_at is not None
        assert row.helper_accepted_at is None
        assert row.state == "proposed"

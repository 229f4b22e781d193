"""Champions with profiles, connections at every stage, and what they are mailed."""

import re
import time
from datetime import timedelta

import pytest

from core import limits
from core.db import db, now
from core.mail import OutgoingMail
from peers import connections, profiles
from peers.models import Connection, Profile
from tests.conftest import CAST, member

TOPIC = "amendments"
REASON = "Both run two systems under one ministry."


def champion(key: str, *, visibility: str = "peers", topics=None, **fields) -> Profile:
    """A profile of one of the cast, who becomes a champion; in the present session."""
    user = member(key)
    if not user.is_champion:
        from accounts.models import Role

        user.role_rows.append(Role(role="champion"))
    profile = profiles.begin(user)
    given = {"headline": "", "offers": "", "seeks": "", "systems": (), "capacity": 2, **fields}
    profiles.keep(
        profile, by=user, visibility=visibility, topics={TOPIC: "expert"} if topics is None else topics, **given
    )
    db.session.flush()
    return profile


def proposed(seeker: str = "paula", helper: str = "dalia", by: str = "bruno", **more) -> Connection:
    """A proposed connection; in the present session."""
    given = {"topic": TOPIC, "reason": REASON, **more}
    return connections.propose(seeker=member(seeker), helper=member(helper), by=member(by), **given)


def introduced(seeker: str = "paula", helper: str = "dalia", by: str = "bruno", **more) -> Connection:
    """A connection that both accepted; in the present session."""
    connection = proposed(seeker, helper, by, **more)
    connections.accept(connection, by=connection.seeker)
    connections.accept(connection, by=connection.helper)
    return connection


@pytest.fixture
def made(app):
    """Runs something in a session of its own and gives back the number of the row that it made."""

    def run(make, *args, **more) -> int:
        with app.app_context():
            row = make(*args, **more)
            db.session.commit()
            number = row.id
            db.session.remove()
        return number

    return run


@pytest.fixture
def look(app):
    """Asks the database in a session of its own; what comes back must not be a row."""

    def run(ask):
        with app.app_context():
            answer = ask()
            db.session.remove()
        return answer

    return run


@pytest.fixture
def mails_to(look):
    """Everything that a reader could see of the mails to one of the cast, oldest first."""

    def read(key: str) -> list[str]:
        def ask():
            rows = db.session.scalars(
                db.select(OutgoingMail).where(OutgoingMail.recipient == CAST[key][1]).order_by(OutgoingMail.id)
            ).all()
            return [
                f"{row.notice}\n{row.subject}\n{row.reply_to}\n{row.sender_name}\n{row.text}\n{row.html}"
                for row in rows
            ]

        return look(ask)

    return read


@pytest.fixture
def link_of(mails_to):
    """The link in the newest mail to one of the cast, as a path on this site."""

    def find(key: str) -> str:
        return re.findall(r"https?://[^/\s]+(/peers/connections/\d+\?key=[\w.~-]+)", mails_to(key)[-1])[0]

    return find


@pytest.fixture
def clock(monkeypatch):
    """Puts the clock of connections, profiles, links and limits forward."""
    real_now, real_time = now, time.time
    ahead = [timedelta()]

    def forward(**span):
        ahead[0] += timedelta(**span)

    from peers import models

    for module in (connections, models, limits):
        monkeypatch.setattr(module, "now", lambda: real_now() + ahead[0])
    monkeypatch.setattr(time, "time", lambda: real_time() + ahead[0].total_seconds())
    return forward

"""The worker is killed (SIGKILL) at random moments while it indexes: nothing is lost, and the index always opens.

The short form runs with the suite; FAULTS=full kills 100 times on each database.
"""

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from sqlalchemy import func, select, update

from core import jobs
from core.db import db, now
from core.jobs import Job
from kb import articles, indexing
from kb.models import Article
from kb.pages import Details
from kb.search import Query
from tests.conftest import member

ROOT = Path(__file__).parents[2]
KILLS = 100 if os.environ.get("FAULTS") == "full" else 8

pytestmark = pytest.mark.faults


@pytest.fixture
def workers(context):
    """A process that forks real workers: it takes lines and says process ids."""
    settings = context.extensions["settings"]
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("HELPDESK_", "DATABASE_"))}
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.faults.sender"], cwd=ROOT, text=True, bufsize=1, stdin=subprocess.PIPE,
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
        env={**clean, "DATA_DIR": str(settings.data_dir), "DATABASE_URL": settings.database_url,
             "SECRET_KEY": context.config["SECRET_KEY"], "LOG_LEVEL": "CRITICAL"},
    )  # fmt: skip

    def ask(line: str) -> str:
        process.stdin.write(line + "\n")
        answer = process.stdout.readline().strip()
        assert answer, "the workers could not be started"
        return answer

    yield ask
    process.stdin.close()
    process.wait(10)


def write(number: int) -> None:
    details = Details(title=f"Cormorant{number}", slug="", state="published")
    articles.write(details, "It dives deep. " * 30, by=member("bruno"), reason="new")


def edit(chance: random.Random, number: int) -> None:
    row = db.session.get_one(Article, chance.choice(db.session.scalars(select(Article.id)).all()))
    articles.edit(row, articles.details_of(row), f"Version{number} of it. " * 20, by=None)


def time_passes() -> None:
    """As if the leases of whoever died had ended and every waiting try were due."""
    db.session.execute(update(Job).values(lease_until=None, run_at=now().replace(year=2020)))
    db.session.commit()


def found(text: str) -> int:
    """How many documents a process that opens the index now finds; fails if it cannot be opened."""
    return indexing.open_index().search(Query(text=text)).total


def test_a_worker_killed_while_indexing_loses_nothing_and_leaves_an_index_that_opens(context, workers):
    chance = random.Random(20261123)
    for number in range(30):
        write(number)
    db.session.commit()
    jobs.run_until_idle()
    assert found("dives") == 30
    interrupted = 0
    for number in range(KILLS):
        write(100 + number)
        edit(chance, number)
        if number % 10 == 3:
            # The whole index is built anew while it is killed.
            db.session.execute(update(indexing.IndexEntry).where(indexing.IndexEntry.document == "*").values(mark="?"))
            indexing.check()
        db.session.commit()
        pid = int(workers("start"))
        time.sleep(chance.uniform(0.01, 0.25))
        os.kill(pid, signal.SIGKILL)
        workers(f"reap {pid}")
        interrupted += bool(db.session.scalar(select(func.count()).where(Job.kind == "search.apply")))
        db.session.rollback()
        assert found("cormorant0") <= 1
        time_passes()
    indexing.check()
    db.session.commit()
    jobs.run_until_idle()
    every = db.session.scalar(select(func.count()).select_from(Article))
    assert every == 30 + KILLS
    index = indexing.open_index()
    assert index.health().ok
    assert index.health().documents == every
    for number in [*range(30), *range(100, 100 + KILLS)]:
        assert index.search(Query(text=f"cormorant{number}")).total == 1, number
    assert interrupted, "no worker was killed at its work"
    assert db.session.scalar(select(func.count()).select_from(Job).where(Job.kind == "search.apply")) == 0

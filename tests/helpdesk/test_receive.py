"""The door for mail, as a mail server uses it: a process of its own, bytes on standard input, an exit code."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from sqlalchemy import func, select

from core import jobs
from core.db import db
from core.jobs import Job
from helpdesk.intake_models import InboundMail, RawMail
from helpdesk.models import Ticket
from tests.conftest import SECRET_KEY
from tests.helpdesk.conftest import compose

ROOT = Path(__file__).parent.parent.parent
FLASK = Path(sys.executable).with_name("flask")


def receive(raw: bytes, *more: str, **environment: str) -> subprocess.CompletedProcess:
    names = {name: value for name, value in os.environ.items() if not name.startswith(("HELPDESK_", "DATA", "SECRET"))}
    return subprocess.run(
        [FLASK, "mail", "receive", *more],
        input=raw,
        capture_output=True,
        cwd=ROOT,
        env=names | environment,
        timeout=60,
    )


@pytest.fixture
def door(app):
    """receive() into the database of this test."""
    settings = app.extensions["settings"]
    place = {"DATA_DIR": str(settings.data_dir), "SECRET_KEY": SECRET_KEY}
    if settings.on_postgresql:
        place["DATABASE_URL"] = settings.database.url
    return lambda raw, *more, **environment: receive(raw, *more, **(place | environment))


def test_a_mail_is_stored_byte_by_byte_while_no_worker_runs_and_read_when_one_does(app, door):
    raw = compose().replace(b"\n", b"\r\n") + b"\xff\x00\x80 odd bytes\r\n"
    started = time.monotonic()
    result = door(raw, "--mailbox", "questions")
    print(f"mail receive took {time.monotonic() - started:.3f} s")  # For whoever measures.
    assert (result.returncode, result.stdout) == (0, b"")
    with app.app_context():
        row = db.session.scalars(select(InboundMail)).one()
        assert (row.raw.content, row.size, row.mailbox, row.source, row.fate) == (
            raw,
            len(raw),
            "questions",
            "pipe",
            "",
        )
        assert abs((row.received_at - db.session.scalars(select(Job)).one().run_at).total_seconds()) < 1
        jobs.run_until_idle()
        row = db.session.scalars(select(InboundMail)).one()
        assert (row.fate, row.ticket_id is not None) == ("ticket", True)


def test_the_same_bytes_twice_are_two_arrivals_of_one_content(app, door):
    raw = compose()
    assert door(raw).returncode == 0
    assert door(raw).returncode == 0
    with app.app_context():
        jobs.run_until_idle()
        assert db.session.scalar(select(func.count()).select_from(RawMail)) == 1
        assert sorted(db.session.scalars(select(InboundMail.fate))) == ["duplicate", "ticket"]
        assert db.session.scalar(select(func.count()).select_from(Ticket)) == 1


def test_nothing_to_store_is_a_temporary_failure(door):
    assert door(b"").returncode == 75


def test_an_option_that_does_not_exist_is_a_temporary_failure(door):
    assert door(compose(), "--mailbx", "a").returncode == 75


def test_a_bad_setting_is_a_temporary_failure_that_names_it(door):
    result = door(compose(), HELPDESK_MAIL_PORT="many")
    assert result.returncode == 75
    assert b"HELPDESK_MAIL_PORT" in result.stderr


def test_without_a_database_none_is_made(tmp_path):
    result = receive(compose(), DATA_DIR=str(tmp_path / "nothing"))
    assert result.returncode == 75
    assert not (tmp_path / "nothing").exists()
    assert receive(compose(), DATABASE_URL=f"sqlite:///{tmp_path}/absent.db").returncode == 75
    assert not (tmp_path / "absent.db").exists()


def test_a_database_without_tables_is_a_temporary_failure(tmp_path):
    (tmp_path / "helpdesk.db").touch()
    assert receive(compose(), DATA_DIR=str(tmp_path)).returncode == 75


def test_a_database_that_cannot_be_written_is_a_temporary_failure(app, door, engine_name):
    """Root may write any file, so what stands in for a read-only disk is a database that another process holds."""
    if engine_name == "postgresql":
        url = app.extensions["settings"].database.url
        separator = "&" if "?" in url else "?"
        result = door(compose(), DATABASE_URL=f"{url}{separator}options=-c%20default_transaction_read_only%3Don")
        assert result.returncode == 75
        assert b"read-only" in result.stderr
        return
    path = Path(app.extensions["settings"].data_dir) / "helpdesk.db"
    kept = path.read_bytes()
    path.write_bytes(b"this is no database any more" * 500)
    assert door(compose()).returncode == 75
    path.write_bytes(kept)


def test_an_unreachable_server_is_a_temporary_failure():
    assert receive(compose(), DATABASE_URL="postgresql://nobody@127.0.0.1:1/none").returncode == 75


def test_parse_prints_one_object_a_file_in_their_order_and_goes_on_after_a_bad_one(tmp_path):
    import json

    good, bad = tmp_path / "good.eml", tmp_path / "bad.eml"
    good.write_bytes(compose(subject="Prefix"))
    bad.write_bytes(b"".join(b'Content-Type: multipart/mixed; boundary="b%d"\n\n--b%d\n' % (n, n) for n in range(80)))
    result = subprocess.run(
        [FLASK, "mail", "parse", bad, tmp_path / "absent.eml", good, "-"], input=compose(subject="Piped"),
        capture_output=True, cwd=ROOT, env=os.environ | {"DATA_DIR": str(tmp_path)}, timeout=60,
    )  # fmt: skip
    assert result.returncode == 0, result.stderr
    objects = [json.loads(line) for line in result.stdout.splitlines()]
    assert [each["subject"] for each in objects] == ["", "", "Prefix", "Piped"]
    assert [bool(each["problems"]) for each in objects] == [True, True, False, False]
    assert objects[2]["from"] == {"name": "Paula Ortiz", "email": "paula@compras.example"}
    assert list(objects[0]) == list(objects[2])


def test_replay_by_command_has_a_mail_read_again(app, deliver):
    row = deliver(compose(Precedence="bulk"))
    result = app.test_cli_runner().invoke(args=["mail", "replay", str(row.id), "--by-hand"])
    assert result.exit_code == 0, result.output
    jobs.run_until_idle()
    assert db.session.scalars(select(InboundMail.fate)).one() == "ticket"
    assert app.test_cli_runner().invoke(args=["mail", "replay", str(row.id)]).exit_code == 1
    assert app.test_cli_runner().invoke(args=["mail", "replay", "999"]).exit_code == 1

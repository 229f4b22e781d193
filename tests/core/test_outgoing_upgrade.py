"""An upgrade and a downgrade keep the mails and the tickets that are there."""

import flask_migrate
import pytest
from sqlalchemy import text

from app import create_app
from core.db import db
from tests.conftest import make_settings

MAIL = """INSERT INTO outgoing_mail (message_id, notice, recipient, recipient_name, shown_cc, reply_to, in_reply_to,
"references", sender_name, language, subject, text, html, attachments, is_automatic, about_kind, part_kind, state, attempts,
last_error, queued_at) VALUES ('a@b', 'ticket_reply', 'p@x.example', '', '[]', '', '', '[]', '', 'en', 'S', 'T', '', '[]',
false, '', '', 'dead', 3, '550 no', '2026-11-01 10:00:00')"""
USER = """INSERT INTO "user" (email, name, password_hash, country, language, languages, time_zone, is_disabled, epoch,
created_at, version) VALUES ('p@x.example', 'P', '', '', '', '[]', '', false, 1, '2026-11-01 10:00:00', 1)"""
TICKET = """INSERT INTO ticket (title, excerpt, requester_id, country, language, topic, service, state, priority, channel,
may_publish, message_count, created_at, last_activity_at, turn_since, version) VALUES ('Kept', '', 1, '', '', '', 'enquiry',
'open', 'normal', 'web', false, 0, '2026-11-01 10:00:00', '2026-11-01 10:00:00', '2026-11-01 10:00:00', 1)"""


@pytest.fixture
def url(engine_name, request):
    """The address of an empty database."""
    if engine_name == "sqlite":
        return ""
    server = request.getfixturevalue("postgresql_server")
    server.psql("DROP DATABASE IF EXISTS upgraded WITH (FORCE)")
    server.psql("CREATE DATABASE upgraded")
    return server.get_uri().replace("/postgres?", "/upgraded?")


def test_what_is_there_is_kept_up_and_down(url, tmp_path):
    app = create_app(make_settings(tmp_path, url))
    with app.app_context():
        flask_migrate.upgrade(revision="0002")
        for statement in (USER, TICKET, MAIL):
            db.session.execute(text(statement))
        db.session.commit()
        flask_migrate.upgrade(revision="0003")
        assert mail() == ("a@b", "dead", "550 no", "")
        assert db.session.execute(text("SELECT title, attention FROM ticket")).one() == ("Kept", "")
        db.session.execute(text("UPDATE outgoing_mail SET state = 'bounced', fault = 'tls'"))
        db.session.commit()
        flask_migrate.downgrade(revision="0002")
        found = db.session.execute(text("SELECT message_id, state, last_error FROM outgoing_mail")).one()
        assert found == ("a@b", "dead", "550 no")
        assert db.session.execute(text("SELECT title FROM ticket")).scalar_one() == "Kept"
        db.session.rollback()
        flask_migrate.upgrade(revision="0003")
        assert mail() == ("a@b", "dead", "550 no", "")
        db.session.remove()
        db.engine.dispose()


def mail() -> tuple:
    found = db.session.execute(text("SELECT message_id, state, last_error, fault FROM outgoing_mail")).one()
    db.session.rollback()
    return tuple(found)

"""The step to senders that are proved keeps every mail, both ways, and finds those from before by their words."""

import flask_migrate
from sqlalchemy import select, text

from core.db import db
from helpdesk import inbound, mail_search
from helpdesk.intake_models import InboundMail
from tests.helpdesk.conftest import compose


def test_mails_from_before_are_kept_and_found_after_the_step_back_and_forth(app):
    with app.app_context():
        row = inbound.store(compose(), source="pipe")
        db.session.flush()
        row.subject, row.sender, row.fate = "Zorblatt of old", "paula@compras.example", "spam"
        db.session.commit()
        number = row.id
        db.session.remove()
        flask_migrate.downgrade(revision="0003")
        try:
            assert db.session.execute(text("SELECT fate, subject FROM inbound_mail")).one() == (
                "ignored",
                "Zorblatt of old",
            )
        finally:
            db.session.remove()
            flask_migrate.upgrade()
        assert db.session.scalars(select(InboundMail.id).where(mail_search.matching("zorblatt paula"))).all() == [
            number
        ]
        kept = db.session.get(InboundMail, number)
        assert (kept.proof, kept.raw.content[:5]) == ("", b"From:")

"""The step to senders that are proved keeps every mail, both ways, and finds those from before by their words."""

import flask_migrate
from sqlalchemy import select, text

from core import mail
from core.db import db
from core.mail import OutgoingMail, Recipient
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


def test_mails_that_went_out_before_are_found_by_their_words_and_forgotten_with_their_rows(app):
    def found(typed):
        return db.session.scalars(
            select(OutgoingMail.id).where(mail_search.matching(typed, mail_search.OUTGOING))
        ).all()

    with app.app_context():
        flask_migrate.downgrade(revision="0005")
        mail.queue("sign_in_link", Recipient("paula@compras.example", "Paula Ñandú", "es"), "event-1",
                   link="https://x.example/l", minutes=30)  # fmt: skip
        db.session.commit()
        row = db.session.scalars(select(OutgoingMail)).one()
        word = row.subject.split()[-1]
        db.session.remove()
        flask_migrate.upgrade()
        assert found("paula@comp") == found(word) == found("Ñandú") == found(row.message_id) == [row.id]
        assert found("nobody") == []
        kept = db.session.get(OutgoingMail, row.id)
        kept.subject = "Zorblatt"
        db.session.flush()
        assert (found("zorb"), found(word)) == ([row.id], [])
        db.session.delete(kept)
        db.session.flush()
        assert found("zorb") == []

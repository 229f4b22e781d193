"""Past answers from before second readers and consent: kept, known to come from their tickets, both ways."""

import flask_migrate
from sqlalchemy import text

from core.db import db
from helpdesk import past_answers, tickets
from helpdesk.tickets import Words
from kb import answers
from kb.models import Answer
from tests.conftest import member


def test_past_answers_from_before_are_kept_after_the_step_back_and_forth(app):
    with app.app_context():
        bruno = member("bruno")
        ticket = tickets.ask(by=member("paula"), title="Prefix", words=Words("How do we get a prefix?"))
        made = answers.draft(by=bruno, title="Made", question="Q", answer="A", is_from_ticket=True)
        past_answers.note_source(made, ticket, reason="", by=bruno)
        plain = answers.draft(by=bruno, title="Plain", question="Q", answer="A")
        answers.publish(plain, basis="nothing-personal", by=bruno)
        merged = answers.draft(by=bruno, title="Merged", question="Q", answer="A")
        merged.state, merged.merged_into_id, made.state = "merged", plain.id, "in_review"
        db.session.commit()
        bruno_id = bruno.id
        db.session.remove()
        flask_migrate.downgrade(revision="0008")
        try:
            assert db.session.scalar(text("SELECT count(*) FROM answer_source")) == 1
            rows = db.session.execute(text("SELECT title, state FROM answer ORDER BY id")).all()
            assert [tuple(row) for row in rows] == [("Made", "draft"), ("Plain", "published"), ("Merged", "withdrawn")]
        finally:
            db.session.remove()
            flask_migrate.upgrade()
        rows = db.session.execute(
            db.select(Answer.is_from_ticket, Answer.text_by_id, Answer.credit).order_by(Answer.id)
        ).all()
        assert [tuple(row) for row in rows] == [(True, bruno_id, ""), (False, bruno_id, ""), (False, bruno_id, "")]
        assert db.session.scalar(text("SELECT count(*) FROM answer_source")) == 1

"""Articles and past answers for the tests of this part."""

import pytest

from core.db import db
from kb import answers, articles
from kb.models import Answer, Article
from kb.pages import Details
from tests.conftest import member


@pytest.fixture
def article(app):
    """Writes an article and commits; returns its number. Published and public, unless said otherwise."""

    def make(title="Lots", body="Hello *world*.", *, by="bruno", **details) -> int:
        with app.app_context():
            details = Details(title=title, **{"slug": "", "state": "published", **details})
            row = articles.write(details, body, by=member(by), reason="new")
            db.session.commit()
            return row.id

    return make


@pytest.fixture
def past_answer(app):
    """Writes a past answer and commits; returns its number. Published and public, unless said otherwise."""

    def make(title="Two prefixes", *, published=True, **words) -> int:
        with app.app_context():
            words = {"question": "May we share one?", "answer": "No, ask for a **second** one.", **words}
            row = answers.draft(by=member("bruno"), title=title, **words)
            if published:
                answers.publish(row, basis="consent", by=member("bruno"))
            db.session.commit()
            return row.id

    return make


@pytest.fixture
def change(app):
    """Calls a function with an article (or a past answer) and commits."""

    def run(act, number: int, model=Article):
        with app.app_context():
            row = db.session.get_one(model, number)
            result = act(row)
            db.session.commit()
            return result

    return run


@pytest.fixture
def answer_model():
    return Answer

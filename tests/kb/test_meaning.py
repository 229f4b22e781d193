"""Search by meaning: an optional extra, without which everything is as it was."""

from importlib.util import find_spec

import pytest

from core import jobs
from core.db import db
from kb import finding, meaning
from kb.gap_models import ArticleVector
from kb.models import Article

installed = pytest.mark.skipif(find_spec(meaning.PACKAGE) is None, reason="the extra for meaning is not installed")


@pytest.fixture
def library(app, article, work):
    """Two public articles and one of staff, indexed."""
    numbers = {
        "prefix": article("Get an OCID prefix", "Write to the helpdesk with the name of the publisher."),
        "lots": article("Publish lots", "A tender is divided into lots."),
        "staff": article("How prefixes are issued", "What to check before a prefix is given.", visibility="staff"),
    }
    with app.app_context():
        jobs.run_clocks()
    work()
    return numbers


def test_without_the_extra_words_alone_are_searched_and_no_vectors_are_made(app, library, work):
    with app.app_context():
        app.extensions["words_alone"] = True
        try:
            assert not meaning.is_on()
            meaning.check()
            db.session.commit()
            assert db.session.scalar(db.select(jobs.Job.id).where(jobs.Job.kind == "meaning.apply")) is None
            found = finding.find("prefix", user=None, language="en")
            assert [hit.id for hit in found.hits] == [f"article:{library['prefix']}"]
            assert finding.find("quelque chose", user=None, language="fr").total == 0
        finally:
            app.extensions["words_alone"] = False


@installed
def test_a_question_in_another_language_finds_what_means_the_same_and_nothing_hidden(app, library):
    with app.app_context():
        assert meaning.catch_up(60) == 3
        assert meaning.catch_up(60) == 0
        found = finding.find("à qui écrire pour recevoir notre préfixe", user=None, language="fr")
        assert found.hits[0].id == f"article:{library['prefix']}"
        assert f"article:{library['staff']}" not in [hit.id for hit in found.hits]
        assert finding.find('"à qui écrire"', user=None, language="fr").total == 0
        only = finding.find("préfixe des publications", user=None, language="fr", languages=("es",))
        assert only.hits == ()


@installed
def test_vectors_follow_what_is_published(app, library):
    with app.app_context():
        meaning.catch_up(60)
        row = db.session.get(Article, library["lots"])
        row.body_text = "Something else now."
        db.session.commit()
        from kb.indexing import catch_up, open_index

        db.session.delete(db.session.get(Article, library["prefix"]))
        db.session.commit()
        catch_up(open_index())
        db.session.commit()
        assert meaning.catch_up(60) == 1
        known = set(db.session.scalars(db.select(ArticleVector.document)))
        assert known == {f"article:{library['lots']}", f"article:{library['staff']}"}


@installed
def test_a_question_is_drawn_towards_its_first_answers():
    import numpy as np

    matrix = np.zeros((3, 384), dtype=np.float32)
    matrix[0, :2] = matrix[1, 1:3] = matrix[2, 3:5] = 0.5**0.5
    vectors = meaning.Vectors((3, 3), ("a", "b", "c"), np.arange(3), matrix, {"a": 0, "b": 1, "c": 2})
    question = np.zeros(384, dtype=np.float32)
    question[0] = 1.0
    asked, drawn = (
        meaning._likeness(vectors, q) for q in (question, meaning._drawn(vectors, question, ["a", "gone"]))
    )
    assert asked[1] == asked[2] == 0.0
    assert drawn[1] > 0.1 > drawn[2] == 0.0
    assert drawn[0] == max(drawn)

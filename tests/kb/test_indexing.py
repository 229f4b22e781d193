"""The index follows the database, whatever happens to it; and pages find without it."""

import shutil

import pytest
from sqlalchemy import delete, func, select

from core import jobs
from core.db import db
from core.jobs import Job
from kb import answers, articles, finding, indexing
from kb.models import Answer, Article, IndexEntry
from kb.search import IndexUnavailable
from kb.search.postgres_index import PostgresIndex
from kb.search.whoosh_index import WhooshIndex
from tests.conftest import make_settings, member


@pytest.fixture
def found(app):
    """The ids that somebody finds."""

    def find(text, who="", **more):
        with app.app_context():
            # Readers look for a newer index once in a while; asking how it is makes this one look now.
            indexing.search_index().health()
            results = finding.find(text, user=member(who) if who else None, **more)
            return [hit.id for hit in results.hits]

    return find


@pytest.fixture
def lose_index(app):
    """Removes the index, as a restored backup or a full disk does."""

    def lose():
        with app.app_context():
            settings = app.extensions["settings"]
            shutil.rmtree(settings.data_dir / "index", ignore_errors=True)
            if db.engine.dialect.name == "postgresql":
                with db.engine.begin() as connection:
                    connection.exec_driver_sql("DELETE FROM search_state")
            app.extensions.pop("search_index", None)

    return lose


def strike(app):
    """Let the clock of the index strike, and the worker do what it asks for."""
    with app.app_context():
        indexing.check()
        db.session.commit()
    with app.app_context():
        return jobs.run_until_idle()


def entries(app):
    with app.app_context():
        return dict(db.session.execute(select(IndexEntry.document, IndexEntry.mark)).all())


def test_the_settings_choose_the_index(app, tmp_path, engine_name):
    from core.settings import Search

    with app.app_context():
        chosen = WhooshIndex if engine_name == "sqlite" else PostgresIndex
        assert isinstance(indexing.search_index(), chosen)
        assert indexing.search_index() is indexing.search_index()
        before = app.extensions["settings"]
        url = before.database.url
        try:
            app.extensions["settings"] = make_settings(tmp_path, url, search=Search(backend="whoosh"))
            assert isinstance(indexing.search_index(), WhooshIndex)
        finally:
            app.extensions["settings"] = before


def test_what_is_published_is_found_and_what_is_withdrawn_is_not(
    app, article, past_answer, change, found, work, answer_model
):
    number = article("Zebra lots")
    answer = past_answer("Zebra prefix")
    work()
    assert set(found("zebra")) == {f"article:{number}", f"answer:{answer}"}
    change(lambda row: articles.withdraw(row, by=None), number)
    change(lambda row: answers.withdraw(row, by=None), answer, answer_model)
    assert found("zebra") == [], "at once, although the index does not know it yet"
    work()
    assert set(entries(app)) == {"*"}
    assert found("zebra") == []


def test_a_change_reaches_the_index(app, article, change, found, work):
    number = article("Lots")
    work()
    change(lambda row: articles.edit(row, articles.details_of(row), "A giraffe.", by=None), number)
    work()
    assert found("giraffe") == [f"article:{number}"]


def test_many_changes_are_one_job(app, article, work):
    for number in range(5):
        article(f"Lots {number}")
    with app.app_context():
        jobs.run_due(limit=100)
        waiting = db.session.scalars(select(Job.kind)).all()
    assert waiting.count("search.apply") == 1


@pytest.mark.parametrize("harm", ["lost", "lost jobs", "restored", "foreign", "made by hand"])
def test_whatever_happens_to_the_index_it_is_mended(app, article, found, work, lose_index, harm):
    number = article("Zebra")
    work()
    if harm == "lost":
        lose_index()
    elif harm == "lost jobs":
        number = article("Zebra again")
        with app.app_context():
            db.session.execute(delete(Job))
            db.session.commit()
    elif harm == "restored":
        with app.app_context():
            # The database of yesterday beside the index of today: it knows of no index.
            db.session.execute(delete(IndexEntry))
            db.session.commit()
    elif harm == "foreign":
        with app.app_context():
            indexing.open_index().apply([], [f"article:{number}"])
    else:
        with app.app_context():
            db.session.execute(Article.__table__.update().values(title="Okapi", version=Article.version + 1))
            db.session.commit()
    assert strike(app) >= 1
    assert f"article:{number}" in found("okapi" if harm == "made by hand" else "zebra")
    assert strike(app) == 0, "then all is well"


def test_a_healthy_index_is_left_alone(app, article, work):
    article("Zebra")
    work()
    with app.app_context():
        version = indexing.open_index().health().version
    assert strike(app) == 0
    with app.app_context():
        assert indexing.open_index().health().version == version


def test_damage_on_the_disk_is_found_by_the_clock(app, article, found, work, engine_name):
    if engine_name != "sqlite":
        pytest.skip("PostgreSQL looks after its own files")
    number = article("Zebra")
    work()
    with app.app_context():
        directory = app.extensions["settings"].data_dir / "index"
    for path in directory.rglob("*.pst"):
        content = bytearray(path.read_bytes())
        content[len(content) // 2] ^= 0xFF
        path.write_bytes(content)
    assert strike(app) >= 1
    assert found("zebra") == [f"article:{number}"]


def test_while_the_index_is_missing_the_database_answers(app, article, past_answer, found, lose_index, work):
    number = article("Zebra lots", "Stripes of a zebra.", topic="use")
    answer = past_answer("Zebra prefix", answer="Stripes.")
    article("Hidden zebra", visibility="staff")
    work()
    lose_index()
    assert set(found("zebra")) == {f"article:{number}", f"answer:{answer}"}
    assert len(found("zebra", who="bruno")) == 3
    assert found("zebra", kinds=("answer",)) == [f"answer:{answer}"]
    assert found("zebra", topics=("use",)) == [f"article:{number}"]
    assert found("zebra -lots") == [f"answer:{answer}"]
    assert found("zebra 100%_") == []
    assert found("") == []
    with app.app_context():
        results = finding.find("zebra", user=None, limit=1)
        assert (len(results.hits), results.total, results.facets["kind"]) == (1, 2, {"article": 1, "answer": 1})
        assert any(marked for _text, marked in results.hits[0].title_marked)
        assert [hit.id for hit in finding.suggest("where does a zebra get its stripes?", user=None)]


def test_rebuilding_waits_for_another_writer(app, article, monkeypatch):
    article("Zebra")

    def busy(*_args):
        raise IndexUnavailable("The index is being written by another process")

    monkeypatch.setattr(indexing, "catch_up", busy)
    with app.app_context(), pytest.raises(jobs.Later):
        indexing.apply_changes()


def test_counting_feedback_does_not_rewrite_the_index(app, article, change, work):
    from kb import feedback

    number = article("Zebra")
    work()
    before = entries(app)
    change(lambda row: feedback.give(row, is_helpful=True, by=None), number)
    strike(app)
    assert entries(app) == before


def test_more_documents_than_one_batch_are_indexed(app, monkeypatch, article, found, work):
    monkeypatch.setattr(indexing, "BATCH", 2)
    for number in range(5):
        article(f"Zebra {number}")
    work()
    assert len(found("zebra")) == 5
    with app.app_context():
        assert db.session.scalar(select(func.count(IndexEntry.id))) == 6
        names = [document.id for document, _mark in indexing.documents()]
        assert names == [f"article:{number}" for number in range(1, 6)]
    for number in range(5):
        article(f"Okapi {number}")
    work()
    assert len(found("okapi")) == 5


def test_drafts_never_reach_the_index(app, article, past_answer, work):
    article("Zebra", state="draft")
    past_answer("Zebra", published=False)
    work()
    assert set(entries(app)) <= {"*"}
    with app.app_context():
        assert list(indexing.documents()) == []
        assert db.session.scalar(select(func.count(Answer.id))) == 1

"""Uploads that nothing uses."""

import io
import os
from datetime import timedelta

import pytest
from sqlalchemy import select

from core import files, jobs
from core.db import db, now
from core.files import StoredFile
from helpdesk.models import Message, Ticket
from kb import article_files, articles, typed, unused_files
from kb.models import Article, ArticleFile
from kb.pages import Details
from kb.writing_models import ArticleChange
from tests.conftest import member


@pytest.fixture
def upload(app):
    """Uploads a text and makes it old; returns the Markdown that links to it."""

    def make(words: str, *, days: int = 31, path: str = "") -> str:
        with app.app_context():
            row = article_files.add(io.BytesIO(words.encode()), f"{words}.txt", path=path)
            row.file.created_at = now() - timedelta(days=days)
            markdown = article_files.markdown_for(row)
            os.utime(files.path_of(row.file.sha256), (0, 0))
            db.session.commit()
            return markdown

    return make


def sweep(app) -> set[str]:
    """Throws away what is unused; returns the names of the files that are left."""
    with app.app_context():
        unused_files.throw_away(unused_files.unused(now()))
        db.session.commit()
        return {row.file.filename for row in db.session.scalars(select(ArticleFile))}


def test_an_upload_that_nothing_names_goes_after_a_month_with_its_bytes(app, upload, work):
    upload("old")
    upload("young", days=29)
    upload("imported", path="files/imported.txt")
    with app.app_context():
        path = files.path_of(db.session.scalar(select(StoredFile.sha256).where(StoredFile.filename == "old.txt")))
    assert sweep(app) == {"young.txt", "imported.txt"}
    assert path.exists()
    work()
    assert not path.exists()


def test_what_any_text_names_stays(app, upload, article, past_answer):
    by_article = article("Shows", upload("article"))
    before = article("Showed", upload("version"))
    links = {name: upload(name) for name in ("change", "typing", "answer", "ticket")}
    past_answer("Past", answer=links["answer"])
    with app.app_context():
        bruno = member("bruno")
        row = db.session.get_one(Article, before)
        articles.edit(row, Details(title="Showed", slug=row.slug), "Without it.", by=bruno)
        db.session.add(ArticleChange(article_id=by_article, base_number=1, title="Shows", body=links["change"],
                                     visibility="public"))  # fmt: skip
        typed.keep(bruno, "new-en", {"body": links["typing"]}, after="")
        ticket = Ticket(title="A question", requester_id=bruno.id)
        db.session.add(ticket)
        db.session.flush()
        db.session.add(Message(ticket_id=ticket.id, body=links["ticket"], kind="public", author_id=bruno.id))
        db.session.commit()
    upload("nobody")
    assert sweep(app) == {f"{name}.txt" for name in ("article", "version", *links)}


def test_bytes_that_another_file_has_too_stay(app, upload, work):
    upload("same")
    with app.app_context():
        other = files.save(io.BytesIO(b"same"), "other.txt")
        path = files.path_of(other.sha256)
        db.session.commit()
        os.utime(path, (0, 0))
    assert sweep(app) == set()
    work()
    assert path.exists()


def test_bytes_that_somebody_sends_again_just_now_stay(app, upload):
    upload("again")
    with app.app_context():
        stored = db.session.scalar(select(StoredFile))
        path, mark = files.path_of(stored.sha256), stored.sha256
    sweep(app)
    with app.app_context():
        files.write(io.BytesIO(b"again"), 100)
        with pytest.raises(jobs.Later):
            unused_files.forget_bytes([mark])
    assert path.exists()


def test_the_clock_has_the_worker_do_it(app, upload, work):
    upload("old")
    with app.app_context():
        unused_files.sweep()
        db.session.commit()
    work()
    with app.app_context():
        assert db.session.scalar(select(ArticleFile)) is None

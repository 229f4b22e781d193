"""The database: one session, aware UTC times, and the engines set up so that nothing is lost.

SQLite runs in WAL mode with ``synchronous=FULL`` through the SQLite that pysqlite3 brings, because SQLite before
3.51.3 can corrupt a WAL database. A request that may write takes the write lock at its first statement
(``BEGIN IMMEDIATE``), so a transaction that has read is never refused when it comes to write.
"""

import time
from contextvars import ContextVar
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self
from weakref import WeakKeyDictionary

import pysqlite3.dbapi2
from flask import Flask
from flask_login import UserMixin
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import (
    JSON,
    BigInteger,
    Connection,
    CursorResult,
    DateTime,
    Dialect,
    Engine,
    Executable,
    Integer,
    MetaData,
    Select,
    TypeDecorator,
    create_engine,
    event,
    select,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, registry
from sqlalchemy.pool import ConnectionPoolEntry

from core.settings import Settings
from core.turns import PAUSE, Turns

SAFE_SQLITE = (3, 51, 3)

Id = BigInteger().with_variant(Integer, "sqlite")
Json = JSON().with_variant(JSONB, "postgresql")

# GET requests only read and must not wait for the writer; everything else may write.
may_write: ContextVar[bool] = ContextVar("may_write", default=True)


_turns: WeakKeyDictionary[Engine, Turns | None] = WeakKeyDictionary()

# What is small and worth little, such as a count of requests, does not wait for the disk.
_may_be_lost: ContextVar[bool] = ContextVar("may_be_lost", default=False)


def now() -> datetime:
    """The present moment, aware, in UTC."""
    return datetime.now(UTC)


class UtcTime(TypeDecorator[datetime]):
    """An aware time in UTC, whatever the database makes of it."""

    impl = DateTime(timezone=True)
    cache_ok = True

    @property
    def python_type(self) -> type[datetime]:
        """What it gives and takes."""
        return datetime

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Refuse naive times; hand SQLite, which knows no time zones, plain UTC."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a time without a time zone cannot be stored")
        value = value.astimezone(UTC)
        return value.replace(tzinfo=None) if dialect.name == "sqlite" else value

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        """Give every time back aware, in UTC."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Base(DeclarativeBase):
    """What every table shares."""

    registry = registry(
        type_annotation_map={datetime: UtcTime, dict[str, Any]: Json, list[Any]: Json},
        metadata=MetaData(
            naming_convention={
                "ix": "ix_%(table_name)s_%(column_0_N_name)s",
                "uq": "uq_%(table_name)s_%(column_0_N_name)s",
                "ck": "ck_%(table_name)s_%(constraint_name)s",
                "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
                "pk": "pk_%(table_name)s",
            }
        ),
    )


db = SQLAlchemy(model_class=Base, session_options={"expire_on_commit": False}, disable_autonaming=True)


class Model(db.Model):  # type: ignore[name-defined,misc] # Flask-SQLAlchemy makes its base at run time.
    """Base of all rows with a number of their own."""

    __abstract__ = True

    id: Mapped[int] = mapped_column(Id, primary_key=True)

    @classmethod
    def visible_to(cls, user: UserMixin | None) -> Select[tuple[Self]]:  # noqa: ARG003 # Each model answers for itself.
        """The rows that a person may see. A model that is listed says so itself; by default nobody sees any."""
        return select(cls).where(False)  # type: ignore[arg-type] # SQLAlchemy takes a plain False for “none”.


def init_app(app: Flask, settings: Settings) -> None:
    """Bind the session to the configured database."""
    url = settings.database_url
    options: dict[str, Any]
    if url.startswith("sqlite"):
        settings.data_dir.mkdir(parents=True, exist_ok=True)
        options = {"module": pysqlite3.dbapi2, "connect_args": {"timeout": settings.database.busy_seconds}}
    else:
        options = {"pool_size": settings.database.pool_size, "max_overflow": 10, "pool_pre_ping": True,
                   "connect_args": {"connect_timeout": 10}}  # fmt: skip
    app.config["SQLALCHEMY_DATABASE_URI"] = url
    app.config["SQLALCHEMY_ENGINE_OPTIONS"] = options
    db.init_app(app)
    with app.app_context():
        if db.engine.dialect.name == "sqlite":
            tune_sqlite(db.engine, settings.database.busy_seconds)


def write_apart(statement: Executable, values: dict[str, Any] | None = None) -> Any:  # Whatever the statement returns.
    """Write something small that stands whatever becomes of the request, such as a count; before all else is written.

    A request that only reads has begun a transaction that may not write any more once somebody else has written; so
    what was begun ends first. A power cut may lose it.

    :return: the first value that the statement returns, if it returns any.
    """
    db.session.commit()
    before, durable = may_write.set(True), _may_be_lost.set(True)
    try:
        result = db.session.connection().execute(statement, values)
        # All of it is fetched: SQLite cannot commit while a statement is half read.
        rows = [] if isinstance(result, CursorResult) and not result.returns_rows else result.all()
        db.session.commit()
    finally:
        may_write.reset(before)
        _may_be_lost.reset(durable)
    return rows[0][0] if rows else None


def separate_engine(settings: Settings) -> Engine:
    """An engine of its own, for a command that works outside the application's session."""
    url = settings.database_url
    if url.startswith("sqlite"):
        engine = create_engine(url, module=pysqlite3.dbapi2)
        tune_sqlite(engine, settings.database.busy_seconds)
        return engine
    return create_engine(url)


def tune_sqlite(engine: Engine, busy_seconds: int) -> None:
    """Make SQLite durable and strict on every connection, and begin transactions ourselves."""

    @event.listens_for(engine, "connect")
    def connect(connection: Any, _record: ConnectionPoolEntry) -> None:  # A driver's own connection.
        # The driver must not begin transactions by itself: it would do so late, at the first write.
        connection.isolation_level = None
        cursor = connection.cursor()
        for pragma in (
            f"busy_timeout={busy_seconds * 1000}",
            "journal_mode=WAL",
            "synchronous=FULL",
            "foreign_keys=ON",
            "trusted_schema=OFF",
            "cache_size=-16000",
            "temp_store=MEMORY",
        ):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    path = engine.url.database
    turns = Turns(Path(path)) if path else None
    _turns[engine] = turns

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        wanted = "NORMAL" if _may_be_lost.get() else "FULL"
        if connection.info.get("synchronous", "FULL") != wanted:
            connection.exec_driver_sql(f"PRAGMA synchronous={wanted}")
            connection.info["synchronous"] = wanted
        if not may_write.get():
            connection.exec_driver_sql("BEGIN")
        elif turns is None:
            connection.exec_driver_sql("BEGIN IMMEDIATE")
        else:
            _begin_writing(connection, turns, busy_seconds)


def _begin_writing(connection: Connection, turns: Turns, busy_seconds: int) -> None:
    """Take the write lock, waiting for it at most so long."""
    cursor: Any = connection.connection.cursor()
    # SQLite would look for the lock ever more rarely; we look steadily, and say that we wait.
    cursor.execute("PRAGMA busy_timeout=0")
    try:
        with turns.waiting():
            until = time.monotonic() + busy_seconds
            while True:
                try:
                    cursor.execute("BEGIN IMMEDIATE")
                    return
                except pysqlite3.dbapi2.OperationalError:
                    if time.monotonic() > until:
                        break
                time.sleep(PAUSE)
        # Once more, so that the refusal is told as any other.
        connection.exec_driver_sql("BEGIN IMMEDIATE")
    finally:
        cursor.execute(f"PRAGMA busy_timeout={busy_seconds * 1000}")
        cursor.close()


def give_way() -> None:
    """Let other writers go first, where the database has only one at a time; with no transaction open."""
    turns = _turns.get(db.engine)
    if turns is not None:
        turns.give_way()

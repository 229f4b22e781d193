"""Finding a mail in one of the two logs by its words, by full text of the database, in bounded time."""

import re
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Select, bindparam, func, literal_column, select, text
from sqlalchemy.sql.elements import ColumnElement

from core.db import db
from core.mail import OutgoingMail
from helpdesk.intake_models import InboundMail

# How many mails with all of the words are looked at, newest first; another filter then chooses among them.
NEWEST = 5000
MOST_WORDS = 8

_WORD = re.compile(r"[^\W_]+")
# What stands between words, for the one of the two databases whose tokenizer keeps addresses whole.
_MARKS = "@.<>+-_/:,;''\"()[]{}!?#=&*|~%$^`\\"


@dataclass(frozen=True)
class Log:
    """A log of mails, and the columns whose words are found."""

    model: Any
    columns: tuple[str, ...]

    @property
    def table(self) -> str:
        """Its table."""
        return str(self.model.__tablename__)

    @property
    def vector(self) -> str:
        """The words of a row, for PostgreSQL."""
        said = " || ' ' || ".join(self.columns)
        return f"to_tsvector('simple', translate(lower({said}), '{_MARKS}', repeat(' ', {len(_MARKS) - 1})))"


INBOUND = Log(InboundMail, ("sender", "sender_name", "subject"))
OUTGOING = Log(OutgoingMail, ("recipient", "recipient_name", "subject"))


def create(connection: Connection, log: Log = INBOUND) -> None:
    """Make the index of words, kept by the database itself; for a migration. What is there already is indexed.

    A later migration that copies the table on SQLite (as Alembic does to change a column) has to `drop` this before
    and `create` it after: triggers go with the table that they stand on.
    """
    table, columns = log.table, ", ".join(log.columns)
    if connection.dialect.name == "postgresql":
        connection.execute(text(f"CREATE INDEX ix_{table}_words ON {table} USING gin ({_escaped(log.vector)})"))
        return
    connection.exec_driver_sql(
        f"CREATE VIRTUAL TABLE {table}_words USING fts5({columns}, content='{table}', content_rowid='id', "
        'columnsize=0, tokenize="unicode61 remove_diacritics 2")'
    )
    said, old = _of("old", log, " || "), _of("old", log, ", ")
    forget = f"INSERT INTO {table}_words({table}_words, rowid, {columns}) VALUES ('delete', old.id, {old});"  # noqa: S608 # Ours alone.
    add = f"INSERT INTO {table}_words(rowid, {columns}) VALUES (new.id, {_of('new', log, ', ')});"  # noqa: S608 # Ours alone.
    changed = " OR ".join(f"new.{column} <> old.{column}" for column in log.columns)
    for name, when, condition, what in (
        ("added", "AFTER INSERT", f"{_of('new', log, ' || ')} <> ''", add),
        ("removed", "AFTER DELETE", f"{said} <> ''", forget),
        ("unsaid", f"AFTER UPDATE OF {columns}", f"({changed}) AND {said} <> ''", forget),
        ("said", f"AFTER UPDATE OF {columns}", f"({changed}) AND {_of('new', log, ' || ')} <> ''", add),
    ):
        connection.exec_driver_sql(
            f"CREATE TRIGGER {table}_{name} {when} ON {table} WHEN {condition} BEGIN {what} END"
        )
    connection.exec_driver_sql(
        f"INSERT INTO {table}_words(rowid, {columns}) "  # noqa: S608 # Ours alone.
        f"SELECT id, {columns} FROM {table} WHERE {' || '.join(log.columns)} <> ''"
    )


def drop(connection: Connection, log: Log = INBOUND) -> None:
    """Remove what `create` made; for a migration."""
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql(f"DROP INDEX IF EXISTS ix_{log.table}_words")
        return
    for name in ("added", "removed", "unsaid", "said"):
        connection.exec_driver_sql(f"DROP TRIGGER IF EXISTS {log.table}_{name}")
    connection.exec_driver_sql(f"DROP TABLE IF EXISTS {log.table}_words")


def matching(typed: str, log: Log = INBOUND) -> ColumnElement[bool]:
    """The condition that a mail fits what somebody typed: a whole Message-ID, or words of its people and subject.

    Of the last word its beginning is enough. At most `NEWEST` mails are looked at for words.
    """
    bare = typed.strip().strip("<>").strip()
    words = [word.lower() for word in _WORD.findall(typed)][:MOST_WORDS]
    if "@" in bare:
        is_it: ColumnElement[bool] = log.model.message_id == bare
        # Whoever brings the Message-ID wants that mail, and it is found at once in a log of any size.
        if typed.strip().startswith("<") or db.session.scalar(select(log.model.id).where(is_it).limit(1)):
            return is_it
    fits: ColumnElement[bool] = log.model.id.in_(_with_words(words, log)) if words else log.model.id < 0
    return fits


def _with_words(words: list[str], log: Log) -> Select[Any]:
    number = log.model.id
    if db.engine.dialect.name == "postgresql":
        asked = " & ".join([*words[:-1], f"{words[-1]}:*"])
        fits = literal_column(log.vector).op("@@")(func.to_tsquery("simple", asked))
        found = select(number).where(fits).order_by(number.desc()).limit(NEWEST)
        return select(found.subquery().c.id)
    asked = " ".join([*(f'"{word}"' for word in words[:-1]), f'"{words[-1]}"*'])
    found_rows = (
        text(
            f"SELECT rowid FROM {log.table}_words WHERE {log.table}_words MATCH :asked "  # noqa: S608 # Ours alone.
            "ORDER BY rowid DESC LIMIT :newest"
        )
        .bindparams(bindparam("asked", asked), bindparam("newest", NEWEST))
        .columns(literal_column("rowid", type_=number.type))
    )
    rows = found_rows.subquery()
    return select(rows.c.rowid)


def _of(row: str, log: Log, between: str) -> str:
    return between.join(f"{row}.{column}" for column in log.columns)


def _escaped(statement: str) -> str:
    return statement.replace(":", r"\:")

"""Finding a mail in the log by words of its sender and subject, by full text of the database, in bounded time."""

import re
from typing import Any

from sqlalchemy import Connection, Select, bindparam, func, literal_column, or_, select, text
from sqlalchemy.sql.elements import ColumnElement

from core.db import db
from helpdesk.intake_models import InboundMail

# How many mails with all of the words are looked at, newest first; another filter then chooses among them.
NEWEST = 5000
MOST_WORDS = 8

_WORD = re.compile(r"[^\W_]+")
_COLUMNS = "sender, sender_name, subject"
# What stands between words, for the one of the two databases whose tokenizer keeps addresses whole.
_MARKS = "@.<>+-_/:,;''\"()[]{}!?#=&*|~%$^`\\"
_VECTOR = (
    "to_tsvector('simple', translate(lower(sender || ' ' || sender_name || ' ' || subject), "
    f"'{_MARKS}', repeat(' ', {len(_MARKS) - 1})))"
)


def create(connection: Connection) -> None:
    """Make the index of words, kept by the database itself; for a migration. What is there already is indexed.

    A later migration that copies the table of mails on SQLite (as Alembic does to change a column) has to `drop` this
    before and `create` it after: triggers go with the table that they stand on.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(text(f"CREATE INDEX ix_inbound_mail_words ON inbound_mail USING gin ({_escaped(_VECTOR)})"))
        return
    connection.exec_driver_sql(
        f"CREATE VIRTUAL TABLE inbound_mail_words USING fts5({_COLUMNS}, content='inbound_mail', content_rowid='id', "
        'columnsize=0, tokenize="unicode61 remove_diacritics 2")'
    )
    said = "old.sender || old.sender_name || old.subject <> ''"
    forget = (
        f"INSERT INTO inbound_mail_words(inbound_mail_words, rowid, {_COLUMNS}) "  # noqa: S608 # Ours alone.
        "VALUES ('delete', old.id, old.sender, old.sender_name, old.subject);"
    )
    add = (
        f"INSERT INTO inbound_mail_words(rowid, {_COLUMNS}) "  # noqa: S608 # Ours alone.
        "VALUES (new.id, new.sender, new.sender_name, new.subject);"
    )
    changed = "new.sender <> old.sender OR new.sender_name <> old.sender_name OR new.subject <> old.subject"
    for name, when, condition, what in (
        ("added", "AFTER INSERT", said.replace("old.", "new."), add),
        ("removed", "AFTER DELETE", said, forget),
        ("unsaid", f"AFTER UPDATE OF {_COLUMNS}", f"({changed}) AND {said}", forget),
        ("said", f"AFTER UPDATE OF {_COLUMNS}", f"({changed}) AND {said.replace('old.', 'new.')}", add),
    ):
        connection.exec_driver_sql(
            f"CREATE TRIGGER inbound_mail_{name} {when} ON inbound_mail WHEN {condition} BEGIN {what} END"
        )
    connection.exec_driver_sql(
        f"INSERT INTO inbound_mail_words(rowid, {_COLUMNS}) "  # noqa: S608 # Ours alone.
        f"SELECT id, {_COLUMNS} FROM inbound_mail "
        "WHERE sender || sender_name || subject <> ''"
    )


def drop(connection: Connection) -> None:
    """Remove what `create` made; for a migration."""
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql("DROP INDEX IF EXISTS ix_inbound_mail_words")
        return
    for name in ("added", "removed", "unsaid", "said"):
        connection.exec_driver_sql(f"DROP TRIGGER IF EXISTS inbound_mail_{name}")
    connection.exec_driver_sql("DROP TABLE IF EXISTS inbound_mail_words")


def matching(typed: str) -> ColumnElement[bool]:
    """The condition that a mail fits what somebody typed: a whole Message-ID, or words of sender and subject.

    Of the last word its beginning is enough. At most `NEWEST` mails are looked at for words.
    """
    bare = typed.strip().strip("<>").strip()
    words = [word.lower() for word in _WORD.findall(typed)][:MOST_WORDS]
    fits: list[ColumnElement[bool]] = [InboundMail.message_id == bare] if "@" in bare else []
    if words:
        fits.append(InboundMail.id.in_(_with_words(words)))
    return or_(*fits) if fits else InboundMail.id < 0


def _with_words(words: list[str]) -> Select[Any]:
    if db.engine.dialect.name == "postgresql":
        asked = " & ".join([*words[:-1], f"{words[-1]}:*"])
        fits = literal_column(_VECTOR).op("@@")(func.to_tsquery("simple", asked))
        found = select(InboundMail.id).where(fits).order_by(InboundMail.id.desc()).limit(NEWEST)
        return select(found.subquery().c.id)
    asked = " ".join([*(f'"{word}"' for word in words[:-1]), f'"{words[-1]}"*'])
    found_rows = (
        text(
            "SELECT rowid FROM inbound_mail_words WHERE inbound_mail_words MATCH :asked "
            "ORDER BY rowid DESC LIMIT :newest"
        )
        .bindparams(bindparam("asked", asked), bindparam("newest", NEWEST))
        .columns(literal_column("rowid", type_=InboundMail.id.type))
    )
    rows = found_rows.subquery()
    return select(rows.c.rowid)


def _escaped(statement: str) -> str:
    return statement.replace(":", r"\:")

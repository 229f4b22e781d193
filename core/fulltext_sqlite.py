"""The full text of tickets in SQLite (FTS5)."""

from collections.abc import Sequence

from sqlalchemy import Connection, bindparam, text

from core.fulltext_tables import SHORTEST_BEGINNING, LastPart, Match, forms
from core.query_words import Clause, ParsedQuery
from core.words import TICKET_LANGUAGES, chunks, fold, stem

# A row of the FTS5 table is known by its number alone, so ticket and part share it.
_PART_BITS = 10
_LAST_PART = (1 << _PART_BITS) - 1


class SqliteText:
    """An FTS5 table. Beside each text, a column with what the tokenizer does not see: stems and parts of codes."""

    def create(self, connection: Connection) -> None:
        """Make the table and its indexes."""
        connection.exec_driver_sql(
            "CREATE VIRTUAL TABLE ticket_text USING fts5("
            "title, public, internal, more_title, more_public, more_internal, "
            'columnsize=0, tokenize="unicode61 remove_diacritics 2")'
        )

    def drop(self, connection: Connection) -> None:
        """Remove what `create` made."""
        connection.exec_driver_sql("DROP TABLE IF EXISTS ticket_text")

    def insert(
        self, connection: Connection, ticket_id: int, part: int, texts: tuple[str, str, str], language: str
    ) -> None:
        """Add a part of a ticket: its title, public and internal text."""
        if part > _LAST_PART:
            return
        title, public, internal = texts
        connection.execute(
            text(
                "INSERT INTO ticket_text(rowid, title, public, internal, more_title, more_public, more_internal) "
                "VALUES (:row, :title, :public, :internal, :more_title, :more_public, :more_internal)"
            ),
            {
                "row": ticket_id << _PART_BITS | part,
                "title": title,
                "public": public,
                "internal": internal,
                "more_title": _more(title, language),
                "more_public": _more(public, language),
                "more_internal": _more(internal, language),
            },
        )

    def extend(
        self, connection: Connection, ticket_id: int, last: LastPart, texts: tuple[str, str], language: str
    ) -> None:
        """Add public and internal text to a part."""
        public, internal = texts
        connection.execute(
            text(
                "UPDATE ticket_text SET public = public || :public, internal = internal || :internal, "
                "more_public = more_public || :more_public, more_internal = more_internal || :more_internal "
                "WHERE rowid = :row"
            ),
            {
                "row": ticket_id << _PART_BITS | last.part,
                "public": f"\n{public}" if public else "",
                "internal": f"\n{internal}" if internal else "",
                "more_public": f" {_more(public, language)}" if public else "",
                "more_internal": f" {_more(internal, language)}" if internal else "",
            },
        )

    def retitle(self, connection: Connection, ticket_id: int, title: str, language: str) -> None:
        """Change the title in every part of a ticket."""
        connection.execute(
            text("UPDATE ticket_text SET title = :title, more_title = :more WHERE rowid BETWEEN :first AND :last"),
            {"title": title, "more": _more(title, language), **_rows(ticket_id)},
        )

    def delete(self, connection: Connection, ticket_id: int) -> None:
        """Remove every part of a ticket."""
        connection.execute(text("DELETE FROM ticket_text WHERE rowid BETWEEN :first AND :last"), _rows(ticket_id))

    def last_part(self, connection: Connection, ticket_id: int) -> LastPart | None:
        """The part of a ticket that new text goes to, if there is any."""
        row = connection.execute(
            text(
                "SELECT rowid, title, length(public) + length(internal) FROM ticket_text "
                "WHERE rowid BETWEEN :first AND :last ORDER BY rowid DESC LIMIT 1"
            ),
            _rows(ticket_id),
        ).one_or_none()
        return LastPart(row[0] & _LAST_PART, row[1], row[2]) if row else None

    def clause(self, parsed: ParsedQuery, clause: Clause) -> str:
        """One clause in the language of FTS5, every word of it a quoted string, which cannot mean anything else."""
        if len(clause.words) > 1:
            # The tokenizer of the table cuts the quoted text just as it cut the texts.
            ways = [_quoted(parsed.text[clause.start : clause.end])]
            if clause.codes:
                ways.append(_quoted(" ".join(word.text for word in clause.words)))
        else:
            word = clause.words[0].text
            ways = [
                _quoted(way) for way in dict.fromkeys((fold(word), *(stem(word, name) for name in TICKET_LANGUAGES)))
            ]
        beginning = clause.codes[-1].text if clause.codes else fold(clause.words[-1].text)
        if clause.prefix and len(beginning) >= SHORTEST_BEGINNING:
            ways.append(f"{_quoted(parsed.text[clause.start : clause.end])} *")
        return f"({' OR '.join(ways)})"

    def match(
        self,
        connection: Connection,
        groups: Sequence[Sequence[str]],
        without: Sequence[str],
        *,
        internal: bool,
        titles: bool,
        limit: int,
    ) -> list[Match]:
        """The newest parts that match: any group of clauses that must all be found, and nothing of `without`."""
        expression = " OR ".join(f"({' AND '.join(group)})" for group in groups)
        if without:
            expression = f"({expression}) NOT ({' OR '.join(without)})"
        if titles:
            expression = f"{{title more_title}} : ({expression})"
        elif not internal:
            expression = f"{{title public more_title more_public}} : ({expression})"
        rows = connection.execute(
            text(
                "SELECT rowid, title FROM ticket_text WHERE ticket_text MATCH :query ORDER BY rowid DESC LIMIT :limit"
            ),
            {"query": expression, "limit": limit},
        )
        return [Match(row >> _PART_BITS, row & _LAST_PART, title) for row, title in rows]

    def texts(
        self, connection: Connection, matches: Sequence[Match], *, internal: bool
    ) -> dict[tuple[int, int], tuple[str, ...]]:
        """The public texts of parts, and the internal ones if these may be read."""
        rows = connection.execute(
            text(
                "SELECT rowid, public, CASE WHEN :internal THEN internal ELSE '' END FROM ticket_text "
                "WHERE rowid IN :rows"
            ).bindparams(bindparam("rows", expanding=True)),
            {"rows": [match.ticket_id << _PART_BITS | match.part for match in matches], "internal": internal},
        )
        return {(row >> _PART_BITS, row & _LAST_PART): (public, hidden) for row, public, hidden in rows}


def _rows(ticket_id: int) -> dict[str, int]:
    return {"first": ticket_id << _PART_BITS, "last": ticket_id << _PART_BITS | _LAST_PART}


def _quoted(words: str) -> str:
    return '"' + words.replace('"', '""').replace("\0", " ") + '"'


def _more(source: str, language: str) -> str:
    """What FTS5 must know besides the words of a text: their stems, the parts of codes, codes without hyphens."""
    more: dict[str, None] = {}
    for chunk in dict.fromkeys(chunks(source)):
        for _, form in forms(chunk, language)[1]:
            more[form] = None
    return " ".join(more)

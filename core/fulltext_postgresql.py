"""The full text of tickets in PostgreSQL (tsvector)."""

from collections.abc import Sequence

from sqlalchemy import Connection, text

from core.fulltext_tables import SHORTEST_BEGINNING, LastPart, Match, forms
from core.query_words import Clause, ParsedQuery
from core.tsvector import all_of, any_of, lexeme, phrase, vector
from core.words import LONGEST_CODE, TICKET_LANGUAGES, chunks, fold, stem


class PostgresText:
    """An ordinary table with a vector for titles, one for what requesters may read and one for everything."""

    def create(self, connection: Connection) -> None:
        """Make the table and its indexes."""
        connection.exec_driver_sql(
            "CREATE TABLE ticket_text (ticket_id bigint NOT NULL, part integer NOT NULL, "
            "title text NOT NULL, public text NOT NULL, internal text NOT NULL, "
            "tsv_title tsvector NOT NULL, tsv_public tsvector NOT NULL, tsv_all tsvector NOT NULL, "
            "PRIMARY KEY (ticket_id, part))"
        )
        for column in ("tsv_title", "tsv_public", "tsv_all"):
            connection.exec_driver_sql(f"CREATE INDEX ix_ticket_text_{column} ON ticket_text USING gin ({column})")

    def drop(self, connection: Connection) -> None:
        """Remove what `create` made."""
        connection.exec_driver_sql("DROP TABLE IF EXISTS ticket_text")

    def insert(
        self, connection: Connection, ticket_id: int, part: int, texts: tuple[str, str, str], language: str
    ) -> None:
        """Add a part of a ticket: its title, public and internal text."""
        title, public, internal = texts
        connection.execute(
            text(
                "INSERT INTO ticket_text (ticket_id, part, title, public, internal, tsv_title, tsv_public, tsv_all) "
                "VALUES (:ticket, :part, :title, :public, :internal, "
                "CAST(:in_title AS tsvector), CAST(:in_title AS tsvector) || CAST(:in_public AS tsvector), "
                "CAST(:in_title AS tsvector) || CAST(:in_public AS tsvector) || CAST(:in_internal AS tsvector))"
            ),
            {
                "ticket": ticket_id,
                "part": part,
                "title": title,
                "public": public,
                "internal": internal,
                "in_title": _vector(title, language),
                "in_public": _vector(public, language),
                "in_internal": _vector(internal, language),
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
                "tsv_public = tsv_public || CAST(:in_public AS tsvector), "
                "tsv_all = tsv_all || CAST(:in_public AS tsvector) || CAST(:in_internal AS tsvector) "
                "WHERE ticket_id = :ticket AND part = :part"
            ),
            {
                "ticket": ticket_id,
                "part": last.part,
                "public": f"\n{public}" if public else "",
                "internal": f"\n{internal}" if internal else "",
                "in_public": _vector(public, language),
                "in_internal": _vector(internal, language),
            },
        )

    def retitle(self, connection: Connection, ticket_id: int, title: str, language: str) -> None:
        """Change the title in every part of a ticket."""
        rows = connection.execute(
            text("SELECT part, public, internal FROM ticket_text WHERE ticket_id = :ticket"), {"ticket": ticket_id}
        ).all()
        self.delete(connection, ticket_id)
        for part, public, internal in rows:
            self.insert(connection, ticket_id, part, (title, public, internal), language)

    def delete(self, connection: Connection, ticket_id: int) -> None:
        """Remove every part of a ticket."""
        connection.execute(text("DELETE FROM ticket_text WHERE ticket_id = :ticket"), {"ticket": ticket_id})

    def last_part(self, connection: Connection, ticket_id: int) -> LastPart | None:
        """The part of a ticket that new text goes to, if there is any."""
        row = connection.execute(
            text(
                "SELECT part, title, length(public) + length(internal) FROM ticket_text "
                "WHERE ticket_id = :ticket ORDER BY part DESC LIMIT 1"
            ),
            {"ticket": ticket_id},
        ).one_or_none()
        return LastPart(*row) if row else None

    def clause(self, parsed: ParsedQuery, clause: Clause) -> str:  # noqa: ARG002 # Only FTS5 cuts words itself.
        """One clause as a part of a `tsquery`."""
        if len(clause.words) > 1:
            first = clause.words[0].position
            ways = [lexeme(code.text) for code in clause.codes if code.position == first]
            ways.append(phrase((word.position - first, fold(word.text)) for word in clause.words))
        else:
            word = clause.words[0].text
            ways = [
                lexeme(way) for way in dict.fromkeys((fold(word), *(stem(word, name) for name in TICKET_LANGUAGES)))
            ]
        beginning = clause.codes[-1].text if clause.codes else fold(clause.words[-1].text)
        if clause.prefix and len(beginning) >= SHORTEST_BEGINNING:
            ways.append(f"{lexeme(beginning)}:*")
        return any_of(ways)

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
        query = any_of(all_of(group) for group in groups)
        if without:
            query = f"{query} & !{any_of(without)}"
        column = "tsv_title" if titles else "tsv_all" if internal else "tsv_public"
        rows = connection.execute(
            text(
                f"SELECT ticket_id, part, title FROM ticket_text WHERE {column} @@ CAST(:query AS tsquery) "  # noqa: S608
                "ORDER BY ticket_id DESC, part DESC LIMIT :limit"
            ),
            {"query": query, "limit": limit},
        )
        return [Match(*row) for row in rows]

    def texts(
        self, connection: Connection, matches: Sequence[Match], *, internal: bool
    ) -> dict[tuple[int, int], tuple[str, ...]]:
        """The public texts of parts, and the internal ones if these may be read."""
        if not matches:
            return {}
        rows = connection.execute(
            text(
                "SELECT ticket_id, part, public, CASE WHEN :internal THEN internal ELSE '' END FROM ticket_text "
                "WHERE (ticket_id, part) IN (SELECT * FROM unnest(CAST(:tickets AS bigint[]), CAST(:parts AS int[])))"
            ),
            {
                "tickets": [match.ticket_id for match in matches],
                "parts": [match.part for match in matches],
                "internal": internal,
            },
        )
        return {(ticket, part): (public, hidden) for ticket, part, public, hidden in rows}


def _vector(source: str, language: str) -> str:
    """A text as a vector: words and their stems at the same positions, codes at that of their first part."""
    places: dict[str, list[tuple[int, str]]] = {}
    position = 1
    for chunk in chunks(source):
        count, others = forms(chunk, language)
        if len(chunk) <= LONGEST_CODE:
            places.setdefault(fold(chunk), []).append((position, ""))
        for offset, form in others:
            places.setdefault(form, []).append((position + offset, ""))
        position += count
    return vector(places)

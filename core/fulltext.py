"""Full text of tickets, inside the database and the transaction that changes them: SQLite FTS5 or PostgreSQL tsvector.

A ticket is indexed in parts of bounded length, so that adding a message costs the same in a long thread as in a short
one. Searching looks at the newest matches (and matches in titles) only, so that it costs the same in a large database
as in a small one.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import Any

from sqlalchemy import Connection
from sqlalchemy.orm import Session, scoped_session

from core.fulltext_postgresql import PostgresText
from core.fulltext_sqlite import SqliteText
from core.fulltext_tables import Backend, Match
from core.passages import Segments, Wanted, marks, passage
from core.query_words import Clause, ParsedQuery, parse
from core.words import EVERY_STOP_WORD, TICKET_LANGUAGES, clean, fold, stem

Transaction = Connection | Session | scoped_session[Any]

# How much text one part holds, in characters.
PART_LENGTH = 16_000

# How many matches are looked at, newest first.
_NEWEST = 500
_NEWEST_TITLES = 200
# With fewer tickets than this holding all of the words, those that lack one of them are shown below.
_FEW = 5
_MOST_ASKED = 6
_MOST_SIMILAR_WORDS = 16

_BACKENDS: dict[str, Backend] = {"sqlite": SqliteText(), "postgresql": PostgresText()}


@dataclass(frozen=True, slots=True)
class TextHit:
    """A ticket that was found; `snippet` is empty beyond the number of snippets that was asked for."""

    ticket_id: int
    score: float
    snippet: Segments = ()


def create(connection: Connection) -> None:
    """Make the table and its indexes; for a migration."""
    _BACKENDS[connection.dialect.name].create(connection)


def drop(connection: Connection) -> None:
    """Remove what `create` made; for a migration."""
    _BACKENDS[connection.dialect.name].drop(connection)


def put(
    session: Transaction, ticket_id: int, title: str, public: str, internal: str = "", *, language: str = "",
    is_new: bool = False,
) -> None:  # fmt: skip
    """Index a ticket from scratch. `public` is what its requester may read, `internal` what only staff may.

    `language` is the language of the text if known (en, es, fr): singular and plural then match more exactly.
    `is_new` says that there is nothing to replace.
    """
    connection, backend = _open(session)
    if not is_new:
        backend.delete(connection, ticket_id)
    title, public, internal = clean(title), clean(public), clean(internal)
    publics, internals = _pieces(public), _pieces(internal)
    for part in range(max(len(publics), len(internals), 1)):
        here = (publics[part] if part < len(publics) else "", internals[part] if part < len(internals) else "")
        backend.insert(connection, ticket_id, part, (title, *here), language)


def append(session: Transaction, ticket_id: int, *, public: str = "", internal: str = "", language: str = "") -> None:
    """Add a message to the text of a ticket."""
    connection, backend = _open(session)
    added = [(piece, "") for piece in _pieces(clean(public))] + [("", piece) for piece in _pieces(clean(internal))]
    for texts in added:
        last = backend.last_part(connection, ticket_id)
        if last is not None and last.length + len(texts[0]) + len(texts[1]) <= PART_LENGTH:
            backend.extend(connection, ticket_id, last, texts, language)
        else:
            part, title = (last.part + 1, last.title) if last else (0, "")
            backend.insert(connection, ticket_id, part, (title, *texts), language)


def retitle(session: Transaction, ticket_id: int, title: str, *, language: str = "") -> None:
    """Change the title of a ticket, leaving its text."""
    connection, backend = _open(session)
    backend.retitle(connection, ticket_id, clean(title), language)


def delete(session: Transaction, ticket_id: int) -> None:
    """Forget a ticket."""
    connection, backend = _open(session)
    backend.delete(connection, ticket_id)


def search(
    session: Transaction, text: str, *, internal: bool, limit: int = 200, snippets: int = 25, prefix_last: bool = False
) -> list[TextHit]:
    """Tickets that hold all of the words, those with them in the title first, then the newest.

    `internal` says whether what only staff may read is searched and shown. When fewer than five tickets hold all of
    the words, those that lack one of them follow. Never raises because of what was typed.
    """
    connection, backend = _open(session)
    parsed = parse(text, prefix_last=prefix_last)
    clauses = _telling(parsed)
    if not clauses:
        return []
    wanted = _wanted(clauses)
    groups = [[backend.clause(parsed, clause) for clause in clauses]]
    without = [backend.clause(parsed, clause) for clause in parsed.unwanted]
    hits = _ranked(_matches(connection, backend, groups, without, internal=internal), wanted, len(clauses))
    if len(hits) < _FEW and 1 < len(clauses) <= _MOST_ASKED:
        groups = [[*groups[0][:i], *groups[0][i + 1 :]] for i in range(len(clauses))]
        more = _ranked(_matches(connection, backend, groups, without, internal=internal), wanted, len(clauses))
        found = {match.ticket_id for _, match in hits}
        hits += [(score / 10 - 1, match) for score, match in more if match.ticket_id not in found]
    return _with_snippets(connection, backend, hits[:limit], wanted, snippets, internal=internal)


def similar(
    session: Transaction, text: str, *, internal: bool, exclude: Sequence[int] = (), limit: int = 5
) -> list[TextHit]:
    """Tickets whose titles share the rarer words of a text (the title of another ticket, say), best first."""
    connection, backend = _open(session)
    parsed = parse(text.replace('"', " "), most_words=_MOST_SIMILAR_WORDS)
    clauses = [clause for clause in _telling(parsed) if not clause.negative]
    if not clauses:
        return []
    groups = [[backend.clause(parsed, clause)] for clause in clauses]
    found = backend.match(connection, groups, [], internal=internal, titles=True, limit=_NEWEST)
    wanted = _wanted(clauses)
    in_titles: dict[int, tuple[Match, set[str]]] = {}
    for match in found:
        keys = {key for _, _, key in marks(match.title, wanted)}
        if match.ticket_id not in exclude and keys:
            in_titles.setdefault(match.ticket_id, (match, keys))
    counts = Counter(key for _, keys in in_titles.values() for key in keys)
    scored = [(sum(1 / (2 + counts[key]) for key in keys), match) for match, keys in in_titles.values()]
    scored.sort(key=lambda pair: (-pair[0], -pair[1].ticket_id))
    return _with_snippets(connection, backend, scored[:limit], wanted, limit, internal=internal)


def _open(session: Transaction) -> tuple[Connection, Backend]:
    connection = session if isinstance(session, Connection) else session.connection()
    return connection, _BACKENDS[connection.dialect.name]


def _pieces(text: str) -> list[str]:
    """A text in pieces that each fit a part, cut between words where there is a space near."""
    pieces = []
    while len(text) > PART_LENGTH:
        space = text.rfind(" ", PART_LENGTH // 2, PART_LENGTH)
        cut = space if space > 0 else PART_LENGTH
        pieces.append(text[:cut])
        text = text[cut:]
    return [*pieces, text] if text else pieces


def _telling(parsed: ParsedQuery) -> list[Clause]:
    """The clauses to find, without function words unless there is nothing else."""
    clauses = parsed.wanted
    telling = [c for c in clauses if len(c.words) > 1 or c.prefix or fold(c.words[0].text) not in EVERY_STOP_WORD]
    return telling or list(clauses)


def _wanted(clauses: Sequence[Clause]) -> Wanted:
    """What to mark: nobody says in which language a ticket is, so the stems of each."""
    words = [word.text for clause in clauses for word in clause.words]
    codes = frozenset(code.text for clause in clauses for code in clause.codes)
    prefix = next((fold(clause.words[-1].text) for clause in clauses if clause.prefix), "")
    return Wanted(
        {language: frozenset(stem(word, language) for word in words) for language in TICKET_LANGUAGES}, codes, prefix
    )


def _matches(
    connection: Connection, backend: Backend, groups: list[list[str]], without: list[str], *, internal: bool
) -> list[Match]:
    newest = backend.match(connection, groups, without, internal=internal, titles=False, limit=_NEWEST)
    if len(newest) < _NEWEST:
        return newest
    titles = backend.match(connection, groups, without, internal=internal, titles=True, limit=_NEWEST_TITLES)
    seen = {(match.ticket_id, match.part) for match in newest}
    return newest + [match for match in titles if (match.ticket_id, match.part) not in seen]


def _ranked(found: list[Match], wanted: Wanted, asked: int) -> list[tuple[float, Match]]:
    """One match a ticket, scored by the share of the words in the title and by how new it is."""
    scored: dict[int, tuple[float, Match]] = {}
    for i, match in enumerate(sorted(found, key=attrgetter("ticket_id"), reverse=True)):
        if match.ticket_id not in scored:
            in_title = len({key for _, _, key in marks(match.title, wanted)})
            scored[match.ticket_id] = (min(in_title / asked, 1.0) * 2 + 1 - i / (len(found) + 1), match)
    return sorted(scored.values(), key=lambda pair: (-pair[0], -pair[1].ticket_id))


def _with_snippets(
    connection: Connection,
    backend: Backend,
    hits: Sequence[tuple[float, Match]],
    wanted: Wanted,
    snippets: int,
    *,
    internal: bool,
) -> list[TextHit]:
    texts = backend.texts(connection, [match for _, match in hits[:snippets]], internal=internal)
    found = []
    for score, match in hits:
        best: tuple[Segments, int] = ((), -1)
        for text in texts.get((match.ticket_id, match.part), ()):
            if text:
                here = passage(text, wanted)
                best = here if here[1] > best[1] else best
        found.append(TextHit(match.ticket_id, round(score, 4), best[0]))
    return found

"""Fill a database in bulk: ``python -m bench.load --tickets 20000``; DATABASE_URL and DATA_DIR say which.

The same sizes give the same rows. May be called again to add more tickets to what is there.
"""

import argparse
import random
import time
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import flask_migrate
from sqlalchemy import Connection, Table, func, insert, select, text

from accounts import people
from accounts.models import Organisation, Role, User
from app import create_app
from bench.texts import RARE_WORD, Texts
from core import fulltext
from core.db import db, now
from core.events import Event
from core.i18n import country_codes
from helpdesk.models import Message, MessageRecipient, Participant, Ticket, TicketTag
from kb import indexing
from kb.models import PUBLISHED, Answer, Article, Revision
from kb.topics import TOPICS
from peers.models import Profile, ProfileTopic

STAFF, REQUESTERS, ORGANISATIONS = 8, 2000, 300
ANALYST = "analyst-1@bench.example"
PASSWORD = "fast enough for everyone"
BATCH = 1000
# How tickets are spread over states, out of a hundred.
SPREAD = ("new",) * 5 + ("open",) * 10 + ("waiting",) * 15 + ("solved",) * 30 + ("closed",) * 40
LANGUAGES = ("en",) * 6 + ("es",) * 3 + ("fr",)
MESSAGES = 3


@dataclass(frozen=True)
class Sizes:
    """How much of everything."""

    tickets: int = 20_000
    articles: int = 10_000
    answers: int = 200
    champions: int = 500


@dataclass(frozen=True)
class Loaded:
    """What a run of the loader did, in rows and seconds."""

    tickets: int
    seconds: float
    index_seconds: float

    @property
    def tickets_a_second(self) -> float:
        return self.tickets / self.seconds if self.seconds else 0.0


def load(sizes: Sizes) -> Loaded:
    """Fill the database of the present application; people, articles and champions only the first time."""
    texts = {language: Texts(language, seed) for seed, language in enumerate(("en", "es", "fr"))}
    choose = random.Random(7)
    index_seconds = 0.0
    with db.engine.begin() as connection:
        is_first = not connection.scalar(select(func.count()).select_from(User))
        if is_first:
            _people(connection, sizes.champions, choose)
            _articles(connection, sizes.articles, texts, choose)
            _answers(connection, sizes.answers, texts, choose)
    if is_first:
        began = time.perf_counter()
        indexing.rebuild(indexing.open_index())
        db.session.commit()
        index_seconds = time.perf_counter() - began
    began = time.perf_counter()
    with db.engine.begin() as connection:
        _tickets(connection, sizes.tickets, texts, choose)
        _set_counters(connection)
    seconds = time.perf_counter() - began
    with db.engine.begin() as connection:
        connection.execute(text("ANALYZE"))
    return Loaded(sizes.tickets, seconds, index_seconds)


def _people(connection: Connection, champions: int, choose: random.Random) -> None:
    hashed, codes = people.hash_password(PASSWORD), sorted(country_codes())
    connection.execute(
        insert(Organisation),
        [
            {"id": n, "name": f"Procurement Authority {n}", "country": choose.choice(codes)}
            for n in range(1, ORGANISATIONS + 1)
        ],
    )
    names = [("analyst", n) for n in range(1, STAFF + 1)] + [("champion", n) for n in range(1, champions + 1)]
    names += [("requester", n) for n in range(1, REQUESTERS + 1)]
    rows = [
        {
            "id": i, "email": f"{role}-{n}@bench.example", "name": f"{role.title()} Number {n}", "country": choose.choice(codes),
            "organisation_id": None if role == "analyst" else choose.randint(1, ORGANISATIONS),
            "language": choose.choice(LANGUAGES) if role != "analyst" else "en",
            "password_hash": hashed if role == "analyst" else "",
        }
        for i, (role, n) in enumerate(names, 1)
    ]  # fmt: skip
    connection.execute(insert(User), rows)
    connection.execute(insert(Role), [{"user_id": i, "role": role} for i, (role, _n) in enumerate(names, 1)])
    if not champions:
        return
    profiles = [
        {"id": n, "user_id": STAFF + n, "headline": f"We publish since {2012 + n % 12}", "visibility": ("public", "peers")[n % 2],
         "offers": "How we mapped our procurement system", "seeks": "How others check their data"}
        for n in range(1, champions + 1)
    ]  # fmt: skip
    connection.execute(insert(Profile), profiles)
    known = [
        {"profile_id": n, "topic": topic, "level": choose.choice(("learning", "working", "expert"))}
        for n in range(1, champions + 1)
        for topic in choose.sample(sorted(TOPICS), 3)
    ]
    connection.execute(insert(ProfileTopic), known)


def _articles(connection: Connection, count: int, texts: dict[str, Texts], choose: random.Random) -> None:
    rows = []
    for number in range(1, count + 1):
        language = choose.choice(LANGUAGES)
        own, at = texts[language], _moment(choose)
        headings, blocks = own.article()
        step = max(len(blocks) // max(len(headings), 1), 1)
        body, html, contents = [], [], []
        for i, block in enumerate(blocks):
            if i % step == 0 and i // step < len(headings):
                heading, anchor = headings[i // step], f"h-{i // step}"
                contents.append({"level": 2, "id": anchor, "title": heading})
                body.append(f"## {heading}")
                html.append(f'<h2 id="{anchor}">{heading}</h2>')
            body.append(block.source)
            html.append(block.article_html)
        if number == count // 2:
            body.append(f"A {RARE_WORD} is rare.")
        said = "\n\n".join(body)
        rows.append(
            {
                "id": number, "language": language, "slug": f"article-{number}", "title": own.title(number), "body": said,
                "summary": choose.choice(own.sentences), "body_html": "\n".join(html), "contents": contents,
                "body_text": " ".join(block.text for block in blocks) + (f" A {RARE_WORD}." if number == count // 2 else ""),
                "topic": choose.choice(list(TOPICS)), "tags": [], "state": PUBLISHED, "revision_number": 1, "created_at": at,
                "updated_at": at, "published_at": at,
            }
        )  # fmt: skip
    connection.execute(insert(Article), rows)
    connection.execute(
        insert(Revision),
        [{"article_id": row["id"], "number": 1, "title": row["title"], "body": row["body"], "author_id": 1, "at": row["updated_at"]}
         for row in rows],
    )  # fmt: skip


def _answers(connection: Connection, count: int, texts: dict[str, Texts], choose: random.Random) -> None:
    rows = []
    for number in range(1, count + 1):
        language = choose.choice(LANGUAGES)
        own, at = texts[language], _moment(choose)
        (question, question_html), (answer, answer_html) = own.message(), own.message()
        rows.append(
            {
                "id": number, "slug": f"answer-{number}", "title": own.title(number), "question": question,
                "question_html": question_html, "answer": answer, "answer_html": answer_html, "answer_text": answer,
                "topic": choose.choice(list(TOPICS)), "language": language, "state": PUBLISHED, "author_id": 1,
                "created_at": at, "updated_at": at, "published_at": at, "tags": [],
            }
        )  # fmt: skip
    if rows:
        connection.execute(insert(Answer), rows)


def _tickets(connection: Connection, count: int, texts: dict[str, Texts], choose: random.Random) -> None:
    first = (connection.scalar(select(func.max(Ticket.id))) or 0) + 1
    first_message = (connection.scalar(select(func.max(Message.id))) or 0) + 1
    codes = sorted(country_codes())
    champions = connection.scalar(select(func.count()).select_from(Profile)) or 0
    requesters = range(STAFF + champions + 1, STAFF + champions + REQUESTERS + 1)
    make = _Maker(texts, choose, codes, requesters)
    tables: tuple[Table, ...] = tuple(
        model.__table__ for model in (Ticket, Participant, Message, MessageRecipient, TicketTag, Event)
    )
    for start in range(0, count, BATCH):
        numbers = range(first + start, first + min(start + BATCH, count))
        rows: dict[str, list[dict[str, Any]]] = {table.name: [] for table in tables}
        puts = [make.ticket(n, first_message + (n - first) * MESSAGES, rows) for n in numbers]
        for table in tables:
            if rows[table.name]:
                connection.execute(insert(table), rows[table.name])
        for number, title, public, internal, language in puts:
            fulltext.put(connection, number, title, public, internal, language=language, is_new=True)


class _Maker:
    """Makes the rows of one ticket after the other."""

    def __init__(self, texts: dict[str, Texts], choose: random.Random, codes: list[str], requesters: range) -> None:
        self.texts, self.choose, self.codes, self.requesters = texts, choose, codes, requesters
        self.tags = [f"tag-{n}" for n in range(40)]

    def ticket(
        self, number: int, message: int, rows: dict[str, list[dict[str, Any]]]
    ) -> tuple[int, str, str, str, str]:
        """Add the rows of a ticket; gives what its full text is put from."""
        choose, language = self.choose, self.choose.choice(LANGUAGES)
        own, state = self.texts[language], choose.choice(SPREAD)
        requester, analyst = choose.choice(self.requesters), choose.randint(1, STAFF)
        asked = _moment(choose)
        times = [
            asked,
            asked + timedelta(hours=choose.randint(1, 40)),
            asked + timedelta(hours=choose.randint(41, 90)),
        ]
        title = f"{own.title(number)} {RARE_WORD}" if number % 5000 == 2500 else own.title(number)
        said = [own.message() for _ in times]
        kinds = ("public", "public", "internal" if number % 3 == 0 else "public")
        authors = (requester, analyst, analyst if number % 3 == 0 else requester)
        is_new = state == "new"
        rows["ticket"].append(
            {
                "id": number, "title": title, "excerpt": said[0][0][:160], "requester_id": requester, "organisation_id": None,
                "country": choose.choice(self.codes), "language": language, "topic": choose.choice(list(TOPICS)),
                "service": "enquiry", "state": state, "priority": choose.choice(("low", "normal", "normal", "normal", "high", "urgent")),
                "assignee_id": None if is_new or number % 9 == 0 else analyst, "channel": choose.choice(("web", "mail", "api")),
                "may_publish": number % 4 == 0, "message_count": MESSAGES, "created_at": asked, "last_activity_at": times[2],
                "turn_since": times[2], "first_reply_at": None if is_new else times[1],
                "solved_at": times[2] if state in {"solved", "closed"} else None, "version": 1,
            }
        )  # fmt: skip
        rows["participant"].append(
            {
                "ticket_id": number,
                "user_id": requester,
                "kind": "requester",
                "key_version": 1,
                "added_by_id": None,
                "added_at": asked,
            }
        )
        for i, (words, html) in enumerate(said):
            rows["message"].append(
                {
                    "id": message + i, "ticket_id": number, "author_id": authors[i], "kind": kinds[i], "is_markdown": True,
                    "body": words, "body_html": html, "full_text": "", "has_more": False, "by_staff": authors[i] == analyst,
                    "channel": "web", "mail_message_id": "", "is_verified": True, "language": language, "created_at": times[i],
                }
            )  # fmt: skip
            name = ("ticket.asked", "ticket.replied", "ticket.noted" if kinds[2] == "internal" else "ticket.answered")[
                i
            ]
            rows["event"].append(
                {"name": name, "subject_kind": "ticket", "subject_id": number, "actor_id": authors[i],
                 "data": {"message": message + i}, "at": times[i]}
            )  # fmt: skip
        rows["message_recipient"].append({"message_id": message + 1, "user_id": requester, "kind": "to"})
        for tag in choose.sample(self.tags, number % 3):
            rows["ticket_tag"].append({"ticket_id": number, "tag": tag})
        public = "\n".join(words for (words, _html), kind in zip(said, kinds, strict=True) if kind == "public")
        return number, title, public, said[2][0] if kinds[2] == "internal" else "", language


def _moment(choose: random.Random) -> datetime:
    return START + timedelta(minutes=choose.randint(0, 2 * 365 * 24 * 60))


START = now().replace(minute=0, second=0, microsecond=0) - timedelta(days=2 * 365 + 5)


def _set_counters(connection: Connection) -> None:
    """PostgreSQL counts on from the numbers that were given."""
    if connection.dialect.name != "postgresql":
        return
    for table in db.metadata.sorted_tables:
        if "id" in table.c and table.c.id.type.python_type is int:
            connection.execute(
                text(
                    f"SELECT setval(pg_get_serial_sequence('\"{table.name}\"', 'id'), (SELECT coalesce(max(id), 0) + 1 FROM \"{table.name}\"), false)"
                )
            )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    for name, default in Sizes().__dict__.items() if hasattr(Sizes(), "__dict__") else ():
        parser.add_argument(f"--{name}", type=int, default=default)
    app = create_app()
    with app.app_context():
        flask_migrate.upgrade()
        loaded = load(Sizes(**vars(parser.parse_args())))
        print(f"{loaded.tickets} tickets in {loaded.seconds:.1f} s, {loaded.tickets_a_second:,.0f} a second")
        db.session.remove()
        db.engine.dispose()


if __name__ == "__main__":
    main()

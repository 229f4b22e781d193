"""Load the demo data through the ordinary verbs, then date everything back.

The jobs that the verbs owe (mails to people who do not exist) are dropped at the end; the index is built by the
worker.
"""

from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from sqlalchemy import delete, select

from accounts import people
from accounts.models import Organisation, User
from core import files
from core.db import Model, db, now
from core.events import Event
from core.jobs import Job
from helpdesk import tickets
from helpdesk.models import AnswerSource, Message, Ticket
from kb import answers
from kb.importing import import_folder
from kb.models import Answer, Article
from peers.models import Connection, Exchange, Profile, ProfileTopic
from portal.demo import knowledge, mails, measures, publishing

FOLDER = Path(__file__).parent


@cache
def read(name: str) -> Any:  # A YAML document.
    """One of the data files."""
    return yaml.safe_load((FOLDER / name).read_text(encoding="utf-8"))


def load(password: str) -> None:
    """Load everything and commit."""
    moment = now()
    cast = _load_people(password, moment)
    _load_articles(cast["bruno"], moment)
    known = _load_tickets(cast, moment)
    _load_answers(cast["bruno"], known, moment)
    _cite(known, cast)
    measures.load(moment)
    publishing.load(known, writer=cast["bruno"], reader=cast["mona"])
    knowledge.load(read("knowledge.yaml"), cast, moment)
    _load_peers(cast, known, moment)
    db.session.flush()
    handed_in = mails.load(read("mails.yaml"), moment)
    # Nobody is to be told of what happened long ago to people who do not exist.
    db.session.execute(delete(Job))
    db.session.commit()
    for number, at in handed_in.items():
        mails.read(number, at)
        db.session.execute(delete(Job))
        db.session.commit()


def _load_people(password: str, moment: datetime) -> dict[str, User]:
    document = read("people.yaml")
    organisations = {}
    for item in document["organisations"]:
        row = Organisation(
            name=item["name"], country=item["country"], kind=item["kind"], website=item.get("website") or ""
        )
        db.session.add(row)
        organisations[item["key"]] = row
    db.session.flush()
    hashed = people.hash_password(password)
    cast = {}
    for number, item in enumerate(document["people"]):
        user = people.add(
            email=item["email"], name=item["name"], country=item["country"], language=item["language"],
            languages=item["languages"], time_zone=item["time_zone"], roles=item["roles"],
            organisation=organisations[item["organisation"]] if item.get("organisation") else None,
        )  # fmt: skip
        user.password_hash = hashed
        user.verified_at = user.created_at = moment - timedelta(days=400 - number)
        cast[item["key"]] = user
    db.session.flush()
    return cast


def _load_articles(by: User, moment: datetime) -> None:
    import_folder(FOLDER / "articles", by=by)
    for number, article in enumerate(db.session.scalars(select(Article).order_by(Article.slug, Article.language))):
        written = moment - timedelta(days=300 - 6 * (number % 45), hours=number)
        article.created_at = article.published_at = written
        article.updated_at = written + timedelta(days=number % 9)
        article.helpful_count, article.unhelpful_count = (number * 7) % 23, (number * 5) % 4
        for revision in article.revisions:
            revision.at = article.updated_at
    db.session.flush()


def _load_tickets(cast: dict[str, User], moment: datetime) -> dict[str, Ticket]:
    items = read("tickets.yaml")
    # The oldest has the lowest number, as if they had come in one by one.
    items = sorted(items, key=lambda item: -float(item["messages"][0]["hours_ago"]))
    known = {}
    for item in items:
        known[item["key"]] = _load_ticket(item, cast, moment)
    return known


def _load_ticket(item: dict[str, Any], cast: dict[str, User], moment: datetime) -> Ticket:
    requester = cast[item["requester"]]
    first, *rest = item["messages"]
    ticket = tickets.ask(
        by=requester, title=item["title"], words=_words(first, item), topic=item["topic"], service=item["service"],
        country=requester.country, language=item["language"], may_publish=item["consent"],
    )  # fmt: skip
    by = cast[item["assignee"]] if item["assignee"] else None
    if by is not None:
        tickets.assign(ticket, by, by=by)
    for entry in rest:
        author = cast[entry["by"]]
        if entry["kind"] == "internal":
            tickets.note(ticket, by=author, words=_words(entry, item))
        else:
            tickets.reply(ticket, by=author, words=_words(entry, item))
    staff = by or cast["bruno"]
    tickets.sort(ticket, by=staff, priority=item["priority"])
    tickets.tag(ticket, item.get("tags") or [], by=staff)
    ticket.state = item["state"]
    _date_back(ticket, item, moment)
    return ticket


def _words(entry: dict[str, Any], item: dict[str, Any]) -> tickets.Words:
    attached = []
    if entry.get("attachment"):
        path = FOLDER / "files" / entry["attachment"]
        attached = [files.save(path.read_bytes(), path.name)]
    channel = item["channel"] if entry["kind"] != "internal" else "desk"
    return tickets.Words(body=entry["text"].strip(), files=attached, channel=channel, language=item["language"])


def _date_back(ticket: Ticket, item: dict[str, Any], moment: datetime) -> None:
    db.session.flush()
    times = [moment - timedelta(hours=float(entry["hours_ago"])) for entry in item["messages"]]
    rows = db.session.scalars(select(Message).where(Message.ticket_id == ticket.id).order_by(Message.id)).all()
    for row, time in zip(rows, times, strict=True):
        row.created_at = time
    ticket.created_at, ticket.last_activity_at = times[0], times[-1]
    public = [row for row in rows if not row.is_internal]
    other_side = [number for number, row in enumerate(public) if row.by_staff != public[-1].by_staff]
    # The turn passed with the first message since the other side wrote.
    ticket.turn_since = public[other_side[-1] + 1 if other_side else 0].created_at
    replies = [row.created_at for row in public if row.by_staff]
    ticket.first_reply_at = replies[0] if replies else None
    ticket.solved_at = times[-1] if ticket.state in {"solved", "closed"} else None
    _date_events(ticket, times)


def _date_events(row: Model, times: list[datetime]) -> None:
    """Spread a row's events over given times, in order."""
    events = db.session.scalars(
        select(Event).where(Event.subject_kind == row.__tablename__, Event.subject_id == row.id).order_by(Event.id)
    ).all()
    for position, event in enumerate(events):
        event.at = times[min(position * len(times) // max(len(events), 1), len(times) - 1)]
    db.session.flush()


def _load_answers(by: User, known: dict[str, Ticket], moment: datetime) -> None:
    for item in read("answers.yaml"):
        answer = answers.draft(
            by=by, title=item["title"], question=item["question"].strip(), answer=item["answer"].strip(),
            topic=item["topic"], country=item["country"] or "", language=item["language"], tags=item.get("tags") or [],
        )  # fmt: skip
        answer.slug = item["slug"]
        answers.publish(answer, basis="nothing-personal", by=by)
        answer.created_at = answer.updated_at = answer.published_at = moment - timedelta(days=item["days_ago"])
        db.session.flush()
        if item.get("ticket"):
            db.session.add(AnswerSource(answer_id=answer.id, ticket_id=known[item["ticket"]].id))


def _cite(known: dict[str, Ticket], cast: dict[str, User]) -> None:
    for item in read("tickets.yaml"):
        ticket = known[item["key"]]
        rows = db.session.scalars(select(Message).where(Message.ticket_id == ticket.id).order_by(Message.id)).all()
        for row, entry in zip(rows, item["messages"], strict=True):
            for slug in entry.get("cites") or []:
                target: Article | Answer | None = db.session.scalar(
                    select(Article).where(Article.slug == slug).order_by(Article.language != ticket.language)
                ) or db.session.scalar(select(Answer).where(Answer.slug == slug))
                if target is not None:
                    tickets.cite(row, target, by=cast[entry["by"]])


def _load_peers(cast: dict[str, User], known: dict[str, Ticket], moment: datetime) -> None:
    document = read("peers.yaml")
    for item in document["profiles"]:
        profile = Profile(
            user_id=cast[item["person"]].id, headline=item["headline"], offers=item["offers"].strip(),
            seeks=item["seeks"].strip(), systems=item["systems"], capacity=item["capacity"],
            visibility=item["visibility"],
        )  # fmt: skip
        profile.topics = [ProfileTopic(topic=entry["topic"], level=entry["level"]) for entry in item["topics"]]
        db.session.add(profile)
    for item in document["connections"]:
        _load_connection(item, cast, known, moment)


def _load_connection(item: dict[str, Any], cast: dict[str, User], known: dict[str, Ticket], moment: datetime) -> None:
    began = moment - timedelta(days=item["days_ago"])
    state = {"accepted": "proposed", "meeting": "introduced"}.get(item["state"], item["state"])
    both = state in {"introduced", "closed"}
    row = Connection(
        seeker_id=cast[item["seeker"]].id, helper_id=cast[item["helper"]].id, topic=item["topic"],
        reason=item["reason"].strip(), proposed_by_id=cast[item["proposed_by"]].id, state=state, created_at=began,
        origin_kind="ticket" if item.get("ticket") else "directory",
        origin_id=known[item["ticket"]].id if item.get("ticket") else None,
        helper_accepted_at=began + timedelta(hours=20) if both or item["state"] == "accepted" else None,
        seeker_accepted_at=began + timedelta(hours=31) if both else None,
        introduced_at=began + timedelta(hours=31) if both else None,
        declined_by_id=cast[item["helper"]].id if state == "declined" else None,
    )  # fmt: skip
    times = [began]
    for entry in item.get("exchanges") or []:
        at = moment - timedelta(days=entry["days_ago"])
        row.exchanges.append(Exchange(by_id=cast[entry["by"]].id, kind=entry["kind"], note=entry["note"], at=at))
        times.append(at)
    if item.get("outcome"):
        row.outcome, row.outcome_note = item["outcome"]["result"], item["outcome"]["note"]
        row.closed_at = max(times) + timedelta(days=1)
        times.append(row.closed_at)
    row.last_activity_at = min(max(times), moment)
    db.session.add(row)

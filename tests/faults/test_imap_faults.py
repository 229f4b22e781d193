"""The IMAP server misbehaves in every way that it can: no mail is lost, none is doubled, none blocks another."""

import contextlib
import os
import random
import subprocess
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import select

from core import jobs
from core.db import db
from core.mailbox_settings import Mailbox
from helpdesk import fetching, imap_server, mailbox_lease, reconciling
from helpdesk.intake_models import InboundMail
from helpdesk.mailbox_models import MailboxState, MailTrouble
from tests.faults.imap_double import ImapDouble
from tests.faults.invariants import broken
from tests.helpdesk.conftest import compose

ROOT = Path(__file__).parents[2]
FULL = os.environ.get("FAULTS") == "full"
ROUNDS = 10 if FULL else 4

pytestmark = pytest.mark.faults


@pytest.fixture
def double(monkeypatch):
    made = []

    def make(**given):
        made.append(ImapDouble(**given))
        return made[-1]

    # A mail that failed is tried again at once, and news are looked for often.
    monkeypatch.setattr(fetching, "RETRIES", (0,))
    monkeypatch.setattr(fetching, "LONGEST_BACK_OFF", 0.05)
    monkeypatch.setattr(imap_server, "LOOK", 0.1)
    yield make
    for each in made:
        each.close()


def box(double, **given) -> Mailbox:
    given = {"timeout_seconds": 1, "poll_seconds": 1, "after": "seen", **given}
    return Mailbox(host="127.0.0.1", port=double.port, tls="none", user="desk", password="secret", **given)


@contextlib.contextmanager
def fetched(app, *boxes):
    """Fetch these mailboxes for as long as the block lasts."""
    stop = threading.Event()
    named = dict(zip(("first", "second", "third"), boxes, strict=False))
    thread = threading.Thread(target=fetching.run_all, args=(app, named, stop.is_set))
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(20)
        assert not thread.is_alive()


def until(condition, seconds=20.0):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if condition():
            return
        time.sleep(0.05)
    raise AssertionError("it did not happen in time")


def numbered(app, server) -> list[InboundMail]:
    """The mails that are known by a number which the server gives them now."""
    validity = server.folders["INBOX"].uidvalidity
    with app.app_context():
        return list(db.session.scalars(select(InboundMail).where(InboundMail.uidvalidity == validity)))


def stored(app) -> int:
    with app.app_context():
        count = db.session.query(InboundMail).count()
        db.session.remove()
    return count


def mails(count, start=0):
    return [compose(subject=f"Question {number}", text=f"What of {number}?") for number in range(start, start + count)]


def settle_and_check(app, sent, messages):
    """Read all mails; every invariant holds, and so many of them became a message."""
    with app.app_context():
        jobs.run_until_idle()
        fates = list(db.session.scalars(select(InboundMail.fate)))
        db.session.remove()
    counted = {fate: fates.count(fate) for fate in sorted(set(fates))}
    print(f"\nsent {len(sent)}, arrivals {len(fates)}, by fate {counted}")
    assert broken(app, sent) == []
    assert counted.get("ticket", 0) + counted.get("reply", 0) == messages


class Once:
    """A fault for chosen commands, so many times."""

    def __init__(self, verb, what, times=1, when=lambda _rest: True):
        self.verb, self.what, self.left, self.when = verb, what, times, when

    def __call__(self, _session, verb, rest):
        if verb == self.verb and self.left > 0 and self.when(rest):
            self.left -= 1
            return self.what
        return None


def is_body(rest):
    return "BODY.PEEK[]" in rest


def test_mail_is_fetched_by_uid_kept_byte_by_byte_and_marked_only_then(app, double):
    server = double()
    sent = [*mails(3), b"Subject: odd\r\n\r\n\xff\x00 bytes\r\n"]
    numbers = [server.add(raw) for raw in sent]
    with fetched(app, box(server)):
        until(lambda: all("\\Seen" in server.folders["INBOX"].flags[uid] for uid in numbers))
    with app.app_context():
        rows = db.session.scalars(select(InboundMail).order_by(InboundMail.id)).all()
        assert [
            (row.uid, row.uidvalidity, row.mailbox, row.source, row.is_settled, row.raw.content) for row in rows
        ] == [(uid, 1, "first", "imap", True, raw) for uid, raw in zip(numbers, sent, strict=True)]
    assert not any(each.startswith(("FETCH", "STORE", "COPY")) or "UNSEEN" in each for each in server.commands)


def test_without_idle_new_mail_is_looked_for_as_often_as_the_settings_say(app, double):
    server = double(capabilities="IMAP4rev1 UIDPLUS")
    with fetched(app, box(server, poll_seconds=3)):
        # Once for what is new, and once for the first comparison.
        until(lambda: sum(each.startswith("UID SEARCH") for each in server.commands) == 2)
        time.sleep(0.3)
        server.add(mails(1)[0])
        time.sleep(0.8)
        assert stored(app) == 0
        until(lambda: stored(app) == 1)


def test_what_was_seen_by_somebody_before_is_fetched_all_the_same(app, double):
    server = double()
    server.folders["INBOX"].flags[server.add(mails(1)[0])].add("\\Seen")
    with fetched(app, box(server)):
        until(lambda: stored(app) == 1)


@pytest.mark.parametrize("after", ["move:Done", "delete"])
@pytest.mark.parametrize("capabilities", ["IMAP4rev1 UIDPLUS MOVE IDLE", "IMAP4rev1 UIDPLUS"])
def test_stored_mail_is_moved_or_deleted_and_the_folder_is_made(app, double, after, capabilities):
    server = double(capabilities=capabilities)
    sent = mails(5)
    for raw in sent:
        server.add(raw)
    with fetched(app, box(server, after=after)):
        until(lambda: not server.inbox() and stored(app) == 5)
    assert len(server.folders.get("Done", server.folders["INBOX"]).mails) == (5 if after != "delete" else 0)
    settle_and_check(app, sent, 5)


FAULTS = {
    "cut in the middle of a mail": lambda: Once("UID FETCH", ("body", 100), when=is_body),
    "cut before a mail": lambda: Once("UID FETCH", "cut", when=is_body),
    "BYE instead of a mail": lambda: Once("UID FETCH", "bye", when=is_body),
    "NO instead of a mail": lambda: Once("UID FETCH", "no", when=is_body),
    "nothing instead of a mail": lambda: Once("UID FETCH", "empty", when=is_body),
    "a literal that is too short": lambda: Once("UID FETCH", ("lie", -40), when=is_body),
    "a literal that is too short by the end of a line": lambda: Once("UID FETCH", ("lie", -2), when=is_body),
    "a literal that is too long": lambda: Once("UID FETCH", ("lie", 40), when=is_body),
    "hang instead of a mail": lambda: Once("UID FETCH", "hang", when=is_body),
    "hang in the search": lambda: Once("UID SEARCH", "hang"),
    "NO to the mark": lambda: Once("UID STORE", "no"),
    "cut before the mark": lambda: Once("UID STORE", "cut"),
    "NO to the move": lambda: Once("UID MOVE", "no"),
    "cut before the move": lambda: Once("UID MOVE", "cut"),
    "BYE in IDLE": lambda: Once("IDLING", "bye"),
    "cut in IDLE": lambda: Once("IDLING", "cut"),
    "hang after IDLE": lambda: Once("DONE", "hang"),
    "cut at the sign-in": lambda: Once("LOGIN", "cut"),
    "NO at the sign-in": lambda: Once("LOGIN", "no"),
}


@pytest.mark.parametrize("engine_name", ["sqlite", "postgresql"] if FULL else ["sqlite"], indirect=True)
@pytest.mark.parametrize("fault", FAULTS)
def test_no_fault_of_the_server_loses_or_doubles_a_mail(app, double, fault):
    server = double()
    after = "move:Done" if "move" in fault else "seen"
    sent = []
    for number in range(ROUNDS if FULL else 1):
        some = mails(6, start=number * 6)
        server.faults = FAULTS[fault]()
        for raw in some[:4]:
            server.add(raw)
        sent += some
        with fetched(app, box(server, after=after)):
            until(lambda sent=sent: stored(app) >= len(sent) - 2)
            # And while it waits.
            until(lambda: server.faults.left == 0, 10)
            for raw in some[4:]:
                server.add(raw)
            until(lambda sent=sent: stored(app) == len(sent))
            if after != "seen":
                until(lambda: not server.inbox())
    assert server.faults.left == 0
    settle_and_check(app, sent, len(sent))
    with app.app_context():
        assert db.session.query(MailTrouble).count() == 0


def test_a_new_uidvalidity_means_that_all_is_looked_at_again_and_nothing_doubles(app, double):
    server = double()
    sent = mails(8)
    for raw in sent:
        server.add(raw)
    with fetched(app, box(server)):
        until(lambda: stored(app) == 8)
        server.expunge(3)
        server.renumber()
        late = compose(subject="After the change")
        server.add(late)
        server.cut_all()
        # The same mails under new numbers are no new arrivals; a second copy of one of them is.
        server.add(sent[0])
        until(lambda: stored(app) == 8 + 1 + 1 and all(row.is_settled for row in numbered(app, server)))
        assert len(numbered(app, server)) == 7 + 1 + 1
    settle_and_check(app, [*sent, late, sent[0]], 9)


def test_another_client_that_expunges_while_we_fetch_takes_no_other_mail_from_us(app, double):
    server = double()
    sent = mails(30)
    for raw in sent:
        server.add(raw)
    gone = iter(range(2, 30, 3))

    def expunge(_session, verb, rest):
        if verb == "UID FETCH" and is_body(rest):
            server.expunge(next(gone, 0))

    server.faults = expunge
    with fetched(app, box(server, after="move:Done")):
        until(lambda: not server.inbox())
    with app.app_context():
        kept = {row.raw.content for row in db.session.scalars(select(InboundMail))}
    assert kept == set(server.folders["Done"].mails.values())
    assert len(kept) >= 20
    settle_and_check(app, kept, len(kept))


def test_a_mail_that_can_never_be_fetched_blocks_no_other_and_is_shown(app, double):
    server = double()
    sent = mails(5)
    for raw in sent:
        server.add(raw)
    server.faults = lambda _session, verb, rest: (
        "no" if verb == "UID FETCH" and rest.startswith("2 ") and is_body(rest) else None
    )
    with fetched(app, box(server)):
        until(lambda: stored(app) == 4)
    with app.app_context():
        trouble = db.session.scalars(select(MailTrouble)).one()
        assert (trouble.uid, trouble.kind, "not now" in trouble.reason) == (2, "failed", True)
    server.faults = lambda *_all: None
    with fetched(app, box(server)):
        until(lambda: stored(app) == 5)
    settle_and_check(app, sent, 5)


def test_a_mail_over_the_limit_is_kept_as_a_stub_and_stays_on_the_server(app, double):
    server = double()
    app.extensions["settings"] = replace(
        app.extensions["settings"], mail=replace(app.extensions["settings"].mail, max_megabytes=1)
    )
    large = compose(subject="Large") + b"x" * 2_000_000
    server.add(large)
    server.add(compose(subject="Small"))
    with fetched(app, box(server, after="delete")):
        until(lambda: stored(app) == 2 and len(server.inbox()) == 1)
    assert not any("BODY.PEEK[]" in each and each.startswith("UID FETCH 1 ") for each in server.commands)
    with app.app_context():
        row = db.session.scalars(select(InboundMail).where(InboundMail.fate == "quarantine")).one()
        assert (row.subject, row.sender, row.size) == ("Large", "paula@compras.example", len(large))


def test_the_same_mail_by_two_mailboxes_and_three_times_is_one_message(app, double):
    first, second = double(), double()
    sent = []
    for number in range(ROUNDS):
        raw = compose(subject=f"To all {number}", text=f"One question {number}", Cc="helpdesk@helpdesk.example")
        sent.append(raw)
        for server in (first, first, first, second):
            server.add(raw)
    with fetched(app, box(first), box(second)):
        until(lambda: stored(app) == 4 * len(sent))
    settle_and_check(app, sent, len(sent))


def test_two_fetchers_at_once_store_every_mail_once(app, double):
    server = double()
    sent = mails(20)
    for raw in sent:
        server.add(raw)
    stop = threading.Event()
    both = [threading.Thread(target=fetching.run, args=(app, "first", box(server), stop.is_set)) for _ in range(2)]
    for each in both:
        each.start()
    until(lambda: stored(app) >= 20)
    time.sleep(0.3)
    stop.set()
    for each in both:
        each.join(20)
    assert stored(app) == 20
    settle_and_check(app, sent, 20)


def test_a_fetcher_that_lost_its_lease_stores_nothing_more(context, double):
    server = double()
    server.add(mails(1)[0])
    fetcher = fetching.Fetcher("first", box(server))
    assert fetcher.lease.take()
    connection = fetcher.connect()
    db.session.query(MailboxState).update({"lease_token": "somebody else"})
    db.session.commit()
    with pytest.raises(mailbox_lease.Lost):
        fetcher.fetch(connection)
    connection.close()
    assert db.session.query(InboundMail).count() == 0


def test_the_lease_of_a_dead_process_is_taken_at_once_and_that_of_a_living_one_is_not(context, double):
    server = double()
    first, second = (fetching.Fetcher("first", box(server)).lease for _ in range(2))
    assert first.take()
    assert not second.take()
    owner = db.session.scalars(select(MailboxState.lease_owner)).one()
    dead = " ".join([*owner.split(" ")[:2], "4194304", "1"])
    db.session.query(MailboxState).update({"lease_owner": dead})
    db.session.commit()
    assert second.take()


def test_a_number_that_means_another_mail_by_now_deletes_nothing_unread(context, double):
    """Stored, then killed before the delete; then the server was restored and gave the number to another mail."""
    server = double()
    sent = mails(2)
    server.add(sent[0])
    fetcher = fetching.Fetcher("first", box(server, after="delete"))
    fetcher.lease.take()
    server.faults = lambda _session, verb, _rest: "no" if verb == "UID STORE" else None
    connection = fetcher.connect()
    fetcher.fetch(connection)
    connection.close()
    server.faults = lambda *_all: None
    server.folders["INBOX"].mails[1] = sent[1]
    connection = fetcher.connect()
    fetcher.fetch(connection)
    fetcher.fetch(connection)
    connection.close()
    assert {row.raw.content for row in db.session.scalars(select(InboundMail))} == set(sent)


def test_the_nightly_comparison_fetches_what_is_missing_in_both_folders(context, double):
    server = double()
    sent = mails(6)
    empty = fetching.Fetcher("second", box(double(), after="move:Not there"))
    empty.lease.take()
    connection = empty.connect()
    assert "0 mails are on the server." in reconciling.reconcile(empty, connection)
    connection.close()
    server.folders["Done"] = type(server.folders["INBOX"])(uidvalidity=9)
    for raw in sent[:3]:
        server.add(raw)
    fetcher = fetching.Fetcher("first", box(server, after="move:Done"))
    fetcher.lease.take()
    connection = fetcher.connect()
    fetcher.fetch(connection)
    # A mail that turns up below what was read, and one that another program moved away unread.
    place = server.folders["INBOX"]
    place.next_uid = 50
    server.add(sent[3])
    place.next_uid = 60
    server.add(sent[4])
    fetcher.lease.keep(last_uid=70)
    db.session.commit()
    server.add(sent[5], "Done")
    fetcher.fetch(connection)
    assert db.session.query(InboundMail).count() == 3
    said = reconciling.reconcile(fetcher, connection)
    connection.close()
    jobs.run_until_idle()
    assert "3" in said
    assert {row.raw.content for row in db.session.scalars(select(InboundMail))} == set(sent)
    db.session.rollback()
    assert broken(context, sent) == []


def test_a_server_without_starttls_gets_no_password(context, double):
    server = double()
    with pytest.raises(imap_server.Unreachable):
        imap_server.Server(replace(box(server), tls="starttls"))
    with pytest.raises(imap_server.Unreachable):
        imap_server.Server(replace(box(server), tls="tls"))
    assert not any(each.startswith("LOGIN") for each in server.commands)


def test_only_a_server_that_somebody_vouches_for_gets_the_password(app, double, monkeypatch):
    tls = ROOT / "tests/fixtures/tls"
    server = double(certificate=tls / "server.pem")
    sent = mails(3)
    for raw in sent:
        server.add(raw)
    safe = replace(box(server), host="localhost", tls="tls", timeout_seconds=5)
    with pytest.raises(imap_server.Unreachable, match="(?i)certificate"):
        imap_server.Server(safe)
    assert server.commands == []
    monkeypatch.setenv("SSL_CERT_FILE", str(tls / "cert.pem"))
    with fetched(app, safe):
        until(lambda: stored(app) == 3)
    settle_and_check(app, sent, 3)


def test_cut_at_any_command_the_next_connection_makes_it_good(app, double):
    server = double()
    sent = mails(5)
    for raw in sent:
        server.add(raw)
    chance, cuts = random.Random(7), [0]

    def now_and_then(_session, verb, _rest):
        if verb not in {"IDLING", "DONE"} and chance.random() < 0.1:
            cuts[0] += 1
            return "cut"
        return None

    server.faults = now_and_then
    with fetched(app, box(server, after="move:Done")):
        until(lambda: stored(app) == 5 and not server.inbox())
    print(f"\ncuts: {cuts[0]}")
    settle_and_check(app, sent, 5)


def test_the_commands_fetch_once_compare_and_say_what_they_could_not(app, double):
    server = double()
    sent = mails(3)
    for raw in sent:
        server.add(raw)
    settings = app.extensions["settings"]
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("HELPDESK_", "DATABASE_"))}
    place = {**clean, "DATA_DIR": str(settings.data_dir), "DATABASE_URL": settings.database_url,
             "SECRET_KEY": app.config["SECRET_KEY"]}  # fmt: skip
    for key, value in {"HOST": "127.0.0.1", "PORT": server.port, "TLS": "none", "USER": "d", "PASSWORD": "s"}.items():
        place[f"HELPDESK_MAILBOX_DESK_{key}"] = str(value)

    def flask(*words, **more):
        command = [Path(sys.executable).with_name("flask"), "mail", *words]
        return subprocess.run(command, capture_output=True, text=True, cwd=ROOT, env=place | more, timeout=60)

    first = flask("fetch", "--once")
    assert (first.returncode, first.stdout.strip()) == (0, "desk: 3 stored."), first.stderr
    assert stored(app) == 3
    compared = flask("reconcile")
    assert (compared.returncode, "3 mails are on the server. None was missing here." in compared.stdout) == (0, True)
    assert flask("fetch", "--once", "--mailbox", "other").returncode == 1
    away = flask("fetch", "--once", HELPDESK_MAILBOX_DESK_PORT="1")
    assert away.returncode == 1
    assert "desk: " in away.stderr
    settle_and_check(app, sent, 3)

"""Whether staff see that mail does not come in as it should."""

import shutil
from dataclasses import replace
from datetime import timedelta
from types import SimpleNamespace

import pytest
from sqlalchemy import update

from core import doctor, room
from core.db import db, now
from core.mailbox_settings import Mailbox
from helpdesk import fetching, health, inbound
from helpdesk.intake_models import InboundMail
from helpdesk.mailbox_models import MailboxState, MailTrouble
from tests.helpdesk.conftest import compose

BOX = Mailbox(host="imap.example", user="desk", password="x")


@pytest.fixture
def boxes(app):
    before = app.extensions["settings"]
    app.extensions["settings"] = replace(before, mailboxes={"latam": BOX, "piped": Mailbox(team="Pipe")})
    yield
    app.extensions["settings"] = before


def fetched(ago=timedelta(0), **more):
    fetcher = fetching.Fetcher("latam", BOX)
    assert fetcher.lease.take()
    fetcher.lease.keep(fetched_at=now() - ago, **more)
    db.session.commit()
    db.session.expire_all()


def arrived(moments, mailbox="latam"):
    for moment in moments:
        row = inbound.store(compose(), source="imap", mailbox=mailbox)
        row.received_at, row.fate = moment, "ignored"
    db.session.commit()


def test_a_mailbox_that_is_fetched_and_read_gives_no_warning(context, boxes):
    fetched()
    assert health.examine().warnings == ()


def test_a_mailbox_that_cannot_be_fetched_is_named_with_the_reason(context, boxes):
    fetched(timedelta(hours=2), last_error="[AUTHENTICATIONFAILED] wrong password")
    (warning,) = health.examine().warnings
    assert "latam" in warning
    assert "2 hours" in warning
    assert "wrong password" in warning


def test_a_mailbox_that_was_never_fetched_asks_for_its_process(context, boxes):
    (warning,) = health.examine().warnings
    assert "flask mail fetch" in warning


def test_silence_is_an_alarm_only_beyond_what_is_usual(context, boxes):
    fetched()
    # A mail every three hours, and three weekends.
    moments, moment = [], now() - timedelta(days=27)
    for number in range(120):
        moment += timedelta(hours=48 if number in {30, 60, 90} else 3)
        moments.append(moment)
    shift = now() - timedelta(hours=90) - moments[-1]
    arrived([each + shift for each in moments if each + shift > now() - timedelta(days=28)])
    health.learn()
    db.session.commit()
    db.session.expire_all()
    assert health.examine().warnings == ()
    db.session.execute(update(InboundMail).values(received_at=InboundMail.received_at))
    state = db.session.query(MailboxState).filter_by(mailbox="latam").one()
    assert state.usual_seconds == 48 * 3600
    state.usual_seconds = 44 * 3600
    db.session.commit()
    (warning,) = health.examine().warnings
    assert "latam has had no mail for" in warning


def test_what_is_usual_is_learnt_from_enough_mails_only_and_one_fault_does_not_set_it():
    start = now()
    assert health.usual_silence([start + timedelta(hours=hour) for hour in range(19)]) is None
    moments = [start + timedelta(hours=hour) for hour in range(40)]
    moments = [*moments, moments[-1] + timedelta(days=9)]
    assert health.usual_silence(moments) == timedelta(hours=1)


def test_mail_that_nobody_reads_is_an_alarm_after_ten_minutes(context):
    inbound.store(compose(), source="pipe")
    assert health.examine().warnings == ()
    db.session.execute(update(InboundMail).values(received_at=now() - timedelta(minutes=11)))
    (warning,) = health.examine().warnings
    assert "flask work" in warning


def test_a_mail_that_failed_once_is_no_alarm_and_one_that_fails_again_and_again_is(context):
    trouble = MailTrouble(mailbox="latam", place="p", uidvalidity=1, uid=7, tries=1, reason="not now")
    db.session.add(trouble)
    db.session.flush()
    assert health.examine().warnings == ()
    trouble.tries = 3
    db.session.flush()
    assert len(health.examine().warnings) == 1


@pytest.fixture
def full_disk(monkeypatch):
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: SimpleNamespace(total=100 * 2**30, free=2**20))


def test_a_disk_that_is_nearly_full_pauses_mail_in_and_everyone_on_the_desk_sees_it(app, full_disk, browser_of):
    with app.app_context():
        assert health.examine().is_paused
        with pytest.raises(room.NoRoom):
            room.check(app.extensions["settings"])
        db.session.remove()
    bruno = browser_of("bruno")
    assert "MB are free on the disk" in bruno.get("/desk").text
    assert "MB are free on the disk" in bruno.get("/desk/mail/health").text


def test_a_small_disk_is_measured_by_its_size(monkeypatch, app):
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: SimpleNamespace(total=64 * 2**20, free=10 * 2**20))
    room.check(app.extensions["settings"])


def test_staff_see_the_page_in_few_statements_and_others_do_not(app, boxes, browser_of, statements, browser):
    with app.app_context():
        fetched()
        db.session.add(MailTrouble(mailbox="latam", place="p", uidvalidity=1, uid=7, tries=3, reason="<b>no</b>"))
        arrived([now()] * 3)
        db.session.remove()
    bruno = browser_of("bruno")
    with statements() as seen:
        page = bruno.get("/desk/mail/health")
    assert page.status_code == 200
    assert len(seen) <= 12, seen
    assert "&lt;b&gt;no&lt;/b&gt;" in page.text
    assert "latam" in page.text
    assert browser_of("paula").get("/desk/mail/health").status_code in {403, 404}


def test_flask_check_tells_the_warnings_and_an_open_line(context, boxes):
    context.extensions["settings"] = replace(
        context.extensions["settings"], mailboxes={"open": replace(BOX, tls="none")}
    )
    sentences = [finding.sentence for finding in doctor.examine(context)]
    assert any("mailbox.open.tls" in each for each in sentences)
    assert any("open was never fetched" in each for each in sentences)


def test_on_a_nearly_full_disk_the_api_and_the_pipe_leave_mail_with_whoever_has_it(app, full_disk, monkeypatch):
    from click.testing import CliRunner

    from accounts.sign_ins import make_token
    from helpdesk.receive import receive
    from tests.conftest import member

    with app.app_context():
        token = make_token(member("bruno"), ["mail:write"])
        db.session.commit()
        db.session.remove()
    answer = app.test_client().post(
        "/api/v1/inbound-mail", data=compose(), headers={"Authorization": f"Bearer {token}"},
        content_type="message/rfc822",
    )  # fmt: skip
    assert answer.status_code == 503
    settings = app.extensions["settings"]
    monkeypatch.setenv("DATA_DIR", str(settings.data_dir))
    if settings.on_postgresql:
        monkeypatch.setenv("DATABASE_URL", settings.database.url)
    assert CliRunner().invoke(receive, input=compose()).exit_code == 75
    with app.app_context():
        assert db.session.query(InboundMail).count() == 0
        db.session.remove()

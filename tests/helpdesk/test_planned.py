"""Undo send and send later: nothing of a reply is anywhere until it leaves."""

import re
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import select, update

from accounts import people
from core import jobs
from core.db import db, now
from core.jobs import Job
from core.mail import OutgoingMail
from helpdesk.models import Ticket
from helpdesk.outgoing_models import PlannedReply
from helpdesk.tickets import Words
from tests.conftest import member
from tests.helpdesk.desk import act, ask, events_of, messages_of, seen_in, ticket_of

ANSWER = "Ask for it on the page of the prefixes."


@pytest.fixture
def number(app):
    """Paula's question, on a desk whose replies wait 20 seconds."""
    settings = app.extensions["settings"]
    app.extensions["settings"] = replace(settings, mail=replace(settings.mail, undo_seconds=20))
    number = ask(app)
    with app.app_context():
        jobs.run_until_idle()
    return number


def send(browser, number, body=ANSWER, **more):
    page = browser.get(f"/desk/tickets/{number}")
    return browser.send(
        f"/desk/tickets/{number}/replies", {"body": body, "send": "wait", "seen": seen_in(page), **more}
    )


def planned(app) -> list[dict]:
    with app.app_context():
        rows = db.session.scalars(select(PlannedReply).order_by(PlannedReply.id)).all()
        found = [{"id": row.id, "held": row.held, "body": row.body, "leaves_at": row.leaves_at} for row in rows]
        db.session.remove()
    return found


def pass_time(app, **delta):
    """As if that much time had passed for what waits, with the worker running."""
    with app.app_context():
        for row in db.session.scalars(select(PlannedReply)):
            row.leaves_at -= timedelta(**delta)
        for job in db.session.scalars(select(Job)):
            job.run_at -= timedelta(**delta)
        db.session.commit()
        jobs.run_until_idle()
        db.session.remove()


def replies_mailed(app) -> list[str]:
    with app.app_context():
        found = list(db.session.scalars(select(OutgoingMail.recipient).where(OutgoingMail.notice == "ticket_reply")))
        db.session.remove()
    return found


def in_hours(count) -> dict[str, str]:
    moment = now() + timedelta(hours=count)
    return {"leaves_on": f"{moment:%Y-%m-%d}", "leaves_at": f"{moment:%H:%M}"}


def test_a_reply_waits_and_then_leaves_with_the_state_and_the_mail(app, browser_of, number, work):
    bruno = browser_of("bruno")
    answer = send(bruno, number)
    (row,) = planned(app)
    assert answer.location.endswith(f"#planned-{row['id']}")
    page = bruno.get(f"/desk/tickets/{number}").text
    assert ANSWER in page
    assert 0 < float(re.search(r'data-countdown="([\d.]+)"', page)[1]) <= 20
    work()
    assert len(messages_of(app, number)) == 1
    assert ticket_of(app, number)["state"] == "new"
    assert ANSWER not in browser_of("paula").get(f"/tickets/{number}").text
    assert replies_mailed(app) == []
    pass_time(app, seconds=21)
    assert [message["body"] for message in messages_of(app, number)][1:] == [ANSWER]
    assert ticket_of(app, number)["state"] == "waiting"
    assert replies_mailed(app) == ["paula@compras.example"]
    assert planned(app) == []
    assert "data-countdown" not in bruno.get(f"/desk/tickets/{number}").text


def test_undo_puts_the_text_and_the_files_back_into_the_reply_box(app, browser_of, number, work):
    from io import BytesIO

    bruno = browser_of("bruno")
    send(bruno, number, files=(BytesIO(b"a,b\n1,2\n"), "data.csv"))
    (row,) = planned(app)
    undone = bruno.send(f"/desk/tickets/{number}/planned/{row['id']}/undo")
    assert (undone.status_code, f"draft={row['id']}" in undone.location) == (303, True)
    page = bruno.get(undone.location.partition("#")[0]).text
    box = page.partition('id="body"')[2].partition("</textarea>")[0]
    assert ANSWER in box
    assert "data.csv" in page.partition("Files we already have")[2]
    pass_time(app, minutes=5)
    assert (len(messages_of(app, number)), replies_mailed(app)) == (1, [])
    token = re.search(r'name="kept_file" value="([^"]+)"', page)[1]
    send(bruno, number, body="Better words.", planned=str(row["id"]), kept_file=token)
    pass_time(app, minutes=1)
    (_question, reply) = messages_of(app, number)
    assert (reply["body"], reply["files"]) == ("Better words.", ["data.csv"])
    assert planned(app) == []
    assert "ticket.reply_undone" in events_of(app, number)


def test_undo_that_comes_too_late_says_so(app, browser_of, number):
    bruno = browser_of("bruno")
    send(bruno, number)
    (row,) = planned(app)
    pass_time(app, seconds=21)
    answer = bruno.send(f"/desk/tickets/{number}/planned/{row['id']}/undo")
    assert answer.status_code == 303
    assert "It was too late" in bruno.get(answer.location).text
    assert len(messages_of(app, number)) == 2


def test_a_reply_leaves_though_the_other_side_writes_within_the_seconds(app, browser_of, number, work):
    bruno = browser_of("bruno")
    send(bruno, number)
    act(app, number, "reply", by="paula", words=Words(body="One more thing."))
    work()
    pass_time(app, seconds=21)
    assert [message["body"] for message in messages_of(app, number)][1:] == ["One more thing.", ANSWER]


def test_send_later_leaves_at_its_moment_in_the_time_zone_of_its_writer(app, browser_of, number):
    with app.app_context():
        member("bruno").time_zone = "America/Bogota"
        db.session.commit()
        db.session.remove()
    bruno = browser_of("bruno")
    day = now() + timedelta(days=3)
    send(bruno, number, leaves_on=f"{day:%Y-%m-%d}", leaves_at="09:30")
    (row,) = planned(app)
    assert row["leaves_at"] == day.replace(hour=14, minute=30, second=0, microsecond=0)
    assert "9:30" in bruno.get(f"/desk/tickets/{number}").text
    pass_time(app, days=1)
    assert len(messages_of(app, number)) == 1
    pass_time(app, days=3)
    assert len(messages_of(app, number)) == 2
    assert ticket_of(app, number)["state"] == "waiting"


@pytest.mark.parametrize("given", [{"leaves_on": "2020-01-01", "leaves_at": "09:00"}, {"leaves_on": "tomorrow"},
                                   {"leaves_on": "9999-12-31", "leaves_at": "23:59"}, {"leaves_at": "09:00"}])  # fmt: skip
def test_a_moment_that_is_past_or_none_is_refused_with_the_text_kept(app, browser_of, number, given):
    answer = send(browser_of("bruno"), number, **given)
    assert answer.status_code == 422
    assert ANSWER in answer.text
    assert planned(app) == []


def test_a_planned_reply_is_held_when_the_other_side_writes_first_and_its_writer_is_told(
    app, browser_of, number, work
):
    bruno = browser_of("bruno")
    send(bruno, number, **in_hours(5))
    act(app, number, "reply", by="paula", words=Words(body="I found it myself, thanks."))
    work()
    (row,) = planned(app)
    assert row["held"] == "answered"
    with app.app_context():
        told = db.session.scalars(select(OutgoingMail).where(OutgoingMail.notice == "reply_held")).one()
        assert told.recipient == "bruno@helpdesk.example"
        db.session.remove()
    pass_time(app, hours=6)
    assert len(messages_of(app, number)) == 2
    page = bruno.get(f"/desk/tickets/{number}").text
    assert "the other side wrote before" in page
    assert bruno.send(f"/desk/tickets/{number}/planned/{row['id']}/moment", {"do": "now"}).status_code == 303
    assert messages_of(app, number)[-1]["body"] == ANSWER


def test_a_planned_reply_can_be_put_off_and_thrown_away(app, browser_of, number):
    bruno = browser_of("bruno")
    send(bruno, number, **in_hours(2))
    (row,) = planned(app)
    path = f"/desk/tickets/{number}/planned/{row['id']}"
    assert bruno.send(f"{path}/moment", in_hours(10)).status_code == 303
    pass_time(app, hours=3)
    assert len(messages_of(app, number)) == 1
    assert bruno.send(f"{path}/moment", {"leaves_on": "2020-01-01"}).status_code == 303
    assert "between now and a year" in bruno.get(f"/desk/tickets/{number}").text
    assert bruno.send(f"{path}/discard").status_code == 303
    assert planned(app) == []
    pass_time(app, hours=20)
    assert len(messages_of(app, number)) == 1


def test_whoever_was_taken_out_or_shut_out_meanwhile_gets_nothing(app, browser_of, number, work):
    with app.app_context():
        from helpdesk import tickets

        ticket = db.session.get(Ticket, number)
        for key in ("dalia", "amara"):
            tickets.add_participant(ticket, member(key), by=member("bruno"))
        ids = {key: str(member(key).id) for key in ("paula", "dalia", "amara")}
        db.session.commit()
        db.session.remove()
    bruno = browser_of("bruno")
    send(bruno, number, to=ids["paula"], cc=[ids["dalia"], ids["amara"]], recipients="1")
    with app.app_context():
        tickets.remove_participant(db.session.get(Ticket, number), member("dalia"), by=member("bruno"))
        people.disable(member("amara"), by=member("chidi"))
        db.session.commit()
        db.session.remove()
    pass_time(app, seconds=21)
    assert replies_mailed(app) == ["paula@compras.example"]
    assert messages_of(app, number)[-1]["cc"] == []


def test_a_reply_to_a_ticket_that_was_closed_meanwhile_is_held_with_the_reason(app, browser_of, number, work):
    bruno = browser_of("bruno")
    send(bruno, number)
    act(app, number, "close")
    pass_time(app, seconds=21)
    assert "closed" in planned(app)[0]["held"]
    assert len(messages_of(app, number)) == 1
    assert "Held: This is not possible" in bruno.get(f"/desk/tickets/{number}").text
    assert send(bruno, number).status_code == 409


def test_a_reply_of_somebody_who_left_the_desk_is_held(app, browser_of, number):
    send(browser_of("bruno"), number)
    with app.app_context():
        people.disable(member("bruno"), by=member("chidi"))
        db.session.commit()
        db.session.remove()
    pass_time(app, seconds=21)
    assert planned(app)[0]["held"] == "writer"


def test_notes_api_and_mail_do_not_wait(app, browser_of, number):
    bruno = browser_of("bruno")
    page = bruno.get(f"/desk/tickets/{number}")
    bruno.send(f"/desk/tickets/{number}/replies", {"body": "Between us.", "send": "note", "seen": seen_in(page)})
    act(app, number, "reply", words=Words(body="By API.", channel="api"))
    assert [message["body"] for message in messages_of(app, number)][1:] == ["Between us.", "By API."]
    assert planned(app) == []


@pytest.mark.parametrize("verb", ["undo", "discard", "moment"])
def test_only_the_desk_touches_what_waits(app, browser_of, number, verb):
    bruno = browser_of("bruno")
    send(bruno, number)
    (row,) = planned(app)
    path = f"/desk/tickets/{number}/planned/{row['id']}/{verb}"
    assert browser_of("paula").send(path, {"do": "now"}).status_code == 403
    assert browser_of("quentin").send(path, {"do": "now"}).status_code == 404
    other = ask(app, title="Another")
    assert "too late" in bruno.get(bruno.send(f"/desk/tickets/{other}/planned/{row['id']}/{verb}").location).text
    assert len(planned(app)) == 1
    assert ANSWER not in browser_of("paula").get(f"/tickets/{number}").text


def test_a_ticket_with_failed_mails_and_waiting_replies_is_shown_in_few_statements(
    app, browser_of, number, statements, work
):
    bruno = browser_of("bruno")
    act(app, number, "reply", words=Words(body="First."))
    work()
    with app.app_context():
        db.session.execute(update(OutgoingMail).values(state="dead"))
        db.session.execute(update(Ticket).values(attention="mail-failed"))
        db.session.commit()
        db.session.remove()
    send(bruno, number)
    with statements() as seen:
        page = bruno.get(f"/desk/tickets/{number}").text
    assert "Not delivered" in page
    assert "data-countdown" in page
    assert len(seen) <= 12, "\n".join(seen)


def test_a_moment_of_the_worker_and_an_undo_at_once_end_in_one_of_the_two(app, browser_of, number):
    """The job finds the reply taken back, or the undo finds it gone; never both."""
    from helpdesk import planned as verbs

    bruno = browser_of("bruno")
    send(bruno, number)
    (row,) = planned(app)
    bruno.send(f"/desk/tickets/{number}/planned/{row['id']}/undo")
    with app.app_context():
        db.session.execute(update(PlannedReply).values(leaves_at=now() - timedelta(seconds=1)))
        db.session.commit()
        verbs.leave(row["id"])
        db.session.commit()
        db.session.remove()
    assert len(messages_of(app, number)) == 1

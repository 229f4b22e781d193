import threading
from datetime import timedelta

import pytest
from sqlalchemy import func, select, update

from accounts.models import User
from core import batches, events, jobs
from core.db import db, now
from core.events import Event
from core.jobs import Job

done: list[str] = []


@jobs.job("test.note")
def note(word: str) -> None:
    done.append(word)


@jobs.job("test.fail", attempts=3)
def fail() -> None:
    raise ValueError("this job always fails")


@jobs.job("test.later")
def later() -> None:
    raise jobs.Later(60, "not yet")


@pytest.fixture(autouse=True)
def _empty():
    done.clear()


def due_now():
    db.session.execute(update(Job).values(run_at=now() - timedelta(seconds=1)))
    db.session.commit()


def test_a_job_is_part_of_the_transaction_that_owes_it(context):
    jobs.enqueue("test.note", word="lost")
    db.session.rollback()
    jobs.enqueue("test.note", word="kept")
    db.session.commit()
    jobs.run_until_idle()
    assert done == ["kept"]
    assert db.session.scalars(select(Job)).all() == []


def test_a_second_job_with_the_same_key_is_the_same_job(context):
    jobs.enqueue("test.note", key="one", word="first")
    jobs.enqueue("test.note", key="one", word="second")
    db.session.commit()
    jobs.run_until_idle()
    assert done == ["first"]


def test_a_change_while_its_job_runs_is_not_swallowed(context):
    jobs.enqueue("test.note", key="one", word="first")
    db.session.commit()
    claimed = jobs.claim()
    jobs.enqueue("test.note", key="one", word="second")
    db.session.commit()
    for item in claimed:
        jobs.run_one(*item)
    jobs.run_until_idle()
    assert done == ["first", "second"]


def test_a_failing_job_is_tried_again_and_then_parked_with_its_reason(context):
    jobs.enqueue("test.fail")
    db.session.commit()
    for attempt in (1, 2):
        jobs.run_due()
        job = db.session.scalars(select(Job)).one()
        assert (job.state, job.attempts) == ("queued", attempt)
        assert job.run_at > now()
        due_now()
    jobs.run_due()
    job = db.session.scalars(select(Job)).one()
    assert job.state == "dead"
    assert "this job always fails" in job.last_error
    assert jobs.counts()["dead"] == 1


def test_one_failing_job_does_not_stop_the_next(context):
    jobs.enqueue("test.fail")
    jobs.enqueue("test.note", word="after")
    db.session.commit()
    jobs.run_due()
    assert done == ["after"]


def test_a_job_that_must_wait_is_not_counted_as_failed(context):
    jobs.enqueue("test.later")
    db.session.commit()
    for _ in range(20):
        jobs.run_due()
        due_now()
    job = db.session.scalars(select(Job)).one()
    assert (job.state, job.attempts) == ("queued", 0)


def test_a_worker_that_slept_through_its_lease_cannot_finish_the_job(context):
    jobs.enqueue("test.note", word="x")
    db.session.commit()
    slept = jobs.claim()
    db.session.execute(update(Job).values(lease_until=now() - timedelta(seconds=1)))
    db.session.commit()
    taken = jobs.claim()
    assert [item[0] for item in taken] == [item[0] for item in slept]
    assert jobs.run_one(*slept[0]) is False
    assert done == []
    assert jobs.run_one(*taken[0]) is True
    assert done == ["x"]


def test_a_leased_job_is_not_claimed_by_another_worker(context):
    jobs.enqueue("test.note", word="x")
    db.session.commit()
    assert len(jobs.claim()) == 1
    assert jobs.claim() == []


def test_many_workers_run_each_job_once(app):
    with app.app_context():
        for number in range(60):
            jobs.enqueue("test.note", word=str(number))
        db.session.commit()

    def work():
        with app.app_context():
            jobs.run_until_idle()
            db.session.remove()

    workers = [threading.Thread(target=work) for _ in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert sorted(done, key=int) == [str(number) for number in range(60)]


def test_a_job_of_an_unknown_kind_is_parked_at_once(context):
    jobs.enqueue("test.nobody-knows-this")
    db.session.commit()
    jobs.run_due()
    assert db.session.scalars(select(Job)).one().state == "dead"


def test_a_clock_strikes_once_in_its_interval_however_many_workers_look(app):
    struck: list[int] = []
    jobs.every("test.clock", 3600)(lambda: struck.append(1))
    try:

        def look():
            with app.app_context():
                jobs.run_clocks()
                db.session.remove()

        workers = [threading.Thread(target=look) for _ in range(4)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
        look()
        assert struck == [1]
    finally:
        del jobs._clocks["test.clock"]


together: list[list[str]] = []


def write_together(words: list[str]) -> None:
    together.append(words)
    for word in words:
        if word == "bad":
            raise ValueError("this one spoils the batch")
        note_it(word)


@jobs.job(
    "test.note-it",
    together=jobs.Together(
        lambda payloads: payloads, lambda loaded: [each["word"] for each in loaded], write_together
    ),
)
def note_it(word: str) -> None:
    if word == "bad":
        raise ValueError("this job always fails")
    jobs.enqueue("test.note", word=word)


def test_several_jobs_of_a_kind_are_run_at_once(context):
    together.clear()
    for word in ("one", "two", "three"):
        jobs.enqueue("test.note-it", word=word)
    db.session.commit()
    jobs.run_until_idle()
    assert together == [["one", "two", "three"]]
    assert sorted(done) == ["one", "three", "two"]
    assert db.session.scalars(select(Job)).all() == []


def test_one_job_that_fails_takes_none_of_its_batch_with_it(context):
    together.clear()
    for word in ("one", "bad", "three"):
        jobs.enqueue("test.note-it", word=word)
    db.session.commit()
    jobs.run_until_idle()
    assert sorted(done) == ["one", "three"], "each once"
    assert [job.payload["word"] for job in db.session.scalars(select(Job))] == ["bad"]
    due_now()
    jobs.run_due()
    assert len(together) == 1, "what failed once is tried by itself"


def test_a_batch_whose_lease_was_taken_over_leaves_nothing(context):
    together.clear()
    for word in ("one", "two"):
        jobs.enqueue("test.note-it", word=word)
    db.session.commit()
    items = jobs.claim()
    db.session.execute(update(Job).values(lease_until=now() - timedelta(seconds=1)))
    db.session.commit()
    assert len(jobs.claim()) == 2
    assert batches.run("test.note-it", jobs._kinds["test.note-it"].together, [items], 60) == items
    assert db.session.scalar(select(Job).where(Job.kind == "test.note")) is None


def test_events_held_together_are_written_in_order_with_their_jobs_and_none_if_it_fails(context):
    bruno = db.session.scalars(select(User).where(User.email == "bruno@helpdesk.example")).one()
    first = db.session.scalar(select(func.max(Event.id))) or 0
    with events.together():
        for number in range(3):
            events.record("person.changed", bruno, by=bruno, number=number)
        assert not db.session.scalars(select(Event).where(Event.id > first)).all()
    written = db.session.scalars(select(Event).where(Event.id > first).order_by(Event.id)).all()
    assert [event.data["number"] for event in written] == [0, 1, 2]
    db.session.commit()

    def fail_in_the_middle():
        with events.together():
            events.record("person.changed", bruno, by=bruno)
            raise ValueError("in the middle")

    with pytest.raises(ValueError, match="in the middle"):
        fail_in_the_middle()
    events.record("person.changed", bruno, by=bruno, number=3)
    db.session.commit()
    assert [event.data.get("number") for event in db.session.scalars(select(Event).where(Event.id > first))][3:] == [3]


def test_each_subscriber_of_events_held_together_is_called_once(context):
    called = []

    @events.on("test.happened")
    def listen(event):
        called.append(event.data["number"])

    bruno = db.session.scalars(select(User).where(User.email == "bruno@helpdesk.example")).one()
    with events.together():
        for number in range(3):
            events.record("test.happened", bruno, number=number)
    db.session.commit()
    jobs.run_until_idle()
    events._subscribers.pop("test.happened")
    assert called == [0, 1, 2]

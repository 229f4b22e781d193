"""The weekly digest: only for champions who chose it, only what is new and theirs to read."""

from datetime import timedelta

import pytest
from sqlalchemy import select, update

from accounts import mail_choices, people
from accounts.mail_choices import MailChoice
from core import jobs, mail_building
from core.db import db, now
from core.jobs import ClockRun
from core.mail import OutgoingMail
from kb import answers
from kb.models import Answer
from peers import profiles
from tests.conftest import member


@pytest.fixture
def dalia(context):
    """Dalia knows mapping, and chose the digest."""
    profile = profiles.begin(member("dalia"))
    profiles.keep(profile, by=member("dalia"), headline="", offers="", seeks="", systems=[], capacity=3,
                  visibility="hidden", topics={"mapping": "expert"})  # fmt: skip
    mail_choices.choose(member("dalia"), by=member("dalia"), wants_digest=True)
    db.session.commit()
    return member("dalia")


def publish(title, topic="mapping", visibility="public", days_ago=1) -> None:
    answer = answers.draft(
        by=member("bruno"), title=title, question="Q", answer="A", topic=topic, visibility=visibility
    )
    answers.publish(answer, basis="nothing-personal", by=member("bruno"))
    db.session.flush()
    db.session.execute(
        update(Answer).where(Answer.id == answer.id).values(published_at=now() - timedelta(days=days_ago))
    )
    db.session.commit()


def strike() -> list[OutgoingMail]:
    """Let the clock strike and the worker do what follows."""
    db.session.execute(update(ClockRun).values(last_run=now() - timedelta(days=1)))
    db.session.commit()
    jobs.run_clocks()
    jobs.run_until_idle()
    db.session.expire_all()
    return list(db.session.scalars(select(OutgoingMail).where(OutgoingMail.notice == "answers_digest")))


def a_week_later() -> None:
    for row in db.session.scalars(select(MailChoice)):
        row.digest_at -= timedelta(days=7, minutes=1)
    for answer in db.session.scalars(select(Answer)):
        answer.published_at -= timedelta(days=7, minutes=1)
    db.session.commit()


def test_new_answers_on_ones_topics_come_once_a_week_with_a_way_to_end_it(dalia, context):
    publish("New on mapping")
    publish("Old on mapping", days_ago=30)
    publish("New on hosting", topic="data-quality")
    publish("For staff alone", visibility="staff")
    publish("For champions", visibility="champions")
    (row,) = strike()
    assert (row.recipient, row.language) == ("dalia@dncp.example", "es")
    for shown in ("New on mapping", "For champions", "/mail/unsubscribe/digest."):
        assert shown in row.text
    for hidden in ("Old on mapping", "New on hosting", "For staff alone"):
        assert hidden not in row.text
    message = mail_building.build(row, context.extensions["settings"])
    assert message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert message["List-Unsubscribe"].startswith("<http://127.0.0.1:8000/mail/unsubscribe/digest.")
    assert message["Precedence"] == "bulk"
    assert len(strike()) == 1
    a_week_later()
    assert len(strike()) == 1
    db.session.execute(update(MailChoice).values(digest_at=now() - timedelta(days=8)))
    publish("Newest")
    assert len(strike()) == 2


def test_nothing_comes_to_who_did_not_choose_it_left_or_is_no_champion(dalia, context):
    publish("New on mapping")
    mail_choices.end(member("dalia"), "digest")
    mail_choices.choose(member("paula"), by=member("paula"), wants_digest=True)
    db.session.commit()
    assert strike() == []
    mail_choices.choose(member("dalia"), by=member("dalia"), wants_digest=True)
    people.disable(member("dalia"), by=member("chidi"))
    db.session.commit()
    assert strike() == []

"""Who has done it, beside a ticket and under a past answer."""

from types import SimpleNamespace

import pytest
from flask import render_template
from flask_login import login_user

from core.db import db
from tests.conftest import member
from tests.peers.conftest import TOPIC, champion


@pytest.fixture
def panel(app, made):
    """Renders a panel for one of the cast, about a question of Paula's."""
    made(champion, "dalia", systems=["OCDS Kit"])

    def render(template: str, key: str, topic: str = TOPIC) -> str:
        with app.test_request_context():
            login_user(member(key))
            paula = member("paula")
            about = SimpleNamespace(id=7, topic=topic, country="CO", language="es", title="Merging with OCDS Kit", excerpt="",
                                    requester=paula, requester_id=paula.id)  # fmt: skip
            text = render_template(template, ticket=about, answer=about)
            db.session.remove()
        return text

    return render


def test_beside_a_ticket_staff_see_who_fits_the_asker_and_the_link_holds_a_number(panel, look):
    text = panel("peers/_ticket_peers.html", "bruno")
    for words in ("Dalia Benítez", "speaks Spanish", "uses OCDS Kit too", "same region"):
        assert words in text
    assert f"seeker={look(lambda: member('paula').id)}" in text
    assert "origin_kind=ticket&amp;origin_id=7" in text
    assert "@" not in text


def test_a_ticket_without_topic_or_without_anybody_free_says_so(panel):
    assert "Choose a topic first" in panel("peers/_ticket_peers.html", "bruno", topic="")
    assert "No champion" in panel("peers/_ticket_peers.html", "bruno", topic="bids")


def test_under_a_past_answer_a_champion_looks_for_themselves_and_others_see_nothing(panel):
    text = panel("peers/_answer_peers.html", "amara")
    assert "Dalia Benítez" in text
    assert "interpreter" in text
    assert "seeker=" not in text
    assert panel("peers/_answer_peers.html", "dalia").strip() == ""
    assert panel("peers/_answer_peers.html", "paula").strip() == ""

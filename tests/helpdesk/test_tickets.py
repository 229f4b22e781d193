"""The verbs of tickets: what each changes, records and refuses."""

import itertools

import pytest
from sqlalchemy import select

from core import fulltext
from core.db import db, now
from core.events import Event
from core.exceptions import NotNow, Refused
from helpdesk import tickets
from helpdesk.models import Citation, Message, Ticket
from helpdesk.states import CLOSED, ENDED, MOVES, NEEDS_ANSWER, NEW, OPEN, SOLVED, STATES, WAITING
from helpdesk.tickets import Recipients, Words
from kb.models import Article

pytestmark = pytest.mark.usefixtures("context")


@pytest.fixture
def ticket(context, cast):
    return tickets.ask(by=cast("paula"), title="Prefix", words=Words(body="May two systems share one prefix?"))


def names(ticket):
    db.session.flush()
    return list(db.session.scalars(
        select(Event.name).where(Event.subject_kind == "ticket", Event.subject_id == ticket.id).order_by(Event.id)
    ))  # fmt: skip


def test_a_question_opens_a_new_ticket_in_which_its_asker_takes_part(ticket, cast):
    assert ticket.state == NEW
    assert [part.user for part in ticket.participants] == [cast("paula")]
    assert ticket.country == "CO"
    assert ticket.excerpt == "May two systems share one prefix?"
    assert names(ticket) == ["ticket.asked"]


def test_a_reply_waits_for_them_and_the_analyst_who_wrote_it_looks_after_it(ticket, cast):
    message = tickets.reply(ticket, by=cast("bruno"), words=Words(body="No, ask for a second one."))
    assert (ticket.state, ticket.assignee) == (WAITING, cast("bruno"))
    assert ticket.first_reply_at == message.created_at
    assert message.by_staff
    db.session.flush()
    assert [row.user for row in message.recipients] == [cast("paula")]


@pytest.mark.parametrize(("then", "state"), [("", WAITING), ("solve", SOLVED), ("open", OPEN)])
def test_a_reply_says_what_comes_after_it(ticket, cast, then, state):
    tickets.reply(ticket, by=cast("bruno"), words=Words(body="Done."), then=then)
    assert ticket.state == state
    assert (ticket.solved_at is not None) == (state == SOLVED)


def test_an_answer_of_the_asker_opens_even_a_closed_ticket(ticket, cast):
    tickets.close(ticket, by=cast("bruno"))
    tickets.reply(ticket, by=cast("paula"), words=Words(body="It happened again."))
    assert (ticket.state, ticket.solved_at) == (OPEN, None)
    assert names(ticket)[-2:] == ["ticket.answered", "ticket.moved"]


def test_staff_cannot_reply_into_a_closed_ticket(ticket, cast):
    tickets.close(ticket, by=cast("bruno"))
    with pytest.raises(NotNow):
        tickets.reply(ticket, by=cast("carla"), words=Words(body="One more thing."))


def test_nothing_is_not_sent(ticket, cast):
    with pytest.raises(Refused) as refused:
        tickets.reply(ticket, by=cast("bruno"), words=Words(body="  \n"))
    assert refused.value.field == "body"
    with pytest.raises(Refused):
        tickets.note(ticket, by=cast("bruno"), words=Words(body=""))


def test_whoever_receives_a_reply_takes_part_from_then_on(ticket, cast):
    people = Recipients(to=[cast("paula")], cc=[cast("quentin"), cast("paula")])
    message = tickets.reply(ticket, by=cast("bruno"), words=Words(body="See below."), recipients=people)
    db.session.flush()
    db.session.refresh(message)
    assert [(row.user, row.kind) for row in message.recipients] == [(cast("paula"), "to"), (cast("quentin"), "cc")]
    assert [part.user for part in ticket.participants] == [cast("paula"), cast("quentin")]


def test_a_reply_to_nobody_is_refused(ticket, cast):
    with pytest.raises(Refused) as refused:
        tickets.reply(ticket, by=cast("bruno"), words=Words(body="Hello?"), recipients=Recipients())
    assert refused.value.field == "to"


def test_staff_who_receive_copies_still_speak_for_the_desk_on_its_pages_but_not_by_mail(ticket, cast):
    tickets.add_participant(ticket, cast("carla"), by=cast("bruno"))
    by_page = tickets.reply(ticket, by=cast("carla"), words=Words(body="I know this one.", channel="desk"))
    by_mail = tickets.reply(ticket, by=cast("carla"), words=Words(body="And this.", channel="mail"))
    assert (by_page.by_staff, by_mail.by_staff) == (True, False)


def test_staff_who_ask_are_askers_in_their_own_ticket(cast):
    ticket = tickets.ask(by=cast("carla"), title="Mine", words=Words(body="A question of my own."))
    assert not tickets.reply(ticket, by=cast("carla"), words=Words(body="More.")).by_staff


def test_a_note_changes_no_state_and_is_found_by_staff_alone(ticket, cast):
    was = ticket.state, ticket.excerpt, ticket.turn_since
    tickets.note(ticket, by=cast("bruno"), words=Words(body="Quokka: same as the other ministry."))
    assert (ticket.state, ticket.excerpt, ticket.turn_since) == was
    db.session.flush()
    assert [hit.ticket_id for hit in fulltext.search(db.session, "quokka", internal=True)] == [ticket.id]
    assert fulltext.search(db.session, "quokka", internal=False) == []


def test_messages_are_counted(ticket, cast):
    tickets.note(ticket, by=cast("bruno"), words=Words(body="One."))
    tickets.reply(ticket, by=cast("bruno"), words=Words(body="Two."))
    db.session.flush()
    assert db.session.scalar(select(Ticket.message_count).where(Ticket.id == ticket.id)) == 3


def test_the_turn_is_remembered_from_when_it_passed(ticket, cast):
    ticket.turn_since = ticket.created_at = long_ago = now().replace(year=2020)
    tickets.reply(ticket, by=cast("paula"), words=Words(body="Also this."))
    assert ticket.turn_since == long_ago, "they have waited since they first asked"
    tickets.reply(ticket, by=cast("bruno"), words=Words(body="Like so."))
    assert ticket.turn_since > long_ago


def test_only_the_listed_moves_are_made():
    for state, (name, (sources, target)) in itertools.product(STATES, MOVES.items()):
        ticket = Ticket(state=state)
        if state in sources:
            tickets.move(ticket, name)
            assert ticket.state == target
            assert (ticket.solved_at is not None) == (target in ENDED)
        else:
            with pytest.raises(NotNow):
                tickets.move(ticket, name)
            assert ticket.state == state


@pytest.mark.parametrize("state", [OPEN, WAITING, SOLVED, CLOSED])
def test_a_state_is_set_by_the_move_that_leads_there(ticket, cast, state):
    tickets.set_state(ticket, state, by=cast("bruno"))
    assert ticket.state == state
    assert names(ticket)[-1] == "ticket.moved"
    count = len(names(ticket))
    tickets.set_state(ticket, state, by=cast("bruno"))
    assert len(names(ticket)) == count, "no change, nothing to record"


def test_a_ticket_cannot_be_made_new_again(ticket, cast):
    tickets.solve(ticket, by=cast("bruno"))
    with pytest.raises(Refused):
        tickets.set_state(ticket, NEW, by=cast("bruno"))
    with pytest.raises(Refused):
        tickets.set_state(ticket, "lost", by=cast("bruno"))


def test_only_staff_can_be_assigned(ticket, cast):
    with pytest.raises(Refused) as refused:
        tickets.assign(ticket, cast("amara"), by=cast("bruno"))
    assert refused.value.field == "assignee"
    carla = cast("carla")
    carla.is_disabled = True
    with pytest.raises(Refused):
        tickets.assign(ticket, carla, by=cast("bruno"))
    tickets.assign(ticket, cast("mona"), by=cast("bruno"))
    tickets.assign(ticket, None, by=cast("bruno"))
    assert names(ticket).count("ticket.assigned") == 2


def test_each_change_of_sorting_is_recorded_with_old_and_new(ticket, cast):
    tickets.sort(ticket, by=cast("bruno"), priority="high", topic="ocid-prefix", country="CO")
    db.session.flush()
    rows = db.session.scalars(select(Event).where(Event.name == "ticket.sorted").order_by(Event.id)).all()
    assert [row.data for row in rows] == [
        {"field": "priority", "old": "normal", "new": "high"}, {"field": "topic", "old": "", "new": "ocid-prefix"},
    ]  # fmt: skip
    for wrong in ({"priority": "extreme"}, {"service": "catering"}):
        with pytest.raises(Refused) as refused:
            tickets.sort(ticket, by=cast("bruno"), **wrong)
        assert refused.value.field in wrong


def test_a_new_title_is_searched_and_never_kept_in_an_event(ticket, cast):
    tickets.sort(ticket, by=cast("bruno"), title="Wombat identifiers")
    db.session.flush()
    assert [hit.ticket_id for hit in fulltext.search(db.session, "wombat", internal=False)] == [ticket.id]
    assert "ombat" not in str(db.session.scalars(select(Event.data)).all())


def test_tags_are_cleaned_and_set_as_a_whole(ticket, cast):
    tickets.tag(ticket, ["  OCID  Prefix ", "amendments", ""], by=cast("bruno"))
    assert ticket.tags == ["amendments", "ocid prefix"]
    tickets.tag(ticket, ["amendments"], by=cast("bruno"))
    assert ticket.tags == ["amendments"]
    with pytest.raises(Refused):
        tickets.tag(ticket, [f"tag {number}" for number in range(21)], by=cast("bruno"))


def test_the_requester_always_takes_part_and_others_can_be_taken_out(ticket, cast):
    tickets.add_participant(ticket, cast("quentin"), by=cast("bruno"))
    tickets.add_participant(ticket, cast("quentin"), by=cast("bruno"))
    assert len(ticket.participants) == 2
    tickets.remove_participant(ticket, cast("quentin"), by=cast("bruno"))
    assert [part.user for part in ticket.participants] == [cast("paula")]
    with pytest.raises(Refused):
        tickets.remove_participant(ticket, cast("paula"), by=cast("bruno"))


def test_an_article_is_cited_once_a_message(ticket, cast):
    article = Article(slug="register", title="Register a prefix", state="published")
    db.session.add(article)
    db.session.flush()
    message = tickets.reply(ticket, by=cast("bruno"), words=Words(body="See the article."))
    tickets.cite(message, article, by=cast("bruno"))
    tickets.cite(message, article, by=cast("bruno"))
    db.session.flush()
    assert [row.target_id for row in db.session.scalars(select(Citation))] == [article.id]
    assert names(ticket).count("ticket.cited") == 1


def test_a_ticket_opened_with_a_note_tells_nobody(cast):
    ticket = tickets.open_for(
        cast("paula"), by=cast("bruno"), title="Called", words=Words(body="She called."), is_note=True
    )
    assert (ticket.state, ticket.assignee, ticket.channel) == (NEW, cast("bruno"), "desk")
    assert ticket.excerpt == ""
    assert names(ticket) == ["ticket.opened", "ticket.assigned", "ticket.noted"]


def test_a_ticket_opened_with_a_message_waits_for_the_answer(cast):
    ticket = tickets.open_for(
        cast("paula"), by=cast("bruno"), title="Your file", words=Words(body="We saw it."), is_note=False
    )
    db.session.flush()
    assert ticket.state == WAITING
    message = db.session.execute(select(Message).where(Message.ticket_id == ticket.id)).scalar_one()
    assert (message.author, message.by_staff) == (cast("bruno"), True)
    assert [row.user for row in message.recipients] == [cast("paula")]
    assert "ticket.replied" in names(ticket)
    assert "ticket.asked" not in names(ticket)
    with pytest.raises(Refused):
        tickets.open_for(cast("paula"), by=cast("bruno"), title="Empty", words=Words(body=" "), is_note=True)


def test_every_state_has_a_side():
    assert set(NEEDS_ANSWER) | {WAITING} | set(ENDED) == set(STATES)


def test_people_are_told_apart(cast):
    assert cast("paula") == cast("paula")
    assert cast("paula") != cast("bruno"), "Flask-Login would compare their sign-ins, and neither has one"

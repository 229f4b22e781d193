from datetime import timedelta

import pytest

from accounts.models import Organisation
from core import pager
from core.db import db, now

ORDER = [(Organisation.created_at, True), (Organisation.id, True)]


@pytest.fixture
def twelve(context):
    begin = now()
    for number in range(12):
        # Three of each time, so that the second column decides.
        db.session.add(Organisation(name=f"Agency {number}", created_at=begin - timedelta(days=number // 3)))
    db.session.commit()
    return db.session.scalars(
        db.select(Organisation.id).order_by(Organisation.created_at.desc(), Organisation.id.desc())
    ).all()


def test_pages_go_through_every_row_once_and_back_again(twelve):
    forward, after = [], ""
    pages = []
    while True:
        page = pager.page(db.select(Organisation), ORDER, after=after, size=5)
        pages.append(page)
        forward += [row.id for row in page.items]
        if not page.next:
            break
        after = page.next
    assert forward == list(twelve)
    assert [len(page.items) for page in pages] == [5, 5, 2]
    back = pager.page(db.select(Organisation), ORDER, before=pages[2].previous, size=5)
    assert [row.id for row in back.items] == [row.id for row in pages[1].items]
    assert back.next
    first = pager.page(db.select(Organisation), ORDER, before=back.previous, size=5)
    assert [row.id for row in first.items] == [row.id for row in pages[0].items]
    assert first.previous == ""


@pytest.mark.parametrize("token", ["x", "e30", "W10", "WzEsMl0", "WyJhIiwiYiJd", "=", "\x00", "WzFlOTk5LDFd", "W251bGwsbnVsbF0",
                                   "W3sidCI6ICIyMDIwLTAxLTAxIn0sIDFd", "W3sidCI6IDF9LCAxXQ"])  # fmt: skip
def test_a_broken_token_begins_at_the_beginning(twelve, token):
    page = pager.page(db.select(Organisation), ORDER, after=token, size=5)
    assert [row.id for row in page.items] == list(twelve[:5])


def test_a_count_stops_at_its_cap(twelve):
    assert pager.capped_count(db.select(Organisation), cap=10) == (10, True)
    assert pager.capped_count(db.select(Organisation), cap=20) == (12, False)

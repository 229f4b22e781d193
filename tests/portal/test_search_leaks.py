"""Words that only some may read leak to nobody else: not in results, counts, filters, spellings, reasons or feeds."""

import pytest

from core.db import db
from helpdesk import tickets
from helpdesk.tickets import Words
from kb import articles
from kb.indexing import rebuild, search_index
from kb.pages import Details
from tests.conftest import member

# Each stands in one hidden place only, beside a word that is public.
STAFF_WORD, CHAMPION_WORD, NOTE_WORD, TICKET_WORD, DRAFT_WORD = (
    "quokkafish",
    "wombatbird",
    "numbatfox",
    "bilbyhare",
    "potoroo",
)
SECRETS = (STAFF_WORD, CHAMPION_WORD, NOTE_WORD, TICKET_WORD, DRAFT_WORD)


def asked(word: str) -> list[str]:
    """The word, its beginnings, misspellings, phrases and exclusions, alone and beside a public word."""
    return [
        word, word.upper(), word[:6], word[:-1], word[:3] + word[4:], word[1:], f"{word[:4]}x{word[5:]}", f'"{word}"',
        f"supplier {word}", f"supplier -{word}", f'"supplier {word}"', f"({word}*", f"{word}/supplier", f"{word}s",
    ]  # fmt: skip


@pytest.fixture
def world(app):
    with app.app_context():
        bruno, paula = member("bruno"), member("paula")
        for visibility, word in (("public", "supplier"), ("staff", STAFF_WORD), ("champions", CHAMPION_WORD)):
            articles.write(
                Details(title=f"On {word}", slug=visibility, visibility=visibility),
                f"The {word} of a supplier.",
                by=bruno,
            )
        articles.write(
            Details(title="Draft", slug="draft", visibility="public", state="draft"), f"The {DRAFT_WORD}.", by=bruno
        )
        ticket = tickets.ask(
            by=paula, title="Prefix", words=Words(f"Our {TICKET_WORD} supplier."), topic="ocid-prefix"
        )
        tickets.note(ticket, by=bruno, words=Words(f"A {NOTE_WORD} for us."))
        db.session.commit()
        rebuild(search_index())
        db.session.commit()


@pytest.mark.parametrize("who", ["stranger", "quentin", "paula"])
def test_what_one_may_not_see_changes_nothing_on_any_page(world, browser, browser_of, who):
    reader = browser if who == "stranger" else browser_of(who)
    hidden = [word for word in SECRETS if not (who == "paula" and word == TICKET_WORD)]
    for word in hidden:
        for text in asked(word):
            for headers in ({}, {"X-Fragment": "1"}):
                answer = reader.get("/search", query_string={"q": text}, headers=headers)
                assert answer.status_code == 200
                page = answer.text
                told = page.lower()
                assert not [secret for secret in hidden if secret in told and secret not in text.lower()], text
                assert "did you mean" not in told, text
                assert "/kb/en/staff" not in page, text
                assert "/kb/en/champions" not in page, text
    for address in ("/kb/", "/kb/feed.atom", "/sitemap.xml", "/api/v1/articles", "/api/v1/search?q=supplier"):
        page = reader.get(address).text.lower()
        assert not [secret for secret in hidden if secret in page], address


def test_whoever_may_see_them_finds_them(world, browser_of):
    """So that the test above looks for what is there."""
    bruno, amara = browser_of("bruno"), browser_of("amara")
    assert "/kb/en/staff" in bruno.get("/search", query_string={"q": STAFF_WORD}).text
    assert "Did you mean" in bruno.get("/search", query_string={"q": "quokkafsh"}).text
    assert "Prefix" in bruno.get("/search", query_string={"q": NOTE_WORD}).text
    assert "/kb/en/champions" in amara.get("/search", query_string={"q": CHAMPION_WORD}).text
    assert "/kb/en/staff" not in amara.get("/search", query_string={"q": STAFF_WORD}).text

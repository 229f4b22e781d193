"""What two people changed in the same text."""

import html
import re

from hypothesis import given
from hypothesis import strategies as some
from sqlalchemy import select

from core.db import db
from kb.merging import BOTH, MINE, THEIRS, merge
from kb.models import Article

BASE = "# Lots\n\nOne.\n\nTwo.\n\nThree.\n"
texts = some.lists(some.sampled_from(["a\n", "b\n", "c\n", "\n"]), max_size=9).map("".join)


def test_changes_in_different_places_are_both_taken():
    merged = merge(BASE, BASE.replace("One.", "One, by Carla."), BASE.replace("Three.", "Three, by Bruno."))
    assert merged.overlaps == []
    assert merged.took_over == 1
    assert merged.text() == "# Lots\n\nOne, by Carla.\n\nTwo.\n\nThree, by Bruno.\n"


def test_changes_of_lines_that_stand_next_to_each_other_are_both_taken():
    merged = merge("One.\nTwo.\n", "One.\nTwo, by Carla.\n", "One, by Bruno.\nTwo.\n")
    assert (merged.overlaps, merged.text()) == ([], "One, by Bruno.\nTwo, by Carla.\n")


def test_the_same_change_by_both_is_one_change():
    new = BASE.replace("Two.", "2.")
    merged = merge(BASE, new, new)
    assert (merged.overlaps, merged.text()) == ([], new)


def test_what_both_changed_is_for_a_choice_and_nothing_is_lost():
    merged = merge(BASE, BASE.replace("Two.", "Two for Carla."), BASE.replace("Two.", "Two for Bruno."))
    assert [(part.base, part.theirs, part.mine) for part in merged.overlaps] == [
        ("Two.\n", "Two for Carla.\n", "Two for Bruno.\n")
    ]
    assert merged.text() == BASE.replace("Two.", "Two for Bruno.")
    assert merged.text([MINE]) == merged.text()
    assert merged.text([THEIRS]) == BASE.replace("Two.", "Two for Carla.")
    assert merged.text([BOTH]) == BASE.replace("Two.", "Two for Carla.\nTwo for Bruno.")


def test_taking_away_what_the_other_one_changed_is_a_choice():
    (part,) = merge(BASE, BASE.replace("Two.", "Two, better."), BASE.replace("Two.\n\n", "")).overlaps
    assert "Two, better." in part.theirs
    assert "Two" not in part.mine


def test_two_things_put_in_at_the_same_place_are_a_choice():
    merged = merge("a\nb\n", "a\nx\nb\n", "a\ny\nb\n")
    assert [(part.theirs, part.mine) for part in merged.overlaps] == [("x\n", "y\n")]
    assert merged.text([BOTH]) == "a\nx\ny\nb\n"


def test_a_last_line_without_an_end_is_merged_with_what_follows_it():
    merged = merge("a\nb", "a\nb\nc", "A\nb")
    assert (merged.overlaps, merged.text()) == ([], "A\nb\nc\n")


@given(texts, texts, texts)
def test_every_line_that_somebody_wrote_is_in_a_merge_or_in_a_choice(base, theirs, mine):
    merged = merge(base, theirs, mine)
    assert "".join(part.base for part in merged.parts) == base
    assert "".join(part.theirs for part in merged.parts) == theirs
    assert "".join(part.mine for part in merged.parts) == mine
    assert merge(base, theirs, base).text() == theirs
    assert merge(base, base, mine).text() == mine


def _fields(page, **more):
    names = ("title", "version", "base", "tags", "merge_base", "merge_theirs", "taken")
    fields = {}
    for tag in re.findall(r"<input[^>]*>", page):
        name, value = re.search(r'name="([^"]*)"', tag), re.search(r'value="([^"]*)"', tag)
        if name and name[1] in names:
            fields[name[1]] = html.unescape(value[1]) if value else ""
    for name in ("body", "summary", "mine"):
        if area := re.search(rf'<textarea[^>]*name="{name}"[^>]*>\r?\n?(.*?)</textarea>', page, re.DOTALL):
            fields[name] = html.unescape(area[1]).replace("\n", "\r\n")
    return {**fields, "topic": "other", "visibility": "public", **more}


def test_the_page_of_a_conflict_puts_both_together_and_asks_where_they_meet(app, browser_of, article):
    article("Lots", BASE, topic="other")
    bruno, carla = browser_of("bruno"), browser_of("carla")
    page = "/kb/en/lots/edit"
    mine, hers = _fields(bruno.get(page).text), _fields(carla.get(page).text)
    body = BASE.replace("One.", "One for Carla.").replace("Three.", "Three by Carla.")
    assert carla.send(page, {**hers, "body": body, "title": "Lots, again", "tags": "new"}).status_code == 303
    answer = bruno.send(page, {**mine, "body": BASE.replace("One.", "One for Bruno."), "summary": "Mine."})
    assert answer.status_code == 409
    assert "One passage was changed by both of you" in answer.text
    assert "1 change of theirs is in the text below already" in answer.text
    assert "Tags: new" in answer.text, "what else was changed is told"
    assert "<ins> for Bruno</ins>" in answer.text, "each side is shown word by word"
    form = _fields(answer.text)
    assert (form["title"], form["summary"]) == ("Lots, again", "Mine."), "each keeps what they alone changed"
    assert form["body"].replace("\r\n", "\n") == BASE.replace("One.", "One for Bruno.").replace(
        "Three.", "Three by Carla."
    )
    # Typed on before the choice: that stays.
    typed = form["body"].replace("Two.", "Two, typed since.")
    answer = bruno.send(page, {**form, "body": typed, "do": "take", "take-1": "both"})
    assert answer.status_code == 200
    form = _fields(answer.text)
    assert form["taken"] == "both"
    answer = bruno.send(page, {**form, "do": "take", "take-1": "theirs"})
    form = _fields(answer.text)
    wanted = body.replace("Two.", "Two, typed since.")
    assert form["body"].replace("\r\n", "\n") == wanted
    assert bruno.send(page, form).status_code == 303
    with app.app_context():
        assert db.session.scalars(select(Article.body)).one() == wanted


def test_a_third_writer_is_a_conflict_again_and_bad_fields_are_harmless(app, browser_of, article):
    article("Lots", BASE, topic="other")
    bruno, carla = browser_of("bruno"), browser_of("carla")
    page = "/kb/en/lots/edit"
    mine = _fields(bruno.get(page).text)
    for text in ("One.", "Three."):
        hers = _fields(carla.get(page).text)
        body = hers["body"].replace(text, f"{text} (Carla)")
        assert carla.send(page, {**hers, "body": body}).status_code == 303
        answer = bruno.send(page, {**mine, "body": mine["body"].replace("Two.", "Two (Bruno).")})
        assert answer.status_code == 409
        mine = _fields(answer.text)
    assert mine["body"].replace("\r\n", "\n") == "# Lots\n\nOne. (Carla)\n\nTwo (Bruno).\n\nThree. (Carla)\n"
    for bad in (
        {"merge_base": "x"},
        {"merge_base": "9" * 30},
        {"merge_base": "1", "merge_theirs": "-1"},
        {"taken": "z"},
    ):
        assert bruno.send(page, {**mine, "do": "take", **bad}).status_code == 200
    assert bruno.send(page, mine).status_code == 303

"""What two people changed in the same text."""

from hypothesis import given
from hypothesis import strategies as some

from kb.merging import BOTH, MINE, THEIRS, merge

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

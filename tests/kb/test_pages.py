"""A file of Markdown and the article that it is, without any database."""

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from core.exceptions import Refused
from kb import diffs, front_matter, pages
from kb.diffs import compare, compare_words
from kb.pages import Details
from kb.slugs import is_slug, slugify, unique


@pytest.fixture(autouse=True)
def speaking(app_without_database):
    """Sentences need a language."""


@pytest.fixture
def app_without_database():
    from flask import Flask
    from flask_babel import Babel

    app = Flask(__name__)
    Babel(app)
    with app.app_context():
        yield


HEADED = """---
title: "Publish lots"
slug: lots   # a remark that nobody may lose
topic: frameworks-lots
language: en
tags: [lots, null, 1.10]
reviewed: 2024-01-31
---

Text.
"""


def test_a_file_with_a_head_is_read_as_it_says():
    page = pages.read("anything.md", HEADED)
    assert page.details == Details(
        title="Publish lots", slug="lots", topic="frameworks-lots", tags=("lots", "null", "1.10")
    )
    assert page.others == {"reviewed": "2024-01-31"}
    assert page.body == "\nText.\n"
    assert page.has_slug


def test_a_file_without_a_head_is_told_by_its_heading_and_its_place():
    text = "Intro\n\n```\n# not this\n```\n\n# Data *files* and [APIs](x.md) #\n\nText\n"
    page = pages.read("guidance/build/hosting.md", text)
    assert page.details == Details(title="Data files and APIs", slug="guidance-build-hosting", topic="guidance")
    assert not page.has_slug


@pytest.mark.parametrize(
    ("path", "slug", "language", "topic"),
    [
        ("index.md", "index", "en", "other"),
        ("guidance/index.md", "guidance", "en", "guidance"),
        ("es/lotes.md", "lotes", "es", "other"),
        ("es/guía/Año nuevo.md", "guia-ano-nuevo", "es", "guia"),
        ("docs/fr/Prix_et dates.md", "docs-prix-et-dates", "fr", "docs"),
        ("ar/مرحبا.md", "مرحبا", "ar", "other"),
    ],
)
def test_address_language_and_topic_come_from_the_place(path, slug, language, topic):
    details = pages.read(path, "# T\n").details
    assert (details.slug, details.language, details.topic) == (slug, language, topic)


def test_a_heading_may_be_underlined():
    assert pages.first_heading("Lots\n====\n\ntext") == "Lots"
    assert pages.first_heading("no heading\n\n---\n") == ""


def test_the_title_is_not_said_twice():
    assert pages.without_title("\n# Lots\n\ntext\n", "Lots") == "\ntext\n"
    assert pages.without_title("# Other\n\ntext\n", "Lots") == "# Other\n\ntext\n"
    assert pages.without_title("before\n\n# Lots\n", "Lots") == "before\n\n# Lots\n"


@pytest.mark.parametrize(
    ("head", "words"),
    [
        ("title: [", "not YAML"),
        ("- a\n- b", "not a list of names"),
        ("a: &x 1\nb: *x", "aliases"),
        ("visibility: friends", "“friends”"),
        ("state: secret", "“secret”"),
        ("slug: Not One", "slug"),
        ("language: klingon", "klingon"),
        ("title: {a: 1}", "must be a text"),
        ("x: " + "[" * 1500, "not YAML"),
        ("a: " + "x" * 70_000, "too long"),
    ],
)
def test_a_head_that_cannot_be_is_refused_with_a_sentence(head, words):
    with pytest.raises(Refused) as refusal:
        pages.read("a.md", f"---\n{head}\n---\ntext")
    assert words in str(refusal.value)


def test_a_file_is_written_as_it_was_read():
    page = pages.read("a.md", HEADED)
    assert pages.write("a.md", page.body, page.details, head=page.head, others=page.others) == HEADED


def test_a_changed_detail_is_written_and_nothing_else_is_lost():
    page = pages.read("a.md", HEADED)
    details = Details(**{**page.details.__dict__, "title": "Parts", "state": "draft"})
    text = pages.write("a.md", page.body, details, head=page.head, others=page.others)
    again = pages.read("a.md", text)
    assert (again.details, again.others, again.body) == (details, page.others, page.body)


def test_a_file_without_a_head_gets_one_when_it_must():
    page = pages.read("guidance/a.md", "# A\n")
    details = Details(**{**page.details.__dict__, "topic": "use"})
    again = pages.read("guidance/a.md", pages.write("guidance/a.md", page.body, details, head=""))
    assert again.details == details


any_text = st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"]), max_size=200)


@settings(max_examples=100, deadline=None)
@given(text=any_text)
@example("\ufeff---\r\ntitle: x\r\n---\r\nbody")
@example("---\n---\n")
@example("---\n...\n---\n")
@example("\ufeff# T\n")
@example("a\r\n\rb\x0b")
def test_whatever_can_be_read_comes_back_character_for_character(text):
    try:
        page = pages.read("folder/a.md", text)
    except Refused:
        return
    assert page.head + page.body == text
    assert pages.write("folder/a.md", page.body, page.details, head=page.head, others=page.others) == text


words = st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs", "Cc"]), max_size=40)


@settings(max_examples=100, deadline=None)
@given(title=words, summary=words, tags=st.lists(words, max_size=4), body=any_text)
@example(title="null", summary="---", tags=["yes", "no, really", "1"], body="---\na: 1\n---\n")
def test_an_article_written_here_comes_back_from_its_file_as_it_was(title, summary, tags, body):
    title = pages.one_line(title) or "T"
    details = Details(
        title=title, slug="s", summary=pages.one_line(summary), tags=pages.clean_tags(tags), visibility="champions"
    )
    again = pages.read("en/s.md", pages.write("en/s.md", body, details))
    assert (again.details, again.body) == (details, body)


def test_front_matter_dates_and_odd_values_stay_what_json_knows():
    fields = front_matter.split("---\nd: 2024-01-31\nf: .inf\nn: 1.5\nl: [1, {a: ~}]\n1: x\n---\n").fields
    assert fields == {"d": "2024-01-31", "f": "inf", "n": 1.5, "l": [1, {"a": None}], "1": "x"}


@settings(max_examples=100, deadline=None)
@given(text=st.text(max_size=300))
def test_every_slug_can_stand_in_an_address(text):
    slug = slugify(text)
    assert not slug or is_slug(slug)
    assert unique(slug, {slug}) != slug


def test_a_long_slug_ends_at_a_word():
    slug = slugify("word " * 60)
    assert len(slug) <= 120
    assert slug.endswith("word")


def test_a_difference_shows_the_words_that_changed():
    blocks = compare("one\ntwo three four five\nsix\n", "one\ntwo three 4 five\nsix\nseven\n")
    assert [block.kind for block in blocks] == ["same", "changed", "same", "added"]
    assert blocks[1].pieces == (
        ("same", "two three "),
        ("removed", "four"),
        ("added", "4"),
        ("same", " five"),
    )


def test_a_difference_folds_what_is_the_same():
    lines = [f"line {number}" for number in range(50)]
    blocks = compare("\n".join(lines), "\n".join([*lines[:25], "new", *lines[26:]]))
    assert [(block.kind, block.count) for block in blocks if block.kind == "skipped"] == [
        ("skipped", 23),
        ("skipped", 22),
    ]


def test_lines_that_have_nothing_in_common_stand_one_after_the_other():
    assert [block.kind for block in compare("alpha beta", "12 % of 34 €")] == ["removed", "added"]
    assert compare("same", "same") == []
    assert compare_words("", "new") == (("removed", ""), ("added", "new"))


def test_a_paragraph_that_was_moved_is_told_from_one_that_is_gone_and_another_that_is_new():
    first, second, third = (f"The {word} paragraph says something that is long enough to be told." for word in "abc")
    many = "\n\n".join(f"Line {number} stays where it is." for number in range(12))
    blocks = compare(f"{first}\n\n{second}\n\n{many}\n\n{third}", f"{second}\n\n{many}\n\n{third}\n\n{first}\n\nNew.")
    kinds = [(block.kind, block.pieces[0][1].strip()) for block in blocks if block.kind not in {"same", "skipped"}]
    assert kinds == [("left", first), ("moved", first), ("added", "New.")]
    # A few words that come again somewhere are chance.
    assert "moved" not in {block.kind for block in compare(f"Yes.\n\n{many}", f"{many}\n\nYes.")}
    # Nothing is lost: the blocks are still both texts.
    assert (
        "".join(text for block in blocks for kind, text in block.pieces if block.kind in {"left", "removed"}).strip()
        == first
    )


@settings(max_examples=100, deadline=None)
@given(old=st.text("ab \n", max_size=80), new=st.text("ab \n", max_size=80))
def test_a_difference_holds_the_whole_of_the_new_text_and_of_the_old(old, new):
    with pytest.MonkeyPatch.context() as changed:
        changed.setattr(diffs, "_LEAST_MOVED", 1)
        blocks = compare(old, new)
    if not blocks:
        assert old.splitlines() == new.splitlines()
        return

    def side(*wrong):
        lines = []
        for block in blocks:
            if block.kind == "skipped":
                lines += ["…"] * block.count
            elif any(kind not in wrong for kind, _ in block.pieces):
                lines += "".join(text for kind, text in block.pieces if kind not in wrong).split("\n")
        return lines

    for text, wrong in ((old, ("added", "moved")), (new, ("removed", "left"))):
        expected = text.splitlines()
        found = side(*wrong)
        assert len(found) == len(expected)
        assert all(line in {"…", other} for line, other in zip(found, expected, strict=True))

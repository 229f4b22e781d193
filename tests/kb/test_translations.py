"""Translations: which article is whose, whether they are out of date, the translator's page and files."""

import pytest
from babel.messages.pofile import read_po
from sqlalchemy import select

from core.db import db
from core.exceptions import Refused
from kb import articles, sections, translating, translation_files, translations
from kb.models import Article
from kb.pages import Details
from kb.translating import Words
from tests.conftest import member

SOURCE = """# Lots

What a lot is, see [the guide](https://example.org/guide).

## Build one

Take `tender/lots` and fill it.

- First step
- Second step

## Check it

| Field | Meaning |
| --- | --- |
| id | The name |
"""
SPANISH = """# Lotes

Qué es un lote, vea [la guía](https://example.org/guide).

## Construir uno

Tome `tender/lots` y llénelo.

- Primer paso
- Segundo paso

## Comprobar

| Campo | Significado |
| --- | --- |
| id | El nombre |
"""

# A heading of a translation can be reached by the anchor that it has in the source.
LABELLED = SPANISH.replace("## Con", "(build-one)=\n\n## Con").replace("## Com", "(check-it)=\n\n## Com")


def written(title, body, language="en", slug="lots", state="published", **more) -> Article:
    details = Details(title=title, slug=slug, language=language, state=state, **more)
    return articles.write(details, body, by=member("bruno"))


def edited(row, body, **more):
    return articles.edit(row, articles.details_of(row), body, by=member("bruno"), **more)


@pytest.fixture
def pair(context):
    return written("Lots", SOURCE), written("Lotes", SPANISH, "es")


def test_the_same_address_in_another_language_makes_a_translation_of_what_the_source_says_now(context):
    source = written("Lots", "One.")
    edited(source, "Two.")
    spanish, french = written("Lotes", "Dos.", "es"), written("Lots", "Deux.", "fr")
    assert [(row.source_id, row.source_revision_number) for row in (source, spanish, french)] == [
        (None, 0),
        (source.id, 2),
        (source.id, 2),
    ]


def test_in_a_folder_a_translation_may_come_before_its_english_source(context):
    details = Details(title="Lotes", slug="lots", language="es")
    spanish = articles.write(details, "Uno.", by=None, source=articles.Source("es/lots.md"))
    french = articles.write(
        Details(title="Lots", slug="lots", language="fr"), "Un.", by=None, source=articles.Source("fr/lots.md")
    )
    english = articles.write(
        Details(title="Lots", slug="lots"), "One.", by=None, source=articles.Source("lots.md")
    )  # fmt: skip
    assert (spanish.source_id, french.source_id, english.source_id) == (english.id, english.id, None)


def test_a_translation_is_out_of_date_from_the_first_change_of_its_source_until_somebody_says_so(pair):
    source, spanish = pair
    assert translations.behind(spanish) is None
    first = edited(source, SOURCE + "\nMore.\n")
    edited(source, SOURCE + "\nStill more.\n")
    behind = translations.behind(spanish)
    assert (behind.since, behind.changes) == (first.at, 2)
    translations.mark_current(spanish, 2)
    assert translations.behind(spanish).changes == 1
    translations.mark_current(spanish, 1)
    assert spanish.source_revision_number == 2, "never back"
    translations.mark_current(spanish)
    assert translations.behind(spanish) is None


def test_a_translation_stays_one_when_its_address_changes(pair):
    source, spanish = pair
    details = articles.details_of(spanish)
    articles.edit(spanish, Details(**{**vars(details), "slug": "lotes"}), SPANISH, by=None)
    assert spanish.source_id == source.id
    assert translations.find(source, "es") is spanish


def test_an_article_is_no_translation_into_its_own_language_and_there_is_one_for_each(pair):
    source, spanish = pair
    other = written("Other", "Text.", slug="other")
    with pytest.raises(Refused):
        translations.link(other, source, by=None)
    third = written("Otra", "Texto.", "es", slug="otra")
    with pytest.raises(Refused):
        translations.link(third, source, by=None)
    translations.link(spanish, None, by=None)
    translations.link(third, spanish and source, by=None)
    assert (spanish.source_id, third.source_id) == (None, source.id)


def test_sections_put_together_again_are_the_text_and_code_has_no_headings(context):
    text = "Before.\n\n# One\n\n```\n# not a heading\n```\n\n## Two\nText\n"
    assert sections.split(text) == ["Before.", "# One\n\n```\n# not a heading\n```", "## Two\nText"]
    assert sections.join(sections.split(SOURCE)) == SOURCE


def test_what_changed_in_the_source_stands_beside_its_translation(context):
    now = SOURCE.replace("fill it", "fill it in").replace("## Check it", "## New part\n\nNew.\n\n## Check it")
    rows = sections.beside(now, SOURCE, SPANISH)
    assert [(row.source.split("\n")[0], row.text.split("\n")[0], row.is_changed, row.is_new) for row in rows] == [
        ("# Lots", "# Lotes", False, False),
        ("## Build one", "## Construir uno", True, False),
        ("## New part", "", True, True),
        ("## Check it", "## Comprobar", False, False),
    ]
    gone = sections.beside("# Lots\n\nWhat a lot is.\n", SOURCE, SPANISH)
    assert [row.is_gone for row in gone] == [False, True, True], "what was translated is never dropped unasked"


def test_a_section_that_is_not_translated_keeps_the_words_of_the_source(context):
    rows = sections.beside(SOURCE, SOURCE, "")
    body = sections.filled(rows, ["# Lotes", "", "  "])
    assert body.startswith("# Lotes\n\n## Build one")
    again = sections.beside(SOURCE, SOURCE, body)
    assert [row.text for row in again] == ["# Lotes", "", ""]
    assert 0 < sections.share(SOURCE, body) < 0.2


def exported(source, translation, language="es"):
    return translation_files.write(source, translation, language)


def test_a_file_for_translators_goes_out_and_comes_back_the_same(pair):
    source, spanish = pair
    text = exported(source, spanish)
    catalogue = read_po(iter(text.encode().splitlines(keepends=True)))
    words = {str(message.id): str(message.string) for message in catalogue if message.id}
    assert words["First step"] == "Primer paso"
    assert words["Take `tender/lots` and fill it."] == "Tome `tender/lots` y llénelo."
    assert '"X-Source-Revision: 1\\n"' in text
    row, report = translation_files.read(text.encode(), source, spanish, "es", by=None)
    assert row.body == LABELLED
    assert (report.untranslated, report.unknown, report.not_ready) == (1, 0, []), "id stays id"
    assert exported(source, spanish).split("msgctxt")[1:] == text.split("msgctxt")[1:]


def test_a_file_makes_a_translation_that_there_was_not(context):
    source = written("Lots", SOURCE, summary="About lots.")
    text = exported(source, None, "fr").replace('msgid "First step"\nmsgstr ""', 'msgid "First step"\nmsgstr "Un pas"')
    row, report = translation_files.read(text.encode(), source, None, "fr", by=member("bruno"))
    assert "- Un pas\n- Second step" in row.body
    assert (row.language, row.state, row.source_id, row.source_revision_number) == ("fr", "draft", source.id, 1)
    assert (report.translated, report.untranslated) == (1, 12), report


def changed(text, source, translated, mark=""):
    """The file with another translation of one message."""
    before, _, rest = text.partition(f'msgid "{source}"\nmsgstr "')
    return f'{before}{mark}msgid "{source}"\nmsgstr "{translated}{rest[rest.index(chr(34)) :]}'


def test_what_a_tool_marks_as_fuzzy_is_kept_and_not_shown(pair):
    source, spanish = pair
    text = changed(exported(source, spanish), "First step", "Quizás", "#, fuzzy\n")
    row, report = translation_files.read(text.encode(), source, spanish, "es", by=None)
    assert "Primer paso" in row.body
    assert "Quizás" not in row.body
    assert [one[1] for one in report.not_ready] == ["First step"]
    assert '#, fuzzy\nmsgid "First step"\nmsgstr "Quizás"' in exported(source, spanish)
    done = exported(source, spanish).replace('#, fuzzy\nmsgid "First step"', 'msgid "First step"')
    assert "- Quizás" in translation_files.read(done.encode(), source, spanish, "es", by=None)[0].body
    assert "fuzzy" not in exported(source, spanish)


@pytest.mark.parametrize(
    ("source_text", "bad"),
    [
        ("Take `tender/lots` and fill it.", "Tome los lotes."),
        ("What a lot is, see [the guide](https://example.org/guide).", "Vea [la guía](https://evil.example/)."),
    ],
)
def test_a_message_that_lost_a_link_or_code_is_not_ready_and_says_so_with_its_line(pair, source_text, bad):
    source, spanish = pair
    _, report = translation_files.read(
        changed(exported(source, spanish), source_text, bad).encode(), source, spanish, "es", by=None
    )
    ((line, text, problem),) = report.not_ready
    assert line > 10
    assert text == source_text
    assert "missing" in problem
    assert spanish.body == LABELLED


@pytest.mark.parametrize(
    "content",
    [
        b"", b"\x89PNG\r\n\x1a\n\x00\x00", b'msgid "a', b'msgid ""\nmsgstr ""\n', b"not a catalogue at all",
        b'msgid "Nothing of this"\nmsgstr "Nada"\n', b'msgid ""\nmsgstr "Language: fr\\n"\n\nmsgid "First step"\nmsgstr "x"\n',
        b'msgid ""\nmsgstr ""\n"X-Source-Revision: 99\\n"\n\nmsgid "First step"\nmsgstr "x"\n', b"\xff\xfe" * 40,
        b'msgid "First step"\nmsgstr "\\x00"\n\x00', b"x" * (4 * 1024 * 1024 + 1),
    ],
)  # fmt: skip
def test_a_bad_file_is_refused_with_a_sentence_and_nothing_is_lost(pair, content):
    source, spanish = pair
    with pytest.raises(Refused) as error:
        translation_files.read(content, source, spanish, "es", by=None)
    assert len(str(error.value)) > 10
    assert (spanish.body, spanish.revision_number) == (SPANISH, 1)


def test_a_file_of_an_older_version_is_refused_and_one_of_the_newest_makes_it_current(pair):
    source, spanish = pair
    old = exported(source, spanish)
    edited(source, SOURCE.replace("Second step", "Another step"))
    newer = exported(source, spanish)
    assert 'msgid "Another step"\nmsgstr ""' in newer
    assert 'msgstr "Primer paso"' in newer, "what did not change is not lost"
    row, _report = translation_files.read(
        changed(newer, "Another step", "Otro paso").encode(), source, spanish, "es", by=None
    )
    assert "- Otro paso" in row.body
    assert translations.behind(spanish) is None
    with pytest.raises(Refused):
        translation_files.read(old.encode(), source, spanish, "es", by=None)


def test_a_translation_of_another_shape_is_not_overwritten_by_a_file_that_knows_less(context):
    source = written("Lots", SOURCE)
    spanish = written(
        "Lotes", "# Lotes\n\nUno.\n\nDos.\n\nTres, todo escrito de otra manera y mucho más largo.\n", "es"
    )
    text = changed(exported(source, spanish), "First step", "Primer paso")
    with pytest.raises(Refused):
        translation_files.read(text.encode(), source, spanish, "es", by=None)
    assert spanish.revision_number == 1


def test_a_translation_can_have_an_address_of_its_own(context):
    source = written("Lots", SOURCE)
    row = translating.save(
        source, None, "es", Words("Lotes", "", SPANISH, "lotes"), by=member("bruno"), number=source.revision_number
    )
    assert (row.slug, row.source_id, row.source_revision_number, row.state) == ("lotes", source.id, 1, "draft")
    assert db.session.scalars(select(Article.id).where(translations.same_in_other_words(source.id))).all() == [
        source.id,
        row.id,
    ]

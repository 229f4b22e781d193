"""Words, the language of the search box, and passages."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.passages import Wanted, mark, passage
from core.query_words import parse
from core.tsvector import lexeme, vector
from core.words import LANGUAGES, clean, fold, is_content, scan, stem


@pytest.mark.parametrize(
    ("language", "family"),
    [
        ("en", "contract contracts contracting contracted"),
        ("en", "amendment amendments"),
        ("es", "contratación contrataciones contratacion contrato contratos"),
        ("es", "metodología metodologías metodologia"),
        ("es", "país países pais paises"),
        ("es", "versión versiones version"),
        ("fr", "marché marchés marche"),
        ("fr", "publié publiée publiées publies publier"),
        ("fr", "public publics publique publiques"),
        ("fr", "donnée données donnees"),
        ("fr", "œuvre oeuvres"),
    ],
)
def test_a_family_of_words_has_one_stem_with_or_without_accents(language, family):
    assert len({stem(word, language) for word in family.split()}) == 1


@pytest.mark.parametrize("word", ["ocds-213czf", "213czf", "v1", "招标", "عقد"])
def test_codes_and_other_scripts_are_not_stemmed(word):
    assert {stem(word, language) for language in LANGUAGES} == {fold(word)}


@given(st.text(max_size=40))
def test_any_word_has_a_stem_in_any_language(word):
    for language in (*LANGUAGES, "xx"):
        assert isinstance(stem(word, language), str)


def cut(text: str) -> tuple[list[str], list[str]]:
    words, codes = scan(text)
    return [word.text for word in words], [code.text for code in codes]


@pytest.mark.parametrize(
    ("text", "words", "codes"),
    [
        ("tender/procurementMethod", "tender procurement method", "procurementmethod tender/procurementmethod"),
        ("ocds-213czf-000-00001", "ocds 213czf 000 00001", "ocds-213czf-000-00001"),
        ("releases_2021.jsonl", "releases 2021 jsonl", "releases_2021.jsonl"),
        ("e-procurement", "e procurement", "e-procurement eprocurement"),
        ("OCDSRelease", "ocds release", "ocdsrelease"),
        ("OCIDs APIs", "ocids apis", ""),
        ("d’offres l'appel", "d offres l appel", ""),
        ("end. Next", "end next", ""),
        ("(see) [this] *word*", "see this word", ""),
    ],
)
def test_a_text_is_cut_into_words_and_codes(text, words, codes):
    assert cut(text) == (words.split(), codes.split())


def test_words_know_where_they_stand():
    text = "Use tender/procurementMethod now"
    words, codes = scan(text)
    assert [text[word.start : word.end] for word in words] == ["Use", "tender", "procurement", "Method", "now"]
    assert [word.position for word in words] == [0, 1, 2, 3, 4]
    assert {text[code.start : code.end] for code in codes} == {"procurementMethod", "tender/procurementMethod"}


def test_cleaning_composes_and_drops_what_cannot_be_stored():
    assert clean("e\u0301 a\0b\x07 pub\u00adli\u200bc \ud800 x\ty\nz") == "é a b  public   x\ty\nz"


def said(text: str, **rest) -> list[str]:
    """The clauses of a query in short: minus, quotation marks and a star as they were understood."""
    out = []
    for clause in parse(text, **rest).clauses:
        quote = '"' * clause.quoted
        words = " ".join(word.text for word in clause.words)
        out.append("-" * clause.negative + quote + words + quote + "*" * clause.prefix)
    return out


@pytest.mark.parametrize(
    ("typed", "understood"),
    [
        ("open contracting", ["open", "contracting"]),
        ('"open contracting" data', ['"open contracting"', "data"]),
        ("“open contracting” «données ouvertes»", ['"open contracting"', '"données ouvertes"']),
        ("data -draft", ["data", "-draft"]),
        ('data -"first draft"', ["data", '-"first draft"']),
        ("well-known", ["well known"]),
        ("a - b", ["a", "b"]),
        ("data data DATA", ["data"]),
        ('open "contracting', ["open", "contracting"]),
        ('"data"', ["data"]),
        ("tender/value, award", ["tender value", "award"]),
        ("*data* (open) [x] {y} title:data^2~", ["data", "open", "x", "y", "title data", "2"]),
        ("", []),
        ("!!! ***", []),
    ],
)
def test_a_query_is_read_as_people_mean_it(typed, understood):
    assert said(typed) == understood


def test_only_a_last_word_without_a_space_after_it_is_a_beginning():
    assert said("open contr", prefix_last=True) == ["open", "contr*"]
    assert said("open contr ", prefix_last=True) == ["open", "contr"]
    assert said('"open contr"', prefix_last=True) == ['"open contr"']
    assert said("open -contr", prefix_last=True) == ["open", "-contr"]


def test_long_queries_are_cut_and_say_so():
    assert parse("word " * 99).refused
    assert len(parse("x" * 2001).text) == 2000
    many = parse(" ".join(f"w{n}" for n in range(40)))
    assert len(many.clauses) == 32
    assert "32" in many.refused
    assert parse(" ".join(f"w{n}" for n in range(32))).refused == ""


@given(st.text(max_size=700))
def test_reading_a_query_never_fails(typed):
    parsed = parse(typed, prefix_last=True)
    for clause in parsed.clauses:
        assert 0 <= clause.start < clause.end <= len(parsed.text)


HERON = Wanted({"en": frozenset({"heron", "lake"})}, frozenset({"tender/value"}))


def show(segments) -> str:
    return "".join(f"[{piece}]" if is_marked else piece for piece, is_marked in segments)


def test_words_are_marked_by_stem_and_codes_as_a_whole():
    assert show(mark("Herons at the Lakes, tender/value and lakeside", HERON)) == (
        "[Herons] at the [Lakes], [tender/value] and lakeside"
    )
    french = Wanted({"fr": frozenset({stem("œuvre", "fr"), stem("marchés", "fr")})})
    assert show(mark("Les Œuvres du marché, MARCHES", french)) == "Les [Œuvres] du [marché], [MARCHES]"


def test_words_inside_an_address_are_marked():
    text = "It is at https://standard.open-contracting.org/schema/1__1__5/release-schema.json. Read heron."
    wanted = Wanted({"en": frozenset({"heron"})}, frozenset({"release-schema.json"}))
    assert [part for part, found in mark(text, wanted) if found] == ["heron"]
    wanted = Wanted({"en": frozenset({"schema"})})
    assert [part for part, found in mark(text, wanted) if found] == ["schema", "schema"]


def test_the_best_passage_holds_most_different_words():
    text = "The heron. " + "Nothing here. " * 40 + "A heron on the lake! " + "Nothing there. " * 40
    segments, count = passage(text, HERON)
    assert count == 2
    assert "A [heron] on the [lake]!" in show(segments)
    assert show(segments).startswith("… ")
    assert show(segments).endswith(" …")
    assert 120 < len(show(segments)) < 260


def test_a_text_without_the_words_shows_its_beginning():
    segments, count = passage("Nothing here.\n\n" * 40, HERON)
    assert count == 0
    assert show(segments).startswith("Nothing here. Nothing here.")
    assert passage("", HERON) == ((), 0)


@given(st.text(max_size=300))
def test_marking_changes_no_letter(text):
    whole = "".join(piece for piece, _ in mark(text, HERON))
    assert whole.split() == text.split() or "".join(whole.split()) == "".join(text.split())


def test_lexemes_for_postgresql_can_hold_anything():
    assert lexeme("o'clock\\") == "'o''clock\\\\'"
    assert vector({"a'b": [(1, "A"), (20_000, "D")], "far": [(20_000, "D")]}) == "'a''b':1A 'far'"


@pytest.mark.parametrize(
    ("language", "forms"),
    [
        ("pt", ("contratação", "contratacao", "contratações", "CONTRATACOES")),
        ("pt", ("fornecedor", "fornecedores")),
        ("ru", ("поставщик", "поставщики", "поставщиков")),
        ("ru", ("тендерный", "тендерного", "Тендерной")),
    ],
)
def test_forms_of_a_word_have_one_stem_in_portuguese_and_russian(language, forms):
    assert len({stem(form, language) for form in forms}) == 1


def test_words_that_only_join_others_are_known_in_portuguese_and_russian():
    assert not is_content("não", "pt")
    assert not is_content("чтобы", "ru")
    assert is_content("закупка", "ru")

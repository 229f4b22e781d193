"""Pages that people mean: by their titles, by codes in parts, by either English spelling, at every letter typed."""

import pytest

from core.spellings import other_spelling
from kb.search import Query, synonyms
from tests.kb.search.library import LIBRARY, document, found, many, marked


def test_what_has_just_this_title_comes_first(index):
    wordy = document(21, "Milestones and payments", "Milestones. " * 9, summary="Milestones, milestones.", tags=("m",))
    index.rebuild([*LIBRARY, wordy, document(22, "Milestones", "See the reference."), document(23, "Milestone", "x")])
    assert found(index, "milestones")[0] == "article:22"
    assert found(index, "MILÉSTONES?")[0] == "article:22"
    assert found(index, "milestones and payments")[0] == "article:21"


def test_a_title_in_the_language_of_the_reader_comes_before_the_same_in_another(index):
    titles = [document(21, "Extensions", "Extensions."), document(22, "Extensions", "Extensions.", language="fr")]
    index.rebuild([*LIBRARY, *titles])
    assert found(index, "extensions", prefer_language="fr")[0] == "article:22"
    assert found(index, "extensions", prefer_language="en")[0] == "article:21"


def test_a_title_of_common_words_is_found(index):
    index.rebuild([
        *many(30, "Why the OCDS is used", "You use the OCDS. Use OCDS, use it."),
        document(21, "What is the OCDS and why use it?", "An introduction to open contracting."),
    ])  # fmt: skip
    assert found(index, "What is the OCDS and why use it?")[0] == "article:21"


def test_a_title_that_changed_is_forgotten(index):
    index.rebuild([*LIBRARY, document(21, "Quokkas", "Quokkas."), document(22, "Of quokkas", "Quokkas, quokkas.")])
    assert found(index, "quokkas")[0] == "article:21"
    index.apply([document(21, "Small animals", "Quokkas."), document(22, "Quokkas", "Quokkas.")], [])
    index.apply([document(23, "Something else", "Nothing.")], ["article:1"])
    assert found(index, "quokkas") == ["article:22", "article:21"]


def test_a_code_that_stands_nowhere_as_a_whole_is_found_by_all_of_its_words(index):
    index.rebuild([*LIBRARY, document(21, "Money", "The amount is the value of an award."), document(22, "An award")])
    results = index.search(Query(text="awards/value/amount", with_reasons=True))
    assert [hit.id for hit in results.hits] == ["article:21"]
    assert [reason.typed for reason in results.hits[0].reasons] == ["awards", "value", "amount"]
    assert marked(results.hits[0].snippet) == ["amount", "value", "award"]
    assert found(index, "awardValueAmount") == ["article:21"]


def test_what_holds_a_code_as_a_whole_comes_before_what_holds_its_words(index):
    index.rebuild([*LIBRARY, document(21, "An amendment", "The amendment, amendments of a tender. " * 5)])
    assert found(index, "tenderAmendment") == ["article:1", "article:21"]
    assert found(index, "tender -tenderAmendment") == ["article:21", "article:2"]


def test_words_of_a_code_that_many_documents_hold_as_a_whole_are_not_looked_for(index):
    index.rebuild([*many(6, "Fields", "Set planning/budget."), document(21, "Budgets", "A budget is planning.")])
    assert "article:21" not in found(index, "planning/budget")


def test_nothing_disappears_while_a_code_is_typed(index):
    files = many(6, "Files", "Look at release-schemes and release-schemata.")
    index.rebuild([*files, document(21, "The schema of a release", "Fields of a release.")])
    for length in range(len("release-s"), len("release-schema") + 1):
        assert "article:21" in found(index, "release-schema"[:length], prefix_last=True), length


def test_an_identifier_that_nobody_wrote_is_not_found_by_its_prefix(index):
    index.rebuild(LIBRARY)
    assert found(index, "ocds-213czf-000-99999") == []


def test_a_misspelled_word_in_a_path_is_corrected(index):
    index.rebuild(LIBRARY)
    assert index.search(Query(text="tender/procuremenMethod")).suggestion == "tender/procurementMethod"


@pytest.mark.parametrize(
    ("typed", "written"),
    [
        ("serialisation", "Serialization"),
        ("organizations", "Organisations"),
        ("electronic catalogues", "Electronic catalogs"),
        ("defense", "The defence"),
        ("behavior", "Behaviour"),
    ],
)
def test_english_is_found_in_either_spelling(index, typed, written):
    index.rebuild([*LIBRARY, document(21, "A title", f"{written} of data.")])
    hit = index.search(Query(text=typed, prefer_language="en")).hits[0]
    assert hit.id == "article:21"
    assert marked(hit.snippet)


def test_words_with_one_spelling_have_no_other():
    assert [
        word for word in ("size", "wise", "ocid", "licitación", "数据", "213ise", "") if other_spelling(word)
    ] == []


def test_a_word_with_a_hyphen_has_its_synonyms(index):
    synonyms.use(synonyms.shipped(), "shipped")
    index.rebuild([*LIBRARY, document(21, "Framework agreements", "Sign a framework agreement first.")])
    assert found(index, "accord-cadre", prefer_language="fr") == ["article:21"]
    assert found(index, "accord-cadre fournisseur", prefer_language="fr")[0] == "article:21"


def test_a_word_is_found_with_its_hyphen_and_without_it(index):
    index.rebuild([*LIBRARY, document(21, "Pre-calificación y pre-selección", "De proveedores.", language="es")])
    for typed in ("precalificación", "PRECALIFICACION", "pre-calificacion", "preselección"):
        assert found(index, typed)[:1] == ["article:21"], typed


def test_identifiers_in_capitals_are_not_corrected(index):
    index.rebuild([*LIBRARY, document(21, "Colours", "The gris, XI.")])
    assert index.search(Query(text="XI-GRID")).suggestion == ""
    assert index.search(Query(text="tender/procuremenMethod")).suggestion == "tender/procurementMethod"


@pytest.mark.parametrize("title", ["Lots and prizes", "Buyers: when and for whom"])
def test_nothing_disappears_while_a_function_word_is_typed(index, title):
    others = [document(30 + n, f"Whereas {n}", "Android for anders, whose whales withdraw them.") for n in range(6)]
    index.rebuild([*LIBRARY, *others, document(21, title, "A text.")])
    for length in range(7, len(title) + 1):
        assert "article:21" in found(index, title[:length], prefix_last=True), title[:length]

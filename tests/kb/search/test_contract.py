"""What any search index does."""

import threading
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from kb.search import IndexUnavailable, Query
from tests.kb.search.library import (
    AMENDMENTS,
    ANSWER,
    EVERYBODY,
    FRENCH,
    LIBRARY,
    METHODS,
    SPANISH,
    STAFF_SEE,
    document,
    found,
    many,
    marked,
    plain,
)


@pytest.fixture
def library(index):
    index.rebuild(LIBRARY)
    return index


def test_an_index_that_was_never_built_is_unavailable(index):
    assert not index.health().ok
    with pytest.raises(IndexUnavailable):
        index.search(Query(text="contract"))
    with pytest.raises(IndexUnavailable):
        index.suggest("contract", visibilities=EVERYBODY)
    with pytest.raises(IndexUnavailable):
        index.apply([AMENDMENTS], [])


def test_a_rebuilt_index_says_how_many_documents_it_holds(index):
    assert index.rebuild(LIBRARY) == len(LIBRARY)
    health = index.health()
    assert health.ok
    assert health.documents == len(LIBRARY)


def test_an_empty_index_answers_with_nothing(index):
    assert index.rebuild([]) == 0
    results = index.search(Query(text="contract"))
    assert (results.hits, results.total, results.suggestion) == ((), 0, "")
    assert index.suggest("contract", visibilities=EVERYBODY) == []


def test_a_hit_carries_what_a_page_shows(library):
    (hit,) = library.search(Query(text="amendments")).hits
    assert (hit.id, hit.kind, hit.title, hit.url) == ("article:1", "article", AMENDMENTS.title, "/kb/1")
    assert (hit.language, hit.topic, hit.country, hit.updated) == ("en", "schema", "", AMENDMENTS.updated)
    assert hit.score > 0
    assert marked(hit.title_marked) == ["amendments"]
    assert plain(hit.title_marked) == AMENDMENTS.title
    assert "amendments" in marked(hit.snippet)


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ("contracts", AMENDMENTS),
        ("publishing amendment", AMENDMENTS),
        ("CODES", METHODS),
        ("contratacion", SPANISH),
        ("contrataciones", SPANISH),
        ("licitaciones publicas", SPANISH),
        ("pais", SPANISH),
        ("auditoria", SPANISH),
        ("marche", FRENCH),
        ("donnée publiée", FRENCH),
        ("donnees", FRENCH),
        ("oeuvres", FRENCH),
        ("appels d'offres", FRENCH),
        ("acheteurs", FRENCH),
    ],
)
def test_words_match_by_stem_without_accents_in_three_languages(library, typed, expected):
    assert found(library, typed)[0] == expected.id


@pytest.mark.parametrize(
    "typed",
    [
        "tender/procurementMethod",
        "procurementMethod",
        "procurementmethod",
        "procurement method",
        '"procurement method"',
        "ocds-213czf-000-00001",
        "OCDS-213CZF-000-00001",
        "ocds-213czf",
        "213czf",
        "releases_2021.jsonl",
        "releases_2021",
        "jsonl",
        "e-procurement",
        "eprocurement",
    ],
)
def test_paths_codes_files_and_ocids_are_found_whole_and_in_parts(library, typed):
    assert found(library, typed) == [METHODS.id]


def test_a_code_in_camel_case_is_found_by_its_parts(library):
    assert found(library, "tenderAmendment")[0] == AMENDMENTS.id
    assert found(library, "tender amendment")[0] == AMENDMENTS.id


def test_a_phrase_is_found_only_in_its_order(library):
    assert found(library, '"open selective"') == [METHODS.id]
    assert found(library, '"selective open"') == []
    assert found(library, "selective open") == [METHODS.id]


def test_a_phrase_goes_across_function_words_but_not_across_fields(library):
    assert found(library, '"date of signature"') == [AMENDMENTS.id]
    assert found(library, '"codes field"') == []


def test_a_minus_leaves_documents_out(library):
    assert found(library, "signature") == [AMENDMENTS.id, ANSWER.id] or found(library, "signature") == [
        ANSWER.id,
        AMENDMENTS.id,
    ]
    assert found(library, "signature -award") == [AMENDMENTS.id]
    assert found(library, 'signature -"award date"') == [AMENDMENTS.id]
    assert found(library, "-award") == []


def test_documents_with_all_words_come_before_those_with_some(library):
    ids = found(library, "award signature")
    assert ids[0] == ANSWER.id
    assert set(ids) == {ANSWER.id, AMENDMENTS.id}


def test_when_enough_documents_hold_all_words_those_with_some_are_left_out(index):
    index.rebuild([*many(6, "Red bicycle", "Two wheels."), document(1, "Red car"), document(2, "Green bicycle")])
    assert index.search(Query(text="red bicycle")).total == 6


def test_scores_never_rise_along_the_results(library):
    for typed in ("award signature date", "publish", "tender contract"):
        scores = [hit.score for hit in library.search(Query(text=typed, visibilities=STAFF_SEE)).hits]
        assert scores == sorted(scores, reverse=True)


@pytest.mark.parametrize(
    ("better", "worse"),
    [
        ({"title": "About kestrels"}, {"headings": ("About kestrels",)}),
        ({"headings": ("About kestrels",)}, {"text": "About kestrels"}),
        ({"tags": ("kestrels",)}, {"text": "About kestrels"}),
        ({"summary": "About kestrels"}, {"text": "About kestrels"}),
        ({"text": "Kestrels and more kestrels, all about kestrels."}, {"text": "About kestrels and other birds."}),
        ({"title": "Kestrels", "boost": 1.5}, {"title": "Kestrels"}),
    ],
)
def test_where_a_word_stands_says_how_much_it_counts(index, better, worse):
    base = {"title": "Birds of prey", "text": "They fly over fields."}
    first = replace(document(1, ""), **{**base, **worse})
    second = replace(document(2, ""), **{**base, **better, "id": "article:2"})
    index.rebuild([first, second])
    assert found(index, "kestrel") == ["article:2", "article:1"]


def test_documents_in_the_language_of_the_person_come_first(index):
    words = "OCDS portal Mercurio"
    index.rebuild(
        [document(1, words, language="en"), document(2, words, language="es"), document(3, words, language="fr")]
    )
    for language, number in (("en", 1), ("es", 2), ("fr", 3)):
        ids = found(index, "mercurio", prefer_language=language)
        assert ids[0] == f"article:{number}"
        assert len(ids) == 3


def test_a_person_finds_cognates_in_other_languages(library):
    assert SPANISH.id not in found(library, "publication", languages=("es",))
    assert found(library, "publication", languages=("es",), prefer_language="en") == [SPANISH.id]


def test_filters_keep_kind_topic_country_and_language(library):
    assert found(library, "signature", kinds=("answer",)) == [ANSWER.id]
    assert found(library, "signature", kinds=("article",)) == [AMENDMENTS.id]
    assert found(library, "publish", topics=("schema",), countries=("GH",)) == [ANSWER.id, METHODS.id]
    assert found(library, "contratos", languages=("es",)) == [SPANISH.id]
    assert found(library, "contratos", languages=("fr",)) == []


def test_facets_count_as_if_their_own_filter_were_not_set(library):
    free = library.search(Query(text="signature"))
    assert free.facets["kind"] == {"article": 1, "answer": 1}
    assert free.facets["topic"] == {"schema": 2}
    assert free.facets["language"] == {"en": 2}
    kept = library.search(Query(text="signature", kinds=("answer",)))
    assert kept.total == 1
    assert kept.facets["kind"] == {"article": 1, "answer": 1}
    assert kept.facets["topic"] == {"schema": 1}


def test_pages_follow_each_other_without_gaps(index):
    index.rebuild([document(n, f"Heron {n}", "heron " * (n % 7)) for n in range(1, 40)])
    all_ids = found(index, "heron", limit=100)
    assert len(all_ids) == 39
    assert [*found(index, "heron", limit=15), *found(index, "heron", limit=30, offset=15)] == all_ids
    assert found(index, "heron", limit=10, offset=100) == []


def test_totals_stop_at_a_thousand(index):
    index.rebuild(many(1003, "Sparrow", ""))
    results = index.search(Query(text="sparrow", offset=990, limit=50))
    assert (results.total, results.is_capped) == (1000, True)
    assert len(results.hits) == 10
    assert results.facets["kind"] == {"article": 1003}


def test_the_last_word_may_be_a_beginning(library):
    assert found(library, "amendm") == []
    assert found(library, "amendm", prefix_last=True) == [AMENDMENTS.id]
    assert found(library, "contrataci", prefix_last=True) == [SPANISH.id]
    assert found(library, "tender/procurementMe", prefix_last=True) == [METHODS.id]
    assert found(library, "award sig", prefix_last=True)[0] == ANSWER.id
    assert found(library, "amendm ", prefix_last=True) == []


# Each says what the other is called, so that the words alone do not decide.
PREFIX_EN = document(
    71, "Get an OCID prefix", "Ask for a prefix before you publish open data. Spanish speakers obtain a prefijo OCID.",
    language="en", tags=("prefijo", "obtener"),
)  # fmt: skip
PREFIX_ES = document(
    72, "Obtener un prefijo OCID", "Pida un prefijo antes de publicar sus datos abiertos. En inglés se dice OCID prefix.",
    language="es", tags=("prefix", "publish", "before", "open"),
)  # fmt: skip
OTHERS = [
    document(
        80 + n, f"Open data number {n}", "Publish the contracts of the ministry before the year ends.", language="en"
    )
    for n in range(8)
]


@pytest.mark.parametrize(
    ("typed", "pages", "first"),
    [
        ("¿cómo obtener un prefijo?", "en", PREFIX_ES),
        ("OCID prefix", "en", PREFIX_EN),
        ("OCID", "en", PREFIX_EN),
        ("OCID", "es", PREFIX_ES),
        ("ask for a prefix before we publish open data", "es", PREFIX_EN),
        ("prefijo OCID", "", PREFIX_ES),
        ("prefijo OCID", "fr", PREFIX_ES),
    ],
)
def test_documents_come_first_in_the_language_that_the_search_is_asked_in(index, typed, pages, first):
    index.rebuild([PREFIX_EN, PREFIX_ES, *OTHERS])
    assert found(index, typed, prefer_language=pages)[0] == first.id
    suggested = [hit.id for hit in index.suggest(f"{typed} ", visibilities=("public",), prefer_language=pages)]
    assert suggested[0] == first.id


@pytest.mark.parametrize(
    ("typed", "first"), [("préfixe", "fr"), ("prefixe", "en"), ("prefix", "en"), ("préfixe OCID", "fr")]
)
def test_accents_tell_that_a_word_is_not_english_whatever_its_stem(index, typed, first):
    index.rebuild([
        document(n, f"{word} OCID {n}", word, language=language)
        for n, (word, language) in enumerate([*[("Prefix", "en")] * 3, ("Préfixe", "fr"), ("Prefijo", "es")])
    ])  # fmt: skip
    hits = index.search(Query(text=typed, prefer_language="en")).hits
    assert hits[0].language == first


@pytest.mark.parametrize("words", [20, 500])
def test_however_many_words_begin_alike_the_beginning_finds_its_own(index, words):
    index.rebuild([document(n, f"kestrel{n:03}", "hen") for n in range(words)])
    assert sorted(found(index, "kestrel01", prefix_last=True)) == [f"article:{n}" for n in range(10, 20)]
    assert found(index, "kestrel019", prefix_last=True) == ["article:19"]
    assert found(index, "kestrelx", prefix_last=True) == []
    assert found(index, "kes", prefix_last=True, limit=50)


@pytest.mark.parametrize(
    ("typed", "better"),
    [
        ("procuremnt", "procurement"),
        ("amendemnts", "amendments"),
        ("contratacoin", "contratación"),
        ("selctive open", "selective open"),
        ("-award amendemnts", "-award amendments"),
        ("ocds-213czg", ""),
        ("amendments", ""),
        ("qqqqqqqqq", ""),
        ("awrd zzzzzzz", "award zzzzzzz"),
    ],
)
def test_an_unknown_word_is_spelled_like_a_near_one(library, typed, better):
    assert library.search(Query(text=typed)).suggestion == better


def test_only_function_words_are_politely_refused(library):
    results = library.search(Query(text="how is the"))
    assert results.total == 0
    assert "too common" in results.refused


def test_function_words_of_one_language_do_not_hide_documents(library):
    assert found(library, "how to publish the amendments of a contract")[0] == AMENDMENTS.id
    assert found(library, "como publicar los datos de la contratación")[0] == SPANISH.id


def test_a_question_being_typed_gets_suggestions_by_title_first(library):
    hits = library.suggest(
        "Hello, we do not know how to publish an amendment of our contract, can you help?", visibilities=EVERYBODY
    )
    assert hits[0].id == AMENDMENTS.id
    assert library.suggest("What is the date of an award", visibilities=EVERYBODY)[0].id == ANSWER.id
    assert library.suggest("procurem", visibilities=EVERYBODY)[0].id == METHODS.id
    assert library.suggest("", visibilities=EVERYBODY) == []
    assert library.suggest("how is the", visibilities=EVERYBODY) == []


def test_suggestions_do_not_show_documents_that_share_one_stray_word(library):
    text = "Our scanner in the basement prints blurred maps of rivers, lakes, mountains and one signature"
    assert library.suggest(text, visibilities=EVERYBODY) == []


def test_snippets_show_the_passage_that_holds_the_words(index):
    filler = "Nothing of interest stands here, only words. " * 40
    index.rebuild([document(1, "Long", f"{filler}The ostrich laid an egg near the river. {filler}")])
    (hit,) = index.search(Query(text="ostriches egg")).hits
    assert marked(hit.snippet) == ["ostrich", "egg"]
    assert len(plain(hit.snippet)) < 260
    assert plain(hit.snippet).startswith("… ")


def test_snippets_hold_text_as_it_is(index):
    index.rebuild([document(1, "<b>Kiwi</b>", 'Say <script>alert("kiwi")</script> & more')])
    (hit,) = index.search(Query(text="kiwi")).hits
    assert plain(hit.title_marked) == "<b>Kiwi</b>"
    assert plain(hit.snippet) == 'Say <script>alert("kiwi")</script> & more'


def test_a_change_is_found_at_once_and_the_old_text_is_not(library):
    library.apply([replace(AMENDMENTS, title="About walruses", text="Tusks.", tags=())], [METHODS.id])
    assert found(library, "amendments") == []
    assert found(library, "walrus") == [AMENDMENTS.id]
    assert found(library, "procurementMethod") == []
    assert library.search(Query(text="procuremnt")).suggestion == ""
    assert library.health().documents == len(LIBRARY) - 1


def test_what_is_deleted_from_a_large_index_that_is_being_read_is_gone(index):
    index.rebuild(many(60, "Red bicycle", "Two wheels."))
    assert index.search(Query(text="bicycle")).total == 60
    index.apply([], ["article:1003"])
    results = index.search(Query(text="bicycle", limit=100))
    assert results.total == 59
    assert "article:1003" not in [hit.id for hit in results.hits]
    assert results.facets["kind"] == {"article": 59}


def test_an_apply_of_nothing_and_a_delete_of_nothing_are_fine(library):
    library.apply([], [])
    library.apply([], ["article:999"])
    assert library.health().documents == len(LIBRARY)


def test_what_is_put_and_deleted_at_once_is_there(library):
    library.apply([AMENDMENTS], [AMENDMENTS.id])
    assert found(library, "amendments") == [AMENDMENTS.id]


def test_many_small_changes_give_the_same_index_as_one_rebuild(index, request):
    index.rebuild([])
    documents = [
        document(n, f"Note {n} on subject{n % 5}", f"word{n} shared text {'heron ' * (n % 4)}") for n in range(30)
    ]
    for n, one in enumerate(documents):
        index.apply([one], [])
        if n % 3 == 0:
            index.apply([replace(one, title=f"Changed {n} on subject{n % 5}")], [])
        if n % 4 == 0:
            index.apply([], [one.id])
    kept = [
        replace(one, title=f"Changed {n} on subject{n % 5}") if n % 3 == 0 else one
        for n, one in enumerate(documents)
        if n % 4
    ]
    queries = ["subject3", "heron", "changed", "shared text", "word7", '"shared text"', "note -heron", "herom"]
    after_changes = [index.search(Query(text=typed, limit=50)) for typed in queries]
    index.rebuild(kept)
    for before, typed in zip(after_changes, queries, strict=True):
        anew = index.search(Query(text=typed, limit=50))
        assert {hit.id: hit.score for hit in before.hits} == pytest.approx({hit.id: hit.score for hit in anew.hits})
        assert (before.total, before.facets, before.suggestion) == (anew.total, anew.facets, anew.suggestion)


def test_a_document_that_comes_twice_in_a_rebuild_counts_once(index):
    assert index.rebuild([AMENDMENTS, METHODS, AMENDMENTS]) == 2
    assert found(index, "amendments") == [AMENDMENTS.id]


def test_a_rebuild_that_fails_leaves_the_old_index(library):
    def broken():
        yield document(50, "Penguin")
        raise RuntimeError("the database went away")

    with pytest.raises(RuntimeError):
        library.rebuild(broken())
    assert found(library, "amendments") == [AMENDMENTS.id]
    assert found(library, "penguin") == []
    library.apply([document(50, "Penguin")], [])
    assert found(library, "penguin") == ["article:50"]


def test_the_version_changes_with_every_write(library):
    versions = [library.health().version]
    library.apply([document(60, "Owl")], [])
    versions.append(library.health().version)
    library.rebuild(LIBRARY)
    versions.append(library.health().version)
    assert len(set(versions)) == 3


def test_searches_are_answered_while_the_index_is_rebuilt_and_changed(library):
    problems: list[Exception] = []
    stop = threading.Event()

    def ask() -> None:
        try:
            while not stop.is_set():
                assert AMENDMENTS.id in found(library, "amendments")
                assert library.suggest("publish amendments", visibilities=EVERYBODY)
        except Exception as problem:  # Whatever it is, the test tells it.
            problems.append(problem)

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for n in range(6):
        library.rebuild([*LIBRARY, *many(20, "Filler", "amendments " * 5)])
        library.apply([document(70 + n, "Another")], [])
    stop.set()
    for thread in threads:
        thread.join()
    assert problems == []


def test_very_old_and_far_times_come_back_as_they_were(index):
    moment = datetime(2031, 12, 31, 23, 59, 59, 123456, tzinfo=UTC)
    index.rebuild([document(1, "Swan", updated=moment)])
    (hit,) = index.search(Query(text="swan")).hits
    assert abs((hit.updated - moment).total_seconds()) < 0.001


def test_a_document_with_any_text_can_be_indexed(index):
    odd = "\x00\x01 lone \ud800 surrogate \ufffe \U0010ffff zero\u200bwidth " + "x" * 5000 + " '\\:& | ! <-> "
    index.rebuild([document(1, f"Odd {odd}", odd, tags=(odd,), summary=odd), document(2, "", "")])
    assert found(index, "surrogate zerowidth") == ["article:1"]
    assert index.suggest("surrogate", visibilities=EVERYBODY)


def test_a_very_long_document_can_be_indexed(index):
    text = " ".join(f"unique{n}" for n in range(20_000))
    index.rebuild([document(1, "Phone book", text)])
    assert found(index, "unique17") == ["article:1"]

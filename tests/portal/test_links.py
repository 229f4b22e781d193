"""Finding what to link to."""

import re

import pytest

from kb import ocds_fields
from tests.kb.conftest import article  # noqa: F401 # A fixture.


def found(page: str) -> list[str]:
    return re.findall(r'data-markdown="([^"]*)"', page)


@pytest.mark.parametrize("text", ["tender/procurementMethod", "tender.procurementMethod", "procurementMethod"])
def test_a_field_of_the_standard_is_found_by_its_path_or_name(text):
    field = ocds_fields.find(text)[0]
    assert field.path == "tender/procurementMethod"
    assert field.url.endswith("#release-schema.json,/definitions/Tender,procurementMethod")


def test_fields_are_found_by_words_and_nonsense_finds_none():
    assert "awards/suppliers/name" in [field.path for field in ocds_fields.find("suppliers name")]
    assert ocds_fields.find("xyzzy") == []
    assert ocds_fields.find("[" * 10_000) == []
    assert len(ocds_fields.everything()) == len({field.path for field in ocds_fields.everything()}) > 300


def test_articles_and_fields_are_given_as_markdown(browser_of, article):  # noqa: F811
    article("Publish [all] lots", "Text on lots.", slug="lots")
    bruno = browser_of("bruno")
    assert "[Publish \\[all\\] lots](/kb/en/lots)" in found(bruno.get("/kb/links?q=lots").text)
    first = found(bruno.get("/kb/links?q=tender/value").text)[0]
    assert first.startswith("[`tender/value`](https://standard.open-contracting.org/1.1/")


def test_only_who_writes_articles_finds_links_here(browser, browser_of):
    assert browser.get("/kb/links?q=lots").status_code in {302, 303, 401, 403}
    assert browser_of("amara").get("/kb/links?q=lots").status_code == 403

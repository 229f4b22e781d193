"""New articles begin with the headings of their kind."""

from kb import kinds


def test_a_new_article_begins_as_its_kind_does(browser_of):
    staff = browser_of("bruno")
    page = staff.get("/kb/new").text
    assert "/kb/new?" in page
    assert "## Steps" not in page
    page = staff.get("/kb/new?kind=how-to&language=es&title=Lotes&topic=use").text
    assert "## Steps" in page
    assert "Lotes" in page
    assert "kind=troubleshooting" in page
    assert "## " not in staff.get("/kb/new?kind=%3Cx%3E").text.split('name="body"')[1].split("</textarea>")[0]


def test_every_kind_has_a_beginning_with_headings_or_a_table(context):
    for code, name in kinds.kinds():
        assert name
        assert kinds.beginning(code).count("## ") >= 2, code
    assert kinds.beginning("poem") == ""

"""Documentation of other tools comes in: what it brings in, its order, its translations; and folders that mean harm."""

import os
import time

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import undefer

from core.db import db
from core.inclusions import MISSING, File, expand
from kb import exporting, importing
from kb.collection_models import Collection
from kb.folders import Folder
from kb.import_plan import Plan
from kb.importing import import_folder
from kb.models import Article, ArticleFile
from kb.navigation import sections
from tests.kb.test_articles import PNG
from tests.kb.test_importing import fill, outcomes, tree

CATALOGUE = """msgid ""
msgstr ""
"Content-Type: text/plain; charset=UTF-8\\n"

msgid "Lots and items"
msgstr "Lotes y artículos"

msgid "A **lot** has an `id` and a title, as [the map](map.md) says."
msgstr "Un **lote** tiene un `id` y un título, como dice [el mapa](map.md)."

msgid "First step"
msgstr "Primer paso"

msgid "Mind the date"
msgstr "Cuidado con la fecha"

msgid "code"
msgstr "código"

#, fuzzy
msgid "not ready"
msgstr "MAL"
"""

SPHINX = {
    "guide/lots.md": "# Lots and items\n\nA **lot** has an `id` and\na title, as [the map](map.md) says.\n\n"
    "(step-label)=\n\n## First step\n\n- not ready\n\n```{admonition} Mind the date\nnot ready\n```\n\n"
    "| code | x |\n| --- | --- |\n| `a` | b |\n\n[down](#first-step) ![lot](../img/lot.png)\n",
    "guide/map.md": "# The map\n\nSee {ref}`step-label`, {ref}`this one <step-label>`, [](lots.md) and [](#step-label).\n\n"
    "```{jsoninclude} ../data/a.json\n:jsonpointer: /tender/items/0\n:title: An item\n```\n\n"
    "```{csv-table}\n:header-rows: 1\n:file: ../data/codes.csv\n```\n\n```{literalinclude} ../data/x.py\n:lines: 2-3\n```\n\n"
    "```{include} ../_snippets/hello.md\n```\n\n```{jsonschema} gone.json\n:pointer: /x\n```\n\n{{ prefix }}\n",
    "index.md": "# Top\n\n```{toctree}\n:hidden:\n\nguide/map\nLots <guide/lots>\n```\n",
    "_snippets/hello.md": "Hello from **elsewhere**.\n",
    "data/a.json": '{"tender": {"items": [{"id": "item-one"}, {"id": "item-two"}]}}',
    "data/codes.csv": 'Code,Title\nopen,"Open | to ""all"""\n',
    "data/x.py": "one = 1\ntwo = 2\nthree = 3\nfour = 4\n",
    "img/lot.png": PNG,
    "locale/es/LC_MESSAGES/guide/lots.po": CATALOGUE,
}


def at(path) -> Article:
    db.session.expire_all()
    options = [undefer(column) for column in (Article.body_html, Article.body_text, Article.body, Article.links)]
    return db.session.scalars(select(Article).where(Article.source_path == path).options(*options)).one()


def test_what_a_page_brings_in_is_on_it(context, tmp_path):
    report = import_folder(fill(tmp_path / "in", SPHINX), by=None)
    assert not report.failed
    page = at("guide/map.md")
    assert "item-one" in page.body_text
    assert "item-two" not in page.body_text
    assert "An item (a.json)" in page.body_text
    assert "<td>Open | to “all”</td>".replace("“", '"').replace("”", '"') in page.body_html
    assert "three = 3" in page.body_text
    assert "four" not in page.body_text
    assert "Hello from <strong>elsewhere</strong>." in page.body_html
    assert '<a href="/kb/en/guide-lots#h-step-label" rel="noopener noreferrer">First step</a>' in page.body_html
    assert '<a href="/kb/en/guide-lots#h-step-label" rel="noopener noreferrer">this one</a>' in page.body_html
    assert '<a href="/kb/en/guide-lots" rel="noopener noreferrer">Lots and items</a>' in page.body_html
    line = next(line for line in report.lines if line.path == "guide/map.md")
    assert "jsonschema (22)" in line.sentence
    paths = set(db.session.scalars(select(ArticleFile.path).where(ArticleFile.visibility == "public")))
    assert paths >= {"data/a.json", "data/codes.csv", "data/x.py", "img/lot.png"}


def test_what_is_brought_in_changes_with_its_file_and_is_still_there_after_an_edit(context, tmp_path):
    from kb import articles

    folder = fill(tmp_path / "in", SPHINX)
    import_folder(folder, by=None)
    db.session.commit()
    (folder / "data/a.json").write_text('{"tender": {"items": [{"id": "item-new"}]}}')
    (folder / "_snippets/hello.md").write_text("Good bye.\n")
    report = import_folder(folder, by=None)
    assert outcomes(report)["guide/map.md"] == "changed"
    page = at("guide/map.md")
    assert "item-new" in page.body_text
    assert "Good bye." in page.body_text
    assert page.revision_number == 1
    articles.edit(page, articles.details_of(page), page.body + "\nMore.\n", by=None)
    assert "item-new" in at("guide/map.md").body_text
    assert "Good bye." in at("guide/map.md").body_text


def test_a_catalogue_becomes_a_translation(context, tmp_path):
    folder = fill(tmp_path / "in", SPHINX)
    import_folder(folder, by=None)
    row = at("es/guide/lots.md")
    assert (row.language, row.slug, row.title, row.topic) == ("es", "guide-lots", "Lotes y artículos", "guide")
    assert row.source_id == at("guide/lots.md").id
    assert "Un <strong>lote</strong> tiene un" in row.body_html
    assert 'href="/kb/en/guide-map"' in row.body_html, "there is no Spanish map"
    assert '<p class="admonition-title">Cuidado con la fecha</p>' in row.body_html
    assert "<th>código</th>" in row.body_html
    assert 'id="h-first-step"' in row.body_html, "links to the heading arrive"
    assert "/kb/files/" in row.body_html
    assert "MAL" not in row.body_html
    db.session.commit()
    assert set(outcomes(import_folder(folder, by=None)).values()) == {"unchanged"}
    catalogue = folder / "locale/es/LC_MESSAGES/guide/lots.po"
    catalogue.write_text(catalogue.read_text().replace("Primer paso", "Paso uno"))
    assert outcomes(import_folder(folder, by=None))["es/guide/lots.md"] == "changed"
    assert "Paso uno" in at("es/guide/lots.md").body_html


def test_the_order_of_a_table_of_contents_and_of_a_menu(tmp_path, context):
    folder = Folder(fill(tmp_path / "in", SPHINX))
    plan = Plan(folder, "en")
    plan.read(["index.md", "guide/map.md", "guide/lots.md"])
    (found,) = sections(folder.root, plan.pages)
    assert (found.title, found.paths, found.path) == ("Top", ("guide/map.md", "guide/lots.md"), "index.md")
    (folder.root / "mkdocs.yml").write_text(
        "docs_dir: .\nnav:\n  - Home: index.md\n  - Guide:\n    - guide/lots.md\n    - Map: guide/map.md\nx: !!python/name:os.system\n"
    )
    titles = [(each.title, each.paths) for each in sections(folder.root, plan.pages)]
    assert titles == [("", ("index.md",)), ("Guide", ("guide/lots.md", "guide/map.md"))]


def test_a_tree_of_mkdocs_comes_in(context, tmp_path):
    folder = fill(
        tmp_path / "in",
        {
            "mkdocs.yml": "site_name: x\ntheme: {name: material}\nmarkdown_extensions:\n  - x: !!python/object/apply:os.system ['touch /tmp/owned']\n",
            "README.md": "# Not a page of the documentation\n",
            "docs/index.md": "# Home\n\n[guide](guide/index.md#tabs)\n",
            "docs/guide/index.md": '# Guide\n\n## Tabs\n\n=== "CSV"\n\n    a\n\n??? tip\n    b\n\n--8<-- "inc/part.txt"\n',
            "docs/inc/part.txt": "part *one*\n",
        },
    )
    assert outcomes(import_folder(folder, by=None)) == {"index.md": "created", "guide/index.md": "created"}
    html = at("guide/index.md").body_html
    assert "<strong>CSV</strong>" in html
    assert 'class="admonition tip"' in html
    assert "part <em>one</em>" in html
    assert 'href="/kb/en/guide#h-tabs"' in at("index.md").body_html


def test_what_a_menu_of_mkdocs_names_in_vain_is_told_and_a_new_menu_is_followed(context, tmp_path):
    folder = fill(
        tmp_path / "in",
        {
            "mkdocs.yml": "nav:\n  - Guide:\n    - one.md\n    - Deep: [{Gone: gone.md}]\n  - Far: https://example.org/x.md\n",
            "docs/one.md": "# One\n\n--8<--\nthree.txt\n;off.txt\n--8<--\n", "docs/two.md": "# Two\n",
            "docs/three.txt": "three *words*\n",
        },
    )  # fmt: skip
    assert problems(import_folder(folder, by=None)) == {("mkdocs.yml", "The menu names what is not there: gone.md.")}
    html = at("one.md").body_html
    assert "three <em>words</em>" in html
    assert "8&lt;" not in html
    assert "off.txt" not in html
    assert {row.title: len(row.members) for row in db.session.scalars(select(Collection))} == {"Guide": 1}
    (folder / "mkdocs.yml").write_text("nav:\n  - Guide: [one.md, two.md]\n")
    assert not problems(import_folder(folder, by=None))
    assert {row.title: len(row.members) for row in db.session.scalars(select(Collection))} == {"Guide": 2}
    (folder / "mkdocs.yml").write_text("nav: [\n")
    [(path, sentence)] = problems(import_folder(folder, by=None))
    assert path == "mkdocs.yml"
    assert "not YAML" in sentence
    assert "line " in sentence


def test_a_tree_of_github_comes_in(context, tmp_path):
    folder = fill(
        tmp_path / "in",
        {
            "README.md": "# Project\n\n[guide](docs/) [how](docs/how.md#a--b) ![p](docs/p.png)\n\n- [x] done\n\n> [!NOTE]\n> mind\n",
            "docs/README.md": "# Docs\n\n[up](..) [top](../README.md)\n",
            "docs/how.md": "# How\n\n## A & B\n",
            "docs/p.png": PNG,
        },
    )
    assert set(outcomes(import_folder(folder, by=None)).values()) == {"created"}
    html = at("README.md").body_html
    assert 'href="/kb/en/docs"' in html
    assert 'href="/kb/en/docs-how#h-a--b"' in html
    assert "☑ done" in html
    assert 'class="admonition note"' in html
    assert at("docs/README.md").body_html.count('href="/kb/en/readme"') == 2


# Bad input


def problems(report):
    return {(line.path, line.sentence) for line in report.lines if line.outcome == "problem"}


def test_what_cannot_be_read_is_named_with_its_line_and_everything_else_comes_in(context, tmp_path):
    secret = fill(tmp_path / "outside", {"secret.md": "# Canary\n", "secret.json": '{"a": "Canary"}'})
    folder = fill(
        tmp_path / "in",
        {
            "a-cycle.md": "---\ntitle: Cycle\n---\n# A\n\n```{include} b-cycle.md\n```\n",
            "b-cycle.md": "# B\n\nbee\n\n```{include} a-cycle.md\n```\n",
            "bad.json": "{",
            "binary.md": b"\x89PNG\r\n\x1a\n\xff\xfe" * 100,
            "bomb.md": "---\na: &a [x, x]\nb: [*a, *a]\n---\n# Bomb\n",
            "deep.md": "---\n" + "[" * 5000 + "\n---\n# Deep\n",
            "front.md": "---\ntitle: fine\nvisibility: [\n---\n# Front\n",
            "good.md": "# Good\n\n```{jsoninclude} bad.json\n```\n\n```{literalinclude} ../outside/secret.json\n```\n"
            "\n```{include} link.txt\n```\n\n```{jsoninclude} huge.json\n```\n",
            "huge.json": b"[" + b"0," * 2_000_000 + b"0]",
            "huge.md": b"# x\n" * 600_000,
            "latin.md": "# Uno\n\ncontrataci\xf3n\n".encode("latin-1"),
            "nul.md": "# x\n\n\n\x00\n",
            "utf16.md": "# x\n".encode("utf-16"),
            "odd name é “ñ”.md": "# Odd\n",
            "README.md": "# One\n",
            "readme.md": "# Two\n",
            "po/es/LC_MESSAGES/good.po": b"junk\n",
        },
    )
    (folder / "link.md").symlink_to(secret / "secret.md")
    (folder / "link.txt").symlink_to(secret / "secret.json")
    (folder / "loop.md").symlink_to(folder / "loop.md")
    (folder / "out").symlink_to(secret)
    os.mkfifo(folder / "pipe.md")
    with open(folder / "fifty.md", "wb") as file:
        file.truncate(50 * 1024 * 1024)
    begin = time.monotonic()
    report = import_folder(folder, by=None)
    assert time.monotonic() - begin < 20
    said = problems(report)
    for path, words in [
        ("a-cycle.md", "Line 6: a-cycle.md brings itself in."), ("b-cycle.md", "Line 5: b-cycle.md brings itself in."), ("binary.md", "line 1"), ("bomb.md", "line 3"),
        ("deep.md", "YAML"), ("front.md", "line "), ("good.md", "Line 3: what is asked for of bad.json"),
        ("good.md", "Line 6: ../outside/secret.json leads out of the folder."), ("huge.json", "larger than 2 MB"),
        ("huge.md", "larger than 2 MB"), ("fifty.md", "larger than 2 MB"), ("latin.md", "line 3"), ("nul.md", "line 4"),
        ("utf16.md", "line 1"), ("link.md", "leads out"), ("link.txt", "leads out"), ("out", "leads out"), ("loop.md", "leads out"),
        ("pipe.md", "not a file"), ("po/es/LC_MESSAGES/good.po", "line "),
    ]:  # fmt: skip
        assert any(each == path and words in sentence for each, sentence in said), (path, words, sorted(said))
    titles = set(db.session.scalars(select(Article.title)))
    assert titles == {"Cycle", "B", "Good", "Odd", "One", "Two"}
    texts = " ".join(db.session.scalars(select(Article.body_text)))
    assert "Canary" not in texts
    assert "bee" in at("a-cycle.md").body_text
    assert db.session.scalar(select(func.count(ArticleFile.id)).where(ArticleFile.path.contains("secret"))) == 0
    remark = next(line.sentence for line in report.lines if line.path == "readme.md")
    assert "README.md in capital letters alone" in remark
    # Again, and it says so again.
    assert problems(import_folder(folder, by=None)) == said


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("---\ntitle: No end\n\n# Text\n", "The front matter that begins in line 1 has no end"),
        ("---\r\ntitle: No end\r\n\r\nText\r\n", "The front matter that begins in line 1 has no end"),
        ("", "The file is empty."),
        ("\ufeff \n\t\n", "The file is empty."),
        ("---\nkind: x\ntitle: [a, b]\n---\nText\n", "Line 3: “title”"),
        ("---\ntitle: A\ntags: {a: 1}\n---\nText\n", "Line 3: “tags”"),
        ("---\ntitle: A\ntopic: b\ntitle: C\n---\nText\n", "the name “title” stands there twice (line 4)"),
        ("---\ntitle: A\nslug: ../../out\n---\nText\n", "Line 3: The slug"),
        ("---\ntitle: A\n\nlanguage: klingon\n---\nText\n", "Line 4: “klingon”"),
        ("---\nvisibility: everybody\n---\nText\n", "Line 2: “visibility”"),
    ],
)
def test_a_head_that_cannot_be_meant_is_named_with_its_line(context, tmp_path, text, said):
    fill(tmp_path, {"bad.md": text, "good.md": "# Good\n"})
    [(path, sentence)] = problems(import_folder(tmp_path, by=None))
    assert path == "bad.md"
    assert said in sentence
    assert list(db.session.scalars(select(Article.title))) == ["Good"]


@pytest.mark.parametrize(
    ("catalogue", "said"),
    [
        ('msgid "One"\nmsgstr "Un\n', "(line 2)"),
        ('msgid "One"\nmsgstr "U"no"\n', "(line 2)"),
        ('# x\n\nmsgid "One"\nmsgstr "Uno\\"\n', "(line 4)"),
        ('msgid "One"\nmsgstr Uno\n', "(line 2)"),
    ],
)
def test_a_catalogue_with_a_text_that_does_not_end_is_named_with_its_line(context, tmp_path, catalogue, said):
    fill(tmp_path, {"one.md": "# One\n", "po/es/LC_MESSAGES/one.po": catalogue})
    [(path, sentence)] = problems(import_folder(tmp_path, by=None))
    assert path == "po/es/LC_MESSAGES/one.po"
    assert said in sentence
    assert list(db.session.scalars(select(Article.title))) == ["One"]


@pytest.mark.parametrize(
    "text",
    [
        "---\n\nA line across the page stands above.\n",
        "---\nAnd a text: with a colon\n",
        "---\ntitle: Fine\nreview_by: 2026-13-45\n---\nText\n",
        "---\n---\nText\n",
    ],
)
def test_what_only_looks_like_a_broken_head_comes_in(context, tmp_path, text):
    fill(tmp_path, {"page.md": text})
    assert not problems(import_folder(tmp_path, by=None))
    assert db.session.scalar(select(func.count(Article.id))) == 1


def test_a_staff_text_is_not_brought_into_a_public_one(context, tmp_path):
    folder = fill(
        tmp_path / "in",
        {
            "public.md": "# P\n\n```{include} staff.md\n```\n\n```{include} draft.md\n```\n",
            "staff.md": "---\nvisibility: staff\n---\nCanary one\n",
            "draft.md": "---\nstate: draft\n---\nCanary two\n",
            "staff-too.md": "---\nvisibility: staff\n---\n```{include} staff.md\n```\n",
        },
    )
    import_folder(folder, by=None)
    assert "Canary" not in at("public.md").body_text
    assert "Canary one" in at("staff-too.md").body_text


def test_what_was_translated_goes_out_as_a_page_of_its_own(context, tmp_path):
    folder = fill(tmp_path / "in", SPHINX)
    import_folder(folder, by=None)
    db.session.commit()
    list(exporting.export_folder(tmp_path / "out"))
    out = tree(tmp_path / "out")
    for path in set(out) & set(SPHINX):
        assert out[path] == (SPHINX[path] if isinstance(SPHINX[path], bytes) else SPHINX[path].encode())
    assert out["es/guide/lots.md"].startswith("# Lotes y artículos".encode())


@pytest.mark.parametrize(
    "source",
    [
        "```{csv-table}\n" + "a,b\n" * 20_000 + "```",
        "```{include} x.md\n```\n" * 2_000,
        "```{note}\n" * 300 + "```{include} x.md\n```\n",
    ],
)
def test_no_source_brings_in_without_end(source):
    begin = time.process_time()
    found = expand(source, "a.md", lambda _target, _place: File("x.md", "```{include} y.md\n```\n" * 50))
    assert len(found.text) < 1_500_000
    assert time.process_time() - begin < 5


def test_what_is_not_there_stays_as_it_is_written():
    source = "```{include} x.md\n```"
    found = expand(source, "a.md", lambda _target, _place: MISSING)
    assert (found.text, found.problems[0].line, found.targets) == (source, 1, ())
    assert importing.LARGEST == 2 * 1024 * 1024

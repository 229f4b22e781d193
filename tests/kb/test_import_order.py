"""Tables of contents, menus and front matter become collections, and go back into files."""

import time

import pytest
from sqlalchemy import select
from sqlalchemy.orm import undefer

from core.db import db
from kb import articles, collections, exporting
from kb.collection_models import Collection
from kb.importing import import_folder
from kb.models import Article
from tests.conftest import member
from tests.kb.test_importing import outcomes, tree
from tests.kb.test_ocds_docs import DOCS


def fill(folder, files):
    for path, text in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text)
    return folder


def bring_in(folder):
    report = import_folder(folder, by=member("bruno"))
    db.session.commit()
    db.session.expire_all()
    return outcomes(report)


def shown():
    """Each collection by its address: title, that of the one it stands inside, titles of its articles."""
    rows = db.session.scalars(
        select(Collection).order_by(Collection.parent_id.is_not(None), Collection.position, Collection.id)
    )
    return {
        row.slug: (row.title, row.parent.slug if row.parent else "", [each.article.title for each in row.members])
        for row in rows
    }


def named(slug) -> Collection:
    return db.session.scalars(select(Collection).where(Collection.slug == slug)).one()


def at(path) -> Article:
    options = [undefer(Article.body), undefer(Article.front_matter)]
    return db.session.scalars(select(Article).where(Article.source_path == path).options(*options)).one()


SPHINX = {
    "index.md": "# Top\n\n```{toctree}\n:hidden:\n\nguide/index\nhelp\n```\n",
    "help.md": "# Help\n",
    "guide/index.md": "# Guide\n\n```{toctree}\nmap\ndraw <lots>\n```\n\n[up](../index.md)\n",
    "guide/map.md": "# Map\n\n```{toctree}\nmap/*\n```\n",
    "guide/map/a.md": "# A\n\n```{toctree}\ndeep\n../../index\n```\n",
    "guide/map/b.md": "# B\n",
    "guide/map/deep.md": "# Deep\n",
    "guide/lots.md": "# Lots\n",
    "locale/es/LC_MESSAGES/guide/index.po": 'msgid ""\nmsgstr "Content-Type: text/plain; charset=UTF-8\\n"\n\nmsgid "Guide"\nmsgstr "Guía"\n\nmsgid "up"\nmsgstr "arriba"\n\nmsgid "[up](../index.md)"\nmsgstr "[arriba](../index.md)"\n',
}


def test_tables_of_contents_become_collections_and_again_nothing_changes(context, tmp_path, browser):
    folder = fill(tmp_path / "in", SPHINX)
    bring_in(folder)
    assert shown() == {
        "guide": ("Guide", "", ["Guide", "Map", "Lots"]),
        "index": ("Top", "", ["Top", "Guide", "Help"]),
        "guide-map": ("Map", "guide", ["Map", "A", "Deep", "B"]),
    }
    assert [(each.language, each.title) for each in named("guide").titles] == [("es", "Guía")]
    before = {row.slug: (row.version, row.updated_at) for row in db.session.scalars(select(Collection))}
    for memory in (None, *(tmp_path / "imports").glob("*")):
        if memory is not None:
            memory.unlink()
        assert set(bring_in(folder).values()) == {"unchanged"}
        assert {row.slug: (row.version, row.updated_at) for row in db.session.scalars(select(Collection))} == before
    list(exporting.export_folder(tmp_path / "out"))
    for path in SPHINX:
        if path.endswith(".md"):
            assert (tmp_path / "out" / path).read_text() == SPHINX[path], "the table of contents tells the order"


def test_what_was_changed_here_stays_and_what_changed_in_the_folder_comes(context, tmp_path):
    folder = fill(tmp_path / "in", SPHINX)
    bring_in(folder)
    row = named("guide")
    lots, plain = at("guide/lots.md").id, at("help.md").id
    collections.put(row, [plain, lots, *(each.article_id for each in row.members if each.article_id != lots)], by=None)
    row.title = "Our guide"
    db.session.commit()
    assert set(bring_in(folder).values()) == {"unchanged"}
    assert shown()["guide"] == ("Our guide", "", ["Help", "Lots", "Guide", "Map"])
    fill(folder, {"guide/new.md": "# New\n", "guide/index.md": SPHINX["guide/index.md"].replace("map\n", "new\n")})
    bring_in(folder)
    assert shown()["guide"] == ("Our guide", "", ["Help", "Lots", "Guide", "New"])
    fill(folder, {"guide/map.md": "# Map\n", "guide/index.md": "# Guide\n"})
    bring_in(folder)
    assert "guide-map" not in shown(), "its table of contents is gone"
    assert shown()["guide"][2] == ["Help", "Lots", "Guide", "New"], "somebody changed this one"


def test_a_page_that_is_closed_gives_no_title_to_a_collection_for_everybody(context, tmp_path, browser):
    folder = fill(
        tmp_path / "in",
        {
            "a/index.md": "---\nvisibility: staff\n---\n# Canary\n\n```{toctree}\nb\nc\n```\n",
            "a/b.md": "# B\n",
            "a/c.md": "# C\n",
        },
    )
    bring_in(folder)
    assert named("a").visibility == "staff"
    fill(folder, {"a/index.md": "# Open\n\n```{toctree}\nb\nc\n```\n"})
    bring_in(folder)
    assert (named("a").visibility, named("a").title) == ("public", "Open")
    fill(folder, {"a/index.md": "---\nstate: draft\n---\n# Canary\n\n```{toctree}\nb\nc\n```\n"})
    bring_in(folder)
    assert named("a").visibility == "staff"


def test_a_menu_of_mkdocs_becomes_collections(context, tmp_path):
    menu = (
        "site_name: Handbook\nnav:\n  - Home: index.md\n  - Ask:\n    - ask/a.md\n    - ask/b.md\n"
        "    - More:\n      - ask/c.md\n      - Deep:\n        - ask/d.md\n  - One:\n    - one.md\n  - Outside: ../x.md\n"
    )
    pages = ("index.md", "one.md", *(f"ask/{name}.md" for name in "abcd"))
    folder = fill(tmp_path / "in", {"mkdocs.yml": menu, **{f"docs/{path}": f"# {path}\n" for path in pages}})
    bring_in(folder)
    assert shown() == {
        "ask": ("Ask", "", ["ask/a.md", "ask/b.md"]),
        "more": ("More", "ask", ["ask/c.md", "ask/d.md"]),
    }
    # What the menu names outside of the folder is told each time.
    assert bring_in(folder) == {**dict.fromkeys(pages, "unchanged"), "mkdocs.yml": "problem"}


HEADS = {
    "one.md": "---\ncollection: First steps\norder: 10\n---\n# One\n",
    "two.md": "---\ncollection: first-steps\norder: 5  # before\n---\n# Two\n",
    "three.md": "---\ncollection: [First steps, Other things]\norder: [20, 1.5]\n---\n# Three\n",
    "odd.md": "---\ncollection: {a: 1}\norder: first\n---\n# Odd\n",
    "es/one.md": "---\nslug: one\n---\n# Uno\n",
}


def test_the_front_matter_names_collections_and_a_round_trip_changes_nothing(context, tmp_path):
    folder = fill(tmp_path / "in", HEADS)
    assert set(bring_in(folder).values()) == {"created"}
    assert shown() == {
        "first-steps": ("First steps", "", ["Two", "One", "Three"]),
        "other-things": ("Other things", "", ["Three"]),
    }
    assert named("first-steps").visibility == "public"
    list(exporting.export_folder(tmp_path / "out"))
    assert {path: text.decode() for path, text in tree(tmp_path / "out").items()} == HEADS
    assert set(bring_in(tmp_path / "out").values()) == {"unchanged"}
    assert set(bring_in(folder).values()) == {"unchanged"}


def test_an_order_made_here_is_exported_and_comes_back(context, tmp_path):
    folder = fill(tmp_path / "in", HEADS)
    bring_in(folder)
    row = named("first-steps")
    written = articles.write(articles.Details(title="Four", slug="", state="published"), "Four.\n", by=member("bruno"))
    collections.add(row, written, by=member("bruno"))
    collections.move(row, at("one.md").id, -1, by=member("bruno"))
    collections.drop(named("other-things"), at("three.md").id, by=member("bruno"))
    db.session.commit()
    db.session.expire_all()
    assert shown()["first-steps"][2] == ["One", "Two", "Three", "Four"]
    assert at("one.md").revision_number == 1, "nobody wrote anything"
    out = tmp_path / "out"
    list(exporting.export_folder(out))
    assert "collection: First steps\norder: 1\n" in (out / "one.md").read_text()
    assert "collection: First steps\norder: 3\n" in (out / "three.md").read_text()
    assert "collection: First steps\norder: 4\n" in (out / "en/four.md").read_text()
    # The folder that came first says nothing new, so what was decided here stays.
    assert set(bring_in(folder).values()) == {"unchanged"}
    assert shown()["first-steps"][2] == ["One", "Two", "Three", "Four"]
    # Into an empty knowledge base.
    for model in (Collection, Article):
        for each in db.session.scalars(select(model)):
            db.session.delete(each)
    db.session.commit()
    bring_in(out)
    assert shown() == {"first-steps": ("First steps", "", ["One", "Two", "Three", "Four"])}
    list(exporting.export_folder(tmp_path / "again"))
    assert tree(tmp_path / "again") == tree(out)


def test_a_file_that_moves_or_no_longer_names_its_collection_is_followed(context, tmp_path):
    folder = fill(tmp_path / "in", HEADS)
    bring_in(folder)
    fill(folder, {"two.md": "# Two\n", "one.md": HEADS["one.md"].replace("10", "30")})
    bring_in(folder)
    assert shown()["first-steps"][2] == ["Three", "One"]
    collections.edit(named("first-steps"), collections.Words(title="Now first", slug="now-first"), by=member("bruno"))
    db.session.commit()
    db.session.expire_all()
    assert articles.as_file(at("one.md")).startswith("---\ntitle: One\n")
    assert "collection: Now first\norder: 30\n" in articles.as_file(at("one.md"))


def test_what_only_staff_may_read_makes_no_collection_for_everybody(context, tmp_path):
    bring_in(fill(tmp_path / "in", {"a.md": "---\ncollection: Canary\nvisibility: staff\n---\n# A\n"}))
    assert named("canary").visibility == "staff"


@pytest.mark.skipif(not DOCS.is_dir(), reason="the documentation is not beside the project")
def test_a_real_documentation_has_its_order(app, browser):
    with app.app_context():
        began = time.process_time()
        bring_in(DOCS)
        first = time.process_time() - began
        began = time.process_time()
        assert set(bring_in(DOCS).values()) == {"unchanged"}
        again = time.process_time() - began
        found = shown()
        tops = [slug for slug, (_title, parent, _members) in found.items() if not parent]
        assert tops == ["primer", "guidance", "schema", "governance", "history", tops[-1]]
        assert found["primer"][2][1:] == [row.title for row in map(at, ("primer/what.md", "primer/how.md",
                                          "primer/releases_and_records.md", "primer/next.md"))]  # fmt: skip
        assert found["guidance-map"][1] == "guidance"
        assert len(found["guidance-map"][2]) > 10
        assert at("support/index.md").title in found[tops[-1]][2]
        primer = at("primer/how.md").slug
    assert first < 40, first
    assert again < 2, again
    page = browser.get(f"/kb/en/{primer}").text
    assert 'rel="prev"' in page
    assert 'rel="next"' in page
    spanish = browser.get("/kb/collections/primer", headers={"Accept-Language": "es"}).text
    assert spanish.count('hreflang="es"') >= 5

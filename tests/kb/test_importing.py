"""A folder of Markdown comes in, goes out, and comes in again."""

import pytest
from sqlalchemy import func, select

from core import files
from core.db import db
from kb import article_files, articles, exporting, importing
from kb.importing import import_folder
from kb.models import Article, ArticleFile, Revision
from kb.pages import Details
from tests.conftest import member
from tests.kb.test_articles import PNG

FILES = {
    "en/lots.md": "---\ntitle: Publish lots   # kept\nslug: lots\ntopic: frameworks-lots\nauthor: x\n---\nSee [bids](../guide/bids.md#how) and\n"
    "![a lot](pictures/lot.png) and [list](/list.csv) and <img src='/pictures/root.png'>.\n",
    "es/lots.md": "---\ntitle: Lotes\nslug: lots\n---\n\nVéase [en inglés](../en/lots.md).\n",
    "guide/bids.md": "# Bids\r\n\r\nwindows lines, [back](../en/lots) [folder](./)\r\n",
    "guide/index.md": "\ufeffThe guide\n=========\n\n[gone](missing.md) [too far](../../../etc/passwd)\n",
    "en/pictures/lot.png": PNG,
    "pictures/root.png": PNG,
    "list.csv": b"a,b\n",
    "unused.png": PNG,
    "notes.txt": "not for us",
    ".hidden/secret.md": "# Secret\n",
    "node_modules/x/readme.md": "# Package\n",
}


def fill(folder, content):
    for path, text in content.items():
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(text if isinstance(text, bytes) else text.encode())
    return folder


def tree(folder):
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def by_path(path) -> Article:
    db.session.expire_all()
    return db.session.scalars(select(Article).where(Article.source_path == path)).one()


def outcomes(report):
    return {line.path: line.outcome for line in report.lines}


@pytest.fixture
def folder(tmp_path):
    return fill(tmp_path / "in", FILES)


def test_a_folder_comes_in_with_its_links_and_pictures(context, folder):
    report = import_folder(folder, by=member("bruno"))
    assert outcomes(report) == dict.fromkeys(
        ["en/lots.md", "es/lots.md", "guide/bids.md", "guide/index.md"], importing.CREATED
    )
    assert not report.failed
    lots = by_path("en/lots.md")
    assert (lots.title, lots.slug, lots.topic, lots.state) == ("Publish lots", "lots", "frameworks-lots", "published")
    assert lots.front_matter["others"] == {"author": "x"}
    assert 'href="/kb/en/guide-bids#h-how"' in lots.body_html
    rows = {row.path: row for row in db.session.scalars(select(ArticleFile))}
    assert set(rows) == {"en/pictures/lot.png", "list.csv", "pictures/root.png"}, "what no article shows stays outside"
    for row in rows.values():
        assert f"/kb/files/{row.file_id}/" in lots.body_html
        assert row.visibility == "public"
    assert by_path("es/lots.md").language == "es"
    bids = by_path("guide/bids.md")
    assert (bids.title, bids.slug, bids.topic, bids.language) == ("Bids", "guide-bids", "guide", "en")
    assert 'href="/kb/en/lots"' in bids.body_html
    assert 'href="/kb/en/guide"' in bids.body_html
    index = by_path("guide/index.md")
    assert index.title == "The guide"
    assert "href" not in index.body_html
    line = next(line for line in report.lines if line.path == "guide/index.md")
    assert "missing.md" in line.sentence


def test_the_same_folder_again_changes_nothing(context, folder):
    import_folder(folder, by=member("bruno"))
    db.session.commit()
    versions = {row.source_path: row.version for row in db.session.scalars(select(Article))}
    report = import_folder(folder, by=member("bruno"))
    assert set(outcomes(report).values()) == {importing.UNCHANGED}
    db.session.commit()
    db.session.expire_all()
    assert {row.source_path: row.version for row in db.session.scalars(select(Article))} == versions
    assert db.session.scalar(select(func.count(Revision.id))) == 4


def test_only_what_changed_comes_in_again(context, folder):
    import_folder(folder, by=member("bruno"))
    db.session.commit()
    (folder / "guide/bids.md").write_text("# Bids\n\nother words\n")
    (folder / "guide/missing.md").write_text("# Not missing any more\n")
    (folder / "en/pictures/lot.png").write_bytes(PNG + b"more")
    report = import_folder(folder, by=member("carla"))
    assert outcomes(report) == {
        "en/lots.md": importing.CHANGED,  # Its picture is another one.
        "es/lots.md": importing.UNCHANGED,
        "guide/bids.md": importing.CHANGED,
        "guide/index.md": importing.CHANGED,  # Its link leads somewhere now.
        "guide/missing.md": importing.CREATED,
    }
    assert by_path("guide/bids.md").revision_number == 2
    assert by_path("en/lots.md").revision_number == 1
    assert 'href="/kb/en/guide-missing"' in by_path("guide/index.md").body_html
    row = db.session.scalars(select(ArticleFile).where(ArticleFile.path == "en/pictures/lot.png")).one()
    assert files.read(row.file) == PNG + b"more"
    assert f"/kb/files/{row.file_id}/" in by_path("en/lots.md").body_html


def test_out_in_and_out_again_gives_the_same_bytes(context, folder, tmp_path):
    import_folder(folder, by=member("bruno"))
    upload = article_files.add(b"a,b\n", "Tabelle (1).csv")
    articles.write(
        Details(title="Written here: “quotes”", slug="", state="draft", tags=("null", "x, y"), visibility="staff"),
        f"---\nnot a head\n---\n[lots](lots.md) {article_files.markdown_for(upload)}", by=member("bruno"),
    )  # fmt: skip
    edited = by_path("guide/bids.md")
    articles.edit(
        edited, Details(**{**articles.details_of(edited).__dict__, "title": "Bids, all"}), edited.body, by=None
    )
    db.session.commit()
    assert not any(line.outcome == "problem" for line in exporting.export_folder(tmp_path / "out"))
    first = tree(tmp_path / "out")
    kept = set(FILES) & set(first)
    assert kept >= {"en/lots.md", "es/lots.md", "guide/index.md", "list.csv", "en/pictures/lot.png"}
    for path in kept - {"guide/bids.md"}:
        assert first[path] == (FILES[path] if isinstance(FILES[path], bytes) else FILES[path].encode()), path
    # Coming back where it came from changes nothing.
    assert set(outcomes(import_folder(tmp_path / "out", by=None)).values()) == {importing.UNCHANGED}
    # In an empty knowledge base it makes the same one.
    for row in [*db.session.scalars(select(Article)), *db.session.scalars(select(ArticleFile))]:
        db.session.delete(row)
    db.session.commit()
    db.session.execute(files.StoredFile.__table__.delete())
    db.session.commit()
    db.session.expunge_all()
    report = import_folder(tmp_path / "out", by=None)
    assert set(outcomes(report).values()) == {importing.CREATED}
    db.session.commit()
    list(exporting.export_folder(tmp_path / "again"))
    assert tree(tmp_path / "again") == first
    row = db.session.scalars(select(Article).where(Article.title.startswith("Written"))).one()
    assert (row.state, row.visibility, row.tags) == ("draft", "staff", ["null", "x, y"])
    assert "/kb/files/" in row.body_html, "what was uploaded is shown again, under the same address"
    assert 'href="/kb/en/lots"' in row.body_html


def test_one_bad_file_is_named_and_the_others_come_in(context, tmp_path):
    folder = fill(
        tmp_path / "in",
        {
            "latin.md": "# Contratación\n".encode("latin-1"),
            "yaml.md": "---\ntitle: [\n---\nx",
            "huge.md": b"# x\n" + b"x" * (importing.LARGEST + 1),
            "nul.md": b"# x\n\x00\n",
            "field.md": "---\nvisibility: friends\n---\nx",
            "twin-a.md": "---\nslug: twin\n---\n# A",
            "twin-b.md": "---\nslug: twin\n---\n# B",
            "good.md": "# Good\n",
        },
    )
    report = import_folder(folder, by=None)
    assert outcomes(report) == {
        "latin.md": "problem", "yaml.md": "problem", "huge.md": "problem", "nul.md": "problem", "field.md": "problem",
        "twin-a.md": "created", "twin-b.md": "problem", "good.md": "created",
    }  # fmt: skip
    assert report.failed
    sentences = {line.path: line.sentence for line in report.lines}
    assert "UTF-8" in sentences["latin.md"]
    assert "YAML" in sentences["yaml.md"]
    assert "2 MB" in sentences["huge.md"]
    assert "twin-a.md" in sentences["twin-b.md"]


def test_no_link_of_the_file_system_leads_out_of_the_folder(context, tmp_path):
    secret = fill(tmp_path / "outside", {"secret.md": "# Canary\n", "secret.png": PNG})
    folder = fill(
        tmp_path / "in", {"a.md": "# A\n\n![x](picture.png) ![y](up/secret.png) ![z](..%2foutside/secret.png)\n"}
    )
    (folder / "link.md").symlink_to(secret / "secret.md")
    (folder / "picture.png").symlink_to(secret / "secret.png")
    (folder / "up").symlink_to(secret)
    report = import_folder(folder, by=None)
    assert outcomes(report) == {
        "a.md": "created",
        "link.md": "problem",
        "picture.png": "problem",
        "up": "problem",
        "up/secret.png": "problem",
    }
    assert db.session.scalar(select(func.count(ArticleFile.id))) == 0
    assert db.session.scalars(select(Article.title)).all() == ["A"]


def test_a_head_and_hidden_files_cannot_be_reached_by_links(context, tmp_path):
    folder = fill(
        tmp_path / "in", {"a.md": "# A\n\n[e](.env) [g](.git/config)\n", ".env": "KEY=1", ".git/config": "x"}
    )
    import_folder(folder, by=None)
    assert db.session.scalar(select(func.count(ArticleFile.id))) == 0


def test_a_picture_that_is_too_large_is_named_and_its_article_comes_in(context, tmp_path):
    context.config["FILE_MEGABYTES"] = 0
    try:
        folder = fill(tmp_path / "in", {"a.md": "# A\n\n![x](x.png)\n", "x.png": PNG})
        report = import_folder(folder, by=None)
    finally:
        context.config["FILE_MEGABYTES"] = 25
    assert outcomes(report) == {"a.md": "created", "x.png": "problem"}


def test_two_files_that_want_one_address_get_two(context, tmp_path):
    folder = fill(tmp_path / "in", {"a-b.md": "# One\n", "a/b.md": "# Two\n"})
    import_folder(folder, by=None)
    assert {row.source_path: row.slug for row in db.session.scalars(select(Article))} == {
        "a-b.md": "a-b",
        "a/b.md": "a-b-2",
    }
    assert set(outcomes(import_folder(folder, by=None)).values()) == {"unchanged"}


def test_a_file_that_moved_stays_the_same_article(context, tmp_path):
    folder = fill(tmp_path / "in", {"a.md": "---\nslug: one\n---\n# One\n"})
    import_folder(folder, by=None)
    number = by_path("a.md").id
    db.session.commit()
    (folder / "sub").mkdir()
    (folder / "a.md").rename(folder / "sub/b.md")
    assert outcomes(import_folder(folder, by=None)) == {"sub/b.md": "changed"}
    assert by_path("sub/b.md").id == number


def test_the_state_in_a_file_is_followed(context, tmp_path):
    folder = fill(tmp_path / "in", {"a.md": "---\nstate: draft\n---\n# A\n"})
    import_folder(folder, by=None)
    assert by_path("a.md").state == "draft"
    (folder / "a.md").write_text("# A\n")
    import_folder(folder, by=None)
    assert by_path("a.md").state == "published"
    (folder / "a.md").write_text("---\nstate: withdrawn\n---\n# A\n")
    import_folder(folder, by=None)
    assert by_path("a.md").state == "withdrawn"


def test_an_export_stays_inside_its_folder(context, tmp_path):
    row = articles.write(
        Details(title="A", slug="a"), "x", by=None, source=articles.Source("../../outside.md")
    )  # fmt: skip
    article_files.add(PNG, "..")
    db.session.flush()
    lines = list(exporting.export_folder(tmp_path / "out"))
    assert [line.outcome for line in lines] == ["problem"]
    row.source_path = "/etc/x.md"
    db.session.flush()
    assert [line.outcome for line in exporting.export_folder(tmp_path / "out")] == ["problem"]
    assert not (tmp_path / "outside.md").exists()


@pytest.mark.parametrize("name", ["..", ".hidden", "a/b.png", "ünï" * 60 + ".png", "x" * 250, "a\nb.png", "con:.png"])
def test_every_file_name_can_be_exported_and_comes_back(context, tmp_path, name):
    upload = article_files.add(PNG, name)
    articles.write(Details(title="A", slug="a"), article_files.markdown_for(upload), by=None)
    lines = list(exporting.export_folder(tmp_path / "out"))
    assert [line.outcome for line in lines] == ["created", "created"]
    out = tree(tmp_path / "out")
    assert len(out) == 2
    assert all(path.startswith(("en/a.md", f"_files/{upload.file_id}/")) for path in out)

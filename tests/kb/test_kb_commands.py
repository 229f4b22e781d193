"""The commands of the knowledge base, as somebody types them."""

import json

import pytest

from core.db import db
from kb.models import Article, Revision
from tests.kb.test_importing import FILES, fill, tree


@pytest.fixture
def flask(app):
    runner = app.test_cli_runner()
    return lambda *words: runner.invoke(args=list(words))


def test_a_folder_is_imported_and_exported(app, flask, tmp_path):
    fill(tmp_path / "in", FILES)
    result = flask("kb", "import", str(tmp_path / "in"), "--as", "carla@helpdesk.example")
    assert result.exit_code == 0, result.output
    assert "created    en/lots.md" in result.output
    assert "guide/index.md: Links that lead nowhere:" in result.output
    assert "4 created, 0 changed, 0 unchanged, 0 problem" in result.output
    with app.app_context():
        assert {row.author.name for row in db.session.scalars(db.select(Revision))} == {"Carla Mora"}
    assert "0 created, 0 changed, 4 unchanged" in flask("kb", "import", str(tmp_path / "in")).output
    result = flask("kb", "export", str(tmp_path / "out"))
    assert result.exit_code == 0
    assert "7 created, 0 unchanged, 0 problem" in result.output
    assert tree(tmp_path / "out").keys() < FILES.keys()
    assert "0 created, 7 unchanged, 0 problem" in flask("kb", "export", str(tmp_path / "out")).output


def test_a_bad_file_makes_the_command_fail_after_the_others_came_in(app, flask, tmp_path):
    fill(tmp_path / "in", {"bad.md": b"\xff\xfe", "good.md": "# Good\n"})
    result = flask("kb", "import", str(tmp_path / "in"))
    assert result.exit_code == 1
    assert "problem    bad.md: The file is not UTF-8" in result.output
    assert "1 created, 0 changed, 0 unchanged, 1 problem" in result.output
    with app.app_context():
        assert db.session.scalars(db.select(Article.title)).all() == ["Good"]


def test_a_language_can_be_said_for_files_that_say_none(app, flask, tmp_path):
    fill(tmp_path / "in", {"a.md": "# Uno\n"})
    flask("kb", "import", str(tmp_path / "in"), "--language", "es")
    with app.app_context():
        assert db.session.scalars(db.select(Article.language)).all() == ["es"]
    assert flask("kb", "import", str(tmp_path / "in"), "--language", "klingon").exit_code == 2
    assert flask("kb", "import", str(tmp_path / "in"), "--as", "nobody@x.example").exit_code == 2
    assert flask("kb", "import", str(tmp_path / "missing")).exit_code == 2
    flask("kb", "export", str(tmp_path / "out"))
    assert b"language: es" in tree(tmp_path / "out")["a.md"]


def test_search_prints_one_object_a_result_and_line(app, flask, article, past_answer, tmp_path):
    article("Publish <lots>", "Each **lot** has an id & more.")
    article("Lotes", "Los lotes.", language="es", slug="publish-lots")
    article("Secret lots", visibility="staff")
    past_answer("One lot or many?")
    assert flask("search", "rebuild").output == "4 documents in the index.\n"
    found = [json.loads(line) for line in flask("search", "query", "lot").output.splitlines()]
    assert {one["title"] for one in found} == {"Publish <lots>", "One lot or many?", "Lotes"}
    first = next(one for one in found if one["title"] == "Publish <lots>")
    assert set(first) == {"query", "kind", "title", "url", "language", "snippet", "score"}
    assert (first["query"], first["url"], first["language"]) == ("lot", "/kb/en/publish-lots", "en")
    assert "<mark>lot</mark> has an id &amp; more" in first["snippet"]
    assert isinstance(first["score"], float)
    assert len(flask("search", "query", "lot", "--limit", "1").output.splitlines()) == 1
    only = [
        json.loads(line)["kind"] for line in flask("search", "query", "lot", "--kind", "answer").output.splitlines()
    ]
    assert only == ["answer"]
    queries = tmp_path / "queries.txt"
    queries.write_text("lotes\n\nlot\n")
    asked = [
        json.loads(line)["query"]
        for line in flask("search", "query", "--file", str(queries), "--lang", "es").output.splitlines()
    ]
    assert asked == ["lotes", "lot"]
    assert flask("search", "query", "((((" * 3000).exit_code == 0
    assert flask("search", "query").output == ""

"""The public knowledge base as a folder of files: only what is public, whole, and quick to make again."""

import gzip
import json
import re
from pathlib import Path

import pytest

from core.db import db
from core.exceptions import Refused
from kb import answers, article_files, articles, published_index, publishing
from kb.importing import import_folder
from kb.models import Answer, Article
from kb.pages import Details
from tests.conftest import member
from tests.kb.test_articles import PNG


def write(title, body="Text.\n", **details):
    row = articles.write(
        Details(title=title, **{"slug": "", "state": "published", **details}), body, by=member("bruno")
    )
    db.session.commit()
    return row


def everything(folder: Path) -> str:
    return "\n".join(
        path.read_text() for path in sorted(folder.rglob("*")) if path.suffix in {".html", ".js", ".json"}
    )


@pytest.fixture
def world(context):
    """Texts for everybody, with a picture and links, and canaries that are not."""
    picture = article_files.add(PNG, "lot é.png")
    secret = article_files.add(b"canary-file", "secret.txt")
    write(
        "Bids",
        '# Bids\n\n## How\n\n[up](#how) [lots](lots.md) [out](https://other.example/x)\n\n```json\n{"a": 1}\n```\n',
        slug="bids",
    )
    write("Lotes", "Los lotes.\n", slug="lots", language="es")
    write("Index", "One.\n", slug="index")
    write(
        "Hidden canary-staff", f"canary-staff {article_files.markdown_for(secret)}", slug="hidden", visibility="staff"
    )
    write("canary-champions", "canary-champions", visibility="champions")
    write("canary-draft", "canary-draft", state="draft")
    write(
        "Lots",
        f"See [bids](bids.md#how), [the staff](hidden.md) and\n\n{article_files.markdown_for(picture)}\n",
        slug="lots",
    )
    answer = answers.draft(
        by=member("bruno"), title="One prefix or two?", question="May we **share** one?", answer="No. See /kb/en/lots."
    )
    answers.publish(answer, basis="nothing-personal", by=member("chidi"))
    answers.draft(by=member("bruno"), title="canary-answer", question="canary-answer", answer="canary-answer")
    db.session.commit()


def test_what_is_public_is_there_and_nothing_else(world, tmp_path):
    done = publishing.publish(tmp_path / "site")
    assert (done["pages"], done["files"]) == (5, 1)
    site = tmp_path / "site"
    assert "canary" not in everything(site)
    lots = (site / "en/lots.html").read_text()
    assert 'href="../en/bids.html#h-how"' in lots
    assert "/kb/en/hidden" in lots, "it leads to the site, which asks who reads"
    (picture,) = (site / "files").rglob("*.png")
    assert picture.read_bytes() == PNG
    assert f"../files/{picture.parent.name}/lot%20%C3%A9.png" in lots
    assert '<a href="../es/lots.html" lang="es" hreflang="es">Español</a>' in lots
    bids = (site / "en/bids.html").read_text()
    assert '<a href="#h-how"' in bids
    assert 'href="https://other.example/x"' in bids
    assert "<span" not in bids
    assert (site / "en/index.page.html").is_file()
    answer = (site / "en/answers/one-prefix-or-two.html").read_text()
    assert "<strong>share</strong>" in answer
    assert '<link rel="stylesheet" href="../../assets/site.css">' in answer
    assert "Leer en el sitio" in (site / "es/lots.html").read_text()
    printed = (site / "en/print.html").read_text()
    assert 'id="p-bids--h-how"' in printed
    assert 'href="#p-bids--h-how"' in printed
    assert len(re.findall(r'\bid="([^"]+)"', printed)) == len(set(re.findall(r'\bid="([^"]+)"', printed)))


def test_every_link_of_the_folder_leads_to_a_file(world, tmp_path):
    from urllib.parse import unquote

    publishing.publish(tmp_path / "site")
    for page in (tmp_path / "site").rglob("*.html"):
        for target in re.findall(r'\b(?:href|src)="([^"#:]+)(?:#[^"]*)?"', page.read_text()):
            assert (page.parent / unquote(target)).is_file(), (page, target)


def test_what_is_withdrawn_is_gone_and_what_stays_the_same_is_kept(world, tmp_path):
    site = tmp_path / "site"
    publishing.publish(site)
    before = {path.relative_to(site): path.stat().st_ino for path in site.rglob("*") if path.is_file()}
    articles.withdraw(db.session.scalars(db.select(Article).where(Article.slug == "bids")).one(), by=None)
    answers.withdraw(db.session.scalars(db.select(Answer).where(Answer.state == "published")).one(), by=None)
    db.session.commit()
    done = publishing.publish(site)
    assert done["removed"] == 2
    assert not (site / "en/bids.html").exists()
    assert "Bids" not in everything(site)
    assert "share" not in everything(site)
    assert (site / "es/lots.html").stat().st_ino == before[Path("es/lots.html")]
    assert sorted(path.name for path in tmp_path.iterdir() if "site" in path.name) == ["site"]


def test_a_folder_of_somebody_else_is_left_alone(world, tmp_path):
    (tmp_path / "home").mkdir()
    (tmp_path / "home/thesis.txt").write_text("years of work")
    with pytest.raises(Refused):
        publishing.publish(tmp_path / "home")
    (tmp_path / "link").symlink_to(tmp_path / "home")
    with pytest.raises(Refused):
        publishing.publish(tmp_path / "link")
    assert (tmp_path / "home/thesis.txt").read_text() == "years of work"
    (tmp_path / "empty").mkdir()
    assert publishing.publish(tmp_path / "empty")["pages"] == 5


def test_the_command_says_what_it_did(app, tmp_path):
    result = app.test_cli_runner().invoke(args=["kb", "publish", str(tmp_path / "site")])
    assert result.exit_code == 0
    assert result.output.startswith("0 pages, 0 files;")


def test_the_words_of_a_thousand_pages_fit_into_300_kilobytes():
    vocabulary = [
        f"{one}{two}{number}"
        for one in ("pro", "con", "lot", "bid", "amend")
        for two in ("cure", "tract", "ment")
        for number in range(400)
    ]
    pages = [
        (
            f"Page {number} {vocabulary[number]}",
            f"{number}.html",
            "",
            " ".join(vocabulary[(number * 37 + step * step) % 6000] for step in range(460)),
        )
        for number in range(1000)
    ]
    scripts = published_index.scripts(pages)
    assert sum(len(gzip.compress(script.encode())) for script in scripts.values()) <= 300_000
    first = told(scripts[""])
    assert len(first["pages"]) == 1000
    # What the first search of a word loads: titles, the part with the word, and then some summaries.
    assert len(scripts[""].encode()) <= 60_000
    assert max(len(script.encode()) for name, script in scripts.items() if name) <= 12_000
    found = [word for name, script in scripts.items() if name.startswith("-w") for word in told(script)]
    assert found == sorted(found)
    assert first["begins"] == [next(iter(told(scripts[f"-w{number}"]))) for number in range(len(first["begins"]))]
    assert "</script" not in "".join(published_index.scripts([("</script><b>", "x.html", "", "</script>")]).values())


def told(script):
    """What a script of the index hands over."""
    return json.loads(script.partition(".push(")[2].removesuffix(");\n"))[2]


def test_no_search_is_made_of_nothing():
    assert told(published_index.scripts([])[""])["pages"] == []


def test_of_a_long_file_the_beginning_is_shown_with_a_link_to_it(context, tmp_path):
    (tmp_path / "in").mkdir()
    (tmp_path / "in/long.json").write_text("[\n" + "1,\n" * 200 + "2\n]\n")
    (tmp_path / "in/a.md").write_text("# A\n\n```{jsoninclude} long.json\n```\n\n[b](b.md)\n")
    (tmp_path / "in/b.md").write_text("# B\n\n```{jsoninclude} short.json\n```\n")
    (tmp_path / "in/short.json").write_text("[\n1,\n2\n]\n")
    import_folder(tmp_path / "in", by=None)
    db.session.commit()
    publishing.publish(tmp_path / "site")
    page = (tmp_path / "site/en/a.html").read_text()
    assert len(page) < 2_500
    (target,) = set(re.findall(r'href="(\.\./files/[^"]+)"', page))
    assert (tmp_path / "site/en" / target).resolve().read_text().count("1,") == 200
    assert "more lines are in the file" in page
    assert '<a href="../en/b.html">' in page
    assert "more lines" not in (tmp_path / "site/en/b.html").read_text()

"""A real documentation comes in: 54 pages of another tool, with pictures and with links between them."""

import posixpath
import re
from collections import Counter
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from sqlalchemy import select
from sqlalchemy.orm import undefer

from core.db import db
from kb import exporting
from kb.importing import import_folder
from kb.includes import BROUGHT_IN
from kb.models import Article
from tests.conftest import member
from tests.kb.test_importing import outcomes, tree

DOCS = Path(__file__).parents[3] / "shared/data/ocds-docs"

OWN_FOLDERS = ("governance/", "guidance/", "history/", "primer/", "schema/", "support/")
LEFT_OVER = re.compile(r"(?m)```|:::|\{[a-z-]+\}`|^\([\w-]+\)=|^:[\w-]+:|^!!! |jsonpointer|toctree")

pytestmark = pytest.mark.skipif(not DOCS.is_dir(), reason="the documentation is not beside the project")


class Walker(HTMLParser):
    """Collects links, pictures and anchors."""

    def __init__(self, html):
        super().__init__()
        self.links, self.pictures, self.ids = [], [], set()
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        values = dict(attrs)
        if "id" in values:
            self.ids.add(values["id"])
        if tag == "a" and "href" in values:
            self.links.append(values["href"])
        if tag == "img":
            self.pictures.append(values.get("src", ""))


def exists_in_the_docs(source: str, target: str) -> bool:
    path = unquote(urlsplit(target).path)
    place = posixpath.normpath(posixpath.join("/", posixpath.dirname(source), path)).lstrip("/")
    return any((DOCS / candidate).is_file() for candidate in (place, f"{place}.md", f"{place}/index.md") if candidate)


def test_every_page_comes_in_and_every_link_and_picture_leads_somewhere(app, browser, tmp_path):
    with app.app_context():
        report = import_folder(DOCS, by=member("bruno"))
        db.session.commit()
        assert set(outcomes(report).values()) == {"created"}
        options = (undefer(Article.body_html), undefer(Article.links), undefer(Article.body_text))
        rows = db.session.scalars(select(Article).options(*options)).all()
        by_language = Counter(row.language for row in rows)
        assert by_language["en"] == by_language["es"] == 54
        assert by_language["fr"] >= 14, "about half of the French catalogues is full"
        assert all(row.state == "published" for row in rows if row.language in {"en", "es"})
        assert not any(row.is_plain for row in rows)
        for row in rows:
            assert not re.search(LEFT_OVER, row.body_text), row.source_path
        places = {row.source_path: (f"/kb/{row.language}/{row.slug}", row.body_html, row.links) for row in rows}
        titles = {row.source_path: row.title for row in rows}
        assert titles["es/schema/merging.md"] == "Fusionar"
        assert len({(row.slug, row.language) for row in rows}) == len(rows)
        # Again: nothing changes, not even a version, and not even where it is looked through.
        versions = {row.id: row.version for row in rows}
        assert set(outcomes(import_folder(DOCS, by=member("bruno"))).values()) == {"unchanged"}
        for memory in (tmp_path / "imports").iterdir():
            memory.unlink()
        assert set(outcomes(import_folder(DOCS, by=member("bruno"))).values()) == {"unchanged"}
        db.session.commit()
        db.session.expire_all()
        assert {row.id: row.version for row in db.session.scalars(select(Article))} == versions
        list(exporting.export_folder(tmp_path / "out"))
    walked = {address: Walker(html) for address, html, _links in places.values()}
    pictures = 0
    for source, (address, _html, links) in places.items():
        for target, leads_to in links.items():
            if not source.startswith(("es/", "fr/")):
                wanted = target.removeprefix(BROUGHT_IN)
                assert bool(leads_to) == exists_in_the_docs(source, wanted), (source, target)
        walker = walked[address]
        for link in walker.links:
            parts = urlsplit(link)
            assert parts.scheme or parts.netloc or link.startswith(("/", "#")), (source, link)
            if link.startswith("#") or (link.startswith("/kb/") and "/files/" not in link):
                there = walked[parts.path or address]
                assert not parts.fragment or unquote(parts.fragment) in there.ids, (source, link)
        for picture in walker.pictures:
            assert re.match(r"/kb/files/[0-9a-f]{32}/", picture), (source, picture)
            pictures += source.startswith(tuple(OWN_FOLDERS)) or "/" not in source
    assert pictures == 40
    for address in walked:
        assert browser.get(address).status_code in {200, 302}
    files = {picture for walker in walked.values() for picture in walker.pictures}
    files |= {link for walker in walked.values() for link in walker.links if link.startswith("/kb/files/")}
    for path in files:
        assert browser.get(path).status_code == 200, path
    out = tree(tmp_path / "out")
    own = {path: content for path, content in out.items() if (DOCS / path).is_file()}
    assert len([path for path in own if path.endswith(".md")]) == 54
    for path, content in own.items():
        assert content == (DOCS / path).read_bytes(), path
    assert all(path.startswith(("es/", "fr/")) for path in out.keys() - own.keys())

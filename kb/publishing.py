"""The public knowledge base as a folder of files: read from a disk or a file share, searched and printed.

The folder is built beside the old one and takes its place when it is whole, so what was withdrawn is not in it.
Files that stay the same are kept as they are (linked), so that copying the folder elsewhere is quick.
"""

import hashlib
import json
import os
import re
import shutil
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote, urljoin

from flask import current_app, render_template
from markupsafe import escape
from sqlalchemy import select
from sqlalchemy.orm import undefer

from core import files
from core.db import db
from core.exceptions import NotNow, Refused
from core.i18n import RIGHT_TO_LEFT, _, in_language
from kb import published_index, topics, translations
from kb.models import PUBLIC, PUBLISHED, READABLE, Answer, Article, ArticleFile
from kb.slugs import answer_path, article_path

#: Stands in a published folder: only such a one, or an empty one, is replaced.
MARK = ".published.json"
ASSETS = Path(__file__).resolve().parent.parent / "static" / "published"

_ADDRESS = re.compile(r'\b(?P<name>href|src)="(?P<address>[^"]*)"')
_ID = re.compile(r'\bid="([^"]*)"')
_CODE = re.compile(r"<pre\b[^>]*>.*?</pre>", re.DOTALL)
# What a page brings in of a file, with a link to the file above it.
_LONG = re.compile(
    r'(?P<head><p class="admonition-title"><a href="(?P<address>/(?:[^"]{1,100}/)?kb/files/[^"]{1,500})"[^>]{0,200}>'
    r"[^<]{0,500}</a></p>\s{0,20}"
    r'<div class="highlight"><pre\b[^>]{0,200}><code>)(?P<text>[^<]*)(?P<end></code></pre>\s{0,5}</div>)'
)
_OWN_LINK = re.compile(r'(<a href="(?!https?:)[^"]*") rel="noopener noreferrer"')
# Of a longer one the beginning is shown; the whole stands in the file beside the pages.
MOST_LINES, FIRST_LINES = 60, 30
_SPAN = re.compile(r"</?span\b[^>]*>")
_FILE = re.compile(r"/kb/files/([0-9a-f]{32})/([^/?#]+)$")


@dataclass
class Leaf:
    """One page: an article or a past answer. ``path`` is its place in the folder, ``name`` that in its language's."""

    path: str
    address: str
    language: str
    title: str
    summary: str
    topic: str
    html: str
    text: str
    question: str
    others: dict[str, str]
    order: tuple[Any, ...]
    printed: str = ""

    @property
    def name(self) -> str:
        """The file name inside the folder of the language."""
        return quote(self.path.partition("/")[2])

    @property
    def anchor(self) -> str:
        """Where it stands on the page of everything."""
        return "p-" + re.sub(r"[^\w-]", "-", self.path.partition("/")[2].removesuffix(".html"))


def publish(folder: Path) -> dict[str, int]:
    """Write everything that is public. Returns how many pages and files there are, were kept and were taken away.

    :raises Refused: if the folder holds something else.
    :raises NotNow: if another process is at it.
    """
    root = folder.absolute()
    if root.is_symlink() or (root.exists() and not root.is_dir()):
        raise Refused(_("%(path)s is no folder.", path=str(folder)))
    if root.is_dir() and any(root.iterdir()) and not (root / MARK).is_file():
        raise Refused(_("%(path)s holds something else; name a new folder or an empty one.", path=str(folder)))
    draft = root.with_name(f".{root.name}.new")
    old = root.with_name(f".{root.name}.old")
    shutil.rmtree(old, ignore_errors=True)
    shutil.rmtree(draft, ignore_errors=True)
    try:
        draft.mkdir(parents=True)
    except FileExistsError:
        raise NotNow(_("Somebody else writes this folder just now.")) from None
    try:
        site = _Site(draft, root)
        site.write()
        if root.exists():
            root.rename(old)
        draft.rename(root)
    finally:
        shutil.rmtree(draft, ignore_errors=True)
        shutil.rmtree(old, ignore_errors=True)
    return site.counts


class _Site:
    def __init__(self, draft: Path, before: Path) -> None:
        self.draft, self.before = draft, before
        self.known = _known(before)
        self.written: dict[str, str] = {}
        self.counts = {"pages": 0, "files": 0, "kept": 0, "removed": 0}
        self.base_url: str = current_app.config["BASE_URL"]
        self.site: str = current_app.extensions["settings"].site.name
        self.leaves = list(_articles()) + list(_answers())
        self.paths = {leaf.address: leaf.path for leaf in self.leaves}
        self.files: dict[str, str] = {}
        public = select(ArticleFile).where(ArticleFile.visibility == PUBLIC)
        self.known_files = {row.file_id: row for row in db.session.scalars(public)}

    def write(self) -> None:
        by_language: dict[str, list[Leaf]] = defaultdict(list)
        for leaf in self.leaves:
            by_language[leaf.language].append(leaf)
        languages = sorted(by_language, key=lambda code: (code != "en", -len(by_language[code]), code))
        for code in languages:
            with in_language(code):
                self._language(code, languages, sorted(by_language[code], key=lambda leaf: leaf.order))
        for name in ("site.css", "search.js"):
            self._put(f"assets/{name}", (ASSETS / name).read_bytes())
        first = f"{languages[0]}/index.html" if languages else ""
        self._put("index.html", _first_page(first, languages, self.site).encode())
        for token, path in self.files.items():
            self._put(path, files.read(self.known_files[token].file))
            self.counts["files"] += 1
        self.counts["removed"] = len(self.known.keys() - self.written.keys())
        (self.draft / MARK).write_text(json.dumps(self.written, indent=0, sort_keys=True), encoding="utf-8")

    def _language(self, code: str, languages: list[str], leaves: list[Leaf]) -> None:
        for leaf in leaves:
            self.counts["pages"] += 1
            depth = leaf.path.count("/")
            top = "../" * depth
            others = [
                (other, top + quote(path))
                for other, path in sorted(leaf.others.items())
                if path in self.paths.values()
            ]
            self._page(
                "page", leaf.path, code, title=leaf.title, others=others, summary=leaf.summary,
                topic=topics.topic_name(leaf.topic), live=urljoin(self.base_url, leaf.address),
                body=self._relative(leaf.html, top), question=self._relative(leaf.question, top),
            )  # fmt: skip
            printed = f"{leaf.question}{leaf.html}"
            leaf.printed = self._relative(printed, "../", within=leaf)
        grouped: dict[str, list[Leaf]] = defaultdict(list)
        for leaf in leaves:
            grouped[leaf.topic].append(leaf)
        known = {topic: number for number, topic in enumerate(topics.TOPICS)}
        ordered = sorted(grouped, key=lambda topic: (known.get(topic, len(known)), topic))
        listed = [(topics.topic_name(topic), grouped[topic]) for topic in ordered]
        others = [(other, f"../{other}/index.html") for other in languages if other != code]
        title = _("Knowledge base")
        self._page("contents", f"{code}/index.html", code, title=title, others=others, topics=listed, live="")
        others = [(other, f"../{other}/print.html") for other in languages if other != code]
        self._page("print", f"{code}/print.html", code, title=title, others=others, topics=listed, live="", book=True)
        index = published_index.scripts([(leaf.title, leaf.name, leaf.summary, leaf.text) for leaf in leaves])
        for name, script in index.items():
            self._put(f"assets/index-{code}{name}.js", script.encode())

    def _page(self, template: str, path: str, code: str, **values: Any) -> None:
        direction = "rtl" if code.partition("-")[0] in RIGHT_TO_LEFT else "ltr"
        html = render_template(
            f"kb/published/{template}.html", language=code, direction=direction, home=code, site=self.site,
            top="../" * path.count("/"), base_url=self.base_url, **values,
        )  # fmt: skip
        self._put(path, html.encode())

    def _relative(self, html: str, top: str, *, within: Leaf | None = None) -> str:
        """A text whose links lead to files; those to what is not here lead to the site.

        :param within: the page that it is, on the page of everything; ids are made its own.
        """

        def address(match: re.Match[str]) -> str:
            given = match["address"].replace("&amp;", "&")
            return f'{match["name"]}="{escape(self._target(given, top, within))}"'

        # Colours of code would make half of the size of many a page.
        # A wide table is scrolled by keyboard, too.
        html = html.replace("<table>", '<table tabindex="0">')
        html = _LONG.sub(self._shorter, _CODE.sub(lambda found: _SPAN.sub("", found[0]), html))
        html = _OWN_LINK.sub(r"\1", _ADDRESS.sub(address, html))
        return html if within is None else _ID.sub(lambda found: f'id="{within.anchor}--{found[1]}"', html)

    def _shorter(self, found: re.Match[str]) -> str:
        """The beginning of a long text that a page brings in, where the copy has the file."""
        file = _FILE.search(found["address"].replace("&amp;", "&"))
        lines = found["text"].split("\n")
        if len(lines) <= MOST_LINES or file is None or file[1] not in self.known_files:
            return found[0]
        begin = "\n".join(lines[:FIRST_LINES])
        more = _("%(count)s more lines are in the file", count=len(lines) - FIRST_LINES)
        return f'{found["head"]}{begin}\n…{found["end"]}<p><a href="{found["address"]}">{escape(more)}</a></p>'

    def _target(self, given: str, top: str, within: Leaf | None) -> str:
        if given.startswith("#"):
            return given if within is None else f"#{within.anchor}--{given[1:]}"
        if not given.startswith("/"):
            return given
        if found := _FILE.search(given):
            row = self.known_files.get(found[1])
            if row is not None:
                path = f"files/{found[1]}/{unquote(found[2])}"
                self.files[found[1]] = path
                return top + quote(path)
        page, sign, anchor = given.partition("#")
        path = self.paths.get(page, "")
        return f"{top}{quote(path)}{sign}{anchor}" if path else urljoin(self.base_url, given)

    def _put(self, path: str, content: bytes) -> None:
        target = self.draft / path
        if not target.resolve().is_relative_to(self.draft.resolve()):
            return
        target.parent.mkdir(parents=True, exist_ok=True)
        digest = hashlib.sha256(content).hexdigest()[:32]
        self.written[path] = digest
        if self.known.get(path) == digest:
            try:
                os.link(self.before / path, target)
            except OSError:
                pass
            else:
                self.counts["kept"] += 1
                return
        target.write_bytes(content)


def _known(folder: Path) -> dict[str, str]:
    try:
        known = json.loads((folder / MARK).read_bytes())
    except (OSError, ValueError):
        return {}
    return {str(path): str(digest) for path, digest in known.items()} if isinstance(known, dict) else {}


def _articles() -> Iterator[Leaf]:
    options = (undefer(Article.body_html), undefer(Article.body_text))
    statement = select(Article).where(Article.visibility == PUBLIC, Article.state.in_(READABLE)).options(*options)
    rows = db.session.scalars(statement.order_by(Article.id)).all()
    groups: dict[int, dict[str, str]] = defaultdict(dict)
    for row in rows:
        groups[translations.head_of(row)][row.language] = _path(row)
    for row in rows:
        others = {code: path for code, path in groups[translations.head_of(row)].items() if code != row.language}
        yield Leaf(
            _path(row), article_path(row.language, row.slug), row.language, row.title, row.summary, row.topic,
            row.body_html, row.body_text, "", others, (0, row.position, row.title.casefold(), row.id),
        )  # fmt: skip


def _path(row: Article) -> str:
    # No slug has a dot, so this one is free.
    return f"{row.language}/{row.slug}{'.page' if row.slug in {'index', 'print'} else ''}.html"


def _answers() -> Iterator[Leaf]:
    statement = select(Answer).where(Answer.visibility == PUBLIC, Answer.state == PUBLISHED).order_by(Answer.id)
    for row in db.session.scalars(statement):
        yield Leaf(
            f"{row.language}/answers/{row.slug}.html", answer_path(row.slug), row.language, row.title, "", row.topic,
            row.answer_html, row.answer_text, row.question_html, {}, (1, 0, row.title.casefold(), row.id),
        )  # fmt: skip


def _first_page(first: str, languages: list[str], site: str) -> str:
    """The page that is opened first: a link to each language, and straight on to the first one."""
    links = "".join(f'<li><a href="{code}/index.html">{code}</a></li>' for code in languages)
    onward = f'<meta http-equiv="refresh" content="0; url={first}">' if first else ""
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{escape(site)}</title>{onward}</head>'
        f"<body><main><h1>{escape(site)}</h1><ul>{links}</ul></main></body></html>"
    )

"""Attacks on the knowledge base, each with its defence: texts, files and their names, and what others may not see."""

import re
from html.parser import HTMLParser

import pytest
from sqlalchemy import select

from core.db import db
from kb import article_files, articles, finding
from kb.models import Answer, Article, ArticleFile
from kb.pages import Details
from tests.conftest import member
from tests.kb.test_articles import PNG

# Markdown and HTML that would run, leave the page or draw over it, if it were taken as it is.
PAYLOADS = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "<svg onload=alert(1)><animate onbegin=alert(1) attributeName=x></svg>",
    "<math><mtext><table><mglyph><style><img src=x onerror=alert(1)>",
    "[a](javascript:alert(1))",
    "[a](  JaVaScRiPt:alert(1))",
    "[a](java\tscript:alert(1))",
    "[a](&#x6A;avascript:alert(1))",
    "[a](data:text/html;base64,PHNjcmlwdD4=)",
    "[a](vbscript:msgbox(1))",
    "[a](//evil.example/x)",
    "[a](/\\evil.example)",
    "![a](javascript:alert(1))",
    "![a](https://evil.example/pixel.png)",
    '![a](x"onerror="alert(1))',
    "[a]: javascript:alert(1)\n\n[a]",
    "<javascript:alert(1)>",
    "<a href='javascript:alert(1)'>x</a>",
    '<a href="https://x.example" onclick=alert(1) style=position:fixed;inset:0>x</a>',
    "<iframe srcdoc='<script>alert(1)</script>'></iframe>",
    "<form action=https://evil.example><button formaction=javascript:alert(1)>x</button></form>",
    "<base href=https://evil.example/>",
    "<meta http-equiv=refresh content=0;url=https://evil.example>",
    "<style>body{display:none}</style>",
    "<div style='background:url(https://evil.example)'>x</div>",
    "<input autofocus onfocus=alert(1)>",
    "<details open ontoggle=alert(1)>x</details>",
    "<p id=main name=words class=modal-backdrop>x</p>",
    "# Heading {onclick=alert(1) id=main style=color:red}",
    "| a |\n| --- |\n| <img src=x onerror=alert(1)> |",
    "```html onload=alert(1)\n<script>alert(1)</script>\n```",
    "```{raw} html\n<script>alert(1)</script>\n```",
    '!!! note "<img src=x onerror=alert(1)>"\n    x',
    "[^1]\n\n[^1]: <img src=x onerror=alert(1)>",
    "*[HTML]: <img src=x onerror=alert(1)>\n\nHTML",
    '<noscript><p title="</noscript><img src=x onerror=alert(1)>">',
    "<template><script>alert(1)</script></template>",
    "<object data=javascript:alert(1)></object><embed src=javascript:alert(1)>",
    "<textarea></textarea><script>alert(1)</script>",
    "<!--><script>alert(1)</script>-->",
    '<a href="\x01javascript:alert(1)">x</a>',
]  # fmt: skip
TAGS = {"script", "style", "iframe", "form", "base", "meta", "object", "embed", "svg", "math", "template", "noscript", "link",
        "textarea", "input", "button", "video", "audio", "animate"}  # fmt: skip
CONTEXTS = [
    "{}",
    "> {}",
    "- {}",
    "# {}",
    "| x |\n| --- |\n| {} |",
    "x[^1]\n\n[^1]: {}",
    "!!! note\n    {}",
    "<div markdown=1>\n\n{}\n\n</div>",
]


class Danger(HTMLParser):
    """Lists what could run, leave the page or load something from elsewhere."""

    def __init__(self, html):
        super().__init__()
        self.found = []
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        if tag in TAGS:
            self.found.append(tag)
        for name, value in attrs:
            value = re.sub(r"[\x00-\x20]", "", value or "").lower()
            if name.startswith("on") or name in {"style", "srcdoc", "formaction", "action", "name"}:
                self.found.append(name)
            if (
                name in {"href", "src"}
                and ":" in re.split(r"[/?#]", value)[0]
                and not value.startswith(("https:", "http:", "mailto:"))
            ):
                self.found.append(value)
            if name == "src" and re.match(r"[a-z0-9+.-]*:", value):
                self.found.append(value)
            if name in {"href", "src"} and (value.startswith(("//", "/\\")) or "\\" in value):
                self.found.append(value)
            if name == "id" and not re.match(r"(h|fn|fnref\d*)-", value):
                self.found.append(value)


def between(page, start, end):
    return page[page.index(start) + len(start) : page.index(end)]


def test_the_check_for_danger_finds_danger():
    found = [payload for payload in PAYLOADS if payload.startswith("<") and Danger(payload).found]
    assert len(found) >= 15


def test_no_text_of_an_article_can_do_anything(article, browser):
    """The whole way: written by staff, laid out, stored, read by a stranger."""
    for number, context in enumerate(CONTEXTS):
        body = "\n\n".join(
            context.format(payload.replace("\n", "\n    ") if "    {}" in context else payload) for payload in PAYLOADS
        )
        article(f"Attack {number}", body)
        page = browser.get(f"/kb/en/attack-{number}").text
        html = between(page, '<div class="prose">', '<div class="article-foot"')
        assert Danger(html).found == [], context


def test_each_attack_alone_can_do_nothing_either(article, browser):
    for number, payload in enumerate(PAYLOADS):
        article(f"Single {number}", payload)
        page = browser.get(f"/kb/en/single-{number}").text
        html = between(page, '<div class="prose">', '<div class="article-foot"')
        assert Danger(html).found == [], payload


def test_no_text_of_a_past_answer_can_do_anything(past_answer, browser):
    text = "\n\n".join(PAYLOADS)
    past_answer("Attack", question=text, answer=text)
    page = browser.get("/answers/attack").text
    html = between(page, '<article lang="en">', "</article>")
    assert Danger(html).found == []


def test_titles_tags_reasons_and_comments_are_text(article, past_answer, browser, browser_of, change):
    bad = "<img src=x onerror=alert(1)>\"'"
    number = article(bad, "x", summary=bad, tags=(bad,), slug="bad", topic="own")
    past_answer(bad, tags=(bad,))
    change(
        lambda row: articles.edit(row, Details(title=bad, slug="bad", summary=bad), "y", by=None, reason=bad), number
    )
    staff = browser_of("bruno")
    browser.get("/kb/en/bad/feedback")
    browser.send("/kb/en/bad/feedback", {"helpful": "no", "comment": bad})
    pages = ["/kb/", "/kb/?topic=own", "/kb/en/bad", "/answers/", "/kb/en/bad/edit", "/kb/en/bad/history", "/kb/en/bad/history/2",
             "/kb/feedback", "/kb/feed.atom", "/answers/feed.atom", "/kb/en/bad/feedback"]  # fmt: skip
    for path in pages:
        text = staff.get(path).text
        assert "<img src=x" not in text, path
    assert "&lt;img" in staff.get("/kb/feedback").text


ACTIVE = {
    "page.html": b"<!doctype html><script>alert(1)</script>",
    "drawing.svg": b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'><script>alert(1)</script></svg>",
    "data.xml": b"<?xml version='1.0'?><?xml-stylesheet href='javascript:alert(1)'?><x/>",
    "paper.pdf": b"%PDF-1.4 /JavaScript (app.alert(1))",
    "page.xhtml": b"<html xmlns='http://www.w3.org/1999/xhtml'><script>alert(1)</script></html>",
    "picture.png": b"\x89PNG\r\n\x1a\n<script>alert(1)</script>",
    "picture.gif": b"GIF89a/*<script>alert(1)</script>*/",
    "sheet.csv": b"=cmd|'/c calc'!A1",
    "script.js": b"alert(1)",
    "mail.eml": b"Content-Type: text/html\r\n\r\n<script>alert(1)</script>",
    "polyglot.jpg": b"\xff\xd8\xff\xe0<html><script>alert(1)</script>",
}


@pytest.mark.parametrize("name", ACTIVE)
def test_an_active_file_can_only_be_downloaded(app, article, browser, name):
    with app.app_context():
        row = article_files.add(ACTIVE[name], name)
        body, path = article_files.markdown_for(row), f"/kb/files/{row.file_id}/{name}"
        db.session.commit()
    article("Files", body)
    response = browser.get(path)
    assert response.status_code == 200
    assert response.headers["Content-Disposition"].startswith("attachment;")
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert response.headers["Content-Security-Policy"] == "default-src 'none'; sandbox"
    assert response.mimetype in {"application/octet-stream", "image/svg+xml"}


NAMES = ['a"b.png', "a\r\nSet-Cookie: x=1.png", "<img src=x onerror=alert(1)>.png", "../../etc/passwd", "..", "\u202egnp.exe", "a;b=c.png",
         "x" * 4096 + ".png", "名前.png", "a\x00b.png", "%2e%2e%2fx.png", "](javascript:alert(1)).png", ".htaccess", "con", "a\\b.png"]  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_no_file_name_gets_out_of_its_place(app, article, browser, name):
    with app.app_context():
        row = article_files.add(PNG, name)
        body, token, kept = article_files.markdown_for(row), row.file_id, row.file.filename
        db.session.commit()
    assert "/" not in kept
    assert "\n" not in kept
    article("Files", f"x {body} y")
    page = browser.get("/kb/en/files").text
    html = between(page, '<div class="prose">', '<div class="article-foot"')
    assert Danger(html).found == []
    assert f"/kb/files/{token}/" in html
    response = browser.get(re.search(r'src="([^"]+)"', html)[1])
    assert response.status_code == 200
    assert "Set-Cookie" not in response.headers
    assert len(response.headers.get_all("Content-Disposition")) == 1


def may(actor, visibility, state):
    staff = actor in {"bruno", "mona", "chidi"}
    if state != "published":
        return staff
    return visibility == "public" or staff or (visibility == "champions" and actor == "amara")


def test_every_text_and_file_is_given_to_those_who_may_and_to_nobody_else(
    app, article, past_answer, browser, browser_of
):
    """The matrix: state × visibility × actor × everything that shows an article, a past answer or its file."""
    things = []
    for state in ("published", "draft"):
        for visibility in ("public", "champions", "staff"):
            with app.app_context():
                row = article_files.add(PNG, "shot.png")
                body, path = article_files.markdown_for(row), f"/kb/files/{row.file_id}/shot.png"
                db.session.commit()
            name = f"{state}-{visibility}"
            article(name, body, state=state, visibility=visibility)
            past_answer(name, published=state == "published", visibility=visibility)
            things.append((state, visibility, name, path))
    for actor in ("", "paula", "amara", "bruno"):
        client = browser_of(actor) if actor else browser
        for state, visibility, name, path in things:
            allowed = may(actor, visibility, state)
            reading = (
                path,
                f"/kb/en/{name}",
                f"/kb/en/{name}/feedback",
                f"/answers/{name}",
                f"/answers/{name}/feedback",
            )
            for address in reading:
                assert client.get(address).status_code == (200 if allowed else 404), (actor, address)
            for address in (
                f"/kb/en/{name}/edit",
                f"/kb/en/{name}/history",
                f"/kb/en/{name}/history/1",
                f"/answers/{name}/edit",
            ):
                status = client.get(address).status_code
                expected = 200 if actor in {"bruno", "mona", "chidi"} else 403 if allowed else 404
                assert status == expected, (actor, address, status)


def test_nobody_but_staff_changes_anything(app, article, past_answer, browser, browser_of):
    article("Lots", "Body.")
    past_answer()
    writes = [
        "/kb/new", "/kb/en/lots/edit", "/kb/en/lots/state", "/kb/en/lots/history/1/restore", "/kb/preview", "/kb/files",
        "/kb/feedback/1/seen", "/answers/two-prefixes/edit", "/answers/two-prefixes/publish", "/answers/two-prefixes/withdraw",
        "/answers/preview",
    ]  # fmt: skip
    data = {"title": "Taken over", "body": "Taken over", "version": "2", "state": "withdrawn", "topic": "use",
            "visibility": "public", "language": "en", "text": "x", "basis": "consent", "id": "1", "slug": "x"}  # fmt: skip
    for actor in ("", "paula", "amara", "rafael"):
        client = browser_of(actor) if actor else browser
        client.get("/ask")
        for path in writes:
            assert client.send(path, data).status_code == 403, (actor, path)
    with app.app_context():
        assert db.session.scalars(select(Article.title)).all() == ["Lots"]
        assert db.session.scalars(select(Article.state)).all() == ["published"]
        assert db.session.scalars(select(Answer.state)).all() == ["published"]
        assert db.session.scalars(select(ArticleFile.id)).all() == []


def test_a_form_changes_only_what_it_asks_for(app, article, browser_of):
    number = article("Lots", "Body.")
    staff = browser_of("bruno")
    version = re.search(r'name="version"[^>]*value="(\d+)"', staff.get("/kb/en/lots/edit").text)[1]
    sent = {"title": "Lots", "body": "New.", "topic": "other", "visibility": "public", "version": version, "slug": "moved", "id": "99",
            "language": "fr", "state": "withdrawn", "helpful_count": "1000", "source_path": "x.md", "body_html": "<script>x</script>",
            "revision_number": "77", "published_at": "2001-01-01"}  # fmt: skip
    assert staff.send("/kb/en/lots/edit", sent).status_code == 303
    with app.app_context():
        row = db.session.get_one(Article, number)
        assert (row.slug, row.language, row.state, row.helpful_count) == ("lots", "en", "published", 0)
        assert (row.source_path, row.body_html, row.revision_number) == ("", "<p>New.</p>", 2)


CANARY = "xylophonist"


def test_what_is_not_public_shows_nowhere(app, article, past_answer, browser, work):
    """A word that only texts for others hold, asked of everything that a stranger can ask."""
    article("Open", "Open to all. [inside](inside.md)", topic="use")
    article(
        f"{CANARY} inside",
        f"{CANARY} text",
        slug="inside",
        visibility="staff",
        topic=f"{CANARY}-topic",
        tags=(CANARY,),
    )
    article(f"{CANARY} for champions", CANARY, slug="among", visibility="champions", topic="use", language="ro")
    article(f"{CANARY} draft", CANARY, slug="open", state="draft", language="es")
    article(f"{CANARY} translation", CANARY, slug="open", visibility="staff", language="fr")
    past_answer(f"{CANARY} answer", answer=CANARY, visibility="staff", country="PY", topic=f"{CANARY}-topic")
    past_answer(f"{CANARY} drafted", answer=CANARY, published=False)
    work()
    pages = ["/kb/", "/kb/?language=fr", "/kb/?language=ro", "/kb/?topic=use", f"/kb/?topic={CANARY}-topi", "/kb/en/open", "/kb/en/open/feedback",
             "/kb/feed.atom", "/kb/feed.atom?language=fr", "/answers/", "/answers/?state=draft", "/answers/feed.atom",
             "/answers/?country=PY", "/sitemap.xml", "/"]  # fmt: skip
    for path in pages:
        response = browser.get(path)
        text = response.text.replace(f"{CANARY}-topi&", "").replace(path.replace("&", "&amp;"), "")
        if CANARY in path:
            # What was asked for is said back; what was not is not.
            assert f"{CANARY}-topic" not in response.text
            continue
        assert CANARY not in text.lower(), path
    assert "language=fr" not in browser.get("/kb/").text, "not even that there is something"
    assert '<option value="PY"' not in browser.get("/answers/").text
    with app.app_context():
        for text in (CANARY, f"open {CANARY}", CANARY[:6], f'"{CANARY} text"', CANARY.replace("x", "z", 1)):
            results = finding.find(text, user=None)
            assert all(CANARY not in hit.title for hit in results.hits)
            assert results.total == len(results.hits)
            assert CANARY not in str(results.facets)
            assert CANARY not in results.suggestion
            assert all(
                CANARY not in hit.title for hit in finding.suggest(f"what does the {text} say about lots", user=None)
            )
        assert finding.find(CANARY, user=None).total == 0
        assert finding.find(CANARY, user=member("amara")).total == 1
        assert finding.find(CANARY, user=member("bruno")).total >= 3


def test_closing_an_article_closes_search_at_once(app, article, change, browser, work):
    number = article("Xylophonist lots")
    work()
    change(
        lambda row: articles.edit(row, Details(title="Xylophonist lots", slug="x", visibility="staff"), "x", by=None),
        number,
    )
    with app.app_context():
        assert finding.find("xylophonist", user=None).hits == ()
        assert finding.suggest("xylophonist", user=None) == []


def test_a_past_answer_of_the_staff_is_not_told_by_its_address(past_answer, browser):
    past_answer("Inside", visibility="staff")
    closed, missing = browser.get("/answers/inside"), browser.get("/answers/nothing")
    assert closed.status_code == missing.status_code == 404
    strip = re.compile(r'nonce="[^"]*"|inside|nothing')
    assert strip.sub("", closed.text) == strip.sub("", missing.text)

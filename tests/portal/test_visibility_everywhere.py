"""One table of every address at which something can be read, of everything that only some may read, and of who may.

Whoever asks, whatever address: a word is told to nobody else, and an address tells nobody whether something stands
behind it that they may not see. The table and the texts are in ``everything``.
"""

import re
from urllib.parse import unquote

import pytest

from core.db import db
from core.mail import OutgoingMail
from helpdesk.models import Message
from kb import articles, publishing
from kb.models import Article
from tests.conftest import CAST, member
from tests.portal.everything import (
    ONE,
    PEOPLE,
    READERS,
    ROUTES,
    STAFF,
    STRANGER,
    article_of,
    build,
    changed,
    secrets,
    told,
)


@pytest.fixture
def world(app, work) -> dict[str, object]:
    """Everything that can be hidden, and numbers of it."""
    return build(app, work)


def _readers(browser, browser_of, *who: str):
    for name in who:
        yield name, browser if name == STRANGER else browser_of(name)


def test_every_address_that_can_be_read_is_in_the_table(app):
    routes = {rule.endpoint for rule in app.url_map.iter_rules() if "GET" in (rule.methods or ())}
    assert routes - ROUTES.keys() == set(), "say in ROUTES what this route shows, and to whom"
    assert ROUTES.keys() - routes == set()


def test_no_place_tells_anybody_what_they_may_not_read(world, browser, browser_of):
    leaks, broken = [], []
    for who, reader in _readers(browser, browser_of, *PEOPLE):
        for endpoint, paths in ROUTES.items():
            for path in paths if isinstance(paths, list) else ():
                page = reader.get(path.format(**world), follow_redirects=path.startswith(("/kb/e", "/kb/f")))
                leaks += [(who, path, word) for word in sorted(secrets(page, who))]
                if page.status_code >= 500:
                    broken.append((who, endpoint, path, page.status_code))
    assert leaks == []
    assert broken == []


def test_those_who_may_read_it_find_all_of_it_there(world, browser_of):
    """So that the tests beside this one look for words that are there."""
    bruno, amara, paula = browser_of("bruno"), browser_of("amara"), browser_of("paula")
    seen = {
        word
        for path in (
            "/kb/en/inner-guide", "/kb/en/draft-guide", "/kb/en/review-guide/review", "/kb/en/retired-guide",
            "/kb/en/withdrawn-guide", "/kb/en/first/review", "/kb/en/first/edit?typed=1", "/kb/feedback", "/kb/es/first",
            "/kb/fr/first", "/kb/en/last/history", "/kb/en/last/history/2", "/kb/en/quokkamoved-address",
            "/kb/collections", "/kb/collections/all", "/answers/?state=draft", "/answers/?state=in_review",
            "/answers/?state=withdrawn", "/answers/?state=approved", f"/desk/tickets/{world['ticket']}", "/kb/gaps",
            f"/kb/files/{world['secret_file']}/quokkafile.txt", "/kb/collections/inner",
        )
        for word in told(bruno.get(path).text)
    }  # fmt: skip
    assert seen >= {
        "quokkaarticle", "quokkabody", "quokkaheading", "quokkacontent", "quokkadraft", "quokkareviewnote",
        "quokkacomment", "quokkaretired", "quokkawithdrawn", "quokkakept", "quokkatyped", "quokkafeedback",
        "quokkaspanish", "quokkafrench", "quokkareason", "quokkaoldversion", "quokkamoved", "quokkacollection",
        "quokkaanswer", "quokkainreview", "quokkaback", "quokkaapproved", "quokkanote", "quokkasearched",
        "pangolintitle", "pangolinbody", "axolotlarticle",
    }  # fmt: skip
    assert told(amara.get("/kb/collections/all").text) == {"axolotlarticle", "axolotlcollection"}
    assert told(amara.get("/kb/collections").text) == {"axolotlcollection"}
    assert "axolotlanswer" in amara.get("/answers/").text
    assert {"pangolintitle", "pangolinbody"} <= told(paula.get(f"/tickets/{world['ticket']}").text)


def test_that_a_hidden_source_changed_istold_to_staff_alone(world, browser_of):
    late = "Out of date since"
    assert late not in browser_of("amara").get("/kb/es/of-hidden").text
    assert late in browser_of("bruno").get("/kb/es/of-hidden").text


def _address(app, endpoint: str, world) -> list[str]:
    """The addresses of a route that staff alone open, for what is hidden and for what is public."""
    numbers = {
        "publish": world["draft_answer"], "desk": world["ticket"], "kb": 1, "sync": 1, "mail": 1, "publish.edit": world["ticket"],
    }  # fmt: skip
    number = numbers.get(endpoint, numbers.get(endpoint.partition(".")[0], 1))
    values = {
        "language": "en", "to": "es", "number": number, "kind": "article", "target": world["inner"],
        "message_id": world["message"], "name": "acknowledgement",
    }  # fmt: skip
    slugs = ("for-staff", "all") if "collection" in endpoint else ("quokkaanswer-answer", "open-answer")
    slugs = slugs if "collection" in endpoint or "answer" in endpoint else ("inner-guide", "first", "draft-guide")
    with app.test_request_context():
        rules = [rule for rule in app.url_map.iter_rules() if rule.endpoint == endpoint and "GET" in rule.methods]
        adapter = app.url_map.bind("localhost")
        return sorted({
            adapter.build(endpoint, {name: {**values, "slug": slug}[name] for name in rule.arguments})
            for rule in rules for slug in slugs
        })  # fmt: skip


def test_nobody_else_is_let_in_where_staff_work(app, world, browser, browser_of):
    answered = {
        (who, path): page
        for who, reader in _readers(browser, browser_of, *READERS)
        for endpoint, kind in ROUTES.items() if kind == STAFF
        for path in _address(app, endpoint, world)
        for page in (reader.get(path),)
    }  # fmt: skip
    assert len(answered) > len(READERS) * 50
    assert [(key, page.status_code) for key, page in answered.items() if page.status_code not in {302, 403, 404}] == []
    # Who has to sign in first is led back to where they were going, which they know.
    leaks = [
        (who, path, word)
        for (who, path), page in answered.items()
        for word in secrets(page, who) - told(path)
    ]  # fmt: skip
    assert leaks == []


def _hidden_addresses(world) -> list[tuple[str, str]]:
    """Addresses of what is hidden, each with one of the same form at which nothing ever stood."""
    articles_there = [
        ("en", "inner-guide"), ("en", "champion-guide"), ("en", "draft-guide"), ("en", "review-guide"),
        ("en", "withdrawn-guide"), ("en", "staff-before"), ("en", "quokkamoved-address"), ("en", "retired-draft"),
    ]  # fmt: skip
    pairs = [(f"/kb/{language}/{slug}", f"/kb/{language}/{'x' * len(slug)}") for language, slug in articles_there]
    pairs += [(f"{path}/feedback", f"{other}/feedback") for path, other in pairs]
    # What was in another language, too.
    pairs += [("/kb/es/inner-guide", "/kb/es/xxxxxxxxxxx"), ("/kb/pt/draft-guide", "/kb/pt/xxxxxxxxxxx")]
    slugs = (
        "quokkaanswer-answer", "quokkainreview-answer", "quokkaapproved-answer", "axolotlanswer-answer",
        "quokkastaffanswer-answer",
    )  # fmt: skip
    pairs += [(f"/answers/{slug}", f"/answers/{'x' * len(slug)}") for slug in slugs]
    pairs += [(f"/answers/{slug}/feedback", f"/answers/{'x' * len(slug)}/feedback") for slug in slugs]
    for number, file in world["hidden_answers"].items():
        pairs.append((f"/api/v1/answers/{number}", "/api/v1/answers/99999"))
        pairs.append((f"/suggestions/answer/{number}", "/suggestions/answer/99999"))
        pairs += [(f"/answers/{slug}/files/{file}/x", f"/answers/{'x' * len(slug)}/files/{file}/x") for slug in slugs]
    for number in world["hidden"]:
        pairs.append((f"/api/v1/articles/{number}", "/api/v1/articles/99999"))
        pairs.append((f"/suggestions/article/{number}", "/suggestions/article/99999"))
    pairs.append((f"/kb/files/{world['secret_file']}/quokkafile.txt", f"/kb/files/{'0' * 32}/quokkafile.txt"))
    pairs.append(("/kb/collections/for-staff", "/kb/collections/xxxxxxxxx"))
    pairs.append((f"/api/v1/collections/{world['staff_list']}", "/api/v1/collections/99999"))
    return pairs


def _as_answered(page, path: str) -> tuple:
    """An answer without what differs by chance and without its own address."""
    text = re.sub(r'nonce="[^"]*"|value="[^"]*"', "", page.text).replace(unquote(path), "")
    text = text.replace(path, "").replace(path.replace("/", "%2F"), "")
    skipped = {"Content-Security-Policy", "Set-Cookie", "Content-Length", "Date"}
    return page.status_code, text, sorted((name, value) for name, value in page.headers if name not in skipped)


@pytest.mark.parametrize("method", ["get", "head", "options"])
def test_an_address_does_not_tell_that_something_hidden_stands_there(
    app, world, browser, browser_of, statements, method
):
    with app.app_context():
        assert article_of("retired-draft", "quokkaneverseen", state="retired").published_at is None
        db.session.commit()
    differing = []
    for who, reader in _readers(browser, browser_of, STRANGER, "quentin"):
        for path, nothing in _hidden_addresses(world):
            expected = _as_answered(getattr(reader, method)(nothing), nothing)
            found = _as_answered(getattr(reader, method)(path, headers={"If-None-Match": '"x"'}), path)
            assert expected[0] < 500, nothing
            if found != expected:
                differing.append((who, path, found[0], expected[0]))
    assert differing == []


def test_what_was_read_and_taken_back_is_said_to_be_gone_and_nothing_more(world, browser):
    for path in ("/kb/en/retired-guide", "/answers/quokkaback-answer"):
        page = browser.get(path)
        assert page.status_code == 410
        assert told(page.text.replace(path.rpartition("/")[2], "")) == set()


@pytest.mark.parametrize("to", ["staff", "champions"])
def test_what_is_closed_while_browsers_keep_it_is_sent_to_nobody(app, world, browser, browser_of, work, to):
    """Made for a stranger, kept by them and by this process; then closed: no page, no 304, no list names it."""
    paths = [
        "/kb/en/last", f"/api/v1/articles/{world['last']}", "/kb/?topic=schema", "/kb/", "/kb/feed.atom", "/sitemap.xml",
        "/kb/collections/all", "/api/v1/articles", f"/api/v1/collections/{world['all']}", "/kb/en/first?in=all",
    ]  # fmt: skip
    before = {path: browser.get(path) for path in paths}
    assert [path for path, page in before.items() if "/kb/en/last" not in page.text] == []
    with app.app_context():
        row = db.session.get_one(Article, world["last"])
        articles.edit(row, changed(row, visibility=to), row.body, by=member("bruno"))
        db.session.commit()
    for path in paths:
        known = {"If-None-Match": before[path].headers.get("ETag", '"x"')}
        page = browser.get(path, headers=known)
        assert page.status_code == (404 if path in paths[:2] else 200), path
        assert "/kb/en/last" not in page.text.replace("%2Fkb%2Fen%2Flast", "") or page.status_code == 404, path
    work()
    assert "/kb/en/last" not in browser.get("/search?q=procedure").text
    assert "/kb/en/last" not in browser.get("/api/v1/suggestions?text=procedure").text


def test_a_page_made_for_somebody_is_kept_by_nobody_else(app, world, browser, browser_of):
    """Whoever signs in gets a page of their own, which no cache may keep; a stranger never gets that one."""
    bruno = browser_of("bruno")
    for path in (ONE, "/kb/", "/answers/", "/answers/open-answer", "/kb/collections/all", "/kb/feed.atom", "/sitemap.xml",
                 "/api/v1/articles", "/api/v1/topics", f"/api/v1/articles/{world['first']}", "/search?q=public", "/"):  # fmt: skip
        own, others = bruno.get(path), browser.get(path)
        assert re.search(r"no-store|private", own.headers["Cache-Control"]), path
        assert "Cookie" in own.headers["Vary"], path
        assert "Cookie" in others.headers["Vary"], path
        assert "Set-Cookie" not in others.headers or "public" not in others.headers["Cache-Control"], path
        assert CAST["bruno"][0] not in others.text, path
        again = browser.get(path, headers={"If-None-Match": own.headers.get("ETag", '"x"')})
        assert again.status_code == 200 or own.data == others.data, path


def test_a_page_that_is_the_same_for_all_is_not_taken_from_that_of_somebody(app, browser, browser_of):
    """Nothing stands around it that only some may read, so all that it is made of is the same; its head is not."""
    with app.app_context():
        article_of("alone", topic="alone")
        db.session.commit()
    amara = browser_of("amara")
    for _time in range(2):
        assert CAST["amara"][0] in amara.get("/kb/en/alone").text
        assert CAST["amara"][0] not in browser.get("/kb/en/alone").text


def test_search_engines_are_told_nothing_of_a_page_that_is_not_for_everybody(world, browser, browser_of):
    for who, path in (
        ("bruno", "/kb/en/inner-guide"),
        ("amara", "/kb/en/champion-guide"),
        ("bruno", "/kb/en/draft-guide"),
    ):
        page = browser_of(who).get(path).text
        assert '<meta name="robots" content="noindex">' in page, path
        assert "application/ld+json" not in page, path
    assert "application/ld+json" in browser.get(ONE).text


def test_no_mail_to_others_holds_what_they_may_not_read(app, world):
    with app.app_context():
        team = {CAST[name][1] for name in ("bruno", "carla", "mona", "chidi")}
        mails = [mail for mail in db.session.scalars(db.select(OutgoingMail)) if mail.recipient not in team]
        assert mails
        texts = [f"{mail.subject} {mail.text} {mail.html} {mail.attachments}" for mail in mails]
        assert any("public guide" in text for text in texts)
        assert [text for text in texts if {word[:6] for word in told(text)} & {"quokka", "axolot"}] == []


def test_a_reply_is_given_no_title_that_its_asker_may_not_read(app, world, browser_of):
    """However the reply was begun: with the address of the page, or with what its form sends."""
    bruno = browser_of("bruno")
    cites = [f"article:{number}" for number in (world["first"], *world["hidden"])]
    page = bruno.get(f"/desk/tickets/{world['ticket']}", query_string={"cites": cites})
    typed_in = re.search(r'<textarea[^>]*name="body"[^>]*>(.*?)</textarea>', page.text, re.DOTALL)[1]
    assert "/kb/en/first" in typed_in
    assert told(typed_in) == set()
    seen = re.search(r'name="seen"[^>]*value="([^"]*)"', page.text)
    form = {"body": "See these.", "cites": cites, "send": "reply", "seen": seen[1] if seen else ""}
    assert bruno.send(f"/desk/tickets/{world['ticket']}/replies", form).status_code == 303
    with app.app_context():
        body = db.session.scalars(db.select(Message.body).order_by(Message.id.desc())).first()
    assert "/kb/en/first" in body
    assert told(body) == set()


def test_the_published_copy_and_its_index_hold_nothing_hidden(app, world, tmp_path):
    with app.app_context():
        publishing.publish(tmp_path / "site")
    paths = [path for path in (tmp_path / "site").rglob("*") if path.is_file()]
    assert any("open words" in path.read_text(errors="replace") for path in paths)
    leaks = [(str(path), told(f"{path.relative_to(tmp_path)} {path.read_text(errors='replace')}")) for path in paths]
    assert [leak for leak in leaks if leak[1]] == []

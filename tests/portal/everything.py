"""Everything of the knowledge base and the desk that only some may read, and every address at which one can read.

Each text that not everybody may read holds words that begin alike: those of staff with ``quokka``, those of champions
with ``axolotl``, those of one asker's ticket with ``pangolin``.
"""

import re
from urllib.parse import unquote

from core import files
from core.db import db
from helpdesk import tickets
from helpdesk.models import Message
from helpdesk.written import Words
from kb import (
    answer_files,
    answer_merging,
    answer_review,
    answers,
    article_files,
    articles,
    collections,
    feedback,
    gaps,
    typed,
    workflow,
)
from kb.answer_models import AnswerFile
from kb.answer_standing import digest
from kb.collection_models import RelatedArticle
from kb.models import Answer, Article, ArticleFile
from kb.pages import Details
from tests.conftest import member

# Who may be told words that begin like this.
MAY_READ = {
    "quokka": {"bruno"},
    "axolotl": {"bruno", "amara"},
    "pangolin": {"bruno", "paula"},
}
STRANGER = "stranger"
# quentin asks nothing here; paula is the one whose ticket it is; amara is a champion, bruno of the staff.
PEOPLE = (STRANGER, "quentin", "paula", "amara", "bruno")
READERS = PEOPLE[:-1]

STAFF, NOTHING = "staff", "nothing"
ONE = "/kb/en/first"

# Every route that answers GET: the addresses to ask for; STAFF, where nobody else is let in; NOTHING, where neither
# an article, a past answer nor a ticket is shown. A new route has to be put in here.
ROUTES: dict[str, list[str] | str] = {
    "kb.browse": [
        "/kb/", "/kb/?language=en", "/kb/?language=es", "/kb/?topic=schema", "/kb/?topic=schema&language=es",
        "/kb/?language=pt", "/kb/?topic=other", "/kb/?topic=schema&language=en&after=x", "/kb/?lang=es",
    ],
    "kb.browse_language": ["/kb/en/", "/kb/es/"],
    "kb.article": [
        ONE, "/kb/en/last", f"{ONE}?in=all", f"{ONE}?in=inner", f"{ONE}?in=for-staff", f"{ONE}?wanted=es",
        "/kb/es/first", "/kb/fr/first", "/kb/es/last", "/kb/en/before", "/kb/en/bringing", "/kb/fr/bringing",
        "/kb/es/of-hidden", "/kb/en/of-hidden",
    ],
    "kb.article_feedback": [f"{ONE}/feedback", "/kb/en/last/feedback"],
    "kb.file": ["/kb/files/{public_file}/open.txt"],
    "kb.feed": [
        "/kb/feed.atom", "/kb/feed.atom?topic=schema", "/kb/feed.atom?language=en", "/kb/feed.atom?language=es",
        "/kb/feed.atom?topic=schema&language=es",
    ],
    "kb.collection_index": ["/kb/collections"],
    "kb.collection": ["/kb/collections/all", "/kb/collections/inner"],
    "kb.answers": [
        "/answers/", "/answers/?topic=schema", "/answers/?language=en", "/answers/?country=GH", "/answers/?state=draft",
        "/answers/?state=withdrawn", "/answers/?state=in_review", "/answers/?state=merged", "/answers/?state=approved",
    ],
    "kb.answer": ["/answers/open-answer"],
    "kb.answer_file": ["/answers/open-answer/files/{open_answer_file}/open.txt"],
    "kb.answer_feedback": ["/answers/open-answer/feedback"],
    "kb.answers_feed": ["/answers/feed.atom", "/answers/feed.atom?topic=schema", "/answers/feed.atom?country=GH"],
    "kb_api.index": [
        "/api/v1/articles", "/api/v1/articles?topic=schema", "/api/v1/articles?lang=es",
        "/api/v1/articles?translation_of={first}", "/api/v1/articles?translation_of={inner}",
        "/api/v1/articles?slug=inner-guide", "/api/v1/articles?slug=first",
    ],
    "kb_api.show": ["/api/v1/articles/{first}", "/api/v1/articles/{bringing}", "/api/v1/articles/{last}"],
    "kb_api.answers": ["/api/v1/answers", "/api/v1/answers?topic=schema", "/api/v1/answers?country=GH"],
    "kb_api.show_answer": ["/api/v1/answers/{open_answer}"],
    "kb_api.topic_index": ["/api/v1/topics"],
    "kb_api.collection_index": ["/api/v1/collections"],
    "kb_api.show_collection": ["/api/v1/collections/{all}", "/api/v1/collections/{inner_list}"],
    "portal.home": ["/"],
    "portal.sitemap": ["/sitemap.xml"],
    "portal.sitemap_part": ["/sitemap-pages-1.xml", "/sitemap-articles-1.xml", "/sitemap-answers-1.xml"],
    "portal_api.search": [
        "/api/v1/search?q=public", "/api/v1/search?q=procedure", "/api/v1/search?q=public&kind=ticket",
        "/api/v1/search?q=public&kind=answer", "/api/v1/search?q=pulbic",
    ],
    "portal_api.suggestions": ["/api/v1/suggestions?text=public+procedure", "/api/v1/suggestions?text=guide"],
    "search.page": [
        "/search?q=public", "/search?q=procedure", "/search?q=guide", "/search?q=public&topic=schema",
        "/search?q=public&lang=es", "/search?q=public&kind=ticket", "/search?q=public&kind=answer", "/search?q=publik",
        "/search?q=public&page=2", "/search",
    ],
    "suggestions.index": [
        "/suggestions?title=public+procedure", "/suggestions?title=bridge&body=public", "/suggestions?title=guide",
    ],
    "suggestions.preview": [
        "/suggestions/article/{first}", "/suggestions/article/{bringing}", "/suggestions/answer/{open_answer}",
    ],
    "helpdesk.ask": ["/ask", "/ask?title=public+procedure&topic=schema"],
    "helpdesk.asked": ["/ask/sent"],
    "helpdesk.own_tickets": ["/tickets"],
    "helpdesk.show": ["/tickets/{ticket}"],
    "helpdesk_api.index": ["/api/v1/tickets"],
    "helpdesk_api.show": ["/api/v1/tickets/{ticket}"],
    "ticket_files.download": ["/tickets/{ticket}/files/{attachment}"],
    "publish.decide": ["/answers/consent/forged"],
    # What staff alone open. The addresses are made from the rule, with the numbers of what is hidden.
    **dict.fromkeys(
        (
            "kb.care", "kb.difference", "kb.drafts", "kb.edit", "kb.edit_answer", "kb.edit_collection", "kb.history",
            "kb.inbox", "kb.new", "kb.new_collection", "kb.order", "kb.review", "kb.translate", "kb.translation_file",
            "kb.translation_work", "gaps.choose", "gaps.index", "health.index", "links.page", "sync.conflict",
            "sync.index", "synonyms.index", "suggestion_report.export", "suggestion_report.page", "admin.report",
            "admin.overview", "admin.outbox", "publish.change", "publish.choose_article",
            "publish.choose_files", "publish.edit", "publish.show", "publish.work_list", "desk.counts", "desk.filters",
            "desk.fit", "desk.full", "desk.index", "desk.new", "desk.open_fit", "desk.peers", "desk.show",
            "mail.health_page", "mail.index", "mail.raw", "mail.sent", "mail.show", "mail_texts.edit",
            "mail_texts.index",
        ),
        STAFF,
    ),
    **dict.fromkeys(
        (
            "portal.healthz", "portal.readyz", "portal.metrics", "portal.robots", "portal_api.describe", "static", "versioned",
            "accounts.language_of_browser", "accounts.link_sent", "accounts.mail_choice", "accounts.open_link",
            "accounts.profile", "accounts.security", "accounts.sign_in", "accounts.theme", "accounts.tokens",
            "accounts.unsubscribe", "connections.index", "connections.propose_page", "connections.show",
            "peers.directory", "peers.edit", "peers.show", "people.edit", "people.edit_organisation", "people.index",
            "people.new", "people.new_organisation", "people.organisation_index", "people.show",
        ),
        NOTHING,
    ),
}  # fmt: skip


def told(text: str) -> set[str]:
    return set(re.findall(r"(?:quokka|axolotl|pangolin)\w*", unquote(text).lower()))


def secrets(page, who: str) -> set[str]:
    """The words on a page that somebody may not be told; headers, such as where it leads, among them."""
    words = told(f"{page.text} {page.headers}")
    return {word for word in words if not any(word.startswith(sign) and who in may for sign, may in MAY_READ.items())}


def build(app, work) -> dict[str, object]:
    """Everything that can be hidden, each beside something public; numbers of it to ask for."""
    with app.app_context():
        names = _write_articles() | _write_answers() | _write_tickets()
        gaps.note("quokkasearched in vain", "nothing", language="en")
        db.session.commit()
    work()
    work()
    with app.app_context():
        assert db.session.scalar(db.select(Article.state).where(Article.slug == "retired-guide")) == "retired"
    return names


def article_of(slug: str, word: str = "", title: str = "", **more) -> Article:
    """An article that has a word in everything that it says; a public one without it."""
    body = f"Public procedure of the guide {word}.\n\n## Heading {word}2\n\n(label-{slug})=\n\n### Deeper {word}3\n\nMore."
    details = {
        "title": title or f"Public guide {word} {slug}", "slug": slug, "summary": f"Public summary {word}",
        "topic": "schema", "tags": (f"tag {word}",), "state": "published",
    }  # fmt: skip
    body = more.pop("body", body)
    return articles.write(Details(**{**details, **more}), body, by=member("bruno"), reason=f"why {word}")


def _kept_file(name: str, text: str) -> ArticleFile:
    return article_files.add(text.encode(), name)


def _write_articles() -> dict[str, object]:
    bruno, carla = member("bruno"), member("carla")
    secret, opened = _kept_file("quokkafile.txt", "quokkacontent"), _kept_file("open.txt", "open words")
    first = article_of("first", body=f"Public procedure.\n\n[open](/kb/files/{opened.file_id}/open.txt)")
    last = article_of("last")
    inner = article_of(
        "inner-guide", "quokkaarticle", visibility="staff",
        body="Public procedure of quokkabody.\n\n(inner-label)=\n\n## Heading quokkaheading\n\n"
        f"![picture](/kb/files/{secret.file_id}/quokkafile.txt)",
    )  # fmt: skip
    hidden = [
        inner,
        article_of("champion-guide", "axolotlarticle", visibility="champions"),
        article_of("draft-guide", "quokkadraft", state="draft"),
        article_of("review-guide", "quokkareview", state="draft"),
        article_of("retired-guide", "quokkaretired"),
        article_of("withdrawn-guide", "quokkawithdrawn"),
    ]
    workflow.ask_review(hidden[3], carla, by=bruno, note="quokkareviewnote")
    workflow.comment(hidden[3], "quokkacomment", line=1, by=carla)
    workflow.retire(hidden[4], None, by=bruno)
    articles.withdraw(hidden[5], by=bruno)
    # Of a public one: a change that nobody sees yet, what somebody types, an old version, what a reader said.
    articles.edit(last, articles.details_of(last), "Public quokkaoldversion.", by=bruno, reason="quokkareason")
    articles.edit(last, articles.details_of(last), "Public procedure of the guide.", by=bruno, reason="quokkareason")
    details = articles.details_of(first)
    workflow.keep_change(first, details, "public quokkakept", by=bruno, reason="quokkakeptwhy")
    typed.keep(bruno, f"article-{first.id}", {"title": "quokkatyped", "body": "quokkatypedbody"}, after="")
    feedback.give(first, is_helpful=False, by=None, comment="quokkafeedback")
    # Translations that not everybody may read, and one whose source is hidden.
    article_of("first", "quokkaspanish", language="es", visibility="staff")
    article_of("first", "quokkafrench", language="fr", state="draft")
    of_hidden = article_of("of-hidden", "quokkasource")
    article_of("of-hidden", language="es")
    articles.edit(of_hidden, articles.details_of(of_hidden), "Public quokkanewer.", by=bruno)
    articles.withdraw(of_hidden, by=bruno)
    # One that moved, and hidden ones that did, to addresses that say more.
    moved = article_of("before", title="Public moved")
    articles.edit(moved, changed(moved, slug="afterwards"), moved.body, by=bruno)
    staff_moved = article_of("staff-before", "quokkamoved", visibility="staff")
    articles.edit(staff_moved, changed(staff_moved, slug="quokkamoved-address"), staff_moved.body, by=bruno)
    for language, visibility in (("en", "public"), ("fr", "champions")):
        bringing = article_of(
            "bringing", language=language, visibility=visibility, title="Public bringing",
            body="Public before.\n\n```{include} ../en/inner-guide.md\n```\n\n[](../en/inner-guide.md) [](#inner-label) "
            "{ref}`inner-label` {ref}`label-champion-guide`\n\n```{include} ../en/draft-guide.md\n```\n",
        )  # fmt: skip
    row = collections.write(collections.Words(title="All", slug="all"), by=bruno)
    collections.put(row, [first.id, *(each.id for each in hidden), last.id], by=bruno)
    words = {"title": "Quokkacollection", "text": "quokkacollectiontext", "slug": "for-staff", "visibility": "staff"}
    of_staff = collections.write(collections.Words(**words), by=bruno)
    collections.put(of_staff, [first.id, last.id], by=bruno)
    words = {"title": "Axolotlcollection", "slug": "for-champions", "visibility": "champions", "parent_id": row.id}
    collections.put(collections.write(collections.Words(**words), by=bruno), [first.id], by=bruno)
    within = collections.write(collections.Words(title="Inner", slug="inner", parent_id=of_staff.id), by=bruno)
    collections.put(within, [inner.id, first.id, hidden[1].id], by=bruno)
    db.session.add_all(
        RelatedArticle(article_id=first.id, related_id=each.id, position=place) for place, each in enumerate(hidden)
    )
    db.session.flush()
    source = db.session.scalars(db.select(Article).where(Article.slug == "bringing", Article.language == "en")).one()
    assert bringing.source_id == source.id
    return {
        "first": first.id, "last": last.id, "inner": inner.id, "bringing": source.id, "all": row.id,
        "inner_list": within.id, "staff_list": of_staff.id, "hidden": [each.id for each in hidden],
        "secret_file": secret.file_id, "public_file": opened.file_id,
    }  # fmt: skip


def changed(article: Article, **changes) -> Details:
    details = articles.details_of(article)
    return Details(**{**vars(details), **changes})


def _write_answers() -> dict[str, object]:
    bruno, carla = member("bruno"), member("carla")
    rows: dict[str, Answer] = {}
    for name, word, more in (
        ("open", "", {}), ("draft", "quokkaanswer", {}), ("review", "quokkainreview", {}),
        ("approved", "quokkaapproved", {}), ("back", "quokkaback", {}), ("merged", "quokkamerged", {}),
        ("champion", "axolotlanswer", {"visibility": "champions"}), ("staff", "quokkastaffanswer", {"visibility": "staff"}),
    ):  # fmt: skip
        title = f"{word or name} answer".strip()
        rows[name] = answers.draft(
            by=bruno, title=title, question=f"Public question {word}", answer=f"Public procedure {word}", topic="schema",
            country="GH" if name == "open" else "PY", tags=[f"tag {word}"], **more,
        )  # fmt: skip
        named = "open.txt" if name == "open" else f"{word}-file.txt"
        answer_files.choose(rows[name], [(files.save(f"{word} inside".encode(), named).id, named)], by=bruno)
        if name in {"open", "champion", "staff", "back"}:
            answers.publish(rows[name], basis=answers.NOTHING_PERSONAL, by=member("chidi"))
    answers.withdraw(rows["back"], by=bruno)
    for name in ("review", "approved"):
        answer_review.ask(rows[name], by=bruno)
    answer_review.approve(rows["approved"], by=carla, digest=digest(rows["approved"]), comment="quokkaverdict")
    answer_merging.merge(rows["merged"], rows["open"], by=bruno)
    db.session.flush()
    file_ids = {row.answer_id: row.id for row in db.session.scalars(db.select(AnswerFile))}
    return {
        "open_answer": rows["open"].id, "open_answer_file": file_ids[rows["open"].id],
        "hidden_answers": {row.id: file_ids[row.id] for name, row in rows.items() if name != "open"},
        "draft_answer": rows["draft"].id,
    }  # fmt: skip


def _write_tickets() -> dict[str, object]:
    bruno, paula = member("bruno"), member("paula")
    stored = files.save(b"pangolincontent", "pangolinfile.txt")
    words = Words("Public pangolinbody about the bridge.", files=[stored])
    ticket = tickets.ask(by=paula, title="Public bridge pangolintitle", words=words, topic="schema")
    tickets.note(ticket, by=bruno, words=Words("Public quokkanote."))
    message = tickets.reply(ticket, by=bruno, words=Words("See the public guide."))
    for slug in ("inner-guide", "champion-guide", "first"):
        cited = db.session.scalars(db.select(Article).where(Article.slug == slug, Article.language == "en")).one()
        tickets.cite(message, cited, by=bruno)
    tickets.solve(ticket, by=bruno)
    db.session.flush()
    first = db.session.scalars(db.select(Message).where(Message.ticket_id == ticket.id).order_by(Message.id)).first()
    return {"ticket": ticket.number, "attachment": first.attachments[0].id, "message": first.id}

"""The public pages of the knowledge base: browse, an article, past answers, files, feeds."""

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any
from urllib.parse import urljoin

from babel import Locale, UnknownLocaleError
from flask import (
    Blueprint,
    Flask,
    abort,
    current_app,
    redirect,
    render_template,
    request,
    url_for,
)
from flask.typing import ResponseReturnValue
from sqlalchemy import bindparam, func, select, union_all
from sqlalchemy.orm import defer, undefer

from accounts.policy import staff
from core import files, pager
from core.db import db
from core.i18n import OWN_NAMES, _, country_name, language_name
from core.i18n import language as interface_language
from core.policy import can, checked, permits, require
from core.web import csp_nonce, external, person
from kb import addresses, metadata, page_cache, reading, topics, translations, view_counts
from kb.article_files import shows
from kb.models import MERGED, PUBLIC, PUBLISHED, READABLE, Answer, Article, ArticleFile
from kb.slugs import answer_path, article_path, topic_path

bp = Blueprint("kb", __name__)

LISTED = 5
PAGE = 50
# A compound SELECT of SQLite has at most 500 parts.
MOST_TOGETHER = 200
EXCERPT = 220
# What a picture may do that is shown by its address inside our pages: nothing but be drawn.
SVG = "image/svg+xml"

# Built once: on this page, building a statement takes longer than running it.
_ARTICLE: Any = (
    select(Article).where(Article.language == bindparam("language"), Article.slug == bindparam("slug"))
)  # fmt: skip
_WITH_TEXT: Any = _ARTICLE.options(undefer(Article.body_html), undefer(Article.contents))


def register(app: Flask) -> None:
    """Add the routes, those of the other modules of this part too."""
    # Importing them adds their routes.
    from kb import (  # noqa: F401
        answer_file_views,
        answer_views,
        collection_views,
        edit_views,
        feedback_views,
        feeds,
        translation_views,
        workflow_views,
    )

    app.jinja_env.filters["own_language_name"] = own_language_name
    app.jinja_env.globals.update(share_picture=share_picture)
    app.register_blueprint(bp)


def share_picture() -> str:
    """The absolute address of the picture that other sites show beside a link to a page."""
    return f"{current_app.config['BASE_URL'].rstrip('/')}/static/img/share.png"


def own_language_name(code: str) -> str:
    """The name of a language in itself: Español; the code if nobody knows it."""
    try:
        return OWN_NAMES.get(code) or Locale.parse(code.replace("-", "_")).get_display_name() or code
    except (ValueError, UnknownLocaleError):
        return code


@bp.get("/kb/")
@permits("kb.browse")
def browse() -> ResponseReturnValue:
    """Articles by topic, in one language; or all of one topic."""
    # In the order of an index, which is then read through once.
    kept = (Article.state, Article.visibility, Article.language, Article.topic)
    counts = db.session.execute(listed().with_only_columns(*kept, func.count().label("many")).group_by(*kept)).all()
    topic = request.args.get("topic", "")
    by_language: dict[str, int] = {}
    for _state, _visibility, code, other, count in counts:
        if not topic or other == topic:
            by_language[code] = by_language.get(code, 0) + count
    code = _choose(request.args.get("language", ""), by_language)
    languages = sorted(by_language.items(), key=lambda item: (-item[1], item[0]))
    if topic:
        return _topic_page(topic, code, languages)
    cards = _cards(code, [row for row in counts if row.language == code])
    others = [(each, external("kb.browse", language=each)) for each, _count in languages if len(languages) > 1]

    def grid() -> str:
        return render_template("kb/_browse_cards.html", cards=cards, language=code, article_path=article_path)

    def page() -> str:
        return render_template(
            "kb/browse.html", cards=cards, language=code, counts=languages, others=others,
            grid=page_cache.piece(("cards", code, cards), grid) if cards else "",
            own_url=external("kb.browse", language=code),
        )  # fmt: skip

    # Nobody may keep it without asking: what is withdrawn is gone at once.
    return page_cache.answer((code, languages, cards), page, seconds=0)


@bp.get("/kb/<language>/")
@permits("kb.browse")
def browse_language(language: str) -> ResponseReturnValue:
    """The articles in a language, for whoever shortens an address."""
    return redirect(url_for(".browse", language=language))


@bp.get("/kb/<language>/<slug>")
@permits("article.see")
def article(language: str, slug: str) -> ResponseReturnValue:
    """One article; if it is not there in this language, the same in another."""
    # Most pages for strangers were made already: their text is read when it is needed.
    statement = _ARTICLE if person() is None else _WITH_TEXT
    row: Article | None = db.session.scalar(statement, {"language": language, "slug": slug})
    if row is None or not can(person(), "article.see", row):
        return _in_another_language(language, slug)
    require(person(), "article.see", row)
    view_counts.note(row.id)
    wanted = _wanted_language()
    near = reading.around(row, person(), collection=request.args.get("in", ""))
    own_path = article_path(language, slug)
    base_url, site = _root_and_site()
    own_url = urljoin(base_url, own_path)

    def page() -> str:
        if person() is None:
            db.session.refresh(row, ["body_html", "contents"])
        return render_template(
            "kb/article.html", article=row, outline=_outline(row.contents), wanted=wanted, near=near,
            translations=near.translations, related=near.related, own_url=own_path, cite_url=own_url,
            article_path=article_path, base_url=base_url,
            data=metadata.of_article(row, url=own_url, site=site, crumbs=_crumbs(row, "kb.browse")),
        )  # fmt: skip

    made_of = (row.id, row.title, row.updated_at, row.version, row.revision_number, row.state, wanted, near.key)
    return page_cache.answer(made_of, page)


@bp.get("/kb/files/<token>/<name>")
@permits("article_file.see")
def file(token: str, name: str) -> ResponseReturnValue:  # noqa: ARG001 # The name is for people; the token finds.
    """A picture or file. As open as the articles that show it."""
    row = db.session.scalar(select(ArticleFile).where(ArticleFile.file_id == token))
    if row is None:
        abort(404)
    require(person(), "article_file.see", row)
    cache = "public, max-age=3600" if row.visibility == PUBLIC else "private, max-age=300"
    response = files.response(row.file, cache=cache)
    if row.file.content_type == SVG and shows(row.file) and "download" not in request.args:
        # Drawn inside a page it can run nothing; opened by itself it is a download.
        response.mimetype = SVG
    return response


@bp.get("/answers/")
@permits("kb.browse")
def answers() -> ResponseReturnValue:
    """Past answers, the newest first, by topic, country and language."""
    state = request.args.get("state", "") if staff(person()) else ""
    statement = Answer.visible_to(person()).where(Answer.state == (state or PUBLISHED))
    kinds = db.session.execute(
        statement.with_only_columns(Answer.topic, Answer.country, Answer.language).distinct()
    ).all()  # fmt: skip
    statement = filtered(statement, Answer, "topic", "country", "language").options(
        defer(Answer.question_html), defer(Answer.answer_html), defer(Answer.question), defer(Answer.answer)
    )
    order = [(Answer.id, True)] if state else [(Answer.published_at, True), (Answer.id, True)]
    page = pager.page(
        statement, order, after=request.args.get("after", ""), before=request.args.get("before", ""), size=20
    )
    own_url, data = _described(page.items) if not state else ("", None)
    return render_template(
        "kb/answers.html", page=page, state=state, own_url=own_url, data=data,
        excerpt=lambda row: excerpt(row.answer_text),
        choices={
            "topic": (_("Topic"), _("All topics"), _values(kinds, 0, topics.topic_name)),
            "country": (_("Country"), _("All countries"), _values(kinds, 1, country_name)),
            "language": (_("Language"), _("All languages"), _values(kinds, 2, language_name)),
        },
    )  # fmt: skip


@bp.get("/answers/<slug>")
@permits("answer.see")
def answer(slug: str) -> ResponseReturnValue:
    """One past answer, or where it went."""
    from kb import answer_file_views

    row = find_answer(slug)
    if row is None or row.state == MERGED:
        return answer_file_views.elsewhere(slug)
    require(person(), "answer.see", row)
    base_url, site = _root_and_site()
    own_url = urljoin(base_url, answer_path(slug))
    data = metadata.of_answer(row, url=own_url, site=site, crumbs=_crumbs(row, "kb.answers"))
    page = render_template(
        "kb/answer.html", answer=row, own_url=own_url, data=data, description=excerpt(row.answer_text)
    )
    # What is taken back is gone at once, from shared caches too.
    return page_cache.answer((page.replace(csp_nonce(), ""),), lambda: page, seconds=0)


def find_article(language: str, slug: str, *options: Any) -> Article | None:
    """An article that the reader may see.

    :param options: what to load with it.
    """
    statement: Any = Article.visible_to(person()).where(Article.language == language, Article.slug == slug)
    found: Article | None = db.session.scalar(statement.options(*options))
    return found


def find_answer(slug: str) -> Answer | None:
    """A past answer that the reader may see."""
    statement: Any = Answer.visible_to(person()).where(Answer.slug == slug)
    found: Answer | None = db.session.scalar(statement)
    return found


def listed() -> Any:  # A SELECT that changes its columns.
    """Published articles that the reader may see."""
    return Article.visible_to(person()).where(Article.state.in_(READABLE))


def filtered(statement: Any, model: Any, *names: str) -> Any:
    """Those that have what the address names: ``?topic=…``."""
    for name in names:
        if value := request.args.get(name, ""):
            statement = statement.where(getattr(model, name) == value)
    return statement


def _root_and_site() -> tuple[str, str]:
    return current_app.config["BASE_URL"], current_app.extensions["settings"].site.name


def _crumbs(row: Article | Answer, endpoint: str) -> list[tuple[str, str]]:
    """What stands above a page, with absolute addresses."""
    name = _("Knowledge base") if endpoint == "kb.browse" else _("Past answers")
    more = {"language": row.language} if endpoint == "kb.browse" else {}
    return [(name, external(endpoint, **more)), (row.topic_name, external(endpoint, **more, topic=row.topic))]


def _described(rows: Sequence[Answer]) -> tuple[str, dict[str, Any] | None]:
    """The address of a list of past answers, as whoever filtered it asked, and what search engines are told of it."""
    names = ("topic", "country", "language", "after", "before")
    url = external("kb.answers", **{name: value for name in names if (value := request.args.get(name, "")[:60])})
    return url, metadata.of_answers(rows, url=url, address=lambda row: external("kb.answer", slug=row.slug))


def _choose(wanted: str, counts: dict[str, int]) -> str:
    """The language to show: the one asked for, the reader's, or the one with most articles."""
    if wanted in counts:
        return wanted
    if interface_language() in counts:
        return interface_language()
    return max(counts, key=lambda code: counts[code], default=interface_language())


def _cards(code: str, counts: Sequence[Any]) -> list[dict[str, Any]]:
    """The topics with their first articles.

    :param counts: how many there are of each topic, state and visibility; for each of these the index is read in its
        order and for few rows, while sorting all articles would take as long as all the rest.
    """
    by_topic: dict[str, int] = {}
    for row in counts:
        by_topic[row.topic] = by_topic.get(row.topic, 0) + row.many
    found: list[Any] = []
    for start in range(0, len(counts), MOST_TOGETHER):
        some = counts[start : start + MOST_TOGETHER]
        asked = {"language": code}
        for number, row in enumerate(some):
            asked |= {f"topic{number}": row.topic, f"state{number}": row.state, f"seen{number}": row.visibility}
        found += db.session.connection().execute(_first_articles(len(some)), asked)
    firsts: dict[str, list[tuple[int, str, str]]] = {}
    for topic, slug, title, position in found:
        firsts.setdefault(topic, []).append((position, title, slug))
    order = {topic: position for position, topic in enumerate(topics.TOPICS)}
    return [
        {"topic": topic, "name": topics.topic_name(topic), "count": count, "path": topic_path(code, topic),
         "articles": [(slug, title) for _position, title, slug in sorted(firsts[topic])[:LISTED]]}
        for topic, count in sorted(by_topic.items(), key=lambda item: (order.get(item[0], 18), item[0]))
    ]  # fmt: skip


@lru_cache(maxsize=32)
def _first_articles(many: int) -> Any:
    """The statement for so many topics, states and visibilities: building one takes longer than running it."""
    parts = [
        select(Article.topic, Article.slug, Article.title, Article.position)
        .where(Article.state == bindparam(f"state{number}"), Article.visibility == bindparam(f"seen{number}"))
        .where(Article.language == bindparam("language"), Article.topic == bindparam(f"topic{number}"))
        .order_by(Article.position, Article.title).limit(LISTED)
        for number in range(many)
    ]  # fmt: skip
    return union_all(*(select(part.subquery()) for part in parts))


def _topic_page(topic: str, code: str, languages: Sequence[tuple[str, int]]) -> str:
    statement = listed().where(Article.language == code, Article.topic == topic)
    page = pager.page(
        statement, [(Article.position, False), (Article.title, False), (Article.id, False)],
        after=request.args.get("after", ""), before=request.args.get("before", ""), size=PAGE,
    )  # fmt: skip
    name = topics.topic_name(topic)
    addresses_of = {each: external("kb.browse", language=each, topic=topic) for each, _count in languages}
    own_url = addresses_of.get(code, "")
    _root, site = _root_and_site()
    data = metadata.of_list(
        name, page.items, url=own_url, language=code, description="", site=site,
        crumbs=[(_("Knowledge base"), external("kb.browse", language=code))],
        address=lambda row: external("kb.article", language=row.language, slug=row.slug),
    ) if page.items else None  # fmt: skip
    return render_template(
        "kb/topic.html", page=page, topic=topic, name=name, language=code, counts=languages, own_url=own_url,
        data=data, others=list(addresses_of.items()) if len(addresses_of) > 1 else [],
    )  # fmt: skip


def _in_another_language(language: str, slug: str) -> ResponseReturnValue:
    """The same article under its address in this language; else in another one, which the page then says."""
    found = listed().where(Article.slug == slug).order_by(Article.source_id.is_not(None), Article.id).limit(1)
    first = db.session.scalar(found)
    if first is None or first.language != language:
        led = addresses.lead(language, slug, person())
        if led is not None:
            require(person(), "article.see", led)
            return redirect(article_path(led.language, led.slug), 301)
    if first is None:
        checked("article.see")
        if addresses.is_gone(language, slug, person()):
            return render_template("kb/article_gone.html"), 410
        abort(404)
    rows = db.session.scalars(
        listed().where(translations.same_in_other_words(translations.head_of(first))).order_by(Article.id).limit(100)
    ).all()
    choices = {row.language: row for row in rows}
    row = choices.get(language) or choices.get(interface_language()) or choices.get("en") or first
    require(person(), "article.see", row)
    more: dict[str, Any] = {"wanted": language} if row.language != language else {}
    return redirect(url_for(".article", language=row.language, slug=row.slug, **more))


def _wanted_language() -> str:
    """The name of the language that the reader asked for and that there is none of, "" otherwise."""
    code = request.args.get("wanted", "")
    name = language_name(code) if code else code
    return name if name != code else ""


def _outline(contents: Sequence[dict[str, Any]]) -> list[tuple[dict[str, Any], list[dict[str, Any]]]]:
    """The headings of the two upper levels, the lower ones under theirs."""
    upper = min((heading["level"] for heading in contents), default=2)
    outline: list[tuple[dict[str, Any], list[dict[str, Any]]]] = []
    for heading in contents:
        if heading["level"] == upper:
            outline.append((heading, []))
        elif heading["level"] == upper + 1 and outline:
            outline[-1][1].append(heading)
    return outline


def _values(rows: Sequence[Any], place: int, name: Callable[[str], str]) -> list[tuple[str, str]]:
    return sorted({(row[place], name(row[place])) for row in rows if row[place]}, key=lambda pair: pair[1].casefold())


def excerpt(text: str) -> str:
    """The beginning of a text on one line, cut at a word."""
    line = " ".join("".join(char if char.isprintable() or char.isspace() else " " for char in text).split())
    if len(line) < EXCERPT - 20:
        return line
    return f"{line[: EXCERPT - 20].rpartition(' ')[0]}…"

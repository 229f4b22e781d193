"""What can be done with an article. Pages, API, import and commands all call these; none of them commits.

The text is laid out here, when it is written. Every change of an article is a revision: who, when and why.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from sqlalchemy import select, update

from accounts.models import User
from core.db import db, now
from core.events import record
from core.exceptions import NotNow, Refused
from core.i18n import _
from kb import addresses, article_files, front_matter, pages, rendering, translations
from kb.links import Places
from kb.models import (
    DRAFT,
    NORMAL,
    PUBLISHED,
    READABLE,
    RENDERER,
    SIGNIFICANCES,
    VISIBILITIES,
    WITHDRAWN,
    Article,
    Revision,
)  # fmt: skip
from kb.pages import SUMMARY_LENGTH, TITLE_LENGTH, Details, Page, clean_tags, one_line, path_of
from kb.slugs import is_language, is_slug, slugify, unique
from kb.states import STATES, can_move

BODY_LENGTH = 1_000_000
REASON_LENGTH = 300


@dataclass(frozen=True)
class Source:
    """The file that an article came from: its place in the folder, its head as it was, fields that are not ours."""

    path: str
    head: str = ""
    others: Mapping[str, Any] = field(default_factory=dict)
    #: Of a page that is made from another one and a catalogue of translations: what tells whether those changed.
    made_from: str = ""


def write(
    details: Details, body: str, *, by: User | None, reason: str = "", source: Source | None = None,
    places: Places | None = None,
) -> Article:  # fmt: skip
    """Write a new article; ``details.state`` says whether it is published at once.

    :param details: without a slug it gets one from its title.
    :param places: what relative links lead to; by default what is in the knowledge base.
    :raises Refused: naming the field, for a slug that is taken or a detail that cannot be.
    """
    details = checked(details, body)
    if not details.slug:
        details = replace(details, slug=unique(slugify(details.title), _slugs(details.language)))
    elif details.slug in _slugs(details.language):
        raise Refused(_("Another article in this language has this address already."), "slug")
    article = Article(language=details.language, slug=details.slug, state=DRAFT, revision_number=0)
    _take_source(article, source)
    _put(article, details, body)
    _lay_out(article, body, places or Places())
    db.session.add(article)
    db.session.flush()
    addresses.free(article.language, article.slug)
    article_files.note_uses(article, article.body_html)
    revision = _add_revision(article, by, reason)
    translations.adopt(article, is_from_file=source is not None)
    record("article.written", article, by=by, revision=revision)
    set_state(article, details.state, by=by)
    return article


def edit(
    article: Article, details: Details, body: str, *, by: User | None, reason: str = "", source: Source | None = None,
    places: Places | None = None, significance: str = NORMAL,
) -> Revision | None:  # fmt: skip
    """Change an article; its state stays as it is. Nothing is written if nothing changes.

    :raises Refused: naming the field, for a slug that is taken or a detail that cannot be.
    """
    details = checked(details, body)
    if not details.slug:
        details = replace(details, slug=article.slug)
    moved = (details.language, details.slug) != (article.language, article.slug)
    if moved and details.slug in _slugs(details.language):
        raise Refused(_("Another article in this language has this address already."), "slug")
    if source is not None:
        _take_source(article, source)
    if details == replace(details_of(article), state=details.state) and body == article.body:
        refresh(article, places)
        return None
    was_open_to, was_at = article.visibility, (article.language, article.slug)
    _put(article, details, body)
    if moved:
        addresses.remember(article, *was_at)
    _lay_out(article, body, places or Places())
    article.updated_at = now()
    article_files.note_uses(article, article.body_html)
    revision = _add_revision(article, by, reason, significance)
    if source is not None:
        # In a folder a translation is changed because its source was.
        translations.mark_current(article)
    changed = {"visibility": article.visibility} if article.visibility != was_open_to else {}
    record("article.edited", article, by=by, revision=revision, **changed)
    return revision


def publish(article: Article, *, by: User | None) -> None:
    """Show an article to those whom its visibility names.

    :raises NotNow: if it is published already.
    """
    if not can_move(article.state, PUBLISHED):
        raise NotNow(_("This article is published already."))
    article.state, article.replaced_by_id = PUBLISHED, None
    article.published_at = article.published_at or now()
    article_files.follow(article)
    record("article.published", article, by=by)


def withdraw(article: Article, *, by: User | None) -> None:
    """Show an article to staff alone; it can be published again.

    :raises NotNow: if it is not published.
    """
    if article.state not in READABLE:
        raise NotNow(_("This article is not published."))
    article.state = WITHDRAWN
    article_files.follow(article)
    record("article.withdrawn", article, by=by)


def set_state(article: Article, state: str, *, by: User | None) -> bool:
    """Bring an article into a state, by the verbs that lead there. Returns whether it changed."""
    if state == article.state:
        return False
    if {state, article.state} == set(READABLE):
        article.state = state
        record("article.confirmed" if state == PUBLISHED else "article.update_needed", article, by=by)
    elif state in READABLE:
        publish(article, by=by)
        article.state = state
    elif article.state in READABLE:
        withdraw(article, by=by)
        article.state = state
    else:
        article.state = state
    return True


def restore(article: Article, revision: Revision, *, by: User | None) -> Revision | None:
    """Make an article say again what it said; that is a new revision. None if it says so already."""
    details = replace(details_of(article), title=revision.title, summary=revision.summary)
    reason = _("Version %(number)s again", number=revision.number)
    restored = edit(article, details, revision.body, by=by, reason=reason)
    if restored is not None:
        record("article.restored", article, by=by, revision=restored, again=revision)
    return restored


def refresh(article: Article, places: Places | None = None) -> bool:
    """Lay an article out again if its links lead elsewhere by now. Not a revision: nobody wrote anything."""
    places = places or Places()
    if article.renderer == RENDERER and article.links == _whole(article, article.body, places)[1]:
        return False
    _lay_out(article, article.body, places)
    article_files.note_uses(article, article.body_html)
    return True


def details_of(article: Article) -> Details:
    """The details of an article as it is."""
    return Details(
        title=article.title, slug=article.slug, topic=article.topic, language=article.language,
        visibility=article.visibility, tags=tuple(article.tags), summary=article.summary, state=article.state,
    )  # fmt: skip


def place_of(article: Article) -> str:
    """Where an article stands in the folder that all articles make up."""
    return article.source_path or path_of(article.language, article.slug)


def as_file(article: Article) -> str:
    """The file of an article: as it came, while it still says the same."""
    kept = article.front_matter or {}
    head = kept.get("head", "") if article.source_path else None
    return pages.write(
        place_of(article), article.body, details_of(article), head=head, others=kept.get("others") or {}
    )  # fmt: skip


def note_file(article: Article, path: str, text: str) -> None:
    """Remember the file that an article is by now, so that a later one is compared with it. Not a change of it."""
    parts = front_matter.split(text)
    others = {name: value for name, value in parts.fields.items() if name not in pages.NAMES}
    kept = {**(article.front_matter or {}), "head": parts.head, "others": others}
    db.session.execute(
        update(Article).where(Article.id == article.id).values(source_path=path, front_matter=kept)
        .execution_options(synchronize_session="fetch")
    )  # fmt: skip


def is_as_it_came(article: Article, page: Page) -> bool:
    """Whether an article says what its file says that came again, wherever it was put and however far it is here."""
    kept = (article.front_matter or {}).get("head", "") if article.source_path else None
    details = replace(details_of(article), state=page.details.state)
    return kept == page.head and page.head + page.body == pages.write(
        place_of(article), article.body, details, head=kept
    )  # fmt: skip


def checked(details: Details, body: str) -> Details:
    """The details without what cannot be kept.

    :raises Refused: naming the field.
    """
    title = one_line(details.title)
    if not title:
        raise Refused(_("An article needs a title."), "title")
    if len(title) > TITLE_LENGTH:
        raise Refused(_("A title may have %(count)s characters.", count=TITLE_LENGTH), "title")
    if details.slug and not is_slug(details.slug):
        raise Refused(_("The address may only hold small letters, digits and single hyphens."), "slug")
    if not is_language(details.language):
        raise Refused(_("“%(code)s” is not the code of a language.", code=details.language), "language")
    if details.visibility not in VISIBILITIES:
        raise Refused(_("Nobody knows this visibility."), "visibility")
    if details.state not in STATES:
        raise Refused(_("Nobody knows this state."), "state")
    if "\x00" in body:
        raise Refused(_("The text contains a character that cannot be kept."), "body")
    if len(body) > BODY_LENGTH:
        raise Refused(_("A text may have %(count)s characters.", count=BODY_LENGTH), "body")
    return replace(
        details, title=title, summary=one_line(details.summary)[:SUMMARY_LENGTH], tags=clean_tags(list(details.tags)),
        topic=slugify(details.topic)[:60].strip("-") or "other",
    )  # fmt: skip


def _slugs(language: str) -> set[str]:
    return set(db.session.scalars(select(Article.slug).where(Article.language == language)))


def _take_source(article: Article, source: Source | None) -> None:
    if source is None:
        article.source_path = article.source_path or ""
        return
    kept = {"head": source.head, "others": dict(source.others)}
    if source.made_from:
        kept["made_from"] = source.made_from
    if (article.source_path, article.front_matter) != (source.path, kept):
        article.source_path, article.front_matter = source.path, kept


def _put(article: Article, details: Details, body: str) -> None:
    article.language, article.slug, article.topic = details.language, details.slug, details.topic
    article.title, article.summary, article.tags = details.title, details.summary, list(details.tags)
    article.visibility, article.body = details.visibility, body


def _whole(article: Article, body: str, places: Places) -> tuple[str, dict[str, str]]:
    others = (article.front_matter or {}).get("others")
    return rendering.whole(body, place_of(article), places, visibility=article.visibility, others=others)


def _lay_out(article: Article, body: str, places: Places) -> None:
    text, links = _whole(article, body, places)
    laid_out = rendering.lay_out(text, article.title, links, article.language)
    article.body_html, article.body_text = laid_out.html, laid_out.text
    article.contents, article.links, article.is_plain = laid_out.contents, links, laid_out.is_plain
    article.renderer = RENDERER


def _add_revision(article: Article, by: User | None, reason: str, significance: str = NORMAL) -> Revision:
    article.revision_number = (article.revision_number or 0) + 1
    revision = Revision(
        article_id=article.id, number=article.revision_number, title=article.title, summary=article.summary,
        body=article.body, reason=one_line(reason)[:REASON_LENGTH], author=by,
        significance=significance if significance in SIGNIFICANCES else NORMAL,
    )  # fmt: skip
    db.session.add(revision)
    db.session.flush()
    return revision

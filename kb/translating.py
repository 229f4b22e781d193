"""What a translator does: begin a translation, save it section by section, and say what it was made from."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from sqlalchemy import select
from sqlalchemy.orm import undefer

from accounts.models import User
from core.db import db
from core.exceptions import Refused
from core.i18n import _, language_name
from kb import articles, sections, translations
from kb.models import DRAFT, Article, Revision
from kb.pages import Details
from kb.slugs import is_language


@dataclass(frozen=True)
class Words:
    """What a translator typed: the slug may be "" (then it is that of the source)."""

    title: str
    summary: str
    body: str
    slug: str = ""


def revision(source: Article, number: int) -> Revision:
    """A version of a source with its text; the newest if there is no such version."""
    found = select(Revision).where(Revision.article_id == source.id).options(undefer(Revision.body))
    wanted = db.session.scalar(found.where(Revision.number == number)) if 0 < number < 2**31 else None
    newest = found.order_by(Revision.number.desc()).limit(1)
    return wanted or db.session.scalars(newest).one()


def rows(source: Revision, translation: Article | None) -> list[sections.Row]:
    """The sections of a version of the source beside those of the translation."""
    if translation is None:
        return sections.beside(source.body, source.body, "")
    before = revision(translations.source_of(translation), translation.source_revision_number)
    return sections.beside(source.body, before.body, translation.body)


def save(
    source: Article, translation: Article | None, language: str, words: Words, *, by: User | None, number: int,
    is_current: bool = True, reason: str = "",
) -> Article:  # fmt: skip
    """Write a translation, as a draft if it is new.

    :param number: the version of the source that it was made from.
    :param is_current: whether it now says what that version says.
    :raises Refused: naming the field.
    """
    reason = reason or _("Translation")
    if translation is None:
        translation = _begin(source, language, words, by=by, reason=reason)
        translation.source_revision_number = 0
        is_current = True
    else:
        details = replace(articles.details_of(translation), title=words.title, summary=words.summary)
        if words.slug:
            details = replace(details, slug=words.slug)
        articles.edit(translation, details, words.body, by=by, reason=reason)
    if is_current:
        translations.mark_current(translation, number)
    db.session.flush()
    return translation


def _begin(source: Article, language: str, words: Words, *, by: User | None, reason: str) -> Article:
    if not is_language(language) or language == source.language:
        raise Refused(_("An article cannot be a translation into its own language."), "language")
    if translations.find(source, language) is not None:
        name = language_name(language)
        raise Refused(_("There is a translation into %(language)s already.", language=name), "language")
    details = Details(
        title=words.title, slug=words.slug or source.slug, topic=source.topic, language=language, state=DRAFT,
        visibility=source.visibility, tags=tuple(source.tags), summary=words.summary,
    )  # fmt: skip
    translation = articles.write(details, words.body, by=by, reason=reason)
    if translation.source_id != source.id:
        translations.link(translation, source, by=by)
    return translation


def typed(shown: Sequence[sections.Row], texts: Sequence[str]) -> str:
    """The text of a translation from what was typed beside the rows.

    :raises Refused: if there is not one text for each row.
    """
    if len(texts) != len(shown):
        raise Refused(_("The page does not fit the article any more. Please load it again."), "body")
    return sections.filled(shown, texts)

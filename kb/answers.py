"""What can be done with a past answer: a solved question, published without what belongs to the asker."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from sqlalchemy import select

from accounts.models import User
from core import markdown
from core.db import db, now
from core.events import record
from core.exceptions import NotNow, Refused
from core.i18n import _, country_codes
from kb.models import DRAFT, PUBLIC, PUBLISHED, VISIBILITIES, WITHDRAWN, Answer
from kb.pages import TITLE_LENGTH, clean_tags, one_line
from kb.slugs import is_language, slugify, unique

CONSENT, NOTHING_PERSONAL = "consent", "nothing-personal"
BASES = (CONSENT, NOTHING_PERSONAL)
TEXT_LENGTH = 100_000


@dataclass(frozen=True, kw_only=True)
class Words:
    """What a past answer says, and where it stands. Texts are Markdown."""

    title: str
    question: str
    answer: str
    topic: str = "other"
    country: str = ""
    language: str = "en"
    tags: tuple[str, ...] = ()
    visibility: str = PUBLIC


def draft(
    *, by: User | None, title: str, question: str, answer: str, topic: str = "other", country: str = "",
    language: str = "en", tags: Sequence[str] = (), visibility: str = PUBLIC,
) -> Answer:  # fmt: skip
    """Write a past answer that staff alone see yet.

    :raises Refused: naming the field.
    """
    words = checked(
        Words(
            title=title, question=question, answer=answer, topic=topic, country=country, language=language,
            tags=tuple(tags), visibility=visibility,
        )
    )  # fmt: skip
    taken = set(db.session.scalars(select(Answer.slug)))
    row = Answer(slug=unique(slugify(words.title), taken), state=DRAFT, author=by)
    _put(row, words)
    db.session.add(row)
    db.session.flush()
    record("answer.drafted", row, by=by)
    return row


def edit(row: Answer, words: Words, *, by: User | None) -> bool:
    """Change a past answer. Returns whether anything changed.

    :raises Refused: naming the field.
    """
    words = checked(words)
    before = words_of(row)
    if before == words:
        return False
    if row.state == PUBLISHED and not words.answer:
        raise Refused(_("There is no answer to publish yet."), "answer")
    _put(row, words)
    row.updated_at = now()
    changed = {"visibility": words.visibility} if before.visibility != words.visibility else {}
    record("answer.edited", row, by=by, **changed)
    return True


def words_of(row: Answer) -> Words:
    """What a past answer says now."""
    return Words(
        title=row.title, question=row.question, answer=row.answer, topic=row.topic, country=row.country,
        language=row.language, tags=tuple(row.tags), visibility=row.visibility,
    )  # fmt: skip


def publish(row: Answer, *, basis: str, by: User | None) -> None:
    """Show a past answer to those whom its visibility names.

    :param basis: why it may be: "consent" (the asker agreed) or "nothing-personal" (whoever publishes it vouches).
    :raises NotNow: if it is published already.
    :raises Refused: without a basis or without an answer.
    """
    if row.state == PUBLISHED:
        raise NotNow(_("This past answer is published already."))
    if basis not in BASES:
        raise Refused(_("Say why this may be published."), "basis")
    if not row.answer.strip():
        raise Refused(_("There is no answer to publish yet."), "answer")
    row.state, row.basis = PUBLISHED, basis
    row.published_at = row.published_at or now()
    record("answer.published", row, by=by, basis=basis)


def withdraw(row: Answer, *, by: User | None) -> None:
    """Show a past answer to staff alone; it can be published again.

    :raises NotNow: if it is not published.
    """
    if row.state != PUBLISHED:
        raise NotNow(_("This past answer is not published."))
    row.state = WITHDRAWN
    record("answer.withdrawn", row, by=by)


def checked(words: Words) -> Words:
    """The words without what cannot be kept.

    :raises Refused: naming the field.
    """
    title = one_line(words.title)
    if not title:
        raise Refused(_("A past answer needs a title."), "title")
    if len(title) > TITLE_LENGTH:
        raise Refused(_("A title may have %(count)s characters.", count=TITLE_LENGTH), "title")
    question, answer = _text(words.question, "question"), _text(words.answer, "answer")
    if words.country and words.country not in country_codes():
        raise Refused(_("“%(code)s” is not the code of a country.", code=words.country), "country")
    if not is_language(words.language):
        raise Refused(_("“%(code)s” is not the code of a language.", code=words.language), "language")
    if words.visibility not in VISIBILITIES:
        raise Refused(_("Nobody knows this visibility."), "visibility")
    return replace(
        words, title=title, question=question, answer=answer, tags=clean_tags(words.tags),
        topic=slugify(words.topic)[:60].strip("-") or "other",
    )  # fmt: skip


def _text(text: str, field: str) -> str:
    text = text.replace("\r\n", "\n").strip()
    if len(text) > TEXT_LENGTH:
        raise Refused(_("A text may have %(count)s characters.", count=TEXT_LENGTH), field)
    if "\x00" in text:
        raise Refused(_("The text contains a character that cannot be kept."), field)
    return text


def _put(row: Answer, words: Words) -> None:
    row.title, row.topic, row.country, row.language = words.title, words.topic, words.country, words.language
    row.tags, row.visibility = list(words.tags), words.visibility
    row.question, row.answer = words.question, words.answer
    row.question_html = markdown.render_message(words.question)
    row.answer_html = markdown.render_message(words.answer)
    row.answer_text = markdown.to_text(row.answer_html)

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
from kb import answer_standing
from kb.answer_models import (
    AGREED,
    ASKED,
    CHANGED,
    OVERTAKEN,
    REFUSED,
    TAKEN_BACK,
    AnswerConsent,
    AnswerReview,
)
from kb.models import APPROVED as READ
from kb.models import DRAFT, IN_REVIEW, MERGED, PUBLIC, PUBLISHED, VISIBILITIES, WITHDRAWN, Answer
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
    language: str = "en", tags: Sequence[str] = (), visibility: str = PUBLIC, is_from_ticket: bool = False,
) -> Answer:  # fmt: skip
    """Write a past answer that staff alone see yet.

    :param is_from_ticket: whether it was made from what somebody asked, so that it is for more than one to publish it.
    :raises Refused: naming the field.
    """
    words = checked(
        Words(
            title=title, question=question, answer=answer, topic=topic, country=country, language=language,
            tags=tuple(tags), visibility=visibility,
        )
    )  # fmt: skip
    taken = set(db.session.scalars(select(Answer.slug)))
    row = Answer(slug=unique(slugify(words.title), taken), state=DRAFT, author=by, is_from_ticket=is_from_ticket)
    row.text_by_id = by.id if by is not None else None
    _put(row, words)
    db.session.add(row)
    db.session.flush()
    record("answer.drafted", row, by=by)
    return row


def edit(row: Answer, words: Words, *, by: User | None) -> bool:
    """Change a past answer. Returns whether anything changed.

    Who read it, or agreed to it, did so with the text as it was. So a change of what was made from a ticket has to be
    read again, and agreed to again where the asker had seen the text; until then readers do not see it.

    :raises NotNow: for one that another one took the place of.
    :raises Refused: naming the field.
    """
    words = checked(words)
    before = words_of(row)
    if row.state == MERGED:
        raise NotNow(_("Another past answer stands in the place of this one."))
    if before == words:
        return False
    if row.state == PUBLISHED and not words.answer:
        raise Refused(_("There is no answer to publish yet."), "answer")
    _put(row, words)
    row.updated_at = now()
    changed = {"visibility": words.visibility} if before.visibility != words.visibility else {}
    record("answer.edited", row, by=by, **changed)
    overtake(row, by=by)
    return True


def overtake(row: Answer, *, by: User | None) -> None:
    """Let readings and agreements that were of another text than the present one count no more."""
    db.session.flush()
    present = answer_standing.digest(row)
    was_read = bool(row.reviewed_digest)
    consents = db.session.scalars(
        select(AnswerConsent).where(
            AnswerConsent.answer_id == row.id, AnswerConsent.state.in_((ASKED, AGREED)), AnswerConsent.digest != "",
            AnswerConsent.digest != present,
        )
    ).all()  # fmt: skip
    reviews = db.session.scalars(
        select(AnswerReview).where(
            AnswerReview.answer_id == row.id, AnswerReview.state == ASKED, AnswerReview.digest != present
        )
    ).all()
    for old in (*consents, *reviews):
        old.state = OVERTAKEN
    if row.reviewed_digest == present:
        return
    row.text_by_id = by.id if by is not None else None
    if row.state in {IN_REVIEW, READ}:
        row.state = DRAFT
    elif row.state == PUBLISHED and (consents or (was_read and answer_standing.is_review_needed(row))):
        row.state = DRAFT
        record("answer.withdrawn", row, by=by, why="changed")


def words_of(row: Answer) -> Words:
    """What a past answer says now."""
    return Words(
        title=row.title, question=row.question, answer=row.answer, topic=row.topic, country=row.country,
        language=row.language, tags=tuple(row.tags), visibility=row.visibility,
    )  # fmt: skip


def publish(row: Answer, *, basis: str, by: User | None) -> None:
    """Show a past answer to those whom its visibility names.

    :param basis: why it may be: "consent" (the asker agreed) or "nothing-personal" (whoever publishes it vouches).
    :raises NotNow: if it is published already, waits for a second reader or for the asker, or the asker said no.
    :raises Refused: without a basis or without an answer.
    """
    if row.state == PUBLISHED:
        raise NotNow(_("This past answer is published already."))
    if row.state == MERGED:
        raise NotNow(_("Another past answer stands in the place of this one."))
    if basis not in BASES:
        raise Refused(_("Say why this may be published."), "basis")
    if not row.answer.strip():
        raise Refused(_("There is no answer to publish yet."), "answer")
    consent = answer_standing.ruling(row)
    _heed(consent)
    if answer_standing.is_review_needed(row) and row.reviewed_digest != answer_standing.digest(row):
        raise NotNow(_("A second person has to read this text before it is published."))
    if row.is_from_ticket and basis == CONSENT and not answer_standing.is_agreed(row, consent):
        raise Refused(_("The person who asked has not agreed to this text yet."), "basis")
    if row.credit and not answer_standing.is_agreed(row, consent):
        raise Refused(_("Nobody is named who has not agreed to it."), "basis")
    row.state, row.basis = PUBLISHED, basis
    row.published_at = row.published_at or now()
    record("answer.published", row, by=by, basis=basis)


def withdraw(row: Answer, *, by: User | None, why: str = "") -> None:
    """Show a past answer to staff alone, everywhere and at once; it can be published again.

    :param why: a code for the event, such as "asked" where the asker wants it so.
    :raises NotNow: if it is not published.
    """
    if row.state not in {PUBLISHED, MERGED}:
        raise NotNow(_("This past answer is not published."))
    row.state, row.merged_into_id = WITHDRAWN, None
    record("answer.withdrawn", row, by=by, **({"why": why} if why else {}))


def _heed(consent: AnswerConsent | None) -> None:
    """What the asker said comes first.

    :raises NotNow: while they were asked and have not answered, want a change, or do not want it published.
    """
    if consent is None:
        return
    if consent.state in {REFUSED, TAKEN_BACK}:
        raise NotNow(_("The person who asked does not want this to be published."))
    if consent.state == CHANGED:
        raise NotNow(_("The person who asked wants another text. Use theirs, or show them a new one."))
    if consent.state == ASKED and (consent.ends_at is None or consent.ends_at > now()):
        raise NotNow(_("The person who asked was shown this text and has not answered yet."))


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

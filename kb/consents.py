"""What the asker says to a publication: agreed, changed, refused, and taken back at any time."""

from dataclasses import dataclass, replace
from datetime import timedelta

from flask import current_app
from sqlalchemy import select
from sqlalchemy.orm import joinedload

from accounts.models import User
from core.db import db, now
from core.events import record
from core.exceptions import NotNow, Refused
from core.i18n import _
from kb import answer_retracting, answers
from kb.answer_models import (
    AGREED,
    ASKED,
    BY_FORM,
    BY_MAIL,
    BY_WORD,
    CHANGED,
    OVERTAKEN,
    REFUSED,
    TAKEN_BACK,
    AnswerConsent,
)
from kb.answer_standing import digest, is_read, is_review_needed, ruling
from kb.models import DRAFT, MERGED, PUBLISHED, WITHDRAWN, Answer
from kb.pages import one_line

CREDIT_LENGTH = 200
REMARK_LENGTH = 2000


@dataclass(frozen=True, kw_only=True)
class Wording:
    """A past answer in the words of the asker. Texts are Markdown."""

    title: str
    question: str
    answer: str


def by_form(row: Answer, asker: User) -> AnswerConsent:
    """Note that the asker agreed, as they asked, to a publication without names."""
    consent = AnswerConsent(
        answer_id=row.id, asker_id=asker.id, state=AGREED, how=BY_FORM, by_id=asker.id, decided_at=now()
    )
    db.session.add(consent)
    return consent


def by_word(row: Answer, asker: User | None, *, by: User, remark: str, credit: str = "") -> AnswerConsent:
    """Write down that the asker told us that they agree to the text as it is.

    :param remark: how and when they said so; only staff see it.
    :param credit: the name under which they want to be thanked, "" for none.
    :raises Refused: without the remark.
    """
    remark = _remark(remark)
    if not remark:
        raise Refused(_("Say how and when they told you."), "remark")
    _end_others(row)
    consent = AnswerConsent(
        answer_id=row.id, asker_id=asker.id if asker is not None else None, state=AGREED, how=BY_WORD,
        digest=digest(row), credit=_credit(credit), remark=remark, by_id=by.id, decided_at=now(),
    )  # fmt: skip
    db.session.add(consent)
    row.credit = consent.credit
    record("answer.consent_noted", row, by=by, consent=consent)
    return consent


def ask(row: Answer, asker: User, *, by: User) -> AnswerConsent:
    """Ask the asker by mail, with the text as it would be published.

    :raises NotNow: if it is published, waits for a second reader, or the asker said no before.
    """
    last = latest(row)
    if row.state in {PUBLISHED, MERGED}:
        raise NotNow(_("This past answer is published already."))
    if not row.answer.strip():
        raise Refused(_("There is no answer to publish yet."), "answer")
    if is_review_needed(row) and not is_read(row):
        raise NotNow(_("A second person has to read this text before the asker is shown it."))
    if last is not None and last.state in {REFUSED, TAKEN_BACK}:
        raise NotNow(_("They do not want this to be published. They are not asked again."))
    _end_others(row)
    days = current_app.extensions["settings"].answers.consent_days
    consent = AnswerConsent(
        answer_id=row.id, asker_id=asker.id, state=ASKED, how=BY_MAIL, digest=digest(row), by_id=by.id,
        ends_at=now() + timedelta(days=days),
    )  # fmt: skip
    db.session.add(consent)
    record("answer.consent_asked", row, by=by, consent=consent)
    return consent


def is_open(consent: AnswerConsent) -> bool:
    """Whether the asker can still decide."""
    return consent.state == ASKED and (consent.ends_at is None or consent.ends_at > now())


def agree(consent: AnswerConsent, *, seen: str, credit: str = "", remark: str = "") -> None:
    """The asker lets the text be published as they saw it.

    :param seen: the digest of the text that stood on their page.
    :param credit: the name under which they want to be thanked, "" for none.
    :raises NotNow: if the text changed meanwhile, or they have decided already.
    """
    row = _decide(consent, AGREED, seen=seen, remark=remark)
    consent.credit = row.credit = _credit(credit)
    record("answer.consent_given", row, by=consent.asker, consent=consent)


def change(consent: AnswerConsent, wording: Wording, *, seen: str, credit: str = "", remark: str = "") -> None:
    """The asker wants other words; staff read them before anything is published.

    :raises NotNow: if the text changed meanwhile, or they have decided already.
    :raises Refused: naming the field, for a text that cannot be kept.
    """
    row = consent.answer
    now_says = answers.words_of(row)
    words = answers.checked(replace(now_says, title=wording.title, question=wording.question, answer=wording.answer))
    if words == now_says:
        agree(consent, seen=seen, credit=credit, remark=remark)
        return
    if not words.answer:
        raise Refused(_("Please leave an answer in it, or say that you do not want it published."), "answer")
    _decide(consent, CHANGED, seen=seen, remark=remark)
    consent.title, consent.question, consent.text = words.title, words.question, words.answer
    consent.credit = _credit(credit)
    if row.state != WITHDRAWN:
        row.state = DRAFT
    record("answer.consent_changed", row, by=consent.asker, consent=consent)


def use_their_words(row: Answer, consent: AnswerConsent, *, by: User) -> None:
    """Take over the words of the asker as they are; they agree to those. A second reader sees them like any text.

    :raises NotNow: if they wanted no change, or said something else since.
    """
    last = latest(row)
    if consent.state != CHANGED or last is None or last.id != consent.id:
        raise NotNow(_("There are no words of the asker to take over."))
    words = replace(answers.words_of(row), title=consent.title, question=consent.question, answer=consent.text)
    answers.edit(row, words, by=by)
    db.session.flush()
    consent.state, consent.digest, row.credit = AGREED, digest(row), consent.credit


def refuse(consent: AnswerConsent, *, remark: str = "") -> None:
    """The asker does not want it published. It stays with staff.

    :raises NotNow: if they have decided already.
    """
    if not is_open(consent):
        raise NotNow(_("You have answered this already, or it has ended."))
    consent.state, consent.remark, consent.decided_at = REFUSED, _remark(remark), now()
    row = consent.answer
    row.state = WITHDRAWN
    answer_retracting.take_out(row, by=consent.asker)
    record("answer.consent_refused", row, by=consent.asker, consent=consent)


def take_back(consent: AnswerConsent, *, remark: str = "") -> None:
    """The asker does not want it to be public any more: nobody but staff sees it from this moment.

    :raises NotNow: if they took it back, or refused, already.
    """
    row = consent.answer
    last = latest(row)
    if last is not None and last.state in {REFUSED, TAKEN_BACK}:
        raise NotNow(_("It is not public any more."))
    _end_others(row)
    consent.state, consent.remark, consent.decided_at = TAKEN_BACK, _remark(remark) or consent.remark, now()
    if last is not None and last.id != consent.id:
        # The last word counts, whichever of several links it came by.
        taken = AnswerConsent(
            answer_id=row.id, asker_id=consent.asker_id, state=TAKEN_BACK, how=BY_MAIL, by_id=consent.asker_id,
            decided_at=now(),
        )  # fmt: skip
        db.session.add(taken)
    _end(row, consent, by=consent.asker)


def note_taken_back(row: Answer, asker: User | None, *, by: User, remark: str) -> None:
    """Write down that the asker told us that they do not want it public, and withdraw it at once, everywhere.

    :raises Refused: without a remark on how and when they said so.
    """
    remark = _remark(remark)
    if not remark:
        raise Refused(_("Say how and when they told you."), "remark")
    _end_others(row)
    consent = AnswerConsent(
        answer_id=row.id, asker_id=asker.id if asker is not None else None, state=TAKEN_BACK, how=BY_WORD,
        remark=remark, by_id=by.id, decided_at=now(),
    )  # fmt: skip
    db.session.add(consent)
    _end(row, consent, by=by)


def _end(row: Answer, consent: AnswerConsent, *, by: User | None) -> None:
    into = row.merged_into_id
    if row.state in {PUBLISHED, MERGED}:
        answers.withdraw(row, by=by, why="asked")
    else:
        row.state = WITHDRAWN
    answer_retracting.take_out(row, by=by)
    record("answer.consent_taken_back", row, by=by, consent=consent, **({"into": into} if into else {}))


def latest(row: Answer) -> AnswerConsent | None:
    """The last word of the asker, or that they were asked."""
    return ruling(row)


def all_of(row: Answer) -> list[AnswerConsent]:
    """All that was asked and said about a publication, oldest first."""
    return list(
        db.session.scalars(
            select(AnswerConsent)
            .where(AnswerConsent.answer_id == row.id)
            .order_by(AnswerConsent.id)
            .options(
                joinedload(AnswerConsent.asker).lazyload(User.role_rows),
                joinedload(AnswerConsent.by).lazyload(User.role_rows),
            )
        ).all()
    )


def _decide(consent: AnswerConsent, state: str, *, seen: str, remark: str) -> Answer:
    if not is_open(consent):
        raise NotNow(_("You have answered this already, or it has ended."))
    row = consent.answer
    if seen != consent.digest or consent.digest != digest(row):
        raise NotNow(_("The text was changed since you opened this page. Please read it again."))
    consent.state, consent.remark, consent.decided_at = state, _remark(remark), now()
    return row


def _end_others(row: Answer) -> None:
    for old in all_of(row):
        if old.state in {ASKED, CHANGED}:
            old.state = OVERTAKEN


def _credit(text: str) -> str:
    return one_line(text)[:CREDIT_LENGTH]


def _remark(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\x00", "").strip()[:REMARK_LENGTH]

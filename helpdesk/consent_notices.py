"""Mails about the publication of past answers: to askers, with their link, and to staff, of what was decided."""

from typing import Any

from flask import Flask, current_app
from sqlalchemy import select

from accounts import mail_choices
from accounts.models import Role, User
from accounts.roles import ADMIN
from core import mail
from core.db import db
from core.events import Event, on
from core.mail import Recipient
from core.web import external
from helpdesk import consent_views, reply_address
from helpdesk.models import AnswerSource, Ticket
from kb import answer_retracting, answer_standing, consents
from kb.answer_models import AGREED, AnswerConsent, AnswerReview
from kb.models import PUBLISHED, Answer

EXCERPT_LENGTH = 1000
# After these nothing of a past answer is public any more.
_NO_MORE = frozenset({"answer.consent_refused", "answer.consent_taken_back"})


def register(_app: Flask) -> None:
    """Importing this module is what subscribes it."""


@on("answer.consent_asked")
def ask_the_asker(event: Event) -> None:
    """Send the asker the text as it would be published, with the link by which they decide.

    To an address that nobody proved to be theirs the mail carries the link alone; the page shows the text.
    """
    consent = db.session.get(AnswerConsent, event.data.get("consent"))
    if consent is None or consent.asker is None or not consents.is_open(consent) or not _may_be_told(consent.asker):
        return
    row, asker = consent.answer, consent.asker
    to = _recipient(asker, row)
    mail.queue(
        "answer_consent", to, f"event-{event.id}", about=_ticket(row), is_automatic=True, answer=row,
        shows=asker.verified_at is not None, link=consent_views.link(consent), ends=consent.ends_at,
        sender_name=_sender(consent),
    )  # fmt: skip


@on("answer.published")
def tell_the_asker(event: Event) -> None:
    """Tell an asker who agreed that it is public now, with the link that takes it back."""
    row = db.session.get(Answer, event.subject_id)
    consent = answer_standing.ruling(row) if row is not None else None
    if row is None or row.state != PUBLISHED or consent is None or consent.state != AGREED:
        return
    if consent.asker is None or not _may_be_told(consent.asker) or consent.asker.is_staff:
        return
    mail.queue(
        "answer_published", _recipient(consent.asker, row), f"event-{event.id}", about=_ticket(row), is_automatic=True,
        answer=row, shows=consent.asker.verified_at is not None, link=external("kb.answer", slug=row.slug),
        own_link=consent_views.link(consent), is_open_to_all=row.visibility == "public",
    )  # fmt: skip


@on("answer.review_sent_back")
def tell_the_writer(event: Event) -> None:
    """Tell whoever asked for a second reader what has to change."""
    review = db.session.get(AnswerReview, event.data.get("review"))
    if review is not None and review.asked_by is not None and _hears(review.asked_by):
        _tell_staff("answer_sent_back", review.asked_by, event, review.answer, reader=review.decided_by,
                    comment=review.comment[:EXCERPT_LENGTH])  # fmt: skip


@on("answer.consent_given", "answer.consent_changed", "answer.consent_refused", "answer.consent_taken_back")
def tell_what_was_decided(event: Event) -> None:
    """Tell staff what an asker decided: whoever asked them or wrote the past answer, and who sees to its articles.

    What was taken back must be known to somebody: if none of these can be told, all administrators are.
    """
    row = db.session.get(Answer, event.subject_id)
    consent = db.session.get(AnswerConsent, event.data.get("consent"))
    if row is None or consent is None:
        return
    by = consent.by if consent.by is not None and consent.by.is_staff else row.author
    is_over = event.name in _NO_MORE
    fates = answer_retracting.fates_of(row) if is_over else []
    touched = [
        {"title": fate.article.title, "what": fate.what,
         "link": external("kb.article", language=fate.article.language, slug=fate.article.slug)}
        for fate in fates
    ]  # fmt: skip
    into = db.session.get(Answer, event.data.get("into") or 0)
    if into is not None:
        touched.append({"title": into.title, "what": "merged", "link": external("publish.show", number=into.id)})
    owners = [fate.article.owner_id for fate in fates]
    others = db.session.scalars(select(User).where(User.id.in_(owners)).order_by(User.id)).all() if fates else []
    # Who wrote it down knows it.
    told = [user for user in dict.fromkeys([by, *others]) if user is not None and user.id != event.actor_id]
    told = [user for user in told if _hears(user)]
    if not told and is_over and (by is None or by.id != event.actor_id):
        admins = select(User).where(User.id.in_(select(Role.user_id).where(Role.role == ADMIN))).order_by(User.id)
        told = [user for user in db.session.scalars(admins) if _may_be_told(user)]
    for user in told:
        _tell_staff("answer_decided", user, event, row, decision=event.name.partition("_")[2],
                    remark=consent.remark[:EXCERPT_LENGTH], touched=touched)  # fmt: skip


def _hears(user: User) -> bool:
    return _may_be_told(user) and user.is_staff and mail_choices.of(user).wants_notices


def _tell_staff(notice: str, user: User, event: Event, row: Answer, **more: Any) -> None:
    mail.queue(
        notice, Recipient(user.email, user.name, user.language or "en"), f"event-{event.id}", about=row,
        is_automatic=True, list_name="notices", unsubscribe=mail_choices.unsubscribe_link(user, "notices"),
        answer=row, link=external("publish.show", number=row.id), **more,
    )  # fmt: skip


def _recipient(user: User, row: Answer) -> Recipient:
    ticket = _ticket(row)
    spoken = user.language or (ticket.language if ticket is not None else "") or row.language
    language = spoken if spoken in current_app.config["LANGUAGES"] else "en"
    return Recipient(user.email, user.name if user.verified_at is not None else "", language)


def _ticket(row: Answer) -> Ticket | None:
    return db.session.scalar(
        select(Ticket).join(AnswerSource, AnswerSource.ticket_id == Ticket.id).where(AnswerSource.answer_id == row.id)
    )


def _sender(consent: AnswerConsent) -> str:
    settings = current_app.extensions["settings"]
    return f"{consent.by.shown_name} ({settings.mail.sender_name})" if consent.by is not None else ""


def _may_be_told(user: User) -> bool:
    return not user.is_disabled and not reply_address.is_own(user.email)

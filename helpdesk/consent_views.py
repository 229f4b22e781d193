"""Where askers decide on a publication: by a signed link that serves this alone, without an account.

Opening the link decides nothing, so that a mail scanner that opens every link does not either. The same link takes a
publication back, as long as there is one.
"""

from typing import Any

from flask import abort, current_app, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_wtf import FlaskForm
from sqlalchemy import select
from sqlalchemy.orm import lazyload
from wtforms import RadioField, StringField, TextAreaField
from wtforms.validators import Length, Optional

from core import limits, markdown, signing
from core.db import db
from core.exceptions import NotNow, Refused
from core.i18n import _
from core.i18n import lazy as _l
from core.policy import permits
from core.web import external
from helpdesk import grants
from helpdesk.models import AnswerSource, Ticket
from helpdesk.publish_views import TEXT_LENGTH, bp
from kb import answer_standing, answers, consents
from kb.answer_models import AGREED, OVERTAKEN, AnswerConsent
from kb.forms import keepable
from kb.models import MERGED, PUBLISHED, Answer

PURPOSE = "answer-consent"
# For taking back; deciding ends with the consent's own time.
_YEARS = 20 * 366 * 86400
_PER_HOUR = 60
AGREE, CHANGE, REFUSE, TAKE_BACK = "agree", "change", "refuse", "take-back"


class DecideForm(FlaskForm):  # type: ignore[misc] # WTForms has no types.
    """What the asker says."""

    decision = RadioField(_l("May we publish this?"), [Optional()], validate_choice=False)
    title = StringField(_l("Title"), [keepable, Length(max=300)])
    question = TextAreaField(_l("Your question"), [keepable, Length(max=TEXT_LENGTH)])
    answer = TextAreaField(_l("The answer"), [keepable, Length(max=TEXT_LENGTH)])
    credit = StringField(
        _l("Your name or organisation, if you want to be thanked by name"),
        [keepable, Length(max=consents.CREDIT_LENGTH)],
    )
    remark = TextAreaField(_l("Anything you want to tell us"), [keepable, Length(max=consents.REMARK_LENGTH)])

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)
        self.decision.choices = [
            (AGREE, _("Yes, publish it as it is")),
            (CHANGE, _("Yes, but with my changes; you read them first")),
            (REFUSE, _("No, do not publish it")),
        ]


def link(consent: AnswerConsent) -> str:
    """The address at which an asker decides on a publication."""
    return external("publish.decide", key=signing.sign(PURPOSE, consent.id))


def own_publications(ticket: Ticket) -> list[dict[str, Any]]:
    """For whoever asked, on the page of their ticket: what of it is public or waits for their word, with links."""
    actor = grants.actor(ticket)
    if actor is None or actor.id != ticket.requester_id or actor.is_staff:
        return []
    rows = db.session.execute(
        select(AnswerConsent, Answer.title, Answer.state)
        .join(Answer, Answer.id == AnswerConsent.answer_id)
        .join(AnswerSource, AnswerSource.answer_id == Answer.id)
        .where(
            AnswerSource.ticket_id == ticket.id, AnswerConsent.asker_id == actor.id, AnswerConsent.state != OVERTAKEN
        )
        .order_by(AnswerConsent.id).options(lazyload("*"))
    ).all()  # fmt: skip
    # The last word on each counts.
    last = {consent.answer_id: (consent, title, state) for consent, title, state in rows}
    return [
        {"title": title, "link": link(consent), "is_public": state in {PUBLISHED, MERGED}}
        for consent, title, state in last.values()
        if state in {PUBLISHED, MERGED} or consents.is_open(consent)
    ]


@bp.get("/answers/consent/<key>")
@permits("answer.decide")
def decide(key: str) -> ResponseReturnValue:
    """The text as it would be published, and what the asker can say to it. Opening it changes nothing."""
    consent = _find(key)
    form = DecideForm(None)
    row = consent.answer
    form.title.data, form.question.data, form.answer.data = row.title, row.question, row.answer
    form.credit.data = consent.credit
    return _page(consent, form)


@bp.post("/answers/consent/<key>")
@permits("answer.decide")
def keep_decision(key: str) -> ResponseReturnValue:
    """Keep what the asker decided."""
    consent = _find(key)
    limits.hit("answer-decide", request.remote_addr or "", _PER_HOUR, 3600)
    form = DecideForm()
    decision = request.form.get("decision", "")
    if decision not in {AGREE, CHANGE, REFUSE, TAKE_BACK}:
        form.decision.errors = [_("Choose what you want.")]
        return _page(consent, form), 422
    if not form.validate_on_submit():
        return _page(consent, form), 422
    try:
        said = _keep(consent, form, decision)
    except Refused as error:
        db.session.rollback()
        field = form[error.field if error.field in form else "decision"]
        field.errors = [*field.errors, str(error)]
        return _page(consent, form), 422
    except NotNow as error:
        db.session.rollback()
        form.form_errors.append(str(error))
        return _page(consent, form), 409
    flash(said, "success")
    return redirect(url_for(".decide", key=key), 303)


def _keep(consent: AnswerConsent, form: DecideForm, decision: str) -> str:
    seen, credit, remark = request.form.get("seen", ""), form.credit.data or "", form.remark.data or ""
    if decision == TAKE_BACK:
        consents.take_back(consent, remark=remark)
        return _("It is no longer public.")
    if decision == REFUSE:
        consents.refuse(consent, remark=remark)
        return _("Thank you. We will not publish it.")
    if decision == AGREE:
        consents.agree(consent, seen=seen, credit=credit, remark=remark)
        return _("Thank you. We may publish it now.")
    wording = consents.Wording(
        title=form.title.data or "", question=form.question.data or "", answer=form.answer.data or ""
    )
    consents.change(consent, wording, seen=seen, credit=credit, remark=remark)
    return _("Thank you. We read your changes before anything is published.")


def _find(key: str) -> AnswerConsent:
    number = signing.unsign(PURPOSE, key, _YEARS)
    consent = db.session.get(AnswerConsent, number) if isinstance(number, int) else None
    if consent is None or (consent.asker is not None and consent.asker.is_disabled):
        abort(404)
    return consent


def _page(consent: AnswerConsent, form: DecideForm) -> str:
    row = consent.answer
    ruling = answer_standing.ruling(row)
    is_public = row.state in {PUBLISHED, MERGED}
    return render_template(
        "helpdesk/consent.html", answer=row, consent=consent, form=form, is_open=consents.is_open(consent),
        is_public=is_public, is_agreed=ruling is not None and ruling.state == AGREED,
        ruling=ruling, digest=answer_standing.digest(row), basis_is_consent=row.basis == answers.CONSENT,
        is_same=consent.digest in {"", answer_standing.digest(row)},
        preview={"question": markdown.render_message(row.question), "answer": markdown.render_message(row.answer)},
        days=current_app.extensions["settings"].answers.consent_days,
    )  # fmt: skip

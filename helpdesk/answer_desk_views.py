"""Past answers at the desk: the work list, one of them beside its thread, what a second reader decides, publishing."""

from collections.abc import Sequence
from typing import Any

from flask import abort, flash, render_template, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import case, exists, func, select
from sqlalchemy.orm import aliased, defer, joinedload, lazyload

from accounts.models import User
from core import pager
from core.db import db
from core.exceptions import Refused
from core.i18n import _
from core.policy import can, checked, permits, require
from core.web import person, see_other
from helpdesk import choices, past_answers, redaction, side_by_side
from helpdesk.models import AnswerSource, Participant, Ticket
from helpdesk.publish_views import TEXTS, TO_ASK, bp, find_answer
from kb import answer_files, answer_merging, answer_retracting, answer_review, answer_standing, answers, consents
from kb.answer_models import ASKED, CHANGED, OVERTAKEN, REFUSED, TAKEN_BACK, AnswerConsent, AnswerReview
from kb.models import APPROVED, DRAFT, IN_REVIEW, MERGED, PUBLISHED, WITHDRAWN, Answer

WAITING, SUGGESTED = "asked", "suggested"
PAGE = 30


@bp.get("/desk/answers")
@permits("desk.see")
def work_list() -> ResponseReturnValue:
    """Past answers by what they wait for; and solved tickets that are worth one."""
    tab = request.args.get("state", "")
    counts = _counts()
    if tab not in counts:
        tab = next((name for name in (IN_REVIEW, APPROVED, DRAFT, WAITING) if counts[name]), SUGGESTED)
    if tab == SUGGESTED:
        return render_template(
            "helpdesk/answers.html", tab=tab, counts=counts, suggested=past_answers.worth_publishing(), page=None
        )
    statement = Answer.visible_to(person()).where(Answer.state == (APPROVED if tab == WAITING else tab))
    if tab in {APPROVED, WAITING, DRAFT}:
        waits = exists().where(AnswerConsent.answer_id == Answer.id, AnswerConsent.state == ASKED)
        statement = (
            Answer.visible_to(person()).where(Answer.state.in_((APPROVED, DRAFT)), waits)
            if tab == WAITING else statement.where(~waits)
        )  # fmt: skip
    page = pager.page(
        statement.options(
            defer(Answer.question_html), defer(Answer.answer_html), defer(Answer.question), defer(Answer.answer),
            lazyload(Answer.author),
        ),
        [(Answer.updated_at, True), (Answer.id, True)], after=request.args.get("after", ""),
        before=request.args.get("before", ""), size=PAGE,
    )  # fmt: skip
    return render_template("helpdesk/answers.html", tab=tab, counts=counts, page=page, suggested=[])


@bp.get("/desk/answers/<int:number>")
@permits("answer.edit")
def show(number: int) -> ResponseReturnValue:
    """One past answer beside its thread, with what comes next."""
    return _page(number)


@bp.post("/desk/answers/<int:number>/review")
@permits("answer.edit")
def ask_review(number: int) -> ResponseReturnValue:
    """Send a draft to a second reader."""
    row, _source = find_answer(number)
    answer_review.ask(row, by=person())
    flash(_("A second person reads it now. Nothing is published before."), "success")
    return see_other(url_for(".show", number=number))


@bp.post("/desk/answers/<int:number>/verdict")
@permits("answer.review")
def verdict(number: int) -> ResponseReturnValue:
    """What the second reader says: it may pass, or something has to change."""
    row, _source = find_answer(number, "answer.review")
    seen, comment = request.form.get("digest", ""), request.form.get("comment", "")
    try:
        if request.form.get("do") == "approve":
            answer_review.approve(row, by=person(), digest=seen, comment=comment)
            flash(_("The text may be published."), "success")
        else:
            answer_review.send_back(row, by=person(), digest=seen, comment=comment)
            flash(_("It is a draft again. Your comment stands beside it."), "success")
    except Refused as error:
        return _page(number, error=str(error), comment=comment), 422
    return see_other(url_for(".show", number=number))


@bp.post("/desk/answers/<int:number>/publish")
@permits("answer.edit")
def publish(number: int) -> ResponseReturnValue:
    """Publish a past answer that nothing stands in the way of any more."""
    row, _source = find_answer(number)
    basis = request.form.get("basis") or row.basis
    try:
        answers.publish(row, basis=answers.CONSENT if basis == TO_ASK else basis, by=person())
    except Refused as error:
        return _page(number, error=str(error)), 422
    flash(_("The past answer is published."), "success")
    return see_other(url_for("kb.answer", slug=row.slug))


@bp.post("/desk/answers/<int:number>/withdraw")
@permits("answer.edit")
def withdraw(number: int) -> ResponseReturnValue:
    """Take a past answer away from readers, at once."""
    row, _source = find_answer(number)
    answers.withdraw(row, by=person())
    flash(_("The past answer is withdrawn. Only staff see it now."), "success")
    return see_other(url_for(".show", number=number))


def _counts() -> dict[str, int]:
    """How many past answers there are of each tab, in the order of the tabs."""
    waits = exists().where(AnswerConsent.answer_id == Answer.id, AnswerConsent.state == ASKED)
    tab = case((Answer.state.in_((APPROVED, DRAFT)) & waits, WAITING), else_=Answer.state)
    rows = db.session.execute(select(tab, func.count(Answer.id)).group_by(tab)).all()
    found: dict[str, int] = {row[0]: row[1] for row in rows}
    names = (DRAFT, IN_REVIEW, WAITING, APPROVED, PUBLISHED, WITHDRAWN, MERGED)
    return {SUGGESTED: len(past_answers.worth_publishing()), **{name: found.get(name, 0) for name in names}}


def page_of(number: int, **more: Any) -> str:
    """The page of a past answer at the desk, for other acts on it that were refused."""
    return _page(number, **more)


def _page(number: int, *, error: str = "", comment: str = "", **more: Any) -> str:
    row, source, review = _whole(number)
    user = person()
    ticket = source.ticket if source is not None else None
    files = answer_files.of(row)
    said = consents.all_of(row)
    ruling = next((each for each in reversed(said) if each.state != OVERTAKEN), None)
    digest = answer_standing.digest(row, files)
    needs_reader = row.state == IN_REVIEW or (
        row.reviewed_digest != digest and answer_standing.is_review_needed(row)
    )  # fmt: skip
    is_over = ruling is not None and ruling.state in {REFUSED, TAKEN_BACK}
    agreed = answer_standing.is_agreed(row, ruling, digest)
    basis = answers.CONSENT if row.basis == TO_ASK or (agreed and not row.basis) else row.basis
    sides = side_by_side.sides(row, ticket)
    return render_template(
        "helpdesk/answer.html", answer=row, source=source, ticket=ticket, sides=sides,
        review=review, consents=said, ruling=ruling, digest=digest, needs_reader=needs_reader,
        agreed=agreed, is_open=ruling is not None and consents.is_open(ruling), basis=basis,
        wants=ruling if ruling is not None and ruling.state == CHANGED else None,
        may_read=row.state == IN_REVIEW and can(user, "answer.review", row),
        may_publish=row.state not in {PUBLISHED, MERGED, IN_REVIEW} and not needs_reader
        and (basis == answers.NOTHING_PERSONAL or agreed),
        pieces=_pieces(row, ticket, sides.texts) if ticket is not None and row.state == IN_REVIEW else {},
        alike=answer_merging.alike(
            row.title, row.question, row.answer_text, language=row.language, user=user, but=row.id
        ) if row.state != MERGED and ("alike" in request.args or not (is_over or row.state == PUBLISHED)) else [],
        files=files,
        article=row.article, into=row.merged_into, fates=answer_retracting.fates_of(row) if is_over else [],
        error=error, comment=comment, **more,
    )  # fmt: skip


def _whole(number: int) -> tuple[Answer, AnswerSource | None, AnswerReview | None]:
    """A past answer for staff, the ticket that it was made from and its last review, read at once."""
    number = min(number, choices.HIGHEST_NUMBER - 1)
    other = aliased(AnswerReview)
    last = select(func.max(other.id)).where(other.answer_id == number).scalar_subquery()
    where_it_went = (joinedload(Answer.article), joinedload(Answer.merged_into))
    found = db.session.execute(
        select(Answer, AnswerSource, AnswerReview)
        .outerjoin(AnswerSource, AnswerSource.answer_id == Answer.id)
        .outerjoin(AnswerReview, AnswerReview.id == last)
        .where(Answer.id == number)
        .options(
            *where_it_went, lazyload(AnswerSource.answer),
            joinedload(AnswerSource.ticket).joinedload(Ticket.participants).joinedload(Participant.user)
            .lazyload(User.role_rows),
            lazyload(AnswerReview.asked_by),
            joinedload(AnswerReview.decided_by).lazyload(User.role_rows),
        )
    ).unique().one_or_none()  # fmt: skip
    if found is None:
        checked("answer.edit")
        abort(404)
    row, source, review = found
    require(person(), "answer.edit", row, seen_by="answer.see")
    return row, source, review


def _pieces(row: Answer, ticket: Ticket, texts: Sequence[str]) -> dict[str, Any]:
    """The texts with what may still tell who asked; only where there is something."""
    known = past_answers.known_of(ticket, with_country=not row.country, texts=texts)
    found = {name: redaction.in_pieces(getattr(row, name), known) for name in TEXTS}
    return found if any(finding for pieces in found.values() for _text, finding in pieces) else {}

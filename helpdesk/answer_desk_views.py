"""Past answers at the desk: the work list, one of them beside its thread, what a second reader decides, publishing."""

from collections.abc import Sequence
from typing import Any

from flask import flash, render_template, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import case, exists, func, select
from sqlalchemy.orm import defer, lazyload

from core import pager
from core.db import db
from core.exceptions import Refused
from core.i18n import _
from core.policy import can, permits
from core.web import person, see_other
from helpdesk import past_answers, redaction, side_by_side
from helpdesk.models import Ticket
from helpdesk.publish_views import TEXTS, TO_ASK, bp, find_answer
from kb import answer_files, answer_merging, answer_review, answer_standing, answers, consents
from kb.answer_models import ASKED, CHANGED, OVERTAKEN, AnswerConsent
from kb.models import APPROVED, DRAFT, IN_REVIEW, MERGED, PUBLISHED, WITHDRAWN, Answer, Article

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
    row, source = find_answer(number)
    user = person()
    ticket = source.ticket if source is not None else None
    files = answer_files.of(row)
    said = consents.all_of(row)
    ruling = next((each for each in reversed(said) if each.state != OVERTAKEN), None)
    digest = answer_standing.digest(row, files)
    needs_reader = row.reviewed_digest != digest and answer_standing.is_review_needed(row)
    agreed = answer_standing.is_agreed(row, ruling, digest)
    basis = answers.CONSENT if row.basis == TO_ASK or (agreed and not row.basis) else row.basis
    sides = side_by_side.sides(row, ticket)
    return render_template(
        "helpdesk/answer.html", answer=row, source=source, ticket=ticket, sides=sides,
        review=answer_review.last(row), consents=said, ruling=ruling, digest=digest, needs_reader=needs_reader,
        agreed=agreed, is_open=ruling is not None and consents.is_open(ruling), basis=basis,
        wants=ruling if ruling is not None and ruling.state == CHANGED else None,
        may_read=row.state == IN_REVIEW and can(user, "answer.review", row),
        may_publish=row.state not in {PUBLISHED, MERGED, IN_REVIEW} and not needs_reader
        and (basis == answers.NOTHING_PERSONAL or agreed),
        pieces=_pieces(row, ticket, sides.texts) if ticket is not None and row.state == IN_REVIEW else {},
        alike=answer_merging.alike(
            row.title, row.question, row.answer_text, language=row.language, user=user, but=row.id
        ) if "alike" in request.args or not (needs_reader or row.state in {PUBLISHED, MERGED}) else [],
        files=files,
        article=db.session.get(Article, row.article_id) if row.article_id else None,
        into=db.session.get(Answer, row.merged_into_id) if row.merged_into_id else None,
        error=error, comment=comment, **more,
    )  # fmt: skip


def _pieces(row: Answer, ticket: Ticket, texts: Sequence[str]) -> dict[str, Any]:
    """The texts with what may still tell who asked; only where there is something."""
    known = past_answers.known_of(ticket, with_country=not row.country, texts=texts)
    found = {name: redaction.in_pieces(getattr(row, name), known) for name in TEXTS}
    return found if any(finding for pieces in found.values() for _text, finding in pieces) else {}

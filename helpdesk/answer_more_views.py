"""More acts on a past answer by staff: consent, files that go with it, merging, what becomes of it as an article."""

from flask import flash, render_template, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import select

from accounts.models import User
from core.db import db
from core.exceptions import NotNow, Refused
from core.i18n import _
from core.policy import permits, require
from core.web import person, see_other
from helpdesk import past_answers, redaction
from helpdesk.answer_desk_views import page_of
from helpdesk.models import PUBLIC, AnswerSource, Attachment, Message, Ticket
from helpdesk.publish_views import bp, find_answer
from kb import answer_articles, answer_files, answer_merging, answers, consents
from kb.models import Answer


@bp.post("/desk/answers/<int:number>/consent")
@permits("answer.edit")
def consent(number: int) -> ResponseReturnValue:
    """Ask the asker by mail, write down what they told us, or take over the words that they want."""
    row, source = find_answer(number)
    do, remark = request.form.get("do", ""), request.form.get("remark", "")
    asker = source.ticket.requester if source is not None else None
    try:
        said = _consent(row, asker, do, remark)
    except Refused as error:
        db.session.rollback()
        return page_of(number, error=str(error), remark=remark), 422
    flash(said, "success")
    return see_other(url_for(".show", number=number))


def _consent(row: Answer, asker: User | None, do: str, remark: str) -> str:
    by = person()
    if do == "ask":
        if asker is None:
            raise NotNow(_("Nobody knows who asked this."))
        consents.ask(row, asker, by=by)
        return _("A mail with the text is on its way to whoever asked.")
    if do == "told":
        consents.by_word(row, asker, by=by, remark=remark, credit=request.form.get("credit", ""))
        row.basis = answers.CONSENT
        return _("Their consent is written down.")
    if do == "told-no":
        consents.note_taken_back(row, asker, by=by, remark=remark)
        return _("It is withdrawn, and is not published again without a new word of theirs.")
    last = consents.latest(row)
    if do != "use-theirs" or last is None:
        raise Refused(_("Choose what to do."))
    consents.use_their_words(row, last, by=by)
    return _("Their words are in place. Have them read before you publish.")


@bp.post("/desk/answers/<int:number>/merge")
@permits("answer.edit")
def merge(number: int) -> ResponseReturnValue:
    """Put another past answer in the place of this one."""
    row, _source = find_answer(number)
    chosen = request.form.get("into", "")
    into = db.session.get(Answer, int(chosen)) if chosen.isascii() and chosen.isdigit() and len(chosen) < 10 else None
    if into is None:
        return page_of(number, error=_("Choose another past answer.")), 422
    require(person(), "answer.edit", into, seen_by="answer.see")
    answer_merging.merge(row, into, by=person())
    flash(_("Its link leads to this one now."), "success")
    return see_other(url_for(".show", number=into.id))


@bp.post("/desk/answers/<int:number>/article")
@permits("answer.edit")
def become_article(number: int) -> ResponseReturnValue:
    """Make a draft of an article from a past answer, and open it in the editor."""
    row, _source = find_answer(number)
    article = answer_articles.become_article(row, by=person())
    flash(_("This is a draft of an article. Readers do not see it until it is published."), "success")
    return see_other(url_for("kb.edit", language=article.language, slug=article.slug))


@bp.get("/desk/answers/<int:number>/append")
@permits("answer.edit")
def choose_article(number: int) -> ResponseReturnValue:
    """Choose the article, and the section of it, that a past answer is added to."""
    row, _source = find_answer(number)
    named = request.args.get("article", "")
    article = answer_articles.article_named(named) if named else None
    error = _("No article has this address.") if named and article is None else ""
    alike = answer_merging.alike(
        row.title, row.question, row.answer_text, language=row.language, user=person(), but=row.id
    )
    page = render_template(
        "helpdesk/answer_append.html", answer=row, article=article, named=named, error=error,
        sections=answer_articles.sections_of(answer_articles.text_of(article)) if article is not None else [],
        alike=[each for each in alike if each.kind == "article"],
    )  # fmt: skip
    return page, 422 if error else 200


@bp.post("/desk/answers/<int:number>/append")
@permits("answer.edit")
def append(number: int) -> ResponseReturnValue:
    """Add a past answer to an article, as a change that readers do not see yet, and open it in the editor."""
    row, _source = find_answer(number)
    article = answer_articles.article_named(request.form.get("article", ""))
    if article is None:
        return page_of(number, error=_("No article has this address.")), 422
    require(person(), "article.edit", article, seen_by="article.see")
    chosen = request.form.get("section", "0")
    section = int(chosen) if chosen.isascii() and chosen.isdigit() and len(chosen) < 5 else 0
    answer_articles.add_to_article(row, article, section, by=person())
    flash(
        _("The past answer stands in the text below. Readers see the article as it was until you publish the change."),
        "success",
    )
    return see_other(url_for("kb.edit", language=article.language, slug=article.slug))


@bp.get("/desk/answers/<int:number>/files")
@permits("answer.edit")
def choose_files(number: int) -> ResponseReturnValue:
    """Which files of the ticket are published with a past answer, and under which names; none by itself."""
    row, source = find_answer(number)
    return _files_page(row, source)


@bp.post("/desk/answers/<int:number>/files")
@permits("answer.edit")
def keep_files(number: int) -> ResponseReturnValue:
    """Publish the chosen files with it, each under the name that was given to it."""
    row, source = find_answer(number)
    there = _attachments(source.ticket) if source is not None else []
    chosen = set(request.form.getlist("file"))
    kept = [
        (each.file_id, request.form.get(f"name-{each.id}", ""))
        for each in there if str(each.id) in chosen
    ]  # fmt: skip
    try:
        answer_files.choose(row, kept, by=person())
    except Refused as error:
        db.session.rollback()
        return _files_page(row, source, error=str(error)), 422
    flash(_("The files are kept. They are read again before anything is published."), "success")
    return see_other(url_for(".show", number=number))


def _files_page(row: Answer, source: AnswerSource | None, error: str = "") -> str:
    known = past_answers.known_of(source.ticket, with_country=False) if source is not None else None
    present = {each.file_id: each.name for each in answer_files.of(row)}
    offered = [
        {
            "row": each, "name": request.form.get(f"name-{each.id}") or present.get(each.file_id)
            or answer_files.plain_name(place, each.filename),
            "tells": known is not None and bool(redaction.find(each.filename, known)),
            "chosen": each.file_id in present or str(each.id) in request.form.getlist("file"),
        }
        for place, each in enumerate(_attachments(source.ticket) if source is not None else [], 1)
    ]  # fmt: skip
    return render_template("helpdesk/answer_files.html", answer=row, offered=offered, error=error)


def _attachments(ticket: Ticket) -> list[Attachment]:
    """The files of the public messages of a ticket."""
    return list(
        db.session.scalars(
            select(Attachment).join(Message, Message.id == Attachment.message_id)
            .where(Message.ticket_id == ticket.id, Message.kind == PUBLIC).order_by(Attachment.id).limit(100)
        ).all()
    )  # fmt: skip

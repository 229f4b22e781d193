"""What a stranger sees who has asked: what happens next, and what may answer the question while they wait."""

from flask import abort, flash, redirect, render_template, request, session, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import select

from core.db import db
from core.i18n import _, language
from core.policy import permits
from core.web import see_other
from helpdesk import measuring, tickets
from helpdesk.fitting import Question, fitting
from helpdesk.measuring_models import ANSWERED
from helpdesk.models import PUBLIC, Message, Ticket
from helpdesk.states import NEW
from helpdesk.views import bp
from kb.models import SuggestionUse
from kb.search import Hit

MOST = 3


@bp.get("/ask/sent")
@permits("ticket.ask")
def asked() -> ResponseReturnValue:
    """What happens next. Whoever has no scripts sees here for the first time what may answer the question."""
    if "asked" not in session:
        return redirect(url_for(".ask"))
    ticket = _waiting()
    hits = _fitting(ticket) if ticket is not None else []
    if ticket is not None and hits:
        targets, topic = [hit.id for hit in hits], ticket.topic
        # Loaded again it is the same showing; so it is where the script of the ask page showed something before.
        session["asked_showing"] = measuring.show_asked(
            targets, language=language(), topic=topic, token=session.get("asked_showing", "")
        )
    return render_template("helpdesk/asked.html", number=session["asked"], hits=hits, reader_language=language())


@bp.post("/ask/sent")
@permits("ticket.ask")
def answered() -> ResponseReturnValue:
    """One of the texts answered the question: it is solved, unless somebody has begun to answer it."""
    kind, _colon, number = request.form.get("ref", "").partition(":")
    ticket = _waiting()
    if ticket is None:
        return see_other(url_for(".asked" if "asked" in session else ".ask"))
    found = next((hit for hit in _fitting(ticket) if hit.id == f"{kind}:{number}"), None)
    if found is None:
        abort(422, _("This suggestion is not known."))
    if measuring.step(session.get("asked_showing", ""), ANSWERED, kind, int(number)):
        db.session.add(SuggestionUse(what="answered", place="ask", target_kind=kind, target_id=int(number)))
    tickets.solve(ticket, by=ticket.requester)
    session.pop("asked")
    session.pop("asked_showing", None)
    flash(_("Good to hear. Your question is marked as solved; a reply to our mail opens it again."), "success")
    return see_other(found.url)


def _waiting() -> Ticket | None:
    """The question that was just asked in this browser, while nobody has answered it."""
    ticket: Ticket | None = db.session.get(Ticket, session["asked"]) if "asked" in session else None
    return ticket if ticket is not None and ticket.state == NEW else None


def _fitting(ticket: Ticket) -> list[Hit]:
    body = db.session.scalar(
        select(Message.body)
        .where(Message.ticket_id == ticket.id, Message.kind == PUBLIC)
        .order_by(Message.id)
        .limit(1)
    )  # fmt: skip
    question = Question(
        title=ticket.title, body=body or "", language=ticket.language, topic=ticket.topic, country=ticket.country
    )
    return fitting(question, reader=None, without=[ticket.id], limit=MOST)

"""Making a past answer from a solved ticket: drafted, looked through, published."""

from dataclasses import dataclass
from typing import Any

from flask import Blueprint, Flask, abort, current_app, flash, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_wtf import FlaskForm
from wtforms import RadioField, SelectField, StringField, TextAreaField
from wtforms.validators import Length, Optional

from core.exceptions import Refused
from core.i18n import _, country_choices, in_language, language_choices
from core.i18n import lazy as _l
from core.policy import can, checked, permits, require
from core.web import person, see_other
from helpdesk import past_answers, redaction
from helpdesk import thread as threads
from helpdesk.forms import words_needed
from helpdesk.models import AnswerSource, Ticket
from helpdesk.redaction import Finding, Known
from kb import answers
from kb.models import PUBLIC, Answer
from kb.topics import topic_choices

bp = Blueprint("publish", __name__)

TEXTS = ("title", "question", "answer")
TEXT_LENGTH = 50_000


def register(app: Flask) -> None:
    """Add the routes, and the way back from a past answer to its ticket."""
    app.register_blueprint(bp)
    app.jinja_env.globals.update(answer_source=answer_source, finding_kinds=redaction.KINDS)


def answer_source(answer: Answer) -> AnswerSource | None:
    """Which ticket a past answer was made from; for staff alone."""
    return past_answers.source_of(answer) if can(person(), "desk.see") else None


class PastAnswerForm(FlaskForm):  # type: ignore[misc] # WTForms has no types.
    """A past answer to be, and why it may be published."""

    title = StringField(_l("The question in one line"), [words_needed, Length(max=300)])
    question = TextAreaField(_l("Question"), [words_needed, Length(max=TEXT_LENGTH)])
    answer = TextAreaField(_l("Answer"), [words_needed, Length(max=TEXT_LENGTH)])
    topic = SelectField(_l("Topic"))
    country = SelectField(_l("Country"))
    language = SelectField(_l("Language"))
    tags = StringField(_l("Tags, with commas between"), [Length(max=500)])
    visibility = SelectField(_l("Who may read it"))
    basis = RadioField(_l("Why may it be published?"), [Optional()], validate_choice=True)
    reason = StringField(_l("How do you know that it carries nothing of theirs?"), [Length(max=500)])

    def __init__(self, *args: Any, ticket: Ticket, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.topic.choices = topic_choices()
        self.country.choices = [("", _("Do not tell")), *country_choices()]
        self.language.choices = language_choices()
        self.visibility.choices = [
            ("public", _("Everyone")), ("champions", _("Champions and staff")), ("staff", _("Staff alone")),
        ]  # fmt: skip
        nothing = (answers.NOTHING_PERSONAL, _("It carries nothing that belongs to the asker"))
        agreed = (
            answers.CONSENT,
            _("The asker agreed to a publication without names and contact details"),
        )
        self.basis.choices = [agreed, nothing] if ticket.may_publish else [nothing]


@dataclass
class Found:
    """The same thing, found once or several times: what to say instead, and whether it may stay."""

    finding: Finding
    count: int
    instead: str
    may_stay: bool


@bp.get("/desk/tickets/<int:number>/past-answer")
@permits("ticket.publish")
def edit(number: int) -> ResponseReturnValue:
    """A first version, drafted from the thread."""
    ticket = _find(number)
    drafted = past_answers.draft_from(ticket)
    form = PastAnswerForm(None, ticket=ticket)
    form.title.data, form.question.data, form.answer.data = drafted.title, drafted.question, drafted.answer
    form.topic.data, form.language.data, form.visibility.data = (
        ticket.topic or "other",
        ticket.language or "en",
        PUBLIC,
    )
    form.tags.data = ", ".join(ticket.tags)
    form.basis.data = answers.CONSENT if ticket.may_publish else None
    return _page(ticket, form)


@bp.post("/desk/tickets/<int:number>/past-answer")
@permits("ticket.publish")
def keep(number: int) -> ResponseReturnValue:
    """Look again, replace what was found, keep a draft, or publish."""
    ticket = _find(number)
    form = PastAnswerForm(ticket=ticket)
    do = request.form.get("do", "look")
    if do in {"look", "replace"} or do.startswith("one:"):
        if do != "look":
            _replace(ticket, form, do)
        return _page(ticket, form)
    valid = form.validate_on_submit()
    if do == "publish":
        valid = _may_be_published(ticket, form) and valid
    if not valid:
        return _page(ticket, form), 422
    try:
        answer = _make(ticket, form, publish=do == "publish")
    except Refused as refused:
        field = getattr(form, refused.field, form.title)
        field.errors = [*field.errors, str(refused)]
        return _page(ticket, form), 422
    flash(f"past-answer-{number}", "draft-done")
    said = _("The past answer is published.") if do == "publish" else _("The draft is kept; only staff see it.")
    flash(said, "success")
    return see_other(url_for("kb.answer", slug=answer.slug))


def _make(ticket: Ticket, form: PastAnswerForm, *, publish: bool) -> Answer:
    by = person()
    answer = answers.draft(
        by=by, title=form.title.data or "", question=form.question.data or "", answer=form.answer.data or "",
        topic=form.topic.data, country=form.country.data or "", language=form.language.data,
        tags=[tag for tag in (form.tags.data or "").split(",") if tag.strip()], visibility=form.visibility.data,
    )  # fmt: skip
    past_answers.note_source(answer, ticket, reason=(form.reason.data or "").strip(), by=by)
    if publish:
        answers.publish(answer, basis=form.basis.data or "", by=by)
    return answer


def _may_be_published(ticket: Ticket, form: PastAnswerForm) -> bool:
    """A reason is needed; and what is still found must have been looked at by a person, one by one."""
    fine = True
    if not form.basis.data:
        form.basis.errors = [_("Choose why it may be published.")]
        fine = False
    elif form.basis.data == answers.NOTHING_PERSONAL and not (form.reason.data or "").strip():
        form.reason.errors = [_("Say it in a few words; only staff see this.")]
        fine = False
    left = [each.finding.text for each in _found(ticket, form) if not each.may_stay]
    if left:
        what = ", ".join(left[:5])
        form.form_errors.append(
            _("This is still in the text: %(what)s. Replace it, or tick that it may stay.", what=what)
        )
        fine = False
    return fine


def _replace(ticket: Ticket, form: PastAnswerForm, do: str) -> None:
    """Put other words in the place of all that was found and may not stay, or of one thing."""
    known = _known(ticket, form)
    chosen = do.removeprefix("one:") if do.startswith("one:") else ""
    instead = {
        each.finding.key: each.instead
        for each in _found(ticket, form)
        if (each.finding.key == chosen if chosen else not each.may_stay)
    }
    for name in TEXTS:
        form[name].data = redaction.replaced(form[name].data or "", known, instead)


def _found(ticket: Ticket, form: PastAnswerForm) -> list[Found]:
    known = _known(ticket, form)
    may_stay = set(request.form.getlist("stay"))
    found: dict[str, Found] = {}
    with in_language(form.language.data or ticket.language):
        for name in TEXTS:
            for finding in redaction.find(form[name].data or "", known):
                if finding.key in found:
                    found[finding.key].count += 1
                    continue
                suggested = past_answers.instead_of(finding, ticket, _region(ticket))
                instead = request.form.get(f"instead:{finding.key}", suggested)
                found[finding.key] = Found(finding, 1, instead, finding.key in may_stay)
    return list(found.values())


def _known(ticket: Ticket, form: PastAnswerForm) -> Known:
    return past_answers.known_of(ticket, with_country=not form.country.data)


def _region(ticket: Ticket) -> str:
    """The part of the world that a ticket comes from, as the part of peers tells templates."""
    names = current_app.jinja_env.globals
    country = ticket.country or ticket.requester.country
    if "region_of" not in names or not country:
        return ""
    return str(names["region_name"](names["region_of"](country)))  # type: ignore[operator] # Globals are of any type.


def _find(number: int) -> Ticket:
    ticket = threads.find(number, to_change=request.method == "POST")
    if ticket is None:
        checked("ticket.publish")
        abort(404)
    require(person(), "ticket.publish", ticket, seen_by="ticket.see")
    return ticket


def _page(ticket: Ticket, form: PastAnswerForm) -> str:
    known = _known(ticket, form)
    return render_template(
        "helpdesk/past_answer.html", ticket=ticket, form=form, found=_found(ticket, form),
        pieces={name: redaction.in_pieces(form[name].data or "", known) for name in TEXTS},
        made=past_answers.made_from(ticket),
    )  # fmt: skip

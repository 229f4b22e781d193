"""Making a past answer from a solved ticket, and changing it: drafted, looked through, sent to a second reader."""

from dataclasses import dataclass
from typing import Any

from flask import Blueprint, Flask, abort, current_app, flash, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_wtf import FlaskForm
from sqlalchemy.orm.exc import StaleDataError
from wtforms import RadioField, SelectField, StringField, TextAreaField
from wtforms.validators import Length, Optional

from core.db import db
from core.exceptions import NotNow, Refused
from core.i18n import _, country_choices, in_language, language_choices
from core.i18n import lazy as _l
from core.policy import can, checked, permits, require
from core.web import person, see_other
from helpdesk import drafting, past_answers, redaction
from helpdesk import thread as threads
from helpdesk.forms import words_needed
from helpdesk.models import AnswerSource, Ticket
from helpdesk.redaction import Finding
from helpdesk.redaction_names import Known
from kb import answer_merging, answer_review, answer_standing, answers
from kb.forms import VersionField
from kb.models import DRAFT, PUBLIC, PUBLISHED, WITHDRAWN, Answer
from kb.topics import topic_choices

bp = Blueprint("publish", __name__)

TEXTS = ("title", "question", "answer")
TEXT_LENGTH = 50_000
HIGHEST_NUMBER = 2**31
# That the asker will be asked by mail; why it may be published once they agreed is "consent".
TO_ASK = "ask"
MOST_SAID = 200


def register(app: Flask) -> None:
    """Add the routes, and the way back from a past answer to its ticket."""
    from helpdesk import answer_desk_views, answer_more_views, consent_views  # noqa: F401 # They add their routes.

    app.register_blueprint(bp)
    app.jinja_env.globals.update(
        answer_source=answer_source, finding_kinds=redaction.KINDS, own_publications=consent_views.own_publications
    )  # fmt: skip


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
    version = VersionField()
    # What was said instead of what, as this page replaced it.
    said: dict[str, str] | None = None

    def __init__(self, *args: Any, ticket: Ticket, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.topic.choices = topic_choices()
        self.country.choices = [("", _("Do not tell")), *country_choices()]
        self.language.choices = language_choices()
        self.visibility.choices = [
            ("public", _("Everyone")), ("champions", _("Champions and staff")), ("staff", _("Staff alone")),
        ]  # fmt: skip
        nothing = (answers.NOTHING_PERSONAL, _("It carries nothing that belongs to the asker"))
        ask = (TO_ASK, _("We ask them by mail, and show them the text"))
        agreed = (
            answers.CONSENT,
            _("The asker agreed to a publication without names and contact details"),
        )
        self.basis.choices = [agreed, ask, nothing] if ticket.may_publish else [ask, nothing]

    def fill(self, row: Answer, reason: str) -> None:
        """Show what a past answer says now."""
        for name in (*TEXTS, "topic", "country", "language", "visibility"):
            self[name].data = getattr(row, name)
        if row.topic not in {code for code, _name in topic_choices()}:
            self.topic.choices = [(row.topic, row.topic_name), *topic_choices()]
        self.tags.data, self.version.data, self.reason.data = ", ".join(row.tags), str(row.version), reason
        self.basis.data = row.basis or None

    def words(self) -> answers.Words:
        """What was typed."""
        return answers.Words(
            title=self.title.data or "", question=self.question.data or "", answer=self.answer.data or "",
            topic=self.topic.data, country=self.country.data or "", language=self.language.data,
            tags=tuple(tag for tag in (self.tags.data or "").split(",") if tag.strip()),
            visibility=self.visibility.data,
        )  # fmt: skip


@dataclass
class Found:
    """The same thing, found once or several times: what to say instead, and whether it may stay."""

    finding: Finding
    count: int
    instead: str
    may_stay: bool

    @property
    def key(self) -> str:
        """What it is called in the form."""
        return self.finding.key


@bp.get("/desk/tickets/<int:number>/past-answer")
@permits("ticket.publish")
def edit(number: int) -> ResponseReturnValue:
    """A first version, drafted from the thread."""
    ticket = _find(number)
    drafted = drafting.draft_from(ticket)
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
    """Look again, replace what was found, keep a draft, send it to a second reader, or publish."""
    ticket = _find(number)
    return _keep(ticket, PastAnswerForm(ticket=ticket), None)


@bp.get("/desk/answers/<int:number>/edit")
@permits("answer.edit")
def change(number: int) -> ResponseReturnValue:
    """A past answer that was made from a ticket, to change it with what may tell who asked before one's eyes."""
    row, source = find_answer(number)
    if source is None:
        return see_other(url_for("kb.edit_answer", slug=row.slug))
    form = PastAnswerForm(None, ticket=source.ticket)
    form.fill(row, source.reason)
    return _page(source.ticket, form, row)


@bp.post("/desk/answers/<int:number>/edit")
@permits("answer.edit")
def keep_change(number: int) -> ResponseReturnValue:
    """The same as for a new one, unless somebody else changed it since the page was loaded."""
    row, source = find_answer(number)
    if source is None:
        abort(404)
    return _keep(source.ticket, PastAnswerForm(ticket=source.ticket), row)


def find_answer(number: int, permission: str = "answer.edit") -> tuple[Answer, AnswerSource | None]:
    """A past answer by its number, for staff, and which ticket it was made from."""
    row = db.session.get(Answer, number) if number < HIGHEST_NUMBER else None
    if row is None:
        checked(permission)
        abort(404)
    require(person(), permission, row, seen_by="answer.see")
    return row, past_answers.source_of(row)


def _keep(ticket: Ticket, form: PastAnswerForm, row: Answer | None) -> ResponseReturnValue:
    do = request.form.get("do", "look")
    if do in {"look", "replace"} or do.startswith("one:"):
        if do != "look":
            _replace(ticket, form, do)
        return _page(ticket, form, row)
    valid = form.validate_on_submit()
    if row is not None and form.version.number != row.version:
        return _conflict(ticket, form, row)
    if do in {"publish", "review"}:
        valid = _may_be_published(ticket, form) and valid
    if not valid:
        return _page(ticket, form, row), 422
    try:
        kept = _make(ticket, form) if row is None else _change(row, form)
        said = _go_on(kept, form, do)
        db.session.flush()
    except Refused as refused:
        db.session.rollback()
        field = getattr(form, refused.field, form.title)
        field.errors = [*field.errors, str(refused)]
        return _page(ticket, form, row), 422
    except NotNow as refused:
        db.session.rollback()
        form.form_errors.append(str(refused))
        return _page(ticket, form, row), 409
    except StaleDataError:
        db.session.rollback()
        changed, source = find_answer(row.id if row is not None else 0)
        return _conflict(source.ticket if source is not None else ticket, form, changed)
    flash(f"past-answer-{ticket.number}", "draft-done")
    flash(said, "success")
    if kept.state == PUBLISHED:
        return see_other(url_for("kb.answer", slug=kept.slug))
    return see_other(url_for(".show", number=kept.id))


def _make(ticket: Ticket, form: PastAnswerForm) -> Answer:
    by, words = person(), form.words()
    row = answers.draft(
        by=by, title=words.title, question=words.question, answer=words.answer, topic=words.topic,
        country=words.country, language=words.language, tags=words.tags, visibility=words.visibility,
        is_from_ticket=True,
    )  # fmt: skip
    past_answers.note_source(row, ticket, reason=(form.reason.data or "").strip(), by=by)
    return row


def _change(row: Answer, form: PastAnswerForm) -> Answer:
    answers.edit(row, form.words(), by=person())
    source = past_answers.source_of(row)
    if source is not None:
        source.reason = (form.reason.data or "").strip()
    return row


def _go_on(row: Answer, form: PastAnswerForm, do: str) -> str:
    """Do what comes next with a past answer that was kept. Returns what to tell."""
    by = person()
    if row.state != PUBLISHED and form.basis.data:
        row.basis = form.basis.data
    if do == "draft" or row.state not in {DRAFT, WITHDRAWN}:
        return _("The draft is kept; only staff see it.") if row.state != PUBLISHED else _("Your change is kept.")
    if do == "review" or answer_standing.is_review_needed(row):
        answer_review.ask(row, by=by)
        return _("A second person reads it now. Nothing is published before.")
    if form.basis.data == TO_ASK:
        return _("The draft is kept. Ask whoever asked the question now.")
    answers.publish(row, basis=form.basis.data or "", by=by)
    return _("The past answer is published.")


def _may_be_published(ticket: Ticket, form: PastAnswerForm) -> bool:
    """A reason is needed; and what is still found must have been looked at by a person, one by one."""
    fine = True
    if not form.basis.data:
        form.basis.errors = [_("Choose why it may be published.")]
        fine = False
    elif form.basis.data == answers.NOTHING_PERSONAL and not (form.reason.data or "").strip():
        form.reason.errors = [_("Say it in a few words; only staff see this.")]
        fine = False
    left = [each.finding.text for each in _found(ticket, form, _known(ticket, form)) if not each.may_stay]
    if left:
        what = ", ".join(left[:5])
        form.form_errors.append(
            _("This is still in the text: %(what)s. Replace it, or tick that it may stay.", what=what)
        )
        fine = False
    return fine


def _replace(ticket: Ticket, form: PastAnswerForm, do: str) -> None:
    """Put other words in the place of all that was found and may not stay, or of one thing; the same everywhere."""
    known = _known(ticket, form)
    chosen = do.removeprefix("one:") if do.startswith("one:") else ""
    instead = {
        each.key: each.instead
        for each in _found(ticket, form, known)
        if (each.key == chosen if chosen else not each.may_stay)
    }
    for name in TEXTS:
        form[name].data = redaction.replaced(form[name].data or "", known, instead)
    form.said = {**_said(), **instead}


def _said() -> dict[str, str]:
    """What was said instead of things that were replaced before, so that the same is said when one comes back."""
    start = "said:"
    said = {name.removeprefix(start): value for name, value in request.form.items() if name.startswith(start)}
    return dict(list(said.items())[:MOST_SAID])


def _found(ticket: Ticket, form: PastAnswerForm, known: Known) -> list[Found]:
    may_stay, said = set(request.form.getlist("stay")), _said()
    found: dict[str, Found] = {}
    with in_language(form.language.data or ticket.language):
        for name in TEXTS:
            for finding in redaction.find(form[name].data or "", known):
                key = finding.key
                if key in found:
                    found[key].count += 1
                    continue
                suggested = said.get(key) or past_answers.instead_of(finding, ticket, _region(ticket), known)
                instead = request.form.get(f"instead:{key}", suggested)
                # What only may tell who asked stays until somebody says otherwise.
                is_new = f"instead:{key}" not in request.form
                found[key] = Found(finding, 1, instead, key in may_stay or (finding.is_maybe and is_new))
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


def _conflict(ticket: Ticket, form: PastAnswerForm, row: Answer) -> ResponseReturnValue:
    """Keep what was typed, and show what it says now; saving again is then a decision."""
    form.version.data = str(row.version)
    return _page(ticket, form, row, conflict=True), 409


def _page(ticket: Ticket, form: PastAnswerForm, row: Answer | None = None, **more: Any) -> str:
    known = _known(ticket, form)
    takes_two = answer_standing.takes_two()
    # Where nobody else reads it, it can be published from this very page: what is like it is shown here, then.
    alike = [] if takes_two else answer_merging.alike(
        form.title.data or "", form.question.data or "", form.answer.data or "", language=form.language.data or "en",
        user=person(), but=row.id if row is not None else 0,
    )  # fmt: skip
    return render_template(
        "helpdesk/past_answer.html", ticket=ticket, form=form, answer=row, found=_found(ticket, form, known),
        pieces={name: redaction.in_pieces(form[name].data or "", known) for name in TEXTS},
        made=past_answers.made_from(ticket) if row is None else [], said=form.said or _said(),
        takes_two=takes_two, alike=alike, **more,
    )  # fmt: skip

"""The desk: the queue, its counts, and opening a ticket for somebody. One ticket is in desk_ticket_views."""

from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import quote

from flask import Blueprint, Flask, current_app, flash, jsonify, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from accounts import people
from accounts.models import Organisation, User
from core import markdown
from core.db import db
from core.exceptions import NotNow, Refused
from core.i18n import _, age, country_name, language_name, ngettext
from core.policy import permits, require
from core.web import page_url, person, see_other
from helpdesk import choices, health, queue, tickets
from helpdesk.ages import Ages
from helpdesk.choices import Choice
from helpdesk.desk_forms import NewTicketForm, options, reachable
from helpdesk.models import Ticket
from helpdesk.states import PRIORITIES, SERVICES, STATES
from helpdesk.tickets import Words
from kb.topics import TOPICS, topic_name

bp = Blueprint("desk", __name__)

MOST_AT_ONCE = 100
_WORDS: dict[str, Mapping[str, Any]] = {"state": STATES, "priority": PRIORITIES, "topic": TOPICS}
PREVIEW_LENGTH = 100_000


def register(app: Flask) -> None:
    """Add the routes, and what the pages of the desk say things with."""
    from helpdesk import desk_ticket_views, proposal_views  # noqa: F401 # Importing them adds their routes.

    app.register_blueprint(bp)
    app.jinja_env.globals.update(
        options=options, reachable=reachable, state_names=STATES, priority_names=PRIORITIES, service_names=SERVICES,
        topic_name=topic_name, ticket_url=ticket_url, tag_url=tag_url,
        topic_url=topic_url, place_of=place_of,
    )  # fmt: skip
    app.jinja_env.filters["age"] = age


@bp.get("/desk")
@permits("desk.see")
def index() -> ResponseReturnValue:
    """The queue: one view of it, filtered, searched and sorted."""
    reader: User = person()
    choice = choices.read(request.args)
    counts = queue.counts(reader)
    if choice.q:
        lines = queue.found(choice, reader)
    else:
        after, before = request.args.get("after", ""), request.args.get("before", "")
        lines = queue.page(choice, reader, after=after, before=before)
    show_filter = "filter" in request.args
    analysts = queue.analysts() if show_filter or choice.assignee else []
    # What the search box found is counted by what is shown.
    total = queue.count(choice, reader) if choice.filters and not choice.q else counts[choice.view]
    return render_template(
        "helpdesk/desk.html", choice=choice, lines=lines, total=total, analysts=analysts,
        chips=_chips(choice, analysts), desk_nav=nav(counts, choice.view if not choice.q else ""),
        live_url=url_for(".counts"), live_version=queue.mark(), views=choices.VIEWS, sorts=choices.SORTS, since=Ages(),
        warnings=health.examine().warnings, show_filter=show_filter, filter_url=url_for(".filters", **_query(choice)),
        words={name: {code: str(word) for code, word in known.items()} for name, known in _WORDS.items()},
    )  # fmt: skip


@bp.get("/desk/filters")
@permits("desk.see")
def filters() -> ResponseReturnValue:
    """The fields of the filter, as a fragment of the queue; without scripts, the queue with its filter open."""
    choice = choices.read(request.args)
    if not request.headers.get("X-Fragment"):
        return redirect(url_for(".index", filter=1, **_query(choice)))
    return render_template("helpdesk/_desk_filter.html", choice=choice, analysts=queue.analysts())


@bp.get("/desk/counts")
@permits("desk.see")
def counts() -> ResponseReturnValue:
    """Fresh counts for an open page, and a mark that changes when something happened to any ticket."""
    return jsonify(counts=queue.counts(person()), version=queue.mark())


@bp.post("/desk/bulk")
@permits("desk.see")
def bulk() -> ResponseReturnValue:
    """Take, solve or close the tickets that were selected; those that cannot be are left as they are."""
    by: User = person()
    numbers = [int(each) for each in request.form.getlist("ticket")[:MOST_AT_ONCE] if choices.is_number(each)]
    do = request.form.get("do", "")
    if do not in {"take", "solve", "close"}:
        raise Refused(_("Choose what to do with the selected tickets."), "do")
    statement = db.select(Ticket).where(Ticket.id.in_(numbers)).order_by(Ticket.id)
    done = 0
    for ticket in db.session.scalars(statement.with_for_update(of=Ticket)).all():
        require(by, "ticket.triage", ticket)
        before = (ticket.state, ticket.assignee_id)
        try:
            if do == "take":
                tickets.assign(ticket, by, by=by)
            else:
                tickets.set_state(ticket, {"solve": "solved", "close": "closed"}[do], by=by)
        except NotNow:
            continue
        done += (ticket.state, ticket.assignee_id) != before
    flash(ngettext("%(num)s ticket changed.", "%(num)s tickets changed.", done), "success")
    if done < len(numbers):
        flash(_("The others were as wanted already, are over, or are not there."), "warning")
    return see_other(url_for(".index", **_query(choices.read(request.form))))


@bp.get("/desk/new")
@permits("ticket.open_for")
def new() -> ResponseReturnValue:
    """The form to open a ticket for somebody. What is in the address (email, name, title) is filled in."""
    form = NewTicketForm(request.args, meta={"csrf": True}) if request.args else NewTicketForm(None)
    return _new_page(form)


@bp.post("/desk/new")
@permits("ticket.open_for")
def open_for() -> ResponseReturnValue:
    """Open a ticket for somebody."""
    form = NewTicketForm()
    if not form.validate_on_submit():
        return _new_page(form), 413 if form.too_large else 422
    by: User = person()
    requester = people.find_or_add(
        form.email.data or "", name=" ".join((form.name.data or "").split()), country=form.country.data,
        language=form.language.data if form.language.data in current_app.config["LANGUAGES"] else "",
    )  # fmt: skip
    organisation = people.organisation_named(form.organisation.data or "", form.country.data)
    words = Words(
        body=(form.body.data or "").strip(), files=form.stored_files(), channel="desk", language=form.language.data
    )
    ticket = tickets.open_for(
        requester, by=by, title=form.title.data or "", words=words, is_note=form.kind.data == "note",
        topic=form.topic.data, service=form.service.data, country=form.country.data, language=form.language.data,
        organisation=organisation,
    )  # fmt: skip
    flash("desk-new", "draft-done")
    flash(_("Ticket %(number)s is open.", number=ticket.number), "success")
    return see_other(url_for(".show", number=ticket.number))


@bp.post("/desk/preview")
@permits("desk.see")
def preview() -> ResponseReturnValue:
    """A text in Markdown as it will look, as a fragment."""
    text = request.form.get("text", "")[:PREVIEW_LENGTH]
    return markdown.render_message(text.replace("\0", "")), {"Content-Type": "text/html; charset=utf-8"}


def ticket_url(number: int) -> str:
    """Where a ticket is on the desk; a list shows many, so it is put together by hand."""
    return f"{request.script_root}/desk/tickets/{number}"


def tag_url(tag: str) -> str:
    """The tickets with a tag."""
    return f"{request.script_root}/desk?view={choices.ALL}&tag={quote(tag, safe='')}"


def topic_url(topic: str) -> str:
    """The tickets on a topic."""
    return f"{request.script_root}/desk?view={choices.ALL}&topic={quote(topic, safe='')}"


def place_of(organisation: str | None, country: str | None, *, is_short: bool = False) -> str:
    """An organisation with its country, unless its name says that already.

    :param is_short: the end may be cut off, so the country comes first.
    """
    name = country_name(country) if country else ""
    if is_short:
        rest = (organisation or "").removesuffix(f", {name}")
        return ", ".join(part for part in (name if name not in rest else "", rest) if part)
    return ", ".join(part for part in (organisation, name if name not in (organisation or "") else "") if part)


def nav(counts: dict[str, str], current: str) -> list[tuple[str, list[tuple[Any, ...]]]]:
    """The lists at the side of the desk's pages."""
    views = [
        (str(view.name), url_for("desk.index", view=name), counts[name], name, name == current)
        for name, view in choices.VIEWS.items()
    ]
    intake = [
        (_("Mail log"), url_for("mail.index"), None, "", False),
        (_("Quarantine"), url_for("mail.index", fate="quarantine"), counts["quarantine"], "quarantine", False),
    ]
    answers = [(_("Past answers"), url_for("publish.work_list"), None, "", False)]
    return [(_("Queue"), views), (_("Intake"), intake), (_("Publication"), answers)]


def _query(choice: Choice) -> dict[str, Any]:
    """A choice as the query of an address."""
    query = {"view": choice.view, "sort": choice.sort, "q": choice.q, **choice.filters}
    return {name: value for name, value in query.items() if value}


def _new_page(form: NewTicketForm) -> str:
    return render_template(
        "helpdesk/desk_new.html", form=form, desk_nav=nav(queue.counts(person()), ""), live_url=url_for(".counts")
    )


def _chips(choice: Choice, analysts: Any) -> list[tuple[str, str]]:
    """The filters in force as (words, address without it)."""
    return [
        (f"{label}: {value}", page_url(**{name: "", "after": "", "before": ""}))
        for name, label, value in _in_words(choice, analysts)
    ]


def _in_words(choice: Choice, analysts: Any) -> list[tuple[str, str, str]]:
    names = {str(row.id): row.name or row.email for row in analysts} | {"me": _("me"), "nobody": _("nobody")}
    words: dict[str, tuple[str, Callable[[str], str]]] = {
        "state": (_("State"), lambda code: str(STATES[code])),
        "assignee": (_("Assignee"), lambda code: names.get(code, code)),
        "topic": (_("Topic"), topic_name),
        "team": (_("Team"), str),
        "country": (_("Country"), country_name),
        "language": (_("Language"), language_name),
        "priority": (_("Priority"), lambda code: str(PRIORITIES[code])),
        "tag": (_("Tag"), str),
        "requester": (_("Requester"), lambda number: choices.name_of(User, number)),
        "organisation": (_("Organisation"), lambda number: choices.name_of(Organisation, number)),
    }
    return [(name, words[name][0], words[name][1](value)) for name, value in choice.filters.items()]

"""The mail log: what came in and what became of it, what went out and whether it arrived."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, cast

from flask import Blueprint, Flask, Response, abort, current_app, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import Select, func, select

from core import pager
from core.db import db
from core.i18n import _
from core.i18n import lazy as _l
from core.mail import OutgoingMail
from core.mime import ParsedMail, Unparsable
from core.mime_child import parse_in_child
from core.policy import permits
from core.settings import Settings
from core.web import FILE_POLICY, page_url, person
from helpdesk import desk_views, inbound, mail_api, mail_moves, mail_search, mailboxes, outbound, queue, sender_proof
from helpdesk.fates import header_of
from helpdesk.intake_models import FATES, InboundMail, RawMail

bp = Blueprint("mail", __name__, url_prefix="/desk/mail")

SHOWN_BYTES = 64 * 1024
MOST_SENT = 5
# A larger mail is not read for its page; its fate was decided by the worker, which takes its time.
READ_BYTES = 5 * 1024 * 1024
READ_SECONDS = 5.0
SOURCES = {"pipe": _l("mail server"), "api": _l("API"), "imap": _l("mailbox"), "lmtp": _l("mail server")}
# The dots of states in the style sheet, by fate.
DOTS = {"": "open", "ticket": "new", "reply": "open", "duplicate": "closed", "automatic": "closed", "bounce": "failed",
        "spam": "closed",
        "quarantine": "quarantine", "ignored": "closed"}  # fmt: skip


@dataclass(frozen=True)
class Contents:
    """What the page of a mail shows of its bytes: as the parser reads it (or why it cannot), and as they are."""

    parsed: ParsedMail | None
    problem: str
    header: list[tuple[str, str]]
    judged: list[sender_proof.Result]
    source: str
    is_cut: bool


def register(app: Flask) -> None:
    """Add the routes."""
    from helpdesk import mail_act_views, mail_health_views, mail_out_views  # noqa: F401 # They add their routes.

    app.register_blueprint(bp)
    app.register_blueprint(mail_api.bp)


@bp.get("")
@permits("mail.see")
def index() -> ResponseReturnValue:
    """Every mail that came in, newest first; with words to find, also those that we sent to or about them."""
    fate, q, mailbox = request.args.get("fate", "all"), searched(), request.args.get("mailbox", "")[:100]
    since, until = _day("since"), _day("until")
    statement = InboundMail.visible_to(person())
    if fate in FATES:
        statement = statement.where(InboundMail.fate == fate)
    if mailbox:
        statement = statement.where(InboundMail.mailbox == mailbox)
    if q:
        statement = statement.where(mail_search.matching(q))
    if since is not None:
        statement = statement.where(InboundMail.id >= _first_since(since))
    if until is not None:
        statement = statement.where(InboundMail.id < _first_since(until + timedelta(days=1)))
    page = page_of(statement, InboundMail)
    is_first = not (request.args.get("after") or request.args.get("before"))
    return render_template(
        "helpdesk/mail_log.html", page=page, fate=fate, fates=FATES, q=q, dots=DOTS, mailbox=mailbox,
        mailboxes=sorted(mailboxes.all_of_them()), since=request.args.get("since", "") if since else "",
        until=request.args.get("until", "") if until else "", sent=_sent(q) if q and is_first else (),
        heap=_heap(page["items"]) if fate == "quarantine" else (), **around("in"),
    )  # fmt: skip


@bp.get("/<int:number>")
@permits("mail.see")
def show(number: int) -> ResponseReturnValue:
    """One mail: where it went and why, what it says, and its source."""
    return shown(row_or_404(number))


def shown(row: InboundMail, **more: Any) -> str:
    """The page of one mail; after a refusal, with what was typed."""
    return render_template(
        "helpdesk/mail_detail.html", mail=row, contents=_contents(row), fates=FATES, dots=DOTS, sources=SOURCES,
        replayable=row.fate in inbound.REPLAYABLE,
        placeable=row.fate in mail_moves.PLACEABLE and row.ticket_id is None, other_arrivals=_other_arrivals(row),
        **more, **around("in"),
    )  # fmt: skip


@bp.get("/<int:number>/raw")
@permits("mail.see")
def raw(number: int) -> ResponseReturnValue:
    """The bytes of a mail, as a download that can do nothing."""
    row = row_or_404(number)
    answer = Response(row.raw.content, mimetype="application/octet-stream")
    answer.headers["Content-Disposition"] = f'attachment; filename="mail-{row.id}.eml"'
    answer.headers["Content-Security-Policy"] = FILE_POLICY
    return answer


@bp.post("/<int:number>/replay")
@permits("mail.see")
def replay(number: int) -> ResponseReturnValue:
    """Have a mail read again."""
    inbound.replay(row_or_404(number), by=person(), by_hand="by_hand" in request.form)
    flash(_("The mail will be read again in a moment."), "success")
    return redirect(url_for(".show", number=number), 303)


def around(where: str) -> dict[str, Any]:
    """What stands beside every page of the log: the lists of the desk, with those of mail opened up."""
    counts = queue.counts(person())
    failed = _shown_count(select(OutgoingMail.id).where(OutgoingMail.state.in_(outbound.FAILED)))
    fate = request.args.get("fate", "") if where == "in" else ""
    state = request.args.get("state", "") if where == "out" else ""
    mail = [
        (_("Mail log"), url_for(".index"), None, "", where == "in" and fate != "quarantine"),
        (
            _("Quarantine"),
            url_for(".index", fate="quarantine"),
            counts["quarantine"],
            "quarantine",
            fate == "quarantine",
        ),
        (_("Health of mail in"), url_for(".health_page"), None, "", where == "health"),
        (_("Mail out"), url_for(".sent"), None, "", where == "out" and state != "failed"),
        (_("Not delivered"), url_for(".sent", state="failed"), failed, "", state == "failed"),
    ]
    # The last list of the desk is the short form of this one.
    *lists, (heading, _short) = desk_views.nav(counts, "")
    return {"desk_nav": [*lists, (heading, mail)], "live_url": url_for("desk.counts")}


def _shown_count(statement: Select[Any]) -> str:
    count, more = pager.capped_count(statement)
    return f"{count:,}+" if more else str(count)


def page_of(statement: Select[Any], model: type[InboundMail] | type[OutgoingMail]) -> dict[str, Any]:
    """One page of mails, newest first, with the addresses of its neighbours."""
    found = pager.page(
        statement,
        [(model.id, True)],
        after=request.args.get("after", ""),
        before=request.args.get("before", ""),
        size=50,
    )
    return {
        "items": found.items,
        "newer": page_url(before=found.previous, after="") if found.previous else "",
        "older": page_url(after=found.next, before="") if found.next else "",
    }


def searched() -> str:
    """The words that were searched for, without control characters."""
    return "".join(char for char in request.args.get("q", "")[:200] if char.isprintable()).strip()


def _day(name: str) -> datetime | None:
    """A day of the filter, from its beginning in UTC; None if none was chosen or what was typed is none."""
    try:
        return datetime.combine(date.fromisoformat(request.args.get(name, "")), time(), UTC)
    except (ValueError, OverflowError):
        return None


def _first_since(moment: datetime) -> int:
    """The number of the first mail since then: numbers rise with time, and one number is quicker than a range."""
    found = db.session.scalar(
        select(InboundMail.id).where(InboundMail.received_at >= moment)
        .order_by(InboundMail.received_at, InboundMail.id).limit(1)
    )  # fmt: skip
    return found if found is not None else 2**62


def _sent(q: str) -> Sequence[Any]:
    """The newest mails that we sent to this very address, or the one with this Message-ID."""
    bare = q.strip("<> ")
    if "@" not in bare:
        return ()
    columns = (OutgoingMail.id, OutgoingMail.subject, OutgoingMail.recipient, OutgoingMail.state,
               OutgoingMail.queued_at, OutgoingMail.about_id, OutgoingMail.about_kind)  # fmt: skip
    by_id = select(*columns).where(OutgoingMail.message_id == bare)
    by_address = select(*columns).where(OutgoingMail.recipient == bare.lower()).order_by(OutgoingMail.id.desc())
    return [*db.session.execute(by_id), *db.session.execute(by_address.limit(MOST_SENT))][:MOST_SENT]


def _heap(rows: Sequence[InboundMail]) -> list[str]:
    """The reasons for which several of these mails are in quarantine."""
    reasons = Counter(row.reason for row in rows if row.reason)
    return [reason for reason, count in reasons.most_common(3) if count > 1]


def _other_arrivals(row: InboundMail) -> Sequence[Any]:
    """The other mails under the same Message-ID: copies of it, and what only bears its name."""
    if not row.message_id:
        return ()
    return db.session.execute(
        select(InboundMail.id, InboundMail.fate, InboundMail.mailbox, InboundMail.received_at)
        .where(InboundMail.message_id == row.message_id, InboundMail.id != row.id).order_by(InboundMail.id).limit(10)
    ).all()  # fmt: skip


def row_or_404(number: int) -> InboundMail:
    """A mail of the log, for staff."""
    statement = InboundMail.visible_to(person()).where(InboundMail.id == number)
    row = db.session.scalar(statement) if number < 2**31 else None
    if row is None:
        abort(404)
    return cast("InboundMail", row)


def _contents(row: InboundMail) -> Contents:
    start = (
        db.session.scalar(select(func.substr(RawMail.content, 1, SHOWN_BYTES)).where(RawMail.sha256 == row.sha256))
        or b""
    )
    parsed, problem = None, ""
    if row.size > READ_BYTES:
        problem = _("It is too large to be shown here. Download it instead.")
    else:
        try:
            parsed = parse_in_child(start if row.size <= SHOWN_BYTES else row.raw.content, READ_SECONDS)
        except Unparsable as error:
            problem = error.reason
    source = "".join(
        char if char.isprintable() or char in "\n\t" else "\ufffd"
        for char in bytes(start).decode("utf-8", "replace").replace("\r\n", "\n")
    )
    header = header_of(start)
    settings: Settings = current_app.extensions["settings"]
    judged = sender_proof.results(header, settings.mail.authserv_id)
    return Contents(parsed, problem, header.fields, judged, source, is_cut=row.size > SHOWN_BYTES)

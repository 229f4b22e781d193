"""Mail out: rendered from templates/email/<notice>/, queued with a Message-ID that never changes, sent by the worker.

One row for each recipient, so that each has a delivery state. A repeated send carries the same Message-ID, so that the
receiving side can tell.
"""

import hashlib
import logging
import smtplib
import ssl
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP, EmailPolicy
from email.utils import format_datetime
from typing import Any

from flask import current_app, render_template
from sqlalchemy import Index, String, Text, func, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Mapped, mapped_column

from core import files, jobs, markdown, signing
from core.db import Id, Model, db, now
from core.events import record
from core.i18n import in_language
from core.settings import Settings

logger = logging.getLogger(__name__)

GIVE_UP_AFTER = timedelta(days=5)


class _Policy(EmailPolicy):
    """As SMTP, but ids stay on the line of their name, because not every mail program unfolds them."""

    def fold_binary(self, name: str, value: Any) -> bytes:
        """One header field as it goes out."""
        if name.lower() in {"message-id", "in-reply-to"}:
            return f"{name}: {value}\r\n".encode("ascii", "replace")
        return super().fold_binary(name, value)


_POLICY = _Policy(linesep="\r\n", raise_on_defect=SMTP.raise_on_defect)

# Stands in the stored text for a secret that is only known while the mail is sent.
FILLED_IN = "filled-in-when-it-is-sent"
Filler = Callable[[int], str | None]
_fillers: dict[str, Filler] = {}


class OutgoingMail(Model):
    """One mail to one recipient.

    ``about_kind`` and ``about_id`` name the row that it is about (a ticket, a connection), ``part_kind`` and
    ``part_id`` the row that it carries (a message), so that replies and bounces find their way back.
    """

    __tablename__ = "outgoing_mail"
    __table_args__ = (
        Index("ix_outgoing_mail_about", "about_kind", "about_id"),
        Index("ix_outgoing_mail_part", "part_kind", "part_id"),
        Index("ix_outgoing_mail_recipient", "recipient", "sent_at"),
        Index("ix_outgoing_mail_state", "state", "id"),
    )

    message_id: Mapped[str] = mapped_column(String(255), unique=True)
    notice: Mapped[str] = mapped_column(String(60))
    recipient: Mapped[str] = mapped_column(String(254))
    recipient_name: Mapped[str] = mapped_column(String(200), default="")
    # Who else the reader sees in Cc, as addresses; each of them has a row of their own.
    shown_cc: Mapped[list[Any]] = mapped_column(default=list)
    reply_to: Mapped[str] = mapped_column(String(254), default="")
    in_reply_to: Mapped[str] = mapped_column(Text, default="")
    references: Mapped[list[Any]] = mapped_column(default=list)
    sender_name: Mapped[str] = mapped_column(String(200), default="")
    language: Mapped[str] = mapped_column(String(8), default="en")
    subject: Mapped[str] = mapped_column(Text)
    text: Mapped[str] = mapped_column(Text)
    html: Mapped[str] = mapped_column(Text, default="")
    # [{"file": id, "name": file name}]
    attachments: Mapped[list[Any]] = mapped_column(default=list)
    is_automatic: Mapped[bool] = mapped_column(default=False)
    about_kind: Mapped[str] = mapped_column(String(40), default="")
    about_id: Mapped[int | None] = mapped_column(Id)
    part_kind: Mapped[str] = mapped_column(String(40), default="")
    part_id: Mapped[int | None] = mapped_column(Id)
    # queued, deferred (will be tried again), sent, dead (refused for good, or given up)
    state: Mapped[str] = mapped_column(String(10), default="queued")
    attempts: Mapped[int] = mapped_column(default=0)
    last_error: Mapped[str] = mapped_column(Text, default="")
    queued_at: Mapped[datetime] = mapped_column(default=now)
    sent_at: Mapped[datetime | None]


@dataclass(frozen=True)
class Recipient:
    """Who gets a mail, in which language."""

    address: str
    name: str = ""
    language: str = "en"


def fills(part_kind: str) -> Callable[[Filler], Filler]:
    """Register what gives the secret of mails whose ``part`` is a row of this kind, by the id of that row.

    The secret takes the place of `FILLED_IN` as the mail is sent, so it is never at rest in the database or in the
    mail log. None means that it has ended: the mail is given up.
    """

    def add(filler: Filler) -> Filler:
        _fillers[part_kind] = filler
        return filler

    return add


def message_id(key: str) -> str:
    """The Message-ID that belongs to a key, for ever: minted with our mark, so that we know our own."""
    return f"{key}.{signing.mark('message-id', key)}@{current_app.extensions['settings'].reply_domain}"


def is_own_message_id(candidate: str) -> bool:
    """Whether a Message-ID was minted here, by its mark."""
    local, _, domain = candidate.rpartition("@")
    key, _, mark = local.rpartition(".")
    return domain.lower() == current_app.extensions["settings"].reply_domain and signing.is_mark(
        "message-id", key, mark
    )


def queue(
    notice: str,
    to: Recipient,
    key: str,
    *,
    about: Model | None = None,
    part: Model | None = None,
    reply_to: str = "",
    in_reply_to: str = "",
    references: Sequence[str] = (),
    shown_cc: Sequence[str] = (),
    sender_name: str = "",
    attachments: Sequence[tuple[str, str]] = (),
    is_automatic: bool = False,
    **context: Any,  # For the templates.
) -> None:
    """Render a mail and queue it, with the job that sends it. A second call with the same key and recipient is idle.

    :param notice: the folder under templates/email/.
    :param key: what the Message-ID is made from, such as ``event-12``.
    :param attachments: (file id, file name) pairs.
    """
    settings: Settings = current_app.extensions["settings"]
    short = hashlib.sha256(to.address.lower().encode()).hexdigest()[:12]
    with in_language(to.language):
        context = {**context, "recipient": to, "settings": settings, "about": about, "part": part}
        subject = " ".join(render_template(f"email/{notice}/subject.txt", **context).split())
        text = render_template(f"email/{notice}/body.txt", **context).strip() + "\n"
        html = render_template(f"email/{notice}/body.html", **context)
    insert = postgresql.insert(OutgoingMail) if db.engine.dialect.name == "postgresql" else sqlite.insert(OutgoingMail)
    number = db.session.execute(
        insert.values(
            message_id=message_id(f"{key}.{short}"), notice=notice, recipient=to.address,
            recipient_name=_one_line(to.name),
            shown_cc=list(shown_cc), reply_to=reply_to, in_reply_to=_one_line(in_reply_to),
            references=[_one_line(one) for one in references][-20:],
            sender_name=_one_line(sender_name) or settings.mail.sender_name, language=to.language, subject=subject,
            text=text.replace("\0", ""),
            html=html, attachments=[{"file": file, "name": name} for file, name in attachments],
            is_automatic=is_automatic, about_kind=about.__tablename__ if about else "",
            about_id=about.id if about else None, part_kind=part.__tablename__ if part else "",
            part_id=part.id if part else None, state="queued", attempts=0, last_error="", queued_at=now(),
        )
        .on_conflict_do_nothing(index_elements=["message_id"])
        .returning(OutgoingMail.id)
    ).scalar()  # fmt: skip
    if number is not None:
        jobs.enqueue("mail.send", mail=number)


@jobs.job("mail.send", attempts=200, slow=True)
def send(mail: int) -> None:
    """Hand one mail to the SMTP server (or to the outbox folder), and note what came of it."""
    row = db.session.get(OutgoingMail, mail)
    if row is None or row.state in {"sent", "dead"}:
        return
    settings: Settings = current_app.extensions["settings"]
    if _sent_in_last_hour(row.recipient) >= settings.mail.per_address_hour:
        raise jobs.Later(600, "the limit of mails to this address in an hour is reached")
    secret = ""
    if row.part_id is not None and row.part_kind in _fillers:
        known = _fillers[row.part_kind](row.part_id)
        if known is None:
            row.state, row.last_error = "dead", "the link in it has ended"
            return
        secret = known
    try:
        message = build(row, settings, secret=secret)
    except ValueError as error:
        row.state, row.last_error = "dead", f"this mail cannot be built: {error}"[:2000]
        record("mail.failed", row)
        return
    # No transaction may be open while we wait for a server.
    db.session.rollback()
    outcome, reason = _deliver(message, row.recipient, settings)
    row = db.session.get(OutgoingMail, mail, populate_existing=True)
    if row is None:
        return
    row.attempts += 1
    row.last_error = reason[:2000]
    if outcome == "deferred" and now() - row.queued_at > GIVE_UP_AFTER:
        outcome = "dead"
    row.state = outcome
    if outcome == "sent":
        row.sent_at = now()
    elif outcome == "dead":
        record("mail.failed", row)
    else:
        delay = min(60 * 2 ** (row.attempts - 1), 3600)
        jobs.enqueue("mail.send", mail=mail, delay=delay)


def build(row: OutgoingMail, settings: Settings, *, secret: str = "") -> EmailMessage:
    """The mail as it goes out: plain text and HTML, threaded, marked as automatic where it is.

    :param secret: what takes the place of `FILLED_IN`; without one, that stays.
    """
    text, html = row.text, row.html
    if secret:
        text, html = text.replace(FILLED_IN, secret), html.replace(FILLED_IN, secret)
    message = EmailMessage(policy=_POLICY)
    message["Subject"] = _one_line(row.subject)
    message["From"] = _address(row.sender_name, settings.mail.sender)
    message["To"] = _address(row.recipient_name, row.recipient)
    if row.shown_cc:
        message["Cc"] = [_address("", address) for address in row.shown_cc]
    if row.reply_to:
        message["Reply-To"] = _address(settings.mail.sender_name, row.reply_to)
    message["Date"] = format_datetime(row.queued_at)
    message["Message-ID"] = f"<{row.message_id}>"
    if row.in_reply_to:
        message["In-Reply-To"] = f"<{_one_line(row.in_reply_to)}>"
    if row.references:
        message["References"] = " ".join(f"<{_one_line(reference)}>" for reference in row.references)
    message["X-Helpdesk"] = settings.reply_domain
    if row.is_automatic:
        # RFC 3834, and what Exchange understands instead.
        message["Auto-Submitted"] = "auto-replied" if row.in_reply_to else "auto-generated"
        message["X-Auto-Response-Suppress"] = "All"
    message.set_content(text, cte="quoted-printable")
    if html:
        message.add_alternative(html, subtype="html", cte="quoted-printable")
    for item in row.attachments:
        stored = db.session.get(files.StoredFile, item["file"])
        if stored is not None:
            main, _, sub = stored.content_type.partition("/")
            message.add_attachment(
                files.read(stored), maintype=main, subtype=sub or "octet-stream", filename=_one_line(item["name"])
            )
    # Last, because fields of this kind move into the first part when a second one is added.
    message["Content-Language"] = row.language
    return message


def _deliver(message: EmailMessage, recipient: str, settings: Settings) -> tuple[str, str]:
    """Send, and say what came of it: ("sent" | "deferred" | "dead", reason)."""
    if not settings.mail.host:
        folder = settings.data_dir / "outbox"
        folder.mkdir(parents=True, exist_ok=True)
        name = message["Message-ID"].strip("<>").replace("/", "_")
        (folder / f"{name}.eml").write_bytes(message.as_bytes())
        return "sent", ""
    try:
        with _connect(settings) as server:
            server.send_message(message, from_addr=settings.mail.sender, to_addrs=[recipient])
    except smtplib.SMTPRecipientsRefused as error:
        code, text = next(iter(error.recipients.values()))
        return _verdict(code), f"{code} {text.decode(errors='replace')}"
    except smtplib.SMTPResponseException as error:
        detail = (
            error.smtp_error.decode(errors="replace") if isinstance(error.smtp_error, bytes) else str(error.smtp_error)
        )
        # A refused sign-in is our own fault, not the recipient's: try again once it is mended.
        permanent = not isinstance(error, smtplib.SMTPAuthenticationError)
        return _verdict(error.smtp_code) if permanent else "deferred", f"{error.smtp_code} {detail}"
    except (smtplib.SMTPException, OSError) as error:
        return "deferred", f"{type(error).__name__}: {error}"
    except (ValueError, UnicodeError) as error:
        return "dead", f"this address or text cannot be sent: {error}"
    return "sent", ""


def _connect(settings: Settings) -> smtplib.SMTP:
    """An open connection; TLS where it is asked for, never silently without it."""
    mail = settings.mail
    context = ssl.create_default_context()
    server: smtplib.SMTP
    if mail.tls == "tls":
        server = smtplib.SMTP_SSL(mail.host, mail.port, timeout=mail.timeout_seconds, context=context)
    else:
        server = smtplib.SMTP(mail.host, mail.port, timeout=mail.timeout_seconds)
        try:
            if mail.tls == "starttls":
                server.starttls(context=context)
        except (smtplib.SMTPException, OSError):
            server.close()
            raise
    if mail.user:
        server.login(mail.user, mail.password)
    return server


def _verdict(code: int) -> str:
    return "dead" if 500 <= code < 600 else "deferred"


def _sent_in_last_hour(address: str) -> int:
    statement = select(func.count()).where(
        OutgoingMail.recipient == address, OutgoingMail.sent_at >= now() - timedelta(hours=1)
    )
    return db.session.scalar(statement) or 0


def _address(name: str, address: str) -> Address:
    return Address(display_name=_one_line(name), addr_spec=address)


def _one_line(text: str) -> str:
    """Without control characters: nothing that came from outside may begin a header of ours."""
    # The standard library decodes encoded words in what it is given, and a decoded line feed would begin a header.
    return "".join(char if char.isprintable() else " " for char in text).replace("=?", "= ?").strip()


def plain(html: str) -> str:
    """HTML as text, for the plain part of a mail."""
    return markdown.to_text(html)

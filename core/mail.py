"""Mail out: rendered from templates/email/<notice>/ and queued with a Message-ID that never changes.

One row for each recipient, so that each has a delivery state. A repeated send carries the same Message-ID, so that the
receiving side can tell. `core.mail_sending` sends what is queued here.
"""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask import current_app, render_template
from sqlalchemy import Index, String, Text
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Mapped, mapped_column

from core import jobs, markdown, signing
from core.db import Id, Model, db, now
from core.i18n import in_language
from core.settings import Settings

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
        Index("ix_outgoing_mail_sent", "sent_at"),
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
    # The list that it belongs to, for its List-Id, and where one click ends that (RFC 8058); "" for other mails.
    list_name: Mapped[str] = mapped_column(String(40), default="")
    unsubscribe: Mapped[str] = mapped_column(Text, default="")
    # queued, deferred (will be tried again), sent, bounced (came back), dead (refused for good, or given up)
    state: Mapped[str] = mapped_column(String(10), default="queued")
    # Whose trouble keeps it: "sign-in", "tls", "server", "dkim" (ours), "limit", or "" (the recipient's).
    fault: Mapped[str] = mapped_column(String(10), default="")
    attempts: Mapped[int] = mapped_column(default=0)
    last_error: Mapped[str] = mapped_column(Text, default="")
    queued_at: Mapped[datetime] = mapped_column(default=now)
    next_at: Mapped[datetime | None]
    # Set while a worker talks to the mail server about it, so that no other does.
    sending_until: Mapped[datetime | None]
    # When somebody had it sent again: the days until it is given up are counted anew.
    retried_at: Mapped[datetime | None]
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


def secret_of(row: OutgoingMail) -> str | None:
    """What takes the place of `FILLED_IN` in this mail; "" where nothing does, None where it has ended."""
    if row.part_id is None or row.part_kind not in _fillers:
        return ""
    return _fillers[row.part_kind](row.part_id)


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
    list_name: str = "",
    unsubscribe: str = "",
    **context: Any,  # For the templates.
) -> None:
    """Render a mail and queue it, with the job that sends it. A second call with the same key and recipient is idle.

    :param notice: the folder under templates/email/.
    :param key: what the Message-ID is made from, such as ``event-12``.
    :param attachments: (file id, file name) pairs.
    :param list_name: of the list that it belongs to, such as ``notices``, for its List-Id.
    :param unsubscribe: the address that takes its reader from that list.
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
            recipient_name=one_line(to.name),
            shown_cc=list(shown_cc), reply_to=reply_to, in_reply_to=one_line(in_reply_to),
            references=[one_line(one) for one in references][-20:],
            sender_name=one_line(sender_name) or settings.mail.sender_name, language=to.language, subject=subject,
            text=text.replace("\0", ""),
            html=html, attachments=[{"file": file, "name": name} for file, name in attachments],
            is_automatic=is_automatic, about_kind=about.__tablename__ if about else "",
            about_id=about.id if about else None, part_kind=part.__tablename__ if part else "",
            part_id=part.id if part else None, list_name=list_name, unsubscribe=unsubscribe, state="queued", fault="",
            attempts=0, last_error="", queued_at=now(),
        )
        .on_conflict_do_nothing(index_elements=["message_id"])
        .returning(OutgoingMail.id)
    ).scalar()  # fmt: skip
    if number is not None:
        jobs.enqueue("mail.send", key=f"mail-{number}", mail=number)


def one_line(text: str) -> str:
    """Without control characters: nothing that came from outside may begin a header of ours."""
    # The standard library decodes encoded words in what it is given, and a decoded line feed would begin a header.
    return "".join(char if char.isprintable() else " " for char in text).replace("=?", "= ?").strip()


def plain(html: str) -> str:
    """HTML as text, for the plain part of a mail."""
    return markdown.to_text(html)

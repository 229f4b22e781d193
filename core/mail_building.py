"""An outgoing mail as bytes: plain text and HTML, threaded, marked as automatic where it is, signed by DKIM if set."""

import logging
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP, EmailPolicy
from email.utils import format_datetime
from pathlib import Path
from typing import Any

from core import files
from core.db import db
from core.mail import FILLED_IN, OutgoingMail, one_line
from core.settings import Settings

# What a receiver may rely on; RFC 8058 wants the two List-Unsubscribe fields among them.
_SIGNED_FIELDS = (
    "From", "To", "Cc", "Subject", "Date", "Message-ID", "Reply-To", "In-Reply-To", "References", "MIME-Version",
    "Content-Type", "Auto-Submitted", "List-Id", "List-Unsubscribe", "List-Unsubscribe-Post",
)  # fmt: skip
# Not every mail program unfolds these, and the standard library would wrap long ones into encoded words.
_UNFOLDED = frozenset({"message-id", "in-reply-to", "list-id", "list-unsubscribe"})


class CannotSign(Exception):
    """The mail could not be signed: the key is missing or no key."""


class _Policy(EmailPolicy):
    """As SMTP, but ids and addresses of pages stay whole."""

    def fold_binary(self, name: str, value: Any) -> bytes:
        """One header field as it goes out."""
        low = name.lower()
        if low in _UNFOLDED:
            return f"{name}: {value}\r\n".encode("ascii", "replace")
        if low == "references":
            folded = "\r\n ".join(str(value).split())
            return f"{name}: {folded}\r\n".encode("ascii", "replace")
        return super().fold_binary(name, value)


_POLICY = _Policy(linesep="\r\n", raise_on_defect=SMTP.raise_on_defect)


def as_bytes(message: EmailMessage, settings: Settings) -> bytes:
    """What goes out, with CRLF line ends, signed if a key is set.

    :raises CannotSign: if the key cannot be used.
    """
    addresses = [address.addr_spec for field in ("To", "Cc", "From") for address in _addresses(message, field)]
    # RFC 6531: an address beyond ASCII needs a header in UTF-8.
    policy = _POLICY if all(address.isascii() for address in addresses) else _POLICY.clone(utf8=True)
    raw = message.as_bytes(policy=policy)
    return raw if not settings.dkim.key_file else _signature(raw, settings) + raw


def build(row: OutgoingMail, settings: Settings, *, secret: str = "") -> EmailMessage:
    """The mail of a row.

    :param secret: what takes the place of `FILLED_IN`; without one, that stays.
    :raises ValueError: if something in it makes no mail.
    """
    text, html = row.text, row.html
    if secret:
        text, html = text.replace(FILLED_IN, secret), html.replace(FILLED_IN, secret)
    message = EmailMessage(policy=_POLICY)
    message["Subject"] = one_line(row.subject)
    message["From"] = _address(row.sender_name, settings.mail.sender)
    message["To"] = _address(row.recipient_name, row.recipient)
    if row.shown_cc:
        message["Cc"] = [_address("", address) for address in row.shown_cc]
    if row.reply_to:
        message["Reply-To"] = _address(settings.mail.sender_name, row.reply_to)
    message["Date"] = format_datetime(row.queued_at)
    message["Message-ID"] = f"<{row.message_id}>"
    if row.in_reply_to:
        message["In-Reply-To"] = f"<{one_line(row.in_reply_to)}>"
    if row.references:
        message["References"] = " ".join(f"<{one_line(reference)}>" for reference in row.references)
    _mark(message, row, settings)
    message.set_content(text, cte="quoted-printable")
    if html:
        message.add_alternative(html, subtype="html", cte="quoted-printable")
    for item in row.attachments:
        stored = db.session.get(files.StoredFile, item["file"])
        if stored is not None:
            main, _, sub = stored.content_type.partition("/")
            message.add_attachment(
                files.read(stored), maintype=main, subtype=sub or "octet-stream", filename=one_line(item["name"])
            )
    # Last, because fields of this kind move into the first part when a second one is added.
    message["Content-Language"] = row.language
    return message


def _mark(message: EmailMessage, row: OutgoingMail, settings: Settings) -> None:
    """Say what kind of mail it is, so that no machine answers it."""
    message["X-Helpdesk"] = settings.reply_domain
    if row.is_automatic:
        # RFC 3834, 5; what Exchange understands instead; and what older responders look for.
        message["Auto-Submitted"] = "auto-replied" if row.in_reply_to else "auto-generated"
        message["X-Auto-Response-Suppress"] = "All"
        message["X-Loop"] = settings.mail.sender
        message["Precedence"] = "bulk" if row.list_name or not row.in_reply_to else "auto_reply"
    if row.list_name:
        site = one_line(settings.site.name).replace('"', "").encode("ascii", "replace").decode()
        message["List-Id"] = f'"{site}" <{row.list_name}.{settings.reply_domain}>'
    if row.unsubscribe:
        message["List-Unsubscribe"] = f"<{row.unsubscribe}>"
        message["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"


def _signature(raw: bytes, settings: Settings) -> bytes:
    # With what it brings, some 4 MB that no process which only serves pages needs.
    import dkim

    given = settings.dkim
    present = {line.partition(b":")[0].lower() for line in raw.partition(b"\r\n\r\n")[0].split(b"\r\n")}
    fields = [name.lower().encode() for name in _SIGNED_FIELDS if name.lower().encode() in present]
    try:
        key = Path(given.key_file).read_bytes()
        signed: bytes = dkim.sign(
            raw, given.selector.encode(), (given.domain or settings.reply_domain).encode(), key,
            canonicalize=(b"relaxed", b"relaxed"), include_headers=[*fields, b"from"],
            logger=logging.getLogger(__name__),
        )  # fmt: skip
    except (OSError, dkim.DKIMException, ValueError) as error:
        raise CannotSign(f"{type(error).__name__}: {error}") from error
    return signed


def _addresses(message: EmailMessage, field: str) -> tuple[Address, ...]:
    return message[field].addresses if field in message else ()


def _address(name: str, address: str) -> Address:
    if address.isascii():
        return Address(display_name=one_line(name), addr_spec=address)
    # As an address alone, the standard library would refuse it (RFC 6532).
    local, _at, domain = one_line(address).rpartition("@")
    return Address(display_name=one_line(name), username=local, domain=domain)

"""Bytes of a mail → ``ParsedMail``. Pure: no web, no database, no settings; the same bytes give the same result.

    mail = parse(raw)            # never raises but Unparsable
    json.dumps(to_json(mail))    # what ``flask mail parse`` prints

Run it through ``core.mime_child.parse_in_child`` for bytes from outside: that one can be stopped.
"""

import hashlib
import mimetypes
import re
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from core import mime_headers
from core.automatic import automatic_reason
from core.bounces import Bounce, bounce_of
from core.calendars import calendar_text
from core.charsets import decode
from core.flowed import plain_of_enriched, unflow
from core.html_text import html_text
from core.inline_files import taken_out
from core.language import language_of
from core.mime_headers import Address, Headers, addresses, decoded, message_ids
from core.mime_tree import Limits, Node, Unparsable, read
from core.mime_wraps import opened
from core.quotes import reply_text

__all__ = ["Address", "Bounce", "Limits", "ParsedMail", "Part", "Unparsable", "parse", "to_json"]

_CONTROLS: dict[int, str | None] = dict.fromkeys([*range(9), 0x0B, *range(0x0E, 0x20), *range(0x7F, 0xA0)])
_CONTROLS[0x0C] = "\n"
_META_CHARSET = re.compile(rb"<meta[^>]{0,200}?charset\s{0,9}=\s{0,9}[\"']?([A-Za-z0-9_:.-]{1,40})", re.IGNORECASE)
_CONTENT_ID = re.compile(r"\bcid:([^\s\"'<>)]{1,300})", re.IGNORECASE)
_CALENDAR_METHOD = re.compile(rb"^METHOD:([A-Za-z]{1,20})", re.MULTILINE)
_NOT_WORD = re.compile(r"[\W_]+")
_ENRICHED = frozenset({"text/enriched", "text/richtext"})
_BODY_TYPES = _ENRICHED | {"text/plain", "text/html", "text/markdown", "text/x-markdown", "application/xhtml+xml"}
_HTML_TYPES = frozenset({"text/html", "application/xhtml+xml"})
#: Other forms of the body for watches and interactive readers: no file that anybody attached.
_BODY_VARIANTS = frozenset({"text/x-amp-html", "text/watch-html"})
_NAMES = {
    "message/rfc822": "message.eml",
    "message/global": "message.eml",
    "message/delivery-status": "delivery-status.txt",
    "message/disposition-notification": "disposition-notification.txt",
    "message/feedback-report": "feedback-report.txt",
    "text/rfc822-headers": "headers.txt",
    "text/calendar": "invite.ics",
    "application/ms-tnef": "winmail.dat",
    "application/pgp-signature": "signature.asc",
    "application/pkcs7-signature": "smime.p7s",
    "application/x-pkcs7-signature": "smime.p7s",
    "application/pkcs7-mime": "smime.p7m",
    "application/x-pkcs7-mime": "smime.p7m",
    "text/csv": "attachment.csv",
    "text/plain": "attachment.txt",
    "text/html": "attachment.html",
    "application/json": "attachment.json",
    "image/jpeg": "image.jpg",
}
#: The keys of the JSON form, in order.
_KEYS = (
    *("message_id", "in_reply_to", "references", "date", "from", "reply_to", "to", "cc", "subject", "text", "html"),
    *("reply_text", "language", "is_automatic", "is_bounce", "attachments", "problems"),
)
#: Where servers on the way write the address at which a mail arrived.
_DELIVERED = ("delivered-to", "x-original-to", "envelope-to", "x-envelope-to")
_EXTENSIONS = mimetypes.MimeTypes()


@dataclass(frozen=True)
class Part:
    """A file in a mail: ``size`` in bytes, ``sha256`` in hex, ``content_id`` bare; ``inline`` if the text shows it."""

    filename: str
    content_type: str
    size: int
    sha256: str
    content_id: str
    inline: bool
    data: bytes = field(repr=False)


@dataclass(frozen=True)
class ParsedMail:
    """A mail as the desk needs it. Text fields are "" when absent; ids come without their angle brackets.

    ``return_path`` is None if there is no such field and "" for the null path of automatic mail. Everything here was
    written by the sender: ``auth_results`` too, unless our own server is known to have put it on top.
    """

    message_id: str
    in_reply_to: str
    references: list[str]
    date: datetime | None
    from_: Address | None
    reply_to: list[Address]
    to: list[Address]
    cc: list[Address]
    subject: str
    text: str
    html: str
    reply_text: str
    language: str
    is_automatic: str | None
    is_bounce: Bounce | None
    attachments: list[Part]
    problems: list[str]
    auth_results: list[str]
    delivered_to: list[str]
    return_path: str | None


def parse(raw: bytes, *, limits: Limits = Limits()) -> ParsedMail:
    """Read a mail (RFC 5322, 2045–2049, 2047, 2231, 3676, 6532), mending what can be mended.

    Raises ``Unparsable`` when a limit is passed or when the parser of the standard library fails. Nothing else.
    """
    try:
        return _parsed(raw, limits)
    except Unparsable:
        raise
    except Exception as error:  # A fault in reading one field must delay this mail alone, not stop the intake.
        raise Unparsable(f"The message cannot be read ({type(error).__name__}).") from error


def _parsed(raw: bytes, limits: Limits) -> ParsedMail:
    problems: list[str] = []
    root = opened(read(raw, limits, problems), limits, problems)
    headers = root.headers
    people = _People(headers, limits, problems)
    body = _Body(problems)
    body.read(root)
    subject = decoded(headers.first("subject"))
    text = body.text()
    html = _readable("\n".join(html for _, html in body.units if html))
    new = reply_text(text, subject)
    date = mime_headers.date(headers.first("date"))
    if date is None and "date" in headers:
        problems.append("The date cannot be read.")
    return ParsedMail(
        message_id=next(iter(message_ids(headers.first("message-id"))), ""),
        in_reply_to=next(iter(message_ids(headers.first("in-reply-to"))), ""),
        references=message_ids(" ".join(headers.all("references"))),
        date=date,
        from_=people.sender,
        reply_to=people.of("reply-to"),
        to=people.of("to"),
        cc=people.of("cc"),
        subject=subject,
        text=text,
        html=html,
        reply_text=new,
        language=language_of(new, f"{subject}\n{new}"),
        is_automatic=automatic_reason(
            headers,
            sender=people.sender,
            content_type=root.content_type,
            calendar_method=body.calendar_method,
            subject=subject,
            text=text,
        ),
        is_bounce=bounce_of(root, headers, sender=people.sender, subject=subject, text=text),
        attachments=body.attachments(html),
        problems=list(dict.fromkeys(problems)),
        auth_results=[mime_headers.clean(value) for value in headers.all("authentication-results")],
        delivered_to=people.delivered_to(),
        return_path=people.return_path(),
    )


def to_json(mail: ParsedMail) -> dict[str, Any]:
    """The mail as JSON can hold it: ``from`` and ``date`` under these names, attachments without their bytes."""
    values: dict[str, Any] = {key: getattr(mail, key, None) for key in _KEYS}
    values["date"] = mail.date.isoformat() if mail.date else None
    values["from"] = _person(mail.from_) if mail.from_ else None
    for key in ("reply_to", "to", "cc"):
        values[key] = [_person(address) for address in values[key]]
    values["attachments"] = [
        {key: getattr(part, key) for key in ("filename", "content_type", "size", "sha256", "content_id", "inline")}
        for part in mail.attachments
    ]
    return values


def _person(address: Address) -> dict[str, str]:
    return {"name": address.name, "email": address.email}


def _readable(text: str) -> str:
    """Line ends as LF; no control characters, no lone surrogates, no NUL, which databases refuse."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    if text.isascii() and text.replace("\n", "").isprintable():
        return text
    return text.translate(_CONTROLS).encode("utf-8", "replace").decode("utf-8")


class _People:
    """The address fields of a header, counted against the limit."""

    def __init__(self, headers: Headers, limits: Limits, problems: list[str]) -> None:
        self._headers = headers
        names = ("from", "sender", "reply-to", "to", "cc", *_DELIVERED)
        values = {name: ", ".join(headers.all(name)) for name in names}
        too_many = f"The message has more than {limits.addresses} addresses."
        # Counted before they are read: reading takes longer.
        if sum(value.count("@") for value in values.values()) > 4 * limits.addresses:
            raise Unparsable(too_many)
        self._found = {name: addresses(value) for name, value in values.items() if value}
        if sum(map(len, self._found.values())) > limits.addresses:
            raise Unparsable(too_many)
        senders = self.of("from")
        self.sender = senders[0] if senders else next(iter(self.of("sender")), None)
        if len(senders) > 1 or len(headers.all("from")) > 1:
            problems.append("The message names several senders; the first one is taken.")
        if not senders:
            problems.append("The message names no sender that can be read.")

    def of(self, name: str) -> list[Address]:
        """The mailboxes of all fields of this name."""
        return self._found.get(name, [])

    def delivered_to(self) -> list[str]:
        """The addresses at which the mail arrived, as the servers on the way wrote them, each once."""
        return list(dict.fromkeys(address.email for name in _DELIVERED for address in self.of(name)))

    def return_path(self) -> str | None:
        """The envelope sender; "" for the null path, None if the field is missing."""
        if "return-path" not in self._headers:
            return None
        found = addresses(self._headers.first("return-path")[:2_000])
        return found[0].email if found else ""


class _Body:
    """Sorts the parts of a mail into text, HTML and files."""

    def __init__(self, problems: list[str]) -> None:
        self.units: list[tuple[str, str]] = []
        self.calendar_method = ""
        self._files: list[tuple[Node, bool]] = []
        self._problems = problems

    def read(self, node: Node, *, related: bool = False) -> None:
        """Take in a part with all that is in it; ``related`` files belong to an HTML text (RFC 2387)."""
        kind = node.content_type
        if kind == "multipart/alternative":
            self._alternative(node)
        elif kind == "multipart/related" and node.children:
            start = node.parameters.get("start", "").strip("<> ")
            root = next((child for child in node.children if start and _content_id(child) == start), node.children[0])
            self.read(root)
            for child in node.children:
                if child is not root:
                    self.read(child, related=True)
        elif kind == "multipart/encrypted":
            self._problems.append("The message is encrypted.")
            self._files += [(child, False) for child in _leaves(node)]
        elif kind == "multipart/x-tnef":
            self._packed(node)
        elif node.is_multipart:
            for child in node.children:
                self.read(child, related=related)
        elif self._is_body(node) and not (related and node.headers.first("content-id")):
            self._unit(node)
        else:
            self._file(node, related=related)

    def _packed(self, node: Node) -> None:
        """Take in the files of winmail.dat; its body only where the mail has no other that says as much."""
        said = sum(len(_NOT_WORD.sub("", plain or html_text(html))) for plain, html in self.units)
        for child in node.children:
            if child.disposition == "attachment":
                self._files.append((child, False))
                continue
            body = self._decoded(child)
            text = html_text(body) if child.content_type in _HTML_TYPES else body
            if 2 * said < len(_NOT_WORD.sub("", text)):
                self._unit(child)

    def _is_body(self, node: Node) -> bool:
        if node.content_type not in _BODY_TYPES or node.disposition == "attachment":
            return False
        # A text with a file name is a file, unless it is the first: some programs name the body.
        named = node.disposition_parameters.get("filename") or node.parameters.get("name")
        return not named or (not self.units and node.content_type in {"text/plain", "text/html"})

    def _unit(self, node: Node) -> None:
        text, is_html = self._decoded(node), node.content_type in _HTML_TYPES
        if not is_html and "begin " in text.lower():
            text, files = taken_out(text, self._problems)
            self._files += [(each, False) for each in files]
        before = self.units[-1][0] if self.units else ""
        if is_html and before and _NOT_WORD.sub("", html_text(text)) == _NOT_WORD.sub("", before):
            # Plain text and the same as HTML, sent as if they were two things.
            self.units[-1] = (before, text)
            return
        self.units.append(("", text) if is_html else (text, ""))

    def _alternative(self, node: Node) -> None:
        """One unit from several forms of the same text: the first plain one, the last HTML; files inside are kept."""
        plain, html = "", ""
        before = self.units
        for child in node.children:
            self.units = []
            if child.content_type in _BODY_VARIANTS:
                continue
            self.read(child)
            plain = plain or "\n\n".join(text.strip("\n") for text, _ in self.units if text)
            html = "\n".join(html for _, html in self.units if html) or html
        self.units = before
        if plain or html:
            self.units.append((plain if plain.strip() or not html else "", html))

    def _decoded(self, node: Node) -> str:
        charset = node.parameters.get("charset", "")
        if node.content_type in _HTML_TYPES and not charset:
            meta = _META_CHARSET.search(node.body[:4_000])
            charset = meta[1].decode("ascii") if meta else ""
        result = decode(node.body, charset)
        if result.problem:
            self._problems.append(result.problem)
        text = _readable(result.text)
        if node.parameters.get("format", "").lower() == "flowed" and node.content_type == "text/plain":
            text = unflow(text, delsp=node.parameters.get("delsp", "").lower() == "yes")
        return plain_of_enriched(text) if node.content_type in _ENRICHED else text

    def _file(self, node: Node, *, related: bool) -> None:
        if not node.body and node.content_type in _BODY_TYPES | {"text/plain"} and not _file_name(node):
            return
        if node.content_type == "text/calendar" and not self.calendar_method:
            method = _CALENDAR_METHOD.search(node.body[:5_000])
            self.calendar_method = (method[1].decode() if method else node.parameters.get("method", "")).lower()
        if node.parameters.get("smime-type", "").lower() == "enveloped-data":
            self._problems.append("The message is encrypted.")
        self._files.append((node, related))

    def text(self) -> str:
        """The text to read: plain where the sender wrote it, else made of the HTML."""
        texts = (plain if plain.strip() else html_text(html) for plain, html in self.units)
        whole = "\n\n".join(text.strip("\n") for text in texts if text.strip())
        if whole:
            return whole
        invitation = next((node for node, _ in self._files if node.content_type == "text/calendar"), None)
        return calendar_text(self._decoded(invitation)) if invitation is not None else ""

    def attachments(self, html: str) -> list[Part]:
        """The files, named; ``inline`` if the HTML shows them or the sender says so."""
        shown = {each.lower() for each in _CONTENT_ID.findall(html)}
        parts: list[Part] = []
        for node, related in self._files:
            content_id = _content_id(node)
            parts.append(
                Part(
                    filename=_file_name(node) or _made_up_name(node.content_type),
                    content_type=node.content_type,
                    size=len(node.body),
                    sha256=hashlib.sha256(node.body).hexdigest(),
                    content_id=content_id,
                    inline=node.disposition == "inline"
                    or bool(content_id and (content_id.lower() in shown or (related and not node.disposition))),
                    data=node.body,
                )
            )
        return parts


def _leaves(node: Node) -> list[Node]:
    return [leaf for child in node.children for leaf in _leaves(child)] if node.children else [node]


def _content_id(node: Node) -> str:
    return next(iter(message_ids(node.headers.first("content-id"))), "")


def _file_name(node: Node) -> str:
    location = node.headers.first("content-location")
    return mime_headers.file_name(
        node.disposition_parameters.get("filename", ""),
        node.parameters.get("name", ""),
        location if "." in location and ":" not in location and node.content_type not in _BODY_TYPES else "",
    )


def _made_up_name(content_type: str) -> str:
    if content_type in _NAMES:
        return _NAMES[content_type]
    main = content_type.partition("/")[0]
    extension = _EXTENSIONS.guess_extension(content_type) or ".bin"
    return f"{main if main in {'image', 'audio', 'video'} else 'attachment'}{extension}"

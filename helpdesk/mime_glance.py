"""What a raw mail says of itself in its header, however broken it is: for mails that are not read whole."""

from dataclasses import dataclass

from core import mime_headers

HEADER_BYTES = 64 * 1024


@dataclass(frozen=True)
class Glance:
    """Sender, subject and Message-ID, "" where there is none."""

    sender: str
    sender_name: str
    subject: str
    message_id: str


def glance(content: bytes) -> Glance:
    """Look at the header of a raw mail, as far as its first 64 KiB go."""
    head = content[:HEADER_BYTES].lstrip(b"\r\n").replace(b"\r\n", b"\n").partition(b"\n\n")[0]
    header = mime_headers.Headers(mime_headers.fields(head.decode("utf-8", "surrogateescape")))
    sender = next(iter(mime_headers.addresses(header.first("from")[:2000])), None)
    return Glance(
        sender.email[:254] if sender else "", sender.name[:200] if sender else "",
        mime_headers.decoded(header.first("subject")[:2000]), bare_id(header.first("message-id")),
    )  # fmt: skip


def bare_id(text: str) -> str:
    """A Message-ID without its brackets, "" if there is none."""
    inside = text.strip().partition("<")[2].partition(">")[0].strip()
    return (inside or text.strip().strip("<>"))[:255]

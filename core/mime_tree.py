"""The raw bytes of a mail to a tree of decoded parts: limits first, then the parser of the standard library."""

import itertools
import re
import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import Message
from email.policy import compat32

from core.mime_headers import Headers, parameters, unfold
from core.transfer import transfer_decoded

_BOUNDARY = re.compile(r"^--([^\r\n]{1,200}?)[ \t]*\r?\n(?=content-)", re.MULTILINE | re.IGNORECASE)
_MULTIPART = re.compile(rb"(?:\A|[\r\n])content-type:\s*multipart/", re.IGNORECASE)
_BLANK = re.compile(rb"\r?\n\r?\n")
_FIELD = re.compile(rb"[^\r\n]*(?:\r?\n[ \t][^\r\n]*)*")
_BLANK_LINE = re.compile(rb"\n\r{0,2}\n")
_HELD = re.compile(rb"held-[0-9a-f]{32}-\d{1,9};")
#: A Content-Type field is read no further than this.
_LONGEST_FIELD = 16_000
#: Bodies longer than this do not pass through the parser.
_LONG = 64 * 1024
#: Lines times boundaries that the parser may have to compare.
_MOST_WORK = 30_000_000
_DELIMITER = re.compile(rb"^--([^\r\n]*)", re.MULTILINE)
_HEADER_LINE = re.compile(rb"(?:From |[!-9;-~]{1,100}+[ \t]{0,9}:|[ \t])")
_KNOWN_LINE = re.compile(
    rb"(?:from|to|cc|subject|date|message-id|mime-version|content-[a-z-]+|received|reply-to|references|in-reply-to):",
    re.IGNORECASE,
)
_SENDER = re.compile(rb"(?:\A|\n)from:", re.IGNORECASE)
#: A parameter on a line of its own that lost its blank.
_PARAMETER = re.compile(rb"(?i)(?:boundary|charset|(?:file)?name)\*?\d?\*?=")
_TYPE = re.compile(r"[a-z0-9!#$&^_.+-]{1,80}/[a-z0-9!#$&^_.+-]{1,120}")


class Unparsable(Exception):
    """The bytes are no mail that we dare to read; ``reason`` is a sentence for the mail log."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True)
class Limits:
    """What one mail may cost: header and decoded size in bytes, the rest in pieces."""

    header_bytes: int = 256 * 1024
    parts: int = 1_000
    depth: int = 50
    addresses: int = 1_000
    decoded_bytes: int = 60 * 1024 * 1024


@dataclass(frozen=True)
class Node:
    """One part of a mail: ``body`` is decoded from its transfer encoding; a multipart has children and no body."""

    content_type: str
    parameters: dict[str, str]
    disposition: str
    disposition_parameters: dict[str, str]
    headers: Headers
    body: bytes = b""
    children: tuple["Node", ...] = ()

    @property
    def is_multipart(self) -> bool:
        """Whether other parts are inside."""
        return bool(self.children)


@dataclass
class _Reading:
    """What is counted while one mail is read."""

    limits: Limits
    problems: list[str]
    parts: int = 0
    decoded: int = 0
    created: int = 0
    held: dict[bytes, bytes] = field(default_factory=dict)
    mended: bool = False

    def message(self) -> Callable[..., Message]:
        """A message factory for the parser that stops at the limit of parts."""

        def factory(**_: object) -> Message:
            self.created += 1
            # The parser makes one message more, to try the factory.
            if self.created > self.limits.parts + 1:
                raise Unparsable(f"The message has more than {self.limits.parts} parts.")
            return _Message()

        return factory


class _Message(Message):
    """A message whose parameters are read by our own parser and whose enclosed messages stay bytes.

    The parser of the standard library takes the parameters of a hostile field in quadratic time, and would take
    an enclosed message apart, so that its bytes could never be attached as they came.
    """

    _payload: object

    def __init__(self) -> None:
        super().__init__(policy=compat32)
        self._content: tuple[str, dict[str, str]] | None = None

    def content(self) -> tuple[str, dict[str, str]]:
        """The content type and its parameters, "" if none is declared."""
        if self._content is None:
            value = next((value for name, value in self.raw_items() if name.lower() == "content-type"), "")
            self._content = parameters(unfold(str(value)[:_LONGEST_FIELD]))
        return self._content

    def source(self) -> object:
        """The parts, or the text of a leaf as it came: ``get_payload`` would already replace bytes over 127."""
        return self._payload

    def get_content_type(self) -> str:
        return "multipart/mixed" if self.content()[0].startswith("multipart/") else "text/plain"

    def get_content_maintype(self) -> str:
        return self.get_content_type().partition("/")[0]

    def get_boundary(self, failobj: object = None) -> str | None:  # type: ignore[override] # noqa: ARG002 # its shape
        boundary = self.content()[1].get("boundary", "").rstrip()
        # The lines that it is compared with are not decoded yet.
        return boundary.encode("utf-8", "replace").decode("ascii", "surrogateescape") or None


def read(raw: bytes, limits: Limits, problems: list[str]) -> Node:
    """The tree of parts of ``raw``; what was mended is told in ``problems``.

    Raises ``Unparsable`` over a limit, and when the parser of the standard library fails in any way.
    """
    if len(raw) > limits.decoded_bytes * 3 // 2:
        raise Unparsable(f"The message is larger than {limits.decoded_bytes * 3 // 2 >> 20} MB.")
    raw = raw.removeprefix(b"\xef\xbb\xbf").lstrip(b"\r\n")
    if b"\n" not in raw and b"\r" in raw:
        raw = raw.replace(b"\r", b"\n")
    if _header_end(raw) > limits.header_bytes:
        raise Unparsable(f"The header is larger than {limits.header_bytes // 1024} kB.")
    raw = _mended(raw, problems)
    multiparts = _multiparts(raw)
    if multiparts > limits.depth and _deepest(raw) > limits.depth:
        raise Unparsable(f"The parts are nested more than {limits.depth} deep.")
    reading = _Reading(limits, problems)
    raw = _without_long_bodies(raw, reading)
    if raw.count(b"\n") * min(multiparts, limits.depth) > _MOST_WORK:
        raise Unparsable("The message has too many lines in too many parts.")
    try:
        message = message_from_bytes(raw, reading.message(), policy=compat32)
        return _node(message, reading, "text/plain", depth=1)
    except Unparsable:
        raise
    except Exception as error:  # Whatever the parser does on hostile bytes, the mail is kept and shown to staff.
        raise Unparsable(f"The message cannot be read ({type(error).__name__}).") from error


def _multiparts(raw: bytes) -> int:
    """How many multiparts are declared. Where the word alone comes seldom, its number is enough, and found sooner."""
    most = raw.lower().count(b"multipart/")
    return most if most <= 2 else len(_MULTIPART.findall(raw))


def _without_long_bodies(raw: bytes, reading: _Reading) -> bytes:
    """Long stretches without a line that could be a boundary, each replaced by a mark that ``_node`` knows.

    The parser takes every line through Python, once for each boundary that is open; attachments need not go that way.
    """
    if len(raw) < _LONG:
        return raw
    marks = sorted({0, len(raw), *_dashes(raw, b"\n--"), *_dashes(raw, b"\r--")})
    out: list[bytes] = []
    token = secrets.token_hex(16).encode()
    for start, end in itertools.pairwise(marks):
        blank = _BLANK.search(raw, start, end) if end - start > _LONG else None
        # The line end before a boundary belongs to the boundary (RFC 2046, 5.1.1): the parser must see it.
        stop = end - (2 if raw.endswith(b"\r\n", start, end) else 1)
        if blank is None or stop - blank.end() < _LONG:
            out.append(raw[start:end])
            continue
        mark = b"held-%s-%d;" % (token, len(reading.held))
        reading.held[mark] = raw[blank.end() : stop]
        out += [raw[start : blank.end()], mark, raw[stop:end]]
    return b"".join(out)


def _dashes(raw: bytes, start: bytes) -> Iterator[int]:
    """Where lines begin with two dashes; a plain search is ten times as fast here as a pattern."""
    place = raw.find(start)
    while place >= 0:
        yield place + 1
        place = raw.find(start, place + 1)


def _header_end(raw: bytes) -> int:
    found = _BLANK_LINE.search(raw)
    return found.start() if found else len(raw)


def _mended(raw: bytes, problems: list[str]) -> bytes:
    """Without what comes before the header, with line ends that the parser takes as the sender meant them."""
    if raw.startswith(b">From "):
        raw = raw.partition(b"\n")[2]
    end = _header_end(raw)
    if b"\r\r\n" in raw[:end]:
        raw = raw.replace(b"\r\r\n", b"\r\n")
        end = _header_end(raw)
    joined = _joined(raw, end)
    if joined is not raw:
        problems.append("Blank lines stand in the header.")
        raw, end = joined, _header_end(joined)
    end -= raw[:end].endswith(b"\r")
    header = raw[:end]
    mended = header
    if b"\r" in mended.replace(b"\r\n", b""):
        mended = re.sub(rb"\r(?!\n)", b" ", mended)
        problems.append("A header field holds a bare carriage return.")
    mended = _mended_lines(mended, problems)
    return raw if mended is header else mended + raw[end:]


def _joined(raw: bytes, end: int) -> bytes:
    """Without blank lines in the midst of the header: where no sender stands above them, but a header below."""
    if _SENDER.search(raw[:end]) or not _KNOWN_LINE.match(raw):
        return raw
    rest = raw[end : end + 4_000].lstrip(b" \t\r\n")
    below = rest[: _header_end(rest)]
    lines = below.split(b"\n")
    known = sum(bool(_KNOWN_LINE.match(line)) for line in lines)
    if known < 3 or not _SENDER.search(below) or not all(_HEADER_LINE.match(line) for line in lines):
        return raw
    return raw[:end] + b"\n" + raw[end:].lstrip(b" \t\r\n")


def _mended_lines(header: bytes, problems: list[str]) -> bytes:
    """A line that is no field, in the midst of fields, continues the field above it: some programs fold so."""
    lines = header.split(b"\n")
    for place, line in enumerate(lines):
        if place and _PARAMETER.match(line):
            lines[place] = b" " + line
    wrong = [place for place, line in enumerate(lines) if not _HEADER_LINE.match(line) and line.strip()]
    last_known = max((place for place, line in enumerate(lines) if _KNOWN_LINE.match(line)), default=-1)
    if not wrong or wrong[0] == 0 or wrong[0] > last_known:
        spaced = [place for place, line in enumerate(lines) if re.match(rb"[!-9;-~]+[ \t]+:", line)]
        if not spaced or wrong:
            return b"\n".join(lines)
    else:
        for place in wrong:
            if place < last_known:
                lines[place] = b" " + lines[place]
        problems.append("A line of the header is no header field.")
    for place, line in enumerate(lines):
        lines[place] = re.sub(rb"^([!-9;-~]+)[ \t]+:", rb"\1:", line)
    return b"\n".join(lines)


def _deepest(raw: bytes) -> int:
    """How deep multiparts are nested: a pass over the lines that opens and closes boundaries as a parser would."""
    deepest = position = 0
    stack: list[bytes] = []
    while position < len(raw):
        end = _BLANK.search(raw, position)
        header = raw[position : end.start() if end else len(raw)]
        found = _MULTIPART.search(header)
        if found:
            value = _FIELD.match(header, found.end())
            text = unfold((value[0] if value else b"")[:4_000].decode("ascii", "surrogateescape"))
            stack.append(parameters(text)[1].get("boundary", "").rstrip().encode())
            deepest = max(deepest, len(stack))
        position = end.end() if end else len(raw)
        while position < len(raw):
            delimiter = _DELIMITER.search(raw, position)
            if delimiter is None:
                return deepest
            position = delimiter.end()
            name = delimiter[1].rstrip()
            if name in stack:
                del stack[stack.index(name) + 1 :]
                break
            if name.endswith(b"--") and name[:-2] in stack:
                del stack[stack.index(name[:-2]) :]
        if len(stack) > 2_000:
            return len(stack)
    return deepest


def _node(message: Message, reading: _Reading, default_type: str, depth: int) -> Node:
    if depth > reading.limits.depth + 1:
        raise Unparsable(f"The parts are nested more than {reading.limits.depth} deep.")
    reading.parts += 1
    if not isinstance(message, _Message):
        raise TypeError(type(message))
    items = [(name, str(value)) for name, value in message.raw_items()]
    if sum(len(value) for _, value in items) > reading.limits.header_bytes:
        raise Unparsable(f"The header of a part is larger than {reading.limits.header_bytes // 1024} kB.")
    headers = Headers(items)
    content_type, content_parameters = message.content()
    if not content_type:
        content_type = default_type
    disposition, disposition_parameters = parameters(headers.first("content-disposition"))
    if not _TYPE.fullmatch(content_type):
        reading.problems.append("A content type is malformed.")
        named = "name" in content_parameters or "filename" in disposition_parameters
        content_type = "application/octet-stream" if named else "text/plain"
    payload = message.source()
    children: tuple[Node, ...] = ()
    body = b""
    if isinstance(payload, list):
        inner = "message/rfc822" if content_type == "multipart/digest" else "text/plain"
        children = tuple(_node(child, reading, inner, depth + 1) for child in payload if isinstance(child, Message))
    elif isinstance(payload, str):
        again = "" if reading.mended else _without_boundary(payload, content_type, headers)
        if again:
            reading.mended = True
            reading.problems.append("The boundary between the parts is not declared rightly.")
            source = f'Content-Type: multipart/mixed; boundary="{again}"\n\n{payload}'
            raw = source.encode("utf-8", "surrogateescape")
            children = _node(
                message_from_bytes(raw, reading.message(), policy=compat32), reading, "text/plain", depth + 1
            ).children
        if not children:
            data = payload.encode("utf-8", "surrogateescape")
            if reading.held and b"held-" in data:
                data = _HELD.sub(lambda found: reading.held.get(found[0], found[0]), data)
            body = transfer_decoded(data, headers.first("content-transfer-encoding"), reading.problems)
            reading.decoded += len(body)
            if reading.decoded > reading.limits.decoded_bytes:
                raise Unparsable(f"The content is larger than {reading.limits.decoded_bytes >> 20} MB.")
            if content_type.startswith("multipart/"):
                content_type = "text/plain"
    return Node(content_type, content_parameters, disposition, disposition_parameters, headers, body, children)


def _without_boundary(payload: str, content_type: str, headers: Headers) -> str:
    """The boundary that the text of a part uses although its header declares another, or none; else ""."""
    if not content_type.startswith("multipart/") and "content-type" in headers:
        return ""
    if "content-type" not in headers and not payload.lstrip().startswith("--"):
        return ""
    found = _BOUNDARY.search(payload)
    return "" if found is None or '"' in found[1] or "\\" in found[1] else found[1]

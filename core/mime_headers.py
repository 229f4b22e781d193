"""Header fields of a mail to plain values: encoded words, parameters, addresses, ids, dates. Never raises."""

import base64
import binascii
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import mktime_tz, parsedate_tz
from urllib.parse import unquote_to_bytes

from core.charsets import decode

#: What turns text round for the eye (RFC 3987, 4.1) and so can disguise a name or a file extension.
_BIDI = dict.fromkeys([*range(0x202A, 0x202F), *range(0x2066, 0x206A), 0x200E, 0x200F, 0x061C])
_BREAKS = dict.fromkeys(map(ord, "\t\n\v\f\r\x1c\x1d\x1e\x85\u2028\u2029"), " ")
_CONTROLS = dict.fromkeys([*range(32), *range(127, 160), 65279]) | _BREAKS
_LINE_END = re.compile(r"\r\n|\r|\n")
_ENCODED_START = re.compile(r"=\?([^?\s]{1,60})\?([bBqQ])\?")
#: Encoded words are at most 75 characters by RFC 2047; programs that break the rule stay below this.
_ENCODED_WINDOW = 16_000
_ESCAPE = re.compile(rb"=([0-9A-Fa-f]{2})")
_NO_SEMICOLON = re.compile(r"(?<![ \t])[ \t]{1,50}(?=(?:file)?name\*?=|charset=|boundary=)", re.IGNORECASE)
_COMMENT = re.compile(r"\((?:[^()\\]|\\.){0,500}\)")
_BASE64_JUNK = re.compile(r"[^A-Za-z0-9+/]")
_EMAIL = re.compile(r"[^\s<>(),;:\"\[\]\\@]{1,128}@[^\s<>(),;:\"\\@]{1,255}")
_QUOTED_EMAIL = re.compile(r"\"(?:[^\"\\\r\n]|\\.){0,128}\"@[^\s<>(),;:\"\\@]{1,255}")
_ID = re.compile(r"<([^<>]*)>")


@dataclass(frozen=True)
class Address:
    """A mailbox: the name shown (may be "") and the address as it was written."""

    name: str
    email: str


class Headers:
    """The fields of one header, in their order, found by any case; values unfolded, 8-bit bytes decoded."""

    def __init__(self, fields: Iterable[tuple[str, str]]) -> None:
        self.fields: list[tuple[str, str]] = []
        self._first: dict[str, str] = {}
        for name, value in fields:
            low = name.lower()
            text = unfold(value)
            self.fields.append((low, text))
            self._first.setdefault(low, text)

    def __contains__(self, name: str) -> bool:
        return name in self._first

    def first(self, name: str) -> str:
        """The first field called ``name`` (lower case), or ""."""
        return self._first.get(name, "")

    def all(self, name: str) -> list[str]:
        """Every field called ``name`` (lower case)."""
        return [value for field, value in self.fields if field == name]


def unfold(value: str) -> str:
    """A raw field value (8-bit bytes as surrogate escapes) on one line (RFC 5322, 2.2.3)."""
    if not value.isascii():
        value = decode(value.encode("utf-8", "surrogateescape")).text
    if "\n" in value or "\r" in value:
        value = " ".join(line for part in _LINE_END.split(value) if (line := part.strip(" \t")))
    return value.strip()


def clean(value: str) -> str:
    """Without control characters, marks that turn text round and lone surrogates; line ends become spaces."""
    if value.isascii() and value.isprintable():
        return value.strip()
    value = value.replace("\r\n", "\n").encode("utf-8", "replace").decode("utf-8")
    return value.translate(_CONTROLS).translate(_BIDI).strip()


def decoded(value: str) -> str:
    """A header value as people read it: encoded words of RFC 2047 decoded, also the many broken kinds, and cleaned."""
    if "=?" not in value:
        return clean(value)
    out: list[str] = []
    run: list[tuple[str, str, str]] = []
    position = 0
    while True:
        word = _ENCODED_START.search(value, position)
        if word is None:
            break
        end = _end_of_word(value, word.end())
        if end < 0:
            break
        between = value[position : word.start()]
        if between.strip() or not run:
            out.append(_joined(run))
            out.append(between)
            run = []
        run.append((word[1], word[2].lower(), value[word.end() : end]))
        position = end + 2
    out.append(_joined(run))
    out.append(value[position:])
    text = "".join(out)
    return clean(text)


def _end_of_word(value: str, start: int) -> int:
    """Where the closing ``?=`` of an encoded word stands, or -1; a ``?=3D`` inside is text that was left unencoded."""
    end = value.find("?=", start, start + _ENCODED_WINDOW)
    while end >= 0 and re.match(r"[0-9A-F]{2}[^?]{0,200}\?=(?:[\s\"]|$)", value[end + 2 : end + 210]):
        end = value.find("?=", end + 2, start + _ENCODED_WINDOW)
    return end


def _joined(run: list[tuple[str, str, str]]) -> str:
    """Neighbouring encoded words as text: of one charset they are joined first, for characters split between two."""
    out: list[str] = []
    while run:
        charset, encoding, _ = run[0]
        same = 1
        while same < len(run) and run[same][0].lower() == charset.lower() and run[same][1] == encoding:
            same += 1
        texts = [text for _, _, text in run[:same]]
        out.append(decode(_from_base64(texts) if encoding == "b" else _from_q("".join(texts)), charset).text)
        run = run[same:]
    return "".join(out)


def _from_base64(texts: list[str]) -> bytes:
    """Bytes of base64 words; one that ends inside a group of four without padding goes on in the next."""
    data, rest = b"", ""
    for text in texts:
        rest += _BASE64_JUNK.sub("", text)
        if text.rstrip().endswith("=") or len(rest) % 4 == 0:
            data, rest = data + _base64(rest), ""
    return data + _base64(rest)


def _base64(text: str) -> bytes:
    if len(text) % 4 == 1:
        text = text[:-1]
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4))
    except (binascii.Error, ValueError):
        return b""


def _from_q(text: str) -> bytes:
    """Bytes of Q words; an equals sign that escapes nothing stands for itself."""
    data = text.encode("utf-8", "replace").replace(b"_", b" ")
    return _ESCAPE.sub(lambda found: bytes([int(found[1], 16)]), data)


def parameters(value: str) -> tuple[str, dict[str, str]]:
    """A structured value and its parameters: ``text/plain; charset=x`` → ("text/plain", {"charset": "x"}).

    RFC 2231 continuations and charsets are put together; encoded words, missing quotes and blanks are tolerated.
    """
    pieces = _split(value, ";")
    if "=" in pieces[0] and len(pieces[0]) < 2_000:
        pieces[:1] = _NO_SEMICOLON.split(pieces[0], maxsplit=1)
    plain: dict[str, str] = {}
    extended: dict[str, dict[int, tuple[bool, str]]] = {}
    for piece in pieces[1:]:
        name, equals, text = piece.partition("=")
        name, text = name.strip().lower(), _unquoted(text.strip())
        if not equals or not name or len(name) > 60:
            continue
        base, star, rest = name.partition("*")
        if not star:
            plain.setdefault(name, text)
            continue
        index = rest.rstrip("*")
        number = int(index) if index.isascii() and index.isdigit() and len(index) < 4 else 0
        extended.setdefault(base, {}).setdefault(number, (rest.endswith("*") or rest == "", text))
    for base, sections in extended.items():
        plain[base] = _rfc2231(sections) or plain.get(base, "")
    return clean(pieces[0]).lower(), plain


def _rfc2231(sections: dict[int, tuple[bool, str]]) -> str:
    charset, data = "", b""
    for place, number in enumerate(sorted(sections)):
        encoded, text = sections[number]
        if place == 0 and encoded and text.count("'") >= 2:
            charset, _, text = text.split("'", 2)
        raw = text.encode("utf-8", "replace")
        data += unquote_to_bytes(raw) if encoded else raw
    return decode(data, charset).text


def _unquoted(text: str) -> str:
    if len(text) > 2 and text[0] == text[-1] == "'":
        return text[1:-1]
    if not text.startswith('"'):
        return text
    end = text.rfind('"')
    text = text[1:end] if end > 0 else text[1:]
    return text.replace('\\"', '"').replace("\\\\", "\\")


def _split(value: str, separators: str) -> list[str]:
    """Cut at separators that stand outside quotes, angle brackets and comments; unclosed ones count as plain text."""
    pieces: list[str] = []
    start = position = depth = 0
    quote_open = angle_open = True
    while position < len(value):
        char = value[position]
        if char == '"' and quote_open and depth == 0:
            end = _closing_quote(value, position + 1)
            quote_open = end >= 0
            position = max(end, position)
        elif char == "<" and angle_open and separators != ";":
            end = value.find(">", position)
            angle_open = end >= 0
            position = max(end, position)
        elif char == "(" and separators != ";":
            depth += 1 if depth or value.find(")", position) >= 0 else 0
        elif char == ")" and depth:
            depth -= value[position - 1] != "\\"
        elif char in separators and depth == 0:
            pieces.append(value[start:position])
            start = position + 1
        position += 1
    pieces.append(value[start:])
    return pieces


def _closing_quote(value: str, position: int) -> int:
    while True:
        end = value.find('"', position)
        if end < 0:
            return -1
        slashes = end
        while slashes > position and value[slashes - 1] == "\\":
            slashes -= 1
        if (end - slashes) % 2 == 0:
            return end
        position = end + 1


def addresses(value: str) -> list[Address]:
    """The mailboxes of an address field (RFC 5322, 3.4), groups opened, unreadable entries left out."""
    found: list[Address] = []
    pending = ""
    for piece in _split(value, ",;"):
        # What was cut at a comma inside an encoded word has no blank of its own there.
        text = pending + (piece.rstrip() if pending else piece.strip())
        pending = ""
        address = _address(text)
        if address is not None:
            found.append(address)
        elif text and "@" not in text and "=?" not in text.rpartition("?=")[2] and len(text) < 200:
            # An unquoted comma in a name: "Doe, John <j@example.org>".
            pending = f"{text},"
        elif "=?" in text and len(text) < 2_000:
            pending = f"{text},"
    if not found and "=?" in value and "@" not in value:
        inner = decoded(value)
        if "@" in inner and "=?" not in inner:
            return addresses(inner)
    return found


def _address(text: str) -> Address | None:
    if "@" not in text:
        return None
    text = clean(text)
    if text.startswith("=?") and text.endswith("?=") and "<" not in text:
        # The whole mailbox as an encoded word, forbidden by RFC 2047, 5.
        text = decoded(text).replace("=?", "")
    if "[mailto:" in text:
        text = text.replace("[mailto:", "<").replace("]", ">")
    before, angle, rest = text.rpartition("<")
    if angle:
        inside, _, after = rest.partition(">")
        if "(" in inside:
            inside = _COMMENT.sub("", inside)
        email = _email(inside)
        if email:
            name = _name(before) or _name(after)
            return Address("" if name == email else name, email)
        return None
    comment = ""
    if "(" in text:
        start, end = text.find("("), text.rfind(")")
        if end > start:
            comment, text = text[start + 1 : end], f"{text[:start]} {text[end + 1 :]}"
    group, colon, member = text.rpartition(":")
    if colon and "@" not in group:
        text = member
    email = _email(text)
    if email:
        return Address(_name(comment), email)
    match = _EMAIL.search(text)
    if match is None or text.count("@") != 1:
        return None
    return Address(_name(text.replace(match[0], " ")), match[0].strip(".'"))


def _email(text: str) -> str:
    if len(text) > 1_000:
        return ""
    text = clean(text).strip("<>'` ").removeprefix("mailto:")
    if text.startswith("@") and ":" in text:
        text = text.rpartition(":")[2]
    if '"' in text:
        return text if _QUOTED_EMAIL.fullmatch(text) else ""
    if " " in text or text.endswith("."):
        text = re.sub(r" ?([@.]) ?", r"\1", " ".join(text.split())).rstrip(".")
    return text if _EMAIL.fullmatch(text) else ""


def _name(text: str) -> str:
    text = text.strip()
    if ":" in text and not text.startswith('"'):
        text = text.rpartition(":")[2].strip() if "=?" not in text else text
    if text.startswith("(") and text.endswith(")"):
        text = text[1:-1]
    text = _unquoted(text) if text.startswith('"') else text.replace('"', "")
    text = decoded(text).strip("<> ")
    if len(text) > 1 and text[0] == text[-1] and text[0] in "'\"":
        text = text[1:-1].strip()
    return text


def message_ids(value: str) -> list[str]:
    """The ids of Message-ID, In-Reply-To or References without brackets and blanks, each once, in order."""
    if "=?" in value:
        value = decoded(value)
    found = _ID.findall(value)
    if not found:
        found = [word for word in re.split(r"[\s,;<>]+", value) if "@" in word] or value.split()[:1]
    ids = ("".join(clean(each).split())[:998] for each in found)
    return list(dict.fromkeys(each for each in ids if each))


def date(value: str) -> datetime | None:
    """The moment of a Date field in UTC, or None if it names none between 1970 and 2100."""
    try:
        text = clean(value)[:200]
        parsed = parsedate_tz(text)
        if parsed is not None and (parsed[3] > 23 or parsed[4] > 59):
            return None
        if parsed is not None:
            moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=mktime_tz(parsed))
        else:
            moment = datetime.fromisoformat(text)
            moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError, TypeError, IndexError):
        return None
    return moment if 1970 <= moment.year < 2100 else None


def file_name(*values: str) -> str:
    """A safe base name of at most 200 characters from the first value that gives one, or ""."""
    for value in values:
        name = re.split(r"[/\\]", decoded(value))[-1].strip().rstrip(". ")
        if name.strip("."):
            return _shortened(name)
    return ""


def _shortened(name: str) -> str:
    if len(name) <= 200:
        return name
    stem, dot, extension = name.rpartition(".")
    if not dot or len(extension) > 20:
        return name[:200]
    return f"{stem[: 199 - len(extension)]}.{extension}"


def fields(lines: str) -> Iterator[tuple[str, str]]:
    """The fields of a header given as text, for the blocks that delivery reports carry."""
    name, value = "", ""
    for line in lines.splitlines():
        if line[:1] in {" ", "\t"} and name:
            value += f" {line.strip()}"
            continue
        if name:
            yield name, value
        name, colon, value = line.partition(":")
        name, value = (name.strip().lower(), value.strip()) if colon else ("", "")
    if name:
        yield name, value

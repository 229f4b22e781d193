"""What Outlook packs into winmail.dat (MS-OXTNEF): body and files of the mail. Bounded; damaged parts are left out.

packed = unpack(data)    # None if it is no TNEF
"""

import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass, field

from core.charsets import decode, known
from core.rtf import decompressed, rtf_content

_SIGNATURE = b"\x78\x9f\x3e\x22"
_MOST_ATTRIBUTES = 10_000
_MOST_PROPERTIES = 5_000
_MOST_FILES = 500
_MOST_DEPTH = 4
_LONGEST_BODY = 20 * 1024 * 1024
#: Taking compressed RTF apart takes a second for each so many bytes.
_LONGEST_RTF = 4 * 1024 * 1024
_ATTACH_REND_DATA, _ATTACH_TITLE, _ATTACH_DATA, _ATTACHMENT = 0x9002, 0x8010, 0x800F, 0x9005
_BODY, _MESSAGE_PROPERTIES, _CODE_PAGE, _SUBJECT = 0x800C, 0x9003, 0x9007, 0x8004
#: Property ids (MS-OXPROPS).
_P_SUBJECT, _P_BODY, _P_HTML, _P_RTF, _P_CODE_PAGE = 0x0037, 0x1000, 0x1013, 0x1009, 0x3FDE
_P_DATA, _P_NAME, _P_SHORT_NAME, _P_TYPE, _P_CONTENT_ID = 0x3701, 0x3707, 0x3704, 0x370E, 0x3712
_P_DISPLAY_NAME = 0x3001
#: Bytes that a value of a type takes; types of variable length are not in it.
_FIXED = {
    0x01: 0, 0x02: 4, 0x03: 4, 0x04: 4, 0x05: 8, 0x06: 8, 0x07: 8, 0x0A: 4, 0x0B: 4, 0x14: 8, 0x40: 8, 0x48: 16,
}  # fmt: skip
_STRING8, _UNICODE, _OBJECT, _BINARY = 0x1E, 0x1F, 0x0D, 0x102


@dataclass
class PackedFile:
    """A file inside: ``content_type`` and ``content_id`` are "" if not told."""

    filename: str = ""
    content_type: str = ""
    content_id: str = ""
    data: bytes = b""


@dataclass
class Packed:
    """What was inside: each form of the body may be ""."""

    subject: str = ""
    text: str = ""
    html: str = ""
    files: list[PackedFile] = field(default_factory=list)


def unpack(data: bytes, depth: int = 1) -> Packed | None:
    """Body and files of a TNEF stream; None if it is none. What is damaged ends the reading, the rest is returned."""
    if not data.startswith(_SIGNATURE) or len(data) < 6:
        return None
    packed, charset = Packed(), "cp1252"
    current: PackedFile | None = None
    for name, value in _attributes(data):
        if name == _CODE_PAGE and len(value) >= 4:
            charset = known(f"cp{int.from_bytes(value[:4], 'little')}") or charset
        elif name == _SUBJECT:
            packed.subject = packed.subject or _text(value, charset)
        elif name == _BODY:
            packed.text = packed.text or _text(value, charset)
        elif name == _MESSAGE_PROPERTIES:
            _read_message(packed, dict(_properties(value)), charset)
        elif name == _ATTACH_REND_DATA:
            current = PackedFile()
            packed.files.append(current)
        elif current is not None and name == _ATTACH_TITLE:
            current.filename = current.filename or _text(value, charset)
        elif current is not None and name == _ATTACH_DATA:
            current.data = value
        elif current is not None and name == _ATTACHMENT:
            _read_file(current, dict(_properties(value)), charset, packed, depth)
        if len(packed.files) > _MOST_FILES:
            break
    packed.files = [each for each in packed.files if each.data or each.filename]
    return packed


def _attributes(data: bytes) -> Iterator[tuple[int, bytes]]:
    position = 6
    for _ in range(_MOST_ATTRIBUTES):
        if position + 9 > len(data):
            return
        name, _kind, length = struct.unpack_from("<HHI", data, position + 1)
        start = position + 9
        if start + length > len(data):
            # Cut off on the way: what there is of a file is better than nothing.
            yield name, data[start:]
            return
        yield name, data[start : start + length]
        position = start + length + 2


def _text(value: bytes, charset: str) -> str:
    return decode(value.rstrip(b"\0"), charset).text


def _properties(data: bytes) -> Iterator[tuple[int, tuple[int, bytes]]]:
    """Property ids with type and first value; what cannot be read ends the list."""
    if len(data) < 4:
        return
    count = int.from_bytes(data[:4], "little")
    position = 4
    for _ in range(min(count, _MOST_PROPERTIES)):
        if position + 4 > len(data):
            return
        kind, name = struct.unpack_from("<HH", data, position)
        position += 4
        if name >= 0x8000:
            if position + 24 > len(data):
                return
            named, number = struct.unpack_from("<II", data, position + 16)
            position += 24
            if named == 1:
                position += number + -number % 4
        several, kind = bool(kind & 0x1000), kind & 0xEFFF
        values = 1
        if several or kind not in _FIXED:
            if position + 4 > len(data):
                return
            values = int.from_bytes(data[position : position + 4], "little")
            position += 4
        if values > 10_000:
            return
        first: bytes | None = None
        for _number in range(values):
            if kind in _FIXED:
                length = _FIXED[kind]
            else:
                if position + 4 > len(data):
                    return
                length = int.from_bytes(data[position : position + 4], "little")
                position += 4
            if length > len(data) - position:
                # Cut off on the way.
                yield name, (kind, data[position:])
                return
            first = data[position : position + length] if first is None else first
            position += length + -length % 4
        if first is not None:
            yield name, (kind, first)


def _string(properties: dict[int, tuple[int, bytes]], name: int, charset: str) -> str:
    kind, value = properties.get(name, (0, b""))
    if kind == _UNICODE:
        return value.decode("utf-16-le", "replace").rstrip("\0")
    return _text(value, charset) if kind in {_STRING8, _BINARY} else ""


def _read_message(packed: Packed, properties: dict[int, tuple[int, bytes]], charset: str) -> None:
    kind, page = properties.get(_P_CODE_PAGE, (0, b""))
    internet = (known(f"cp{int.from_bytes(page, 'little')}") or _by_number(page)) if kind == 3 else ""
    packed.subject = packed.subject or _string(properties, _P_SUBJECT, charset)
    packed.text = _string(properties, _P_BODY, charset) or packed.text
    kind, html = properties.get(_P_HTML, (0, b""))
    packed.html = _string(properties, _P_HTML, internet or charset) if len(html) <= _LONGEST_BODY else ""
    if packed.html or _P_RTF not in properties:
        return
    try:
        content, is_html = rtf_content(decompressed(properties[_P_RTF][1], limit=_LONGEST_RTF))
    except ValueError:
        return
    if is_html:
        packed.html = content
    elif not packed.text.strip():
        packed.text = content


def _by_number(page: bytes) -> str:
    return {65001: "utf-8", 28591: "cp1252", 20866: "koi8-r", 21866: "koi8-u"}.get(int.from_bytes(page, "little"), "")


def _read_file(
    file: PackedFile, properties: dict[int, tuple[int, bytes]], charset: str, packed: Packed, depth: int
) -> None:
    name = _string(properties, _P_NAME, charset) or _string(properties, _P_DISPLAY_NAME, charset)
    file.filename = name or file.filename or _string(properties, _P_SHORT_NAME, charset)
    content_type = _string(properties, _P_TYPE, charset).strip().lower()
    file.content_type = content_type if re.fullmatch(r"[a-z0-9.+-]{1,60}/[a-z0-9.+-]{1,90}", content_type) else ""
    file.content_id = _string(properties, _P_CONTENT_ID, charset).strip("<> ")
    kind, data = properties.get(_P_DATA, (0, b""))
    if not data:
        return
    if kind == _OBJECT:
        # An interface identifier stands before the content.
        data = data[16:]
        inner = unpack(data, depth + 1) if depth < _MOST_DEPTH else None
        if inner is not None:
            packed.files += inner.files[: _MOST_FILES - len(packed.files)]
            file.filename = f"{inner.subject or file.filename or 'message'}.{'html' if inner.html else 'txt'}"
            file.content_type = "text/html" if inner.html else "text/plain"
            data = (inner.html or inner.text).encode()
    file.data = data or file.data

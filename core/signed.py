"""What a signature wraps: the content of S/MIME signed-data (RFC 5652, 5) and of PGP clear text (RFC 9580, 7).

Nothing is verified here: a signature says nothing before its certificate is trusted. The text is shown, the signature
kept.
"""

import re

_MOST_DEPTH = 12
_SIGNED_DATA = bytes.fromhex("06092a864886f70d010702")
_BEGIN = "-----BEGIN PGP SIGNED MESSAGE-----"
_PGP = re.compile(r"^-----BEGIN PGP SIGNED MESSAGE-----[ \t]*$", re.MULTILINE)
_SIGNATURE = re.compile(r"^-----BEGIN PGP SIGNATURE-----[ \t]*$", re.MULTILINE)
_END = re.compile(r"^-----END PGP SIGNATURE-----[ \t]*$", re.MULTILINE)
_ARMOR_HEADER = re.compile(r"[A-Za-z]{1,20}: [^\n]{0,200}")


class _Broken(ValueError):
    """The bytes are no BER."""


def signed_content(data: bytes) -> bytes | None:
    """The content inside a CMS signed-data structure in BER or DER; None if there is none or it cannot be read."""
    if _SIGNED_DATA not in data[:64]:
        return None
    try:
        # ContentInfo { type, [0] SignedData { version, digestAlgorithms, encapContentInfo { type, [0] content } } }
        explicit = _child(data, _inside(data, 0, len(data)), 1)
        signed = _child(data, explicit, 0)
        encapsulated = _child(data, signed, 2)
        wrapped = _child(data, encapsulated, 1)
        return _octets(data, wrapped[0], wrapped[1], 0)
    except (_Broken, IndexError):
        return None


def _header(data: bytes, position: int) -> tuple[int, int, int]:
    """Tag, where the content begins, and its length; -1 if the length is indefinite."""
    if position + 2 > len(data):
        raise _Broken
    tag, first = data[position], data[position + 1]
    if tag & 31 == 31:
        raise _Broken
    position += 2
    if first < 128:
        return tag, position, first
    if first == 128:
        return tag, position, -1
    size = first & 127
    if size > 8 or position + size > len(data):
        raise _Broken
    return tag, position + size, int.from_bytes(data[position : position + size], "big")


def _end(data: bytes, position: int, depth: int = 0) -> int:
    """Where the element that begins at ``position`` ends."""
    _, start, length = _header(data, position)
    if length >= 0:
        return min(start + length, len(data))
    if depth > _MOST_DEPTH:
        raise _Broken
    while data[start : start + 2] != b"\0\0":
        if start >= len(data):
            return len(data)
        start = _end(data, start, depth + 1)
    return start + 2


def _inside(data: bytes, position: int, limit: int) -> tuple[int, int]:
    _, start, length = _header(data, position)
    if length >= 0:
        return start, min(start + length, limit)
    return start, max(_end(data, position) - 2, start)


def _child(data: bytes, span: tuple[int, int], number: int) -> tuple[int, int]:
    """The span of the content of the ``number``-th element in a span, counted from 0."""
    position, limit = span
    for _ in range(number):
        position = _end(data, position)
        if position >= limit:
            raise _Broken
    return _inside(data, position, limit)


def _octets(data: bytes, position: int, limit: int, depth: int) -> bytes:
    """The bytes of the octet strings in a span; constructed ones are put together."""
    if depth > _MOST_DEPTH:
        raise _Broken
    out: list[bytes] = []
    while position < limit and data[position : position + 2] != b"\0\0":
        tag, start, length = _header(data, position)
        stop = _end(data, position)
        if tag == 0x04 and length >= 0:
            out.append(data[start:stop])
        elif tag == 0x24:
            out.append(_octets(data, start, stop, depth + 1))
        position = stop
    return b"".join(out)


def without_pgp(text: str) -> tuple[str, str]:
    """The text without the armour of a clear-text signature, and the signature, "" if there is none.

    Text around the signed part is kept; dash-escaped lines are given back as they were.
    """
    if _BEGIN not in text:
        return text, ""
    begin = _PGP.search(text)
    signature = _SIGNATURE.search(text, begin.end()) if begin else None
    if begin is None or signature is None:
        return text, ""
    lines = text[begin.end() : signature.start()].strip("\n").split("\n")
    while lines and _ARMOR_HEADER.fullmatch(lines[0]):
        del lines[0]
    signed = "\n".join(line.removeprefix("- ") for line in lines).strip("\n")
    end = _END.search(text, signature.end())
    stop = end.end() if end else len(text)
    whole = "\n\n".join(each for each in (text[: begin.start()].strip("\n"), signed, text[stop:].strip("\n")) if each)
    return whole, text[signature.start() : stop] + "\n"

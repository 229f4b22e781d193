"""The transfer encodings of mail: base64, quoted-printable, uuencode, and what passes for them."""

import binascii
import quopri
import re

_NOT_BASE64 = re.compile(rb"[^A-Za-z0-9+/]")


def transfer_decoded(data: bytes, encoding: str, problems: list[str]) -> bytes:
    """The bytes of a part by its Content-Transfer-Encoding (RFC 2045, 6), as much as can be read of them.

    What was mended is told in ``problems``. Never raises.
    """
    match encoding.partition(";")[0].strip().strip('"').lower():
        case "base64":
            return _base64(data, problems)
        case "quoted-printable":
            return quopri.decodestring(data)
        case "x-uuencode" | "uuencode" | "x-uue" | "uue":
            return _uuencoded(data, problems)
        case "" | "7bit" | "8bit" | "binary" | "8-bit" | "7-bit":
            return data
        case _:
            problems.append("A content transfer encoding is unknown; the part is taken as it is.")
            return data


def _base64(data: bytes, problems: list[str]) -> bytes:
    try:
        return binascii.a2b_base64(data, strict_mode=False)
    except binascii.Error:
        problems.append("A base64 part is damaged.")
    data = _NOT_BASE64.sub(b"", data)
    data = data[: len(data) - (1 if len(data) % 4 == 1 else 0)]
    try:
        return binascii.a2b_base64(data + b"=" * (-len(data) % 4))
    except binascii.Error:
        return b""


def _uuencoded(data: bytes, problems: list[str]) -> bytes:
    out: list[bytes] = []
    inside = False
    for line in data.splitlines():
        if not inside:
            inside = line.startswith(b"begin ")
        elif line.strip() == b"end":
            break
        else:
            try:
                out.append(binascii.a2b_uu(line))
            except binascii.Error:
                # Some encoders write trailing characters: take what the length octet promises.
                try:
                    out.append(binascii.a2b_uu(line[: (((line[0] - 32) & 63) * 4 + 5) // 3]))
                except (binascii.Error, IndexError):
                    problems.append("An uuencoded line is damaged.")
    return b"".join(out)

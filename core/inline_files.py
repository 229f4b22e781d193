"""Files that stand in the text of a mail: PGP signatures around it, and uuencoded files of the time before MIME."""

import binascii
import mimetypes
import re

from core.mime_headers import Headers, file_name
from core.mime_tree import Node
from core.signed import without_pgp

_BEGIN = re.compile(r"begin [0-7]{3,4} (\S[^\n]{0,200})")
_MOST_FILES = 50
_TYPES = mimetypes.MimeTypes()


def taken_out(text: str, problems: list[str]) -> tuple[str, list[Node]]:
    """The text without the files in it, and these files; an encrypted text is told in ``problems``."""
    nodes: list[Node] = []
    if "-----BEGIN PGP " in text:
        text, signature = without_pgp(text)
        if signature:
            nodes.append(_file("application/pgp-signature", "signature.asc", signature.encode()))
        elif text.lstrip().startswith("-----BEGIN PGP MESSAGE-----"):
            problems.append("The message is encrypted.")
    if "begin " in text:
        text, files = _without_uuencoded(text)
        nodes += files
    return text, nodes


def _without_uuencoded(text: str) -> tuple[str, list[Node]]:
    """The text without its uuencoded files; lines that only look like the beginning of one stay. One pass."""
    nodes: list[Node] = []
    out: list[str] = []
    lines = text.split("\n")
    place = 0
    while place < len(lines):
        begin = _BEGIN.fullmatch(lines[place]) if len(nodes) < _MOST_FILES else None
        end, data = _decoded(lines, place + 1) if begin else (place + 1, b"")
        if begin and data:
            name = begin[1].strip()
            nodes.append(_file(_TYPES.guess_type(name.lower())[0] or "application/octet-stream", name, data))
            out.append("")
        else:
            out += lines[place:end]
        place = end
    return ("\n".join(out) if nodes else text), nodes


def _decoded(lines: list[str], place: int) -> tuple[int, bytes]:
    """Where uuencoded lines that begin at ``place`` end, and their bytes; none if any of them is no such line."""
    out: list[bytes] = []
    for number in range(place, len(lines)):
        line = lines[number]
        if line == "end":
            return number + 1, b"".join(out)
        try:
            if not line.strip() or not line.isascii():
                return number, b""
            out.append(binascii.a2b_uu(line))
        except binascii.Error:
            return number, b""
    return len(lines), b""


def _file(content_type: str, name: str, data: bytes) -> Node:
    return Node(content_type, {}, "attachment", {"filename": file_name(name) or "file.bin"}, Headers([]), data)

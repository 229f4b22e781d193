"""Files that stand in the text of a mail: PGP signatures around it, and uuencoded files of the time before MIME."""

import binascii
import mimetypes
import re

from core.mime_headers import Headers, file_name
from core.mime_tree import Node
from core.signed import without_pgp

_BEGIN = re.compile(r"^begin [0-7]{3,4} (\S[^\n]{0,200})$", re.MULTILINE)
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
    nodes: list[Node] = []
    out: list[str] = []
    position = 0
    while len(nodes) < _MOST_FILES and (begin := _BEGIN.search(text, position)):
        end = text.find("\nend", begin.end())
        data = _decoded(text[begin.end() : end]) if end >= 0 else None
        if not data:
            out.append(text[position : begin.end()])
            position = begin.end()
            continue
        out.append(text[position : begin.start()])
        name = begin[1].strip()
        nodes.append(_file(_TYPES.guess_type(name.lower())[0] or "application/octet-stream", name, data))
        position = end + len("\nend")
    return ("".join(out) + text[position:]) if nodes else text, nodes


def _decoded(lines: str) -> bytes | None:
    """The bytes of uuencoded lines; None if any line is none, so that prose is never taken for a file."""
    out: list[bytes] = []
    for line in lines.strip("\n").split("\n"):
        if not line.strip() or not line.isascii():
            return None
        try:
            out.append(binascii.a2b_uu(line))
        except binascii.Error:
            return None
    return b"".join(out)


def _file(content_type: str, name: str, data: bytes) -> Node:
    return Node(content_type, {}, "attachment", {"filename": file_name(name) or "file.bin"}, Headers([]), data)

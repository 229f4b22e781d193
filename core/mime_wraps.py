"""Parts of a mail that hold a mail in a form of their own: winmail.dat and signed S/MIME, opened to ordinary parts."""

import mimetypes
from dataclasses import replace

from core.mime_headers import Headers
from core.mime_tree import Limits, Node, Unparsable, read
from core.signed import signed_content
from core.tnef import Packed, unpack

_MOST_OPENED = 10
_TNEF = frozenset({"application/ms-tnef", "application/vnd.ms-tnef"})
_SMIME = frozenset({"application/pkcs7-mime", "application/x-pkcs7-mime"})
_TYPES = mimetypes.MimeTypes()


def opened(root: Node, limits: Limits, problems: list[str]) -> Node:
    """The tree with winmail.dat and S/MIME signed-data opened: what was inside stands in their place.

    A signed mail keeps the signature as a file. Raises ``Unparsable`` when what is inside passes a limit.
    """
    return _Opening(limits, problems).node(root, depth=1)


class _Opening:
    """One pass over a tree, counting what is opened."""

    def __init__(self, limits: Limits, problems: list[str]) -> None:
        self._limits = limits
        self._problems = problems
        self._count = 0
        self._bytes = 0

    def node(self, node: Node, depth: int) -> Node:
        if node.children:
            children = tuple(self.node(child, depth) for child in node.children)
            changed = any(one is not other for one, other in zip(children, node.children, strict=True))
            return replace(node, children=children) if changed else node
        if self._count >= _MOST_OPENED or depth > 4:
            return node
        if node.content_type in _SMIME:
            return self._signed(node, depth)
        if node.content_type in _TNEF or (
            node.content_type == "application/octet-stream" and node.body.startswith(b"\x78\x9f\x3e\x22")
        ):
            return self._tnef(node)
        return node

    def _signed(self, node: Node, depth: int) -> Node:
        content = signed_content(node.body)
        if content is None:
            if node.parameters.get("smime-type", "").lower() != "enveloped-data":
                self._problems.append("An S/MIME part cannot be opened.")
            return node
        self._count += 1
        self._add(len(content))
        inner = self.node(read(content, self._limits, self._problems), depth + 1)
        return Node("multipart/mixed", {}, "", {}, node.headers, children=(inner, node))

    def _tnef(self, node: Node) -> Node:
        self._count += 1
        packed = unpack(node.body)
        if packed is None or not (packed.files or packed.text.strip() or packed.html.strip()):
            self._problems.append("A winmail.dat cannot be opened.")
            return node
        self._add(len(packed.text) + len(packed.html) + sum(len(file.data) for file in packed.files))
        children = (*_bodies(packed), *_files(packed))
        return Node("multipart/x-tnef", {}, "", {}, node.headers, children=children)

    def _add(self, size: int) -> None:
        self._bytes += size
        if self._bytes > self._limits.decoded_bytes:
            raise Unparsable(f"The content is larger than {self._limits.decoded_bytes >> 20} MB.")


def _bodies(packed: Packed) -> list[Node]:
    forms = (("text/html", packed.html), ("text/plain", packed.text))
    content_type, text = next((form for form in forms if form[1].strip()), ("", ""))
    return [_leaf(content_type, text.encode("utf-8", "replace"), {"charset": "utf-8"})] if content_type else []


def _files(packed: Packed) -> list[Node]:
    nodes: list[Node] = []
    for file in packed.files:
        guessed = _TYPES.guess_type(file.filename.lower())[0] or "application/octet-stream"
        content_type = file.content_type or guessed
        fields = [("content-id", f"<{file.content_id}>")] if file.content_id else []
        nodes.append(_leaf(content_type, file.data, {}, file.filename or "attachment.bin", fields))
    return nodes


def _leaf(
    content_type: str,
    body: bytes,
    parameters: dict[str, str],
    filename: str = "",
    fields: list[tuple[str, str]] | None = None,
) -> Node:
    disposition = "attachment" if filename else ""
    named = {"filename": filename} if filename else {}
    return Node(content_type, parameters, disposition, named, Headers(fields or []), body)

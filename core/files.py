"""Attachments, kept by the hash of their content: written and synced before the row that names them.

Served as downloads with a policy that lets them do nothing, unless they are pictures that we encoded anew.
"""

import hashlib
import os
import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import IO
from urllib.parse import quote

from flask import Response, current_app, request
from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column

from core import pictures, signing
from core.db import Id, db, now
from core.exceptions import TooLarge
from core.i18n import _
from core.web import FILE_POLICY

CHUNK = 1 << 20
NAME_LENGTH = 200
KEPT_SECONDS = 86400


class StoredFile(db.Model):  # type: ignore[name-defined,misc] # Flask-SQLAlchemy makes its base at run time.
    """Bytes that somebody sent. ``id`` is 128 random bits; equal content is kept once on the disk."""

    __tablename__ = "stored_file"

    id: Mapped[str] = mapped_column(String(32), primary_key=True, default=lambda: secrets.token_hex(16))
    sha256: Mapped[str] = mapped_column(String(64), index=True)
    size: Mapped[int] = mapped_column(Id)
    filename: Mapped[str] = mapped_column(String(NAME_LENGTH), default="")
    content_type: Mapped[str] = mapped_column(String(120), default="application/octet-stream")
    # The hash of the same picture encoded anew, which may be shown in a page; "" for everything else.
    picture_sha256: Mapped[str] = mapped_column(String(64), default="")
    created_at: Mapped[datetime] = mapped_column(default=now)

    @property
    def is_picture(self) -> bool:
        """Whether it may be shown inside a page."""
        return bool(self.picture_sha256)


@dataclass(frozen=True)
class Draft:
    """Content on the disk that no row names yet."""

    sha256: str
    size: int


def path_of(sha256: str) -> Path:
    """Where content of this hash lies."""
    root: Path = current_app.config["FILES_DIR"]
    return root / sha256[:2] / sha256[2:4] / sha256


def limit_bytes() -> int:
    """The largest file that may be attached."""
    return int(current_app.config["FILE_MEGABYTES"]) * 1024 * 1024


def save(source: bytes | IO[bytes], filename: str, *, limit: int | None = None) -> StoredFile:
    """Keep a file and add its row to the session.

    :raises TooLarge: if it is over the limit (by default the one for attachments); nothing is kept then.
    """
    row = put(source, filename, limit=limit)
    db.session.add(row)
    db.session.flush()
    return row


def put(source: bytes | IO[bytes], filename: str, *, limit: int | None = None) -> StoredFile:
    """Put a file on the disk and make its row, which is not in the session yet: nothing of the database is touched.

    :raises TooLarge: if it is over the limit (by default the one for attachments); nothing is kept then.
    """
    draft = write(source, limit_bytes() if limit is None else limit, filename)
    if isinstance(source, bytes):
        content_type, picture_sha256 = _kind_of(source[:8192], lambda: source, draft, filename)
    else:
        with path_of(draft.sha256).open("rb") as file:
            head = file.read(8192)
            content_type, picture_sha256 = _kind_of(head, lambda: head + file.read(), draft, filename)
    return StoredFile(
        sha256=draft.sha256, size=draft.size, filename=clean_name(filename), content_type=content_type,
        picture_sha256=picture_sha256,
    )  # fmt: skip


def _kind_of(head: bytes, whole: Callable[[], bytes], draft: Draft, filename: str) -> tuple[str, str]:
    """The type of a file, and the hash of the harmless copy that is shown if it is a picture."""
    content_type = pictures.sniff(head, filename)
    if content_type in {"image/png", "image/jpeg", "image/gif", "image/webp"} and draft.size <= limit_bytes():
        picture = pictures.reencode(whole())
        if picture is not None:
            return picture.content_type, write(picture.data, len(picture.data), filename).sha256
    return content_type, ""


def write(source: bytes | IO[bytes], limit: int, filename: str = "") -> Draft:
    """Put content on the disk so that a crash leaves the whole of it or none: write, sync, rename, sync the folder."""
    root: Path = current_app.config["FILES_DIR"]
    if isinstance(source, bytes) and len(source) <= limit:
        known = hashlib.sha256(source).hexdigest()
        if path_of(known).exists():
            path_of(known).touch()  # What was written lately is not thrown away.
            return Draft(known, len(source))
    root.mkdir(parents=True, exist_ok=True)
    temporary = root / f"part-{secrets.token_hex(8)}"
    digest, size = hashlib.sha256(), 0
    try:
        with temporary.open("xb") as file:
            for chunk in _chunks(source):
                size += len(chunk)
                if size > limit:
                    raise TooLarge(
                        _("“%(name)s” is too large. A file may have %(megabytes)s MB.", name=clean_name(filename),
                          megabytes=limit // (1024 * 1024))
                    )  # fmt: skip
                digest.update(chunk)
                file.write(chunk)
            file.flush()
            os.fsync(file.fileno())
        target = path_of(digest.hexdigest())
        if target.exists():
            target.touch()
        else:
            target.parent.mkdir(parents=True, exist_ok=True)
            temporary.replace(target)
            descriptor = os.open(target.parent, os.O_RDONLY)
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
    finally:
        temporary.unlink(missing_ok=True)
    return Draft(digest.hexdigest(), size)


def keep(source: bytes | IO[bytes], filename: str) -> str:
    """Keep content without a row, and return a signed text that stands for it.

    For a form that is shown again with errors: what was uploaded must not be asked for twice.
    """
    draft = write(source, limit_bytes(), filename)
    return signing.sign("kept-file", [draft.sha256, clean_name(filename)])


def kept(file: StoredFile) -> str:
    """A signed text that stands for the content of a file, as `keep` gives for one that has no row."""
    return signing.sign("kept-file", [file.sha256, file.filename])


def kept_name(token: str) -> str:
    """The file name that a kept text stands for, "" if it is not ours or too old."""
    value = signing.unsign("kept-file", token, KEPT_SECONDS)
    return str(value[1]) if value else ""


def from_kept(token: str) -> StoredFile | None:
    """The file of a kept text, now with a row; None if it is not ours, too old or gone."""
    value = signing.unsign("kept-file", token, KEPT_SECONDS)
    if not value or not path_of(value[0]).exists():
        return None
    with path_of(value[0]).open("rb") as file:
        return save(file, value[1])


def read(file: StoredFile) -> bytes:
    """The whole content."""
    return path_of(file.sha256).read_bytes()


def clean_name(filename: str) -> str:
    """A base name without control or direction-changing characters, at most 200 long."""
    base = filename.replace("\\", "/").rpartition("/")[2]
    kept = "".join(
        char
        for char in base
        if char.isprintable() and char not in "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
    )
    stem, dot, ending = kept.strip().rpartition(".")
    if dot and len(ending) <= 12:
        return f"{stem[: NAME_LENGTH - 1 - len(ending)]}.{ending}" if stem else f"file.{ending}"
    return kept.strip()[:NAME_LENGTH] or "file"


def response(file: StoredFile, filename: str = "", *, cache: str = "private, max-age=3600") -> Response:
    """Answer with a file: a picture that we encoded anew inline, everything else as a download that can do nothing."""
    inline = file.is_picture and "download" not in request.args
    path = path_of(file.picture_sha256 if inline else file.sha256)
    name = clean_name(filename or file.filename)
    answer = Response(_read_chunks(path), mimetype=file.content_type if inline else "application/octet-stream")
    answer.content_length = path.stat().st_size
    ascii_name = name.encode("ascii", "replace").decode().replace("?", "_").replace('"', "_").replace("\\", "_")
    kind = "inline" if inline else "attachment"
    answer.headers["Content-Disposition"] = (
        f"{kind}; filename=\"{ascii_name}\"; filename*=UTF-8''{quote(name, safe='')}"
    )
    answer.headers["Content-Security-Policy"] = FILE_POLICY
    answer.headers["Cache-Control"] = cache
    return answer


def _chunks(source: bytes | IO[bytes]) -> Iterator[bytes]:
    if isinstance(source, bytes):
        yield source
        return
    while chunk := source.read(CHUNK):
        yield chunk


def _read_chunks(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while chunk := file.read(CHUNK):
            yield chunk

"""What a file is, by its first bytes and its name; and pictures encoded anew, so that nothing else comes with them."""

import io
import json
import warnings
from dataclasses import dataclass

from PIL import Image, ImageOps, ImageSequence

MOST_PIXELS = 50_000_000
MOST_FRAMES = 100
Image.MAX_IMAGE_PIXELS = MOST_PIXELS

_MAGIC = (
    (b"\x89PNG\r\n\x1a\n", "image/png"), (b"\xff\xd8\xff", "image/jpeg"), (b"GIF87a", "image/gif"), (b"GIF89a", "image/gif"),
    (b"%PDF-", "application/pdf"), (b"\x1f\x8b", "application/gzip"), (b"PK\x03\x04", "application/zip"),
)  # fmt: skip
_OFFICE = {
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "pptx": "application/vnd.openxmlformats-officedocument.presentationml.presentation",
    "ods": "application/vnd.oasis.opendocument.spreadsheet",
    "odt": "application/vnd.oasis.opendocument.text",
}
_TEXT = {"csv": "text/csv", "json": "application/json", "txt": "text/plain", "md": "text/markdown", "log": "text/plain",
         "xml": "application/xml", "html": "text/html", "htm": "text/html", "svg": "image/svg+xml", "eml": "message/rfc822"}  # fmt: skip
_FORMATS = {"PNG": "image/png", "JPEG": "image/jpeg", "GIF": "image/gif", "WEBP": "image/webp"}


@dataclass(frozen=True)
class Picture:
    """A picture encoded anew; sizes in pixels."""

    data: bytes
    content_type: str
    width: int
    height: int


def sniff(data: bytes, filename: str) -> str:
    """The content type that the first bytes show, made finer by the ending of the name where both agree."""
    ending = filename.rpartition(".")[2].lower()
    for magic, kind in _MAGIC:
        if data.startswith(magic):
            return _OFFICE.get(ending, kind) if kind == "application/zip" else kind
    if data.startswith(b"RIFF") and data[8:12] == b"WEBP":
        return "image/webp"
    if b"\x00" in data[:4096]:
        return "application/octet-stream"
    head = data[:1024].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if b"<svg" in head:
        return "image/svg+xml"
    if head.startswith((b"<!doctype html", b"<html")) or b"<script" in head:
        return "text/html"
    if head.startswith(b"<?xml"):
        return "application/xml"
    if ending in _TEXT:
        return _TEXT[ending]
    return _json_or_text(data)


def reencode(data: bytes) -> Picture | None:
    """The same picture without anything else in the file: no metadata, no place, no hidden data. None if it is not safe."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(io.BytesIO(data), formats=tuple(_FORMATS)) as image:
                if image.width * image.height > MOST_PIXELS or image.format not in _FORMATS:
                    return None
                return _encode(image, str(image.format))
    except (OSError, ValueError, SyntaxError, MemoryError, OverflowError, EOFError, TypeError, IndexError, KeyError,
            Image.DecompressionBombWarning, Image.DecompressionBombError):  # fmt: skip
        return None


def _encode(image: Image.Image, kind: str) -> Picture:
    out = io.BytesIO()
    if kind == "GIF" and getattr(image, "n_frames", 1) > 1 and image.n_frames <= MOST_FRAMES:  # type: ignore[attr-defined]
        if image.width * image.height * image.n_frames > MOST_PIXELS:  # type: ignore[attr-defined]
            image.seek(0)
        else:
            frames = [frame.copy() for frame in ImageSequence.Iterator(image)]
            frames[0].save(
                out, "GIF", save_all=True, append_images=frames[1:], loop=0, duration=image.info.get("duration", 100)
            )
            return Picture(out.getvalue(), "image/gif", image.width, image.height)
    image.seek(0)
    upright = ImageOps.exif_transpose(image)
    has_alpha = upright.mode in {"RGBA", "LA"} or "transparency" in upright.info
    if kind == "JPEG":
        plain = upright.convert("RGB")
        plain.info.clear()
        plain.save(out, "JPEG", quality=88)
        return Picture(out.getvalue(), "image/jpeg", plain.width, plain.height)
    plain = upright.convert("RGBA" if has_alpha else "RGB")
    plain.info.clear()
    target = "WEBP" if kind == "WEBP" else "PNG"
    plain.save(out, target)
    return Picture(out.getvalue(), _FORMATS[target], plain.width, plain.height)


def _json_or_text(data: bytes) -> str:
    try:
        text = data.decode("utf-8", "strict") if len(data) < 8192 else data[:8000].decode("utf-8", "ignore")
    except UnicodeDecodeError:
        return "application/octet-stream"
    if text.lstrip().startswith(("{", "[")):
        try:
            json.loads(text)
        except ValueError:
            return "application/json" if len(data) >= 8192 else "text/plain"
        return "application/json"
    return "text/plain"

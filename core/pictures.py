"""What a file is, by its first bytes and its name; and pictures encoded anew, so that nothing else comes with them."""

import io
import json
import re
from dataclasses import dataclass

from PIL import Image, ImageOps, ImageSequence

MOST_PIXELS = 50_000_000
MOST_FRAMES = 100
#: Of all frames together, which are in memory at once.
MOST_MOVING_PIXELS = 20_000_000
#: An honest progressive JPEG has about ten; each makes the decoder go over the whole picture again.
MOST_SCANS = 100
Image.MAX_IMAGE_PIXELS = MOST_PIXELS

BINARY = "application/octet-stream"
_MAGIC = {
    b"\x89PNG\r\n\x1a\n": "image/png",
    b"\xff\xd8\xff": "image/jpeg",
    b"GIF87a": "image/gif",
    b"GIF89a": "image/gif",
    b"%PDF-": "application/pdf",
    b"\x1f\x8b": "application/gzip",
    b"PK\x03\x04": "application/zip",
    b"PK\x05\x06": "application/zip",
    b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1": BINARY,
}
#: Formats that are other formats inside, by the ending of the name.
_INSIDE = {
    ("application/zip", "xlsx"): "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    ("application/zip", "docx"): "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    ("application/zip", "pptx"): "application/vnd.openxmlformats-officedocument.presentationml.presentation",
    ("application/zip", "ods"): "application/vnd.oasis.opendocument.spreadsheet",
    ("application/zip", "odt"): "application/vnd.oasis.opendocument.text",
    (BINARY, "xls"): "application/vnd.ms-excel",
    (BINARY, "doc"): "application/msword",
}
_TEXTS = {
    "csv": "text/csv",
    "tsv": "text/tab-separated-values",
    "txt": "text/plain",
    "log": "text/plain",
    "md": "text/markdown",
    "eml": "message/rfc822",
}
_HTML = re.compile(rb"<(?:!doctype\s+html|html|head|body|script|iframe)\b", re.IGNORECASE)
_SVG = re.compile(rb"<(?:!doctype\s+svg|svg)\b", re.IGNORECASE)
_UTF_16 = (b"\xff\xfe", b"\xfe\xff")
_SCAN = b"\xff\xda"
_FORMATS = {"PNG": "image/png", "JPEG": "image/jpeg", "GIF": "image/gif", "WEBP": "image/webp"}
#: Everything that Pillow is known to raise on broken or hostile files.
_BROKEN = (
    *(
        OSError,
        ValueError,
        SyntaxError,
        ArithmeticError,
        LookupError,
        TypeError,
        AttributeError,
        EOFError,
        MemoryError,
    ),
    *(NotImplementedError, Image.DecompressionBombWarning, Image.DecompressionBombError),
)


@dataclass(frozen=True)
class Picture:
    """A picture encoded anew; sizes in pixels."""

    data: bytes
    content_type: str
    width: int
    height: int


def sniff(data: bytes, filename: str) -> str:
    """The content type of a file, or of its first kilobytes.

    The bytes decide; the ending of the name only chooses between formats that look alike (a spreadsheet is a zip
    file, a table is a text). A picture by its name alone is a text, or ``application/octet-stream``.
    """
    ending = filename.rpartition(".")[2].lower()
    for magic, kind in _MAGIC.items():
        if data.startswith(magic):
            return _INSIDE.get((kind, ending), kind)
    if data.startswith(b"RIFF") and data[8:12] == b"WEBP":
        return "image/webp"
    text = _text(data)
    if text is None:
        return BINARY
    return _text_type(text, ending)


def reencode(data: bytes) -> Picture | None:
    """The same picture without anything else that was in the file: no metadata, no place, no hidden data.

    PNG, JPEG, GIF and WebP of at most 50 megapixels. A moving GIF stays so up to 100 frames; of others the first frame
    is kept (as PNG, if it was a GIF). None if the file is not such a picture, or would take too much to read.
    """
    if data.startswith(b"\xff\xd8") and data.count(_SCAN) > MOST_SCANS:
        return None
    try:
        with Image.open(io.BytesIO(data), formats=tuple(_FORMATS)) as image:
            if image.width * image.height > MOST_PIXELS:
                return None
            return _encoded(image, str(image.format))
    except _BROKEN:
        return None


def _encoded(image: Image.Image, kind: str) -> Picture:
    out = io.BytesIO()
    if kind == "GIF":
        frames, durations = _frames(image)
        if len(frames) > 1:
            frames[0].save(
                out,
                "GIF",
                save_all=True,
                append_images=frames[1:],
                loop=0,
                duration=durations,
                disposal=2,
            )
            return Picture(out.getvalue(), _FORMATS[kind], image.width, image.height)
        kind = "PNG"
    image.seek(0)
    upright = ImageOps.exif_transpose(image)
    is_see_through = kind != "JPEG" and (upright.mode in {"RGBA", "LA", "PA"} or "transparency" in upright.info)
    plain = upright.convert("RGBA" if is_see_through else "RGB")
    # What is left in it would be written again.
    plain.info.clear()
    plain.save(out, kind, **({"quality": 88} if kind == "JPEG" else {}))
    return Picture(out.getvalue(), _FORMATS[kind], plain.width, plain.height)


def _frames(image: Image.Image) -> tuple[list[Image.Image], list[int]]:
    """The frames of a moving picture and how many milliseconds each stays; none if they are too many."""
    frames: list[Image.Image] = []
    durations: list[int] = []
    # Frames are counted while they are read: asking for their number reads the whole file.
    for frame in ImageSequence.Iterator(image):
        if len(frames) == MOST_FRAMES or frame.width * frame.height * (len(frames) + 1) > MOST_MOVING_PIXELS:
            return [], []
        bare = frame.convert("RGBA")
        bare.info.clear()
        frames.append(bare)
        durations.append(min(max(int(frame.info.get("duration", 100)), 20), 60_000))
    return frames, durations


def _text(data: bytes) -> str | None:
    """The beginning of a text, None if it is none. A character may be cut at its end."""
    head = data[:8192]
    if head.startswith(_UTF_16) and len(head) > 2:
        return head.decode("utf-16", "replace")
    # Tabs, line breaks, form feeds and escapes occur in texts; other control characters say that it is none.
    if re.search(rb"[\x00-\x08\x0e-\x1a\x1c-\x1f]", head):
        return None
    try:
        return head.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        if len(head) == len(data) or error.start < len(head) - 3:
            # Older tools write tables in the alphabet of their country.
            return head.decode("latin-1")
        return head[: error.start].decode("utf-8-sig")


def _text_type(text: str, ending: str) -> str:
    start = text.lstrip("\ufeff \t\r\n").encode("utf-8", "replace")
    if start.startswith((b"{", b"[")):
        return (
            "application/json" if ending in {"json", "geojson"} or _is_json(text) else _TEXTS.get(ending, "text/plain")
        )
    if start.startswith(b"<"):
        if _SVG.search(start[:2048]):
            return "image/svg+xml"
        if _HTML.match(start) or ending in {"html", "htm", "xhtml"}:
            return "text/html"
        if start.startswith(b"<?xml") or ending == "xml":
            return "application/xml"
    if ending in {"html", "htm", "xhtml", "svg"} and _HTML.search(start):
        return "text/html"
    return _TEXTS.get(ending, "text/plain")


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True

"""Pages and style sheets sent small: a slow line is the rule where many of our readers are.

Every form carries a token that is signed anew each second, so that what is learnt from the size of one page does not
help with the next (BREACH).
"""

import gzip
from functools import lru_cache
from pathlib import Path

from flask import Flask, Response, request

TYPES = frozenset({
    "text/html", "text/css", "text/javascript", "application/javascript", "application/json", "image/svg+xml",
    "application/atom+xml", "application/xml", "text/plain", "application/problem+json",
})  # fmt: skip
LEAST_BYTES = 1000
# Pages are compressed on every request, files once.
PAGE_LEVEL, FILE_LEVEL = 5, 9


def init_app(app: Flask) -> None:
    """Compress answers as the last step."""
    app.after_request(compress)


def compress(response: Response) -> Response:
    """Gzip an answer that gains by it, if the reader takes gzip."""
    if (
        response.mimetype not in TYPES
        or response.status_code in {204, 206, 304}
        or "Content-Encoding" in response.headers
    ):
        return response
    response.vary.add("Accept-Encoding")
    if not takes_gzip():
        return response
    if response.direct_passthrough:
        path = getattr(getattr(response.response, "file", None), "name", None)
        if not isinstance(path, str):
            return response
        stat = Path(path).stat()
        data = _file(path, stat.st_mtime_ns)
        response.direct_passthrough = False
    elif response.is_streamed:
        return response
    else:
        if (response.content_length or 0) < LEAST_BYTES:
            return response
        data = packed(response.get_data())
    response.set_data(data)
    response.headers["Content-Encoding"] = "gzip"
    response.headers["Content-Length"] = str(len(data))
    if (tag := response.headers.get("ETag", "")) and not tag.startswith("W/"):
        response.headers["ETag"] = f"W/{tag}"
    return response


def takes_gzip() -> bool:
    """Whether the reader takes gzip."""
    return "gzip" in request.headers.get("Accept-Encoding", "").lower()


def packed(page: bytes) -> bytes:
    """A page as it is sent to who takes gzip."""
    return gzip.compress(page, PAGE_LEVEL, mtime=0)


@lru_cache(maxsize=256)
def _file(path: str, _changed: int) -> bytes:
    return gzip.compress(Path(path).read_bytes(), FILE_LEVEL, mtime=0)

"""Pages that are the same for every stranger: made once, sent once, then only that nothing changed (RFC 9110, 13).

What a page shows is told from what it is made of, so that one that did not change need not be made to be compared,
nor to be sent to the next stranger. The tag carries the nonce of the page that the browser keeps, because an answer
without a page brings a policy too. A page that is kept is sent with the nonce that it was made with: that is safe,
because nothing can come into a page that is already made.
"""

import gzip
import hashlib
import re
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

from flask import Response, current_app, g, make_response, request, session
from markupsafe import Markup

from core.compress import packed, takes_gzip
from core.i18n import language
from core.web import PAGE_POLICY, csp_nonce, person

_ROOT = Path(__file__).parents[1]
_TAG = re.compile(r'W/"([0-9a-f]{32})\.([\w-]{16,32})"')


def answer(parts: tuple[Any, ...], page: Callable[[], str], *, seconds: int = 60) -> Response:
    """The page, or for a browser without a session that has it already that it did not change (304).

    :param parts: everything that the page is made of besides its address, its language and its colours.
    :param page: makes it.
    :param seconds: how long anybody may show it without asking again.
    """
    if person() is not None or session:
        return make_response(page())
    reader = (request.full_path, language(), request.cookies.get("theme"))
    what = (_code(), current_app.config["ASSET_VERSION"], reader, parts)
    digest = hashlib.sha256(repr(what).encode()).hexdigest()[:32]
    known = _TAG.search(request.headers.get("If-None-Match", ""))
    if known is not None and known[1] == digest:
        response = make_response("", 304)
        response.headers["Content-Security-Policy"] = PAGE_POLICY.format(nonce=known[2])
        response.headers["ETag"] = known[0]
    else:
        response = _made(digest, page)
        response.headers["ETag"] = f'W/"{digest}.{csp_nonce()}"'
    if not session:
        response.headers["Cache-Control"] = f"public, max-age={seconds}" if seconds else "no-cache"
    else:
        del response.headers["ETag"]
    return response


def piece(parts: tuple[Any, ...], make: Callable[[], str]) -> Markup:
    """A part of pages that is the same for all who read it in one language, whoever they are: made once.

    :param parts: its name, and everything that it is made of besides its language.
    :param make: makes it, without anything of the request.
    """
    what = ("piece", _code(), current_app.config["BASE_URL"], request.script_root, language(), parts)
    digest = hashlib.sha256(repr(what).encode()).hexdigest()[:32]
    kept = _pages.get(digest)
    if kept is not None:
        return Markup(kept[1].decode())  # noqa: S704 # It is what a template made.
    made = make()
    _pages.put(digest, "", made.encode())
    return Markup(made)  # noqa: S704


# Bytes of pages that a process keeps, and how long, in seconds: they say how long ago something was.
_MOST_KEPT = 4_000_000
_KEPT_FOR = 60.0


class _Pages:
    """Pages for strangers that were made not long ago, packed, with their nonces; threads share them."""

    def __init__(self) -> None:
        self._pages: OrderedDict[str, tuple[float, str, bytes]] = OrderedDict()
        self._size = 0
        self._lock = threading.Lock()

    def get(self, digest: str) -> tuple[str, bytes] | None:
        """The nonce of a page and the page."""
        kept = self._pages.get(digest)
        return kept[1:] if kept is not None and time.monotonic() - kept[0] < _KEPT_FOR else None

    def put(self, digest: str, nonce: str, page: bytes) -> None:
        """Keep a page, and forget those that were kept first."""
        with self._lock:
            if digest in self._pages:
                self._size -= len(self._pages.pop(digest)[2])
            self._pages[digest] = (time.monotonic(), nonce, page)
            self._size += len(page)
            while self._size > _MOST_KEPT:
                self._size -= len(self._pages.popitem(last=False)[1][2])


_pages = _Pages()


def _made(digest: str, page: Callable[[], str]) -> Response:
    """The page as it was made before, or as it is made now; packed if the reader takes that."""
    kept = _pages.get(digest)
    if kept is None:
        made = packed(page().encode())
        _pages.put(digest, csp_nonce(), made)
    else:
        g.nonce, made = kept
    if takes_gzip():
        response = make_response(made)
        response.headers["Content-Encoding"] = "gzip"
    else:
        response = make_response(gzip.decompress(made))
    response.vary.add("Accept-Encoding")
    return response


@cache
def _code() -> str:
    """What pages are made by: another version of it makes other pages of the same articles."""
    found = hashlib.sha256()
    for folder, pattern in (("templates", "*.html"), ("translations", "*.mo"), ("kb", "*.py"), ("core", "*.py")):
        for path in sorted((_ROOT / folder).rglob(pattern)):
            stat = path.stat()
            found.update(f"{path.name} {stat.st_mtime_ns} {stat.st_size};".encode())
    return found.hexdigest()

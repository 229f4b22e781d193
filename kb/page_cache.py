"""Pages that are the same for every stranger: sent once, then only that nothing changed (RFC 9110, 13).

What a page shows is told from what it is made of, so that one that did not change need not be made to be compared.
The tag carries the nonce of the page that the browser keeps, because an answer without a page brings a policy too.
"""

import hashlib
import re
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

from flask import Response, current_app, make_response, request, session

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
        response = make_response(page())
        response.headers["ETag"] = f'W/"{digest}.{csp_nonce()}"'
    if not session:
        response.headers["Cache-Control"] = f"public, max-age={seconds}" if seconds else "no-cache"
    else:
        del response.headers["ETag"]
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

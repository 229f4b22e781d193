"""Answers that need not be sent twice (RFC 9110, 13): an ETag, how long they keep, and 304 for who has them."""

from flask import Response, request, session

from core.web import person


def conditional(response: Response, *, seconds: int = 60) -> Response:
    """Give an answer its ETag; without its content (304) if the caller has the same.

    :param seconds: how long anybody, a proxy too, may keep what a stranger may read. What a person or a token is
        given is kept by nobody but its reader, and asked for again each time. 0: everybody asks again each time.
    """
    is_open = person() is None and not session and "Authorization" not in request.headers
    public = f"public, max-age={seconds}" if seconds else "no-cache"
    response.headers["Cache-Control"] = public if is_open else "private, no-cache"
    response.vary.update(("Accept-Encoding", "Authorization"))
    response.add_etag()
    response.make_conditional(request)
    return response

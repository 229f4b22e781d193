"""The API's manners: problem documents, checked input, keyset pages and repeated POSTs that act once."""

import hashlib
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from functools import wraps
from http import HTTPStatus
from typing import Any, cast

from flask import Response, current_app, g, request
from flask.typing import ResponseReturnValue
from sqlalchemy import Index, String, Text, delete, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Mapped, mapped_column
from werkzeug.exceptions import Forbidden, HTTPException, NotFound

from core import jobs, limits
from core.db import Model, db, now
from core.exceptions import NotNow, Refused
from core.i18n import _
from core.web import person

KEEP_KEYS = timedelta(days=1)

View = Callable[..., ResponseReturnValue]


class IdempotencyKey(Model):
    """The answer to a POST, kept for a day, so that the same request sent again gets the same answer and acts once."""

    __tablename__ = "idempotency_key"
    __table_args__ = (Index("ix_idempotency_key_at", "at"),)

    # Hash of who asked, the address and the key.
    key: Mapped[str] = mapped_column(String(64), unique=True)
    fingerprint: Mapped[str] = mapped_column(String(64))
    status: Mapped[int]
    body: Mapped[str] = mapped_column(Text)
    location: Mapped[str] = mapped_column(Text, default="")
    at: Mapped[datetime] = mapped_column(default=now)


def body(*, required: Mapping[str, type], optional: Mapping[str, type] | None = None) -> dict[str, Any]:
    """The JSON body of this request, checked: known fields only, of the right types.

    :raises Refused: naming the field.
    """
    data = request.get_json(silent=True)
    if not isinstance(data, dict):
        raise Refused(_("Send a JSON object."), "body")
    known = {**required, **(optional or {})}
    for name in data:
        if name not in known:
            raise Refused(_("“%(name)s” is not a field here.", name=name), name)
    for name in required:
        if name not in data or data[name] in ("", None):
            raise Refused(_("“%(name)s” is needed.", name=name), name)
    for name, value in data.items():
        kind = known[name]
        if value is None and name not in required:
            continue
        if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
            raise Refused(_("“%(name)s” has the wrong type.", name=name), name)
        if isinstance(value, str) and "\x00" in value:
            raise Refused(_("“%(name)s” contains a character that cannot be kept.", name=name), name)
    return {name: value for name, value in data.items() if value is not None}


def idempotent(view: View) -> View:
    """Honour ``Idempotency-Key`` on a POST: the same key with the same body answers as before and acts once."""

    @wraps(view)
    def once(*args: Any, **kwargs: Any) -> ResponseReturnValue:  # As the view.
        given = request.headers.get("Idempotency-Key", "")
        if not given:
            return view(*args, **kwargs)
        if len(given) > 200:
            raise Refused(_("An Idempotency-Key may have 200 characters."), "Idempotency-Key")
        who = getattr(person(), "id", None) or limits.network_address()
        key = hashlib.sha256(f"{who}|{request.path}|{given}".encode()).hexdigest()
        fingerprint = hashlib.sha256(request.get_data(cache=True)).hexdigest()
        known = db.session.scalar(select(IdempotencyKey).where(IdempotencyKey.key == key))
        if known is not None:
            if known.fingerprint != fingerprint:
                raise Refused(_("This Idempotency-Key was used with another body."), "Idempotency-Key")
            replay = Response(known.body, status=known.status, mimetype="application/json")
            if known.location:
                replay.headers["Location"] = known.location
            replay.headers["Idempotency-Replayed"] = "true"
            for name in (g.get("permission") and [g.permission.name]) or ():
                g.setdefault("checked_permissions", set()).add(name)
            return replay
        answer = current_app.make_response(view(*args, **kwargs))
        if answer.status_code < 400:
            db.session.add(
                IdempotencyKey(
                    key=key, fingerprint=fingerprint, status=answer.status_code, body=answer.get_data(as_text=True),
                    location=answer.headers.get("Location", ""),
                )
            )  # fmt: skip
            try:
                db.session.flush()
            except IntegrityError:
                raise NotNow(_("The same request is being answered at this moment. Try again.")) from None
        return answer

    return once


def limited() -> None:
    """Count this request against the limit of its token, or of its network address. Call it before writing."""
    settings = current_app.extensions["settings"]
    token = g.get("api_token_id")
    whom = f"token-{token}" if token else limits.network_address()
    limits.hit("api", whom, settings.limits.api_per_minute, 60)


def page_size(default: int = 50, most: int = 200) -> int:
    """The ``limit`` of a list.

    :raises Refused: if it is no number between 1 and ``most``.
    """
    text = request.args.get("limit", str(default))
    if not text.isascii() or not text.isdigit() or not 1 <= int(text[:6]) <= most:
        raise Refused(_("“limit” must be a number from 1 to %(most)s.", most=most), "limit")
    return int(text)


def stamp(time: datetime | None) -> str | None:
    """A time for JSON: RFC 3339, UTC."""
    return time.isoformat(timespec="seconds").replace("+00:00", "Z") if time else None


def problem(status: int, sentence: str) -> Response:
    """A problem document (RFC 9457) for what is not worth an exception."""
    body = {"type": "about:blank", "title": HTTPStatus(status).phrase, "status": status, "detail": sentence}
    response = cast("Response", current_app.json.response(body))
    response.status_code = status
    response.mimetype = "application/problem+json"
    return response


def not_found() -> HTTPException:
    """There is no such thing, or it is not for the caller: the same answer for both."""
    return NotFound()


def clean_text(text: str, most: int, field: str) -> str:
    """A text without control characters other than tab and line feed, and with something in it.

    :raises Refused: naming the field, if it is empty or over ``most`` characters.
    """
    kept = "".join(
        char for char in text.replace("\r\n", "\n") if char in "\n\t" or char.isprintable() or ord(char) > 159
    ).strip()
    if not kept:
        raise Refused(_("“%(name)s” is needed.", name=field), field)
    if len(kept) > most:
        raise Refused(_("“%(name)s” may have %(most)s characters.", name=field, most=most), field)
    return kept


def need_scope(has: bool, scope: str) -> None:  # noqa: FBT001 # One answer, read where it is asked.
    """Stop a token that lacks a scope."""
    if not has:
        raise Forbidden(_("This token may not do that; it needs the scope %(scope)s.", scope=scope))


def created(document: dict[str, Any], location: str) -> Response:
    """201 with where it is."""
    response = cast("Response", current_app.json.response(document))
    response.status_code = 201
    response.headers["Location"] = location
    return response


@jobs.every("api.sweep", 3600)
def sweep() -> None:
    """Forget answers older than a day."""
    db.session.execute(delete(IdempotencyKey).where(IdempotencyKey.at < now() - KEEP_KEYS))

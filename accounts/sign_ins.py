"""Who is signed in: sign-ins kept here, their tokens in the browser's signed session.

A sign-in ends by itself after some hours or after idling, and at once with a new password, a sign-out everywhere or a
disabled person: each of these raises the person's ``epoch``.
"""

import hashlib
import secrets
import time
from datetime import timedelta

from flask import Flask, Request, current_app, g, request, session
from flask_login import LoginManager, login_user, logout_user
from sqlalchemy import bindparam, delete, select, update
from sqlalchemy.orm import joinedload

from accounts import scopes as known_scopes
from accounts.models import ApiToken, SignIn, User
from core import jobs
from core.db import db, now, write_apart
from core.events import record
from core.exceptions import NotNow, Refused
from core.i18n import _
from core.settings import Settings
from core.web import API_PREFIX

# The signed session says when it was last seen; it is written again at most this often.
REFRESH_SECONDS = 300
# A sign-in by link proves who somebody is: for this long afterwards a new password needs no old one.
LINK_PROVES_SECONDS = 1800

MOST_TOKENS = 20
LONGEST_TOKEN_DAYS = 366

login_manager = LoginManager()

# Asked by nearly every request: made once, with the person's roles in the same row.
_ROLES = joinedload(User.role_rows)
_BY_SESSION = (
    select(SignIn).where(SignIn.token_hash == bindparam("token_hash"), SignIn.expires_at > bindparam("moment"))
    .options(joinedload(SignIn.user).options(_ROLES))
)  # fmt: skip
_BY_BEARER = (
    select(ApiToken).where(ApiToken.token_hash == bindparam("token_hash"))
    .options(joinedload(ApiToken.user).options(_ROLES))
)  # fmt: skip


def init_app(app: Flask) -> None:
    """Set up Flask-Login on our own sign-ins and tokens."""
    login_manager.init_app(app)
    # It would compare X-Forwarded-For, which anyone can write, and our own tokens already end where they must.
    login_manager.session_protection = None
    login_manager.user_loader(_by_session)
    login_manager.request_loader(_by_bearer)


def hash_of(token: str) -> str:
    """What is kept of a random token; it has 256 bits, so a plain hash does."""
    return hashlib.sha256(token.encode()).hexdigest()


def begin(user: User, *, by_link: bool = False) -> None:
    """Sign a person in, in this browser, with a fresh session and a fresh token; the sign-in that was here ends.

    :param by_link: they came by a sign-in link.
    """
    settings: Settings = current_app.extensions["settings"]
    _forget(session.get("_user_id", ""))
    token = secrets.token_urlsafe(32)
    db.session.add(
        SignIn(
            token_hash=hash_of(token), user_id=user.id, epoch=user.epoch,
            user_agent=request.headers.get("User-Agent", "")[:200],
            expires_at=now() + timedelta(hours=settings.security.session_hours),
        )
    )  # fmt: skip
    kept = {name: session[name] for name in ("ticket_grants", "connection_grants") if name in session}
    session.clear()
    session.update(kept)
    user.sign_in_token = token
    login_user(user)
    session.permanent = True
    session["seen"] = int(time.time())
    if by_link:
        session["by_link"] = int(time.time())
    record("person.signed_in", user, by=user, way="link" if by_link else "password")


def came_by_link() -> bool:
    """Whether this sign-in began by a link a short while ago."""
    return time.time() - float(session.get("by_link", 0)) < LINK_PROVES_SECONDS


def end() -> None:
    """Sign out of this browser; the token is worthless afterwards, wherever it was copied to."""
    _forget(session.get("_user_id", ""))
    logout_user()
    session.clear()


def end_one(sign_in: SignIn, *, by: User) -> None:
    """End one sign-in."""
    db.session.delete(sign_in)
    record("person.signed_out", sign_in.user, by=by)


def sign_out_everywhere(user: User, *, by: User) -> None:
    """End every sign-in of a person, as they asked."""
    end_everywhere(user)
    record("person.signed_out_everywhere", user, by=by)


def is_this(sign_in: SignIn) -> bool:
    """Whether a sign-in is the one of this browser."""
    return sign_in.token_hash == hash_of(str(session.get("_user_id", "")))


def _forget(token: object) -> None:
    if token:
        db.session.execute(delete(SignIn).where(SignIn.token_hash == hash_of(str(token))))


def end_everywhere(user: User) -> None:
    """End every sign-in and every unused link of a person."""
    user.epoch += 1
    db.session.execute(delete(SignIn).where(SignIn.user_id == user.id))


def make_token(user: User, scopes: list[str], *, name: str = "", days: int = 365) -> str:
    """Make an API token and return it; this is the only time that it can be read.

    :raises Refused: for a scope that is unknown or not for this person, or a life over a year.
    :raises NotNow: if the person has as many tokens as one may have.
    """
    codes = known_scopes.checked(user, scopes)
    if not 1 <= days <= LONGEST_TOKEN_DAYS:
        raise Refused(_("A token may live for 1 to %(days)s days.", days=LONGEST_TOKEN_DAYS), "days")
    live = sum(token.is_live for token in tokens_of(user))
    if live >= MOST_TOKENS:
        raise NotNow(_("You have %(count)s tokens. Revoke one that is no longer needed first.", count=live))
    secret = f"ocds_{secrets.token_urlsafe(32)}"
    token = ApiToken(
        user_id=user.id, name=" ".join(name.split())[:100], prefix=secret[:12], token_hash=hash_of(secret),
        scopes=codes, expires_at=now() + timedelta(days=days),
    )  # fmt: skip
    db.session.add(token)
    record("token.made", token, by=user, scopes=codes)
    return secret


def tokens_of(user: User) -> list[ApiToken]:
    """A person's tokens, the newest first; those that ended too."""
    statement = select(ApiToken).where(ApiToken.user_id == user.id).order_by(ApiToken.id.desc()).limit(100)
    return list(db.session.scalars(statement))


def revoke(token: ApiToken, *, by: User) -> None:
    """End a token at once."""
    if token.revoked_at is None:
        token.revoked_at = now()
        record("token.revoked", token, by=by)


def has_scope(scope: str) -> bool:
    """Whether the token of this request carries a scope; a request without a token carries none."""
    return scope in g.get("api_scopes", ())


def _by_session(token: str) -> User | None:
    if request.path.startswith(API_PREFIX):
        # The API takes tokens only: a cookie there would open it to other sites' pages.
        return None
    settings: Settings = current_app.extensions["settings"]
    seen = session.get("seen", 0)
    if time.time() - seen > settings.security.session_idle_minutes * 60:
        return None
    found = db.session.scalars(_BY_SESSION, {"token_hash": hash_of(token), "moment": now()})
    sign_in = found.unique().one_or_none()
    if sign_in is None:
        return None
    user: User = sign_in.user
    if user.is_disabled or sign_in.epoch != user.epoch:
        return None
    if time.time() - seen > REFRESH_SECONDS:
        session["seen"] = int(time.time())
    user.sign_in_token = token
    return user


def _by_bearer(asked: Request) -> User | None:
    if not asked.path.startswith(API_PREFIX):
        return None
    kind, _, secret = asked.headers.get("Authorization", "").partition(" ")
    if kind.lower() != "bearer" or not secret:
        return None
    token = db.session.scalars(_BY_BEARER, {"token_hash": hash_of(secret.strip())}).unique().one_or_none()
    if token is None or not token.is_live or token.user.is_disabled:
        return None
    g.api_scopes = tuple(token.scopes)
    g.api_token_id = token.id
    if token.last_used_on is None or now() - token.last_used_on > timedelta(days=1):
        write_apart(update(ApiToken).where(ApiToken.id == token.id).values(last_used_on=now()))
    user: User = token.user
    return user


@jobs.every("sign_ins.sweep", 3600)
def sweep() -> None:
    """Forget sign-ins that have ended."""
    db.session.execute(delete(SignIn).where(SignIn.expires_at < now()))

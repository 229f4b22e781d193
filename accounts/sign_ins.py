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
from sqlalchemy import delete, select, update

from accounts.models import ApiToken, SignIn, User
from core import jobs
from core.db import db, now
from core.settings import Settings
from core.web import API_PREFIX

# The signed session says when it was last seen; it is written again at most this often.
REFRESH_SECONDS = 300

login_manager = LoginManager()


def init_app(app: Flask) -> None:
    """Set up Flask-Login on our own sign-ins and tokens."""
    login_manager.init_app(app)
    login_manager.user_loader(_by_session)
    login_manager.request_loader(_by_bearer)


def hash_of(token: str) -> str:
    """What is kept of a random token; it has 256 bits, so a plain hash does."""
    return hashlib.sha256(token.encode()).hexdigest()


def begin(user: User) -> None:
    """Sign a person in, in this browser, with a fresh session and a fresh token."""
    settings: Settings = current_app.extensions["settings"]
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


def end() -> None:
    """Sign out of this browser; the token is worthless afterwards, wherever it was copied to."""
    token = session.get("_user_id", "")
    db.session.execute(delete(SignIn).where(SignIn.token_hash == hash_of(str(token))))
    logout_user()
    session.clear()


def end_everywhere(user: User) -> None:
    """End every sign-in and every unused link of a person."""
    user.epoch += 1
    db.session.execute(delete(SignIn).where(SignIn.user_id == user.id))


def make_token(user: User, scopes: list[str], *, name: str = "", days: int = 365) -> str:
    """Make an API token and return it; this is the only time that it can be read."""
    secret = f"ocds_{secrets.token_urlsafe(32)}"
    db.session.add(
        ApiToken(
            user_id=user.id, name=name, prefix=secret[:12], token_hash=hash_of(secret), scopes=scopes,
            expires_at=now() + timedelta(days=days),
        )
    )  # fmt: skip
    return secret


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
    sign_in = db.session.scalar(
        select(SignIn).join(SignIn.user).where(SignIn.token_hash == hash_of(token), SignIn.expires_at > now())
    )
    if sign_in is None or sign_in.user.is_disabled or sign_in.epoch != sign_in.user.epoch:
        return None
    if time.time() - seen > REFRESH_SECONDS:
        session["seen"] = int(time.time())
    sign_in.user.sign_in_token = token
    return sign_in.user


def _by_bearer(asked: Request) -> User | None:
    if not asked.path.startswith(API_PREFIX):
        return None
    kind, _, secret = asked.headers.get("Authorization", "").partition(" ")
    if kind.lower() != "bearer" or not secret:
        return None
    token = db.session.scalar(select(ApiToken).where(ApiToken.token_hash == hash_of(secret.strip())))
    if token is None or not token.is_live or token.user.is_disabled:
        return None
    g.api_scopes = tuple(token.scopes)
    g.api_token_id = token.id
    if token.last_used_on is None or now() - token.last_used_on > timedelta(days=1):
        db.session.execute(update(ApiToken).where(ApiToken.id == token.id).values(last_used_on=now()))
    return token.user


@jobs.every("sign_ins.sweep", 3600)
def sweep() -> None:
    """Forget sign-ins that have ended."""
    db.session.execute(delete(SignIn).where(SignIn.expires_at < now()))

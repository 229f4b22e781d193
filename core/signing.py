"""Signed links and addresses: what they say can be read, but not forged."""

import base64
import hashlib
import hmac
from typing import Any

from flask import current_app
from itsdangerous import BadSignature, URLSafeTimedSerializer


def sign(purpose: str, value: Any) -> str:  # JSON.
    """A text for a link that carries a value, tied to one purpose and to the moment."""
    return _serializer(purpose).dumps(value)


def unsign(purpose: str, text: str, max_age: int) -> Any | None:  # JSON.
    """The value of a signed text, or None if it was forged, is for another purpose or is older than ``max_age`` s."""
    try:
        return _serializer(purpose).loads(text, max_age=max_age)
    except BadSignature:
        return None


def mark(purpose: str, text: str) -> str:
    """128 bits of HMAC-SHA-256 over a text, in lower-case base 32, so that it survives in a mail address."""
    key = hashlib.sha256(f"{purpose}|{current_app.config['SECRET_KEY']}".encode()).digest()
    digest = hmac.new(key, text.encode(), hashlib.sha256).digest()[:16]
    return base64.b32encode(digest).decode().rstrip("=").lower()


def derived(purpose: str, seed: str) -> str:
    """256 bits that only the holder of the site's key can make from a seed, for a link."""
    key = hashlib.sha256(f"{purpose}|{current_app.config['SECRET_KEY']}".encode()).digest()
    digest = hmac.new(key, seed.encode(), hashlib.sha256).digest()
    return base64.urlsafe_b64encode(digest).decode().rstrip("=")


def is_mark(purpose: str, text: str, candidate: str) -> bool:
    """Whether a mark is ours, compared in constant time."""
    return hmac.compare_digest(mark(purpose, text).encode(), candidate.lower().encode())


def _serializer(purpose: str) -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(
        current_app.config["SECRET_KEY"], salt=purpose, signer_kwargs={"digest_method": hashlib.sha256}
    )

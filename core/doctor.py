"""What is unsafe or unready for production, as sentences: ``flask check``."""

import stat
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import pysqlite3
from flask import Flask
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from core import jobs
from core.db import SAFE_SQLITE, db
from core.exceptions import BadSetting
from core.settings import Settings

LEAST_KEY = 32
KNOWN_KEYS = frozenset(
    {"secret", "secret_key", "secretkey", "changeme", "change-me", "dev", "development", "test", "password", "key",
     "default",
     "your-secret-key", "super-secret", "supersecret", "hard to guess string", "not-so-secret", "insecure", "flask"}
)  # fmt: skip
LEAST_FREE = 200 * 1024 * 1024
LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})


@dataclass(frozen=True)
class Finding:
    """Something to look at. ``is_bad`` means that the site must not go into production so."""

    sentence: str
    is_bad: bool = True


def refuse_weak_key(settings: Settings) -> None:
    """Stop a start with a key that can be guessed.

    :raises BadSetting: for a short or well-known key.
    """
    key = settings.security.secret_key
    if key and (len(key) < LEAST_KEY or len(set(key)) < 8 or key.lower() in KNOWN_KEYS):
        raise BadSetting(
            f"the secret key can be guessed; leave it empty to have one made, or use {LEAST_KEY} random characters"
        )


def examine(app: Flask) -> list[Finding]:
    """Everything that is found, the bad ones first. Needs an application context."""
    settings: Settings = app.extensions["settings"]
    found = [*_address(settings), *_mail(settings), *_security(app, settings), *_disk(settings), *_database(settings)]
    for more in app.extensions.get("doctors", ()):
        try:
            found += more()
        except SQLAlchemyError:
            # There are no tables yet, or not the newest, which is told already.
            db.session.rollback()
    return sorted(found, key=lambda finding: not finding.is_bad)


def _address(settings: Settings) -> list[Finding]:
    base = urlsplit(settings.site.base_url)
    found = []
    if base.scheme != "https":
        found.append(Finding("site.base_url is not https: passwords and links travel in the clear."))
    if base.hostname in LOOPBACK or not base.hostname:
        found.append(Finding("site.base_url is an address of this machine: links in mails lead nowhere."))
    if base.scheme == "https" and not settings.security.hsts:
        found.append(Finding("security.hsts is off: browsers may be led to plain http.", is_bad=False))
    if base.scheme == "https" and not settings.security.proxies:
        found.append(
            Finding("security.proxies is 0: behind a proxy, limits would count everyone as one.", is_bad=False)
        )
    if unknown := set(settings.site.languages) - {"en", "es", "fr"}:
        found.append(Finding(f"site.languages has no catalogue for: {', '.join(sorted(unknown))}."))
    return found


def _mail(settings: Settings) -> list[Finding]:
    mail = settings.mail
    found = []
    if not mail.host:
        found.append(Finding("mail.host is empty: mails are written to a folder, nobody gets an answer."))
    elif mail.tls not in {"starttls", "tls"} and mail.host not in LOOPBACK:
        found.append(Finding("mail.tls is “none” to another machine: mails and the password travel in the clear."))
    if mail.tls not in {"starttls", "tls", "none"}:
        found.append(Finding("mail.tls must be starttls, tls or none."))
    if mail.sender.endswith((".example", ".invalid", ".test", ".localhost")) or "@" not in mail.sender:
        found.append(Finding("mail.sender is an example address: answers come back to nobody."))
    if mail.user and not mail.password:
        found.append(Finding("mail.user is set without mail.password."))
    return found


def _security(app: Flask, settings: Settings) -> list[Finding]:
    found = []
    if app.debug:
        found.append(Finding("debug mode is on: whoever sees an error can run code."))
    if settings.security.session_hours > 24:
        found.append(Finding("security.session_hours is over a day: a lost device stays signed in."))
    if settings.security.link_minutes > 60:
        found.append(Finding("security.link_minutes is over an hour: a forwarded link signs in."))
    if settings.limits.sign_in_per_account > 100 or settings.limits.sign_in_per_address > 1000:
        found.append(Finding("the limits of wrong passwords are so high that they can be guessed."))
    key = settings.data_dir / "secret-key"
    if not settings.security.secret_key and key.exists() and stat.S_IMODE(key.stat().st_mode) & 0o077:
        found.append(Finding(f"{key} can be read by others: set its mode to 0600."))
    return found


def _disk(settings: Settings) -> list[Finding]:
    import shutil

    found = []
    free = shutil.disk_usage(_existing(settings.data_dir)).free
    if free < LEAST_FREE:
        found.append(Finding(f"only {free // (1024 * 1024)} MB are free where the data is: mail in would stop."))
    return found


def _database(settings: Settings) -> list[Finding]:
    found = []
    if not settings.on_postgresql:
        version = tuple(int(part) for part in pysqlite3.sqlite_version.split("."))
        if version < SAFE_SQLITE:
            found.append(
                Finding(f"SQLite {pysqlite3.sqlite_version} can corrupt a database in WAL mode: upgrade pysqlite3.")
            )
    try:
        db.session.execute(text("SELECT 1 FROM ticket WHERE 1 = 0"))
    except SQLAlchemyError:
        db.session.rollback()
        return [*found, Finding("the database has no tables, or is not there: run “flask db upgrade”.")]
    counts = jobs.counts()
    if counts["dead"]:
        found.append(Finding(f"{counts['dead']} jobs were given up: see the engine room.", is_bad=False))
    return found


def _existing(path: Path) -> Path:
    while not path.exists():
        path = path.parent
    return path

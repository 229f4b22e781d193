"""Sign-in links: mailed to a person, good for one sign-in within half an hour, dead with a new password.

Opening one only shows a button: programs that read mail open every link in it.
"""

import secrets
from datetime import timedelta

from flask import current_app
from sqlalchemy import delete, select, update

from accounts.models import SignInLink, User
from accounts.sign_ins import hash_of
from core import jobs, mail, signing
from core.db import db, now
from core.settings import Settings

PURPOSE = "sign-in-link"
LONGEST_PATH = 2000


def make(user: User, *, next_path: str = "") -> SignInLink:
    """Make a link for a person.

    :param next_path: where it leads on this site; "" for the person's usual place.
    """
    settings: Settings = current_app.extensions["settings"]
    seed = secrets.token_hex(32)
    link = SignInLink(
        seed=seed, token_hash=hash_of(signing.derived(PURPOSE, seed)), user_id=user.id, epoch=user.epoch,
        next_path=next_path if len(next_path) <= LONGEST_PATH else "",
        expires_at=now() + timedelta(minutes=settings.security.link_minutes),
    )  # fmt: skip
    db.session.add(link)
    db.session.flush()
    return link


def find(token: str) -> SignInLink | None:
    """The link of a token, if it still works."""
    link = db.session.scalar(select(SignInLink).where(SignInLink.token_hash == hash_of(token)))
    return link if link is not None and _works(link) else None


def redeem(token: str) -> SignInLink | None:
    """Use up a link. Of all who try at once, one gets it; the others, and whoever comes late, get None."""
    number = db.session.scalar(
        update(SignInLink)
        .where(SignInLink.token_hash == hash_of(token), SignInLink.used_at.is_(None), SignInLink.expires_at > now())
        .values(used_at=now())
        .returning(SignInLink.id)
        .execution_options(synchronize_session=False)
    )
    if number is None:
        return None
    link = db.session.get(SignInLink, number, populate_existing=True)
    return link if link is not None and _is_for_today(link) else None


@mail.fills(SignInLink.__tablename__)
def secret_of(number: int) -> str | None:
    """The token of a link that still works, for the mail that carries it."""
    link = db.session.get(SignInLink, number)
    if link is None or not _works(link):
        return None
    token = signing.derived(PURPOSE, link.seed)
    # With another key than the one that it was made with, the mail would carry a dead link.
    return token if hash_of(token) == link.token_hash else None


def _works(link: SignInLink) -> bool:
    return link.used_at is None and link.expires_at > now() and _is_for_today(link)


def _is_for_today(link: SignInLink) -> bool:
    """Whether the person may still come in by what was made for them then."""
    return not link.user.is_disabled and link.epoch == link.user.epoch


@jobs.every("sign_in_links.sweep", 3600)
def sweep() -> None:
    """Forget links that ended a day ago."""
    db.session.execute(delete(SignInLink).where(SignInLink.expires_at < now() - timedelta(days=1)))

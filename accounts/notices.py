"""What people are told by mail about their sign-in."""

from flask import Flask

from accounts import links
from accounts.models import SignInLink, User, find
from core import jobs, mail
from core.db import db
from core.events import Event, on
from core.mail import Recipient
from core.web import external


def register(app: Flask) -> None:
    """Importing this module is what subscribes it."""


def recipient(user: User, language: str = "") -> Recipient:
    """A person as the recipient of a mail; without their name while a stranger may have written it."""
    return Recipient(user.email, user.shown_name if user.verified_at else "", user.language or language or "en")


@jobs.job("accounts.mail_link")
def mail_link(email: str, next_path: str = "", language: str = "") -> None:
    """Mail a sign-in link, if there is somebody of that address; nobody is told whether there is.

    :param language: of whoever asked, for a person who has not chosen one.
    """
    user = find(email)
    if user is None or user.is_disabled:
        return
    link = links.make(user, next_path=next_path)
    mail.queue(
        "sign_in_link", recipient(user, language), f"sign-in-link-{link.id}", part=link, is_automatic=True,
        link=_address(), minutes=_minutes(link),
    )  # fmt: skip


@on("person.invited")
def welcome(event: Event) -> None:
    """Welcome a person whom staff added, with a sign-in link."""
    user = db.session.get(User, event.subject_id)
    by = db.session.get(User, event.actor_id) if event.actor_id else None
    if user is None or user.is_disabled:
        return
    link = links.make(user)
    mail.queue(
        "welcome", recipient(user), f"event-{event.id}", part=link, is_automatic=True, link=_address(),
        minutes=_minutes(link), by=by.shown_name if by else "", sign_in=external("accounts.sign_in"),
    )  # fmt: skip


@on("person.password_changed")
def tell_of_the_new_password(event: Event) -> None:
    """Tell a person that their password was changed, so that they notice if it was not them."""
    user = db.session.get(User, event.subject_id)
    if user is None or user.is_disabled:
        return
    mail.queue(
        "password_changed", recipient(user), f"event-{event.id}", is_automatic=True, at=event.at,
        sign_in=external("accounts.sign_in"),
    )  # fmt: skip


def _address() -> str:
    """The address of a link, its secret still to be filled in."""
    return external("accounts.open_link", token=mail.FILLED_IN)


def _minutes(link: SignInLink) -> int:
    return round((link.expires_at - link.created_at).total_seconds() / 60)

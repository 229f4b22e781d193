"""Which mails a person wants, and what stands under those that they write."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, Index, Text, UniqueConstraint, select
from sqlalchemy.orm import Mapped, mapped_column

from accounts.models import User
from core import signing
from core.db import Model, db
from core.events import record
from core.web import external

SIGNATURE_LENGTH = 1000
# What one click in a mail can end: digests, and notices to staff.
LISTS = ("digest", "notices")
PURPOSE = "unsubscribe"


class MailChoice(Model):
    """What one person chose; whoever has no row gets notices and no digests."""

    __tablename__ = "mail_choice"
    __table_args__ = (UniqueConstraint("user_id"), Index("ix_mail_choice_digest", "wants_digest", "digest_at"))

    user_id: Mapped[int] = mapped_column(ForeignKey("user.id", ondelete="CASCADE"))
    # Plain text, under the replies that the person mails from the desk.
    signature: Mapped[str] = mapped_column(Text, default="")
    wants_notices: Mapped[bool] = mapped_column(default=True)
    wants_digest: Mapped[bool] = mapped_column(default=False)
    # When the last digest was put together.
    digest_at: Mapped[datetime | None]
    version: Mapped[int] = mapped_column(default=1)

    __mapper_args__ = {"version_id_col": version}


def of(user: User) -> MailChoice:
    """What a person chose; a row that is not kept yet, where they chose nothing."""
    found = db.session.scalar(select(MailChoice).where(MailChoice.user_id == user.id))
    return found or MailChoice(user_id=user.id, signature="", wants_notices=True, wants_digest=False)


def choose(
    user: User, *, by: User | None, signature: str | None = None, wants_notices: bool | None = None,
    wants_digest: bool | None = None,
) -> None:  # fmt: skip
    """Change what a person chose; None leaves a thing as it is."""
    choice = of(user)
    given = {"signature": signature, "wants_notices": wants_notices, "wants_digest": wants_digest}
    changed = sorted(name for name, value in given.items() if value is not None and value != getattr(choice, name))
    if not changed:
        return
    for name in changed:
        setattr(choice, name, given[name])
    db.session.add(choice)
    record("person.mail_chosen", user, by=by, fields=changed)


def unsubscribe_link(user: User, name: str) -> str:
    """The address that takes a person from a list by one click, without signing in."""
    token = f"{name}.{user.id}.{signing.mark(PURPOSE, f'{name}.{user.id}')}"
    return external("accounts.unsubscribe", token=token)


def read_token(token: str) -> tuple[User, str] | None:
    """Whom a link of ours takes from which list; None for a link that we did not make."""
    name, _dot, rest = token.partition(".")
    number, _dot, mark = rest.partition(".")
    if name not in LISTS or not number.isascii() or not number.isdigit() or len(number) > 18:
        return None
    if not signing.is_mark(PURPOSE, f"{name}.{number}", mark):
        return None
    user = db.session.get(User, int(number))
    return (user, name) if user is not None else None


def end(user: User, name: str) -> None:
    """Take a person from a list."""
    if name == "digest":
        choose(user, by=None, wants_digest=False)
    else:
        choose(user, by=None, wants_notices=False)

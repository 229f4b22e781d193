"""People, their organisations, their sign-ins and their tokens."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from flask_login import UserMixin
from sqlalchemy import ForeignKey, Index, Select, String, Text, UniqueConstraint, bindparam, select
from sqlalchemy.orm import Mapped, joinedload, mapped_column, relationship

from accounts.roles import ADMIN, ANALYST, CHAMPION, MANAGER, STAFF
from core.db import Model, db, now

ORGANISATION_KINDS = ("government", "civil-society", "company", "academic", "international", "other")


class Organisation(Model):
    """Where people work: a publisher, usually."""

    __tablename__ = "organisation"
    __table_args__ = (UniqueConstraint("name", "country"),)

    name: Mapped[str] = mapped_column(String(200))
    country: Mapped[str] = mapped_column(String(2), default="")
    kind: Mapped[str] = mapped_column(String(20), default="government")
    website: Mapped[str] = mapped_column(String(500), default="")
    created_at: Mapped[datetime] = mapped_column(default=now)
    version: Mapped[int] = mapped_column(default=1)

    __mapper_args__ = {"version_id_col": version}

    @classmethod
    def visible_to(cls, user: User | None) -> Select[tuple[Organisation]]:  # type: ignore[override]
        """Staff see all; nobody else lists organisations."""
        return select(cls) if user is not None and user.is_staff else select(cls).where(False)  # type: ignore[arg-type]


class User(UserMixin, Model):  # type: ignore[misc] # Flask-Login has no types.
    """A person. Whoever wrote to the helpdesk has a row, with or without an account."""

    __tablename__ = "user"
    __table_args__ = (Index("ix_user_name", "name", "id"),)

    email: Mapped[str] = mapped_column(String(254), unique=True)
    name: Mapped[str] = mapped_column(String(200), default="")
    password_hash: Mapped[str] = mapped_column(String(200), default="")
    organisation_id: Mapped[int | None] = mapped_column(ForeignKey("organisation.id"), index=True)
    country: Mapped[str] = mapped_column(String(2), default="")
    # The language of pages and mails; "" means as the browser says.
    language: Mapped[str] = mapped_column(String(8), default="")
    # Languages that the person speaks, as ISO 639-1 codes.
    languages: Mapped[list[Any]] = mapped_column(default=list)
    time_zone: Mapped[str] = mapped_column(String(60), default="")
    is_disabled: Mapped[bool] = mapped_column(default=False)
    # When the person proved that the address is theirs, by a link or by being made by staff.
    verified_at: Mapped[datetime | None]
    # Rises with a new password, a sign-out everywhere or a disabling; older sign-ins and links end then.
    epoch: Mapped[int] = mapped_column(default=1)
    created_at: Mapped[datetime] = mapped_column(default=now)
    version: Mapped[int] = mapped_column(default=1)

    organisation: Mapped[Organisation | None] = relationship(lazy="joined")
    role_rows: Mapped[list[Role]] = relationship(lazy="selectin", cascade="all, delete-orphan")

    __mapper_args__ = {"version_id_col": version}  # SQLAlchemy reads it from the class.

    # Set while a request is answered: which sign-in or token the person came by.
    sign_in_token: str = ""

    # Flask-Login compares people by their sign-ins, which would make all those equal who have none.
    __eq__ = object.__eq__
    __ne__ = object.__ne__
    __hash__ = object.__hash__

    @property
    def roles(self) -> frozenset[str]:
        """The roles that the person holds."""
        return frozenset(row.role for row in self.role_rows)

    @property
    def is_staff(self) -> bool:
        """Whether the person works on the desk."""
        return not self.roles.isdisjoint(STAFF)

    @property
    def is_analyst(self) -> bool:
        """Whether the person answers questions."""
        return not self.roles.isdisjoint({ANALYST, MANAGER, ADMIN})

    @property
    def is_manager(self) -> bool:
        """Whether the person sees reports and manages people."""
        return not self.roles.isdisjoint({MANAGER, ADMIN})

    @property
    def is_admin(self) -> bool:
        """Whether the person runs the site."""
        return ADMIN in self.roles

    @property
    def is_champion(self) -> bool:
        """Whether the person is a champion."""
        return CHAMPION in self.roles

    @property
    def has_account(self) -> bool:
        """Whether the person can sign in with a password."""
        return bool(self.password_hash)

    @property
    def is_active(self) -> bool:
        """For Flask-Login: a disabled person cannot sign in."""
        return not self.is_disabled

    @property
    def shown_name(self) -> str:
        """The name, or the part of the address before the @ where there is none."""
        return self.name or self.email.partition("@")[0]

    @property
    def initials(self) -> str:
        """One or two letters for the avatar."""
        words = self.shown_name.replace(".", " ").split()
        return "".join(word[0] for word in (words[:1] + words[1:][-1:])).upper()

    def get_id(self) -> str:
        """For Flask-Login: the session keeps the token of the sign-in, never the number of the person."""
        return self.sign_in_token

    @classmethod
    def visible_to(cls, user: User | None) -> Select[tuple[User]]:  # type: ignore[override]
        """Staff see everyone; others see themselves."""
        if user is None:
            return select(cls).where(False)  # type: ignore[arg-type]
        return select(cls) if user.is_staff else select(cls).where(cls.id == user.id)


class Role(Model):
    """One role of one person."""

    __tablename__ = "user_role"
    __table_args__ = (UniqueConstraint("user_id", "role"), Index("ix_user_role_role", "role", "user_id"))

    user_id: Mapped[int] = mapped_column(ForeignKey("user.id", ondelete="CASCADE"))
    role: Mapped[str] = mapped_column(String(20))


class SignIn(Model):
    """One sign-in of one browser; the browser holds the token, we hold its hash."""

    __tablename__ = "sign_in"

    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("user.id", ondelete="CASCADE"), index=True)
    epoch: Mapped[int]
    user_agent: Mapped[str] = mapped_column(String(200), default="")
    created_at: Mapped[datetime] = mapped_column(default=now)
    expires_at: Mapped[datetime]

    user: Mapped[User] = relationship(lazy="joined")


class SignInLink(Model):
    """A link that signs in once; its secret is hashed at rest and dies with the password it was made under.

    The secret is made from ``seed`` and the site's key, so that the worker can put it into the mail at the moment of
    sending, and whoever reads the database cannot.
    """

    __tablename__ = "sign_in_link"

    seed: Mapped[str] = mapped_column(String(64))
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("user.id", ondelete="CASCADE"), index=True)
    epoch: Mapped[int]
    next_path: Mapped[str] = mapped_column(Text, default="")
    created_at: Mapped[datetime] = mapped_column(default=now)
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]

    user: Mapped[User] = relationship(lazy="joined")


class ApiToken(Model):
    """A key for a program, acting for a person within its scopes. Only its hash is kept."""

    __tablename__ = "api_token"

    user_id: Mapped[int] = mapped_column(ForeignKey("user.id", ondelete="CASCADE"), index=True)
    name: Mapped[str] = mapped_column(String(100), default="")
    prefix: Mapped[str] = mapped_column(String(12))
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    # Codes such as tickets:read, tickets:write, articles:write, search:read.
    scopes: Mapped[list[Any]] = mapped_column(default=list)
    created_at: Mapped[datetime] = mapped_column(default=now)
    expires_at: Mapped[datetime]
    last_used_on: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]

    user: Mapped[User] = relationship(lazy="joined")

    @property
    def is_live(self) -> bool:
        """Whether it still works."""
        return self.revoked_at is None and self.expires_at > now()


def find(email: str) -> User | None:
    """The person with an address, whatever its case."""
    return db.session.scalars(_BY_EMAIL, {"email": email.strip().lower()}).unique().one_or_none()


# Asked for every mail and question that comes in: put together once.
_BY_EMAIL = select(User).where(User.email == bindparam("email")).options(joinedload(User.role_rows))


TOKEN_LIFE = timedelta(days=365)

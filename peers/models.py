"""Champions' profiles, and the connections between them from suggestion to outcome."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, Select, String, Text, UniqueConstraint, and_, or_, select
from sqlalchemy.orm import Mapped, mapped_column, relationship

from accounts.models import Role, User
from accounts.roles import CHAMPION
from core.db import Model, now
from core.i18n import _
from kb import topics
from peers.states import PROPOSED


class Profile(Model):
    """What a champion chose to say of themselves, and who may read it."""

    __tablename__ = "profile"
    __table_args__ = (Index("ix_profile_visibility", "visibility", "id"),)

    user_id: Mapped[int] = mapped_column(ForeignKey("user.id", ondelete="CASCADE"), unique=True)
    headline: Mapped[str] = mapped_column(String(200), default="")
    offers: Mapped[str] = mapped_column(Text, default="")
    seeks: Mapped[str] = mapped_column(Text, default="")
    # Names of systems and tools that they use.
    systems: Mapped[list[Any]] = mapped_column(default=list)
    # How many connections at once they can hold.
    capacity: Mapped[int] = mapped_column(default=2)
    # hidden, staff, peers or public; hidden until the person chooses otherwise.
    visibility: Mapped[str] = mapped_column(String(10), default="hidden")
    paused_until: Mapped[datetime | None]
    confirmed_at: Mapped[datetime] = mapped_column(default=now)
    version: Mapped[int] = mapped_column(default=1)

    user: Mapped[User] = relationship(lazy="joined")
    topics: Mapped[list[ProfileTopic]] = relationship(
        lazy="selectin", order_by="ProfileTopic.topic", cascade="all, delete-orphan"
    )

    __mapper_args__ = {"version_id_col": version}

    @property
    def name(self) -> str:
        """The name to show; never a part of the address, which nobody is shown before an introduction."""
        return self.user.name or _("A champion")

    @property
    def is_paused(self) -> bool:
        """Whether the champion takes no introductions for a while."""
        return self.paused_until is not None and self.paused_until > now()

    @classmethod
    def visible_to(cls, user: User | None) -> Select[tuple[Profile]]:  # type: ignore[override]
        """What each chose to show: to everyone, to champions and staff, to staff, or to nobody but themselves.

        Whoever is disabled or no champion any more is shown to nobody.
        """
        levels = ["public"]
        if user is not None and (user.is_champion or user.is_staff):
            levels.append("peers")
        if user is not None and user.is_staff:
            levels.append("staff")
        champions = select(Role.user_id).where(Role.role == CHAMPION)
        disabled = select(User.id).where(User.is_disabled)
        shown = and_(cls.visibility.in_(levels), cls.user_id.in_(champions), cls.user_id.not_in(disabled))
        own = cls.user_id == user.id if user is not None else None
        return select(cls).where(or_(shown, own) if own is not None else shown)


class ProfileTopic(Model):
    """A topic that a champion knows, and how well."""

    __tablename__ = "profile_topic"
    __table_args__ = (UniqueConstraint("profile_id", "topic"), Index("ix_profile_topic_topic", "topic", "level"))

    profile_id: Mapped[int] = mapped_column(ForeignKey("profile.id", ondelete="CASCADE"))
    topic: Mapped[str] = mapped_column(String(60))
    # learning, working or expert
    level: Mapped[str] = mapped_column(String(10), default="working")

    @property
    def name(self) -> str:
        """The topic in the reader's language."""
        return topics.topic_name(self.topic)


class Connection(Model):
    """Two people brought together on a topic. Addresses are shared only once both have accepted."""

    __tablename__ = "connection"
    __table_args__ = (
        Index("ix_connection_state", "state", "last_activity_at", "id"),
        Index("ix_connection_seeker", "seeker_id", "state"),
        Index("ix_connection_helper", "helper_id", "state"),
        Index("ix_connection_origin", "origin_kind", "origin_id"),
    )

    seeker_id: Mapped[int] = mapped_column(ForeignKey("user.id"))
    helper_id: Mapped[int] = mapped_column(ForeignKey("user.id"))
    topic: Mapped[str] = mapped_column(String(60))
    reason: Mapped[str] = mapped_column(Text, default="")
    proposed_by_id: Mapped[int] = mapped_column(ForeignKey("user.id"))
    # What it came from: ticket, answer or directory; the id is meaningless to whoever may not see that.
    origin_kind: Mapped[str] = mapped_column(String(10), default="directory")
    origin_id: Mapped[int | None]
    state: Mapped[str] = mapped_column(String(10), default=PROPOSED)
    seeker_accepted_at: Mapped[datetime | None]
    helper_accepted_at: Mapped[datetime | None]
    declined_by_id: Mapped[int | None] = mapped_column(ForeignKey("user.id"))
    introduced_at: Mapped[datetime | None]
    closed_at: Mapped[datetime | None]
    # helped, partly or not
    outcome: Mapped[str] = mapped_column(String(10), default="")
    outcome_note: Mapped[str] = mapped_column(Text, default="")
    created_at: Mapped[datetime] = mapped_column(default=now)
    last_activity_at: Mapped[datetime] = mapped_column(default=now)
    version: Mapped[int] = mapped_column(default=1)

    seeker: Mapped[User] = relationship(foreign_keys=[seeker_id], lazy="joined")
    helper: Mapped[User] = relationship(foreign_keys=[helper_id], lazy="joined")
    proposed_by: Mapped[User] = relationship(foreign_keys=[proposed_by_id], lazy="select")
    exchanges: Mapped[list[Exchange]] = relationship(
        order_by="Exchange.at", lazy="select", back_populates="connection"
    )

    __mapper_args__ = {"version_id_col": version}

    @property
    def topic_name(self) -> str:
        """The topic in the reader's language."""
        return topics.topic_name(self.topic)

    @classmethod
    def visible_to(cls, user: User | None) -> Select[tuple[Connection]]:  # type: ignore[override]
        """The two sides, whoever proposed it, and staff."""
        if user is None:
            return select(cls).where(False)  # type: ignore[arg-type]
        if user.is_staff:
            return select(cls)
        return select(cls).where(
            or_(cls.seeker_id == user.id, cls.helper_id == user.id, cls.proposed_by_id == user.id)
        )


class Exchange(Model):
    """Something that the two did together: a call, a visit, a document sent."""

    __tablename__ = "exchange"
    __table_args__ = (Index("ix_exchange_connection", "connection_id", "at"),)

    connection_id: Mapped[int] = mapped_column(ForeignKey("connection.id", ondelete="CASCADE"))
    by_id: Mapped[int] = mapped_column(ForeignKey("user.id"))
    kind: Mapped[str] = mapped_column(String(10), default="call")
    note: Mapped[str] = mapped_column(Text, default="")
    at: Mapped[datetime] = mapped_column(default=now)

    connection: Mapped[Connection] = relationship(back_populates="exchanges")
    by: Mapped[User] = relationship(lazy="joined")

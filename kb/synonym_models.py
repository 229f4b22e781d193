"""Groups of words that mean the same, added or changed by staff."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from accounts.models import User as User  # noqa: PLC0414 # Its table is referred to.
from core.db import Model, now

LONGEST = 500


class SynonymGroup(Model):
    """Words of each language, with commas between, that a search takes for one another.

    `replaces` is the name of the shipped group that this one stands for, or "". Without any words it only takes that
    one away.
    """

    __tablename__ = "synonym_group"

    replaces: Mapped[str] = mapped_column(String(100), default="", index=True)
    en: Mapped[str] = mapped_column(String(LONGEST), default="")
    es: Mapped[str] = mapped_column(String(LONGEST), default="")
    fr: Mapped[str] = mapped_column(String(LONGEST), default="")
    pt: Mapped[str] = mapped_column(String(LONGEST), default="")
    by_id: Mapped[int] = mapped_column(ForeignKey("user.id"))
    updated_at: Mapped[datetime] = mapped_column(default=now)

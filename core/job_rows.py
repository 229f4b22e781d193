"""Rows of work to be done later, and of clocks that struck."""

from datetime import datetime
from typing import Any

from sqlalchemy import Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from core.db import Model, now


class Job(Model):
    """One piece of work. Done jobs are deleted; ``dead`` ones wait for a person."""

    __tablename__ = "job"
    __table_args__ = (Index("ix_job_due", "state", "run_at", "id"),)

    kind: Mapped[str] = mapped_column(String(80))
    payload: Mapped[dict[str, Any]] = mapped_column(default=dict)
    key: Mapped[str | None] = mapped_column(String(200), unique=True)
    state: Mapped[str] = mapped_column(String(10), default="queued")
    run_at: Mapped[datetime] = mapped_column(default=now)
    attempts: Mapped[int] = mapped_column(default=0)
    lease_until: Mapped[datetime | None]
    lease_token: Mapped[str] = mapped_column(String(32), default="")
    last_error: Mapped[str] = mapped_column(Text, default="")
    created_at: Mapped[datetime] = mapped_column(default=now)


class ClockRun(Model):
    """When a clock struck last."""

    __tablename__ = "clock_run"

    name: Mapped[str] = mapped_column(String(80), unique=True)
    last_run: Mapped[datetime]

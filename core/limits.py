"""How often something may be done, counted in the database so that several processes count together."""

import hashlib
import ipaddress
from datetime import datetime, timedelta

from flask import request
from sqlalchemy import Index, String, delete, func, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Mapped, mapped_column

from core import jobs
from core.db import Model, db, now, write_apart
from core.exceptions import TooMany
from core.i18n import _


class RateCount(Model):
    """How often a thing was done by (or to) somebody in one window. The key is hashed: no addresses are kept here."""

    __tablename__ = "rate_count"
    __table_args__ = (Index("ix_rate_count_ends", "ends"),)

    key: Mapped[str] = mapped_column(String(64), unique=True)
    count: Mapped[int] = mapped_column(default=0)
    ends: Mapped[datetime]


# Made once: every request of the API counts.
_ADD = {
    name: statement.on_conflict_do_update(
        index_elements=["key"], set_={"count": RateCount.count + statement.excluded.count}
    ).returning(RateCount.count)
    for name, statement in (("sqlite", sqlite.insert(RateCount)), ("postgresql", postgresql.insert(RateCount)))
}


def hit(what: str, whom: str, limit: int, seconds: int) -> None:
    """Count one try, and stop the request when there were too many.

    Called before anything else is written; it commits its count, so that a refused request counts too.

    :param whom: a network address, an e-mail address, a user's id.
    :param seconds: length of the window.
    :raises TooMany: when this is one more than ``limit``.
    """
    left = seconds_left(what, whom, limit, seconds, add=1)
    if left:
        sentence = _("Too many tries. Please wait %(minutes)s minutes and try again.", minutes=left // 60 + 1)
        raise TooMany(sentence, left)


def seconds_left(what: str, whom: str, limit: int, seconds: int, *, add: int) -> int:
    """Add to a count and say how many seconds to wait; 0 if the limit is not passed. Commits."""
    moment = now()
    window = int(moment.timestamp()) // seconds
    key = hashlib.sha256(f"{what}|{whom.lower()}|{seconds}|{window}".encode()).hexdigest()
    ends = moment + timedelta(seconds=seconds - int(moment.timestamp()) % seconds)
    if add:
        count = int(write_apart(_ADD[db.engine.dialect.name], {"key": key, "count": add, "ends": ends}))
    else:
        count = db.session.scalar(select(func.coalesce(func.max(RateCount.count), 0)).where(RateCount.key == key)) or 0
        return max(int((ends - moment).total_seconds()), 1) if count >= limit else 0
    return max(int((ends - moment).total_seconds()), 1) if count > limit else 0


def network_address() -> str:
    """Who asks: the address, an IPv6 one cut to its /56, so that one subscriber is one."""
    address = request.remote_addr or "unknown"
    if ":" not in address:
        return address
    try:
        parsed = ipaddress.IPv6Address(address)
    except ValueError:
        return address
    if parsed.ipv4_mapped:
        # An IPv4 caller of a socket that listens on both.
        return str(parsed.ipv4_mapped)
    return str(ipaddress.ip_network((int(parsed), 56), strict=False).network_address)


@jobs.every("limits.sweep", 3600)
def sweep() -> None:
    """Forget windows that have ended."""
    db.session.execute(delete(RateCount).where(RateCount.ends < now()))

"""How long ago, short, with the exact moment for hover; fast, for lists that show many times."""

from datetime import datetime, timedelta
from functools import lru_cache

import flask_babel
from markupsafe import Markup

from core.db import now
from core.i18n import language, moment

_MINUTE, _HOUR, _DAY = 60, 3600, 86400


class Ages:
    """Turns times into “3 hours”, for one page: its language, time zone and moment."""

    def __init__(self) -> None:
        self.language = language()
        self.time_zone = str(flask_babel.get_timezone())
        self.moment = now()

    def __call__(self, time: datetime) -> Markup:
        """How long since a time, as a <time> element."""
        seconds = max(int((self.moment - time).total_seconds()), 0)
        # Nobody reads minutes of what is days old; and what is rounded is found again.
        step = _MINUTE if seconds < 3 * _HOUR else _HOUR if seconds < 3 * _DAY else _DAY
        return _tag(self.language, self.time_zone, time, seconds // step * step)


@lru_cache(maxsize=20_000)
def _tag(_language: str, _time_zone: str, time: datetime, seconds: int) -> Markup:
    words = flask_babel.format_timedelta(timedelta(seconds=seconds), granularity="minute", threshold=1.2)
    tag = Markup('<time datetime="{}" title="{}">{}</time>')
    return tag.format(time.isoformat(timespec="seconds"), moment(time), words)

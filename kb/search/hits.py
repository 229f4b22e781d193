"""What a hit shows, the same from both backends."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from core.passages import Segments, Wanted, mark, passage
from kb.search.analysis import Plan
from kb.search.protocol import Hit


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """A stored document as far as a hit shows it; `text` is "" where only the rest was asked for."""

    id: str
    kind: str
    topic: str
    country: str
    language: str
    url: str
    title: str
    summary: str
    text: str
    updated: datetime


# Characters of texts that are kept of what was shown before.
_MOST_KEPT = 1_000_000


class Kept(dict[int, Shown]):
    """What hits have shown of documents that do not change, by number; forgets everything when it grows too large."""

    def __init__(self, most: int = _MOST_KEPT) -> None:
        super().__init__()
        self._most = most
        self._size = 0

    def keep(self, shown: Mapping[int, Shown]) -> None:
        """Remember, unless it is a very long text."""
        for number, each in shown.items():
            size = len(each.text) + len(each.summary) + 1000
            if size < self._most // 100:
                if self._size > self._most:
                    self.clear()
                    self._size = 0
                self[number] = each
                self._size += size


class Marker(dict[str, Wanted]):
    """What to mark in each language, worked out once a search."""

    def __init__(self, plan: Plan) -> None:
        super().__init__()
        self.plan = plan

    def __missing__(self, language: str) -> Wanted:
        wanted = self[language] = self.plan.wanted(language)
        return wanted


def hit(shown: Shown, score: float, wanted: Wanted) -> Hit:
    """A hit with its title marked and the passage of its summary or text that holds most of what was asked for."""
    from_summary, in_summary = passage(shown.summary, wanted) if shown.summary else ((), 0)
    from_text, in_text = passage(shown.text, wanted) if shown.text else ((), 0)
    is_in_text = in_text > in_summary or not shown.summary
    return _hit(shown, score, wanted, from_text if is_in_text else from_summary)


def hit_by_summary(shown: Shown, score: float, wanted: Wanted) -> Hit:
    """A hit with its title marked and what its summary holds of what was asked for."""
    return _hit(shown, score, wanted, passage(shown.summary, wanted)[0])


def _hit(shown: Shown, score: float, wanted: Wanted, snippet: Segments) -> Hit:
    return Hit(
        id=shown.id,
        kind=shown.kind,
        title=shown.title,
        url=shown.url,
        language=shown.language,
        topic=shown.topic,
        country=shown.country,
        score=round(score, 4),
        snippet=snippet,
        title_marked=mark(shown.title, wanted),
        updated=shown.updated,
    )

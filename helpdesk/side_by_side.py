"""A past answer beside the thread that it was made from: what was left out at the left, what is new at the right."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from difflib import SequenceMatcher

from sqlalchemy import select

from accounts.models import User
from core.db import db
from helpdesk import models
from helpdesk.models import Message, Ticket
from kb.models import Answer

_PIECE = re.compile(r"\s+|[\w@.'’+-]*\w|[^\w\s]")
# Comparing is quadratic at worst; longer texts are compared by lines.
_MOST_PIECES = 3000
_MOST_TEXT = 60_000

# Text with what became of it: "same", "removed" or "added".
Pieces = list[tuple[str, str]]


@dataclass
class Said:
    """One message of the thread, with what of it was left out."""

    number: int
    by: str
    by_staff: bool
    pieces: Pieces = field(default_factory=list)


@dataclass
class Sides:
    """Both sides; ``right`` has the question and the answer, ``title`` both titles, ``texts`` the whole thread."""

    left: list[Said]
    title: Pieces
    right: dict[str, Pieces]
    texts: list[str] = field(default_factory=list)


def sides(row: Answer, ticket: Ticket | None) -> Sides:
    """Compare a past answer with the public messages of its ticket."""
    if ticket is None:
        return Sides(
            [], [("same", row.title)], {"question": [("same", row.question)], "answer": [("same", row.answer)]}
        )
    rows = db.session.execute(
        select(Message.id, Message.body, Message.full_text, Message.by_staff, User.name)
        .join(User, User.id == Message.author_id)
        .where(Message.ticket_id == ticket.id, Message.kind == models.PUBLIC).order_by(Message.id).limit(200)
    ).all()  # fmt: skip
    left = {row.id: Said(row.id, row.name, row.by_staff) for row in rows}
    right: dict[str, Pieces] = {}
    for name, text, by_staff in (("question", row.question, False), ("answer", row.answer, True)):
        own = [(each.id, each.body.replace("\r\n", "\n")[:_MOST_TEXT]) for each in rows if each.by_staff is by_staff]
        before, right[name] = _compared([body for _id, body in own], text[:_MOST_TEXT])
        for (number, _body), pieces in zip(own, before, strict=True):
            left[number].pieces = pieces
    _before, title = _compared([ticket.title], row.title)
    removed = [piece for piece in _before[0] if piece[0] == "removed"]
    texts = [text for each in rows for text in (each.body, each.full_text)]
    return Sides(list(left.values()), [*removed, (" ", " "), *title] if removed else title, right, texts)


def _compared(old: Sequence[str], new: str) -> tuple[list[Pieces], Pieces]:
    """Several texts with what of them is not in the new one, and the new one with what is in none of them."""
    cut = _PIECE.findall if sum(map(len, old)) + len(new) < _MOST_TEXT // 2 else _lines
    words = [cut(text) for text in old]
    fresh = cut(new)
    if sum(map(len, words)) + len(fresh) > _MOST_PIECES:
        words, fresh = [_lines(text) for text in old], _lines(new)
    whole = [word for text in words for word in text]
    if len(whole) + len(fresh) > _MOST_PIECES:
        return _by_presence(words, fresh)
    kept = [False] * len(whole)
    right: Pieces = []
    for what, start, end, new_start, new_end in SequenceMatcher(None, whole, fresh, autojunk=False).get_opcodes():
        if what == "equal":
            kept[start:end] = [True] * (end - start)
            _add(right, "same", "".join(fresh[new_start:new_end]))
        elif new_end > new_start:
            _add(right, "added", "".join(fresh[new_start:new_end]))
    left: list[Pieces] = []
    place = 0
    for text in words:
        pieces: Pieces = []
        for word in text:
            _add(pieces, "same" if kept[place] or not word.strip() else "removed", word)
            place += 1
        left.append(_smooth(pieces))
    return left, _smooth(right)


def _by_presence(old: Sequence[list[str]], new: list[str]) -> tuple[list[Pieces], Pieces]:
    """The same for very long texts, by whether a line stands on the other side at all."""
    there, fresh = {line for text in old for line in text}, set(new)
    left: list[Pieces] = []
    for text in old:
        pieces: Pieces = []
        for line in text:
            _add(pieces, "same" if line in fresh or not line.strip() else "removed", line)
        left.append(pieces)
    right: Pieces = []
    for line in new:
        _add(right, "same" if line in there or not line.strip() else "added", line)
    return left, right


def _smooth(pieces: Pieces) -> Pieces:
    """With blanks between two words that were left out, or that are new, as part of what they stand in."""
    smooth: Pieces = []
    for place, (what, text) in enumerate(pieces):
        before, after = pieces[max(place - 1, 0)][0], pieces[min(place + 1, len(pieces) - 1)][0]
        is_blank = not text.strip() and "\n" not in text and before == after
        _add(smooth, before if is_blank else what, text)
    return smooth


def _add(pieces: Pieces, what: str, text: str) -> None:
    if pieces and pieces[-1][0] == what:
        pieces[-1] = (what, pieces[-1][1] + text)
    elif text:
        pieces.append((what, text))


def _lines(text: str) -> list[str]:
    return text.splitlines(keepends=True)

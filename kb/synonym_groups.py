"""The list of synonyms as staff keep it: the shipped groups, changed or taken away, and groups of their own."""

import time
from collections.abc import Mapping
from dataclasses import dataclass

from flask import current_app
from sqlalchemy import func, select

from accounts.models import User
from core.db import db, now
from core.exceptions import Refused
from core.i18n import _
from kb.search import synonyms
from kb.search.synonyms import COLUMNS, LONGEST_ENTRY, Group
from kb.synonym_models import LONGEST, SynonymGroup

# A change is known to every process after so many seconds.
LOOK_AGAIN_SECONDS = 2.0
MOST_GROUPS = 2000
_NAME = 100


@dataclass(frozen=True, slots=True)
class Listed:
    """A group as the page lists it: its words by language, the number of its row and the name of the shipped one."""

    words: Mapping[str, str]
    number: int | None
    replaces: str

    @property
    def is_own(self) -> bool:
        """Whether staff added it."""
        return not self.replaces


def listed() -> list[Listed]:
    """All groups in use: those of staff first, newest first, then the shipped ones in their order."""
    rows = _rows()
    changed = {row.replaces: row for row in rows if row.replaces}
    groups = [Listed(_words(row), row.id, "") for row in rows if not row.replaces]
    for group in synonyms.shipped():
        name = _name(group)
        row = changed.get(name)
        if row is None:
            groups.append(Listed(_by_language(group), None, name))
        elif any(_words(row).values()):
            groups.append(Listed(_words(row), row.id, name))
    return groups


def save(words: Mapping[str, str], *, number: int | None = None, replaces: str = "", by: User) -> SynonymGroup:
    """Add a group, or change one of staff (`number`) or a shipped one (`replaces`).

    :param words: by language, with commas between.
    :raises Refused: when there are fewer than two words, one is too long, or there are too many groups.
    """
    cleaned = {language: _tidy(words.get(language, "")) for language in COLUMNS}
    entries = [entry for text in cleaned.values() for entry in text.split(", ") if entry]
    if len(entries) < 2:
        raise Refused(_("Give at least two words that mean the same."), "en")
    for language, text in cleaned.items():
        if len(text) > LONGEST:
            raise Refused(_("These are too many words for one group."), language)
        if any(len(entry.split()) > LONGEST_ENTRY for entry in text.split(", ")):
            raise Refused(_("Use at most four words between two commas."), language)
    row = _find(number, replaces)
    if row is None:
        if (db.session.scalar(select(func.count()).select_from(SynonymGroup)) or 0) >= MOST_GROUPS:
            raise Refused(_("There are too many groups."), "en")
        row = SynonymGroup(replaces=replaces if _is_shipped(replaces) else "")
        db.session.add(row)
    return _put(row, cleaned, by)


def remove(*, number: int | None = None, replaces: str = "", by: User) -> None:
    """Take a group out of use: one of staff for good, a shipped one until it is changed again."""
    row = _find(number, replaces)
    if row is not None and not row.replaces:
        db.session.delete(row)
        _forget()
        return
    if row is None:
        if not _is_shipped(replaces):
            return
        row = SynonymGroup(replaces=replaces)
        db.session.add(row)
    _put(row, dict.fromkeys(COLUMNS, ""), by)


def refresh() -> None:
    """Take the list into use as it is now; looks at the database only now and then."""
    seen: dict[str, float] = current_app.extensions.setdefault("synonyms_seen", {"at": 0.0})
    if seen["at"] and time.monotonic() - seen["at"] < LOOK_AGAIN_SECONDS:
        return
    seen["at"] = time.monotonic()
    state = db.session.execute(
        select(func.count(SynonymGroup.id), func.max(SynonymGroup.id), func.max(SynonymGroup.updated_at))
    ).one()
    if not state[0]:
        synonyms.use(synonyms.shipped(), "shipped")
        return
    mark = (str(db.engine.url), *state)
    if not synonyms.is_used(mark):
        synonyms.use([_group(one.words) for one in listed()], mark)


def _find(number: int | None, replaces: str) -> SynonymGroup | None:
    if number is not None:
        return db.session.get(SynonymGroup, number)
    return db.session.scalar(select(SynonymGroup).where(SynonymGroup.replaces == replaces)) if replaces else None


def _put(row: SynonymGroup, words: Mapping[str, str], by: User) -> SynonymGroup:
    for language in COLUMNS:
        setattr(row, language, words[language])
    row.by_id, row.updated_at = by.id, now()
    db.session.flush()
    _forget()
    return row


def _forget() -> None:
    current_app.extensions["synonyms_seen"] = {"at": 0.0}


def _rows() -> list[SynonymGroup]:
    return list(db.session.scalars(select(SynonymGroup).order_by(SynonymGroup.id.desc()).limit(MOST_GROUPS)))


def _words(row: SynonymGroup) -> dict[str, str]:
    return {language: getattr(row, language) for language in COLUMNS}


def _by_language(group: Group) -> dict[str, str]:
    return {language: ", ".join(text for known, text in group if known == language) for language in COLUMNS}


def _group(words: Mapping[str, str]) -> Group:
    return tuple((language, entry) for language, text in words.items() for entry in text.split(", ") if entry)


def _name(group: Group) -> str:
    """What a shipped group is known by: its first words."""
    return ", ".join(text for _, text in group)[:_NAME]


def _is_shipped(name: str) -> bool:
    return any(_name(group) == name for group in synonyms.shipped())


def _tidy(text: str) -> str:
    entries = [" ".join(entry.split()) for entry in text.replace(";", ",").split(",")]
    return ", ".join(dict.fromkeys(entry for entry in entries if entry))

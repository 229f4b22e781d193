"""How a past answer stands: which text it is, whether somebody has to read it first, what the asker said last."""

import hashlib
import json
from collections.abc import Iterable
from typing import Any

from flask import current_app
from sqlalchemy import func, select

from accounts.models import Role, User
from accounts.roles import STAFF
from core.db import db
from kb.answer_models import AGREED, OVERTAKEN, AnswerConsent, AnswerFile
from kb.models import Answer

ALWAYS, NEVER = "always", "never"


def digest(row: Answer, files: Iterable[Any] | None = None) -> str:
    """What stands for the text of a past answer and the files with it, as 64 letters: another text, another digest.

    :param files: those with it in their order, where they are read already.
    """
    if files is None:
        files = db.session.execute(
            select(AnswerFile.file_id, AnswerFile.name).where(AnswerFile.answer_id == row.id).order_by(AnswerFile.id)
        ).all()
    parts = [
        row.title,
        row.question,
        row.answer,
        row.country,
        list(row.tags),
        [[file.file_id, file.name] for file in files],
    ]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


def ruling(row: Answer) -> AnswerConsent | None:
    """The last word of the asker on a past answer, or that they were asked for it; None if neither is so."""
    return db.session.scalar(
        select(AnswerConsent).where(AnswerConsent.answer_id == row.id, AnswerConsent.state != OVERTAKEN)
        .order_by(AnswerConsent.id.desc()).limit(1)
    )  # fmt: skip


def is_agreed(row: Answer, consent: AnswerConsent | None, present: str = "") -> bool:
    """Whether the asker agreed to the text as it is now, and to the name that it is credited to.

    :param present: the digest of the text, where it is known already.
    """
    if consent is None or consent.state != AGREED or row.credit != consent.credit:
        return False
    return consent.digest in {"", present or digest(row)}


def is_review_needed(row: Answer) -> bool:
    """Whether a past answer takes a second reader: one that was made from a ticket does, as the settings say."""
    return row.is_from_ticket and takes_two()


def takes_two() -> bool:
    """Whether the settings, and the number of people at the desk, want a second reader."""
    wanted = current_app.extensions["settings"].answers.second_person
    return wanted == ALWAYS or (wanted != NEVER and has_two())


def is_read(row: Answer) -> bool:
    """Whether a second person let the text pass as it is now."""
    return bool(row.reviewed_digest) and row.reviewed_digest == digest(row)


def has_two() -> bool:
    """Whether the desk has more than one person."""
    staff = (
        select(func.count(Role.user_id.distinct())).join(User, User.id == Role.user_id)
        .where(Role.role.in_(STAFF), User.is_disabled.is_(False))
    )  # fmt: skip
    return (db.session.scalar(staff) or 0) > 1

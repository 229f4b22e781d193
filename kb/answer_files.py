"""Files that are published with a past answer: only chosen ones, each under a name that a person gave it."""

from collections.abc import Sequence
from pathlib import PurePath

from sqlalchemy import delete, select

from accounts.models import User
from core.db import db
from core.events import record
from core.exceptions import NotNow, Refused
from core.i18n import _
from kb import answers
from kb.answer_models import AnswerFile
from kb.models import MERGED, Answer
from kb.pages import one_line

NAME_LENGTH = 120
MOST_FILES = 20


def of(row: Answer) -> Sequence[AnswerFile]:
    """The files that go with a past answer."""
    return db.session.scalars(
        select(AnswerFile).where(AnswerFile.answer_id == row.id).order_by(AnswerFile.id)
    ).all()  # fmt: skip


def choose(row: Answer, chosen: Sequence[tuple[str, str]], *, by: User) -> None:
    """Have these files go with a past answer and no others. As with a change of its text, it is read again first.

    :param chosen: (id of the stored file, name to publish it under).
    :raises NotNow: for one that another one took the place of.
    :raises Refused: without a name, or with two alike.
    """
    if row.state == MERGED:
        raise NotNow(_("Another past answer stands in the place of this one."))
    if len(chosen) > MOST_FILES:
        raise Refused(_("At most %(count)s files go with a past answer.", count=MOST_FILES), "file")
    named = [(file, one_line(name).replace("/", "-").replace("\\", "-")[:NAME_LENGTH]) for file, name in chosen]
    if any(not name.strip(". ") for _file, name in named):
        raise Refused(_("Give each file a name that tells nothing of the asker."), "name")
    if len({name.lower() for _file, name in named}) < len(named):
        raise Refused(_("Two files have the same name."), "name")
    if [(each.file_id, each.name) for each in of(row)] == named:
        return
    db.session.execute(delete(AnswerFile).where(AnswerFile.answer_id == row.id))
    db.session.add_all(AnswerFile(answer_id=row.id, file_id=file, name=name) for file, name in named)
    record("answer.files_chosen", row, by=by, files=len(named))
    answers.overtake(row, by=by)


def plain_name(place: int, filename: str) -> str:
    """A name that tells nothing: “file-2.csv”."""
    ending = PurePath(filename).suffix.lower()
    return f"file-{place}{ending if ending[1:].isalnum() and len(ending) <= 8 else ''}"

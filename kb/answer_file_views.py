"""What readers get beside the page of a past answer: its files, and where one went that is not there any more."""

from flask import abort, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import select

from core import files
from core.db import db
from core.policy import can, checked, permits, require
from core.web import person
from kb import answer_merging
from kb.answer_models import AnswerFile
from kb.models import MERGED, WITHDRAWN, Answer, visibilities_of
from kb.views import bp


@bp.get("/answers/<slug>/files/<int:number>/<name>")
@permits("answer.see")
def answer_file(slug: str, number: int, name: str) -> ResponseReturnValue:  # noqa: ARG001 # The name is for people.
    """A file that was published with a past answer, for whoever may read that."""
    file = None
    if number < 2**31:
        file = db.session.scalar(
            select(AnswerFile).join(Answer, Answer.id == AnswerFile.answer_id)
            .where(AnswerFile.id == number, Answer.slug == slug)
        )  # fmt: skip
    if file is None:
        checked("answer.see")
        abort(404)
    require(person(), "answer.see", file.answer)
    if not files.path_of(file.file.sha256).exists():
        abort(404)
    return files.response(file.file, file.name, cache="no-cache")


def elsewhere(slug: str) -> ResponseReturnValue:
    """For an address at which no past answer can be read: where it went (308), that it is gone (410), or a 404."""
    checked("answer.see")
    row = db.session.scalar(select(Answer).where(Answer.slug == slug))
    if row is None or row.visibility not in visibilities_of(person()):
        abort(404)
    into = answer_merging.target_of(row)
    if into is not None and can(person(), "answer.see", into):
        return redirect(url_for("kb.answer", slug=into.slug), 308)
    if row.state != MERGED and (row.state != WITHDRAWN or row.published_at is None):
        abort(404)
    return render_template("kb/answer_gone.html"), 410

"""The files that came with messages: for staff, and for those who take part in the ticket."""

from flask import Blueprint, Flask, abort
from flask.typing import ResponseReturnValue
from sqlalchemy import select
from sqlalchemy.orm import joinedload

from core import files
from core.db import db
from core.policy import checked, permits, require
from core.web import person
from helpdesk.models import Attachment, Message

bp = Blueprint("ticket_files", __name__)

HIGHEST_NUMBER = 2**63


def register(app: Flask) -> None:
    """Add the routes."""
    app.register_blueprint(bp)


@bp.get("/tickets/<int:number>/files/<int:attachment>")
@permits("attachment.see")
def download(number: int, attachment: int) -> ResponseReturnValue:
    """One file: a picture that we encoded anew is shown, everything else is a download that can do nothing."""
    row = None
    if attachment < HIGHEST_NUMBER and number < HIGHEST_NUMBER:
        row = db.session.scalar(
            select(Attachment).join(Attachment.message).where(Attachment.id == attachment, Message.ticket_id == number)
            .options(joinedload(Attachment.message).joinedload(Message.ticket))
        )  # fmt: skip
    if row is None:
        checked("attachment.see")
        abort(404)
    require(person(), "attachment.see", row)
    if not files.path_of(row.file.sha256).exists():
        abort(404)
    return files.response(row.file, row.filename)

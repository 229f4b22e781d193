"""Mail in by API: what an MTA or a mail service hands over as the body of a request."""

from flask import Blueprint, current_app, request
from flask.typing import ResponseReturnValue

from accounts.sign_ins import has_scope
from core import api, room
from core.db import db
from core.i18n import _
from core.policy import permits
from core.web import external
from helpdesk import inbound

bp = Blueprint("mail_api", __name__, url_prefix="/api/v1")


@bp.post("/inbound-mail")
@permits("mail.hand_in")
@api.idempotent
def hand_in() -> ResponseReturnValue:
    """Store one raw message (``message/rfc822``); 201 only once it is stored. The worker reads it.

    ``?mailbox=`` names the mailbox that it came to.
    """
    api.need_scope(has_scope("mail:write"), "mail:write")
    api.limited()
    if request.mimetype not in {"message/rfc822", "application/octet-stream"}:
        return api.problem(415, _("Send the raw message as message/rfc822."))
    try:
        room.check(current_app.extensions["settings"])
    except room.NoRoom:
        return api.problem(503, _("The disk is nearly full. Try again later."))
    row = inbound.store(request.get_data(), source="api", mailbox=request.args.get("mailbox", ""))
    db.session.flush()
    return api.created({"id": row.id, "sha256": row.sha256, "size": row.size}, external("mail.show", number=row.id))

"""The page that says whether mail comes in as it should."""

from flask import render_template
from flask.typing import ResponseReturnValue

from core.policy import permits
from helpdesk import health
from helpdesk.mail_views import around, bp


@bp.get("/health")
@permits("mail.see")
def health_page() -> ResponseReturnValue:
    """Each mailbox, what waits, what failed and whether there is room."""
    return render_template(
        "helpdesk/mail_health.html", health=health.examine(), troubles=health.troubles(), **around("health")
    )

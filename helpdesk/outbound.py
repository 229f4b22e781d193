"""Mail that left us, or should have."""

from accounts.models import User
from core import jobs
from core.events import record
from core.exceptions import NotNow
from core.i18n import _
from core.mail import OutgoingMail


def send_again(row: OutgoingMail, *, by: User) -> None:
    """Try a mail again that was given up; it keeps its Message-ID, so whoever has it already can tell.

    :raises NotNow: if it was not given up.
    """
    if row.state != "dead":
        raise NotNow(_("Only a mail that failed can be sent again."))
    row.state, row.last_error = "queued", ""
    record("mail.sent_again", row, by=by)
    jobs.enqueue("mail.send", mail=row.id)

"""Pages that a sync left to a person: what was decided, and what both sides agree on."""

from sqlalchemy import select

from accounts.models import User
from core.db import db, now
from core.events import record
from core.exceptions import NotNow
from core.i18n import _
from kb import articles, pages
from kb.sync_models import CHANGED as BOTH_CHANGED
from kb.sync_models import SyncConflict, SyncedFile


def agree(path: str, blob: str) -> None:
    """Remember on what both sides agree for a page."""
    row = db.session.scalar(select(SyncedFile).where(SyncedFile.path == path))
    if row is None:
        db.session.add(SyncedFile(path=path, blob=blob))
    else:
        row.blob = blob
    db.session.flush()


def settle(conflict: SyncConflict, text: str, *, by: User | None) -> None:
    """Let an article say what a person decided; the next sync writes it to the repository.

    :raises Refused: if the text cannot be read.
    :raises NotNow: if somebody decided already.
    """
    if conflict.settled_at is not None:
        raise NotNow(_("Somebody has decided this already."))
    row = conflict.article
    page = pages.read(conflict.path, text.replace("\r\n", "\n"), language=row.language)
    source = articles.Source(conflict.path, page.head, page.others)
    reason = _("Decided between what was written here and what came from Git")
    articles.edit(row, page.details, page.body, by=by, reason=reason, source=source)
    articles.set_state(row, page.details.state, by=by)
    if conflict.kind == BOTH_CHANGED:
        agree(conflict.path, conflict.their_blob)
    _close(conflict, by)


def leave(conflict: SyncConflict, *, by: User | None) -> None:
    """Leave an article as it is; where it is gone from the repository it stays retired.

    :raises NotNow: if somebody decided already.
    """
    if conflict.settled_at is not None:
        raise NotNow(_("Somebody has decided this already."))
    if conflict.kind == BOTH_CHANGED:
        agree(conflict.path, conflict.their_blob)
    _close(conflict, by)


def _close(conflict: SyncConflict, by: User | None) -> None:
    conflict.settled_at, conflict.settled_by = now(), by
    record("article.sync_settled", conflict.article, by=by)

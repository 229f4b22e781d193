"""The page of two-way syncing: how the last one went, and the pages that wait for a decision."""

from flask import Blueprint, Flask, abort, current_app, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import select

from core import jobs
from core.db import db
from core.exceptions import Refused
from core.i18n import _
from core.policy import permits
from core.web import person
from kb import articles, sync_conflicts, syncing
from kb.diffs import compare
from kb.sync_models import SyncConflict, SyncRun

bp = Blueprint("sync", __name__)

MOST = 100


def register(app: Flask) -> None:
    """Add the routes."""
    app.register_blueprint(bp)


@bp.get("/kb/sync")
@permits("article.sync")
def index() -> ResponseReturnValue:
    """The last syncs, and what waits for a person."""
    waiting = db.session.scalars(
        select(SyncConflict).where(SyncConflict.settled_at.is_(None)).order_by(SyncConflict.id.desc()).limit(MOST)
    ).all()
    runs = db.session.scalars(select(SyncRun).order_by(SyncRun.at.desc()).limit(10)).all()
    minutes = current_app.extensions["settings"].kb.sync_minutes
    return render_template(
        "kb/sync.html", waiting=waiting, runs=runs, minutes=minutes, is_set=syncing.folder_of_settings() is not None
    )


@bp.post("/kb/sync")
@permits("article.sync")
def start() -> ResponseReturnValue:
    """Sync soon, by the worker."""
    if syncing.folder_of_settings() is None:
        raise Refused(_("No repository is set."))
    jobs.enqueue("kb.sync", key="kb.sync")
    flash(_("The worker syncs now."), "success")
    return redirect(url_for(".index"), 303)


@bp.get("/kb/sync/<int:number>")
@permits("article.sync")
def conflict(number: int) -> ResponseReturnValue:
    """Both texts of a page, to decide between them."""
    row = _find(number)
    return _page(row, articles.as_file(row.article))


@bp.post("/kb/sync/<int:number>")
@permits("article.sync")
def decide(number: int) -> ResponseReturnValue:
    """Keep a text for a page."""
    row = _find(number)
    choice = request.form.get("choice", "text")
    text = request.form.get("text", "")[: articles.BODY_LENGTH].replace("\r\n", "\n")
    try:
        if choice == "ours":
            sync_conflicts.leave(row, by=person())
        else:
            sync_conflicts.settle(row, row.theirs if choice == "theirs" else text, by=person())
    except Refused as error:
        return _page(row, text, str(error)), 422
    flash(_("Decided. The next sync writes it to the repository."), "success")
    return redirect(url_for(".index"), 303)


def _find(number: int) -> SyncConflict:
    row = db.session.get(SyncConflict, number) if number < 2**31 else None
    if row is None:
        abort(404)
    return row


def _page(row: SyncConflict, text: str, problem: str = "") -> str:
    return render_template(
        "kb/sync_conflict.html", conflict=row, text=text, problem=problem, blocks=compare(row.ours, row.theirs)
    )

"""Reviewing an article, and caring for it: its owner, its day of review, its address, its end."""

from dataclasses import replace
from datetime import date
from urllib.parse import urlsplit

from flask import abort, flash, redirect, render_template, request
from flask.typing import ResponseReturnValue
from sqlalchemy import select
from sqlalchemy.orm import undefer

from accounts.models import Role, User
from accounts.roles import STAFF
from core.db import db
from core.exceptions import Refused
from core.i18n import _
from core.policy import permits, require
from core.web import person
from kb import articles, diffs, slugs, workflow
from kb.models import READABLE, Article
from kb.slugs import article_path
from kb.views import bp, find_article


@bp.get("/kb/<language>/<slug>/review")
@permits("article.edit")
def review(language: str, slug: str) -> ResponseReturnValue:
    """What is to be published, line by line, with what was said of it."""
    return _review_page(_find(language, slug))


@bp.post("/kb/<language>/<slug>/review")
@permits("article.edit")
def move(language: str, slug: str) -> ResponseReturnValue:
    """Ask for a review, say something of a line, settle it, decide, publish, or drop a change."""
    row, by, form = _find(language, slug), _me(), request.form
    number = _number(form.get("number", ""))
    try:
        match form.get("do", ""):
            case "ask":
                reviewer = db.session.get(User, _number(form.get("reviewer", "")))
                workflow.ask_review(row, reviewer, by=by, note=form.get("note", ""))
                said = _("The reviewer is told.")
            case "comment":
                workflow.comment(row, form.get("text", ""), line=_number(form.get("line", "") or "0"), by=by)
                said = _("Your comment is kept.")
            case "settle":
                workflow.settle(row, number, by=by)
                said = _("The comment is marked as dealt with.")
            case "approve":
                workflow.approve(row, by=by, note=form.get("note", ""))
                said = _("The text is published.")
            case "return":
                workflow.send_back(row, by=by, note=form.get("note", ""))
                said = _("The author is told what has to change.")
            case "publish":
                workflow.publish_change(row, by=by)
                said = _("The change is published.")
            case "drop":
                workflow.drop_change(row, by=by)
                said = _("The change is dropped. Readers see what they saw before.")
            case _unknown:
                abort(400)
    except Refused as error:
        return _review_page(row, error=str(error), typed=form), 422
    flash(said, "success")
    is_done = form["do"] in {"approve", "publish", "drop"}
    return redirect(article_path(row.language, row.slug) + ("" if is_done else "/review"), 303)


@bp.get("/kb/<language>/<slug>/care")
@permits("article.edit")
def care(language: str, slug: str) -> ResponseReturnValue:
    """Who cares for an article, until when it is true, where it stands, and its end."""
    return _care_page(_find(language, slug))


@bp.post("/kb/<language>/<slug>/care")
@permits("article.edit")
def change_care(language: str, slug: str) -> ResponseReturnValue:
    """Change one of these."""
    row, by, form = _find(language, slug), _me(), request.form
    try:
        match form.get("do", ""):
            case "care":
                number = _number(form.get("owner", "") or "0")
                workflow.care(
                    row, owner=db.session.get(User, number), review_by=_day(form.get("review_by", "")), by=by
                )
                said = _("Saved.")
            case "update":
                workflow.need_update(row, by=by, reason=form.get("reason", ""))
                said = _("Staff see now that this article has to be looked through.")
            case "confirm":
                workflow.confirm(row, by=by, review_by=_day(form.get("review_by", "")))
                said = _("The article counts as looked through.")
            case "retire":
                workflow.retire(row, _article_at(form.get("replacement", "")), by=by)
                said = _("The article is retired.")
            case "move":
                _move(row, form.get("slug", ""), by)
                said = _("The article has moved. Its old address leads here.")
            case _unknown:
                abort(400)
    except Refused as error:
        return _care_page(row, error=error, typed=form), 422
    flash(said, "success")
    return redirect(article_path(row.language, row.slug), 303)


def _review_page(row: Article, *, error: str = "", typed: object = None) -> str:
    change = workflow.change_of(row)
    text = change.body if change is not None else row.body
    said = workflow.comments(row)
    return render_template(
        "kb/review.html", article=row, change=change, review=workflow.review_of(row), lines=text.splitlines()[:5000],
        comments=workflow.placed(text, said), may_decide=workflow.may_decide(row, person()), people=_staff(),
        blocks=diffs.compare(row.body, change.body) if change is not None else None, error=error, typed=typed or {},
        own_url=article_path(row.language, row.slug), line=request.args.get("line", ""),
        is_readable=row.state in READABLE, me=person(),
    )  # fmt: skip


def _care_page(row: Article, *, error: Refused | None = None, typed: object = None) -> str:
    replacement = db.session.get(Article, row.replaced_by_id) if row.replaced_by_id else None
    return render_template(
        "kb/care.html", article=row, people=_staff(), own_url=article_path(row.language, row.slug), error=error,
        typed=typed or {}, is_readable=row.state in READABLE,
        replacement=article_path(replacement.language, replacement.slug) if replacement is not None else "",
    )  # fmt: skip


def _find(language: str, slug: str) -> Article:
    row = find_article(language, slug, undefer(Article.body), undefer(Article.links), undefer(Article.front_matter))
    if row is None:
        abort(404)
    require(person(), "article.edit", row, seen_by="article.see")
    return row


def _me() -> User:
    by: User | None = person()
    if by is None:
        abort(403)
    return by


def _staff() -> list[User]:
    theirs = select(Role.user_id).where(Role.role.in_(STAFF))
    statement = select(User).where(User.id.in_(theirs), User.is_disabled.is_(False)).order_by(User.name, User.id)
    return list(db.session.scalars(statement).all())


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else -1


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text.strip()) if text.strip() else None
    except ValueError:
        raise Refused(_("Please give the day as year, month, day, such as 2027-01-31."), "review_by") from None


def _article_at(address: str) -> Article | None:
    """The article at an address that somebody pasted; None for no address.

    :raises Refused: if there is none.
    """
    if not address.strip():
        return None
    parts = [part for part in urlsplit(address.strip()).path.split("/") if part]
    row = find_article(parts[-2], parts[-1]) if len(parts) > 1 else None
    if row is None:
        raise Refused(_("There is no article at this address."), "replacement")
    return row


def _move(row: Article, slug: str, by: User) -> None:
    slug = slug.strip()
    if not slugs.is_slug(slug):
        raise Refused(_("Only small letters, digits and single hyphens, such as “build-an-ocid”."), "slug")
    details = articles.details_of(row)
    if slug == row.slug:
        raise Refused(_("This is its address already."), "slug")
    changed = replace(details, slug=slug)
    articles.edit(row, changed, row.body, by=by, reason=_("Moved"), significance="minor")

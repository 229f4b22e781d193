"""Writing: new articles, changes with their reasons, history, differences, publishing, files."""

from typing import Any

from flask import abort, flash, jsonify, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import select
from sqlalchemy.orm import undefer
from sqlalchemy.orm.exc import StaleDataError

from core import files
from core.db import db
from core.exceptions import Refused
from core.i18n import _
from core.i18n import language as interface_language
from core.inclusions import Problem
from core.policy import permits, require
from core.web import person, see_other, stored_html
from kb import article_files, articles, conflicts, diffs, kinds, rendering, typing_views, view_counts, workflow
from kb.folder_places import sentence_for
from kb.forms import ArticleForm
from kb.links import Places
from kb.models import (
    DRAFT,
    IN_REVIEW,
    NORMAL,
    PUBLIC,
    PUBLISHED,
    READABLE,
    RETIRED,
    VISIBILITIES,
    WITHDRAWN,
    Article,
    Revision,
)  # fmt: skip
from kb.pages import path_of
from kb.views import bp, find_article

DRAFTS = 200


class _Telling(Places):
    """The places, and what could not be brought in from them, in sentences."""

    def __init__(self) -> None:
        super().__init__()
        self.sentences: list[str] = []

    def note(self, _place: str, problems: tuple[Problem, ...]) -> None:
        self.sentences = [sentence_for(problem, problem.line) for problem in problems]


def register(_app: object) -> None:
    """The routes belong to the blueprint of `kb.views`, which is registered there."""


@bp.get("/kb/drafts")
@permits("article.add")
def drafts() -> ResponseReturnValue:
    """Articles that are not published."""
    rows = db.session.scalars(
        Article.visible_to(person()).where(Article.state.in_((DRAFT, IN_REVIEW, WITHDRAWN, RETIRED)))
        .order_by(Article.updated_at.desc(), Article.id.desc()).limit(DRAFTS)
    ).all()  # fmt: skip
    return render_template("kb/drafts.html", rows=rows, waiting=workflow.waiting_for(person()))


@bp.get("/kb/new")
@permits("article.add")
def new() -> ResponseReturnValue:
    """An empty article; as a translation, with the address and the topic of the other one."""
    form = ArticleForm(None)
    form.language.data = request.args.get("language", "") or interface_language()
    form.topic.data = request.args.get("topic", "") or "other"
    form.title.data, form.slug.data = request.args.get("title", ""), request.args.get("slug", "")
    form.body.data = kinds.beginning(request.args.get("kind", ""))
    is_begun = "typed" in request.args and typing_views.fill(form, None)
    return _edit_page(form, kinds=kinds.kinds(), is_begun=is_begun)


@bp.post("/kb/new")
@permits("article.add")
def add() -> ResponseReturnValue:
    """Write an article; it is a draft until it is published."""
    form = ArticleForm()
    valid = form.validate_on_submit()
    if request.form.get("do") == "preview":
        return _edit_page(form, preview=_previewed(form, None))
    if not valid:
        return _edit_page(form), 413 if form.too_large else 422
    places = _Telling()
    try:
        row = articles.write(
            form.details(), _with_files(form), by=person(), reason=form.reason.data or "", places=places
        )
    except Refused as error:
        return _refused(form, error)
    flash("article-new", "draft-done")
    typing_views.saved(None)
    return _written(row, _("The draft is kept. Readers do not see it until it is published."), places)


@bp.get("/kb/<language>/<slug>/edit")
@permits("article.edit")
def edit(language: str, slug: str) -> ResponseReturnValue:
    """An article, to change it."""
    row = _find(language, slug, "article.edit")
    form = ArticleForm(None, article=row)
    form.fill(row)
    kept = workflow.change_of(row)
    if kept is not None:
        form.fill_change(kept)
    # What the offer is compared with is what the page shows, before anything is put together.
    is_begun = "typed" in request.args and typing_views.fill(form, row)
    if form.base.number != row.revision_number:
        return _edit_page(form, row, conflict=conflicts.meet(form, row), is_begun=is_begun)
    return _edit_page(form, row, is_begun=is_begun)


@bp.post("/kb/<language>/<slug>/edit")
@permits("article.edit")
def change(language: str, slug: str) -> ResponseReturnValue:
    """Change an article, unless somebody else did so since the page was loaded."""
    row = _find(language, slug, "article.edit")
    form = ArticleForm(article=row)
    valid = form.validate_on_submit()
    if request.form.get("do") == "preview":
        return _edit_page(form, row, preview=_previewed(form, row))
    if conflicts.is_choosing():
        return _edit_page(form, row, conflict=conflicts.choose(form, row))
    if form.version.number != row.version:
        return _conflict(form, row)
    if not valid:
        return _edit_page(form, row), 413 if form.too_large else 422
    kept = workflow.change_of(row)
    if form.kept_version.number != (kept.version if kept is not None else 0):
        form.kept_version.data = str(kept.version if kept is not None else 0)
        form.body.errors = [
            *form.body.errors,
            _("Somebody else kept a change of this article meanwhile. Look at it under “Review”, then save again."),
        ]
        return _edit_page(form, row), 409
    more = {"by": person(), "reason": form.reason.data or "", "significance": form.significance.data or NORMAL}
    try:
        if request.form.get("do") == "keep" and row.state in READABLE:
            workflow.keep_change(row, form.details(), _with_files(form), base_number=form.base.number, **more)
            db.session.flush()
            flash(f"article-{row.id}", "draft-done")
            typing_views.saved(row)
            flash(_("The change is kept. Readers see it when it is published."), "success")
            return see_other(url_for(".review", language=row.language, slug=row.slug))
        places = _Telling()
        revision = articles.edit(row, form.details(), _with_files(form), places=places, **more)
        if kept is not None:
            db.session.delete(kept)
        db.session.flush()
    except Refused as error:
        return _refused(form, error, row)
    except StaleDataError:
        db.session.rollback()
        return _conflict(form, _find(language, slug, "article.edit"))
    flash(f"article-{row.id}", "draft-done")
    typing_views.saved(row)
    return _written(row, _("Your change is kept.") if revision is not None else _("Nothing was changed."), places)


@bp.post("/kb/<language>/<slug>/state")
@permits("article.edit")
def set_state(language: str, slug: str) -> ResponseReturnValue:
    """Publish an article, or withdraw it."""
    row = _find(language, slug, "article.edit")
    if request.form.get("state") == PUBLISHED:
        articles.publish(row, by=person())
        flash(_("The article is published."), "success")
    else:
        articles.withdraw(row, by=person())
        flash(_("The article is withdrawn. Only staff see it now."), "success")
    return redirect(url_for(".article", language=language, slug=slug), 303)


@bp.get("/kb/<language>/<slug>/history")
@permits("article.edit")
def history(language: str, slug: str) -> ResponseReturnValue:
    """Who changed an article, when and why."""
    row = _find(language, slug, "article.edit")
    revisions = db.session.scalars(
        select(Revision).where(Revision.article_id == row.id).order_by(Revision.number.desc()).limit(500)
    ).all()
    return render_template("kb/history.html", article=row, revisions=revisions, weeks=view_counts.weeks(row))


@bp.get("/kb/<language>/<slug>/history/<int:number>")
@permits("article.edit")
def difference(language: str, slug: str, number: int) -> ResponseReturnValue:
    """What changed in one version, compared with the one before or with another one."""
    row = _find(language, slug, "article.edit")
    against = request.args.get("against", "")
    other = int(against) if against.isascii() and against.isdigit() and len(against) < 9 else number - 1
    wanted = [number, other] if number < 2**31 else []
    found = {
        revision.number: revision
        for revision in db.session.scalars(
            select(Revision).where(Revision.article_id == row.id, Revision.number.in_(wanted))
            .options(undefer(Revision.body))
        )
    }  # fmt: skip
    revision, before = found.get(number), found.get(other)
    if revision is None:
        abort(404)
    return render_template(
        "kb/difference.html", article=row, revision=revision, before=before,
        title=diffs.compare_words(before.title if before else "", revision.title),
        summary=diffs.compare_words(before.summary if before else "", revision.summary),
        blocks=diffs.compare(before.body if before else "", revision.body),
    )  # fmt: skip


@bp.post("/kb/<language>/<slug>/history/<int:number>/restore")
@permits("article.edit")
def restore(language: str, slug: str, number: int) -> ResponseReturnValue:
    """Make an article say again what it said in a version; that is a new version."""
    row = _find(language, slug, "article.edit")
    revision = db.session.scalar(
        select(Revision).where(Revision.article_id == row.id, Revision.number == min(number, 2**31 - 1))
    )
    if revision is None:
        abort(404)
    restored = articles.restore(row, revision, by=person())
    sentence = _("Version %(number)s is back.", number=number) if restored else _("It says so already.")
    flash(sentence, "success")
    return redirect(url_for(".article", language=language, slug=slug), 303)


@bp.post("/kb/preview")
@permits("article.add")
def preview() -> ResponseReturnValue:
    """How a text will look: what its page shows when it is saved, with all that it brings in."""
    number = request.args.get("article", "")
    row = db.session.get(Article, int(number)) if number.isascii() and number.isdigit() and len(number) < 10 else None
    if row is not None:
        require(person(), "article.edit", row, seen_by="article.see")
    sent = request.form
    return _laid_out(
        sent.get("text", ""), sent.get("title", ""), row, visibility=sent.get("visibility", ""),
        language=sent.get("language", ""), slug=sent.get("slug", ""),
    )  # fmt: skip


@bp.post("/kb/files")
@permits("article.add")
def upload() -> ResponseReturnValue:
    """Keep pasted or dropped files, and say what to write so that they show."""
    sent = [item for item in request.files.getlist("files") if item.filename]
    if not sent:
        abort(422, _("There is no file in what was sent."))
    rows = [article_files.add(item.stream, item.filename or "") for item in sent]
    return jsonify(markdown="\n".join(article_files.markdown_for(row) for row in rows)), 201


def _find(language: str, slug: str, permission: str) -> Article:
    row = find_article(language, slug, undefer(Article.body), undefer(Article.links), undefer(Article.front_matter))
    if row is None:
        abort(404)
    require(person(), permission, row, seen_by="article.see")
    return row


def _previewed(form: ArticleForm, row: Article | None) -> str:
    return _laid_out(
        form.text(), form.title.data or "", row, visibility=form.visibility.data or "",
        language=form.language.data if row is None else "", slug=form.slug.data or "" if row is None else "",
    )  # fmt: skip


def _laid_out(text: str, title: str, row: Article | None, *, visibility: str, language: str, slug: str) -> str:
    """The text as its page shows it; relative links lead where they would from the article."""
    text = text[: articles.BODY_LENGTH].replace("\r\n", "\n").replace("\x00", "")
    language = row.language if row is not None else language or interface_language()
    place = articles.place_of(row) if row is not None else path_of(language, slug or "new")
    others = (row.front_matter or {}).get("others") if row is not None else None
    if visibility not in VISIBILITIES:
        visibility = row.visibility if row is not None else PUBLIC
    whole, links = rendering.whole(text, place, Places(), visibility=visibility, others=others)
    # Laying out may take its time; nobody else should have to wait for it.
    db.session.rollback()
    return stored_html(rendering.lay_out(whole, title, links, language).html)


def _edit_page(form: ArticleForm, row: Article | None = None, *, is_begun: bool | None = None, **more: Any) -> str:
    is_begun = request.method == "POST" if is_begun is None else is_begun
    kept = typing_views.kept_for(form, row, is_begun=is_begun)
    return render_template("kb/edit.html", form=form, article=row, typing=kept, is_begun=is_begun, **more)


def _conflict(form: ArticleForm, row: Article) -> ResponseReturnValue:
    """Keep what was typed, together with what the other one changed; saving again is then a decision."""
    return _edit_page(form, row, conflict=conflicts.meet(form, row)), 409


def _refused(form: ArticleForm, error: Refused, row: Article | None = None) -> ResponseReturnValue:
    field = form[error.field if error.field in form else "title"]
    field.errors = [*field.errors, str(error)]
    return _edit_page(form, row), 422


def _with_files(form: ArticleForm) -> str:
    """The text with the sent files at its end, each as a picture or a link."""
    text = form.text()
    lines = []
    for token in form.kept:
        stored = files.from_kept(token)
        if stored is not None:
            lines.append(article_files.markdown_for(article_files.adopt(stored)))
    return text if not lines else f"{text.rstrip()}\n\n" + "\n\n".join(lines) + "\n"


def _written(row: Article, sentence: str, places: _Telling) -> ResponseReturnValue:
    flash(sentence, "success")
    for trouble in places.sentences[:5]:
        flash(trouble, "warning")
    if row.is_plain:
        flash(_("The text is too complicated to be laid out, and is shown as it was written."), "warning")
    return see_other(url_for(".article", language=row.language, slug=row.slug))

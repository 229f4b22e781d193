"""Collections: read by everybody who may, written by staff; and the order of the articles of a topic."""

from collections.abc import Sequence
from typing import Any

from flask import abort, current_app, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_wtf import FlaskForm
from sqlalchemy import or_, select
from sqlalchemy.orm import selectinload
from wtforms import SelectField, StringField, TextAreaField
from wtforms.validators import Length

from core.db import db
from core.exceptions import Refused
from core.i18n import OWN_NAMES, _
from core.i18n import language as interface_language
from core.i18n import lazy as _l
from core.policy import can, checked, permits, require
from core.web import external, person
from kb import collections, metadata, page_cache, topics
from kb.collection_models import Collection, CollectionMember
from kb.collections import TEXT_LENGTH, Words
from kb.forms import VersionField, keepable, not_blank, visibility_choices
from kb.models import PUBLIC, READABLE, Article, visibilities_of
from kb.pages import TITLE_LENGTH
from kb.translations import head_of
from kb.views import bp, find_article

MOST = 300


class CollectionForm(FlaskForm):  # type: ignore[misc] # WTForms has no types.
    """A collection."""

    title = StringField(_l("Title"), [not_blank, keepable, Length(max=TITLE_LENGTH)])
    text = TextAreaField(_l("What it is about"), [keepable, Length(max=TEXT_LENGTH)])
    slug = StringField(_l("Address"), [keepable, Length(max=120)])
    language = SelectField(_l("Language"))
    visibility = SelectField(_l("Who may read it"))
    parent = SelectField(_l("Inside the collection"))
    version = VersionField()

    def __init__(self, *args: Any, own: Collection | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        known = dict(OWN_NAMES)
        if own is not None:
            known.setdefault(own.language, own.language)
        self.language.choices = list(known.items())
        self.visibility.choices = visibility_choices()
        number = own.id if own is not None else 0
        rows = db.session.execute(
            select(Collection.id, Collection.title)
            .where(Collection.parent_id.is_(None), Collection.id != number).order_by(Collection.title)
        ).all()  # fmt: skip
        self.parent.choices = [("", _("None")), *((str(row.id), row.title) for row in rows)]

    def words(self) -> Words:
        """What was typed."""
        return Words(
            title=self.title.data or "", text=(self.text.data or "").replace("\r\n", "\n"), slug=self.slug.data or "",
            language=self.language.data, visibility=self.visibility.data,
            parent_id=int(self.parent.data) if self.parent.data else None,
        )  # fmt: skip


@bp.get("/kb/collections")
@permits("kb.browse")
def collection_index() -> ResponseReturnValue:
    """All collections, those inside others below them."""
    statement: Any = Collection.visible_to(person()).options(selectinload(Collection.titles))
    rows: Sequence[Collection] = db.session.scalars(
        statement.order_by(Collection.position, Collection.id).limit(MOST)
    ).all()
    shown = {row.id for row in rows}
    inside = {row.id: [other for other in rows if other.parent_id == row.id] for row in rows}
    tops = [row for row in rows if row.parent_id not in shown]
    checked("collection.see")
    parts = tuple(
        (row.id, row.said_in(interface_language()).title, row.updated_at, row.version, row.position) for row in rows
    )
    return page_cache.answer(parts, lambda: render_template("kb/collections.html", tops=tops, inside=inside))


@bp.get("/kb/collections/<slug>")
@permits("collection.see")
def collection(slug: str) -> ResponseReturnValue:
    """The articles of a collection in their order, each in the reader's language where there is one."""
    row = _find(slug)
    articles = readable(row)
    statement: Any = (
        Collection.visible_to(person())
        .where(or_(Collection.parent_id == row.id, Collection.id.in_((row.id, row.parent_id or 0))))
        .options(selectinload(Collection.titles)).order_by(Collection.position, Collection.id)
    )  # fmt: skip
    near: Sequence[Collection] = db.session.scalars(statement).all()
    parent = next((each for each in near if each.id == row.parent_id), None)
    inside = [each for each in near if each.parent_id == row.id]
    words_of = [each.said_in(interface_language()) for each in near]
    said = tuple((words.title, words.text, words.language) for words in words_of)
    parts = (*said, *((each.id, each.title, each.updated_at, each.version) for each in (*near, *articles)))

    def page() -> str:
        url, words = external("kb.collection", slug=slug), row.said_in(interface_language())
        data = metadata.of_list(
            words.title, articles, url=url, language=words.language, description=words.text,
            site=current_app.extensions["settings"].site.name,
            crumbs=[(_("Collections"), external("kb.collection_index"))],
            address=lambda each: external("kb.article", language=each.language, slug=each.slug),
        ) if row.visibility == PUBLIC else None  # fmt: skip
        return render_template(
            "kb/collection.html", row=row, articles=articles, parent=parent, inside=inside, data=data, own_url=url
        )

    return page_cache.answer(parts, page)


@bp.route("/kb/collections/new", methods=["GET", "POST"])
@permits("collection.edit")
def new_collection() -> ResponseReturnValue:
    """Begin a collection."""
    form = CollectionForm()
    if request.method == "GET":
        form.language.data = interface_language()
    elif form.validate_on_submit():
        try:
            row = collections.write(form.words(), by=person())
        except Refused as error:
            return _refused(form, error)
        flash(_("The collection is kept. Now put articles into it."), "success")
        return redirect(url_for(".edit_collection", slug=row.slug), 303)
    return render_template("kb/edit_collection.html", form=form, row=None), 422 if form.errors else 200


@bp.route("/kb/collections/<slug>/edit", methods=["GET", "POST"])
@permits("collection.edit")
def edit_collection(slug: str) -> ResponseReturnValue:
    """Change what a collection says; below it its articles, to be moved up and down."""
    row = _find(slug)
    form = CollectionForm(None if request.method == "GET" else request.form, own=row)
    if request.method == "GET":
        for name in ("title", "text", "slug", "language", "visibility"):
            form[name].data = getattr(row, name)
        form.parent.data, form.version.data = str(row.parent_id or ""), str(row.version)
    elif form.validate_on_submit():
        if form.version.number != row.version:
            form.version.data = str(row.version)
            return _edit_page(form, row, conflict=True), 409
        try:
            collections.edit(row, form.words(), by=person())
        except Refused as error:
            return _refused(form, error, row)
        flash(_("Your change is kept."), "success")
        return redirect(url_for(".edit_collection", slug=row.slug), 303)
    return _edit_page(form, row), 422 if form.errors else 200


@bp.post("/kb/collections/<slug>/articles")
@permits("collection.edit")
def change_collection(slug: str) -> ResponseReturnValue:
    """Put an article in, take one out, move one up or down; or move the collection itself."""
    row = _find(slug)
    what, number = request.form.get("what", ""), _number(request.form.get("article", ""))
    anchor = f"article-{number}"
    if what == "add":
        typed = request.form.get("address", "").strip().partition("?")[0].rstrip("/").split("/")[-2:]
        article = find_article(typed[0], typed[1]) if len(typed) == 2 else None
        if article is None:
            raise Refused(_("There is no article at this address."), "address")
        collections.add(row, article, by=person())
        anchor = f"article-{head_of(article)}"
    elif what in {"up", "down"} and number:
        collections.move(row, number, collections.UP if what == "up" else collections.DOWN, by=person())
    elif what == "drop" and number:
        collections.drop(row, number, by=person())
        anchor = "articles"
    elif what in {"earlier", "later"}:
        collections.move_collection(row, collections.UP if what == "earlier" else collections.DOWN, by=person())
        return redirect(url_for(".collection_index"), 303)
    else:
        abort(422)
    return redirect(url_for(".edit_collection", slug=slug, _anchor=anchor), 303)


@bp.post("/kb/collections/<slug>/titles")
@permits("collection.edit")
def call_collection(slug: str) -> ResponseReturnValue:
    """Say what a collection is called in another language."""
    row = _find(slug)
    words = request.form.get("title", ""), request.form.get("text", "").replace("\r\n", "\n")
    collections.call(row, request.form.get("language", ""), *words, by=person())
    flash(_("Your change is kept."), "success")
    return redirect(url_for(".edit_collection", slug=slug, _anchor="titles"), 303)


@bp.post("/kb/collections/<slug>/remove")
@permits("collection.edit")
def remove_collection(slug: str) -> ResponseReturnValue:
    """Take a collection away; its articles stay."""
    collections.remove(_find(slug), by=person())
    flash(_("The collection is gone. Its articles are still there."), "success")
    return redirect(url_for(".collection_index"), 303)


@bp.route("/kb/order", methods=["GET", "POST"])
@permits("collection.edit")
def order() -> ResponseReturnValue:
    """Put the articles of a topic in order; without one, they stand by their titles."""
    topic, language = request.args.get("topic", ""), request.args.get("language", "") or interface_language()
    rows = collections.in_order(topic, language)
    if not rows:
        abort(404)
    if request.method == "POST":
        what, number = request.form.get("what", ""), _number(request.form.get("article", ""))
        chosen = next((row for row in rows if row.id == number), None)
        if what == "forget":
            collections.forget_order(topic, language)
        elif chosen is not None and what in {"up", "down"}:
            collections.move_in_topic(chosen, collections.UP if what == "up" else collections.DOWN, by=person())
        else:
            abort(422)
        return redirect(url_for(".order", topic=topic, language=language, _anchor=f"article-{number}"), 303)
    return render_template("kb/order.html", rows=rows, topic=topic, language=language, name=topics.topic_name(topic))


def readable(row: Collection) -> list[Article]:
    """The articles of a collection that the reader may see, in order: in their language, else in their source's."""
    found = db.session.execute(
        select(CollectionMember.position, Article)
        .join_from(
            CollectionMember, Article,
            or_(Article.id == CollectionMember.article_id, Article.source_id == CollectionMember.article_id),
        )
        .where(CollectionMember.collection_id == row.id, Article.state.in_(READABLE))
        .where(Article.visibility.in_(visibilities_of(person())))
        .order_by(CollectionMember.position, Article.source_id.is_not(None), Article.id)
    ).all()  # fmt: skip
    by_place: dict[int, list[Article]] = {}
    for place, article in found:
        by_place.setdefault(place, []).append(article)
    language = interface_language()
    return [next((each for each in choices if each.language == language), choices[0]) for choices in by_place.values()]


def _find(slug: str) -> Collection:
    statement: Any = Collection.visible_to(person()).where(Collection.slug == slug)
    row: Collection | None = db.session.scalar(statement)
    if row is None:
        checked("collection.see")
        abort(404)
    require(person(), "collection.see", row)
    return row


def _edit_page(form: CollectionForm, row: Collection, **more: Any) -> str:
    members = db.session.scalars(
        select(Article).join(CollectionMember, CollectionMember.article_id == Article.id)
        .where(CollectionMember.collection_id == row.id).order_by(CollectionMember.position)
    ).all()  # fmt: skip
    called = {each.language: each for each in row.titles}
    languages = [code for code in {**dict.fromkeys(OWN_NAMES), **dict.fromkeys(called)} if code != row.language]
    return render_template(
        "kb/edit_collection.html", form=form, row=row, members=_seen(members), called=called, elsewhere=languages,
        **more,
    )  # fmt: skip


def _seen(rows: Sequence[Article]) -> list[Article]:
    return [row for row in rows if can(person(), "article.see", row)]


def _refused(form: CollectionForm, error: Refused, row: Collection | None = None) -> ResponseReturnValue:
    field = form[error.field if error.field in form else "title"]
    field.errors = [*field.errors, str(error)]
    page = (
        _edit_page(form, row) if row is not None else render_template("kb/edit_collection.html", form=form, row=None)
    )
    return page, 422


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else 0

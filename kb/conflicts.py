"""A change that comes after somebody else's: the page with both put together, and the choice where they meet."""

from dataclasses import dataclass

from flask import request
from sqlalchemy import select
from sqlalchemy.orm import undefer

from core.db import db
from core.i18n import _
from kb import diffs, merging
from kb.forms import ArticleForm, visibility_choices
from kb.merging import CHOICES, MINE, Part
from kb.models import Article, Revision


@dataclass(frozen=True)
class Conflict:
    """What the page of a conflict shows.

    ``theirs`` is the newest version; ``overlaps`` what both changed, with what is chosen of each; ``took_over`` how
    many of their changes are in the text already; ``blocks`` how the text in the form differs from theirs; ``others``
    what else they changed: (label, what it is now).
    """

    theirs: Revision | None
    blocks: list[diffs.Block]
    others: list[tuple[str, str]]
    overlaps: list[tuple[Part, str]]
    took_over: int = 0
    # What the next choice is made from.
    base_number: int = 0
    mine: str = ""

    @property
    def taken(self) -> str:
        """What is chosen, as text."""
        return " ".join(choice for _part, choice in self.overlaps)

    @staticmethod
    def compared(part: Part, text: str) -> diffs.Pieces:
        """One side of an overlap, word by word beside what stood there before."""
        base = part.base.strip()
        return diffs.compare_words(base, text.strip()) if base else (("added", text.strip()),)


def is_choosing() -> bool:
    """Whether somebody chose among what both changed, and did not save yet."""
    return request.form.get("do") == "take"


def meet(form: ArticleForm, row: Article) -> Conflict:
    """Put what was typed and what somebody else saved together, in the form; saving again is then a decision."""
    number = form.base.number
    mine = form.text()
    base, theirs = _revision(row, number), _revision(row, row.revision_number)
    overlaps: list[tuple[Part, str]] = []
    took_over = 0
    if base is not None and theirs is not None and base.number < theirs.number:
        merged = merging.merge(base.body, theirs.body, mine)
        overlaps = [(part, MINE) for part in merged.overlaps]
        took_over = merged.took_over
        form.body.data = merged.text()
        for name in ("title", "summary"):
            if form[name].data == getattr(base, name):
                form[name].data = getattr(theirs, name)
    return _page(form, row, Conflict(theirs, [], [], overlaps, took_over, number, mine))


def choose(form: ArticleForm, row: Article) -> Conflict:
    """Take what was chosen into the text; what was typed since the last choice stays."""
    number, latest = _number("merge_base"), _number("merge_theirs")
    base, theirs = _revision(row, number), _revision(row, latest)
    mine = request.form.get("mine", "").replace("\r\n", "\n")
    if base is None or theirs is None:
        return meet(form, row)
    merged = merging.merge(base.body, theirs.body, mine)
    count = len(merged.overlaps)
    before = [choice if choice in CHOICES else MINE for choice in request.form.get("taken", "").split()[:count]]
    chosen = [request.form.get(f"take-{place}", MINE) for place in range(1, count + 1)]
    chosen = [choice if choice in CHOICES else MINE for choice in chosen]
    form.body.data = merging.merge(merged.text(before), merged.text(chosen), form.text()).text()
    overlaps = list(zip(merged.overlaps, chosen, strict=True))
    return _page(form, row, Conflict(theirs, [], [], overlaps, merged.took_over, number, mine))


def _page(form: ArticleForm, row: Article, conflict: Conflict) -> Conflict:
    newest = conflict.theirs.number if conflict.theirs is not None else row.revision_number
    form.base.data = str(newest)
    if newest == row.revision_number:
        form.version.data = str(row.version)
    return Conflict(
        conflict.theirs, diffs.compare(conflict.theirs.body if conflict.theirs else row.body, form.text()),
        _others(form, row), conflict.overlaps, conflict.took_over, conflict.base_number, conflict.mine,
    )  # fmt: skip


def _others(form: ArticleForm, row: Article) -> list[tuple[str, str]]:
    """What is otherwise now than in the form, so that nobody sets it back unawares."""
    names = dict(visibility_choices())
    now = {
        "title": (row.title, row.title), "summary": (row.summary, row.summary),
        "topic": (row.topic, row.topic_name),
        "visibility": (row.visibility, names.get(row.visibility, row.visibility)),
        "tags": (", ".join(row.tags), ", ".join(row.tags)),
    }  # fmt: skip
    return [
        (str(form[name].label.text), shown or _("nothing"))
        for name, (value, shown) in now.items()
        if (form[name].data or "").strip() != value
    ]


def _revision(row: Article, number: int) -> Revision | None:
    found: Revision | None = db.session.scalar(
        select(Revision).where(Revision.article_id == row.id, Revision.number == number)
        .options(undefer(Revision.body))
    )  # fmt: skip
    return found


def _number(name: str) -> int:
    text = request.form.get(name, "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else 0

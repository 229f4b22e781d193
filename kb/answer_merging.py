"""Two past answers that say the same: how alike they are, and putting one in the place of the other."""

from collections import Counter
from dataclasses import dataclass
from math import sqrt
from typing import Any

from sqlalchemy import func, literal, or_, select, union_all, update

from accounts.models import User
from core import jobs
from core.db import db
from core.events import Event, on, record
from core.exceptions import NotNow
from core.i18n import _
from core.words import base_language, is_content, scan, stem
from kb import finding
from kb.models import (
    MERGED,
    PUBLISHED,
    READABLE,
    VISIBILITIES,
    Answer,
    Article,
    Feedback,
    SuggestionUse,
    visibilities_of,
)
from kb.slugs import answer_path, article_path

# From here on two texts are shown as alike, and as nearly the same.
ALIKE, NEARLY_SAME = 0.25, 0.6
MOST_SHOWN = 5
_READ = 6000
_LOOKED_AT = 12
_DRAFTS = 30


@dataclass(frozen=True)
class Alike:
    """Something that was published and says much the same. ``likeness`` is from 0 to 1."""

    kind: str
    id: int
    title: str
    url: str
    state: str
    language: str
    likeness: float

    @property
    def is_nearly_same(self) -> bool:
        """Whether it had better be merged than published beside it."""
        return self.likeness >= NEARLY_SAME

    @property
    def percent(self) -> int:
        """The likeness in percent."""
        return round(100 * self.likeness)


def alike(title: str, question: str, answer: str, *, language: str, user: User, but: int = 0) -> list[Alike]:
    """Past answers and articles that say much the same, the most alike first; drafts of past answers among them.

    :param but: the past answer itself.
    """
    hits = finding.suggest(
        f"{title} {question[:1500]}", user=user, language=language, limit=_LOOKED_AT, is_checked_later=True
    )  # fmt: skip
    numbers: dict[str, set[int]] = {"article": set(), "answer": set()}
    for hit in hits:
        if hit.kind in numbers:
            numbers[hit.kind].add(int(hit.id.partition(":")[2]))
    # Drafts are in no index: the newest in the same language are compared, too.
    drafts = select(Answer.id).where(Answer.state.not_in((PUBLISHED, MERGED)), Answer.language == language)
    newest = drafts.order_by(Answer.id.desc()).limit(_DRAFTS).subquery()
    answers = (
        select(literal("answer").label("kind"), Answer.id, Answer.title, Answer.slug, Answer.state, Answer.language,
               func.substr(Answer.question, 1, _READ).label("beginning"),
               func.substr(Answer.answer_text, 1, _READ).label("text"))
        .where(Answer.id != but, Answer.visibility.in_(visibilities_of(user)))
        .where(or_(Answer.id.in_(numbers["answer"]) & (Answer.state == PUBLISHED), Answer.id.in_(select(newest.c.id))))
    )  # fmt: skip
    articles = (
        select(literal("article"), Article.id, Article.title, Article.slug, Article.state, Article.language,
               Article.summary, func.substr(Article.body_text, 1, _READ))
        .where(Article.id.in_(numbers["article"]), Article.state.in_(READABLE))
        .where(Article.visibility.in_(visibilities_of(user)))
    )  # fmt: skip
    rows = db.session.execute(union_all(answers, articles) if numbers["article"] else answers).all()
    own = _weights(title, question, answer, language)
    found = [
        Alike(
            row.kind, row.id, row.title,
            answer_path(row.slug) if row.kind == "answer" else article_path(row.language, row.slug),
            row.state, row.language, _likeness(own, _weights(row.title, row.beginning, row.text, row.language)),
        )
        for row in rows
    ]  # fmt: skip
    found.sort(key=lambda one: -one.likeness)
    return [one for one in found if one.likeness >= ALIKE][:MOST_SHOWN]


def merge(row: Answer, into: Answer, *, by: User) -> None:
    """Put another past answer in the place of this one: its link leads there, and its counts are added up there.

    The texts stay as they are; what should be taken over is taken over before.

    :raises NotNow: if they are the same, if the other one is not published, or is for fewer readers.
    """
    if row.id == into.id or row.state == MERGED:
        raise NotNow(_("Choose another past answer."))
    if into.state != PUBLISHED:
        raise NotNow(_("Only a published past answer can stand in the place of another one."))
    if row.state == PUBLISHED and VISIBILITIES.index(into.visibility) > VISIBILITIES.index(row.visibility):
        raise NotNow(_("Readers of this past answer may not read the other one."))
    row.state, row.merged_into_id = MERGED, into.id
    db.session.flush()
    # Past the session: what readers click must not get in the way of who edits the text.
    table: Any = Answer.__table__
    db.session.execute(update(table).where(table.c.merged_into_id == row.id).values(merged_into_id=into.id))
    db.session.execute(
        update(table).where(table.c.id == into.id).values(
            helpful_count=table.c.helpful_count + row.helpful_count,
            unhelpful_count=table.c.unhelpful_count + row.unhelpful_count,
        )
    )  # fmt: skip
    db.session.execute(update(table).where(table.c.id == row.id).values(helpful_count=0, unhelpful_count=0))
    for model, kind, number in (
        (Feedback, Feedback.about_kind, Feedback.about_id),
        (SuggestionUse, SuggestionUse.target_kind, SuggestionUse.target_id),
    ):
        db.session.execute(
            update(model).where(kind == "answer", number == row.id).values({number: into.id})
            .execution_options(synchronize_session=False)
        )  # fmt: skip
    for each in (row, into):
        db.session.expire(each, ["helpful_count", "unhelpful_count"])
    record("answer.merged", row, by=by, into=into)


def target_of(row: Answer) -> Answer | None:
    """The published past answer that took the place of a merged one."""
    into = db.session.get(Answer, row.merged_into_id) if row.state == MERGED and row.merged_into_id else None
    return into if into is not None and into.state == PUBLISHED else None


@on("answer.merged")
def note_merge(_event: Event) -> None:
    """Have the worker take the merged one out of the index."""
    jobs.enqueue("search.apply", key="search.apply")


def _weights(title: str, question: str, text: str, language: str) -> Counter[str]:
    """How often each stem stands in a text; words of the title count three times."""
    base = base_language(language)
    weights: Counter[str] = Counter()
    for part, weight in ((title, 3), (question[:_READ], 1), (text[:_READ], 1)):
        words, _codes = scan(part)
        for word in words:
            if is_content(word.text, base):
                weights[stem(word.text, base)] += weight
    return weights


def _likeness(one: Counter[str], other: Counter[str]) -> float:
    """The cosine of two texts, on the roots of their counts, so that one word repeated does not decide."""
    both = sum(sqrt(one[word] * other[word]) for word in one.keys() & other.keys())
    length = sqrt(sum(one.values()) * sum(other.values()))
    return both / length if length else 0.0

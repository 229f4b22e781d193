"""What is decided about a past answer before readers see it: by a second reader, and by the asker."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from accounts.models import User
from core.db import Model, now
from core.files import StoredFile
from kb.models import Answer

# Of a review.
ASKED, APPROVED, SENT_BACK = "asked", "approved", "sent-back"
# Of a consent, besides "asked": the text may stand so, should be changed, may not be published, may no longer; and a
# question that was overtaken by a change of the text.
AGREED, CHANGED, REFUSED, TAKEN_BACK, OVERTAKEN = "agreed", "changed", "refused", "taken-back", "overtaken"
# How it was given.
BY_FORM, BY_MAIL, BY_WORD = "form", "mail", "word"


class AnswerReview(Model):
    """That a second person was asked to read a past answer beside its thread, and what they said."""

    __tablename__ = "answer_review"
    __table_args__ = (Index("ix_answer_review_answer", "answer_id", "id"),)

    answer_id: Mapped[int] = mapped_column(ForeignKey("answer.id", ondelete="CASCADE"))
    # asked, approved, sent-back, overtaken
    state: Mapped[str] = mapped_column(String(10), default=ASKED)
    # Of the text that was read.
    digest: Mapped[str] = mapped_column(String(64))
    comment: Mapped[str] = mapped_column(Text, default="")
    asked_by_id: Mapped[int | None] = mapped_column(ForeignKey("user.id"))
    asked_at: Mapped[datetime] = mapped_column(default=now)
    decided_by_id: Mapped[int | None] = mapped_column(ForeignKey("user.id"))
    decided_at: Mapped[datetime | None]

    answer: Mapped[Answer] = relationship(lazy="select")
    asked_by: Mapped[User | None] = relationship(foreign_keys=[asked_by_id], lazy="joined")
    decided_by: Mapped[User | None] = relationship(foreign_keys=[decided_by_id], lazy="joined")


class AnswerConsent(Model):
    """Whether the asker agrees to a publication: how they said so, when, and who wrote it down."""

    __tablename__ = "answer_consent"
    __table_args__ = (Index("ix_answer_consent_answer", "answer_id", "id"),)

    answer_id: Mapped[int] = mapped_column(ForeignKey("answer.id", ondelete="CASCADE"))
    asker_id: Mapped[int | None] = mapped_column(ForeignKey("user.id"))
    # asked, agreed, changed, refused, taken-back, overtaken
    state: Mapped[str] = mapped_column(String(10), default=ASKED)
    # form (they ticked it when they asked), mail (by the link in our mail), word (they told us)
    how: Mapped[str] = mapped_column(String(10))
    # Of the text that they saw; "" where they agreed before there was one, to any text without names.
    digest: Mapped[str] = mapped_column(String(64), default="")
    # The name under which they want to be thanked; "" for none.
    credit: Mapped[str] = mapped_column(Text, default="")
    # How staff know, or what the asker said with their decision; only staff see it.
    remark: Mapped[str] = mapped_column(Text, default="")
    # Their own wording, where they changed something.
    title: Mapped[str] = mapped_column(Text, default="")
    question: Mapped[str] = mapped_column(Text, default="")
    text: Mapped[str] = mapped_column(Text, default="")
    # Who asked for it, or wrote down what they were told.
    by_id: Mapped[int | None] = mapped_column(ForeignKey("user.id"))
    at: Mapped[datetime] = mapped_column(default=now)
    ends_at: Mapped[datetime | None]
    decided_at: Mapped[datetime | None]

    answer: Mapped[Answer] = relationship(lazy="select")
    asker: Mapped[User | None] = relationship(foreign_keys=[asker_id], lazy="joined")
    by: Mapped[User | None] = relationship(foreign_keys=[by_id], lazy="joined")


class AnswerFile(Model):
    """A file that is published with a past answer, because somebody chose it, under a name that they gave it."""

    __tablename__ = "answer_file"
    __table_args__ = (Index("ix_answer_file_answer", "answer_id", "id"),)

    answer_id: Mapped[int] = mapped_column(ForeignKey("answer.id", ondelete="CASCADE"))
    file_id: Mapped[str] = mapped_column(ForeignKey("stored_file.id"), index=True)
    name: Mapped[str] = mapped_column(String(200))

    answer: Mapped[Answer] = relationship(lazy="select")
    file: Mapped[StoredFile] = relationship(lazy="joined")

"""Suggestions are measured, searches that found nothing are a work list, and documents may have vectors of their meaning."""

import sqlalchemy as sa
from alembic import op

from core.db import Id, Json, UtcTime

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "suggestion_showing",
        sa.Column("id", Id, nullable=False),
        sa.Column("token", sa.String(32), nullable=False),
        sa.Column("place", sa.String(10), nullable=False),
        sa.Column("ticket_id", Id, nullable=True),
        sa.Column("language", sa.String(8), nullable=False),
        sa.Column("topic", sa.String(60), nullable=False),
        sa.Column("targets", Json, nullable=False),
        sa.Column("at", UtcTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["ticket_id"], ["ticket.id"], name=op.f("fk_suggestion_showing_ticket_id_ticket"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_suggestion_showing")),
        sa.UniqueConstraint("token", name=op.f("uq_suggestion_showing_token")),
    )
    op.create_index("ix_suggestion_showing_at", "suggestion_showing", ["at"])
    op.create_index("ix_suggestion_showing_ticket", "suggestion_showing", ["ticket_id", "id"])
    op.create_table(
        "suggestion_step",
        sa.Column("id", Id, nullable=False),
        sa.Column("showing_id", Id, nullable=False),
        sa.Column("what", sa.String(10), nullable=False),
        sa.Column("target_kind", sa.String(10), nullable=False),
        sa.Column("target_id", sa.Integer(), nullable=False),
        sa.Column("rank", sa.Integer(), nullable=False),
        sa.Column("at", UtcTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["showing_id"], ["suggestion_showing.id"], name=op.f("fk_suggestion_step_showing_id_suggestion_showing"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_suggestion_step")),
        sa.UniqueConstraint(
            "showing_id", "what", "target_kind", "target_id",
            name=op.f("uq_suggestion_step_showing_id_what_target_kind_target_id"),
        ),
    )  # fmt: skip
    op.create_index("ix_suggestion_step_target", "suggestion_step", ["target_kind", "target_id", "what"])
    op.create_table(
        "suggestion_trial",
        sa.Column("id", Id, nullable=False),
        sa.Column("at", UtcTime(), nullable=False),
        sa.Column("asked", sa.Integer(), nullable=False),
        sa.Column("top1", sa.Integer(), nullable=False),
        sa.Column("top3", sa.Integer(), nullable=False),
        sa.Column("top10", sa.Integer(), nullable=False),
        sa.Column("by_language", Json, nullable=False),
        sa.Column("seconds", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_suggestion_trial")),
    )
    op.create_index(op.f("ix_suggestion_trial_at"), "suggestion_trial", ["at"])
    _create_gaps()
    op.create_table(
        "article_vector",
        sa.Column("id", Id, nullable=False),
        sa.Column("document", sa.String(40), nullable=False),
        sa.Column("mark", sa.String(80), nullable=False),
        sa.Column("passages", sa.Integer(), nullable=False),
        sa.Column("vectors", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_article_vector")),
        sa.UniqueConstraint("document", name=op.f("uq_article_vector_document")),
    )


def _create_gaps() -> None:
    op.create_table(
        "search_made",
        sa.Column("id", Id, nullable=False),
        sa.Column("words", sa.String(200), nullable=False),
        sa.Column("text", sa.String(200), nullable=False),
        sa.Column("language", sa.String(8), nullable=False),
        sa.Column("outcome", sa.String(10), nullable=False),
        sa.Column("at", UtcTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_search_made")),
    )
    op.create_index("ix_search_made_words", "search_made", ["words", "at"])
    op.create_index("ix_search_made_at", "search_made", ["at"])
    op.create_table(
        "gap_decision",
        sa.Column("id", Id, nullable=False),
        sa.Column("words", sa.String(200), nullable=False),
        sa.Column("what", sa.String(10), nullable=False),
        sa.Column("article_id", Id, nullable=True),
        sa.Column("by_id", Id, nullable=False),
        sa.Column("at", UtcTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["article_id"], ["article.id"], name=op.f("fk_gap_decision_article_id_article"), ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(["by_id"], ["user.id"], name=op.f("fk_gap_decision_by_id_user")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_gap_decision")),
        sa.UniqueConstraint("words", name=op.f("uq_gap_decision_words")),
    )
    op.create_index(op.f("ix_gap_decision_article_id"), "gap_decision", ["article_id"])


def downgrade() -> None:
    for name in ("article_vector", "gap_decision", "search_made", "suggestion_trial", "suggestion_step"):
        op.drop_table(name)
    op.drop_table("suggestion_showing")

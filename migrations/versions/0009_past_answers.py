"""Past answers are read by a second person and agreed to by the asker; they can be merged, credited and become articles."""

import sqlalchemy as sa
from alembic import op

from core.db import Id, UtcTime

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

_NEW = ("credit", "is_from_ticket", "reviewed_digest", "text_by_id", "merged_into_id", "article_id")


def upgrade() -> None:
    with op.batch_alter_table("answer") as table:
        table.add_column(sa.Column("credit", sa.Text(), nullable=False, server_default=""))
        table.add_column(sa.Column("is_from_ticket", sa.Boolean(), nullable=False, server_default=sa.false()))
        table.add_column(sa.Column("reviewed_digest", sa.String(64), nullable=False, server_default=""))
        table.add_column(sa.Column("text_by_id", Id, nullable=True))
        table.add_column(sa.Column("merged_into_id", Id, nullable=True))
        table.add_column(sa.Column("article_id", Id, nullable=True))
        table.create_foreign_key(op.f("fk_answer_text_by_id_user"), "user", ["text_by_id"], ["id"])
        table.create_foreign_key(op.f("fk_answer_merged_into_id_answer"), "answer", ["merged_into_id"], ["id"])
        table.create_foreign_key(
            op.f("fk_answer_article_id_article"), "article", ["article_id"], ["id"], ondelete="SET NULL"
        )
        table.create_index(op.f("ix_answer_merged_into_id"), ["merged_into_id"])
        table.create_index(op.f("ix_answer_article_id"), ["article_id"])
    op.execute("UPDATE answer SET text_by_id = author_id")
    op.execute("UPDATE answer SET is_from_ticket = true WHERE id IN (SELECT answer_id FROM answer_source)")
    _create_review()
    _create_consent()
    op.create_table(
        "answer_file",
        sa.Column("id", Id, nullable=False),
        sa.Column("answer_id", Id, nullable=False),
        sa.Column("file_id", sa.String(32), nullable=False),
        sa.Column("name", sa.String(200), nullable=False),
        sa.ForeignKeyConstraint(
            ["answer_id"], ["answer.id"], name=op.f("fk_answer_file_answer_id_answer"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["file_id"], ["stored_file.id"], name=op.f("fk_answer_file_file_id_stored_file")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_answer_file")),
    )
    op.create_index("ix_answer_file_answer", "answer_file", ["answer_id", "id"])
    op.create_index(op.f("ix_answer_file_file_id"), "answer_file", ["file_id"])


def _create_review() -> None:
    op.create_table(
        "answer_review",
        sa.Column("id", Id, nullable=False),
        sa.Column("answer_id", Id, nullable=False),
        sa.Column("state", sa.String(10), nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("comment", sa.Text(), nullable=False),
        sa.Column("asked_by_id", Id, nullable=True),
        sa.Column("asked_at", UtcTime(), nullable=False),
        sa.Column("decided_by_id", Id, nullable=True),
        sa.Column("decided_at", UtcTime(), nullable=True),
        sa.ForeignKeyConstraint(
            ["answer_id"], ["answer.id"], name=op.f("fk_answer_review_answer_id_answer"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["asked_by_id"], ["user.id"], name=op.f("fk_answer_review_asked_by_id_user")),
        sa.ForeignKeyConstraint(["decided_by_id"], ["user.id"], name=op.f("fk_answer_review_decided_by_id_user")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_answer_review")),
    )
    op.create_index("ix_answer_review_answer", "answer_review", ["answer_id", "id"])


def _create_consent() -> None:
    op.create_table(
        "answer_consent",
        sa.Column("id", Id, nullable=False),
        sa.Column("answer_id", Id, nullable=False),
        sa.Column("asker_id", Id, nullable=True),
        sa.Column("state", sa.String(10), nullable=False),
        sa.Column("how", sa.String(10), nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("credit", sa.Text(), nullable=False),
        sa.Column("remark", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("question", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("by_id", Id, nullable=True),
        sa.Column("at", UtcTime(), nullable=False),
        sa.Column("ends_at", UtcTime(), nullable=True),
        sa.Column("decided_at", UtcTime(), nullable=True),
        sa.ForeignKeyConstraint(
            ["answer_id"], ["answer.id"], name=op.f("fk_answer_consent_answer_id_answer"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["asker_id"], ["user.id"], name=op.f("fk_answer_consent_asker_id_user")),
        sa.ForeignKeyConstraint(["by_id"], ["user.id"], name=op.f("fk_answer_consent_by_id_user")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_answer_consent")),
    )
    op.create_index("ix_answer_consent_answer", "answer_consent", ["answer_id", "id"])


def downgrade() -> None:
    for name in ("answer_file", "answer_consent", "answer_review"):
        op.drop_table(name)
    # These are drafts, or gone, as far as an earlier version knows.
    op.execute("UPDATE answer SET state = 'draft' WHERE state IN ('in_review', 'approved')")
    op.execute("UPDATE answer SET state = 'withdrawn' WHERE state = 'merged'")
    with op.batch_alter_table("answer") as table:
        table.drop_index(op.f("ix_answer_article_id"))
        table.drop_index(op.f("ix_answer_merged_into_id"))
        for name, referred in (("text_by_id", "user"), ("merged_into_id", "answer"), ("article_id", "article")):
            table.drop_constraint(op.f(f"fk_answer_{name}_{referred}"), type_="foreignkey")
        for name in reversed(_NEW):
            table.drop_column(name)

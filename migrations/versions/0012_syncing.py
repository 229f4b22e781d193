"""What syncing with a Git repository remembers."""

import sqlalchemy as sa
from alembic import op

from core.db import Id, UtcTime

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "kb_sync_run",
        sa.Column("id", Id, nullable=False),
        sa.Column("folder", sa.String(500), nullable=False),
        sa.Column("head", sa.String(64), nullable=False),
        sa.Column("at", UtcTime(), nullable=False),
        sa.Column("pulled", sa.Integer(), nullable=False),
        sa.Column("written", sa.Integer(), nullable=False),
        sa.Column("problems", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_kb_sync_run")),
        sa.UniqueConstraint("folder", name=op.f("uq_kb_sync_run_folder")),
    )
    op.create_table(
        "kb_synced_file",
        sa.Column("id", Id, nullable=False),
        sa.Column("path", sa.String(500), nullable=False),
        sa.Column("blob", sa.String(64), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_kb_synced_file")),
        sa.UniqueConstraint("path", name=op.f("uq_kb_synced_file_path")),
    )
    op.create_table(
        "kb_sync_conflict",
        sa.Column("id", Id, nullable=False),
        sa.Column("kind", sa.String(10), nullable=False),
        sa.Column("path", sa.String(500), nullable=False),
        sa.Column("article_id", Id, nullable=False),
        sa.Column("our_blob", sa.String(64), nullable=False),
        sa.Column("their_blob", sa.String(64), nullable=False),
        sa.Column("ours", sa.Text(), nullable=False),
        sa.Column("theirs", sa.Text(), nullable=False),
        sa.Column("author", sa.Text(), nullable=False),
        sa.Column("message", sa.Text(), nullable=False),
        sa.Column("at", UtcTime(), nullable=False),
        sa.Column("settled_at", UtcTime(), nullable=True),
        sa.Column("settled_by_id", Id, nullable=True),
        sa.ForeignKeyConstraint(
            ["article_id"], ["article.id"], name=op.f("fk_kb_sync_conflict_article_id_article"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["settled_by_id"], ["user.id"], name=op.f("fk_kb_sync_conflict_settled_by_id_user")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_kb_sync_conflict")),
        sa.UniqueConstraint("path", "their_blob", "our_blob", name=op.f("uq_kb_sync_conflict_path_their_blob_our_blob")),
    )
    op.create_index(op.f("ix_kb_sync_conflict_article_id"), "kb_sync_conflict", ["article_id"])


def downgrade() -> None:
    op.drop_index(op.f("ix_kb_sync_conflict_article_id"), table_name="kb_sync_conflict")
    op.drop_table("kb_sync_conflict")
    op.drop_table("kb_synced_file")
    op.drop_table("kb_sync_run")

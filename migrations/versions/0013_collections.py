"""Collections know the table of contents that they came from, and what they are called in other languages."""

import sqlalchemy as sa
from alembic import op

from core.db import Id, Json

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("collection") as table:
        table.add_column(sa.Column("source_path", sa.String(500), nullable=False, server_default=""))
        table.add_column(sa.Column("source_says", Json, nullable=False, server_default="{}"))
    op.create_table(
        "collection_title",
        sa.Column("id", Id, nullable=False),
        sa.Column("collection_id", Id, nullable=False),
        sa.Column("language", sa.String(8), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["collection_id"],
            ["collection.id"],
            name=op.f("fk_collection_title_collection_id_collection"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_collection_title")),
        sa.UniqueConstraint("collection_id", "language", name=op.f("uq_collection_title_collection_id_language")),
    )


def downgrade() -> None:
    op.drop_table("collection_title")
    with op.batch_alter_table("collection") as table:
        table.drop_column("source_says")
        table.drop_column("source_path")

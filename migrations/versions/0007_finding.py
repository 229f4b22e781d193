"""The list of synonyms that staff keep; the index in PostgreSQL keeps what each term weighs (the worker rebuilds it)."""

import sqlalchemy as sa
from alembic import op

from core.db import Id, UtcTime

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        op.execute("ALTER TABLE search_document ADD COLUMN IF NOT EXISTS weights smallint[] NOT NULL DEFAULT '{}'")
        op.execute("ALTER TABLE search_document ALTER weights DROP DEFAULT")
    op.create_table(
        "synonym_group",
        sa.Column("id", Id, nullable=False),
        sa.Column("replaces", sa.String(100), nullable=False),
        sa.Column("en", sa.String(500), nullable=False),
        sa.Column("es", sa.String(500), nullable=False),
        sa.Column("fr", sa.String(500), nullable=False),
        sa.Column("pt", sa.String(500), nullable=False),
        sa.Column("by_id", Id, nullable=False),
        sa.Column("updated_at", UtcTime(), nullable=False),
        sa.ForeignKeyConstraint(["by_id"], ["user.id"], name=op.f("fk_synonym_group_by_id_user")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_synonym_group")),
    )
    op.create_index(op.f("ix_synonym_group_replaces"), "synonym_group", ["replaces"])


def downgrade() -> None:
    op.drop_table("synonym_group")
    if op.get_bind().dialect.name == "postgresql":
        op.execute("ALTER TABLE search_document DROP COLUMN IF EXISTS weights")

"""The index in PostgreSQL keeps what each term weighs; it is rebuilt by the worker."""

from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        op.execute("ALTER TABLE search_document ADD COLUMN IF NOT EXISTS weights smallint[] NOT NULL DEFAULT '{}'")
        op.execute("ALTER TABLE search_document ALTER weights DROP DEFAULT")


def downgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        op.execute("ALTER TABLE search_document DROP COLUMN IF EXISTS weights")

"""The search index in PostgreSQL keeps posting lists; the worker fills it anew from what is published."""

from alembic import op

from kb.search import postgres_tables

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _make_anew()


def downgrade() -> None:
    _make_anew()


def _make_anew() -> None:
    connection = op.get_bind()
    if connection.dialect.name == "postgresql":
        postgres_tables.drop(connection)
        postgres_tables.create(connection)

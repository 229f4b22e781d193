"""The index of Message-IDs leaves out messages that came without a mail."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.drop_index("ix_message_mail", table_name="message")
    op.create_index(
        "ix_message_mail", "message", ["mail_message_id"],
        sqlite_where=sa.text("mail_message_id <> ''"), postgresql_where=sa.text("mail_message_id <> ''"),
    )


def downgrade() -> None:
    op.drop_index("ix_message_mail", table_name="message")
    op.create_index("ix_message_mail", "message", ["mail_message_id"])

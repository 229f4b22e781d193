"""Where each mail was fetched from, how far each mailbox was read, and the team of a ticket."""

import sqlalchemy as sa
from alembic import op

from core.db import Id, UtcTime

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("inbound_mail") as table:
        table.add_column(sa.Column("place", sa.String(255), nullable=False, server_default=""))
        table.add_column(sa.Column("uidvalidity", sa.BigInteger(), nullable=True))
        table.add_column(sa.Column("uid", sa.BigInteger(), nullable=True))
        table.add_column(sa.Column("is_settled", sa.Boolean(), nullable=False, server_default=sa.true()))
        table.create_index("uq_inbound_mail_place", ["mailbox", "place", "uidvalidity", "uid"], unique=True)
    op.create_index(
        "ix_inbound_mail_unsettled", "inbound_mail", ["mailbox", "id"],
        sqlite_where=sa.text("NOT is_settled"), postgresql_where=sa.text("NOT is_settled"),
    )
    with op.batch_alter_table("ticket") as table:
        table.add_column(sa.Column("team", sa.String(60), nullable=False, server_default=""))
        table.create_index("ix_ticket_team", ["team", "state", "last_activity_at", "id"])
    op.create_table(
        "mailbox_state",
        sa.Column("id", Id, nullable=False),
        sa.Column("mailbox", sa.String(100), nullable=False),
        sa.Column("place", sa.String(255), nullable=False),
        sa.Column("uidvalidity", sa.BigInteger(), nullable=False),
        sa.Column("last_uid", sa.BigInteger(), nullable=False),
        sa.Column("tried_at", UtcTime(), nullable=True),
        sa.Column("fetched_at", UtcTime(), nullable=True),
        sa.Column("reconciled_at", UtcTime(), nullable=True),
        sa.Column("reconciled_words", sa.Text(), nullable=False),
        sa.Column("usual_seconds", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("last_error", sa.Text(), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("lease_until", UtcTime(), nullable=True),
        sa.Column("lease_token", sa.String(32), nullable=False),
        sa.Column("lease_owner", sa.String(200), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_mailbox_state")),
        sa.UniqueConstraint("mailbox", "place", name=op.f("uq_mailbox_state_mailbox_place")),
    )
    op.create_table(
        "mail_trouble",
        sa.Column("id", Id, nullable=False),
        sa.Column("mailbox", sa.String(100), nullable=False),
        sa.Column("place", sa.String(255), nullable=False),
        sa.Column("uidvalidity", sa.BigInteger(), nullable=False),
        sa.Column("uid", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.String(12), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("since", UtcTime(), nullable=False),
        sa.Column("next_at", UtcTime(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_mail_trouble")),
        sa.UniqueConstraint(
            "mailbox", "place", "uidvalidity", "uid", name=op.f("uq_mail_trouble_mailbox_place_uidvalidity_uid")
        ),
    )
    op.create_index("ix_mail_trouble_next", "mail_trouble", ["mailbox", "next_at"])


def downgrade() -> None:
    op.drop_table("mail_trouble")
    op.drop_table("mailbox_state")
    with op.batch_alter_table("ticket") as table:
        table.drop_index("ix_ticket_team")
        table.drop_column("team")
    op.drop_index("ix_inbound_mail_unsettled", "inbound_mail")
    with op.batch_alter_table("inbound_mail") as table:
        table.drop_index("uq_inbound_mail_place")
        for name in ("is_settled", "uid", "uidvalidity", "place"):
            table.drop_column(name)

"""What is known of the sender of a mail, what belongs to it, and words to find it by."""

import sqlalchemy as sa
from alembic import op

from core.db import Id, UtcTime
from helpdesk import mail_search

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("inbound_mail") as table:
        for name in ("proof", "spf", "dkim", "dmarc"):
            table.add_column(sa.Column(name, sa.String(16), nullable=False, server_default=""))
        table.add_column(sa.Column("bounce_of_id", Id, nullable=True))
        table.create_foreign_key(
            op.f("fk_inbound_mail_bounce_of_id_outgoing_mail"), "outgoing_mail", ["bounce_of_id"], ["id"],
            ondelete="SET NULL",
        )  # fmt: skip
        table.create_index("ix_inbound_mail_mailbox", ["mailbox", "id"])
        table.create_index("ix_inbound_mail_mailbox_fate", ["mailbox", "fate", "id"])
        table.create_index("ix_inbound_mail_received", ["received_at", "id"])
        table.create_index("ix_inbound_mail_message", ["ticket_message_id"])
    with op.batch_alter_table("message") as table:
        table.add_column(sa.Column("proof", sa.String(16), nullable=False, server_default=""))
        table.add_column(sa.Column("remark", sa.Text(), nullable=False, server_default=""))
    with op.batch_alter_table("ticket") as table:
        table.add_column(sa.Column("follows_id", Id, nullable=True))
        table.create_foreign_key(op.f("fk_ticket_follows_id_ticket"), "ticket", ["follows_id"], ["id"])
        table.create_index("ix_ticket_follows", ["follows_id"])
    op.create_table(
        "awaited_mail",
        sa.Column("id", Id, nullable=False),
        sa.Column("message_id", sa.String(255), nullable=False),
        sa.Column("ticket_id", Id, nullable=False),
        sa.ForeignKeyConstraint(
            ["ticket_id"], ["ticket.id"], name=op.f("fk_awaited_mail_ticket_id_ticket"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_awaited_mail")),
    )
    op.create_index("ix_awaited_mail_message_id", "awaited_mail", ["message_id"])
    op.create_index("ix_awaited_mail_ticket", "awaited_mail", ["ticket_id"])
    op.create_table(
        "proposed_participant",
        sa.Column("id", Id, nullable=False),
        sa.Column("ticket_id", Id, nullable=False),
        sa.Column("email", sa.String(254), nullable=False),
        sa.Column("name", sa.String(200), nullable=False),
        sa.Column("state", sa.String(10), nullable=False),
        sa.Column("way", sa.String(6), nullable=False),
        sa.Column("proposed_at", UtcTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["ticket_id"], ["ticket.id"], name=op.f("fk_proposed_participant_ticket_id_ticket"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_proposed_participant")),
        sa.UniqueConstraint("ticket_id", "email", name=op.f("uq_proposed_participant_ticket_id_email")),
    )
    op.create_table(
        "spam_sender",
        sa.Column("id", Id, nullable=False),
        sa.Column("email", sa.String(254), nullable=False),
        sa.Column("by_id", Id, nullable=False),
        sa.Column("at", UtcTime(), nullable=False),
        sa.ForeignKeyConstraint(["by_id"], ["user.id"], name=op.f("fk_spam_sender_by_id_user")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_spam_sender")),
        sa.UniqueConstraint("email", name=op.f("uq_spam_sender_email")),
    )
    mail_search.create(op.get_bind())


def downgrade() -> None:
    mail_search.drop(op.get_bind())
    for name in ("spam_sender", "proposed_participant", "awaited_mail"):
        op.drop_table(name)
    with op.batch_alter_table("ticket") as table:
        table.drop_index("ix_ticket_follows")
        table.drop_constraint(op.f("fk_ticket_follows_id_ticket"), type_="foreignkey")
        table.drop_column("follows_id")
    with op.batch_alter_table("message") as table:
        table.drop_column("remark")
        table.drop_column("proof")
    op.execute("UPDATE inbound_mail SET fate = 'ignored' WHERE fate = 'spam'")
    with op.batch_alter_table("inbound_mail") as table:
        for name in ("message", "received", "mailbox_fate", "mailbox"):
            table.drop_index(f"ix_inbound_mail_{name}")
        table.drop_constraint(op.f("fk_inbound_mail_bounce_of_id_outgoing_mail"), type_="foreignkey")
        for name in ("bounce_of_id", "dmarc", "dkim", "spf", "proof"):
            table.drop_column(name)

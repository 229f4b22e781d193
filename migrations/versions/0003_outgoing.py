"""What analysts and admins decide about outgoing mail, and more of what became of each."""

import sqlalchemy as sa
from alembic import op

from core.db import Id, Json, UtcTime

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("outgoing_mail") as table:
        table.add_column(sa.Column("list_name", sa.String(40), nullable=False, server_default=""))
        table.add_column(sa.Column("unsubscribe", sa.Text(), nullable=False, server_default=""))
        table.add_column(sa.Column("fault", sa.String(10), nullable=False, server_default=""))
        table.add_column(sa.Column("next_at", UtcTime(), nullable=True))
        table.add_column(sa.Column("sending_until", UtcTime(), nullable=True))
        table.add_column(sa.Column("retried_at", UtcTime(), nullable=True))
        table.create_index("ix_outgoing_mail_sent", ["sent_at"])
    with op.batch_alter_table("ticket") as table:
        table.add_column(sa.Column("attention", sa.String(20), nullable=False, server_default=""))
    op.create_table(
        "planned_reply",
        sa.Column("id", Id, nullable=False),
        sa.Column("ticket_id", Id, nullable=False),
        sa.Column("by_id", Id, nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("then", sa.String(10), nullable=False),
        sa.Column("to_ids", Json, nullable=True),
        sa.Column("cc_ids", Json, nullable=False),
        sa.Column("files", Json, nullable=False),
        sa.Column("cites", Json, nullable=False),
        sa.Column("is_later", sa.Boolean(), nullable=False),
        sa.Column("last_seen", Id, nullable=False),
        sa.Column("leaves_at", UtcTime(), nullable=False),
        sa.Column("held", sa.Text(), nullable=False),
        sa.Column("created_at", UtcTime(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["ticket_id"], ["ticket.id"], name=op.f("fk_planned_reply_ticket_id_ticket"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["by_id"], ["user.id"], name=op.f("fk_planned_reply_by_id_user")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_planned_reply")),
    )
    op.create_index("ix_planned_reply_ticket", "planned_reply", ["ticket_id", "id"])
    op.create_table(
        "mail_text",
        sa.Column("id", Id, nullable=False),
        sa.Column("name", sa.String(40), nullable=False),
        sa.Column("language", sa.String(8), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("changed_at", UtcTime(), nullable=False),
        sa.Column("changed_by_id", Id, nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["changed_by_id"], ["user.id"], name=op.f("fk_mail_text_changed_by_id_user")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_mail_text")),
        sa.UniqueConstraint("name", "language", name=op.f("uq_mail_text_name_language")),
    )
    op.create_table(
        "mail_choice",
        sa.Column("id", Id, nullable=False),
        sa.Column("user_id", Id, nullable=False),
        sa.Column("signature", sa.Text(), nullable=False),
        sa.Column("wants_notices", sa.Boolean(), nullable=False),
        sa.Column("wants_digest", sa.Boolean(), nullable=False),
        sa.Column("digest_at", UtcTime(), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["user_id"], ["user.id"], name=op.f("fk_mail_choice_user_id_user"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_mail_choice")),
        sa.UniqueConstraint("user_id", name=op.f("uq_mail_choice_user_id")),
    )
    op.create_index("ix_mail_choice_digest", "mail_choice", ["wants_digest", "digest_at"])


def downgrade() -> None:
    op.drop_table("mail_choice")
    op.drop_table("mail_text")
    op.drop_table("planned_reply")
    with op.batch_alter_table("ticket") as table:
        table.drop_column("attention")
    # What only this version knows is told as what came nearest to it before.
    op.execute("UPDATE outgoing_mail SET state = 'dead' WHERE state = 'bounced'")
    with op.batch_alter_table("outgoing_mail") as table:
        table.drop_index("ix_outgoing_mail_sent")
        for name in ("retried_at", "sending_until", "next_at", "fault", "unsubscribe", "list_name"):
            table.drop_column(name)

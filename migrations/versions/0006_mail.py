"""The words of mails that went out are indexed, as those of mails that came in."""

from alembic import op

from helpdesk import mail_search

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    mail_search.create(op.get_bind(), mail_search.OUTGOING)


def downgrade() -> None:
    mail_search.drop(op.get_bind(), mail_search.OUTGOING)

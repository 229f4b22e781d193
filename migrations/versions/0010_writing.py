"""Articles have owners, days of review and old addresses; changes wait for a reviewer; drafts and views are kept."""

import sqlalchemy as sa
from alembic import op

from core.db import Id, Json, UtcTime

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("article") as table:
        table.alter_column("state", type_=sa.String(20), existing_type=sa.String(10), existing_nullable=False)
        table.add_column(sa.Column("owner_id", Id, nullable=True))
        table.add_column(sa.Column("review_by", sa.Date(), nullable=True))
        table.add_column(sa.Column("reminded_at", UtcTime(), nullable=True))
        table.add_column(sa.Column("replaced_by_id", Id, nullable=True))
        table.add_column(sa.Column("renderer", sa.Integer(), nullable=False, server_default="0"))
        table.create_foreign_key(op.f("fk_article_owner_id_user"), "user", ["owner_id"], ["id"])
        table.create_foreign_key(
            op.f("fk_article_replaced_by_id_article"), "article", ["replaced_by_id"], ["id"], ondelete="SET NULL"
        )
        table.create_index(op.f("ix_article_owner_id"), ["owner_id"])
    with op.batch_alter_table("article_revision") as table:
        table.add_column(sa.Column("significance", sa.String(10), nullable=False, server_default="normal"))
    op.create_table(
        "article_change",
        sa.Column("id", Id, nullable=False),
        sa.Column("article_id", Id, nullable=False),
        sa.Column("base_number", sa.Integer(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("summary", sa.Text(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("topic", sa.String(60), nullable=False),
        sa.Column("tags", Json, nullable=False),
        sa.Column("visibility", sa.String(10), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("significance", sa.String(10), nullable=False),
        sa.Column("author_id", Id, nullable=True),
        sa.Column("updated_at", UtcTime(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        _of_article("article_change"),
        _of_person("article_change", "author_id"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_article_change")),
        sa.UniqueConstraint("article_id", name=op.f("uq_article_change_article_id")),
    )
    op.create_table(
        "article_review",
        sa.Column("id", Id, nullable=False),
        sa.Column("article_id", Id, nullable=False),
        sa.Column("reviewer_id", Id, nullable=False),
        sa.Column("author_id", Id, nullable=True),
        sa.Column("state", sa.String(10), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("at", UtcTime(), nullable=False),
        sa.Column("decided_at", UtcTime(), nullable=True),
        _of_article("article_review"),
        _of_person("article_review", "reviewer_id"),
        _of_person("article_review", "author_id"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_article_review")),
    )
    op.create_index("ix_article_review_article", "article_review", ["article_id", "id"])
    op.create_index("ix_article_review_reviewer", "article_review", ["reviewer_id", "state"])
    op.create_table(
        "article_comment",
        sa.Column("id", Id, nullable=False),
        sa.Column("article_id", Id, nullable=False),
        sa.Column("author_id", Id, nullable=True),
        sa.Column("line", sa.Integer(), nullable=False),
        sa.Column("quoted", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("at", UtcTime(), nullable=False),
        sa.Column("settled_at", UtcTime(), nullable=True),
        _of_article("article_comment"),
        _of_person("article_comment", "author_id"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_article_comment")),
    )
    op.create_index("ix_article_comment_article", "article_comment", ["article_id", "id"])
    op.create_table(
        "article_address",
        sa.Column("id", Id, nullable=False),
        sa.Column("language", sa.String(8), nullable=False),
        sa.Column("slug", sa.String(200), nullable=False),
        sa.Column("article_id", Id, nullable=False),
        sa.Column("at", UtcTime(), nullable=False),
        _of_article("article_address"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_article_address")),
        sa.UniqueConstraint("language", "slug", name=op.f("uq_article_address_language_slug")),
    )
    op.create_index(op.f("ix_article_address_article_id"), "article_address", ["article_id"])
    _create_counts()


def _create_counts() -> None:
    op.create_table(
        "article_typing",
        sa.Column("id", Id, nullable=False),
        sa.Column("person_id", Id, nullable=False),
        sa.Column("place", sa.String(40), nullable=False),
        sa.Column("fields", Json, nullable=False),
        sa.Column("at", UtcTime(), nullable=False),
        _of_person("article_typing", "person_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_article_typing")),
        sa.UniqueConstraint("person_id", "place", name=op.f("uq_article_typing_person_id_place")),
    )
    op.create_index(op.f("ix_article_typing_at"), "article_typing", ["at"])
    op.create_table(
        "article_views",
        sa.Column("id", Id, nullable=False),
        sa.Column("article_id", Id, nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        _of_article("article_views"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_article_views")),
        sa.UniqueConstraint("article_id", "day", name=op.f("uq_article_views_article_id_day")),
    )


def _of_article(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["article_id"], ["article.id"], name=op.f(f"fk_{table}_article_id_article"), ondelete="CASCADE"
    )


def _of_person(table: str, column: str, ondelete: str | None = None) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([column], ["user.id"], name=op.f(f"fk_{table}_{column}_user"), ondelete=ondelete)


def downgrade() -> None:
    for table in (
        "article_views", "article_typing", "article_address", "article_comment", "article_review", "article_change",
    ):  # fmt: skip
        op.drop_table(table)
    with op.batch_alter_table("article_revision") as table:
        table.drop_column("significance")
    # What the older code does not know: readers go on to see the one and not the other.
    op.execute("UPDATE article SET state = 'published' WHERE state = 'needs_update'")
    op.execute("UPDATE article SET state = 'withdrawn' WHERE state = 'retired'")
    op.execute("UPDATE article SET state = 'draft' WHERE state = 'in_review'")
    with op.batch_alter_table("article") as table:
        table.drop_index(op.f("ix_article_owner_id"))
        table.drop_constraint(op.f("fk_article_replaced_by_id_article"), type_="foreignkey")
        table.drop_constraint(op.f("fk_article_owner_id_user"), type_="foreignkey")
        for column in ("renderer", "replaced_by_id", "reminded_at", "review_by", "owner_id"):
            table.drop_column(column)
        table.alter_column("state", type_=sa.String(10), existing_type=sa.String(20), existing_nullable=False)

"""Translations know their source; collections, order and related articles."""

import sqlalchemy as sa
from alembic import op

from core.db import Id, UtcTime

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("article") as table:
        table.add_column(sa.Column("source_id", Id, nullable=True))
        table.add_column(sa.Column("source_revision_number", sa.Integer(), nullable=False, server_default="0"))
        table.add_column(sa.Column("position", sa.Integer(), nullable=False, server_default="10000"))
        table.create_foreign_key(
            op.f("fk_article_source_id_article"), "article", ["source_id"], ["id"], ondelete="SET NULL"
        )
        table.create_index(
            "ix_article_source_id", ["source_id"], sqlite_where=sa.text("source_id IS NOT NULL"),
            postgresql_where=sa.text("source_id IS NOT NULL"),
        )  # fmt: skip
        table.drop_index("ix_article_browse")
        table.create_index("ix_article_browse", ["state", "visibility", "language", "topic", "position", "title"])
    _find_sources()
    op.create_table(
        "collection",
        sa.Column("id", Id, nullable=False),
        sa.Column("slug", sa.String(200), nullable=False),
        sa.Column("language", sa.String(8), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("visibility", sa.String(10), nullable=False),
        sa.Column("parent_id", Id, nullable=True),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("updated_at", UtcTime(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["parent_id"], ["collection.id"], name=op.f("fk_collection_parent_id_collection"), ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_collection")),
        sa.UniqueConstraint("slug", name=op.f("uq_collection_slug")),
    )
    op.create_index("ix_collection_order", "collection", ["parent_id", "position", "id"])
    _between_articles("collection_member", ("collection", "collection_id"), ("article", "article_id"))
    op.create_index("ix_collection_member_order", "collection_member", ["collection_id", "position"])
    _between_articles("related_article", ("article", "article_id"), ("article", "related_id"))
    op.create_table(
        "translation_message",
        sa.Column("id", Id, nullable=False),
        sa.Column("article_id", Id, nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("problem", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["article_id"], ["article.id"], name=op.f("fk_translation_message_article_id_article"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_translation_message")),
        sa.UniqueConstraint("article_id", "digest", name=op.f("uq_translation_message_article_id_digest")),
    )


def _find_sources() -> None:
    """Until now the same slug made translations: the source is the English one, else the oldest."""
    op.execute(
        "UPDATE article SET source_id = ("
        "SELECT other.id FROM article AS other WHERE other.slug = article.slug "
        "ORDER BY CASE WHEN other.language = 'en' THEN 0 ELSE 1 END, other.created_at, other.id LIMIT 1) "
        "WHERE slug IN (SELECT slug FROM article GROUP BY slug HAVING count(*) > 1)"
    )
    op.execute("UPDATE article SET source_id = NULL WHERE source_id = id")
    # Made from what the source said when the translation was changed last.
    op.execute(
        "UPDATE article SET source_revision_number = coalesce("
        "(SELECT max(revision.number) FROM article_revision AS revision "
        "WHERE revision.article_id = article.source_id AND revision.at <= article.updated_at), 1) "
        "WHERE source_id IS NOT NULL"
    )


def _between_articles(name: str, one: tuple[str, str], other: tuple[str, str]) -> None:
    op.create_table(
        name,
        sa.Column("id", Id, nullable=False),
        sa.Column(one[1], Id, nullable=False),
        sa.Column(other[1], Id, nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        *(
            sa.ForeignKeyConstraint(
                [column], [f"{table}.id"], name=op.f(f"fk_{name}_{column}_{table}"), ondelete="CASCADE"
            )
            for table, column in (one, other)
        ),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{name}")),
        sa.UniqueConstraint(one[1], other[1], name=op.f(f"uq_{name}_{one[1]}_{other[1]}")),
    )
    op.create_index(op.f(f"ix_{name}_{other[1]}"), name, [other[1]])


def downgrade() -> None:
    for name in ("translation_message", "related_article", "collection_member", "collection"):
        op.drop_table(name)
    with op.batch_alter_table("article") as table:
        table.drop_index("ix_article_browse")
        table.create_index("ix_article_browse", ["state", "visibility", "language", "topic", "title"])
        table.drop_index("ix_article_source_id")
        table.drop_constraint(op.f("fk_article_source_id_article"), type_="foreignkey")
        for name in ("position", "source_revision_number", "source_id"):
            table.drop_column(name)

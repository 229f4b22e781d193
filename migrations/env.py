"""Alembic's environment: the application's engine, one transaction for each migration."""

import logging

from alembic import context
from flask import current_app

from core.db import db

config = context.config
logger = logging.getLogger("alembic.env")


def run() -> None:
    """Run the migrations on the application's engine."""
    options = current_app.extensions["migrate"].configure_args
    engine = db.engine
    with engine.connect() as connection:
        if engine.dialect.name == "sqlite":
            # Tables are copied to change them, and a copy must not trip over its own references.
            connection.exec_driver_sql("PRAGMA foreign_keys=OFF")
            connection.commit()
        context.configure(
            connection=connection, target_metadata=db.metadata, transaction_per_migration=True, **options
        )
        with context.begin_transaction():
            context.run_migrations()


run()

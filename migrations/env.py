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
        # Tables are copied to change them, and dropping the old one must not take away the rows that refer to it. The
        # pragma counts only outside a transaction, so it goes past the engine, which begins one with every statement.
        driver = connection.connection.driver_connection if engine.dialect.name == "sqlite" else None
        if driver is not None:
            driver.execute("PRAGMA foreign_keys=OFF")
        try:
            context.configure(
                connection=connection, target_metadata=db.metadata, transaction_per_migration=True, **options
            )
            with context.begin_transaction():
                context.run_migrations()
        finally:
            if driver is not None:
                connection.rollback()
                driver.execute("PRAGMA foreign_keys=ON")


run()

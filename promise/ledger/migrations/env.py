"""Alembic's entry: runs the steps on the connection that `ledger.sqlite` hands over, in its transaction."""

from __future__ import annotations

from alembic import context

from promise.ledger.schema import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata)
context.run_migrations()

"""Tables for the sections of the configuration, and for its revision."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

RECORDS = ("section", "revision")
WIDE = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Make the tables."""
    for name in RECORDS:
        op.create_table(
            name,
            sa.Column("id", sa.Text, primary_key=True),
            sa.Column("seq", WIDE, nullable=False),
            sa.Column("record", sa.Text, nullable=False),
        )

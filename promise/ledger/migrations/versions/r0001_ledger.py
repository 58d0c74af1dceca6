"""The first ledger: journal, head, records, secrets."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

RECORDS = ("provider", "pool", "reservation", "allocation", "operation", "policy", "idempotency")
WIDE = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Make the tables, and the head of an empty journal."""
    op.create_table(
        "journal",
        sa.Column("seq", WIDE, primary_key=True, autoincrement=False),
        sa.Column("at", WIDE, nullable=False),
        sa.Column("origin", sa.Text, nullable=False),
        sa.Column("actor", sa.Text, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("payload", sa.Text, nullable=False),
        sa.Column("hash", sa.LargeBinary(32), nullable=False),
    )
    head = op.create_table(
        "journal_head",
        sa.Column("id", sa.Integer, sa.CheckConstraint("id = 1"), primary_key=True, autoincrement=False),
        sa.Column("seq", WIDE, nullable=False),
        sa.Column("at", WIDE, nullable=False),
        sa.Column("hash", sa.LargeBinary(32), nullable=False),
        sa.Column("base_seq", WIDE, nullable=False),
        sa.Column("base_at", WIDE, nullable=False),
        sa.Column("base_hash", sa.LargeBinary(32), nullable=False),
    )
    zero = bytes(32)
    op.bulk_insert(head, [{"id": 1, "seq": 0, "at": 0, "hash": zero, "base_seq": 0, "base_at": 0, "base_hash": zero}])
    for name in ("secret", "meta"):
        op.create_table(name, sa.Column("key", sa.Text, primary_key=True), sa.Column("value", sa.Text, nullable=False))
    for name in RECORDS:
        op.create_table(
            name,
            sa.Column("id", sa.Text, primary_key=True),
            sa.Column("seq", WIDE, nullable=False),
            sa.Column("record", sa.Text, nullable=False),
        )

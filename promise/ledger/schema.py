"""The tables of the ledger, as SQLAlchemy sees them; `migrations` makes them, and a test compares the two."""

from __future__ import annotations

from typing import Final

from sqlalchemy import BigInteger, CheckConstraint, Column, Integer, LargeBinary, MetaData, Table, Text

RECORDS: Final = (
    "provider", "pool", "reservation", "allocation", "operation", "policy", "idempotency", "section", "revision",
    "subscription",
)  # fmt: skip
"""The kinds of record; each has a table of its own. A further one needs a migration."""

REVISION: Final = "0003"
"""The newest migration."""

WIDE: Final = BigInteger().with_variant(Integer(), "sqlite")
"""64 bits everywhere; SQLite's INTEGER has them, and only under that name a primary key is the row's own number."""

metadata = MetaData()

journal = Table(
    "journal",
    metadata,
    Column("seq", WIDE, primary_key=True, autoincrement=False),
    Column("at", WIDE, nullable=False),
    Column("origin", Text, nullable=False),
    Column("actor", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("payload", Text, nullable=False),
    Column("hash", LargeBinary(32), nullable=False),
)
"""Every event, once and for ever (until it is pruned); seq without gaps."""

journal_head = Table(
    "journal_head",
    metadata,
    Column("id", Integer, CheckConstraint("id = 1"), primary_key=True, autoincrement=False),
    Column("seq", WIDE, nullable=False),
    Column("at", WIDE, nullable=False),
    Column("hash", LargeBinary(32), nullable=False),
    Column("base_seq", WIDE, nullable=False),
    Column("base_at", WIDE, nullable=False),
    Column("base_hash", LargeBinary(32), nullable=False),
)
"""One row: where the journal ends, and behind which entry it begins (0 until it is pruned)."""

secret = Table("secret", metadata, Column("key", Text, primary_key=True), Column("value", Text, nullable=False))
"""Passwords and the like, beside the journal, by the key that events carry."""

meta = Table("meta", metadata, Column("key", Text, primary_key=True), Column("value", Text, nullable=False))
"""`release`: the release of Promise that last opened the ledger."""

records: Final = {
    name: Table(
        name,
        metadata,
        Column("id", Text, primary_key=True),
        Column("seq", WIDE, nullable=False),
        Column("record", Text, nullable=False),
    )
    for name in RECORDS
}
"""The state: each live record as JSON, and the seq of the event that made it so."""

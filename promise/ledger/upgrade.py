"""Brings the tables of a database to this release, or says why that cannot be."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import inspect, text

from promise import __version__
from promise.errors import LedgerUnusable
from promise.ledger.schema import REVISION

if TYPE_CHECKING:
    from sqlalchemy import Connection

MIGRATIONS = Path(__file__).with_name("migrations")
RELEASE_GET = text("SELECT value FROM meta WHERE key = 'release'")
RELEASE_SET = text(
    "INSERT INTO meta (key, value) VALUES ('release', :release) ON CONFLICT (key) DO UPDATE SET value = excluded.value"
)


def upgrade(connection: Connection) -> None:
    """Run the missing migrations in the transaction of the caller, and note this release as the last that was here.

    `LedgerUnusable` when the database is of a newer release, or is something else than a ledger.
    """
    tables = set(inspect(connection).get_table_names())
    if "alembic_version" in tables:
        revision = connection.scalar(text("SELECT version_num FROM alembic_version"))
    elif tables:
        raise LedgerUnusable(f"it is no ledger: it has other tables ({', '.join(sorted(tables)[:3])})")
    else:
        revision = None
    if revision != REVISION:
        _migrate(connection, revision)
    if connection.scalar(RELEASE_GET) != __version__:
        connection.execute(RELEASE_SET, {"release": __version__})


def _migrate(connection: Connection, revision: str | None) -> None:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    known = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
    if revision is not None and revision not in known:
        release = connection.scalar(RELEASE_GET) or "?"
        raise LedgerUnusable(
            f"its schema {revision} is newer than this release ({__version__}) knows; "
            f"it was last opened by release {release}: run that one, or a later one"
        )
    config.attributes["connection"] = connection
    command.upgrade(config, "head")

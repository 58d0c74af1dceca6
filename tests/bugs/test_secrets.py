"""A password that was replaced is on the disk no more, also when the server was killed before it could see to that."""

from __future__ import annotations

from typing import TYPE_CHECKING

from promise.events import fact
from promise.ledger import schema
from promise.ledger.journal import Batch
from promise.ledger.sqlite import SqliteStore
from promise.reservation.policy import Policy

if TYPE_CHECKING:
    from pathlib import Path

FILES = ("ledger.sqlite", "ledger.sqlite-wal")


class KilledEarly(SqliteStore):
    """A store whose process dies between each commit and what follows it."""

    def _wipe(self) -> None:
        pass


def keep(store: SqliteStore, at: int, password: str) -> None:
    batch = Batch(store.head(), at, "0" * 16, schema.RECORDS)
    batch.stage("root", (fact("policy-changed", Policy(retention=at)),), {"cloud": password})
    assert store.append(batch)


def test_an_old_password_is_gone_once_the_ledger_is_opened_again(tmp_path: Path) -> None:
    killed = KilledEarly(tmp_path / "ledger.sqlite")
    keep(killed, 1, "the old password")
    keep(killed, 2, "the new password")
    left = tmp_path / "left"
    left.mkdir()
    for name in FILES:
        (left / name).write_bytes((tmp_path / name).read_bytes())
    killed.close()
    assert b"the old password" in b"".join((left / name).read_bytes() for name in FILES)

    opened = SqliteStore(left / "ledger.sqlite")
    assert b"the old password" not in b"".join(file.read_bytes() for file in left.iterdir())
    assert opened.secret("cloud") == "the new password"
    opened.close()

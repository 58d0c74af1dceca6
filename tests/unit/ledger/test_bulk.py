from __future__ import annotations

import sqlite3
from contextlib import closing

from hypothesis import given
from hypothesis import strategies as st

from promise.ledger.bulk import LARGEST, Bulk

INSERT = Bulk("INSERT INTO thing (id, seq) VALUES", "(?, ?)", "ON CONFLICT (id) DO UPDATE SET seq = excluded.seq")
DELETE = Bulk("DELETE FROM thing WHERE id IN (", "?", ")")


@given(st.integers(0, 3 * LARGEST + 1), st.data())
def test_any_number_of_rows_is_written_in_order_and_deleted(count: int, data: st.DataObject) -> None:
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.execute("CREATE TABLE thing (id TEXT PRIMARY KEY, seq INTEGER)")
        rows = [(f"id {n}", n) for n in range(count)]
        INSERT.run(connection, rows)
        assert connection.execute("SELECT id, seq FROM thing ORDER BY rowid").fetchall() == rows
        gone = data.draw(st.sets(st.sampled_from(rows))) if rows else set()
        DELETE.run(connection, [(key,) for key, _ in gone])
        left = [row for row in rows if row not in gone]
        assert connection.execute("SELECT id, seq FROM thing ORDER BY rowid").fetchall() == left
        INSERT.run(connection, [(key, -seq) for key, seq in left])
        assert connection.execute("SELECT id, -seq FROM thing ORDER BY rowid").fetchall() == left


def test_a_group_of_any_size_needs_few_statements() -> None:
    class Counting:
        def __init__(self) -> None:
            self.sizes: list[int] = []

        def execute(self, statement: str, parameters: list[object]) -> None:
            assert statement.count("?") == len(parameters)
            self.sizes.append(len(parameters))

    counting = Counting()
    DELETE.run(counting, [(n,) for n in range(611)])  # type: ignore[arg-type]
    assert counting.sizes == [256, 256, 64, 32, 2, 1]

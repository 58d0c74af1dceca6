"""Many contributions at once: gathered into columns, summed per instant, and made into blocks in one go."""

from __future__ import annotations

from array import array
from typing import TYPE_CHECKING

import numpy as np

from promise.capacity.blocks import BOUND, Blocks
from promise.capacity.snapshot import HEADROOM, RESERVED, TOTAL, USAGE
from promise.resources import FOREVER

if TYPE_CHECKING:
    from collections.abc import Mapping

    from promise.capacity.blocks import Matrix
    from promise.resources import Window


class Bulk:
    """Contributions, one metric of one window after the other."""

    def __init__(self) -> None:
        self.names: dict[str, int] = {}
        self._starts, self._ends, self._planes, self._counts = (array("q") for _ in range(4))  # per metric and window
        self._keys, self._amounts = array("q"), array("q")  # per resource of it

    def put(self, window: Window, plane: int, capacity: Mapping[str, int]) -> None:
        """Take one metric of one contribution, whose amounts are known to be right."""
        names = self.names
        if not capacity.keys() <= names.keys():
            for name in capacity:
                names.setdefault(name, len(names))
        self._starts.append(window[0])
        self._ends.append(window[1])
        self._planes.append(plane)
        self._counts.append(len(capacity))
        self._keys.extend(map(names.__getitem__, capacity))
        self._amounts.extend(capacity.values())

    def exact(self, blocks: Blocks) -> bool:
        """Tell whether what is gathered can be added to the blocks by sums that are sure to be exact."""
        largest = 2 * float(np.abs(np.array(self._amounts)).sum(dtype=np.float64)) if self._amounts else 0.0
        return float(blocks.variation.max()) + largest < BOUND / 2

    def added_to(self, blocks: Blocks, rows: Mapping[str, int]) -> Blocks:
        """Return new blocks with the old changes and all that is gathered; `rows` tells the row of each name."""
        counts, starts, ends = np.array(self._counts), np.array(self._starts), np.array(self._ends)
        old_times, old_changes = blocks.changes()
        edges = distinct(np.concatenate([old_times, starts, ends]))
        changes = np.zeros((len(edges), len(blocks.variation)), np.int64)
        changes[np.searchsorted(edges, old_times)] = old_changes
        row = np.array([rows[name] for name in self.names], np.int64)[np.array(self._keys)]
        row += np.repeat(np.array(self._planes) * blocks.width, counts)
        amounts, flat = np.array(self._amounts), changes.reshape(-1)
        for at, change in ((starts, np.add), (ends, np.subtract)):
            change.at(flat, row + np.repeat(np.searchsorted(edges, at) * changes.shape[1], counts), amounts)
        return self._blocks(blocks, edges, changes)

    def _blocks(self, like: Blocks, edges: Matrix, changes: Matrix) -> Blocks:
        head, reserved, usage, total = (changes[:, like.rows[plane]] for plane in (HEADROOM, RESERVED, USAGE, TOTAL))
        np.subtract(total, reserved, out=head)
        np.subtract(head, usage, out=head)
        kept = changes.any(axis=1) & (edges < FOREVER)
        blocks = Blocks(like.planes, like.width, like.size)
        blocks.load(edges[kept], changes[kept])
        return blocks


def distinct(values: Matrix) -> Matrix:
    """Return the values in order, each once."""
    ordered: Matrix = np.sort(values)
    first = np.ones(len(ordered), np.bool_)
    np.not_equal(ordered[1:], ordered[:-1], out=first[1:])
    return ordered[first]

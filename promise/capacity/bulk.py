"""Many contributions at once: gathered into columns, summed per instant, and made into blocks in one go."""

from __future__ import annotations

from array import array
from typing import TYPE_CHECKING

import numpy as np

from promise.capacity.blocks import BOUND, Blocks
from promise.capacity.snapshot import HEADROOM, PLANES, RESERVED, TOTAL, USAGE
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
        edges = np.unique(np.concatenate([old_times, starts, ends[ends < FOREVER]]))
        changes = np.zeros((len(PLANES) * blocks.width, len(edges) + 1), np.int64)  # the last takes what has no end
        changes[:, np.searchsorted(edges, old_times)] = old_changes
        row = np.array([rows[name] for name in self.names], np.int64)[np.array(self._keys)]
        row += np.repeat(np.array(self._planes) * blocks.width, counts)
        row *= changes.shape[1]
        amounts, flat = np.array(self._amounts), changes.reshape(-1)
        np.add.at(flat, row + np.repeat(np.searchsorted(edges, starts), counts), amounts)
        np.subtract.at(flat, row + np.repeat(np.searchsorted(edges, ends), counts), amounts)
        return self._blocks(blocks, edges, changes[:, :-1])

    def _blocks(self, like: Blocks, edges: Matrix, changes: Matrix) -> Blocks:
        rows = like.rows
        np.subtract(changes[rows[TOTAL]], changes[rows[RESERVED]], out=changes[rows[HEADROOM]])
        changes[rows[HEADROOM]] -= changes[rows[USAGE]]
        kept = changes.any(axis=0)
        blocks = Blocks(like.planes, like.width, like.size)
        blocks.load(edges[kept], changes if kept.all() else changes[:, kept])
        return blocks

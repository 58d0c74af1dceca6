"""What a timeline tells: levels at an instant or extremes over a window, shortfalls, openings; pure values."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

PLANES: Final = ("headroom", "reserved", "usage", "total")
"""The metrics kept of each resource, in the order in which their levels are stored."""

HEADROOM, RESERVED, USAGE, TOTAL = range(4)

LEAST: Final = (HEADROOM, TOTAL)
"""The metrics whose extreme over a window is the minimum; of the others it is the maximum."""


class Snapshot:
    """What there is at an instant, per known resource; or, of a window, the extreme of each metric over it.

    Of a window: total, headroom and so available at their minimum, reserved, usage and overdrawn at their maximum.
    """

    __slots__ = ("_rows", "_values")

    def __init__(self, rows: Mapping[str, int], values: list[int]) -> None:
        """Take the place of each resource among the values of a plane, and the values of all planes."""
        self._rows = rows
        self._values = values

    def plane(self, plane: int) -> dict[str, int]:
        """Return one metric of each resource."""
        values, offset = self._values, plane * (len(self._values) // len(PLANES))
        return {name: values[offset + row] for name, row in self._rows.items()}

    @property
    def total(self) -> dict[str, int]:
        """What there is."""
        return self.plane(TOTAL)

    @property
    def reserved(self) -> dict[str, int]:
        """What is promised and not yet allocated."""
        return self.plane(RESERVED)

    @property
    def usage(self) -> dict[str, int]:
        """What is used, under a claim or loose."""
        return self.plane(USAGE)

    @property
    def headroom(self) -> dict[str, int]:
        """Total - reserved - usage, negative where overdrawn."""
        return self.plane(HEADROOM)

    @property
    def available(self) -> dict[str, int]:
        """The headroom where there is some, else 0."""
        return {name: max(0, amount) for name, amount in self.headroom.items()}

    @property
    def overdrawn(self) -> dict[str, int]:
        """By how much reserved and usage exceed total, else 0."""
        return {name: max(0, -amount) for name, amount in self.headroom.items()}

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Snapshot):
            return NotImplemented
        return all(self.plane(plane) == other.plane(plane) for plane in range(len(PLANES)))

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"Snapshot(total={self.total}, reserved={self.reserved}, usage={self.usage})"


class Shortfall(NamedTuple):
    """A resource of which too little is available, and [start, end), the first interval in which it is least."""

    resource: str
    requested: int
    available: int
    start: int
    end: int


class Opening(NamedTuple):
    """A maximal run of feasible starts: from `start` to `latest`, itself one; FOREVER when there is no last."""

    start: int
    latest: int

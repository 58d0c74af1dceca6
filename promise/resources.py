"""The resource vector and the window: plain values with exact integer arithmetic.

A capacity is a mapping from resource name to amount. The eleven names of the 2015 YANG (`LEAVES`) keep their
units (ram in MB, gigabytes in GB); any other name is a Placement resource class ("PCPU", "DISK_GB",
"CUSTOM_GOLD") and stands in the `custom` list of the YANG. An absent name means "not said" (design section 2).

A window is half-open, `[start, end)`, in whole seconds of UTC; an open end is `FOREVER`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

LEAVES: Final = (
    "cores", "ram", "instances", "networks", "ports", "routers", "subnets", "addresses", "gigabytes", "snapshots",
    "volumes",
)  # fmt: skip
"""The capacity leaves of the YANG model, in its order."""

FOREVER: Final = 1 << 60
"""The end of an open window: later than any moment that date-and-time can write."""

LAST: Final = 253_402_300_799
"""9999-12-31T23:59:59Z, the last second that date-and-time can write: an end may lie there, and nothing behind it."""

LARGEST: Final = 10**12
"""No single amount may be larger, so that sums of a million of them stay exact in 64 bits."""


WIDE: Final = frozenset({"ram", "gigabytes"})
"""The leaves of 64 bits; the other leaves of the YANG have 32, every further resource has 64."""


def most_of(name: str) -> int:
    """Return the largest amount of a resource that the YANG model can say, and so the largest total of it."""
    return 2**32 - 1 if name in LEAVES and name not in WIDE else LARGEST


class Window(NamedTuple):
    """A half-open interval of whole seconds, `[start, end)`; `end` is FOREVER when open."""

    start: int
    end: int

    def overlaps(self, other: Window) -> bool:
        """Tell whether there is an instant in both; touching windows share none."""
        return self.start < other.end and other.start < self.end

    def inside(self, other: Window) -> bool:
        """Tell whether every instant of this window is one of the other."""
        return other.start <= self.start and self.end <= other.end


def plus(a: Mapping[str, int], b: Mapping[str, int]) -> dict[str, int]:
    """Return a + b per resource; a resource is named when either names it."""
    total = dict(a)
    for name, amount in b.items():
        total[name] = total.get(name, 0) + amount
    return total


def minus(a: Mapping[str, int], b: Mapping[str, int]) -> dict[str, int]:
    """Return a - b per resource, negative where b is larger."""
    left = dict(a)
    for name, amount in b.items():
        left[name] = left.get(name, 0) - amount
    return left


def times(a: Mapping[str, int], count: int) -> dict[str, int]:
    """Return every amount multiplied by `count`."""
    return {name: amount * count for name, amount in a.items()}


def total_of(parts: Iterable[Mapping[str, int]]) -> dict[str, int]:
    """Return the sum of several capacities."""
    total: dict[str, int] = {}
    for part in parts:
        for name, amount in part.items():
            total[name] = total.get(name, 0) + amount
    return total


def named(capacity: Mapping[str, int]) -> dict[str, int]:
    """Return the capacity without its zeros: a resource of amount 0 is not named (design section 5, update)."""
    return {name: amount for name, amount in capacity.items() if amount}


def only(capacity: Mapping[str, int], names: Iterable[str]) -> dict[str, int]:
    """Return the part of the capacity that is about these resources."""
    wanted = set(names)
    return {name: amount for name, amount in capacity.items() if name in wanted}


def without(capacity: Mapping[str, int], names: Iterable[str]) -> dict[str, int]:
    """Return the part of the capacity that is about other resources than these."""
    unwanted = set(names)
    return {name: amount for name, amount in capacity.items() if name not in unwanted}


def in_order(names: Iterable[str]) -> list[str]:
    """Return resource names as answers list them: the leaves in YANG order, then the others by name."""
    found = set(names)
    return [leaf for leaf in LEAVES if leaf in found] + sorted(found.difference(LEAVES))

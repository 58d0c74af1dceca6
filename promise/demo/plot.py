"""A picture of capacity over time, in characters; pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from promise.northbound.bindings import Utilization

HEIGHT = 8
USED, RESERVED, AVAILABLE = "█", "▒", "·"


def plot(title: str, course: Sequence[Utilization], resource: str, starts: Sequence[datetime]) -> list[str]:
    """Return lines that show, per interval, how much of a resource is used, reserved and available.

    `course` has an entry for each of the intervals that begin at `starts`, with all metrics; where it ends early the
    last one holds on.
    """
    columns = []
    known = {entry.timestamp: entry for entry in course}
    entry = course[0]
    for start in starts:
        entry = known.get(start, entry)
        columns.append(tuple(_amount(entry, metric, resource) for metric in ("usage", "reserved", "available")))
    top = max(sum(column) for column in columns) or 1
    width = len(str(top))
    lines = [title]
    for row in range(HEIGHT, 0, -1):
        level = top * (row - 0.5) / HEIGHT
        label = str(round(top * row / HEIGHT)) if row in (HEIGHT, HEIGHT // 2) else ""
        lines.append(f"  {label:>{width}} |" + "".join(_mark(column, level) for column in columns))
    lines.append(f"  {'0':>{width}} +" + "-" * len(columns))
    lines.append(" " * (width + 4) + _days(starts))
    lines.append(f"  {USED} in use   {RESERVED} reserved, not yet in use   {AVAILABLE} available")
    return lines


def _amount(entry: Utilization, metric: str, resource: str) -> int:
    column = getattr(entry, metric)
    return (getattr(column, resource) or 0) if column else 0


def _mark(column: tuple[int, ...], level: float) -> str:
    used, reserved, available = column
    if level < used:
        return USED
    if level < used + reserved:
        return RESERVED
    return AVAILABLE if level < used + reserved + available else " "


def _days(starts: Sequence[datetime]) -> str:
    """Return the weekday under the first interval of each day, where there is room for it."""
    text = [" "] * (len(starts) + 3)
    free = 0
    for index, start in enumerate(starts):
        first = index == 0 or starts[index - 1].date() != start.date()
        if first and index >= free:
            text[index : index + 3] = list(f"{start:%a}")
            free = index + 4
    return "".join(text).rstrip()

"""When a record that is over is forgotten: policy `retention` after its end (contract, policy); pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from promise.allocation.model import Allocation, Operation
from promise.capacity.idempotency import KEPT, Key
from promise.capacity.model import Pool
from promise.events import Event
from promise.reservation.model import Reservation

if TYPE_CHECKING:
    from promise.events import Record


def forgotten_at(record: Record, kept: int) -> int | None:
    """Return the moment at which a record is forgotten that stays readable for `kept` seconds; None = not yet known.

    A key may be forgotten a day after it came; it stays as long as the record that it stands for (design section 5).
    """
    if isinstance(record, Key):
        return record.created + KEPT
    over = _over_since(record)
    return None if over is None else over + kept


def _over_since(record: Record) -> int | None:
    if isinstance(record, Reservation):
        return None if record.live else record.modified
    if isinstance(record, Allocation):
        return None if record.counted else record.end or record.modified
    if isinstance(record, Pool):
        return record.window.end if record.finished else None
    if isinstance(record, Operation):
        return None if record.open else record.finished or record.created
    return None


def forgetting(record: Record) -> Event:
    """Return the event with which a record is forgotten."""
    return Event(f"{record.table}-forgotten", record.table, record.id, None)

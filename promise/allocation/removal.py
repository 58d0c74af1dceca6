"""How a provider leaves the configuration: nothing may count on it any more, unless it is forced; pure (contract)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from promise.allocation.model import USER_DATA, Allocation, Operation
from promise.capacity.idempotency import Key
from promise.capacity.model import Scope
from promise.capacity.provider import Provider
from promise.capacity.providers import forsaken, missing
from promise.capacity.refusal import Reason, Refusal
from promise.events import Decision, Event, fact
from promise.reservation.model import State
from promise.resources import Window

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from promise.allocation.book import AllocationBook
    from promise.capacity.model import Pool
    from promise.events import JSON


@dataclass(frozen=True, slots=True)
class Removed:
    """A provider that is not there any more, and how many live records of each kind went with it."""

    provider: Provider
    pools: int = 0
    reservations: int = 0
    instances: int = 0


def in_use(book: AllocationBook, provider: str) -> Refusal | None:
    """Return the refusal of what needs a provider on which nothing counts, None when nothing does.

    Servers that were made directly do not keep it: they are only watched.
    """
    whole = Scope(provider)
    counts = {
        "pool": len(book.supply(whole).pools),
        "live reservation": sum(1 for _ in book.live_in(whole)),
        "instance": sum(found.ours for found in book.counted_on(provider)),
    }
    parts = [f"{count} {name}{'s' if count > 1 else ''}" for name, count in counts.items() if count]
    if not parts:
        return None
    return Refusal(Reason.PROVIDER_IN_USE, f"provider {provider} has {', '.join(parts)}", provider=provider)


def remove(
    book: AllocationBook, provider: str, now: int, *, force: bool, session: int | None = None
) -> Decision[Removed | Refusal]:
    """Take a provider out of the configuration, and its password out of the secret store; the cloud is not touched.

    With `force` its pools end, its live reservations are cancelled, and the records of the instances that count on it
    are forgotten with what was asked of the cloud for them. What was over before stays readable. `session` is the one
    that asks for just this; None = it is a part of an edit, which is told as a whole.
    """
    refusal = missing(book, provider) or (None if force else in_use(book, provider))
    if refusal:
        return Decision(refusal)
    known = book.providers[provider]
    left = [other for other in book.providers.values() if other.id != provider]
    instances = list(book.counted_on(provider))
    reservations = list(book.live_in(Scope(provider)))
    pools = book.supply(Scope(provider)).pools
    asked: dict[str, JSON] = {} if session is None else {"session": session}
    forgotten = {provider, *(instance.id for instance in instances)}
    events = [
        *_forgotten(book, instances),
        *(
            fact(
                "reservation-cancelled",
                held.over(State.CANCELLED, now),
                old_state=held.state.value,
            )
            for held in reservations
        ),
        *(fact("pool-ended", _ended(pool, now)) for pool in pools),
        *(Event("key-forgotten", Key.table, key.id, None) for key in book.keys.values() if key.subject in forgotten),
        Event("provider-removed", Provider.table, provider, None, {"name": known.name, **asked}),
    ]
    secrets = forsaken(book, left) | {USER_DATA + one.id: None for one in instances if one.user_data}
    return Decision(Removed(known, len(pools), len(reservations), len(instances)), tuple(events), secrets)


def _forgotten(book: AllocationBook, instances: Iterable[Allocation]) -> Iterator[Event]:
    """Yield that instances and their operations are forgotten; operations first, as they name their instance."""
    gone = dict.fromkeys(instance.id for instance in instances)
    for operation in book.operations.values():
        if operation.instance in gone:
            yield Event("operation-forgotten", Operation.table, operation.id, None)
    for instance in gone:
        yield Event("allocation-forgotten", Allocation.table, instance, None)


def _ended(pool: Pool, now: int) -> Pool:
    """Return a pool that is over from now on; one that has not begun has no instant left."""
    start, end = pool.window
    return replace(pool, window=Window(start, max(start, min(end, now))), started=True, finished=True)

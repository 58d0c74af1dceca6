"""Values between the bindings and the rooms: moments, ids and capacities, each way."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit
from uuid import uuid4

from promise.actor import Actor
from promise.errors import BadValue
from promise.northbound import bindings as yang
from promise.resources import FOREVER, LAST, LEAVES, Window
from promise.subscription.model import ALWAYS, Threshold

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from promise.northbound.access import Caller

_LEAVES: Final = frozenset(LEAVES)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
SECOND = timedelta(seconds=1)


def starting(moment: datetime | None) -> int | None:
    """Return the second in which a start lies: starts are rounded down (design section 5, windows)."""
    return None if moment is None else (moment - EPOCH) // SECOND


def ending(moment: datetime | None) -> int | None:
    """Return the second at or after an end: ends are rounded up (design section 5, windows)."""
    return None if moment is None else -((EPOCH - moment) // SECOND)


def told(moment: int | None) -> datetime | None:
    """Return a moment as answers tell it; an open end, or one that cannot be written, is absent."""
    return None if moment is None or moment > LAST else EPOCH + timedelta(seconds=moment)


def sure(moment: int) -> datetime:
    """Return a moment that is always there."""
    return EPOCH + timedelta(seconds=min(moment, LAST))


def fresh_id() -> str:
    """Return an id that nothing has yet."""
    return str(uuid4())


def bare(given: str | None) -> str | None:
    """Return an id of ours without the type that the original wrote before it, in lower case (contract, Types)."""
    return None if given is None else given.rpartition(":")[2].lower()


def bare_set(given: Iterable[str]) -> frozenset[str]:
    """Return ids of ours, bare."""
    return frozenset(each.rpartition(":")[2].lower() for each in given)


def amounts(capacity: yang.Capacity | None) -> dict[str, int]:
    """Return what a capacity says; an absent resource is not said, and so absent."""
    if capacity is None:
        return {}
    said = {name: getattr(capacity, name) for name in LEAVES}
    found = {name: amount for name, amount in said.items() if amount is not None}
    return found | {entry.resource_class: entry.amount for entry in capacity.custom}


def capacity(said: Mapping[str, int]) -> yang.Capacity:
    """Return the capacity that says this; custom classes by name."""
    if said.keys() <= _LEAVES:
        only: Mapping[str, Any] = said
        return yang.Capacity(**only)
    leaves = {name: said[name] for name in LEAVES if name in said}
    custom = tuple(
        yang.CustomAmount(resource_class=name, amount=said[name]) for name in sorted(said) if name not in LEAVES
    )
    return yang.Capacity(**leaves, custom=custom)


def open_end(end: int) -> int | None:
    """Return an end, None for an open one."""
    return None if end >= FOREVER else end


def actor_of(caller: Caller) -> Actor:
    """Return on whose behalf a caller's request is decided; what of others it sees, access control says."""
    return Actor(caller.username, caller.project, session_id=caller.session_id, groups=caller.groups)


def check_callback(uri: str, path: str) -> None:
    """Raise BadValue for a callback-uri that names nobody to post to, or has a password in it, which all could read."""
    try:
        parts = urlsplit(uri)
        fine, port = bool(parts.hostname), parts.port
    except ValueError:
        fine, port = False, None
    if not fine or port == 0:
        raise BadValue(
            "callback-uri must name a host, and no port or one from 1 to 65535", path=path, name="callback-uri"
        )
    if parts.username is not None or parts.password is not None:
        rule = "callback-uri must not have a user or password in it; posts are signed with 'secret'"
        raise BadValue(rule, path=path, name="callback-uri")


def threshold(said: yang.Threshold) -> Threshold:
    """Return a line that capacity may cross."""
    return Threshold(
        metric=said.metric,
        resource=said.resource,
        lower=said.bound == "lower",
        value=said.value,
        hysteresis=said.hysteresis or 0,
        horizon=said.horizon or 0,
    )


def window_of(said: yang.Window | None) -> Window:
    """Return the window of a filter; a start or an end that is not said restricts nothing."""
    if said is None:
        return ALWAYS
    start, end = starting(said.start), ending(said.end)
    return Window(ALWAYS.start if start is None else start, ALWAYS.end if end is None else end)

"""How fast strangers may guess passwords: a few times freely, then with pauses that double; by user, and by address.

Every guess counts before it is looked at, so many at once gain nothing; one that was right is taken back. Nobody can
tell from a brake whether a user exists: names that nobody has are braked in the same way. It is pure: time comes in.
"""

from __future__ import annotations

import ipaddress
from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

MOST: Final = 10_000
"""So many users, and so many addresses, are kept in mind; then the one that has been quiet for longest is forgotten."""

_IPV6: Final = 6


@dataclass(frozen=True, slots=True)
class Limits:
    """How many failures are free for a user and for an address (0 = the brake is off), and the pauses, in seconds.

    Who has not failed for `forget` seconds begins anew.
    """

    per_user: int = 5
    per_address: int = 50
    first: int = 1
    longest: int = 60
    forget: int = 900


@dataclass(slots=True)
class _Record:
    """How often somebody has failed, when last, and until when he has to wait."""

    failures: int = 0
    last: int = 0
    until: int = 0


class Brake:
    """One brake, on users or on addresses."""

    def __init__(self, free: int, limits: Limits) -> None:
        self._free = free
        self._limits = limits
        self._records: OrderedDict[str, _Record] = OrderedDict()

    def failures(self, key: str, now: int) -> int:
        """Return how many failures of somebody are remembered."""
        record = self._records.get(key)
        return 0 if record is None or now - record.last > self._limits.forget else record.failures

    def holds(self, key: str, now: int) -> bool:
        """Tell whether somebody has to wait."""
        record = self._records.get(key)
        return bool(self._free) and record is not None and now < record.until

    def failed(self, key: str, now: int) -> None:
        """Count a failure."""
        failures = self.failures(key, now) + 1
        over = failures - self._free
        pause = min(self._limits.longest, self._limits.first << min(over, 32)) if over >= 0 else 0
        self._records[key] = _Record(failures, now, now + pause)
        self._records.move_to_end(key)
        while len(self._records) > MOST:
            self._records.popitem(last=False)

    def excuse(self, key: str) -> None:
        """Take one failure back: it was none, and nobody has to wait for it."""
        record = self._records.get(key)
        if record is not None:
            record.failures -= 1
            record.until = 0
            if record.failures <= 0:
                del self._records[key]


class Brakes:
    """Both brakes, shared by all doors; `now` tells the time in seconds."""

    def __init__(self, limits: Limits, now: Callable[[], int]) -> None:
        self._now = now
        self._users = Brake(limits.per_user, limits)
        self._addresses = Brake(limits.per_address, limits)

    def recognizes(self, user: str, host: str) -> bool:
        """Tell whether a password that was right before may be recognized again.

        While somebody else guesses at a user, that one still gets in from where nobody has failed.
        """
        now = self._now()
        return not self._users.holds(user, now) or self._addresses.failures(network(host), now) == 0

    def admits(self, user: str, host: str) -> bool:
        """Tell whether a guess may be looked at; it counts as a failure until it is excused."""
        now, address = self._now(), network(host)
        if self._users.holds(user, now):
            return False
        held = self._addresses.holds(address, now)
        self._users.failed(user, now)
        if not held:
            self._addresses.failed(address, now)
        return not held

    def excuse(self, user: str, host: str) -> None:
        """Take back what was counted: the guess was right."""
        self._users.excuse(user)
        self._addresses.excuse(network(host))


def network(host: str) -> str:
    """Return whom an address stands for: itself, or with IPv6 the /64 of which everybody has plenty of addresses."""
    try:
        found = ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return host
    if found.version == _IPV6:
        return str(ipaddress.ip_network(f"{found}/64", strict=False))
    return str(found)

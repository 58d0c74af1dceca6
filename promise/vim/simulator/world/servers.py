"""Servers and their life: BUILD -> ACTIVE | ERROR, stop, start, reboot, and deletion, as time passes."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from promise.vim.simulator.world.errors import ApiError
from promise.vim.simulator.world.names import fresh

if TYPE_CHECKING:
    from collections.abc import Callable

    from promise.vim.simulator.world.flavors import Flavor

_STATUS: Final = {
    "building": "BUILD", "active": "ACTIVE", "stopped": "SHUTOFF", "error": "ERROR", "paused": "PAUSED",
    "suspended": "SUSPENDED", "resized": "VERIFY_RESIZE", "deleted": "DELETED",
    "shelved_offloaded": "SHELVED_OFFLOADED",
}  # fmt: skip
_POWER: Final = {"active": 1, "paused": 3, "stopped": 4, "suspended": 4, "shelved_offloaded": 4, "resized": 1}
STATES: Final = {status: state for state, status in _STATUS.items()}
"""The vm_state behind each status that a list can be filtered by."""


def _nobody(server: Server, kind: str, moment: float, old_state: str) -> None:
    """Tell nobody."""


@dataclass(slots=True)
class Server:
    """A server. `flavor` is a copy: later changes of the flavor do not touch it. `zone` is what was asked for.

    `tell` is called with what happens to it (see events.Events.tell).
    """

    name: str
    project_id: str
    user_id: str
    flavor: Flavor
    image: str
    created: float
    updated: float
    id: str = field(default_factory=fresh)
    zone: str | None = None
    host: str | None = None
    host_zone: str | None = None
    vm_state: str = "building"
    task_state: str | None = "scheduling"
    launched: float | None = None
    terminated: float | None = None
    metadata: dict[str, str] = field(default_factory=dict)
    description: str | None = None
    key_name: str | None = None
    user_data: str | None = None
    config_drive: bool = False
    security_groups: list[str] = field(default_factory=list)
    tags: list[str] = field(default_factory=list)
    group: str | None = None
    reservation_id: str = ""
    launch_index: int = 0
    locked: bool = False
    locked_reason: str | None = None
    hostname: str = ""
    number: int = 0
    from_volume: bool = False
    fault: tuple[float, str] | None = None
    access: tuple[str, str] = ("", "")
    old_flavor: Flavor | None = None
    old_host: str | None = None
    migration: str | None = None
    actions: list[dict[str, Any]] = field(default_factory=list)
    tell: Callable[[Server, str, float, str], None] = field(default=_nobody, repr=False)

    @property
    def status(self) -> str:
        """Return the status as the API shows it, from the state and the task under way."""
        if self.vm_state == "active" and self.task_state in {"rebooting", "rebooting_hard"}:
            return "REBOOT" if self.task_state == "rebooting" else "HARD_REBOOT"
        if self.vm_state in {"active", "stopped"} and self.task_state in {"resize_prep", "resize_migrating"}:
            return "RESIZE"
        return _STATUS[self.vm_state]

    @property
    def power_state(self) -> int:
        """Return what the hypervisor says of the machine: 0 nothing, 1 running, 3 paused, 4 shut down."""
        return _POWER.get(self.vm_state, 0) if self.host else 0

    @property
    def shown_zone(self) -> str:
        """Return the zone in which it is, or the one that was asked for while it is nowhere."""
        return self.host_zone or self.zone or ""

    def record(self, action: str, moment: float) -> None:
        """Note what was asked for, as the list of actions shows it."""
        entry = {"action": action, "request_id": f"req-{fresh()}", "start_time": moment, "user_id": self.user_id}
        self.actions.append(entry)

    def require(self, verb: str, *states: str) -> None:
        """Raise Nova's 409 unless the server is in one of these states with no task under way."""
        if self.locked:
            raise ApiError(409, f"Instance {self.id} is locked")
        if self.vm_state not in states:
            raise ApiError(409, f"Cannot '{verb}' instance {self.id} while it is in vm_state {self.vm_state}")
        if self.task_state is not None:
            raise ApiError(409, f"Cannot '{verb}' instance {self.id} while it is in task_state {self.task_state}")

    def settle(self, vm_state: str, moment: float) -> None:
        """End the task under way in this state."""
        old, self.vm_state = self.vm_state, vm_state
        self.task_state, self.updated = None, moment
        self.tell(self, "update", moment, old)

    def begin(self, task: str, moment: float) -> None:
        """Begin a task."""
        self.task_state, self.updated = task, moment
        self.tell(self, "update", moment, self.vm_state)

    def fail(self, message: str, moment: float) -> None:
        """Become ERROR with a fault."""
        self.settle("error", moment)
        self.fault = (moment, message)

"""What Nova tells of its servers, as Ceilometer hands it on: an event type and traits (name, type, value)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from promise.vim.simulator.world.names import fresh, micro

if TYPE_CHECKING:
    from promise.vim.simulator.world.servers import Server

STRING: Final = 1
INTEGER: Final = 2
DATETIME: Final = 4


@dataclass(frozen=True, slots=True)
class Event:
    """One event: when it was generated, of which project, and its traits."""

    type: str
    generated: float
    project_id: str
    traits: tuple[tuple[str, int, str | int], ...]
    message_id: str

    def trait(self, name: str) -> str | int | None:
        """Return the value of a trait, None when the event has none of this name."""
        return next((value for key, _, value in self.traits if key == name), None)

    def shown(self) -> dict[str, Any]:
        """Return the event as alarms carry it to whoever they call."""
        return {
            "message_id": self.message_id, "event_type": self.type, "generated": micro(self.generated),
            "traits": [list(trait) for trait in self.traits], "raw": {}, "message_signature": "",
        }  # fmt: skip


class Events:
    """The events that nobody has fetched yet, in the order in which they happened."""

    def __init__(self) -> None:
        self._waiting: list[Event] = []

    def tell(self, server: Server, kind: str, moment: float, old_state: str = "") -> None:
        """Note that something happened to a server: "update", "create.end", ..."""
        flavor = server.flavor
        traits: list[tuple[str, int, str | int]] = [
            ("service", STRING, "compute"), ("request_id", STRING, f"req-{fresh()}"),
            ("project_id", STRING, server.project_id), ("user_id", STRING, server.user_id),
            ("tenant_id", STRING, server.project_id), ("instance_id", STRING, server.id),
            ("resource_id", STRING, server.id), ("display_name", STRING, server.name),
            ("host", STRING, server.host or "controller"), ("instance_type", STRING, flavor.name),
            ("instance_flavor_id", STRING, flavor.id), ("state", STRING, server.vm_state),
            ("memory_mb", INTEGER, flavor.ram), ("disk_gb", INTEGER, flavor.disk + flavor.ephemeral),
            ("root_gb", INTEGER, flavor.disk), ("ephemeral_gb", INTEGER, flavor.ephemeral),
            ("vcpus", INTEGER, flavor.vcpus),
        ]  # fmt: skip
        if kind == "update":
            traits.append(("old_state", STRING, old_state))
        if kind == "create.end":
            traits.append(("availability_zone", STRING, server.shown_zone))
        if server.launched:
            traits.append(("launched_at", DATETIME, micro(server.launched)))
        if server.terminated:
            traits.append(("deleted_at", DATETIME, micro(server.terminated)))
        event_type = f"compute.instance.{kind}"
        self._waiting.append(Event(event_type, moment, server.project_id, tuple(traits), fresh()))

    def fetch(self) -> list[Event]:
        """Return what has happened since the last time."""
        waiting, self._waiting = self._waiting, []
        return waiting

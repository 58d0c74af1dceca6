"""Volumes and snapshots, as Cinder keeps them: created after a moment, attached to servers, counted in GB."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from promise.vim.simulator.world.errors import ApiError
from promise.vim.simulator.world.names import fresh

if TYPE_CHECKING:
    from promise.vim.simulator.options import SimulatorOptions
    from promise.vim.simulator.world.agenda import Agenda
    from promise.vim.simulator.world.quotas import Quotas


@dataclass(slots=True)
class Volume:
    """A volume of `size` GB; `server` is where it is attached, with the device's name."""

    id: str
    name: str
    size: int
    project_id: str
    user_id: str
    type: str
    created: float
    updated: float
    status: str = "creating"
    description: str = ""
    zone: str = "nova"
    image: str | None = None
    snapshot: str | None = None
    source: str | None = None
    server: str | None = None
    device: str = ""
    attached: float = 0.0
    attachment_id: str = ""
    delete_with_server: bool = False
    boot: bool = False
    metadata: dict[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class Snapshot:
    """A snapshot of a volume; it counts its size in gigabytes too."""

    id: str
    name: str
    volume_id: str
    size: int
    project_id: str
    user_id: str
    created: float
    updated: float
    status: str = "creating"
    description: str = ""
    metadata: dict[str, str] = field(default_factory=dict)


class Volumes:
    """Every volume and snapshot of the cloud."""

    def __init__(self, options: SimulatorOptions, quotas: Quotas, agenda: Agenda) -> None:
        self._seconds = options.volume_seconds
        self._fail_marker, self._stuck_marker = options.fail_marker, options.stuck_marker
        self._quotas = quotas
        self._agenda = agenda
        self.types = list(options.volume_types)
        self.pool = options.volume_pool
        self.volumes: dict[str, Volume] = {}
        self.snapshots: dict[str, Snapshot] = {}
        self._by_server: dict[str, list[Volume]] = {}

    def used(self, project_id: str) -> dict[str, int]:
        """Return what a project uses, by the names of Cinder's quota."""
        volumes = [volume.size for volume in self.volumes.values() if volume.project_id == project_id]
        snapshots = [snapshot.size for snapshot in self.snapshots.values() if snapshot.project_id == project_id]
        return {
            "volumes": len(volumes), "snapshots": len(snapshots), "gigabytes": sum(volumes) + sum(snapshots),
            "backups": 0, "backup_gigabytes": 0, "groups": 0, "per_volume_gigabytes": 0,
        }  # fmt: skip

    def _check(self, project_id: str, counted: str, size: int) -> None:
        """Raise Cinder's 413 unless one more of these, of this many GB, is within quota."""
        used, quotas = self.used(project_id), self._quotas
        if quotas.exceeded(project_id, counted, used[counted] + 1):
            limit = quotas.limit(project_id, counted)
            message = f"Maximum number of {counted} allowed ({limit}) exceeded for quota '{counted}'."
            raise ApiError(413, f"{counted[:-1].capitalize()}LimitExceeded: {message}")
        self._check_size(project_id, size)

    def _check_size(self, project_id: str, size: int) -> None:
        used, limit = self.used(project_id)["gigabytes"], self._quotas.limit(project_id, "gigabytes")
        if self._quotas.exceeded(project_id, "gigabytes", used + size):
            raise ApiError(
                413,
                "VolumeSizeExceedsAvailableQuota: Requested volume or snapshot exceeds allowed gigabytes quota. "
                f"Requested {size}G, quota is {limit}G and {used}G has been consumed.",
            )

    def create(self, volume: Volume) -> Volume:
        """Enter a volume within quota (413); it becomes available after its time, or as its name says, or error."""
        self._check(volume.project_id, "volumes", volume.size)
        self.volumes[volume.id] = volume
        if self._stuck_marker not in volume.name:
            self._agenda.at(volume.created + self._seconds, lambda moment: self._ready(volume, moment))
        return volume

    def _ready(self, thing: Volume | Snapshot, moment: float) -> None:
        if thing.status == "creating":
            thing.status, thing.updated = "error" if self._fail_marker in thing.name else "available", moment

    def create_snapshot(self, volume: Volume, name: str, description: str, now: float) -> Snapshot:
        """Enter a snapshot of a volume within quota (413)."""
        self._check(volume.project_id, "snapshots", volume.size)
        snapshot = Snapshot(
            fresh(), name, volume.id, volume.size, volume.project_id, volume.user_id, now, now, description=description
        )
        self.snapshots[snapshot.id] = snapshot
        self._agenda.at(now + self._seconds, lambda moment: self._ready(snapshot, moment))
        return snapshot

    def delete(self, volume: Volume, now: float) -> None:
        """Ask for the end of a volume that nobody uses (400 otherwise)."""
        if volume.status not in {"available", "error", "creating"}:
            raise ApiError(
                400,
                "Invalid volume: Volume status must be available or error or error_restoring or error_extending or "
                "error_managing and must not be migrating, attached, belong to a group, have snapshots, awaiting a "
                "transfer, or be disassociated from snapshots after volume transfer.",
            )
        if any(snapshot.volume_id == volume.id for snapshot in self.snapshots.values()):
            raise ApiError(400, "Invalid volume: Volume still has dependent snapshots.")
        volume.status, volume.updated = "deleting", now
        self._agenda.at(now + self._seconds, lambda _: self._forget(volume))

    def delete_snapshot(self, snapshot: Snapshot, now: float) -> None:
        """Ask for the end of a snapshot."""
        snapshot.status, snapshot.updated = "deleting", now
        self._agenda.at(now + self._seconds, lambda _: self._forget(snapshot))

    def vanish(self, volume: Volume, now: float) -> None:
        """Let a volume be gone at once, whoever uses it."""
        if volume.server:
            self.detach(volume, now)
        self._forget(volume)

    def _forget(self, thing: Volume | Snapshot) -> None:
        self.volumes.pop(thing.id, None)
        self.snapshots.pop(thing.id, None)

    def attach(self, volume: Volume, server_id: str, device: str, now: float) -> None:
        """Attach a volume to a server."""
        volume.status, volume.server, volume.device = "in-use", server_id, device
        volume.attached, volume.attachment_id, volume.updated = now, fresh(), now
        self._by_server.setdefault(server_id, []).append(volume)

    def detach(self, volume: Volume, now: float) -> None:
        """Let go of a volume."""
        if volume.server:
            self._by_server[volume.server].remove(volume)
        volume.status, volume.server, volume.attachment_id, volume.updated = "available", None, "", now

    def detach_all(self, server_id: str, now: float) -> None:
        """Let go of a server's volumes; those that were made to end with it do."""
        for volume in self.of_server(server_id):
            self.detach(volume, now)
            if volume.delete_with_server:
                self._forget(volume)
        self._by_server.pop(server_id, None)

    def of_server(self, server_id: str) -> list[Volume]:
        """Return the volumes attached to a server, oldest first."""
        return list(self._by_server.get(server_id, ()))

    def extend(self, volume: Volume, size: int, now: float) -> None:
        """Make a volume larger, within quota."""
        if volume.status != "available":
            raise ApiError(400, f"Invalid volume: Volume {volume.id} status must be available to extend.")
        if size <= volume.size:
            raise ApiError(
                400,
                f"Invalid input received: New size for extend must be greater than current size. "
                f"(current: {volume.size}, extended: {size}).",
            )
        self._check_size(volume.project_id, size - volume.size)
        volume.size, volume.updated = size, now

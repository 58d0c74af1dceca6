"""Volumes: as Cinder's JSON (v3) and as our values, and the questions that are asked about them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

from promise.allocation.server import ALLOCATION_KEY
from promise.allocation.volume import VOLUME_KEY, Volume, VolumeSpec, VolumeState
from promise.errors import CloudRefused, OutcomeUnknown
from promise.vim.openstack import failures

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from promise.vim.openstack.calls import Calls

CINDER: Final = "block_storage"

_STATES: Final = {
    "creating": VolumeState.CREATING,
    "downloading": VolumeState.CREATING,
    "available": VolumeState.AVAILABLE,
    "reserved": VolumeState.IN_USE,
    "attaching": VolumeState.IN_USE,
    "in-use": VolumeState.IN_USE,
    "detaching": VolumeState.IN_USE,
    "deleting": VolumeState.DELETING,
    "error": VolumeState.ERROR,
    "error_deleting": VolumeState.ERROR,
}


class CinderVolumes:
    """The volumes of one project."""

    def __init__(self, calls: Calls) -> None:
        self._calls = calls

    async def create(self, spec: VolumeSpec) -> Volume:
        """Ask for a volume once; see `allocation.volume.Volumes`."""
        async with self._calls.within(self._calls.limits.whole, "the look-up of volume zones"):
            zone = spec.zone if spec.zone and await self._has_zone(spec.zone) else None
        answer = await self._calls.act("POST", CINDER, "/volumes", creation_of(spec, zone))
        try:
            return volume_from(answer.body["volume"])
        except (KeyError, TypeError, ValueError, AttributeError):
            message = f"Cinder answered {answer.status} without the volume"
            raise OutcomeUnknown(message, status=answer.status) from None

    async def delete(self, volume_id: str) -> None:
        """Ask for the end of a volume; one that is already gone is fine."""
        try:
            await self._calls.act("DELETE", CINDER, f"/volumes/{quote(volume_id, safe='')}")
        except CloudRefused as refusal:
            if refusal.status != failures.NOT_FOUND:
                raise

    async def one(self, volume_id: str) -> Volume | None:
        """Look at one volume; None when there is none, or it is another project's (which administrators see)."""
        try:
            async with self._calls.within(self._calls.limits.whole, "the look at a volume"):
                shown = await self._calls.read(CINDER, f"/volumes/{quote(volume_id, safe='')}", "volume")
                project = (await self._calls.grant()).project_id
        except CloudRefused as refusal:
            if refusal.status != failures.NOT_FOUND:
                raise
            return None
        with failures.reading("Cinder"):
            return volume_from(shown) if shown.get("os-vol-tenant-attr:tenant_id", project) == project else None

    async def every(self) -> Sequence[Volume]:
        """List every volume of our project, all pages."""
        async with self._calls.within(self._calls.limits.whole, "the listing of volumes"):
            shown = await self._calls.pages(CINDER, "/volumes/detail", "volumes")
        with failures.reading("Cinder"):
            return [volume_from(one) for one in shown]

    async def _has_zone(self, zone: str) -> bool:
        shown = await self._calls.read(CINDER, "/os-availability-zone", "availabilityZoneInfo")
        with failures.reading("Cinder"):
            return any(one["zoneName"] == zone and one["zoneState"]["available"] for one in shown)


def creation_of(spec: VolumeSpec, zone: str | None) -> dict[str, Any]:
    """Return the body of `POST /volumes`."""
    said = {"volume_type": spec.type, "imageRef": spec.image, "availability_zone": zone}
    volume = {
        "name": spec.name,
        "size": spec.size,
        "metadata": {ALLOCATION_KEY: spec.allocation_id, VOLUME_KEY: spec.name},
    }
    return {"volume": volume | {key: value for key, value in said.items() if value is not None}}


def volume_from(shown: Mapping[str, Any]) -> Volume:
    """Read a volume as `GET /volumes/detail` shows it; a status not known here is UNKNOWN.

    Raises:
        KeyError, TypeError, ValueError: what was read is not a volume.
    """
    metadata = shown.get("metadata") or {}
    return Volume(
        id=str(shown["id"]),
        name=str(shown.get("name") or ""),
        state=_STATES.get(str(shown["status"]), VolumeState.UNKNOWN),
        size=int(shown["size"]),
        created=_seconds(str(shown["created_at"])),
        allocation_id=_text(metadata.get(ALLOCATION_KEY)),
        part=_text(metadata.get(VOLUME_KEY)),
    )


def _text(value: Any) -> str | None:
    return None if value is None else str(value)


def _seconds(text: str) -> int:
    """Return the seconds of a moment that Cinder writes without its zone, which is UTC."""
    moment = datetime.fromisoformat(text)
    return int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp())

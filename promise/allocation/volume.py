"""A volume as we ask a cloud for it and as the cloud shows it; pure values, and the port that the room owns."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, ClassVar, Protocol

from promise.allocation.part import PartKind

if TYPE_CHECKING:
    from collections.abc import Sequence

VOLUME_KEY = "promise-volume"
"""The key of a volume's metadata that carries its name, beside the allocation id: people may rename a volume."""


class VolumeState(StrEnum):
    """What the cloud says of a volume, as far as it matters to us."""

    CREATING = "creating"
    AVAILABLE = "available"
    IN_USE = "in-use"
    DELETING = "deleting"
    ERROR = "error"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class VolumeSpec:
    """What to ask of Cinder for one volume of an instance: `size` in GB, `image` an id when it is to boot from it.

    `zone` is the instance's: the volume goes there if Cinder has a zone of that name.
    """

    allocation_id: str
    name: str
    size: int
    type: str | None = None
    image: str | None = None
    zone: str | None = None


@dataclass(frozen=True, slots=True)
class Volume:
    """A volume as the cloud shows it; `allocation_id` and `part` are what its metadata says, None = nothing.

    `created` is Cinder's creation time in seconds of UTC; `size` in GB.
    """

    kind: ClassVar[PartKind] = PartKind.VOLUME

    id: str
    name: str
    state: VolumeState
    size: int
    created: int
    allocation_id: str | None = None
    part: str | None = None


class Volumes(Protocol):
    """What the allocation room needs of a cloud's volumes. Every method may raise `errors.CloudError`."""

    async def create_volume(self, spec: VolumeSpec) -> Volume:
        """Ask for a volume once; `CloudRefused` = nothing was made, `OutcomeUnknown` = it may have been."""

    async def delete_volume(self, volume_id: str) -> None:
        """Ask for the end of a volume; one that is already gone is fine."""

    async def volume(self, volume_id: str) -> Volume | None:
        """Look at one volume; None when the cloud says that there is none."""

    async def volumes(self) -> Sequence[Volume]:
        """List every volume of our project, whoever made it, all pages."""

"""What an instance has beside its server: volumes and floating addresses; pure.

A part is wanted until the cloud has made it (`id`), and there until it is `gone`. Its `key` names it within its
instance, in operations as in the marks by which it is found again in the cloud.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Mapping


PARTS: Final = ("volumes", "gigabytes", "addresses")
"""What parts take, and nothing else does."""


class PartKind(StrEnum):
    """What a part is."""

    VOLUME = "volume"
    ADDRESS = "address"


@dataclass(frozen=True, slots=True)
class Part:
    """A volume of `size` GB, or an address, whose `name` is its number.

    `ends` tells that it goes with the instance; an address always does. `id` is the cloud's. `address` is the public
    address itself, once there is one.
    """

    kind: PartKind
    name: str
    size: int = 0
    type: str | None = None
    boot: bool = False
    ends: bool = False
    id: str | None = None
    address: str | None = None
    gone: bool = False

    @property
    def key(self) -> str:
        """Return its name within its instance."""
        return f"{self.kind}/{self.name}"

    @property
    def there(self) -> bool:
        """Tell whether the cloud has it."""
        return self.id is not None and not self.gone

    @property
    def takes(self) -> Mapping[str, int]:
        """Return what it takes."""
        return {"volumes": 1, "gigabytes": self.size} if self.kind is PartKind.VOLUME else {"addresses": 1}

    def to_json(self) -> dict[str, Any]:
        """Return the part as plain JSON values; what is as usual is left out."""
        said = {"size": self.size, "type": self.type, "boot": self.boot, "ends": self.ends, "id": self.id}
        said |= {"address": self.address, "gone": self.gone}
        return {"kind": self.kind.value, "name": self.name} | {name: value for name, value in said.items() if value}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Part:
        """Read what `to_json` wrote."""
        return cls(**{**value, "kind": PartKind(value["kind"])})


def addresses(count: int) -> tuple[Part, ...]:
    """Return so many wanted addresses."""
    return tuple(Part(PartKind.ADDRESS, str(number), ends=True) for number in range(1, count + 1))

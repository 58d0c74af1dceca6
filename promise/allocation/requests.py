"""What a consumer asks of an instance, in our own words, with what was looked up in the cloud for it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from promise.allocation.model import Allocation
    from promise.allocation.part import Part


@dataclass(frozen=True, slots=True)
class CreateInstance:
    """A request for one instance on a provider; `id` and `operation` are the ids that it gets if it is accepted.

    `image` and `networks` are ids of the cloud. `flavor` is an id or a name, `user_data` base64. `affinity` has the
    kind and the name of each group to be in. `parts` are the volumes and addresses that it wants.
    """

    id: str
    operation: str
    provider: str
    name: str
    image: str
    flavor: str
    networks: tuple[str, ...] = ()
    reservation: str | None = None
    zone: str | None = None
    key_name: str | None = None
    security_groups: tuple[str, ...] = ()
    user_data: str | None = None
    metadata: Mapping[str, str] = field(default_factory=dict)
    affinity: tuple[tuple[str, str], ...] = ()
    parts: tuple[Part, ...] = ()


@dataclass(frozen=True, slots=True)
class Admitted:
    """The instance as it stands after the decision."""

    allocation: Allocation

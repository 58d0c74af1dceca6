"""Servers as Nova's JSON (microversion 2.69) and as our values; pure."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from promise.allocation.server import ALLOCATION_KEY, Server, ServerSpec, ServerState
from promise.vim.openstack.flavors import needs_of_embedded

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_STATES: Final = {
    "BUILD": ServerState.BUILD,
    "ERROR": ServerState.ERROR,
    "UNKNOWN": ServerState.UNKNOWN,
    # The guest does not run, but the server keeps its place in the quota (and, all but SHELVED_OFFLOADED, on its host).
    "SHUTOFF": ServerState.STOPPED,
    "PAUSED": ServerState.STOPPED,
    "SUSPENDED": ServerState.STOPPED,
    "SHELVED": ServerState.STOPPED,
    "SHELVED_OFFLOADED": ServerState.STOPPED,
    # Something is being done to a server that lives.
    "ACTIVE": ServerState.ACTIVE,
    "REBOOT": ServerState.ACTIVE,
    "HARD_REBOOT": ServerState.ACTIVE,
    "PASSWORD": ServerState.ACTIVE,
    "REBUILD": ServerState.ACTIVE,
    "RESCUE": ServerState.ACTIVE,
    "MIGRATING": ServerState.ACTIVE,
    "RESIZE": ServerState.ACTIVE,
    "VERIFY_RESIZE": ServerState.ACTIVE,
    "REVERT_RESIZE": ServerState.ACTIVE,
    # Deleted softly: it can come back, and takes its resources until Nova reclaims it.
    "SOFT_DELETED": ServerState.DELETING,
}
_LEAVING: Final = frozenset({"deleting", "soft-deleting"})
_GONE: Final = "DELETED"
_LONGEST_FAULT: Final = 500


def state_of(status: str, task: str | None) -> ServerState:
    """Return our word for Nova's `status` and `OS-EXT-STS:task_state`; one not known here is UNKNOWN."""
    if task in _LEAVING:
        return ServerState.DELETING
    return _STATES.get(status.upper(), ServerState.UNKNOWN)


def exists(shown: Mapping[str, Any]) -> bool:
    """Tell whether it is more than the trace of a deleted server (which an administrator may be shown)."""
    return str(shown.get("status", "")).upper() != _GONE


def server_from(shown: Mapping[str, Any]) -> Server:
    """Read a server as `GET /servers/detail` shows it.

    Of a server in a cell that is down Nova 2.69 shows id, creation and status UNKNOWN only: name and flavor are then
    empty, needs unknown ({}), and it has no allocation id. `flavor` is the flavor's name: Nova shows no id of it.

    Raises:
        KeyError, TypeError, ValueError: what was read is not a server.
    """
    flavor = shown.get("flavor") or {}
    allocation = (shown.get("metadata") or {}).get(ALLOCATION_KEY)
    return Server(
        id=str(shown["id"]),
        name=str(shown.get("name") or ""),
        state=state_of(str(shown["status"]), shown.get("OS-EXT-STS:task_state")),
        allocation_id=None if allocation is None else str(allocation),
        flavor=str(flavor.get("original_name", "")),
        needs=needs_of_embedded(flavor, boot_from_volume=not shown.get("image")) if flavor else {},
        created=_seconds(str(shown["created"])),
        zone=shown.get("OS-EXT-AZ:availability_zone") or None,
        host=shown.get("OS-EXT-SRV-ATTR:host") or None,
        fault=_fault(shown.get("fault")),
        image=_image(shown.get("image")),
        ports=_ports(shown.get("addresses") or {}),
    )


def creation_of(spec: ServerSpec, networks: Sequence[str] | None, group: str | None = None) -> dict[str, Any]:
    """Return the body of `POST /servers`; `networks` None = the cloud has no network service, `group` is an id."""
    server: dict[str, Any] = {
        "name": spec.name,
        "flavorRef": spec.flavor,
        "networks": "none" if networks is None else [{"uuid": network} for network in networks],
        "metadata": {**spec.metadata, ALLOCATION_KEY: spec.allocation_id},
    }
    if not spec.boots_from_volume:
        server["imageRef"] = spec.image
    if spec.volumes:
        server["block_device_mapping_v2"] = _devices(spec)
    if spec.security_groups:
        server["security_groups"] = [{"name": group} for group in spec.security_groups]
    said = {"availability_zone": spec.zone, "key_name": spec.key_name, "user_data": spec.user_data}
    body = {"server": server | {key: value for key, value in said.items() if value is not None}}
    return body if group is None else body | {"os:scheduler_hints": {"group": group}}


def _devices(spec: ServerSpec) -> list[dict[str, Any]]:
    """Return the disks of a server that has volumes; what it boots from is among them, as Nova demands."""
    local = {
        "source_type": "image", "destination_type": "local", "uuid": spec.image, "boot_index": 0,
        "delete_on_termination": True,
    }  # fmt: skip
    volumes = [
        {
            "source_type": "volume", "destination_type": "volume", "uuid": one.volume,
            "boot_index": 0 if one.boot else -1, "delete_on_termination": False,
        }
        for one in sorted(spec.volumes, key=lambda each: not each.boot)
    ]  # fmt: skip
    return volumes if spec.boots_from_volume else [local, *volumes]


def just_asked(spec: ServerSpec, server_id: str, needs: Mapping[str, int], created: int) -> Server:
    """Return the server that Nova has accepted: its reply to POST tells the id and nothing else of use."""
    return Server(
        id=server_id, name=spec.name, state=ServerState.BUILD, allocation_id=spec.allocation_id, flavor=spec.flavor,
        needs=needs, created=created, zone=spec.zone, image="" if spec.boots_from_volume else spec.image,
    )  # fmt: skip


def _ports(addresses: Mapping[str, Any]) -> int:
    """Return how many interfaces a server has: an address says of which it is, and one may have several."""
    shown = [(network, one) for network, all_of_it in addresses.items() for one in all_of_it]
    return len({(network, one.get("OS-EXT-IPS-MAC:mac_addr") or one.get("addr")) for network, one in shown})


def _seconds(text: str) -> int:
    return int(datetime.fromisoformat(text).timestamp())


def _fault(shown: Any) -> str | None:
    return str(shown.get("message", ""))[:_LONGEST_FAULT] if isinstance(shown, dict) else None


def _image(shown: Any) -> str:
    return str(shown.get("id", "")) if isinstance(shown, dict) else ""

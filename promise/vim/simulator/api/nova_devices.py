"""Nova: the networks and disks that a request for a server names, checked before anything is made."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from promise.vim.simulator.api.exchange import number, objects, only, text, truth
from promise.vim.simulator.world.building import Disk
from promise.vim.simulator.world.errors import ApiError
from promise.vim.simulator.world.names import is_uuid

if TYPE_CHECKING:
    from promise.vim.simulator.api.exchange import Call


def nics(call: Call, wanted: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the ports to have: [{uuid, fixed_ip?} | {port}]; since 2.37 the request must say something of it."""
    asked = wanted.get("networks")
    if asked is None and call.version >= (2, 37):
        raise ApiError(400, "Invalid input for field/attribute server. 'networks' is a required property")
    if isinstance(asked, str) and call.version >= (2, 37):
        if asked not in {"auto", "none"}:
            raise ApiError(
                400, f"Invalid input for field/attribute networks. Value: {asked}. It is not 'auto' or 'none'"
            )
        return _automatic(call) if asked == "auto" else []
    found = [nic(call, each) for each in objects(wanted, "networks")]
    return found or _automatic(call)


def _automatic(call: Call) -> list[dict[str, Any]]:
    networks = call.world.network.reachable(call.token.project_id)
    if len(networks) > 1:
        raise ApiError(409, "Multiple possible networks found, use a Network ID to be more specific.")
    return [{"uuid": network["id"]} for network in networks]


def nic(call: Call, given: dict[str, Any]) -> dict[str, Any]:
    """Return one port to have, or raise the 400 that says why it cannot be."""
    only(given, ("uuid", "port", "fixed_ip", "tag"))
    rows = call.world.network.rows
    if given.get("port"):
        port = rows["port"].get(str(given["port"]))
        if port is None or (port["project_id"] != call.token.project_id and not call.token.admin):
            raise ApiError(400, f"Port id {given['port']} could not be found.")
        if port["device_id"]:
            raise ApiError(409, f"Port {port['id']} is still in use.")
        return {"port": port["id"]}
    network_id = text(given, "uuid", 1)
    if not is_uuid(network_id):
        raise ApiError(400, f"Bad networks format: network uuid is not in proper format ({network_id})")
    network = rows["network"].get(network_id)
    if network is None or not _may_use(call, network):
        raise ApiError(400, f"Network {network_id} could not be found.")
    if not network["subnets"]:
        raise ApiError(400, f"Network {network_id} requires a subnet in order to boot instances on.")
    return {"uuid": network_id, **({"fixed_ip": given["fixed_ip"]} if given.get("fixed_ip") else {})}


def _may_use(call: Call, network: dict[str, Any]) -> bool:
    return bool(network["shared"] or network["project_id"] == call.token.project_id or call.token.admin)


def boot_image(wanted: dict[str, Any]) -> str:
    """Return the image of the local boot disk, where only the block device mapping names it."""
    for mapping in objects(wanted, "block_device_mapping_v2"):
        local = mapping.get("source_type") == "image" and mapping.get("destination_type") == "local"
        if local and str(mapping.get("boot_index")) == "0":
            return str(mapping.get("uuid", ""))
    return ""


def disks(call: Call, wanted: dict[str, Any]) -> list[Disk]:
    """Return the volumes that the block device mapping asks for; local disks are the flavor's affair."""
    mappings = objects(wanted, "block_device_mapping_v2")
    return [
        _disk(call, mapping)
        for mapping in mappings
        if "volume" in {mapping.get("source_type"), mapping.get("destination_type")}
    ]


def _disk(call: Call, mapping: dict[str, Any]) -> Disk:
    source, reference = mapping.get("source_type"), str(mapping.get("uuid", ""))
    boot = str(mapping.get("boot_index")) == "0"
    ends = truth(mapping.get("delete_on_termination", False))
    if source == "volume":
        return Disk(volume_id=_attachable(call, reference, boot=boot), boot=boot, delete_with_server=ends)
    kind = str(mapping["volume_type"]) if mapping.get("volume_type") else None
    if source == "snapshot":
        snapshot = call.world.volumes.snapshots.get(reference)
        if snapshot is None or snapshot.project_id != call.token.project_id:
            raise ApiError(400, f"Block Device Mapping is Invalid: failed to get snapshot {reference}.")
        size = number(mapping, "volume_size", snapshot.size, least=1)
        return Disk(snapshot=reference, size=size, type=kind, boot=boot, delete_with_server=ends)
    if source not in {"image", "blank"}:
        raise ApiError(400, f"Invalid input for field/attribute source_type. Value: {source}.")
    if source == "image" and reference not in call.world.images:
        raise ApiError(400, f"Block Device Mapping is Invalid: failed to get image {reference}.")
    if not mapping.get("volume_size"):
        raise ApiError(400, "Images with destination_type 'volume' need to have a non-zero size specified")
    image = reference if source == "image" else None
    size = number(mapping, "volume_size", least=1)
    return Disk(image=image, size=size, type=kind, boot=boot, delete_with_server=ends)


def _attachable(call: Call, volume_id: str, *, boot: bool) -> str:
    volume = call.world.volumes.volumes.get(volume_id)
    if volume is None or volume.project_id != call.token.project_id:
        raise ApiError(400, f"Block Device Mapping is Invalid: failed to get volume {volume_id}.")
    if volume.status != "available":
        raise ApiError(
            400, f"Invalid volume: volume '{volume_id}' status must be 'available'. Currently in '{volume.status}'"
        )
    if boot and not volume.image:
        raise ApiError(400, f"Block Device {volume_id} is not bootable.")
    return volume_id

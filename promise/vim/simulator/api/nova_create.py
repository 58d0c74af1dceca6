"""Nova: POST /servers. Everything is checked before anything is made; what the schema forbids is a 400."""

from __future__ import annotations

from base64 import b64decode
from binascii import Error as NotBase64
from typing import TYPE_CHECKING, Any, Final

from promise.vim.simulator.api.exchange import Answer, Call, member, number, objects, only, text, truth
from promise.vim.simulator.api.nova_devices import boot_image, disks, nics
from promise.vim.simulator.api.nova_flavors import flavor_of
from promise.vim.simulator.api.nova_views import links
from promise.vim.simulator.world.building import Order
from promise.vim.simulator.world.errors import ApiError
from promise.vim.simulator.world.names import fresh, is_uuid
from promise.vim.simulator.world.servers import Server

if TYPE_CHECKING:
    from promise.vim.simulator.world.flavors import Flavor
    from promise.vim.simulator.world.images import Image

_MEMBERS: Final = (
    "name", "imageRef", "flavorRef", "adminPass", "metadata", "networks", "OS-DCF:diskConfig", "accessIPv4",
    "accessIPv6", "personality", "availability_zone", "block_device_mapping", "block_device_mapping_v2",
    "config_drive", "key_name", "min_count", "max_count", "return_reservation_id", "security_groups", "user_data",
    "description", "tags", "trusted_image_certificates", "host", "hypervisor_hostname", "hostname",
)  # fmt: skip
_LONGEST_USER_DATA: Final = 65535
_LONGEST_KEY: Final = 255
_LONGEST_TAG: Final = 60


def create(call: Call) -> Answer:
    """Accept a request for servers (202); whether they can be built turns out afterwards."""
    body = call.json()
    wanted = member(body, "server")
    only(wanted, _MEMBERS)
    hints = body.get("os:scheduler_hints") or body.get("OS-SCH-HNT:scheduler_hints") or {}
    if not isinstance(hints, dict):
        raise ApiError(400, f"Invalid input for field/attribute os:scheduler_hints. Value: {hints}. It is no object")
    servers = call.world.compute.create(_order(call, wanted, hints), call.now)
    if truth(wanted.get("return_reservation_id", False)):
        return Answer(202, {"reservation_id": servers[0].reservation_id})
    first = servers[0]
    view = {
        "id": first.id,
        "links": links(call, "servers", first.id),
        "OS-DCF:diskConfig": "MANUAL",
        "security_groups": [{"name": group} for group in _names(wanted)],
        "adminPass": fresh().replace("-", "")[:12],
    }
    return Answer(202, {"server": view}, {"Location": call.link("servers", first.id)})


def _names(wanted: dict[str, Any]) -> list[str]:
    named = [text(group, "name", 1) for group in objects(wanted, "security_groups")]
    return named if "security_groups" in wanted else ["default"]


def _order(call: Call, wanted: dict[str, Any], hints: dict[str, Any]) -> Order:
    name = text(wanted, "name", 1)
    if not name.strip():
        raise ApiError(400, f"Invalid input for field/attribute name. Value: {name}. An invalid name was given")
    flavor = _flavor(call, wanted)
    volumes = disks(call, wanted)
    from_volume = any(disk.boot for disk in volumes)
    image = _image(call, wanted, flavor, from_volume=from_volume)
    at_least = number(wanted, "min_count", 1, least=1)
    at_most = number(wanted, "max_count", at_least, least=1)
    if at_least > at_most:
        raise ApiError(400, "min_count must be <= max_count")
    zone, host = _zone(call, wanted)
    draft = Server(
        name, call.token.project_id, call.token.user.id, flavor, image.id if image else "", call.now, call.now,
        zone=zone,
        metadata=checked_metadata(call, wanted.get("metadata", {})),
        description=_description(call, wanted, name),
        key_name=_key(call, wanted),
        user_data=_user_data(wanted),
        config_drive=truth(wanted.get("config_drive", False)),
        security_groups=_groups(call, wanted),
        tags=_tags(call, wanted),
        group=_server_group(call, hints),
        hostname=str(wanted.get("hostname") or "-".join(name.lower().split())),
        from_volume=from_volume,
        access=(str(wanted.get("accessIPv4") or ""), str(wanted.get("accessIPv6") or "")),
    )  # fmt: skip
    return Order(draft, nics(call, wanted), volumes, at_least, at_most, host)


def _description(call: Call, wanted: dict[str, Any], name: str) -> str | None:
    if call.version < (2, 19):
        return name
    return text(wanted, "description") if wanted.get("description") is not None else None


def _tags(call: Call, wanted: dict[str, Any]) -> list[str]:
    given = wanted.get("tags", [])
    if "tags" in wanted and call.version < (2, 52):
        raise ApiError(400, "Additional properties are not allowed ('tags' was unexpected)")
    if not isinstance(given, list) or not all(isinstance(tag, str) and 0 < len(tag) <= _LONGEST_TAG for tag in given):
        raise ApiError(400, f"Invalid input for field/attribute tags. Value: {given}.")
    return list(dict.fromkeys(given))


def _flavor(call: Call, wanted: dict[str, Any]) -> Flavor:
    reference = str(wanted.get("flavorRef", "")).rpartition("/")[2]
    if not reference:
        raise ApiError(400, "Invalid input for field/attribute server. 'flavorRef' is a required property")
    try:
        return flavor_of(call, reference)
    except ApiError as error:
        raise ApiError(400, error.message) from None


def _image(call: Call, wanted: dict[str, Any], flavor: Flavor, *, from_volume: bool) -> Image | None:
    reference = str(wanted.get("imageRef") or boot_image(wanted)).rpartition("/")[2]
    if not reference:
        if not from_volume:
            raise ApiError(400, "Invalid imageRef provided.")
        return None
    if not is_uuid(reference):
        raise ApiError(400, "Invalid imageRef provided.")
    image = call.world.images.get(reference)
    if image is None or not image.visible_to(call.token.project_id):
        raise ApiError(400, f"Image {reference} could not be found.")
    if image.status != "active":
        raise ApiError(400, f"Image {reference} is not active.")
    if image.min_ram > flavor.ram:
        raise ApiError(400, "Flavor's memory is too small for requested image.")
    if image.min_disk > flavor.disk > 0 and not from_volume:
        raise ApiError(
            400,
            "Flavor's disk is too small for requested image. "
            f"Flavor disk is {flavor.disk << 30} bytes, image is {image.min_disk << 30} bytes.",
        )
    return None if from_volume else image


def _zone(call: Call, wanted: dict[str, Any]) -> tuple[str | None, str | None]:
    """Return zone and host; an admin may write zone:host, or since 2.74 name the host."""
    zone, _, host = str(wanted.get("availability_zone") or "").partition(":")
    host = host.partition(":")[0] or wanted.get("host") or wanted.get("hypervisor_hostname") or ""
    if host:
        call.need_admin("os_compute_api:servers:create:forced_host")
        if host not in call.world.hosts.by_name:
            raise ApiError(400, f"Compute host {host} could not be found.")
    if zone and not any(each.zone == zone for each in call.world.hosts.by_name.values()):
        raise ApiError(400, "The requested availability zone is not available")
    return zone or None, host or None


def checked_metadata(call: Call, given: Any) -> dict[str, str]:
    """Return metadata that Nova takes: short strings, not too many of them (403)."""
    if not isinstance(given, dict):
        raise ApiError(400, f"Invalid input for field/attribute metadata. Value: {given}. It is not of type 'object'")
    for key in given:
        if not 1 <= len(key) <= _LONGEST_KEY:
            raise ApiError(400, f"Invalid input for field/attribute metadata. Value: {key}. '{key}' has a wrong length")
        text(given, key)
    limit = call.world.quotas.limit(call.token.project_id, "metadata_items")
    if 0 <= limit < len(given):
        raise ApiError(403, f"Maximum number of metadata items exceeds {limit}")
    return dict(given)


def _key(call: Call, wanted: dict[str, Any]) -> str | None:
    name = wanted.get("key_name")
    if name is None:
        return None
    if (call.token.user.id, str(name)) not in call.world.compute.groups.keypairs:
        raise ApiError(400, "Invalid key_name provided.")
    return str(name)


def _user_data(wanted: dict[str, Any]) -> str | None:
    data = wanted.get("user_data")
    if data is None:
        return None
    text(wanted, "user_data", 0, _LONGEST_USER_DATA)
    try:
        b64decode(data, validate=True)
    except (NotBase64, ValueError):
        raise ApiError(400, "Invalid input for field/attribute user_data. It is not a 'base64'") from None
    return str(data)


def _groups(call: Call, wanted: dict[str, Any]) -> list[str]:
    """Return the ids of the security groups that are named; none = the project's default."""
    rows = call.world.network.rows["security_group"].values()
    found = []
    for name in _names(wanted) if "security_groups" in wanted else []:
        if name == "default":
            found.append(call.world.network.default_group(call.token.project_id, call.now)["id"])
            continue
        own = [row for row in rows if row["project_id"] == call.token.project_id and name in {row["id"], row["name"]}]
        if not own:
            raise ApiError(400, f"Security group {name} not found for project {call.token.project_id}.")
        found.append(own[0]["id"])
    return found


def _server_group(call: Call, hints: dict[str, Any]) -> str | None:
    wanted = hints.get("group")
    if wanted is None:
        return None
    group = call.world.compute.groups.by_id.get(str(wanted))
    if group is None or group.project_id != call.token.project_id:
        raise ApiError(400, f"Instance group {wanted} could not be found.")
    limit = call.world.quotas.limit(call.token.project_id, "server_group_members")
    if 0 <= limit <= len(group.members):
        raise ApiError(403, "Quota exceeded, too many servers in group")
    return group.id

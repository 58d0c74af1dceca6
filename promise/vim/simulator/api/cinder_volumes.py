"""Cinder: volumes and their types."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from promise.vim.simulator.api.exchange import Answer, Call, Routes, member, number, sorts, truth
from promise.vim.simulator.api.paging import listing
from promise.vim.simulator.world.errors import ApiError
from promise.vim.simulator.world.names import fresh, lasting, micro
from promise.vim.simulator.world.volumes import Volume

if TYPE_CHECKING:
    from collections.abc import Callable


def volume_of(call: Call, volume_id: str) -> Volume:
    """Return a volume that the caller may see, or raise Cinder's 404."""
    volume = call.world.volumes.volumes.get(volume_id)
    if volume is None or (volume.project_id != call.token.project_id and not call.token.admin):
        raise ApiError(404, f"Volume {volume_id} could not be found.")
    return volume


def view(call: Call, volume: Volume) -> dict[str, Any]:
    """Return a volume as GET /volumes/{id} and /volumes/detail show it."""
    host = f"controller@simulator#{volume.type}"
    shown: dict[str, Any] = {
        "id": volume.id,
        "name": volume.name,
        "description": volume.description,
        "size": volume.size,
        "status": volume.status,
        "created_at": micro(volume.created),
        "updated_at": micro(volume.updated),
        "availability_zone": volume.zone,
        "volume_type": volume.type,
        "snapshot_id": volume.snapshot,
        "source_volid": volume.source,
        "metadata": volume.metadata,
        "bootable": "true" if volume.image else "false",
        "encrypted": False,
        "multiattach": False,
        "replication_status": None,
        "consistencygroup_id": None,
        "user_id": volume.user_id,
        "attachments": _attachments(volume),
        "links": [{"rel": "self", "href": call.link("volumes", volume.id)}],
        "os-vol-tenant-attr:tenant_id": volume.project_id,
    }
    if call.token.admin:
        shown |= {"os-vol-host-attr:host": host, "os-vol-mig-status-attr:migstat": None}
    if volume.image:
        shown["volume_image_metadata"] = {"image_id": volume.image}
    return shown


def _attachments(volume: Volume) -> list[dict[str, Any]]:
    if not volume.server:
        return []
    return [
        {
            "id": volume.id, "volume_id": volume.id, "server_id": volume.server, "device": volume.device,
            "attachment_id": volume.attachment_id, "host_name": None, "attached_at": micro(volume.attached),
        }
    ]  # fmt: skip


def _list(call: Call, path: str, shown: Callable[[Volume], Any]) -> Answer:
    everywhere = call.token.admin and truth(call.asked("all_tenants") or "")
    volumes = [
        volume
        for volume in call.world.volumes.volumes.values()
        if everywhere or volume.project_id == call.token.project_id
    ]
    for name in ("name", "status"):
        if (wanted := call.asked(name)) is not None:
            volumes = [volume for volume in volumes if getattr(volume, name) == wanted]
    return Answer(200, listing(call, "volumes", path, volumes[::-1], lambda volume: volume.id, shown))


def brief(call: Call) -> Answer:
    """GET /volumes."""
    return _list(
        call,
        "volumes",
        lambda volume: {
            "id": volume.id,
            "name": volume.name,
            "links": [{"rel": "self", "href": call.link("volumes", volume.id)}],
        },
    )


def detail(call: Call) -> Answer:
    """GET /volumes/detail."""
    return _list(call, "volumes/detail", lambda volume: view(call, volume))


def show(call: Call) -> Answer:
    """GET /volumes/{id}."""
    return Answer(200, {"volume": view(call, volume_of(call, call.parts["id"]))})


_SORTS: Final[dict[str, type[Any]]] = {
    "name": str, "description": str, "volume_type": str, "snapshot_id": str, "source_volid": str, "imageRef": str,
    "metadata": dict, "availability_zone": str,
}  # fmt: skip


def create(call: Call) -> Answer:
    """POST /volumes: the size may come from a snapshot or volume."""
    body, volumes = member(call.json(), "volume"), call.world.volumes
    sorts(body, _SORTS)
    kind = _type_named(call, body.get("volume_type") or volumes.types[0])
    size = body.get("size")
    if snapshot_id := body.get("snapshot_id"):
        snapshot = volumes.snapshots.get(snapshot_id)
        if snapshot is None or snapshot.project_id != call.token.project_id:
            raise ApiError(404, f"Snapshot {snapshot_id} could not be found.")
        size = size or snapshot.size
    if source_id := body.get("source_volid"):
        size = size or volume_of(call, source_id).size
    if (image := body.get("imageRef")) and image not in call.world.images:
        raise ApiError(400, f"Invalid image identifier or unable to access requested image: {image}")
    volume = Volume(
        fresh(), body.get("name") or "", number({"size": size}, "size", least=1), call.token.project_id,
        call.token.user.id, kind, call.now, call.now, description=body.get("description") or "",
        zone=_zone_named(call, body.get("availability_zone")), image=image, snapshot=snapshot_id, source=source_id,
        metadata=dict(body.get("metadata") or {}),
    )  # fmt: skip
    return Answer(202, {"volume": view(call, volumes.create(volume))})


def _zone_named(call: Call, wanted: str | None) -> str:
    names = call.world.options.volume_zones
    if wanted and wanted not in names:
        raise ApiError(400, f"Availability zone '{wanted}' is invalid.")
    return wanted or names[0]


def _type_named(call: Call, wanted: str) -> str:
    for name in call.world.volumes.types:
        if wanted in {name, lasting("volume_type", name)}:
            return name
    raise ApiError(404, f"Volume type {wanted} could not be found.")


def update(call: Call) -> Answer:
    """PUT /volumes/{id}."""
    volume, body = volume_of(call, call.parts["id"]), member(call.json(), "volume")
    sorts(body, _SORTS)
    volume.name = body.get("name", volume.name)
    volume.description = body.get("description", volume.description)
    volume.metadata = dict(body.get("metadata", volume.metadata))
    volume.updated = call.now
    return Answer(200, {"volume": view(call, volume)})


def delete(call: Call) -> Answer:
    """DELETE /volumes/{id}."""
    call.world.volumes.delete(volume_of(call, call.parts["id"]), call.now)
    return Answer(202)


def action(call: Call) -> Answer:
    """POST /volumes/{id}/action: os-extend, os-reset_status."""
    volume, body = volume_of(call, call.parts["id"]), call.json()
    if "os-extend" in body:
        call.world.volumes.extend(volume, number(member(body, "os-extend"), "new_size", least=1), call.now)
    elif "os-reset_status" in body:
        call.need_admin("volume_extension:volume_admin_actions:reset_status")
        volume.status = str(member(body, "os-reset_status").get("status"))
    else:
        raise ApiError(400, f"There is no such action: {', '.join(body)}")
    return Answer(202)


def _type_view(name: str) -> dict[str, Any]:
    return {
        "id": lasting("volume_type", name), "name": name, "description": None, "is_public": True,
        "os-volume-type-access:is_public": True, "extra_specs": {}, "qos_specs_id": None,
    }  # fmt: skip


def types(call: Call) -> Answer:
    """GET /types."""
    return Answer(200, {"volume_types": [_type_view(name) for name in call.world.volumes.types]})


def volume_type(call: Call) -> Answer:
    """GET /types/{id}; `default` is the first."""
    wanted = call.parts["id"]
    name = call.world.volumes.types[0] if wanted == "default" else _type_named(call, wanted)
    return Answer(200, {"volume_type": _type_view(name)})


ROUTES: Final[Routes] = {
    "/volumes": {"GET": brief, "POST": create},
    "/volumes/detail": {"GET": detail},
    "/volumes/{id}": {"GET": show, "PUT": update, "DELETE": delete},
    "/volumes/{id}/action": {"POST": action},
    "/types": {"GET": types},
    "/types/{id}": {"GET": volume_type},
}

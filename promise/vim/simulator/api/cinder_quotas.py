"""Cinder: limits, quota sets, services and pools."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from promise.vim.simulator.api.exchange import Answer, Call, Routes, member, number, truth
from promise.vim.simulator.world.names import lasting, micro
from promise.vim.simulator.world.quotas import VOLUME

if TYPE_CHECKING:
    from collections.abc import Mapping


def limits(call: Call) -> Answer:
    """GET /limits: of the caller's project, or of `project_id` for an admin."""
    project_id = call.asked("project_id") or call.token.project_id
    if project_id != call.token.project_id:
        call.need_admin("limits_extension:used_limits")
    quota, used = call.world.quotas.of(project_id, VOLUME), call.world.volumes.used(project_id)
    absolute = {
        "maxTotalVolumes": quota["volumes"],
        "maxTotalSnapshots": quota["snapshots"],
        "maxTotalVolumeGigabytes": quota["gigabytes"],
        "maxTotalBackups": quota["backups"],
        "maxTotalBackupGigabytes": quota["backup_gigabytes"],
        "totalVolumesUsed": used["volumes"],
        "totalSnapshotsUsed": used["snapshots"],
        "totalGigabytesUsed": used["gigabytes"],
        "totalBackupsUsed": 0,
        "totalBackupGigabytesUsed": 0,
    }
    return Answer(200, {"limits": {"rate": [], "absolute": absolute}})


def _by_type(call: Call, values: Mapping[str, Any], nothing: Any) -> dict[str, Any]:
    """Return the values with the entries per volume type, which are never limited here."""
    per_type = {
        f"{name}_{kind}": nothing for kind in call.world.volumes.types for name in ("volumes", "gigabytes", "snapshots")
    }
    return {**values, **per_type}


def _may_see(call: Call) -> str:
    project_id = call.parts["project"]
    if project_id != call.token.project_id:
        call.need_admin("volume_extension:quotas:show")
    return project_id


def show(call: Call) -> Answer:
    """GET /os-quota-sets/{project}; with usage=True each as limit, in_use and reserved."""
    project_id = _may_see(call)
    quota: Mapping[str, Any] = call.world.quotas.of(project_id, VOLUME)
    nothing: Any = -1
    if truth(call.asked("usage") or ""):
        used = call.world.volumes.used(project_id)
        quota = {name: {"limit": limit, "in_use": used[name], "reserved": 0} for name, limit in quota.items()}
        nothing = {"limit": -1, "in_use": 0, "reserved": 0}
    return Answer(200, {"quota_set": {"id": project_id, **_by_type(call, quota, nothing)}})


def defaults(call: Call) -> Answer:
    """GET /os-quota-sets/{project}/defaults."""
    standard = {name: call.world.quotas.standard[name] for name in VOLUME}
    return Answer(200, {"quota_set": {"id": call.parts["project"], **_by_type(call, standard, -1)}})


def update(call: Call) -> Answer:
    """PUT /os-quota-sets/{project}."""
    call.need_admin("volume_extension:quotas:update")
    project_id, body = call.parts["project"], member(call.json(), "quota_set")
    call.world.quotas.change(project_id, {name: number(body, name, least=-1) for name in body if name in VOLUME})
    return Answer(200, {"quota_set": _by_type(call, call.world.quotas.of(project_id, VOLUME), -1)})


def reset(call: Call) -> Answer:
    """DELETE /os-quota-sets/{project}."""
    call.need_admin("volume_extension:quotas:delete")
    call.world.quotas.reset(call.parts["project"], VOLUME)
    return Answer(200)


def class_set(call: Call) -> Answer:
    """GET /os-quota-class-sets/{class}."""
    standard = {name: call.world.quotas.standard[name] for name in VOLUME}
    return Answer(200, {"quota_class_set": {"id": call.parts["name"], **_by_type(call, standard, -1)}})


def pools(call: Call) -> Answer:
    """GET /scheduler-stats/get_pools: one pool, as large as the options say."""
    call.need_admin("scheduler_extension:scheduler_stats:get_pools")
    volumes = call.world.volumes
    taken = sum(volume.size for volume in volumes.volumes.values())
    pool: dict[str, Any] = {"name": "controller@simulator#standard"}
    if truth(call.asked("detail") or ""):
        pool["capabilities"] = {
            "pool_name": "standard", "volume_backend_name": "simulator", "storage_protocol": "iSCSI",
            "driver_version": "1.0", "vendor_name": "Promise", "total_capacity_gb": volumes.pool,
            "free_capacity_gb": max(0, volumes.pool - taken), "allocated_capacity_gb": taken,
            "provisioned_capacity_gb": taken, "reserved_percentage": 0, "max_over_subscription_ratio": "1.0",
            "thin_provisioning_support": False, "thick_provisioning_support": True, "QoS_support": False,
            "multiattach": False, "backend_state": "up", "timestamp": micro(call.now),
        }  # fmt: skip
    return Answer(200, {"pools": [pool]})


def services(call: Call) -> Answer:
    """GET /os-services."""
    call.need_admin("volume_extension:services:index")
    rows = [
        {
            "binary": binary, "host": host, "zone": "nova", "status": "enabled", "state": "up",
            "updated_at": micro(call.now), "disabled_reason": None,
        }
        for binary, host in (("cinder-scheduler", "controller"), ("cinder-volume", "controller@simulator"))
    ]  # fmt: skip
    return Answer(200, {"services": rows})


def zones(call: Call) -> Answer:
    """GET /os-availability-zone."""
    names = call.world.options.volume_zones
    rows = [{"zoneName": name, "zoneState": {"available": True}} for name in names]
    return Answer(200, {"availabilityZoneInfo": rows})


def extensions(_call: Call) -> Answer:
    """GET /extensions."""
    names = ("os-quota-sets", "os-availability-zone", "os-services", "scheduler-stats")
    rows = [
        {"alias": name, "name": name, "description": "", "updated": "2011-08-08T00:00:00+00:00", "links": [],
         "id": lasting("extension", name)}
        for name in names
    ]  # fmt: skip
    return Answer(200, {"extensions": rows})


ROUTES: Final[Routes] = {
    "/limits": {"GET": limits},
    "/os-quota-sets/{project}": {"GET": show, "PUT": update, "DELETE": reset},
    "/os-quota-sets/{project}/defaults": {"GET": defaults},
    "/os-quota-class-sets/{name}": {"GET": class_set},
    "/scheduler-stats/get_pools": {"GET": pools},
    "/os-services": {"GET": services},
    "/os-availability-zone": {"GET": zones},
    "/extensions": {"GET": extensions},
}

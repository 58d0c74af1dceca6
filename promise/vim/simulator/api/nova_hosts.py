"""Nova: zones, hypervisors, services and aggregates: what operators see of the hosts."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from promise.vim.simulator.api.exchange import Answer, Call, Routes, text, truth
from promise.vim.simulator.api.paging import listing
from promise.vim.simulator.world.errors import ApiError
from promise.vim.simulator.world.names import lasting, micro, zulu

if TYPE_CHECKING:
    from promise.vim.simulator.world.hosts import Host

_CPU: Final = {"arch": "x86_64", "model": "Nehalem", "vendor": "Intel", "features": ["pge", "clflush"],
               "topology": {"cores": 1, "threads": 1, "sockets": 4}}  # fmt: skip


def _hosts(call: Call) -> list[Host]:
    return sorted(call.world.hosts.by_name.values(), key=lambda host: host.number)


def zones(call: Call) -> Answer:
    """GET /os-availability-zone: available while one of its hosts is enabled, even a dead one, as in Nova."""
    return Answer(200, {"availabilityZoneInfo": [_zone(call, name, detailed=False) for name in _zone_names(call)]})


def _zone_names(call: Call) -> list[str]:
    return [zone for zone in call.world.hosts.zones if any(host.zone == zone for host in _hosts(call))]


def _zone(call: Call, name: str, *, detailed: bool) -> dict[str, Any]:
    hosts = [host for host in _hosts(call) if host.zone == name]
    shown = {host.name: {"nova-compute": _service_state(host, call.now)} for host in hosts} if detailed else None
    return {"zoneName": name, "zoneState": {"available": any(host.enabled for host in hosts)}, "hosts": shown}


def _service_state(host: Host, now: float) -> dict[str, Any]:
    return {"active": host.enabled, "available": host.up, "updated_at": micro(_seen(host, now))}


def _seen(host: Host, now: float) -> float:
    return now if host.alive else host.updated


def zones_detail(call: Call) -> Answer:
    """GET /os-availability-zone/detail."""
    call.need_admin("os_compute_api:os-availability-zone:detail")
    internal = {
        "zoneName": "internal",
        "zoneState": {"available": True},
        "hosts": {
            "controller": {
                name: {"active": True, "available": True, "updated_at": micro(call.now)}
                for name in ("nova-conductor", "nova-scheduler")
            }
        },
    }
    body = [internal, *(_zone(call, name, detailed=True) for name in _zone_names(call))]
    return Answer(200, {"availabilityZoneInfo": body})


# Hypervisors


def _hypervisor_id(call: Call, host: Host) -> Any:
    return host.provider.id if call.version >= (2, 53) else host.number


def _hypervisor_brief(call: Call, host: Host) -> dict[str, Any]:
    view: dict[str, Any] = {
        "id": _hypervisor_id(call, host),
        "hypervisor_hostname": host.name,
        "state": "up" if host.up else "down",
        "status": "enabled" if host.enabled else "disabled",
    }
    if call.version >= (2, 53) and truth(call.asked("with_servers") or ""):
        servers = [server for server in call.world.compute.servers.values() if server.host == host.name]
        view["servers"] = [{"name": server.name, "uuid": server.id} for server in servers]
    return view


def _hypervisor(call: Call, host: Host) -> dict[str, Any]:
    service_id = host.service_id if call.version >= (2, 53) else host.number
    view = _hypervisor_brief(call, host) | {
        "hypervisor_type": "fake",
        "hypervisor_version": 1000,
        "host_ip": f"192.0.2.{host.number % 250 + 1}",
        "service": {"id": service_id, "host": host.name, "disabled_reason": host.disabled_reason},
    }
    if call.version < (2, 88):
        view |= _room(call, host)
        view["cpu_info"] = _CPU if call.version >= (2, 28) else json.dumps(_CPU)
    else:
        view["uptime"] = None
    return view


def _room(call: Call, host: Host) -> dict[str, int]:
    """Return what was shown until 2.87: physical totals, and what servers use of them."""
    have, used = host.provider.inventories, call.world.placement.used(host.provider.id)
    total = {name: have[name].total if name in have else 0 for name in ("VCPU", "MEMORY_MB", "DISK_GB")}
    spent = {name: used.get(name, 0) for name in total}
    free = {name: total[name] - spent[name] for name in total}
    return {
        "vcpus": total["VCPU"],
        "vcpus_used": spent["VCPU"],
        "memory_mb": total["MEMORY_MB"],
        "memory_mb_used": spent["MEMORY_MB"],
        "free_ram_mb": free["MEMORY_MB"],
        "local_gb": total["DISK_GB"],
        "local_gb_used": spent["DISK_GB"],
        "free_disk_gb": free["DISK_GB"],
        "disk_available_least": free["DISK_GB"],
        "current_workload": 0,
        "running_vms": sum(server.host == host.name for server in call.world.compute.servers.values()),
    }


def _hypervisor_page(call: Call, path: str, view: Any) -> Answer:
    call.need_admin("os_compute_api:os-hypervisors:list")
    hosts = _hosts(call)
    pattern = call.asked("hypervisor_hostname_pattern")
    if pattern is not None and call.version >= (2, 53):
        hosts = [host for host in hosts if pattern in host.name]
    key = "hypervisors"
    return Answer(200, listing(call, key, path, hosts, lambda host: str(_hypervisor_id(call, host)), view))


def hypervisors(call: Call) -> Answer:
    """GET /os-hypervisors."""
    return _hypervisor_page(call, "os-hypervisors", lambda host: _hypervisor_brief(call, host))


def hypervisors_detail(call: Call) -> Answer:
    """GET /os-hypervisors/detail: since 2.88 without any numbers of capacity."""
    return _hypervisor_page(call, "os-hypervisors/detail", lambda host: _hypervisor(call, host))


def hypervisor(call: Call) -> Answer:
    """GET /os-hypervisors/{id}."""
    call.need_admin("os_compute_api:os-hypervisors:show")
    for host in _hosts(call):
        if str(_hypervisor_id(call, host)) == call.parts["id"]:
            return Answer(200, {"hypervisor": _hypervisor(call, host)})
    raise ApiError(404, f"Compute host {call.parts['id']} could not be found.")


def statistics(call: Call) -> Answer:
    """GET /os-hypervisors/statistics, gone since 2.88."""
    call.need_admin("os_compute_api:os-hypervisors:statistics")
    if call.version >= (2, 88):
        raise ApiError(404, f"API version {call.version[0]}.{call.version[1]} is not supported on this method.")
    rooms = [_room(call, host) for host in _hosts(call)]
    total = {name: sum(room[name] for room in rooms) for name in (rooms[0] if rooms else ())}
    return Answer(200, {"hypervisor_statistics": {"count": len(rooms), **total}})


# Services


def _service(call: Call, host: Host) -> dict[str, Any]:
    view: dict[str, Any] = {
        "id": host.service_id if call.version >= (2, 53) else host.number,
        "binary": "nova-compute",
        "host": host.name,
        "zone": host.zone,
        "status": "enabled" if host.enabled else "disabled",
        "state": "up" if host.up else "down",
        "updated_at": micro(_seen(host, call.now)),
        "disabled_reason": host.disabled_reason,
    }
    return view | ({"forced_down": host.forced_down} if call.version >= (2, 11) else {})


def _controllers(call: Call) -> list[dict[str, Any]]:
    return [
        {
            "id": lasting("service", binary) if call.version >= (2, 53) else 10000 + index, "binary": binary,
            "host": "controller", "zone": "internal", "status": "enabled", "state": "up",
            "updated_at": micro(call.now), "disabled_reason": None,
            **({"forced_down": False} if call.version >= (2, 11) else {}),
        }
        for index, binary in enumerate(("nova-conductor", "nova-scheduler"))
    ]  # fmt: skip


def services(call: Call) -> Answer:
    """GET /os-services."""
    call.need_admin("os_compute_api:os-services:list")
    rows = [*_controllers(call), *(_service(call, host) for host in _hosts(call))]
    for name in ("binary", "host"):
        if wanted := call.asked(name):
            rows = [row for row in rows if row[name] == wanted]
    return Answer(200, {"services": rows})


def change_service(call: Call) -> Answer:
    """PUT /os-services/{id} (since 2.53): status, disabled_reason, forced_down."""
    call.need_admin("os_compute_api:os-services:update")
    host = _host_of_service(call)
    body = call.json()
    if "status" in body:
        reason = body.get("disabled_reason")
        call.world.hosts.enable(host, call.now, enabled=body["status"] == "enabled", reason=reason)
    if "forced_down" in body:
        host.forced_down, host.updated = truth(body["forced_down"]), call.now
    return Answer(200, {"service": _service(call, host)})


def _host_of_service(call: Call) -> Host:
    for host in _hosts(call):
        if call.parts["id"] in {host.service_id, str(host.number)}:
            return host
    raise ApiError(404, f"Service {call.parts['id']} could not be found.")


def change_service_by_name(call: Call) -> Answer:
    """PUT /os-services/{enable,disable,disable-log-reason,force-down} (until 2.52)."""
    call.need_admin("os_compute_api:os-services:update")
    if call.version >= (2, 53):
        return change_service(call)
    body = call.json()
    host = call.world.hosts.get(text(body, "host", 1))
    verb = call.parts["id"]
    if verb == "force-down":
        host.forced_down = truth(body.get("forced_down"))
    elif verb in {"enable", "disable", "disable-log-reason"}:
        call.world.hosts.enable(host, call.now, enabled=verb == "enable", reason=body.get("disabled_reason"))
    else:
        raise ApiError(404, "Unknown action")
    return Answer(200, {"service": _service(call, host)})


def delete_service(call: Call) -> Answer:
    """DELETE /os-services/{id}: only when the host has no servers (409)."""
    call.need_admin("os_compute_api:os-services:delete")
    host = _host_of_service(call)
    if any(server.host == host.name for server in call.world.compute.servers.values()):
        raise ApiError(
            409,
            "Unable to delete compute service that is hosting instances. Migrate or delete the instances first.",
        )
    call.world.hosts.remove(host)
    return Answer(204)


# Aggregates


def aggregates(call: Call) -> Answer:
    """GET /os-aggregates: one per zone."""
    call.need_admin("os_compute_api:os-aggregates:index")
    return Answer(200, {"aggregates": [_aggregate(call, index) for index in range(len(call.world.hosts.zones))]})


def aggregate(call: Call) -> Answer:
    """GET /os-aggregates/{id}."""
    call.need_admin("os_compute_api:os-aggregates:show")
    wanted = call.parts["id"]
    if not wanted.isdigit() or not 0 < int(wanted) <= len(call.world.hosts.zones):
        raise ApiError(404, f"Aggregate {wanted} could not be found.")
    return Answer(200, {"aggregate": _aggregate(call, int(wanted) - 1)})


def _aggregate(call: Call, index: int) -> dict[str, Any]:
    zone = call.world.hosts.zones[index]
    hosts = [host.name for host in _hosts(call) if host.zone == zone]
    view = {
        "id": index + 1, "name": zone, "availability_zone": zone, "metadata": {"availability_zone": zone},
        "hosts": hosts, "created_at": zulu(call.world.started), "updated_at": None, "deleted": False,
        "deleted_at": None,
    }  # fmt: skip
    return view | ({"uuid": lasting("aggregate", zone)} if call.version >= (2, 41) else {})


ROUTES: Final[Routes] = {
    "/os-availability-zone": {"GET": zones},
    "/os-availability-zone/detail": {"GET": zones_detail},
    "/os-hypervisors": {"GET": hypervisors},
    "/os-hypervisors/detail": {"GET": hypervisors_detail},
    "/os-hypervisors/statistics": {"GET": statistics},
    "/os-hypervisors/{id}": {"GET": hypervisor},
    "/os-services": {"GET": services},
    "/os-services/{id}": {"PUT": change_service_by_name, "DELETE": delete_service},
    "/os-aggregates": {"GET": aggregates},
    "/os-aggregates/{id}": {"GET": aggregate},
}

"""Nova: limits and quota sets, and what is used of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from promise.vim.simulator.api.exchange import Answer, Call, Routes, member, number, truth
from promise.vim.simulator.world.errors import ApiError
from promise.vim.simulator.world.quotas import COMPUTE

if TYPE_CHECKING:
    from collections.abc import Mapping

_INJECTED: Final = ("injected_files", "injected_file_content_bytes", "injected_file_path_bytes")
_NETWORK: Final = {"fixed_ips": -1, "floating_ips": -1, "security_groups": -1, "security_group_rules": -1}


def _names(call: Call) -> list[str]:
    """Return the names that are shown: files can no longer be injected since 2.57."""
    return [name for name in COMPUTE if call.version < (2, 57) or name not in _INJECTED]


def _in_use(call: Call, project_id: str) -> dict[str, int]:
    return dict.fromkeys(_names(call), 0) | call.world.compute.used(project_id)


def limits(call: Call) -> Answer:
    """GET /limits: of the caller's project, or of `tenant_id` for an admin."""
    project_id = call.asked("tenant_id") or call.token.project_id
    if project_id != call.token.project_id:
        call.need_admin("os_compute_api:limits:other_project")
    quota, used = call.world.quotas.of(project_id, COMPUTE), call.world.compute.used(project_id)
    absolute = {
        "maxTotalInstances": quota["instances"],
        "maxTotalCores": quota["cores"],
        "maxTotalRAMSize": quota["ram"],
        "maxTotalKeypairs": quota["key_pairs"],
        "maxServerMeta": quota["metadata_items"],
        "maxServerGroups": quota["server_groups"],
        "maxServerGroupMembers": quota["server_group_members"],
        "totalInstancesUsed": used["instances"],
        "totalCoresUsed": used["cores"],
        "totalRAMUsed": used["ram"],
        "totalServerGroupsUsed": used["server_groups"],
    }
    if call.version < (2, 57):
        absolute |= {
            "maxPersonality": quota["injected_files"],
            "maxPersonalitySize": quota["injected_file_content_bytes"],
        }
    if call.version < (2, 39):
        absolute["maxImageMeta"] = quota["metadata_items"]
    if call.version < (2, 36):
        absolute |= dict.fromkeys(
            ("maxTotalFloatingIps", "maxSecurityGroups", "maxSecurityGroupRules"), -1
        ) | dict.fromkeys(("totalFloatingIpsUsed", "totalSecurityGroupsUsed"), 0)
    return Answer(200, {"limits": {"rate": [], "absolute": absolute}})


def _set(values: Mapping[str, Any], project_id: str = "") -> Answer:
    body = dict(values)
    if project_id:
        body["id"] = project_id
    return Answer(200, {"quota_set": body})


def _may_see(call: Call) -> str:
    project_id = call.parts["project"]
    if project_id != call.token.project_id:
        call.need_admin("os_compute_api:os-quota-sets:show")
    return project_id


def _shown(call: Call, limits_: Mapping[str, int]) -> dict[str, int]:
    shown = {name: limits_[name] for name in _names(call)}
    return shown | (_NETWORK if call.version < (2, 36) else {})


def show(call: Call) -> Answer:
    """GET /os-quota-sets/{project}."""
    project_id = _may_see(call)
    return _set(_shown(call, call.world.quotas.of(project_id, COMPUTE)), project_id)


def defaults(call: Call) -> Answer:
    """GET /os-quota-sets/{project}/defaults."""
    return _set(_shown(call, call.world.quotas.standard), call.parts["project"])


def detail(call: Call) -> Answer:
    """GET /os-quota-sets/{project}/detail: limit, in_use and reserved (always 0, as in Nova since Pike)."""
    project_id = _may_see(call)
    used = _in_use(call, project_id)
    shown = _shown(call, call.world.quotas.of(project_id, COMPUTE))
    body = {name: {"limit": limit, "in_use": used.get(name, 0), "reserved": 0} for name, limit in shown.items()}
    return _set(body, project_id)


def update(call: Call) -> Answer:
    """PUT /os-quota-sets/{project}: not below what is used, unless forced."""
    call.need_admin("os_compute_api:os-quota-sets:update")
    project_id = call.parts["project"]
    body = member(call.json(), "quota_set")
    forced = truth(body.get("force", False))
    used = call.world.compute.used(project_id)
    changes = {name: number(body, name, least=-1) for name in body if name in COMPUTE}
    for name, limit in changes.items():
        if not forced and 0 <= limit < used.get(name, 0):
            raise ApiError(
                400,
                f"Quota limit {limit} for {name} must be greater than or equal to already used and reserved "
                f"{used[name]}.",
            )
    call.world.quotas.change(project_id, changes)
    return _set(_shown(call, call.world.quotas.of(project_id, COMPUTE)))


def reset(call: Call) -> Answer:
    """DELETE /os-quota-sets/{project}."""
    call.need_admin("os_compute_api:os-quota-sets:delete")
    call.world.quotas.reset(call.parts["project"], COMPUTE)
    return Answer(202)


def class_set(call: Call) -> Answer:
    """GET /os-quota-class-sets/{class}: with server groups since 2.50."""
    shown = _shown(call, call.world.quotas.standard)
    if call.version < (2, 50):
        shown = {name: limit for name, limit in shown.items() if not name.startswith("server_group")}
    return Answer(200, {"quota_class_set": {**shown, "id": call.parts["name"]}})


ROUTES: Final[Routes] = {
    "/limits": {"GET": limits},
    "/os-quota-sets/{project}": {"GET": show, "PUT": update, "DELETE": reset},
    "/os-quota-sets/{project}/defaults": {"GET": defaults},
    "/os-quota-sets/{project}/detail": {"GET": detail},
    "/os-quota-class-sets/{name}": {"GET": class_set},
}

"""Nova: POST /servers/{id}/action, what can be done to a server; and the record of what was."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from promise.vim.simulator.api.exchange import Answer, Call, Routes, member, text
from promise.vim.simulator.api.nova_create import checked_metadata
from promise.vim.simulator.api.nova_flavors import flavor_of
from promise.vim.simulator.api.nova_servers import owned
from promise.vim.simulator.api.nova_views import server_view
from promise.vim.simulator.world.errors import ApiError
from promise.vim.simulator.world.images import Image
from promise.vim.simulator.world.names import fresh, micro

if TYPE_CHECKING:
    from collections.abc import Callable

    from promise.vim.simulator.world.servers import Server


def act(call: Call) -> Answer:
    """Do the one thing that the body names; 202 unless it says otherwise."""
    server, body = owned(call), call.json()
    if len(body) != 1:
        raise ApiError(400, f"There is no such action: {', '.join(body)}")
    verb, given = next(iter(body.items()))
    if verb not in _ACTS:
        raise ApiError(400, f"There is no such action: {verb}")
    answer = _ACTS[verb](call, server, given)
    server.record(_NAMES.get(verb, verb), call.now)
    return answer or Answer(202)


def _state(verb: str, allowed: tuple[str, ...], task: str, then: str) -> Callable[[Call, Server, Any], None]:
    """Make an action that leads from some states through a task to another state."""

    def change(call: Call, server: Server, _given: Any) -> None:
        if not call.token.admin or not server.locked:
            server.require(verb, *allowed)
        call.world.compute.later(server, task, then, call.now)

    return change


def _reboot(call: Call, server: Server, given: Any) -> None:
    kind = text(member({"reboot": given}, "reboot"), "type", 1).upper()
    if kind not in {"SOFT", "HARD"}:
        raise ApiError(400, f"Invalid input for field/attribute type. Value: {kind}. It is neither SOFT nor HARD")
    server.require("reboot", *(("active",) if kind == "SOFT" else ("active", "stopped", "error", "paused")))
    call.world.compute.later(server, "rebooting" if kind == "SOFT" else "rebooting_hard", "active", call.now)


def _lock(call: Call, server: Server, given: Any) -> None:
    server.locked = True
    server.locked_reason = given.get("locked_reason") if isinstance(given, dict) and call.version >= (2, 73) else None


def _unlock(_call: Call, server: Server, _given: Any) -> None:
    server.locked, server.locked_reason = False, None


def _reset(call: Call, server: Server, given: Any) -> None:
    call.need_admin("os_compute_api:os-admin-actions:reset_state")
    state = text(member({"os-resetState": given}, "os-resetState"), "state", 1)
    if state not in {"active", "error"}:
        raise ApiError(400, f"Invalid input for field/attribute state. Value: {state}. It is neither active nor error")
    server.settle(state, call.now)


def _delete(call: Call, server: Server, _given: Any) -> None:
    call.world.compute.delete(server, call.now)


def _create_image(call: Call, server: Server, given: Any) -> Answer:
    body = member({"createImage": given}, "createImage")
    server.require("createImage", "active", "stopped", "paused", "suspended")
    properties = {"instance_uuid": server.id, "image_type": "snapshot"}
    image = Image(
        fresh(), text(body, "name", 1), server.project_id, call.now, call.now, 512, 0, server.flavor.disk, "private",
        properties=properties | checked_metadata(call, body.get("metadata", {})),
    )  # fmt: skip
    call.world.images[image.id] = image
    where = {"Location": f"{call.request.origin}/image/v2/images/{image.id}"}
    return Answer(202, {"image_id": image.id} if call.version >= (2, 45) else None, where)


def _resize(call: Call, server: Server, given: Any) -> None:
    server.require("resize", "active", "stopped")
    wanted = text(member({"resize": given}, "resize"), "flavorRef", 1).rpartition("/")[2]
    try:
        flavor = flavor_of(call, wanted)
    except ApiError as error:
        raise ApiError(400, error.message) from None
    if flavor.id == server.flavor.id:
        raise ApiError(400, "When resizing, instances must change flavor!")
    more = (flavor.vcpus - server.flavor.vcpus, 0, flavor.ram - server.flavor.ram)
    call.world.compute.check_quota(server.project_id, *more)
    call.world.compute.mover.resize(server, flavor, call.now)


def _confirm(call: Call, server: Server, _given: Any) -> Answer:
    server.require("confirmResize", "resized")
    call.world.compute.mover.confirm(server, call.now)
    return Answer(204)


def _revert(call: Call, server: Server, _given: Any) -> None:
    server.require("revertResize", "resized")
    call.world.compute.mover.revert(server, call.now)


def _rebuild(call: Call, server: Server, given: Any) -> Answer:
    body = member({"rebuild": given}, "rebuild")
    server.require("rebuild", "active", "stopped", "error")
    image = call.world.images.get(text(body, "imageRef", 1).rpartition("/")[2])
    if image is None:
        raise ApiError(400, f"Image {body['imageRef']} could not be found.")
    server.image, server.name = image.id, str(body.get("name") or server.name)
    call.world.compute.later(server, "rebuilding", "active", call.now)
    return Answer(202, {"server": server_view(call, server)})


def _migrate(call: Call, server: Server, given: Any) -> None:
    call.need_admin("os_compute_api:os-migrate-server:migrate")
    server.require("migrate", "active", "stopped")
    host = given.get("host") if isinstance(given, dict) else None
    call.world.compute.mover.migrate(server, host, call.now)


def _evacuate(call: Call, server: Server, given: Any) -> Answer:
    call.need_admin("os_compute_api:os-evacuate")
    host = given.get("host") if isinstance(given, dict) else None
    call.world.compute.mover.evacuate(server, host, call.now)
    return Answer(200, {"adminPass": fresh()[:12]} if call.version < (2, 14) else None)


def _shelve(call: Call, server: Server, _given: Any) -> None:
    server.require("shelve", "active", "stopped", "paused", "suspended")
    call.world.compute.mover.shelve(server, call.now)


def _unshelve(call: Call, server: Server, _given: Any) -> None:
    server.require("unshelve", "shelved_offloaded")
    call.world.compute.mover.unshelve(server, call.now)


def _group(call: Call, server: Server, given: Any) -> None:
    """Add a security group to every port of a server, or take it off."""
    name = text(member({"group": given}, "group"), "name", 1)
    verb = next(iter(call.json()))
    rows = call.world.network.rows["security_group"].values()
    found = [row for row in rows if row["project_id"] == server.project_id and name in {row["id"], row["name"]}]
    if not found:
        raise ApiError(404, f"Security group {name} not found for project {server.project_id}.")
    for port in call.world.network.ports_of(server.id):
        groups = [group for group in port["security_groups"] if group != found[0]["id"]]
        port["security_groups"] = [*groups, found[0]["id"]] if verb == "addSecurityGroup" else groups


def _console(_call: Call, server: Server, _given: Any) -> Answer:
    return Answer(200, {"output": f"{server.name} login: "})


_ACTS: Final[dict[str, Callable[[Call, Server, Any], Answer | None]]] = {
    "os-start": _state("start", ("stopped",), "powering-on", "active"),
    "os-stop": _state("stop", ("active", "error"), "powering-off", "stopped"),
    "pause": _state("pause", ("active",), "pausing", "paused"),
    "unpause": _state("unpause", ("paused",), "unpausing", "active"),
    "suspend": _state("suspend", ("active",), "suspending", "suspended"),
    "resume": _state("resume", ("suspended",), "resuming", "active"),
    "reboot": _reboot,
    "lock": _lock,
    "unlock": _unlock,
    "os-resetState": _reset,
    "forceDelete": _delete,
    "createImage": _create_image,
    "resize": _resize,
    "confirmResize": _confirm,
    "revertResize": _revert,
    "rebuild": _rebuild,
    "migrate": _migrate,
    "os-migrateLive": _migrate,
    "evacuate": _evacuate,
    "shelve": _shelve,
    "shelveOffload": _shelve,
    "unshelve": _unshelve,
    "addSecurityGroup": _group,
    "removeSecurityGroup": _group,
    "os-getConsoleOutput": _console,
}
_NAMES: Final = {"os-start": "start", "os-stop": "stop", "os-migrateLive": "live-migration", "forceDelete": "delete"}


def _entry(server: Server, entry: dict[str, Any]) -> dict[str, Any]:
    stamp = micro(entry["start_time"])
    return {
        **entry, "start_time": stamp, "updated_at": stamp, "instance_uuid": server.id, "message": None,
        "project_id": server.project_id,
    }  # fmt: skip


def actions(call: Call) -> Answer:
    """GET /servers/{id}/os-instance-actions, newest first."""
    server = owned(call)
    return Answer(200, {"instanceActions": [_entry(server, entry) for entry in reversed(server.actions)]})


def action(call: Call) -> Answer:
    """GET /servers/{id}/os-instance-actions/{request}."""
    server, wanted = owned(call), call.parts["request"]
    for entry in server.actions:
        if entry["request_id"] == wanted:
            return Answer(200, {"instanceAction": {**_entry(server, entry), "events": []}})
    raise ApiError(404, f"Action for request_id {wanted} on instance {server.id} not found")


ROUTES: Final[Routes] = {
    "/servers/{id}/action": {"POST": act},
    "/servers/{id}/os-instance-actions": {"GET": actions},
    "/servers/{id}/os-instance-actions/{request}": {"GET": action},
}

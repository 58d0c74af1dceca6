"""The simulator's own API under /simulator: hosts, quotas, tokens, faults, and what has happened.

Nobody needs a token here. Every answer but the first is JSON; an error is {"error": message}.

    GET    /simulator                        this text
    GET    /simulator/state                  hosts, servers, volumes, floating addresses, what is used, quotas
    GET    /simulator/requests               the last requests to the services; DELETE forgets them
    POST   /simulator/hosts                  {"name", "zone", "inventories"?}: add a host
    PUT    /simulator/hosts/{name}           {"state": "up" | "down"}, {"enabled": bool}, {"forced_down": bool},
                                             {"inventories": {class: {total, reserved?, allocation_ratio?, ...}}}
    DELETE /simulator/hosts/{name}           remove a host; with ?servers=lost its servers vanish with it
    PUT    /simulator/servers/{id}           {"status": "ACTIVE" | "ERROR" | "SHUTOFF", "fault"?}
    DELETE /simulator/servers/{id}           let a server vanish at once
    DELETE /simulator/volumes/{id}           let a volume vanish at once
    DELETE /simulator/addresses/{id}         let a floating address vanish at once
    PUT    /simulator/quotas/{project}       {name: limit}; the project by name or id
    DELETE /simulator/tokens                 revoke every token, or with ?user=NAME those of one user
    POST   /simulator/faults                 a rule, as below; GET lists, DELETE clears all
    DELETE /simulator/faults/{id}            clear one rule
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final, Protocol
from urllib.parse import parse_qs, unquote

from promise.vim.simulator.api.exchange import Answer, member, number, only, real, text, truth
from promise.vim.simulator.faults import Rule
from promise.vim.simulator.world.errors import ApiError
from promise.vim.simulator.world.placement import Inventory
from promise.vim.simulator.world.quotas import COMPUTE, NETWORK, VOLUME
from promise.vim.simulator.world.routers import remove_floating
from promise.vim.simulator.world.servers import STATES

if TYPE_CHECKING:
    from collections import deque
    from collections.abc import Callable

    from promise.vim.simulator.api.exchange import Request
    from promise.vim.simulator.faults import Faults
    from promise.vim.simulator.world.addresses import Row
    from promise.vim.simulator.world.hosts import Host
    from promise.vim.simulator.world.servers import Server
    from promise.vim.simulator.world.volumes import Volume
    from promise.vim.simulator.world.world import World


class Clock(Protocol):
    """Time as the simulator needs it; the controller's clocks are such, and so is one with fractions."""

    def now(self) -> float:
        """Return seconds since 1970-01-01T00:00:00Z."""

    async def sleep_until(self, moment: float) -> None:
        """Return once `now()` has reached `moment`."""


class Simulator(Protocol):
    """What the control API needs of the simulator."""

    world: World
    faults: Faults
    clock: Clock
    requests: deque[dict[str, object]]

    def release(self) -> None:
        """Let go of the requests that hang."""


_INVENTORY: Final = ("total", "reserved", "min_unit", "max_unit", "step_size", "allocation_ratio")


def answer(simulator: Simulator, request: Request) -> Answer:
    """Answer one request of the control API."""
    simulator.world.advance(simulator.clock.now())
    noun, _, name = request.path.removeprefix("/simulator").strip("/").partition("/")
    handler = _HANDLERS.get((request.method, noun, bool(name)), _unknown)
    try:
        return handler(simulator, request, unquote(name))
    except ApiError as error:
        return Answer(error.status, {"error": error.message})


def _unknown(_simulator: Simulator, request: Request, _name: str) -> Answer:
    raise ApiError(404, f"{request.method} {request.path} is no part of the control API")


def _body(request: Request) -> dict[str, Any]:
    try:
        body = json.loads(request.data)
    except ValueError:
        raise ApiError(400, "the body is not JSON") from None
    if not isinstance(body, dict):
        raise ApiError(400, "the body is not an object")
    return body


def _asked(request: Request, name: str) -> str:
    return parse_qs(request.query).get(name, [""])[-1]


def _state(simulator: Simulator, _request: Request, _name: str) -> Answer:
    world = simulator.world
    projects = world.identity.projects
    body = {
        "now": simulator.clock.now(),
        "hosts": {host.name: _host(simulator, host) for host in world.hosts.by_name.values()},
        "servers": [_server(simulator, server) for server in world.compute.servers.values()],
        "volumes": [_volume(simulator, volume) for volume in world.volumes.volumes.values()],
        "addresses": [_address(simulator, row) for row in world.network.rows["floatingip"].values()],
        "projects": {
            project.name: {
                "id": project.id,
                "quota": world.quotas.of(project.id, {**COMPUTE, **NETWORK, **VOLUME}),
                "used": {
                    **world.compute.used(project.id),
                    **world.volumes.used(project.id),
                    **{kind: world.network.owned(kind, project.id) for kind in world.network.rows},
                },
                "placement": world.placement.usage_of(project.id),
            }
            for project in projects.values()
        },
        "tokens": len(world.identity.tokens),
    }
    return Answer(200, body)


def _host(simulator: Simulator, host: Host) -> dict[str, Any]:
    used = simulator.world.placement.used(host.provider.id)
    return {
        "zone": host.zone, "state": "up" if host.alive else "down", "enabled": host.enabled,
        "forced_down": host.forced_down, "provider": host.provider.id,
        "inventories": {
            name: {"total": each.total, "reserved": each.reserved, "allocation_ratio": each.allocation_ratio,
                   "capacity": each.capacity, "used": used[name]}
            for name, each in host.provider.inventories.items()
        },
    }  # fmt: skip


def _server(simulator: Simulator, server: Server) -> dict[str, Any]:
    return {
        "id": server.id, "name": server.name, "status": server.status, "task_state": server.task_state,
        "project": simulator.world.identity.projects[server.project_id].name, "host": server.host,
        "zone": server.shown_zone, "flavor": server.flavor.name, "metadata": server.metadata,
        "fault": server.fault[1] if server.fault else None,
    }  # fmt: skip


def _volume(simulator: Simulator, volume: Volume) -> dict[str, Any]:
    return {
        "id": volume.id, "name": volume.name, "status": volume.status, "size": volume.size, "type": volume.type,
        "project": simulator.world.identity.projects[volume.project_id].name, "zone": volume.zone,
        "image": volume.image, "server": volume.server, "boot": volume.boot, "metadata": volume.metadata,
    }  # fmt: skip


def _address(simulator: Simulator, row: Row) -> dict[str, Any]:
    port = simulator.world.network.rows["port"].get(row["port_id"] or "")
    return {
        "id": row["id"], "address": row["floating_ip_address"], "fixed": row["fixed_ip_address"],
        "server": port["device_id"] if port else None, "description": row["description"],
        "project": simulator.world.identity.projects[row["project_id"]].name,
    }  # fmt: skip


def _lose_volume(simulator: Simulator, _request: Request, name: str) -> Answer:
    volume = simulator.world.volumes.volumes.get(name)
    if volume is None:
        raise ApiError(404, f"there is no volume {name}")
    simulator.world.volumes.vanish(volume, simulator.clock.now())
    return Answer(204)


def _lose_address(simulator: Simulator, _request: Request, name: str) -> Answer:
    remove_floating(simulator.world.network, simulator.world.network.get("floatingip", name))
    return Answer(204)


def _add_host(simulator: Simulator, request: Request, _name: str) -> Answer:
    body = _body(request)
    only(body, ("name", "zone", "inventories"))
    inventories = _inventories(body["inventories"]) if "inventories" in body else None
    hosts = simulator.world.hosts
    host = hosts.add(text(body, "name", 1), text(body, "zone", 1), simulator.clock.now(), inventories)
    return Answer(201, _host(simulator, host))


def _inventories(given: Any) -> dict[str, Inventory]:
    if not isinstance(given, dict):
        raise ApiError(400, "inventories is an object of resource classes")
    found = {}
    for name, values in given.items():
        only(values, _INVENTORY)
        whole = {key: number(values, key) for key in values if key != "allocation_ratio"}
        if "total" not in whole:
            raise ApiError(400, f"the inventory of {name} needs a total")
        found[name] = Inventory(**whole, allocation_ratio=real(values, "allocation_ratio", 1.0))
    return found


def _change_host(simulator: Simulator, request: Request, name: str) -> Answer:
    body, hosts, now = _body(request), simulator.world.hosts, simulator.clock.now()
    host = hosts.get(name)
    only(body, ("state", "enabled", "forced_down", "inventories"))
    if (state := body.get("state")) is not None:
        if state not in {"up", "down"}:
            raise ApiError(400, f"state is up or down, not {state}")
        (hosts.revive if state == "up" else hosts.kill)(host, now)
    if "enabled" in body:
        hosts.enable(host, now, enabled=truth(body["enabled"]), reason="simulator")
    if "forced_down" in body:
        host.forced_down = truth(body["forced_down"])
    if "inventories" in body:
        host.provider.inventories.update(_inventories(body["inventories"]))
        host.provider.generation += 1
        for resource_class in host.provider.inventories:
            simulator.world.placement.classes.setdefault(resource_class)
    return Answer(200, _host(simulator, host))


def _remove_host(simulator: Simulator, request: Request, name: str) -> Answer:
    world = simulator.world
    host = world.hosts.get(name)
    if _asked(request, "servers") == "lost":
        for server in [each for each in world.compute.servers.values() if each.host == name]:
            world.compute.forget(server, simulator.clock.now())
    world.hosts.remove(host)
    return Answer(204)


def _change_server(simulator: Simulator, request: Request, name: str) -> Answer:
    body = _body(request)
    only(body, ("status", "fault"))
    server = simulator.world.compute.get(name)
    status = member(body, "status", str)
    if status not in STATES or status == "DELETED":
        raise ApiError(400, f"status is one of {', '.join(STATES)}, not {status}")
    now = simulator.clock.now()
    if status == "ERROR":
        server.fail(text(body, "fault", default="simulated failure"), now)
    else:
        server.settle(STATES[status], now)
    return Answer(200, _server(simulator, server))


def _lose_server(simulator: Simulator, _request: Request, name: str) -> Answer:
    simulator.world.compute.forget(simulator.world.compute.get(name), simulator.clock.now())
    return Answer(204)


def _change_quota(simulator: Simulator, request: Request, name: str) -> Answer:
    body, world = _body(request), simulator.world
    only(body, tuple(world.quotas.standard))
    project = next((each for each in world.identity.projects.values() if name in {each.id, each.name}), None)
    if project is None:
        raise ApiError(404, f"there is no project {name}")
    world.quotas.change(project.id, {key: number(body, key, least=-1) for key in body})
    return Answer(200, world.quotas.of(project.id, body))


def _revoke(simulator: Simulator, request: Request, _name: str) -> Answer:
    tokens, user = simulator.world.identity.tokens, _asked(request, "user")
    for secret in [secret for secret, token in tokens.items() if user in {"", token.user.name}]:
        del tokens[secret]
    return Answer(204)


def _add_fault(simulator: Simulator, request: Request, _name: str) -> Answer:
    return Answer(201, simulator.faults.add(_body(request)).shown())


def _list_faults(simulator: Simulator, _request: Request, _name: str) -> Answer:
    return Answer(200, [rule.shown() for rule in simulator.faults.rules.values()])


def _clear_faults(simulator: Simulator, _request: Request, name: str) -> Answer:
    rules = simulator.faults.rules
    if not name:
        rules.clear()
    elif not name.isdigit() or rules.pop(int(name), None) is None:
        raise ApiError(404, f"there is no fault {name}")
    simulator.release()
    return Answer(204)


def _list_requests(simulator: Simulator, _request: Request, _name: str) -> Answer:
    return Answer(200, list(simulator.requests))


def _forget_requests(simulator: Simulator, _request: Request, _name: str) -> Answer:
    simulator.requests.clear()
    return Answer(204)


def _help(_simulator: Simulator, _request: Request, _name: str) -> Answer:
    return Answer(200, f"{__doc__}\n{Rule.__doc__}", content_type="text/plain")


_HANDLERS: Final[dict[tuple[str, str, bool], Callable[[Simulator, Request, str], Answer]]] = {
    ("GET", "", False): _help,
    ("GET", "state", False): _state,
    ("GET", "requests", False): _list_requests,
    ("DELETE", "requests", False): _forget_requests,
    ("POST", "hosts", False): _add_host,
    ("PUT", "hosts", True): _change_host,
    ("DELETE", "hosts", True): _remove_host,
    ("PUT", "servers", True): _change_server,
    ("DELETE", "servers", True): _lose_server,
    ("DELETE", "volumes", True): _lose_volume,
    ("DELETE", "addresses", True): _lose_address,
    ("PUT", "quotas", True): _change_quota,
    ("DELETE", "tokens", False): _revoke,
    ("GET", "faults", False): _list_faults,
    ("POST", "faults", False): _add_fault,
    ("DELETE", "faults", False): _clear_faults,
    ("DELETE", "faults", True): _clear_faults,
}

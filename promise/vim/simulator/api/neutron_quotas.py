"""Neutron: quotas, and in detail what is used of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from promise.vim.simulator.api.exchange import Answer, Call, Routes, member, number
from promise.vim.simulator.world.quotas import NETWORK

if TYPE_CHECKING:
    from collections.abc import Mapping


def in_use(call: Call, project_id: str) -> dict[str, int]:
    """Return how many of each kind a project has, by the names of its quota."""
    network = call.world.network
    return {name: network.owned(name, project_id) if name in network.rows else 0 for name in NETWORK}


def _may_see(call: Call) -> str:
    project_id = call.parts["project"]
    if project_id != call.token.project_id:
        call.need_admin("get_quota")
    return project_id


def show(call: Call) -> Answer:
    """GET /v2.0/quotas/{project}."""
    return _answer(call.world.quotas.of(_may_see(call), NETWORK))


def _answer(quota: Mapping[str, object]) -> Answer:
    return Answer(200, {"quota": dict(quota)})


def details(call: Call) -> Answer:
    """GET /v2.0/quotas/{project}/details: limit, used, reserved."""
    project_id = _may_see(call)
    used = in_use(call, project_id)
    limits = call.world.quotas.of(project_id, NETWORK)
    return _answer({name: {"limit": limit, "used": used[name], "reserved": 0} for name, limit in limits.items()})


def default(call: Call) -> Answer:
    """GET /v2.0/quotas/{project}/default."""
    return _answer({name: call.world.quotas.standard[name] for name in NETWORK})


def update(call: Call) -> Answer:
    """PUT /v2.0/quotas/{project}."""
    call.need_admin("update_quota")
    body = member(call.json(), "quota")
    project_id = call.parts["project"]
    call.world.quotas.change(project_id, {name: number(body, name, least=-1) for name in body if name in NETWORK})
    return _answer(call.world.quotas.of(project_id, NETWORK))


def reset(call: Call) -> Answer:
    """DELETE /v2.0/quotas/{project}."""
    call.need_admin("delete_quota")
    call.world.quotas.reset(call.parts["project"], NETWORK)
    return Answer(204)


def every(call: Call) -> Answer:
    """GET /v2.0/quotas: of every project."""
    call.need_admin("get_quota")
    quotas = [
        {**call.world.quotas.of(project_id, NETWORK), "project_id": project_id, "tenant_id": project_id}
        for project_id in call.world.identity.projects
    ]
    return Answer(200, {"quotas": quotas})


ROUTES: Final[Routes] = {
    "/v2.0/quotas": {"GET": every},
    "/v2.0/quotas/{project}": {"GET": show, "PUT": update, "DELETE": reset},
    "/v2.0/quotas/{project}/default": {"GET": default},
    "/v2.0/quotas/{project}/details": {"GET": details},
}

"""Nova: server groups and key pairs."""

from __future__ import annotations

from functools import partial
from hashlib import md5
from typing import TYPE_CHECKING, Any, Final

from promise.vim.simulator.api.exchange import Answer, Call, Routes, member, number, text
from promise.vim.simulator.api.paging import listing
from promise.vim.simulator.world.errors import ApiError
from promise.vim.simulator.world.groups import Group
from promise.vim.simulator.world.names import fresh, micro

if TYPE_CHECKING:
    from collections.abc import Sequence

_POLICIES: Final = ("affinity", "anti-affinity", "soft-affinity", "soft-anti-affinity")


def _view(call: Call, group: Group) -> dict[str, Any]:
    view: dict[str, Any] = {"id": group.id, "name": group.name, "members": group.members}
    if call.version >= (2, 13):
        view |= {"project_id": group.project_id, "user_id": group.user_id}
    if call.version < (2, 64):
        return {**view, "policies": [group.policy], "metadata": {}}
    rules = {"max_server_per_host": group.most_per_host} if group.most_per_host else {}
    return {**view, "policy": group.policy, "rules": rules}


def groups(call: Call) -> Answer:
    """GET /os-server-groups."""
    everywhere = call.token.admin and "all_projects" in call.query()
    rows = [
        group
        for group in call.world.compute.groups.by_id.values()
        if everywhere or group.project_id == call.token.project_id
    ]
    view = partial(_view, call)
    return Answer(200, listing(call, "server_groups", "os-server-groups", rows, lambda group: group.id, view))


def _group(call: Call) -> Group:
    group = call.world.compute.groups.by_id.get(call.parts["id"])
    if group is None or (group.project_id != call.token.project_id and not call.token.admin):
        raise ApiError(404, f"Instance group {call.parts['id']} could not be found.")
    return group


def group(call: Call) -> Answer:
    """GET /os-server-groups/{id}."""
    return Answer(200, {"server_group": _view(call, _group(call))})


def create_group(call: Call) -> Answer:
    """POST /os-server-groups: since 2.64 with one policy and its rules, before that with a list of one."""
    body = member(call.json(), "server_group")
    policies: Sequence[Any] = [body.get("policy")] if call.version >= (2, 64) else member(body, "policies", list)
    if len(policies) != 1 or policies[0] not in _POLICIES:
        raise ApiError(400, f"Invalid input for field/attribute policy. Value: {policies}.")
    rules = body.get("rules") or {}
    if rules and policies[0] != "anti-affinity":
        raise ApiError(400, "Only anti-affinity policy supports rules.")
    project_id = call.token.project_id
    used = call.world.compute.used(project_id)["server_groups"]
    if call.world.quotas.exceeded(project_id, "server_groups", used + 1):
        raise ApiError(403, "Quota exceeded, too many server groups.")
    most = number(rules, "max_server_per_host", least=1) if rules else None
    made = Group(fresh(), text(body, "name", 1), project_id, call.token.user.id, str(policies[0]), most)
    call.world.compute.groups.by_id[made.id] = made
    return Answer(200, {"server_group": _view(call, made)})


def delete_group(call: Call) -> Answer:
    """DELETE /os-server-groups/{id}."""
    del call.world.compute.groups.by_id[_group(call).id]
    return Answer(204)


def _keys(call: Call) -> dict[str, dict[str, Any]]:
    user = call.token.user.id
    return {name: pair for (owner, name), pair in call.world.compute.groups.keypairs.items() if owner == user}


def keypairs(call: Call) -> Answer:
    """GET /os-keypairs."""
    hidden = {"private_key", "id", "created_at"}
    rows = [
        {"keypair": {name: value for name, value in pair.items() if name not in hidden}}
        for pair in _keys(call).values()
    ]
    return Answer(200, {"keypairs": rows})


def keypair(call: Call) -> Answer:
    """GET /os-keypairs/{name}."""
    return Answer(200, {"keypair": _key(call)})


def _key(call: Call) -> dict[str, Any]:
    name = call.parts["name"]
    if name not in _keys(call):
        raise ApiError(404, f"Keypair {name} not found for user {call.token.user.id}")
    return _keys(call)[name]


def create_keypair(call: Call) -> Answer:
    """POST /os-keypairs: of a public key that is given; until 2.91 one is made up where it is not."""
    body = member(call.json(), "keypair")
    name, user = text(body, "name", 1), call.token.user.id
    if "public_key" not in body and call.version >= (2, 92):
        raise ApiError(400, "Invalid input for field/attribute keypair. 'public_key' is a required property")
    if name in _keys(call):
        raise ApiError(409, f"Key pair '{name}' already exists.")
    if call.world.quotas.exceeded(call.token.project_id, "key_pairs", len(_keys(call)) + 1):
        raise ApiError(403, "Quota exceeded, too many key pairs.")
    public = text(body, "public_key", 1, 16384) if "public_key" in body else f"ssh-rsa {fresh()}"
    digest = md5(public.encode(), usedforsecurity=False).hexdigest()
    pair = {
        "name": name, "public_key": public, "user_id": user, "type": str(body.get("type", "ssh")),
        "fingerprint": ":".join(digest[index : index + 2] for index in range(0, 32, 2)),
    }  # fmt: skip
    number_ = len(call.world.compute.groups.keypairs) + 1
    kept = {
        **pair,
        "id": number_,
        "created_at": micro(call.now),
        "deleted": False,
        "deleted_at": None,
        "updated_at": None,
    }
    call.world.compute.groups.keypairs[user, name] = kept
    made = {} if "public_key" in body else {"private_key": f"-----BEGIN PRIVATE KEY-----\n{fresh()}\n"}
    return Answer(201 if call.version >= (2, 2) else 200, {"keypair": {**pair, **made}})


def delete_keypair(call: Call) -> Answer:
    """DELETE /os-keypairs/{name}."""
    name = _key(call)["name"]
    del call.world.compute.groups.keypairs[call.token.user.id, name]
    return Answer(204 if call.version >= (2, 2) else 202)


def extensions(_call: Call) -> Answer:
    """GET /extensions: deprecated, and the same list for everybody."""
    names = ("os-server-groups", "os-quota-sets", "os-hypervisors", "os-availability-zone", "NMN", "OS-DCF")
    rows = [{"alias": name, "name": name, "description": "", "updated": "2014-12-03T00:00:00Z", "links": [],
             "namespace": ""} for name in names]  # fmt: skip
    return Answer(200, {"extensions": rows})


ROUTES: Final[Routes] = {
    "/os-server-groups": {"GET": groups, "POST": create_group},
    "/os-server-groups/{id}": {"GET": group, "DELETE": delete_group},
    "/os-keypairs": {"GET": keypairs, "POST": create_keypair},
    "/os-keypairs/{name}": {"GET": keypair, "DELETE": delete_keypair},
    "/extensions": {"GET": extensions},
}

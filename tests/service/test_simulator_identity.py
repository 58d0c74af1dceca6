"""The simulated Keystone: who gets a token for what, how long it lasts, and what a service says without one."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from simulated import START, Cloud, simulated

from promise.vim.simulator import SimulatorOptions

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

DENIED = {
    "error": {
        "code": 401,
        "message": "The request you have made requires authentication.",
        "title": "Unauthorized",
    }
}


@pytest.fixture
async def cloud() -> AsyncIterator[Cloud]:
    async with simulated(SimulatorOptions(token_seconds=600)) as running:
        yield running


async def test_a_token_says_who_where_with_which_roles_and_until_when(cloud: Cloud) -> None:
    reply = await cloud.sign_in()
    token = reply.body["token"]
    assert reply.status == 201
    assert len(reply.headers["X-Subject-Token"]) > 100
    assert (token["user"]["name"], token["project"]["name"]) == ("promise", "promise")
    assert token["user"]["domain"] == {"id": "default", "name": "Default"}
    assert [role["name"] for role in token["roles"]] == ["admin", "member", "reader"]
    assert token["issued_at"] == "2027-01-15T08:00:00.000000Z"
    assert datetime.fromisoformat(token["expires_at"]) == datetime.fromtimestamp(START + 600, UTC)


async def test_the_catalog_has_every_service_at_the_address_that_was_asked(cloud: Cloud) -> None:
    catalog = (await cloud.sign_in()).body["token"]["catalog"]
    assert {entry["type"]: entry["endpoints"][0]["url"] for entry in catalog} == {
        "identity": f"{cloud.url}/identity",
        "compute": f"{cloud.url}/compute/v2.1",
        "placement": f"{cloud.url}/placement",
        "image": f"{cloud.url}/image",
        "network": f"{cloud.url}/network",
        "block-storage": f"{cloud.url}/volume/v3",
        "alarming": f"{cloud.url}/alarming",
    }
    interfaces = {(each["interface"], each["region"]) for entry in catalog for each in entry["endpoints"]}
    assert interfaces == {("public", "RegionOne"), ("internal", "RegionOne"), ("admin", "RegionOne")}


@pytest.mark.parametrize(
    ("user", "project", "password"),
    [("promise", "promise", "wrong"), ("nobody", "promise", "x"), ("promise", "nowhere", "promise"),
     ("member", "tenant", "member")],
)  # fmt: skip
async def test_a_wrong_password_user_or_project_is_one_and_the_same_401(
    cloud: Cloud, user: str, project: str, password: str
) -> None:
    reply = await cloud.sign_in(user, project, password)
    assert (reply.status, reply.body) == (401, DENIED)
    assert "WWW-Authenticate" in reply.headers


@pytest.mark.parametrize(
    ("body", "message"),
    [({}, "'auth'"), ({"auth": {}}, "'identity'"), ({"auth": {"identity": {}}}, "'methods'"),
     ({"auth": {"identity": {"methods": ["password"], "password": {"user": {"name": "x", "password": "y"}}}}},
      "domain")],
)  # fmt: skip
async def test_a_request_without_its_parts_is_a_400_that_names_the_part(cloud: Cloud, body: Any, message: str) -> None:
    reply = await cloud.send("POST", "/identity/v3/auth/tokens", body)
    assert reply.status == 400
    assert message in reply.body["error"]["message"]


async def test_what_is_no_json_is_a_400(cloud: Cloud) -> None:
    reply = await cloud.send("POST", "/identity/v3/auth/tokens", b"{")
    assert (reply.status, reply.body["error"]["title"]) == (400, "Bad Request")


async def test_a_token_ends_at_its_moment_and_not_before(cloud: Cloud) -> None:
    await cloud.token()
    await cloud.clock.advance(599)
    assert (await cloud.nova("GET", "/servers")).status == 200
    await cloud.clock.advance(1)
    assert (await cloud.nova("GET", "/servers")).status == 401


async def test_a_revoked_token_is_worth_nothing(cloud: Cloud) -> None:
    secret = await cloud.token()
    other = await cloud.token("admin", "admin")
    headers = {"X-Auth-Token": other, "X-Subject-Token": secret}
    shown = (await cloud.send("GET", "/identity/v3/auth/tokens", headers=headers)).body["token"]
    assert shown["user"]["name"] == "promise"
    assert (await cloud.send("DELETE", "/identity/v3/auth/tokens", headers=headers)).status == 204
    assert (await cloud.send("GET", "/identity/v3/auth/tokens", headers=headers)).status == 404
    assert (await cloud.nova("GET", "/servers")).status == 401


async def test_all_tokens_of_a_user_can_be_revoked_from_outside(cloud: Cloud) -> None:
    await cloud.token()
    await cloud.token("tenant", "tenant")
    assert (await cloud.control("DELETE", "/tokens?user=promise")).status == 204
    assert (await cloud.nova("GET", "/servers")).status == 401
    assert (await cloud.nova("GET", "/servers", user="tenant", project="tenant")).status == 200


@pytest.mark.parametrize(
    "path",
    ["/compute/v2.1/servers", "/placement/resource_providers", "/image/v2/images", "/network/v2.0/networks",
     "/volume/v3/volumes", "/compute/v2.1/no-such-thing"],
)  # fmt: skip
async def test_without_a_token_every_service_says_what_the_middleware_says(cloud: Cloud, path: str) -> None:
    reply = await cloud.send("GET", path)
    assert (reply.status, reply.body) == (401, DENIED)
    assert reply.headers["WWW-Authenticate"] == f'Keystone uri="{cloud.url}/identity"'


async def test_versions_are_told_to_everybody(cloud: Cloud) -> None:
    found = {
        mount: (await cloud.send("GET", f"/{mount}/"))
        for mount in ("identity", "compute", "placement", "image", "network", "volume")
    }
    assert {mount: reply.status for mount, reply in found.items()} == {
        "identity": 300, "compute": 200, "placement": 200, "image": 300, "network": 200, "volume": 300,
    }  # fmt: skip
    assert found["compute"].body["versions"][0]["version"] == "2.96"
    assert found["placement"].body["versions"][0]["max_version"] == "1.39"
    assert found["volume"].body["versions"][0]["version"] == "3.71"
    assert found["identity"].body["versions"]["values"][0]["id"] == "v3.14"


async def test_a_token_scopes_another_one(cloud: Cloud) -> None:
    secret = await cloud.token("admin", "admin")
    tenant = next(each.id for each in cloud.world.identity.projects.values() if each.name == "tenant")
    auth = {"identity": {"methods": ["token"], "token": {"id": secret}}, "scope": {"project": {"id": tenant}}}
    reply = await cloud.send("POST", "/identity/v3/auth/tokens", {"auth": auth})
    assert (reply.status, reply.body["token"]["project"]["name"]) == (201, "tenant")


async def test_an_unscoped_token_has_no_catalog_but_knows_its_projects(cloud: Cloud) -> None:
    user = {"name": "member", "domain": {"name": "Default"}, "password": "member"}
    auth = {"identity": {"methods": ["password"], "password": {"user": user}}, "scope": "unscoped"}
    reply = await cloud.send("POST", "/identity/v3/auth/tokens", {"auth": auth})
    assert reply.status == 201
    assert "catalog" not in reply.body["token"]
    headers = {"X-Auth-Token": reply.headers["X-Subject-Token"]}
    projects = await cloud.send("GET", "/identity/v3/auth/projects", headers=headers)
    assert [project["name"] for project in projects.body["projects"]] == ["promise"]


async def test_only_an_admin_lists_all_projects(cloud: Cloud) -> None:
    reply = await cloud.call("GET", "/identity/v3/projects")
    assert {project["name"] for project in reply.body["projects"]} == {"promise", "admin", "tenant"}
    reply = await cloud.call("GET", "/identity/v3/projects?name=tenant")
    assert [project["name"] for project in reply.body["projects"]] == ["tenant"]
    reply = await cloud.call("GET", "/identity/v3/projects", user="member")
    assert reply.status == 403
    assert reply.body["error"]["message"].endswith("identity:list_projects.")


async def test_ids_of_what_is_configured_are_the_same_at_the_next_start(cloud: Cloud) -> None:
    async with simulated() as again:
        assert set(again.world.identity.projects) == set(cloud.world.identity.projects)
        assert set(again.world.placement.providers) == set(cloud.world.placement.providers)
        assert set(again.world.images) == set(cloud.world.images)
        assert set(again.world.network.rows["network"]) == set(cloud.world.network.rows["network"])

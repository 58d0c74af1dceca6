"""Signing in, and what of the machine and of the secrets must stay where it is."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

import pytest
from contract.scripted_cloud import (
    PASSWORD,
    SERVERS,
    SIGN_IN,
    Hang,
    Reply,
    Reset,
    ScriptedCloud,
    closed_port,
    driver_for,
    limits_for,
    shown_server,
)

from promise.allocation.server import ServerSpec
from promise.capacity.provider import Access
from promise.errors import CloudError, CloudRefused, CloudUnreachable, CredentialsRejected
from promise.vim.openstack import OpenStack

if TYPE_CHECKING:
    from pathlib import Path

NO_SERVERS = Reply(200, {"servers": []})
HTML = Reply(200, b"<html><body>Welcome to nginx</body></html>", {"Content-Type": "text/html"})
MADE = Reply(202, {"server": {"id": "server-1", "adminPass": "sesame"}})


@pytest.mark.parametrize(
    ("behaviour", "error"),
    [
        (Reply(401, {"error": {"code": 401, "message": "authentication required"}}), CredentialsRejected),
        (Reply(403, {"error": {"message": "no"}}), CredentialsRejected),
        (Reply(400, {"error": {"message": "no domain"}}), CloudRefused),
        (Reply(404), CloudUnreachable),
        (Reply(500), CloudUnreachable),
        (Reply(503), CloudUnreachable),
        (HTML, CloudUnreachable),
        (Reply(201, {"hello": "world"}, {"X-Subject-Token": "t"}), CloudUnreachable),
        (Reply(201, {"token": 5}, {"X-Subject-Token": "t"}), CloudUnreachable),
        (Hang, CloudUnreachable),
        (Reset, CloudUnreachable),
    ],
)  # fmt: skip
async def test_a_sign_in_that_fails(cloud: ScriptedCloud, behaviour: Any, error: type[CloudError]) -> None:
    cloud.on(*SIGN_IN, behaviour)
    async with driver_for(cloud, limits_for(behaviour)) as driver:
        with pytest.raises(CloudError) as caught:
            await driver.servers()
    assert type(caught.value) is error
    assert PASSWORD not in str(caught.value)


async def test_a_keystone_that_talked_nonsense_is_believed_again(cloud: ScriptedCloud) -> None:
    cloud.on(*SIGN_IN, Reply(201, {"token": 5}, {"X-Subject-Token": "t"}), lambda _: cloud.token())
    cloud.on("GET", f"{SERVERS}/detail", NO_SERVERS)
    async with driver_for(cloud, limits_for(None)) as driver:
        with pytest.raises(CloudUnreachable):
            await driver.servers()
        assert await driver.servers() == []


async def test_a_token_without_a_project(cloud: ScriptedCloud) -> None:
    cloud.on(*SIGN_IN, lambda _: cloud.token(project={}))
    async with driver_for(cloud) as driver:
        with pytest.raises(CredentialsRejected, match="a token without a project"):
            await driver.servers()


async def test_a_keystone_that_is_not_there() -> None:
    driver = OpenStack(Access(closed_port(), "u", project_name="p"), PASSWORD, limits_for(None))
    with pytest.raises(CloudUnreachable, match="connection refused"):
        await driver.servers()
    await driver.close()


async def test_a_cloud_without_nova(cloud: ScriptedCloud) -> None:
    cloud.services.remove("compute")
    async with driver_for(cloud) as driver:
        with pytest.raises(CloudRefused, match="names no compute service"):
            await driver.discover()


@pytest.mark.parametrize(
    ("access", "scope"),
    [
        ({"project_id": "p1"}, {"project": {"id": "p1"}}),
        ({"project_id": "p1", "project_name": "nfv"}, {"project": {"id": "p1"}}),
        ({"project_name": "nfv"}, {"project": {"name": "nfv", "domain": {"name": "Users"}}}),
        (
            {"project_name": "nfv", "project_domain_name": "Projects"},
            {"project": {"name": "nfv", "domain": {"name": "Projects"}}},
        ),
    ],
)
async def test_user_and_project_are_named_with_their_domains(
    cloud: ScriptedCloud, access: dict[str, str], scope: dict[str, Any]
) -> None:
    cloud.on("GET", f"{SERVERS}/detail", NO_SERVERS)
    driver = OpenStack(Access(cloud.url + "/", "u", user_domain_name="Users", **access), PASSWORD)
    await driver.servers()
    await driver.close()
    asked = cloud.requests[0].body["auth"]
    assert asked["scope"] == scope
    assert asked["identity"]["password"]["user"] == {
        "name": "u", "password": PASSWORD, "domain": {"name": "Users"},
    }  # fmt: skip


async def test_no_configuration_of_the_machine_leaks_in(
    cloud: ScriptedCloud, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "clouds.yaml").write_text("clouds: {other: {auth: {auth_url: 'http://127.0.0.1:1/v3'}}}\n")
    (tmp_path / ".netrc").write_text("machine 127.0.0.1 login eve password eve\n")
    monkeypatch.chdir(tmp_path)
    for name, text in {
        "HOME": str(tmp_path), "OS_CLOUD": "other", "OS_AUTH_URL": "http://127.0.0.1:1/v3", "OS_USERNAME": "eve",
        "OS_PROJECT_NAME": "eve", "OS_REGION_NAME": "Elsewhere", "OS_COMPUTE_ENDPOINT_OVERRIDE": "http://127.0.0.1:1",
        "OS_CLIENT_CONFIG_FILE": str(tmp_path / "clouds.yaml"), "NETRC": str(tmp_path / ".netrc"),
    }.items():  # fmt: skip
        monkeypatch.setenv(name, text)
    cloud.on("GET", f"{SERVERS}/detail", NO_SERVERS)
    async with driver_for(cloud) as driver:
        assert await driver.servers() == []
    assert all("authorization" not in request.headers for request in cloud.requests)


async def test_a_new_token_may_be_revoked_with_those_of_its_second(cloud: ScriptedCloud) -> None:
    cloud.on("GET", f"{SERVERS}/detail", Reply(401), Reply(401), NO_SERVERS)
    async with driver_for(cloud) as driver:
        assert await driver.servers() == []
    assert cloud.count(*SIGN_IN) == 3


async def test_a_service_that_accepts_no_token_is_asked_three_times(cloud: ScriptedCloud) -> None:
    cloud.on("GET", f"{SERVERS}/detail", Reply(401))
    async with driver_for(cloud) as driver:
        with pytest.raises(CredentialsRejected, match="Nova answered 401"):
            await driver.servers()
    assert cloud.count("GET", f"{SERVERS}/detail") == 3


async def test_no_secret_reaches_a_log_or_a_message(cloud: ScriptedCloud, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    cloud.on("POST", SERVERS, Reply(401), MADE)
    cloud.on(
        "GET", f"{SERVERS}/s", Reply(200, {"server": shown_server("s", **{"OS-EXT-SRV-ATTR:user_data": "aHVzaA=="})})
    )
    async with driver_for(cloud) as driver:
        await driver.create_server(ServerSpec("a", "n", "i", "f", networks=("n",), user_data="aHVzaA=="))
        await driver.server("s")
        told = caplog.text + repr(driver) + repr(vars(driver))
    assert f"POST {cloud.url}{SERVERS}: 202" in caplog.text
    for secret in (PASSWORD, "secret-token", "aHVzaA==", "sesame"):
        assert secret not in told

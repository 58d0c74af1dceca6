from __future__ import annotations

from typing import Any

import pytest

from promise.allocation.server import ALLOCATION_KEY, Server, ServerSpec, ServerState
from promise.vim.openstack.servers import creation_of, exists, server_from, state_of

SHOWN: dict[str, Any] = {
    "id": "s1", "name": "vnf-1", "status": "ACTIVE", "created": "2020-01-02T03:04:05Z", "tenant_id": "p",
    "metadata": {ALLOCATION_KEY: "a1", "role": "db"}, "image": {"id": "i"}, "OS-EXT-STS:task_state": None,
    "OS-EXT-AZ:availability_zone": "az1", "OS-EXT-SRV-ATTR:host": "cmp1",
    "flavor": {"original_name": "m1", "vcpus": 2, "ram": 512, "disk": 10, "ephemeral": 1, "swap": 0, "extra_specs": {}},
}  # fmt: skip
NEEDS = {"instances": 1, "cores": 2, "ram": 512, "DISK_GB": 11}


def test_a_server_as_nova_shows_it() -> None:
    assert server_from(SHOWN) == Server(
        id="s1", name="vnf-1", state=ServerState.ACTIVE, allocation_id="a1", flavor="m1", needs=NEEDS,
        created=1577934245, zone="az1", host="cmp1", fault=None, image="i",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("said", "field", "value"),
    [
        ({"metadata": {}}, "allocation_id", None),
        ({"metadata": None}, "allocation_id", None),
        ({"image": ""}, "needs", NEEDS | {"DISK_GB": 1}),
        ({"image": ""}, "image", ""),
        ({"OS-EXT-AZ:availability_zone": ""}, "zone", None),
        ({"OS-EXT-SRV-ATTR:host": None}, "host", None),
        ({"status": "ERROR", "fault": {"code": 500, "message": "No valid host."}}, "fault", "No valid host."),
        ({"fault": {"message": "x" * 9999}}, "fault", "x" * 500),
        ({"created": "2020-01-02T03:04:05.999999"  "+00:00"}, "created", 1577934245),
    ],
)  # fmt: skip
def test_what_varies(said: dict[str, Any], field: str, value: Any) -> None:
    assert getattr(server_from(SHOWN | said), field) == value


def test_a_server_of_a_cell_that_is_down() -> None:
    partly = {"id": "s1", "status": "UNKNOWN", "created": "2020-01-02T03:04:05Z", "tenant_id": "p", "links": []}
    assert server_from(partly) == Server("s1", "", ServerState.UNKNOWN, None, "", {}, 1577934245)


@pytest.mark.parametrize(
    ("statuses", "state"),
    [
        ("BUILD", ServerState.BUILD),
        ("ACTIVE REBOOT HARD_REBOOT PASSWORD REBUILD RESCUE", ServerState.ACTIVE),
        ("MIGRATING RESIZE VERIFY_RESIZE REVERT_RESIZE", ServerState.ACTIVE),
        ("SHUTOFF PAUSED SUSPENDED SHELVED SHELVED_OFFLOADED shutoff", ServerState.STOPPED),
        ("ERROR", ServerState.ERROR),
        ("SOFT_DELETED", ServerState.DELETING),
        ("UNKNOWN BREWING", ServerState.UNKNOWN),
    ],
)  # fmt: skip
def test_states(statuses: str, state: ServerState) -> None:
    for status in statuses.split():
        assert state_of(status, None) is state
        assert state_of(status, "powering-off") is state
        assert state_of(status, "deleting") is ServerState.DELETING
        assert state_of(status, "soft-deleting") is ServerState.DELETING


def test_the_trace_of_a_deleted_server_is_no_server() -> None:
    assert exists(SHOWN)
    assert not exists(SHOWN | {"status": "DELETED"})


def test_a_server_is_asked_for_with_nothing_that_was_not_said() -> None:
    assert creation_of(ServerSpec("a1", "n", "i", "f"), ["n1"]) == {"server": {
        "name": "n", "imageRef": "i", "flavorRef": "f", "networks": [{"uuid": "n1"}],
        "metadata": {ALLOCATION_KEY: "a1"},
    }}  # fmt: skip

"""What was answered otherwise than the document of the interface says; schemathesis found each of them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from restconf_house import PROMISE, RPC, House, house

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path


@pytest.fixture
async def found(tmp_path: Path) -> AsyncIterator[House]:
    async with house(tmp_path / "state") as opened:
        yield opened


async def test_users_are_read_page_by_page(found: House) -> None:
    users = [{"name": name, "group": ["staff"]} for name in ("xenia", "yves", "zoe")]
    made = await found.ask("PATCH", PROMISE, {"opnfv-promise:promise": {"users": users}})
    assert made.status == 204, made.body
    first = await found.get("/users?limit=2")
    assert [user["name"] for user in first.body["opnfv-promise:users"]] == ["xenia", "yves"]
    assert first.headers["Link"] == f'<{PROMISE}/users?limit=2&cursor=yves>; rel="next"'
    last = await found.get("/users?limit=2&cursor=yves")
    assert [user["name"] for user in last.body["opnfv-promise:users"]] == ["zoe"]
    assert "Link" not in last.headers
    turned = await found.get("/users?direction=backwards&offset=1")
    assert [user["name"] for user in turned.body["opnfv-promise:users"]] == ["yves", "xenia"]
    assert (await found.get("/users?cursor=nobody")).error["error-app-tag"] == "ietf-list-pagination:cursor-not-found"
    assert (await found.get("/users?limit=2", user="alice")).body == {"opnfv-promise:users": []}


@pytest.mark.parametrize("path", ["/reservations", "/pools", "/users"])
async def test_fields_are_named_rightly_also_where_nothing_is(found: House, path: str) -> None:
    assert (await found.get(path)).body == {f"opnfv-promise:{path[1:]}": []}
    refused = await found.get(f"{path}?fields=nothing")
    assert refused.status == 400
    assert f'fields names "nothing", which {path[1:]} has not' in refused.error["error-message"]


async def test_null_is_no_input(found: House) -> None:
    refused = await found.ask("POST", f"{RPC}query-instance", b"null", Content_Type="application/json")
    assert (refused.status, refused.error["error-tag"]) == (400, "malformed-message")
    assert (await found.ask("POST", f"{RPC}query-instance")).status == 200


async def test_the_comment_of_a_patch_is_a_string(found: House) -> None:
    patch = {"ietf-yang-patch:yang-patch": {"patch-id": "one", "comment": {}}}
    refused = await found.ask(
        "PATCH", f"{PROMISE}/policy", json.dumps(patch).encode(), Content_Type="application/yang-patch+json"
    )
    assert (refused.status, refused.error["error-message"]) == (400, "the comment of a patch must be a string")


async def test_a_refused_instance_is_told_also_when_it_is_forgotten_at_once(tmp_path: Path) -> None:
    async with house(tmp_path / "state", cloud=True, policy={"retention": 0}) as found:
        answer = await found.invoke(
            "create-instance", name="one", flavor="m1.small", image="cirros", **{"key-name": "none"}
        )
        assert (answer["result"], answer["reason"], answer["status"]) == (
            "error",
            "opnfv-promise:provider-refused",
            "rejected",
        )
        assert "key_name" in answer["message"]
        assert (await found.get("/allocations")).body == {"opnfv-promise:allocations": []}


async def test_what_is_mandatory_is_named_when_it_is_deleted(tmp_path: Path) -> None:
    async with house(tmp_path / "state", cloud=True) as found:
        refused = await found.ask("DELETE", f"{PROMISE}/providers={found.provider}/name")
        assert (refused.status, refused.error["error-tag"]) == (400, "missing-element")
        assert refused.error["error-message"] == "providers must have an element name"
        assert refused.error["error-info"] == {"ietf-netconf:bad-element": "name"}

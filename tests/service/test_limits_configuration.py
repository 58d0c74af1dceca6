"""A configuration has so many nodes, whatever way they come; the time for an edit grows with its size only."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from netconf_client import NC, connect
from restconf_house import house

from promise.northbound.datastore import schema
from promise.northbound.editing import Change, Edit, Insert, Operation, Place, size_of

if TYPE_CHECKING:
    from pathlib import Path

PROMISE = "urn:opnfv:promise"


def users(first: int, last: int) -> str:
    named = "".join(f"<users><name>u{number}</name></users>" for number in range(first, last))
    return f'<promise xmlns="{PROMISE}">{named}</promise>'


def edit(inside: str) -> str:
    return f"<edit-config><target><candidate/></target><config>{inside}</config></edit-config>"


@pytest.mark.limit("a configuration without end", "it has so many nodes", "netconf.max_config")
async def test_a_configuration_has_so_many_nodes(tmp_path: Path) -> None:
    async with house(tmp_path / "state") as found, await connect(*found.app.address, "admin", "admin") as client:
        found.app.front.datastores.largest = 1000
        assert (await client.rpc(edit(users(0, 400))))[0].tag == f"{NC}ok"
        refused = await client.rpc(edit(users(400, 600)))
        assert refused.findtext(f".//{NC}error-tag") == "resource-denied"
        assert "at most 1000 nodes" in (refused.findtext(f".//{NC}error-message") or "")
        shown = await client.rpc("<get-config><source><candidate/></source></get-config>")
        assert len(shown.findall(f".//{{{PROMISE}}}users")) == 400
        many = {"opnfv-promise:promise": {"users": [{"name": f"v{number}"} for number in range(600)]}}
        answer = await found.ask("PATCH", "/restconf/data/opnfv-promise:promise", many)
        assert answer.error["error-tag"] == "resource-denied"


def change(operation: Operation, name: str, insert: Insert | None = None) -> Change:
    node = schema().top["{urn:opnfv:promise}promise"].children["{urn:opnfv:promise}users"]
    return Change(node, operation, "/promise:promise/users", None, (name,), (), insert)


@pytest.mark.limit("edits of many entries", "the time for an edit grows with its size, not with its square")
def test_an_edit_finds_entries_that_came_went_and_came_back() -> None:
    top = schema().top["{urn:opnfv:promise}promise"]

    def applied(*changes: Change) -> list[str]:
        tree = {top.member: {"users": [{"name": "a"}, {"name": "b"}, {"name": "c"}]}}
        new = Edit((Change(top, Operation.MERGE, "", None, (), changes),)).applied(tree)
        return [entry["name"] for entry in new.get(top.member, {}).get("users", [])]

    delete, create, merge = Operation.DELETE, Operation.CREATE, Operation.MERGE
    assert applied(change(delete, "a"), change(create, "d"), change(merge, "b")) == ["b", "c", "d"]
    assert applied(change(delete, "b"), change(create, "b"), change(delete, "c")) == ["a", "b"]
    assert applied(*(change(delete, name) for name in "abc")) == []
    assert applied(change(delete, "a"), change(create, "d", Insert(Place.FIRST))) == ["d", "b", "c"]
    after = Insert(Place.AFTER, ("b",), "key")
    assert applied(change(delete, "a"), change(create, "d", after), change(delete, "b")) == ["d", "c"]


def test_the_size_of_a_configuration() -> None:
    assert size_of({}) == 1
    assert size_of({"a": {"b": [1, 2, {"c": "text"}]}}) == 7

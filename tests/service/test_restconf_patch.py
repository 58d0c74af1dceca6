"""YANG Patch (RFC 8072): edits in order, all or none, each told with its own errors."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import pytest_asyncio
from restconf_house import JSON, PROMISE, XML, Answer, House, house

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

pytestmark = pytest.mark.asyncio(loop_scope="module")
PATCH = "application/yang-patch+json"
YP = "{urn:ietf:params:xml:ns:yang:ietf-yang-patch}"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def opened(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[House]:
    async with house(tmp_path_factory.mktemp("restconf") / "state") as found:
        yield found


@pytest_asyncio.fixture(loop_scope="module")
async def empty(opened: House) -> House:
    assert (await opened.ask("PUT", "/restconf/data", {"ietf-restconf:data": {}})).status == 204
    return opened


def id_of(number: int) -> str:
    return f"00000000-0000-4000-8000-{number:012d}"


def provider(number: int) -> dict[str, Any]:
    endpoint = f"http://cloud{number}.example/v3"
    return {"id": id_of(number), "name": f"c{number}", "provider-type": "openstack", "endpoint": endpoint}


def edit(operation: str, number: int, **more: Any) -> dict[str, Any]:
    """Return an edit of a provider, with its whole entry where the operation has a value."""
    found = {
        "edit-id": f"{operation} {number}",
        "operation": operation,
        "target": f"/providers={id_of(number)}",
        **more,
    }
    if operation in {"create", "insert", "merge", "replace"}:
        found.setdefault("value", {"opnfv-promise:providers": [provider(number)]})
    return found


async def patch(house: House, *edits: dict[str, Any], path: str = PROMISE, **headers: str) -> Answer:
    body = {"ietf-yang-patch:yang-patch": {"patch-id": "p1", "comment": "a test", "edit": list(edits)}}
    return await house.ask("PATCH", path, body, Content_Type=PATCH, **headers)


async def names(house: House) -> list[str]:
    shown = await house.get("?content=config")
    entries = shown.body["opnfv-promise:promise"].get("providers", []) if shown.status == 200 else []
    return [entry["name"] for entry in entries]


@pytest.mark.rfc("8072", "2.5", "create, insert, move, merge, delete, remove, in order")
@pytest.mark.rfc("8072", "2.3", "a patch that is done answers ok")
async def test_edits_are_made_in_their_order(empty: House) -> None:
    point = f"/providers={id_of(1)}"
    done = await patch(
        empty,
        edit("create", 1),
        edit("create", 2),
        edit("insert", 3, where="first"),
        edit("insert", 4, where="before", point=point),
        edit("insert", 5),
        edit("move", 2, where="first"),
        edit("move", 5, where="after", point=point),
        edit("remove", 9),
    )
    assert (done.status, done.headers["Content-Type"]) == (200, JSON)
    assert done.body == {"ietf-yang-patch:yang-patch-status": {"patch-id": "p1", "ok": [None]}}
    assert await names(empty) == ["c2", "c3", "c4", "c1", "c5"]
    leaf = {"edit-id": "leaf", "operation": "merge", "target": "/", "value": {"opnfv-promise:region": "north"}}
    done = await patch(empty, leaf, path=f"{PROMISE}{point}/region")
    assert done.status == 404  # there is no such leaf to patch yet
    done = await patch(empty, {**leaf, "target": "/region"}, path=f"{PROMISE}{point}")
    assert done.status == 200
    assert (await empty.get(f"{point}/region")).body == {"opnfv-promise:region": "north"}


@pytest.mark.rfc("8072", "2.7", "the wrong edit is named; nothing is done")
async def test_a_wrong_edit_is_named_and_nothing_is_done(empty: House) -> None:
    assert (await patch(empty, edit("create", 1))).status == 200
    for wrong, status, tag in (
        (edit("create", 1), 409, "data-exists"),
        (edit("delete", 9), 409, "data-missing"),
        (edit("move", 9), 409, "data-missing"),
        (edit("insert", 4, where="before", point=f"/providers={id_of(8)}"), 400, "bad-attribute"),
        (edit("insert", 4, where="before"), 400, "bad-element"),
        (edit("insert", 4, where="middle"), 400, "invalid-value"),
        (edit("create", 4, where="first"), 400, "bad-element"),
        (edit("create", 4, target="/nosuch"), 400, "invalid-value"),
        (edit("create", 4, target="/providers"), 400, "invalid-value"),
        (edit("create", 4, target=f"/providers={id_of(5)}"), 400, "invalid-value"),
        (edit("make", 4), 400, "invalid-value"),
        (edit("delete", 1, value={}), 400, "bad-element"),
        ({"edit-id": "x", "operation": "merge", "target": f"/providers={id_of(1)}"}, 400, "missing-element"),
        (edit("merge", 1, value={"opnfv-promise:providers": [{**provider(1), "alarms": 1}]}), 400, "invalid-value"),
    ):
        answer = await patch(empty, edit("create", 2), wrong)
        told = answer.body["ietf-yang-patch:yang-patch-status"]
        (status_of_edit,) = told["edit-status"]["edit"]
        assert (answer.status, told["patch-id"], status_of_edit["edit-id"]) == (status, "p1", wrong["edit-id"])
        (error,) = status_of_edit["errors"]["error"]
        assert error["error-tag"] == tag, error
        assert await names(empty) == ["c1"]


@pytest.mark.rfc("8072", "2.3", "global errors in yang-patch-status")
async def test_what_is_wrong_with_the_whole_is_told_as_such(empty: House) -> None:
    twice = {"opnfv-promise:providers": [{**provider(2), "name": "c1"}]}
    answer = await patch(empty, edit("create", 1), edit("create", 2, value=twice))
    told = answer.body["ietf-yang-patch:yang-patch-status"]
    assert answer.status == 412
    assert told["errors"]["error"][0]["error-app-tag"] == "data-not-unique"
    assert await names(empty) == []
    lacking = {name: value for name, value in provider(2).items() if name != "endpoint"}
    wrong_one = await patch(empty, edit("create", 1), edit("create", 2, value={"opnfv-promise:providers": [lacking]}))
    (one,) = wrong_one.body["ietf-yang-patch:yang-patch-status"]["edit-status"]["edit"]
    assert (one["edit-id"], one["errors"]["error"][0]["error-tag"]) == ("create 2", "missing-element")
    nowhere = await patch(empty, edit("create", 1, target="/"), path=f"{PROMISE}/providers={id_of(1)}")
    assert (nowhere.status, "errors" in nowhere.body["ietf-yang-patch:yang-patch-status"]) == (404, True)
    stale = await patch(empty, edit("create", 1), If_Match='"0000-json"')
    assert stale.status == 412
    denied = await empty.ask(
        "PATCH", PROMISE, {"ietf-yang-patch:yang-patch": {"patch-id": ""}}, user="alice", Content_Type=PATCH
    )
    assert denied.status == 403
    name = "ietf-yang-patch:yang-patch"
    wrong: list[Any] = [[], {"patch": {}}, {name: {}}, {name: {"patch-id": 1}}, {name: {"patch-id": "", "edit": {}}}]
    for body in wrong:
        assert (await empty.ask("PATCH", PROMISE, body, Content_Type=PATCH)).status == 400, body
    same = await patch(empty, edit("create", 1), {**edit("create", 2), "edit-id": "create 1"})
    assert (same.status, same.error["error-tag"]) == (400, "bad-element")


@pytest.mark.rfc("8072", "2.2", "application/yang-patch+xml")
async def test_it_is_spoken_in_xml_too(empty: House) -> None:
    entry = "".join(f"<{name}>{value}</{name}>" for name, value in provider(1).items())
    body = f"""
        <yang-patch xmlns="urn:ietf:params:xml:ns:yang:ietf-yang-patch">
          <patch-id>p2</patch-id>
          <edit>
            <edit-id>one</edit-id><operation>create</operation><target>/providers={id_of(1)}</target>
            <value><providers xmlns="urn:opnfv:promise">{entry}</providers></value>
          </edit>
        </yang-patch>""".encode()
    kind = "application/yang-patch+xml"
    done = await empty.ask("PATCH", PROMISE, body, Content_Type=kind)
    assert (done.status, done.headers["Content-Type"]) == (200, XML)
    assert done.xml.find(f"{YP}ok") is not None
    again = await empty.ask("PATCH", PROMISE, body, Content_Type=kind)
    assert again.status == 409
    error = again.xml.find(f"{YP}edit-status/{YP}edit/{YP}errors/{YP}error")
    assert error is not None
    assert error.findtext(f"{YP}error-tag") == "data-exists"

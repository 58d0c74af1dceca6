"""RFC 8650: dynamic subscriptions made over RESTCONF and read at a URI of their own, in JSON and in XML."""

from __future__ import annotations

import asyncio
import base64
import json
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import pytest
from evidence import EVIDENCE
from lxml import etree
from restconf_house import JSON, XML, House, house

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    import aiohttp

SN = "ietf-subscribed-notifications"
YP = "ietf-yang-push"
URI = "ietf-restconf-subscribed-notifications:uri"
OPERATIONS = "/restconf/operations"
SPACE = f"urn:ietf:params:xml:ns:yang:{SN}"
PUSHED = f"urn:ietf:params:xml:ns:yang:{YP}"


@pytest.fixture
async def here(tmp_path: Path) -> AsyncIterator[House]:
    async with house(tmp_path, cloud=True) as found:
        yield found


class Stream:
    """An event stream that is being read."""

    def __init__(self, content: aiohttp.StreamReader) -> None:
        self._content = content

    async def line(self) -> str:
        async with asyncio.timeout(10):
            return (await self._content.readline()).decode().rstrip("\n")

    async def told(self) -> str:
        """Return the data of the next event."""
        data: list[str] = []
        while (line := await self.line()) or not data:
            if line.startswith("data: "):
                data.append(line[6:])
        EVIDENCE.sent("\n".join(data))
        return "\n".join(data)

    async def next(self) -> dict[str, Any]:
        """Return the next notification in JSON."""
        found = dict(json.loads(await self.told())["ietf-restconf:notification"])
        assert found.pop("eventTime").endswith("Z")
        return found

    async def ended(self) -> bool:
        async with asyncio.timeout(10):
            return b"data:" not in await self._content.read()


@asynccontextmanager
async def reading(here: House, uri: str, user: str = "admin", **headers: str) -> AsyncIterator[Stream]:
    secret = base64.b64encode(f"{user}:{user}".encode()).decode()
    fields = {"Authorization": f"Basic {secret}", "Accept": "text/event-stream", **headers}
    async with here.http.get(uri, headers=fields) as answer:
        assert (answer.status, answer.headers["Content-Type"]) == (200, "text/event-stream")
        assert await answer.content.readline() == b"retry: 1000\n"
        yield Stream(answer.content)


async def ask(here: House, name: str, user: str = "admin", module: str = SN, **given: Any) -> Any:
    body = {f"{module}:input": {name.replace("__", ":").replace("_", "-"): value for name, value in given.items()}}
    return await here.ask("POST", f"{OPERATIONS}/{module}:{name}", body, user=user)


async def establish(here: House, user: str = "admin", **given: Any) -> dict[str, Any]:
    answer = await ask(here, "establish-subscription", user, **given)
    assert answer.status == 200, answer.body
    return dict(answer.body[f"{SN}:output"])


async def reserve(here: House, cores: int = 1, user: str = "admin") -> str:
    window = {"start": "2027-02-01T00:00:00Z", "end": "2027-02-02T00:00:00Z"}
    return str((await here.invoke("create-reservation", user, capacity={"cores": cores}, **window))["reservation-id"])


@pytest.mark.rfc("8650", "3.4", "the URI of a subscription is read as server-sent events, until it is deleted")
@pytest.mark.rfc("8650", "3.3", "establish-, modify- and delete-subscription as operations of RESTCONF")
async def test_from_establishing_to_deleting(here: House) -> None:
    made = await establish(here, stream="reservation", stream_xpath_filter="//opnfv-promise:cores > 1")
    assert made[URI].startswith(f"http://{here.app.http[0]}:{here.app.http[1]}/restconf/subscriptions/")
    async with reading(here, made[URI]) as stream:
        for cores in (1, 2):
            await reserve(here, cores)
        event = (await stream.next())["opnfv-promise:reservation-event"]
        assert event["reservation"]["capacity"]["cores"] == 2
        changed = await ask(here, "modify-subscription", id=made["id"], stream_xpath_filter="//opnfv-promise:cores < 2")
        assert (changed.status, changed.content) == (204, b"")
        modified = (await stream.next())[f"{SN}:subscription-modified"]
        assert modified == {
            "id": made["id"],
            "stream": "reservation",
            "stream-xpath-filter": "//opnfv-promise:cores < 2",
            "encoding": f"{SN}:encode-json",
            URI: made[URI],
        }
        for cores in (3, 1):
            await reserve(here, cores)
        assert (await stream.next())["opnfv-promise:reservation-event"]["reservation"]["capacity"]["cores"] == 1
        assert (await ask(here, "delete-subscription", id=made["id"])).status == 204
        assert await stream.ended()
    gone = await here.ask("GET", made[URI].partition("/restconf")[1] + made[URI].partition("/restconf")[2])
    assert (gone.status, gone.error["error-tag"]) == (404, "invalid-value")
    again = await ask(here, "delete-subscription", id=made["id"])
    assert again.status == 404
    assert again.error["error-app-tag"] == f"{SN}:no-such-subscription"
    assert again.error["error-type"] == "application"


@pytest.mark.rfc("8650", "5", "notifications in XML where the request was in XML, or asks for it")
@pytest.mark.rfc("8639", "2.4.2", "the encoding is that of the request where none is named")
async def test_xml_throughout(here: House) -> None:
    body = f'<input xmlns="{SPACE}"><stream>capacity</stream></input>'.encode()
    path = f"{OPERATIONS}/{SN}:establish-subscription"
    made = (await here.ask("POST", path, body, Content_Type=XML)).xml
    assert made.tag == f"{{{SPACE}}}output"
    uri = made.findtext("{urn:ietf:params:xml:ns:yang:ietf-restconf-subscribed-notifications}uri")
    assert uri
    wanted = await establish(here, stream="capacity", encoding="encode-xml")
    async with reading(here, uri) as first, reading(here, wanted[URI]) as second:
        await reserve(here)
        for stream in (first, second):
            told = etree.fromstring(await stream.told())
            assert told[1].tag == "{urn:opnfv:promise}capacity-event"
        assert (await ask(here, "kill-subscription", id=wanted["id"])).status == 204
        over = etree.fromstring(await second.told())[1]
        assert [(str(each.tag).rpartition("}")[2], each.text) for each in over] == [
            ("id", str(wanted["id"])),
            ("reason", "no-such-subscription"),
        ]
        assert await second.ended()
    unread = await establish(here, stream="capacity")
    assert [(await ask(here, "kill-subscription", id=unread["id"])).status for _ in range(2)] == [204, 404]


@pytest.mark.rfc("8650", "9", "only the user who made a subscription reads, changes and deletes it")
@pytest.mark.rfc("8639", "2.4.5", "kill-subscription is for administrators")
async def test_subscriptions_of_others_do_not_exist(here: House) -> None:
    made = await establish(here, "alice", stream="NETCONF")
    path = made[URI][made[URI].index("/restconf") :]
    assert (await here.ask("GET", path, user="carol")).status == 404
    for name in ("modify-subscription", "delete-subscription"):
        refused = await ask(here, name, "carol", id=made["id"])
        assert (refused.status, refused.error["error-app-tag"]) == (404, f"{SN}:no-such-subscription")
    assert (await ask(here, "kill-subscription", "carol", id=made["id"])).status == 403
    resync = await ask(here, "resync-subscription", "alice", YP, id=made["id"])
    assert (resync.status, resync.error["error-app-tag"]) == (404, f"{YP}:no-such-subscription-resync")
    listed = f"/restconf/data/{SN}:subscriptions"
    assert (await here.ask("GET", listed, user="carol")).status == 404
    shown = await here.ask("GET", f"{listed}/subscription={made['id']}", user="alice")
    (entry,) = shown.body[f"{SN}:subscription"]
    (receiver,) = entry.pop("receivers")["receiver"]
    assert entry == {"id": made["id"], "stream": "NETCONF", "encoding": f"{SN}:encode-json", URI: made[URI]}
    assert receiver.pop("name").startswith("alice@127.0.0.1:")
    everything = (await here.ask("GET", "/restconf/data", user="alice", Accept=XML)).xml
    assert everything.findtext(f".//{{{SPACE}}}subscription/{{{SPACE}}}stream") == "NETCONF"
    assert receiver == {"sent-event-records": "0", "excluded-event-records": "0", "state": "active"}


@pytest.mark.rfc(
    "8650", "3.4", "a reader who comes back goes on where he was; a second one takes the place of the first"
)
async def test_one_reader_who_may_come_back(here: House) -> None:
    made = await establish(here, stream="reservation")
    await reserve(here, 1)
    async with reading(here, made[URI]) as first:
        assert (await first.next())["opnfv-promise:reservation-event"]["reservation"]["capacity"]["cores"] == 1
        async with reading(here, made[URI]) as second:
            assert await first.ended()
            await reserve(here, 2)
            seen = (await second.next())["opnfv-promise:reservation-event"]
            assert seen["reservation"]["capacity"]["cores"] == 2
    await reserve(here, 3)
    async with reading(here, made[URI], **{"Last-Event-ID": f"{int(seen['sequence']) - 1}"}) as third:
        cores = [(await third.next())["opnfv-promise:reservation-event"]["reservation"]["capacity"] for _ in range(2)]
        assert [each["cores"] for each in cores] == [2, 3]
    unread = await establish(here, stream="reservation")
    await here.clock.advance(300)
    assert (await here.ask("GET", unread[URI][unread[URI].index("/restconf") :])).status == 404


@pytest.mark.rfc("8641", "3.5.2", "what is pushed in JSON is a patch of changes in JSON")
@pytest.mark.rfc("8650", "3.4", "YANG push over RESTCONF")
async def test_a_datastore_is_pushed_in_json(here: House) -> None:
    selected = {"opnfv-promise:promise": {"reservations": [None]}}
    made = await establish(
        here,
        ietf_yang_push__datastore="ietf-datastores:operational",
        ietf_yang_push__datastore_subtree_filter=selected,
        ietf_yang_push__on_change={"dampening-period": 0},
    )
    async with reading(here, made[URI]) as stream:
        first = (await stream.next())[f"{YP}:push-update"]
        assert first == {"id": made["id"], "datastore-contents": {}}
        key = await reserve(here, 4)
        patch = (await stream.next())[f"{YP}:push-change-update"]["datastore-changes"]["yang-patch"]
        (edit,) = patch["edit"]
        ((entry,),) = edit.pop("value").values()
        assert (entry["id"], entry["capacity"]) == (key, {"cores": 4})
        assert edit == {
            "edit-id": "1",
            "operation": "create",
            "target": f"/opnfv-promise:promise/reservations={key}",
        }
        assert (await ask(here, "resync-subscription", module=YP, id=made["id"])).status == 204
        whole = (await stream.next())[f"{YP}:push-update"]["datastore-contents"]["opnfv-promise:promise"]
        assert [each["id"] for each in whole["reservations"]] == [key]


STREAM_HINT = f"{SN}:establish-subscription-stream-error-info"
PUSH_HINT = f"{YP}:establish-subscription-datastore-error-info"
ALL_OF_IT = {f"{YP}:datastore": "ietf-datastores:operational"}
REFUSED: list[tuple[dict[str, Any], int, str, str, str]] = [
    ({"stream": "x"}, 400, "invalid-value", "", ""),
    ({}, 400, "missing-element", "", ""),
    ({"stream": "NETCONF", "dscp": 3}, 400, "invalid-value", f"{SN}:dscp-unavailable", ""),
    ({"stream": "NETCONF", "weighting": 3}, 400, "invalid-value", "", ""),
    ({"stream": "NETCONF", "purpose": "x"}, 400, "unknown-element", "", ""),
    ({"stream": "NETCONF", "encoding": "other:encode-json"}, 400, "invalid-value", "", ""),
    ({"stream": "NETCONF", "stop-time": "2026-01-01T00:00:00Z"}, 400, "invalid-value", "", ""),
    ({"stream": "NETCONF", "encoding": "encode-cbor"}, 400, "invalid-value", f"{SN}:encoding-unsupported", ""),
    (
        {"stream": "NETCONF", "stream-xpath-filter": "//["},
        400, "invalid-value", f"{SN}:filter-unsupported", STREAM_HINT,
    ),
    ({**ALL_OF_IT, f"{YP}:periodic": {"period": 99}}, 400, "invalid-value", f"{YP}:period-unsupported", PUSH_HINT),
    (
        {f"{YP}:datastore": "ietf-datastores:candidate", f"{YP}:on-change": {}},
        400, "invalid-value", f"{YP}:datastore-not-subscribable", "",
    ),
    (
        {**ALL_OF_IT, f"{YP}:datastore-subtree-filter": {}, f"{YP}:on-change": {}},
        500, "operation-failed", f"{YP}:unchanging-selection", "",
    ),
    (
        {**ALL_OF_IT, f"{YP}:datastore-xpath-filter": "//[", f"{YP}:on-change": {}},
        400, "invalid-value", f"{SN}:filter-unsupported", PUSH_HINT,
    ),
    (
        {
            **ALL_OF_IT,
            f"{YP}:datastore-subtree-filter": {"ietf-netconf-monitoring:netconf-state": {}},
            f"{YP}:on-change": {},
        },
        501, "operation-not-supported", f"{YP}:on-change-unsupported", "",
    ),
]  # fmt: skip


@pytest.mark.rfc("8641", "3.2", "what cannot be pushed is refused with the identity that says why, and hints")
@pytest.mark.rfc("8650", "3.3", "each error identity has its error-tag and HTTP status, and hints stand in error-info")
@pytest.mark.rfc("8639", "2.4.6", "what cannot be established is refused with the identity that says why")
async def test_what_cannot_be_is_told_with_its_status(here: House) -> None:
    for given, status, tag, app_tag, hint in REFUSED:
        body = {f"{SN}:input": given}
        answer = await here.ask("POST", f"{OPERATIONS}/{SN}:establish-subscription", body)
        assert answer.status == status, (given, answer.content)
        assert answer.error["error-type"] == "application"
        assert (answer.error["error-tag"], answer.error.get("error-app-tag", "")) == (tag, app_tag), given
        assert list(answer.error.get("error-info", {})) == ([hint] if hint else answer.error.get("error-info", [])) or (
            tag in {"missing-element", "unknown-element"}
        )
        if app_tag.endswith("period-unsupported"):
            assert answer.error["error-info"] == {hint: {"period-hint": 100}}


NO_INPUT = [
    (b"", JSON, 400),
    (b"[]", JSON, 400),
    (b'{"ietf-subscribed-notifications:input":[]}', JSON, 400),
    (b'{"ietf-subscribed-notifications:input":{"a b":1}}', JSON, 400),
    (b'{"ietf-subscribed-notifications:input":{"x:stream":"NETCONF"}}', JSON, 400),
    (b"<input/>", XML, 400),
    (b"<input", XML, 400),
    (b"stream", "text/plain", 415),
]


@pytest.mark.rfc("8650", "3.2", "the operations are listed, and streams are found in the container of RFC 8639")
async def test_what_is_no_input_is_refused(tmp_path: Path) -> None:
    async with house(tmp_path) as here:
        path = f"{OPERATIONS}/{SN}:establish-subscription"
        for body, media, status in NO_INPUT:
            assert (await here.ask("POST", path, body, Content_Type=media)).status == status, body
        assert (await here.ask("GET", path)).status == 405
        listed = await here.ask("GET", OPERATIONS)
        assert f"{SN}:kill-subscription" in listed.body["ietf-restconf:operations"]
        streams = (await here.ask("GET", f"/restconf/data/{SN}:streams/stream")).body[f"{SN}:stream"]
        assert [each["name"] for each in streams] == ["NETCONF", "capacity", "reservation", "allocation"]
        assert (await here.ask("PUT", "/restconf/subscriptions/x", b"")).status == 405
        assert (await here.ask("GET", "/restconf/subscriptions/")).status == 404

"""What other implementations of YANG say of RESTCONF's answers: yangson of the JSON, yanglint of the XML."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest
from lxml import etree
from restconf_house import XML, House, house
from yanglint import YANG, YANGLINT, command
from yangson import DataModel
from yangson.enumerations import ContentType, ValidationScope

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path


@pytest.fixture
async def busy(tmp_path: Path) -> AsyncIterator[House]:
    async with house(tmp_path / "state", cloud=True, policy={"expiry": 30}) as found:
        made = await found.invoke("create-reservation", "alice", name="<&>", capacity={"cores": 3, "instances": 2})
        await found.invoke("create-reservation", "carol", start="2027-02-01T00:00:00Z", capacity={"cores": 1})
        placed = await found.invoke(
            "create-instance",
            "alice",
            name="vnf",
            image="cirros",
            flavor="m1.tiny",
            **{"reservation-id": made["reservation-id"]},
        )
        assert placed["result"] == "ok", placed
        yield found


async def test_everything_that_is_shown_in_json_is_valid(busy: House) -> None:
    whole = (await busy.ask("GET", "/restconf/data")).body["ietf-restconf:data"]
    promise = whole["opnfv-promise:promise"]
    assert (len(promise["reservations"]), len(promise["allocations"])) == (2, 1)
    model = DataModel.from_file(str(YANG / "library.json"), [str(YANG), str(YANG / "ietf")])
    counters = ("denied-operations", "denied-data-writes", "denied-notifications")
    whole.setdefault("ietf-netconf-acm:nacm", dict.fromkeys(counters, 0))  # nobody counts as long as nobody denies
    model.from_raw(whole).validate(ValidationScope.all, ContentType.all)
    configured = (await busy.ask("GET", "/restconf/data?content=config")).body["ietf-restconf:data"]
    model.from_raw(configured).validate(ValidationScope.all, ContentType.config)
    for query in ("depth=2", "depth=3", "fields=reservations(state);providers/health", "content=nonconfig"):
        part = (await busy.get(f"?{query}")).body
        model.from_raw(part)  # every name and value is right; what is mandatory was left out


@pytest.mark.skipif(YANGLINT is None, reason="there is no yanglint on this machine")
async def test_everything_that_is_shown_in_xml_is_valid(busy: House, tmp_path: Path) -> None:
    whole = await busy.ask("GET", "/restconf/data", Accept=XML)
    inside = [etree.tostring(child) for child in whole.xml]
    await _judged(inside, tmp_path)


async def _judged(elements: list[bytes], folder: Path) -> None:
    path = folder / "data.xml"
    path.write_bytes(b"\n".join(elements))
    judge = await asyncio.create_subprocess_exec(
        *map(str, command("data")), str(path), stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    out, _ = await judge.communicate()
    assert judge.returncode == 0, out.decode()

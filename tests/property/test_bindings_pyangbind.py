"""A consumer with pyangbind classes: we read what they write, and they read what we write."""

from __future__ import annotations

import importlib
import json
import subprocess
import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from lxml import etree, objectify
from oracle.yang_model import YANG

from promise.errors import BadValue
from promise.northbound import bindings as yang

if TYPE_CHECKING:
    from collections.abc import Iterator

ID = "5b2dbe37-2f1e-4d43-9a2b-30d6d4c1a001"
DECEMBER = datetime(2026, 12, 1, tzinfo=UTC)

pytestmark = pytest.mark.filterwarnings("ignore")  # what pyangbind and its dependencies warn of is not ours


@pytest.fixture(scope="module", autouse=True)
def classes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Generate the classes as `make pyangbind` does, and make them importable."""
    folder = tmp_path_factory.mktemp("pyangbind")
    subprocess.run([sys.executable, YANG / "plugins" / "generate_pyangbind.py", folder], check=True)
    sys.path.insert(0, str(folder))
    yield
    sys.path.remove(str(folder))


def rpc(name: str, side: str) -> Any:
    """Return an instance of the class of an RPC's input or output."""
    module = importlib.import_module(f"promise_yang.opnfv_promise_rpc.{name.replace('-', '_')}.{side}")
    return getattr(module, side)()


def in_xml(thing: Any) -> Any:
    serialise = importlib.import_module("pyangbind.lib.serialise")
    return etree.fromstring(serialise.pybindIETFXMLEncoder.serialise(thing))


def in_json(thing: Any) -> Any:
    return json.loads(importlib.import_module("pyangbind.lib.pybindJSON").dumps(thing, mode="ietf"))


def load_xml(octets: bytes, thing: Any) -> Any:
    serialise = importlib.import_module("pyangbind.lib.serialise")
    return serialise.pybindIETFXMLDecoder.load_xml(objectify.fromstring(octets), None, None, obj=thing)


def load_json(body: Any, thing: Any) -> Any:
    serialise = importlib.import_module("pyangbind.lib.serialise")
    return serialise.pybindJSONDecoder.load_ietf_json(body, None, None, obj=thing)


def request() -> Any:
    wanted = rpc("create-reservation", "input")
    wanted.start = "2026-12-01T01:00:00+01:00"
    wanted.name = "mine & <yours>"
    wanted.priority = "low"
    wanted.capacity.cores = 4
    wanted.elements.append("a")
    wanted.elements.append("b")
    return wanted


def test_we_read_the_xml_of_a_request() -> None:
    wanted = request()
    wanted.capacity.ram = 8192
    wanted.capacity.custom.add("VGPU").amount = 2
    assert yang.CREATE_RESERVATION_RPC.decode_input_xml(in_xml(wanted)) == yang.CreateReservationInput(
        start=DECEMBER,
        name="mine & <yours>",
        priority="low",
        capacity=yang.Capacity(cores=4, ram=8192, custom=(yang.CustomAmount(resource_class="VGPU", amount=2),)),
        elements=("a", "b"),
    )


def test_we_read_the_json_of_a_request() -> None:
    body = {"opnfv-promise:input": in_json(request())}
    assert yang.CREATE_RESERVATION_RPC.decode_input_json(body) == yang.CreateReservationInput(
        start=DECEMBER,
        name="mine & <yours>",
        priority="low",
        capacity=yang.Capacity(cores=4),
        elements=("a", "b"),
    )


def test_a_64_bit_number_that_is_no_string_is_named() -> None:
    wanted = request()
    wanted.capacity.ram = 8192
    with pytest.raises(BadValue, match=r"as a JSON string \(RFC 7951 section 6.1\)") as caught:
        yang.CREATE_RESERVATION_RPC.decode_input_json({"opnfv-promise:input": in_json(wanted)})
    assert caught.value.path == "/promise:create-reservation/promise:capacity/promise:ram"


@pytest.fixture
def reply() -> yang.CreateReservationOutput:
    return yang.CreateReservationOutput(
        result="conflict",
        message="4 cores are missing & <more>",
        reason="insufficient-capacity",
        refusal=yang.Refusal(
            provider_id=ID,
            shortfall=(yang.Shortfall(resource="cores", requested=8, available=4, from_=DECEMBER),),
            max_capacity=yang.Capacity(cores=4, ram=2**34),
            alternative=(yang.Alternative(start=DECEMBER),),
        ),
    )


def agrees(found: Any) -> None:
    assert str(found.result) == "conflict"
    assert str(found.message) == "4 cores are missing & <more>"
    assert str(found.reason).endswith("insufficient-capacity")
    assert str(found.refusal.shortfall["cores"].available) == "4"
    assert str(getattr(found.refusal.shortfall["cores"], "from_")) == "2026-12-01T00:00:00Z"  # noqa: B009
    assert (int(found.refusal.max_capacity.cores), int(found.refusal.max_capacity.ram)) == (4, 2**34)
    assert list(found.refusal.alternative) == ["2026-12-01T00:00:00Z"]


def test_they_read_the_xml_of_our_reply(reply: yang.CreateReservationOutput) -> None:
    document = yang.CREATE_RESERVATION_RPC.encode_output_document(reply)
    agrees(load_xml(document, rpc("create-reservation", "output")))


def test_they_read_the_json_of_our_reply(reply: yang.CreateReservationOutput) -> None:
    body = yang.CREATE_RESERVATION_RPC.encode_output_json(reply)["opnfv-promise:output"]
    agrees(load_json(json.loads(json.dumps(body)), rpc("create-reservation", "output")))


def test_they_read_our_notification() -> None:
    module = importlib.import_module("promise_yang.opnfv_promise_notification.capacity_event")
    event = yang.CapacityEvent(
        event_id=ID, sequence=2**40, time=DECEMBER, provider_id=ID, cause="sync",
        change=yang.ColumnsChange(total=yang.CapacityChange(cores=-4, ram=-(2**34))),
    )  # fmt: skip
    found = load_xml(yang.CAPACITY_EVENT_NOTIFICATION.encode_xml(event), module.capacity_event())
    assert (int(found.sequence), str(found.cause)) == (2**40, "sync")
    assert (int(found.change.total.cores), int(found.change.total.ram)) == (-4, -(2**34))

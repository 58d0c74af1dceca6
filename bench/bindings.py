"""What reading and writing a message costs, in CPU time of this process: `python bench/bindings.py [--seconds 0.5]`.

The message is a full create-reservation: 23 leaves in 2 bodies, one of them the capacity with all eleven resources, and
its answer. "parse" and "print" are lxml and json alone, so that the sum of both columns is what a request takes from
octets to a value and back. Every figure is the best of several runs.
"""

from __future__ import annotations

import argparse
import json
import time
import timeit
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from lxml import etree

from promise.northbound import bindings as yang
from promise.northbound.codec import parse_json

if TYPE_CHECKING:
    from collections.abc import Callable

ID = "5b2dbe37-2f1e-4d43-9a2b-30d6d4c1a001"
START = datetime(2026, 12, 1, tzinfo=UTC)
RPC = yang.CREATE_RESERVATION_RPC
CAPACITY = yang.Capacity(
    cores=10, ram=20480, instances=5, networks=1, ports=10, routers=1, subnets=1, addresses=2, gigabytes=400,
    snapshots=3, volumes=5,
)  # fmt: skip

REQUEST = yang.CreateReservationInput(
    start=START, end=START + timedelta(days=1), capacity=CAPACITY, elements=("a", "b"), zone="nova", provider_id=ID,
    name="an evening's worth", priority="high", expiry=START + timedelta(hours=1), dry_run=False, idempotency_key="k",
)  # fmt: skip

ACCEPTED = yang.CreateReservationOutput(
    result="ok", message="reserved", reservation_id=ID, state="initialized", start=START, end=START + timedelta(days=1),
    provider_id=ID, pools=(ID,),
)  # fmt: skip

REFUSED = yang.CreateReservationOutput(
    result="conflict", message="5 cores are missing", reason="insufficient-capacity",
    refusal=yang.Refusal(
        provider_id=ID,
        shortfall=(yang.Shortfall(resource="cores", requested=10, available=5, from_=START),),
        max_capacity=CAPACITY,
        alternative=tuple(yang.Alternative(start=START + timedelta(days=day)) for day in range(3)),
    ),
)  # fmt: skip

EVENT = yang.CapacityEvent(
    event_id=ID, sequence=2**33, time=START, provider_id=ID, cause="sync", window=yang.Window(start=START),
    change=yang.ColumnsChange(total=yang.CapacityChange(cores=-4, ram=-8192)),
    metrics=yang.Columns(total=CAPACITY, reserved=CAPACITY, usage=CAPACITY, available=CAPACITY),
)  # fmt: skip


def microseconds(work: Callable[[], object], seconds: float) -> float:
    """Return the CPU time of one call, the best of five runs."""
    timer = timeit.Timer(work, timer=time.process_time)
    number = max(1, int(timer.autorange()[0] * seconds))
    return min(timer.repeat(5, number)) / number * 1e6


def row(name: str, octets: bytes, body: Any, codecs: tuple[Any, Any, Any, Any], seconds: float) -> None:
    """Print what one message costs; `codecs` are decode and encode for XML, then for JSON."""
    decode_xml, encode_xml, decode_json, encode_json = codecs
    element, text = etree.fromstring(octets), json.dumps(body)
    value = decode_xml(element)
    figures = [
        microseconds(work, seconds)
        for work in (
            lambda: etree.fromstring(octets),
            lambda: decode_xml(element),
            lambda: encode_xml(value),
            lambda: parse_json(text.encode()),
            lambda: decode_json(body),
            lambda: encode_json(value),
            lambda: json.dumps(body),
        )
    ]
    print(f"{name:<28}" + "".join(f"{figure:>8.1f}" for figure in figures))


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=0.5, help="about how long each figure is measured")
    seconds = parser.parse_args().seconds
    print("microseconds of CPU time".ljust(28) + "XML".rjust(24) + "JSON".rjust(32))
    print(" " * 28 + "".join(f"{title:>8}" for title in ("parse", "decode", "encode") * 2 + ("print",)))
    requests = RPC.decode_input_xml, RPC.encode_input_xml, RPC.decode_input_json, RPC.encode_input_json
    answers = RPC.decode_output_xml, RPC.encode_output_document, RPC.decode_output_json, RPC.encode_output_json
    binding = yang.CAPACITY_EVENT_NOTIFICATION
    events = binding.decode_xml, binding.encode_xml, binding.decode_json, binding.encode_json
    row("create-reservation, request", RPC.encode_input_xml(REQUEST), RPC.encode_input_json(REQUEST), requests, seconds)
    for name, answer in (("accepted", ACCEPTED), ("refused", REFUSED)):
        document, body = RPC.encode_output_document(answer), RPC.encode_output_json(answer)
        row(f"create-reservation, {name}", document, body, answers, seconds)
    row("capacity-event", binding.encode_xml(EVENT), binding.encode_json(EVENT), events, seconds)


if __name__ == "__main__":
    main()

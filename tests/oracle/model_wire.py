"""Requests as XML and replies as plain dicts, written by hand from the YANG: no code of the product in between."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

from lxml import etree
from oracle.model_records import LEAVES

NS = "urn:opnfv:promise"
TIMES = frozenset({"start", "end", "expiry", "from", "to", "latest-start", "timestamp", "created-on", "modified-on"})
NUMBERS = frozenset({"requested", "amount", "count", "version", "fits", *LEAVES, "hosts", "vcpus", "disk", "swap",
                     "ephemeral"})  # fmt: skip
CAPACITIES = frozenset({"total", "reserved", "usage", "available", "overdrawn", "capacity", "remaining",
                        "max-capacity"})  # fmt: skip
SETS = frozenset(
    {"collections", "reservations", "pools", "allocations", "instances", "elements", "missing-elements", "networks"}
)
KEYED = {"reservation": "id", "instance": "id", "zones": "name", "flavors": "id"}
BY_KEY = {"affected": "reservation-id", "per-provider": "provider-id", "containers": "flavor",
          "shortfall": "resource", "blocking": "reservation-id resource"}  # fmt: skip
HAVE_LISTS = frozenset({"query-reservation", "query-instance", "add-provider"})
LISTS = frozenset({"alternative", "held-element", "utilization"})


def moment(value: float) -> str:
    """Write a time; those that are no multiple of 10 with an offset, and fractions as they are."""
    whole = math.floor(value)
    fraction = f"{value - whole:.3f}"[1:] if value != whole else ""
    if whole % 10:
        local = datetime.fromtimestamp(whole, timezone(timedelta(hours=5, minutes=30)))
        return f"{local:%Y-%m-%dT%H:%M:%S}{fraction}+05:30"
    return f"{datetime.fromtimestamp(whole, UTC):%Y-%m-%dT%H:%M:%S}{fraction}Z"


def request(name: str, query: dict[str, Any]) -> str:
    """Write the operation element."""
    root = etree.Element(f"{{{NS}}}{name}")
    for key, value in query.items():
        _write(root, key, value)
    return etree.tostring(root, encoding="unicode")


def _write(parent: Any, name: str, value: Any) -> None:
    if isinstance(value, list):
        for one in value:
            _write(parent, name, one)
        return
    element = etree.SubElement(parent, f"{{{NS}}}{name}")
    if name == "capacity" and isinstance(value, dict):
        _amounts(element, value)
    elif isinstance(value, dict):
        for key, inner in value.items():
            _write(element, key, inner)
    elif isinstance(value, bool):
        element.text = str(value).lower()
    else:
        element.text = moment(value) if name in {"start", "end", "expiry"} else str(value)


def _amounts(parent: Any, amounts: dict[str, int]) -> None:
    for name, amount in amounts.items():
        if name in LEAVES:
            etree.SubElement(parent, f"{{{NS}}}{name}").text = str(amount)
        else:
            custom = etree.SubElement(parent, f"{{{NS}}}custom")
            etree.SubElement(custom, f"{{{NS}}}resource-class").text = name
            etree.SubElement(custom, f"{{{NS}}}amount").text = str(amount)


def answer(operation: str, reply: Any) -> dict[str, Any]:
    """Read an <rpc-reply>: of a decision its output, of anything else its text."""
    if not len(reply) or not str(reply[0].tag).startswith(f"{{{NS}}}"):
        return {"result": "rpc-error", "text": etree.tostring(reply, encoding="unicode")}
    return _children(reply, operation)


def _children(parent: Any, inside: str) -> dict[str, Any]:
    read: dict[str, Any] = {}
    for child in parent:
        name = str(child.tag).rpartition("}")[2]
        if name in KEYED and inside in HAVE_LISTS:
            one = _children(child, name)
            read.setdefault(name, {})[one[KEYED[name]]] = one
        elif _is_capacity(child, name, inside):
            read[name] = _capacity(child)
        elif name in BY_KEY or name == "outcome":
            one = _children(child, name)
            parts = BY_KEY.get(name) or ("instance-id" if "instance-id" in one else "reservation-id")
            key = " ".join(one[part] for part in parts.split())
            assert key not in read.get(name, {}), f"two entries {one} of one key"
            read.setdefault(name, {})[key] = one
        elif name in LISTS:
            read.setdefault(name, []).append(_children(child, name))
        elif name in SETS:
            read.setdefault(name, set()).add(child.text)
        elif len(child):
            read[name] = _children(child, name)
        else:
            read[name] = _leaf(name, child.text or "")
    return read


def _is_capacity(child: Any, name: str, inside: str) -> bool:
    if name == "shortfall":
        return inside != "refusal"
    return name in CAPACITIES and (len(child) > 0 or not child.text)


def _capacity(element: Any) -> dict[str, int]:
    amounts = {}
    for child in element:
        name = str(child.tag).rpartition("}")[2]
        if name == "custom":
            amounts[str(child[0].text)] = int(str(child[1].text))
        else:
            amounts[name] = int(str(child.text))
    return amounts


def _leaf(name: str, text: str) -> Any:
    if name in TIMES:
        assert text.endswith("Z"), f"{name} is not in UTC: {text}"
        return int(datetime.fromisoformat(text).timestamp())
    if name in NUMBERS or (name == "available" and text):
        return int(text)
    if name == "reason":
        return text.rpartition(":")[2]
    return {"true": True, "false": False}.get(text, text)

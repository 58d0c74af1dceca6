"""Errors as RESTCONF tells them: `ietf-restconf:errors`, in JSON or XML (RFC 8040 section 7.1)."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, Final

from promise.northbound.faults import YANG, leaves
from promise.northbound.library.modules import library
from promise.northbound.message import BASE, escape
from promise.northbound.restconf.exchange import RESTCONF, Encoding

if TYPE_CHECKING:
    from collections.abc import Sequence

    from promise.northbound.faults import Fault, Told

_NAMES: Final = {module.prefix: module.name for module in library().modules.values()}
_NAMESPACES: Final = {module.prefix: module.namespace for module in library().modules.values()}
_PREFIX: Final = re.compile(r"""([A-Za-z_][\w.-]*):(?!:)|"[^"]*"|'[^']*'""")
_MODULE_OF: Final = {
    **{module.namespace: f"{module.name}:" for module in library().modules.values()},
    BASE: "ietf-netconf:",
    YANG: "",
}
"""What stands before the name of a child of error-info in JSON; the YANG namespace is that of no module."""


def errors(faults: Sequence[Fault], encoding: Encoding) -> bytes:
    """Return the body that tells these errors."""
    if encoding is Encoding.JSON:
        return json.dumps({"ietf-restconf:errors": {"error": [_as_json(fault) for fault in faults]}}).encode()
    inside = "".join(as_xml(fault) for fault in faults)
    return f'<errors xmlns="{RESTCONF}">{inside}</errors>'.encode()


def inside_errors(faults: Sequence[Fault]) -> dict[str, Any]:
    """Return what is in `errors`, for a place where that container has another parent (RFC 8072 section 2.3)."""
    return {"error": [_as_json(fault) for fault in faults]}


def _as_json(fault: Fault) -> dict[str, Any]:
    found: dict[str, Any] = {"error-type": fault.row.type, "error-tag": fault.row.tag}
    if fault.app_tag:
        found["error-app-tag"] = fault.app_tag
    if path := instance_identifier(fault.path):
        found["error-path"] = path
    found["error-message"] = fault.message
    if fault.info:
        found["error-info"] = _info(fault)
    return found


def _info(fault: Fault) -> dict[str, Any]:
    """Return error-info; what is there several times becomes an array."""
    found: dict[str, Any] = {}
    for qualified, value in fault.info:
        namespace, _, name = qualified.rpartition("}")
        member = _MODULE_OF.get(namespace[1:] or BASE, "") + name
        if not isinstance(value, str):
            found[member] = dict(value)
            continue
        known = found.get(member)
        found[member] = value if known is None else [*(known if isinstance(known, list) else [known]), value]
    return found


def instance_identifier(path: str) -> str:
    """Return a path with prefixes as RFC 7951 section 6.11 writes it; empty when it is not one of data or input."""
    module = ""

    def named(match: re.Match[str]) -> str:
        nonlocal module
        prefix = match[1]
        if prefix is None:
            return match[0]
        name = _NAMES.get(prefix, prefix)
        if name == module:
            return ""
        module = name
        return f"{name}:"

    return "" if _foreign(path) else _PREFIX.sub(named, path)


def as_xml(fault: Fault) -> str:
    """Return the <error> element, for the default namespace of ietf-restconf."""
    parts = [f"<error-type>{fault.row.type}</error-type><error-tag>{fault.row.tag}</error-tag>"]
    if fault.app_tag:
        parts.append(f"<error-app-tag>{escape(fault.app_tag)}</error-app-tag>")
    if fault.path and not _foreign(fault.path):
        used = sorted({match[1] for match in _PREFIX.finditer(fault.path) if match[1]})
        declared = "".join(f' xmlns:{prefix}="{_NAMESPACES[prefix]}"' for prefix in used)
        parts.append(f"<error-path{declared}>{escape(fault.path)}</error-path>")
    parts.append(f"<error-message>{escape(fault.message)}</error-message>")
    if fault.info:
        parts += ["<error-info>", *(_info_element(name, value) for name, value in fault.info), "</error-info>"]
    return f"<error>{''.join(parts)}</error>"


def _info_element(qualified: str, value: Told) -> str:
    namespace, _, name = qualified.rpartition("}")
    if not isinstance(value, str):
        return f'<{name} xmlns="{namespace[1:]}">{leaves(value)}</{name}>'
    return f'<{name} xmlns="{namespace[1:] or BASE}">{escape(value)}</{name}>'


def _foreign(path: str) -> bool:
    """Tell whether a path is one of NETCONF's messages, or has a prefix that nobody could resolve."""
    return not path or any(match[1] not in _NAMES for match in _PREFIX.finditer(path) if match[1])

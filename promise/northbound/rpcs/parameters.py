"""The parameters of NETCONF's own operations: which there may be, and what their values are (RFC 6241 section 7)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from promise.errors import (
    BadValue,
    DuplicateNode,
    MissingChoice,
    MissingElement,
    UnknownAttribute,
    UnknownElement,
    UnknownNamespace,
)
from promise.northbound.editing import Operation
from promise.northbound.editxml import read_edit
from promise.northbound.message import BASE, split
from promise.northbound.port import Datastore

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lxml.etree import _Element

    from promise.northbound.datastore import Schema
    from promise.northbound.editing import Edit

OK: Final = b"<ok/>"

_NOT_ADVERTISED: Final = {"startup": ":startup", "url": ":url"}
_DATASTORES: Final = {"running": Datastore.RUNNING, "candidate": Datastore.CANDIDATE}


def parameters_of(operation: _Element, *known: str) -> dict[str, _Element]:
    """Return the parameters of an operation of NETCONF by name; each is known and given once."""
    path = path_of(operation)
    for key in operation.attrib:
        name = split(str(key))[1]
        raise UnknownAttribute(f"{name_of(operation)} has no attribute {name}", path=path, name=name)
    if operation.text and operation.text.strip():
        raise BadValue(f"{name_of(operation)} must contain no text", path=path)
    found: dict[str, _Element] = {}
    for element in operation:
        namespace, name = split(element.tag)
        if namespace != BASE or name not in known:
            rule = f"{name_of(operation)} has no parameter <{name}>" + (f" of {namespace}" if namespace != BASE else "")
            raise UnknownElement(rule, path=path, name=name, namespace=namespace)
        if name in found:
            raise DuplicateNode(f"<{name}> is given twice", path=f"{path}/nc:{name}", name=name)
        found[name] = element
    return found


def choice(parameters: Mapping[str, _Element], name: str, path: str, *values: str) -> str:
    """Return the value of a parameter; the first one is the default."""
    found = parameters.get(name)
    if found is None:
        return values[0]
    text = (found.text or "").strip()
    if len(found) or text not in values:
        raise BadValue(f"{name} is one of {', '.join(values)}", path=f"{path}/nc:{name}", name=name)
    return text


def datastore_of(operation: _Element, parameters: Mapping[str, _Element], which: str) -> Datastore:
    """Return the datastore that <source> or <target> names."""
    holder = _holder(operation, parameters, which)
    path = f"{path_of(operation)}/nc:{which}"
    namespace, name = split(holder[0].tag)
    if namespace != BASE:
        raise UnknownNamespace("a datastore is named in the namespace of NETCONF", path=path, name=name,
                               namespace=namespace)  # fmt: skip
    if name in _NOT_ADVERTISED:
        rule = f"the datastore <{name}> does not exist: {_NOT_ADVERTISED[name]} is not advertised"
        raise UnknownElement(rule, path=path, name=name, namespace=namespace)
    if name not in _DATASTORES:
        raise UnknownElement(f"there is no datastore <{name}>", path=path, name=name, namespace=namespace)
    return _DATASTORES[name]


def source_of(operation: _Element, parameters: Mapping[str, _Element], schema: Schema) -> Datastore | Edit:
    """Return what <source> names: a datastore, or a whole configuration that stands in it."""
    holder = _holder(operation, parameters, "source")
    if holder[0].tag != f"{{{BASE}}}config":
        return datastore_of(operation, parameters, "source")
    return read_edit(holder[0], Operation.REPLACE, schema, f"{path_of(operation)}/nc:source/nc:config")


def _holder(operation: _Element, parameters: Mapping[str, _Element], which: str) -> _Element:
    """Return the parameter that holds one choice of a configuration."""
    path = f"{path_of(operation)}/nc:{which}"
    if which not in parameters:
        raise MissingElement(f"{name_of(operation)} must name a <{which}>", path=path_of(operation), name=which)
    holder = parameters[which]
    if len(holder) == 0:
        raise MissingChoice(f"<{which}> must name a datastore", path=path, name=f"config-{which}")
    if len(holder) > 1:
        raise DuplicateNode(f"<{which}> must name one datastore only", path=path, name=split(holder[1].tag)[1])
    return holder


def text_of(parameters: Mapping[str, _Element], name: str, path: str) -> str | None:
    """Return the text of a leaf, None when it is absent."""
    found = parameters.get(name)
    if found is None:
        return None
    if len(found):
        raise BadValue(f"{name} holds text, and no element", path=f"{path}/nc:{name}", name=name)
    return found.text or ""


def name_of(operation: _Element) -> str:
    """Return how an operation is called in a sentence."""
    return f"<{split(operation.tag)[1]}>"


def path_of(operation: _Element) -> str:
    """Return the path of an operation in its request."""
    return f"/nc:rpc/nc:{split(operation.tag)[1]}"

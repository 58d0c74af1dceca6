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
from promise.northbound.defaults import NAMESPACE as WITH_DEFAULTS
from promise.northbound.editing import Operation
from promise.northbound.editxml import read_edit
from promise.northbound.events.dynamic import NAMESPACE as SUBSCRIBED
from promise.northbound.events.notice import NAMESPACE as NOTIFICATION
from promise.northbound.events.pushing import YANG_PUSH
from promise.northbound.message import BASE, split
from promise.northbound.monitor import NAMESPACE as MONITORING
from promise.northbound.port import Datastore

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from lxml.etree import _Element

    from promise.northbound.datastore import Schema
    from promise.northbound.editing import Edit

OK: Final = b"<ok/>"
DATASTORES: Final = "urn:ietf:params:xml:ns:yang:ietf-datastores"
NMDA: Final = "urn:ietf:params:xml:ns:yang:ietf-netconf-nmda"

_PREFIXES: Final = {
    BASE: "nc",
    NMDA: "ncds",
    MONITORING: "ncm",
    NOTIFICATION: "ncn",
    SUBSCRIBED: "sn",
    YANG_PUSH: "yp",
    WITH_DEFAULTS: "ncwd",
}
_BY_IDENTITY: Final = frozenset(f"{{{BASE}}}{name}" for name in ("lock", "unlock", "validate"))
"""The operations of NETCONF that take a datastore by its identity (RFC 8526 section 3.2)."""

_NOT_ADVERTISED: Final = {"startup": ":startup", "url": ":url"}
_DATASTORES: Final = {"running": Datastore.RUNNING, "candidate": Datastore.CANDIDATE}


def parameters_of(operation: _Element, *known: str, elements: Iterable[_Element] | None = None) -> dict[str, _Element]:
    """Return the parameters of an operation by name; each is known and given once.

    Those of another namespace than the operation's are known, and returned, as "{namespace}name". `elements` are the
    ones to look at, where not all are.
    """
    path, namespace = path_of(operation), split(operation.tag)[0]
    for key in operation.attrib:
        name = split(str(key))[1]
        raise UnknownAttribute(f"{name_of(operation)} has no attribute {name}", path=path, name=name)
    if _has_text(operation):
        raise BadValue(f"{name_of(operation)} must contain no text", path=path)
    found: dict[str, _Element] = {}
    for element in operation if elements is None else elements:
        space, name = split(element.tag)
        key = name if space == namespace else str(element.tag)
        if key not in known:
            rule = f"{name_of(operation)} has no parameter <{name}>"
            rule += f" of {space or 'no namespace'}" if space != namespace else ""
            raise UnknownElement(rule, path=path, name=name, namespace=space)
        if key in found:
            raise DuplicateNode(f"<{name}> is given twice", path=f"{path}/{prefix_of(space)}:{name}", name=name)
        found[key] = element
    return found


def identity_of(leaf: _Element, namespace: str, path: str) -> str:
    """Return the name of the identity that a leaf names, which has to be one of this namespace."""
    prefix, colon, name = (leaf.text or "").strip().rpartition(":")
    if len(leaf) or leaf.nsmap.get(prefix if colon else None) != namespace or not name:
        what = split(leaf.tag)[1]
        raise BadValue(f"{what} names an identity of {namespace}, with its prefix", path=path, name=what)
    return name


def prefix_of(namespace: str) -> str:
    """Return the prefix that error paths use for the operations of a namespace."""
    return _PREFIXES[namespace]


def choice(parameters: Mapping[str, _Element], name: str, path: str, *values: str, prefix: str = "nc") -> str:
    """Return the value of a parameter; the first one is the default."""
    found = parameters.get(name)
    if found is None:
        return values[0]
    text = (found.text or "").strip()
    if len(found) or not text or text not in values:
        raise BadValue(f"{name} is one of {', '.join(filter(None, values))}", path=f"{path}/{prefix}:{name}", name=name)
    return text


def datastore_of(operation: _Element, parameters: Mapping[str, _Element], which: str) -> Datastore:
    """Return the datastore that <source> or <target> names."""
    holder = _holder(operation, parameters, which)
    path = f"{path_of(operation)}/nc:{which}"
    namespace, name = split(holder[0].tag)
    if (namespace, name) == (NMDA, "datastore") and operation.tag in _BY_IDENTITY:
        path += "/ncds:datastore"
        found = _named(identity_of(holder[0], DATASTORES, path), path)
        if found is Datastore.OPERATIONAL:
            rule = f"{name_of(operation)} is for configurations: the datastore operational is none"
            raise BadValue(rule, path=path, name=name)
        return found
    if namespace != BASE:
        raise UnknownNamespace("a datastore is named in the namespace of NETCONF", path=path, name=name,
                               namespace=namespace)  # fmt: skip
    if name in _NOT_ADVERTISED:
        rule = f"the datastore <{name}> does not exist: {_NOT_ADVERTISED[name]} is not advertised"
        raise UnknownElement(rule, path=path, name=name, namespace=namespace)
    if name not in _DATASTORES:
        raise UnknownElement(f"there is no datastore <{name}>", path=path, name=name, namespace=namespace)
    if len(holder[0]) or _has_text(holder[0]):
        raise BadValue(f"{name} must be empty", path=f"{path}/nc:{name}", name=name)
    return _DATASTORES[name]


def _named(name: str, path: str) -> Datastore:
    if name not in list(Datastore):
        raise BadValue(f"there is no datastore {name}: there are {', '.join(Datastore)}", path=path, name="datastore")
    return Datastore(name)


def nmda_datastore(parameters: Mapping[str, _Element], path: str) -> Datastore:
    """Return the datastore that the parameter of an operation of RFC 8526 names."""
    if "datastore" not in parameters:
        raise MissingElement("a datastore must be named", path=path, name="datastore")
    path += "/ncds:datastore"
    return _named(identity_of(parameters["datastore"], DATASTORES, path), path)


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
    for element in (holder, *holder):
        for key in element.attrib if element.tag != f"{{{BASE}}}config" else ():
            name = split(str(key))[1]
            raise UnknownAttribute(f"{name_of(element)} has no attribute {name}", path=path, name=name)
    if len(holder) == 0:
        raise MissingChoice(f"<{which}> must name a datastore", path=path, name=f"config-{which}")
    if len(holder) > 1:
        raise DuplicateNode(f"<{which}> must name one datastore only", path=path, name=split(holder[1].tag)[1])
    if _has_text(holder):
        raise BadValue(f"{which} must contain no text beside the datastore", path=path, name=which)
    return holder


def _has_text(element: _Element) -> bool:
    """Tell whether text stands in an element, before or between those inside it."""
    texts = [element.text, *(child.tail for child in element)]
    return any(text and text.strip() for text in texts)


def text_of(parameters: Mapping[str, _Element], name: str, path: str) -> str | None:
    """Return the text of a leaf, None when it is absent."""
    found = parameters.get(name)
    if found is None:
        return None
    if len(found):
        raise BadValue(f"{name} holds text, and no element", path=path, name=name)
    return found.text or ""


def name_of(operation: _Element) -> str:
    """Return how an operation is called in a sentence."""
    return f"<{split(operation.tag)[1]}>"


def path_of(operation: _Element) -> str:
    """Return the path of an operation in its request."""
    namespace, name = split(operation.tag)
    return f"/nc:rpc/{prefix_of(namespace)}:{name}"

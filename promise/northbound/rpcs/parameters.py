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
from promise.northbound.message import BASE, split

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lxml.etree import _Element

OK: Final = b"<ok/>"

_NOT_ADVERTISED: Final = {"candidate": ":candidate", "startup": ":startup", "url": ":url"}


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


def expect_running(operation: _Element, parameters: Mapping[str, _Element], which: str) -> None:
    """See that <source> or <target> is the running datastore, the only one that is advertised."""
    path = f"{path_of(operation)}/nc:{which}"
    if which not in parameters:
        raise MissingElement(f"{name_of(operation)} must name a <{which}>", path=path_of(operation), name=which)
    source = parameters[which]
    if len(source) == 0:
        raise MissingChoice(f"<{which}> must name a datastore", path=path, name=f"config-{which}")
    if len(source) > 1:
        raise DuplicateNode(f"<{which}> must name one datastore only", path=path, name=split(source[1].tag)[1])
    namespace, name = split(source[0].tag)
    if namespace != BASE:
        raise UnknownNamespace("a datastore is named in the namespace of NETCONF", path=path, name=name,
                               namespace=namespace)  # fmt: skip
    if name in _NOT_ADVERTISED:
        rule = f"the datastore <{name}> does not exist: {_NOT_ADVERTISED[name]} is not advertised"
        raise UnknownElement(rule, path=path, name=name, namespace=namespace)
    if name != "running":
        raise UnknownElement(f"there is no datastore <{name}>", path=path, name=name, namespace=namespace)


def name_of(operation: _Element) -> str:
    """Return how an operation is called in a sentence."""
    return f"<{split(operation.tag)[1]}>"


def path_of(operation: _Element) -> str:
    """Return the path of an operation in its request."""
    return f"/nc:rpc/nc:{split(operation.tag)[1]}"

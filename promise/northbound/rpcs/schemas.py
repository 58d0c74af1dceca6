"""<get-schema> (RFC 6022 section 3.1): the text of every module that this server implements or imports."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from promise.errors import BadValue, DuplicateNode, MissingElement, UnknownAttribute, UnknownElement
from promise.northbound.message import BASE, escape, split
from promise.northbound.monitor import NAMESPACE

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lxml.etree import _Element

    from promise.northbound.access import Caller
    from promise.northbound.library.modules import Library, YangModule

OPERATION: Final = "get-schema"
PREFIXES: Final = {"ncm": NAMESPACE}

_PATH: Final = f"/nc:rpc/ncm:{OPERATION}"
_PARAMETERS: Final = frozenset({"identifier", "version", "format"})
_FORMAT: Final = "yang"


class Schemas:
    """Gives out the modules of a library."""

    def __init__(self, library: Library) -> None:
        self._library = library

    async def get_schema(self, caller: Caller, operation: _Element) -> bytes:
        """Return the text of one module, byte for byte."""
        del caller
        found = _parameters(operation)
        if "identifier" not in found:
            raise MissingElement(f"<{OPERATION}> must have an identifier", path=_PATH, name="identifier")
        _expect_format(found)
        module = self._module(_text(found["identifier"]), found)
        return f'<data xmlns="{NAMESPACE}">{escape(module.text)}</data>'.encode()

    def _module(self, name: str, found: Mapping[str, _Element]) -> YangModule:
        module = self._library.modules.get(name)
        if module is None:
            path = f"{_PATH}/ncm:identifier"
            raise BadValue(f"there is no schema {name!r} on this server", path=path, name="identifier")
        version = _text(found["version"]) if "version" in found else module.revision
        if version not in ("", module.revision):
            rule = f"there is {name} of {module.revision} only, not of {version!r}"
            raise BadValue(rule, path=f"{_PATH}/ncm:version", name="version")
        return module


def _expect_format(found: Mapping[str, _Element]) -> None:
    """See that the format is yang, the default: an identity of the monitoring module, with whichever prefix."""
    if "format" not in found:
        return
    element = found["format"]
    prefix, _, name = _text(element).rpartition(":")
    if name != _FORMAT or element.nsmap.get(prefix or None, NAMESPACE) not in (NAMESPACE, BASE):
        rule = f"schemas come in the format {_FORMAT}, not in {_text(element)!r}"
        raise BadValue(rule, path=f"{_PATH}/ncm:format", name="format")


def _parameters(operation: _Element) -> dict[str, _Element]:
    """Return the parameters by name; each is known and given once."""
    for key in operation.attrib:
        name = split(str(key))[1]
        raise UnknownAttribute(f"<{OPERATION}> has no attribute {name}", path=_PATH, name=name)
    found: dict[str, _Element] = {}
    for element in operation:
        namespace, name = split(element.tag)
        if namespace != NAMESPACE or name not in _PARAMETERS:
            rule = f"<{OPERATION}> has no parameter <{name}> of {namespace or 'no namespace'}"
            raise UnknownElement(rule, path=_PATH, name=name, namespace=namespace)
        if name in found:
            raise DuplicateNode(f"<{name}> is given twice", path=f"{_PATH}/ncm:{name}", name=name)
        found[name] = element
    return found


def _text(element: _Element) -> str:
    return (element.text or "").strip()

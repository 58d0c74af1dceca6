"""<get-schema> (RFC 6022 section 3.1): the text of every module that this server implements or imports."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from promise.errors import BadValue, MissingElement
from promise.northbound.message import BASE, escape
from promise.northbound.monitor import NAMESPACE
from promise.northbound.rpcs.parameters import parameters_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lxml.etree import _Element

    from promise.northbound.access import Caller
    from promise.northbound.library.modules import Library, YangModule

OPERATION: Final = "get-schema"
PREFIXES: Final = {"ncm": NAMESPACE}

_PATH: Final = f"/nc:rpc/ncm:{OPERATION}"
_PARAMETERS: Final = ("identifier", "version", "format")
_FORMAT: Final = "yang"


class Schemas:
    """Gives out the modules of a library."""

    def __init__(self, library: Library) -> None:
        self._library = library

    async def get_schema(self, caller: Caller, operation: _Element) -> bytes:
        """Return the text of one module, byte for byte."""
        del caller
        found = parameters_of(operation, *_PARAMETERS)
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


def _text(element: _Element) -> str:
    return (element.text or "").strip()

"""The YANG library as data: `yang-library` (RFC 8525) and, for older clients, `modules-state` (RFC 7895)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from promise.northbound.library.modules import Library, YangModule

MODULE_SET: Final = "promise"
"""The name of the one module-set, and of the one schema made of it: every datastore has the same."""

SCHEMAS: Final = "/restconf/schema/"
"""Where RESTCONF has the texts of the modules, as NAME@REVISION (RFC 8040 section 3.7)."""

CAPABILITY: Final = "urn:ietf:params:netconf:capability:yang-library:1.1?revision=2019-01-04&content-id="


def capability(library: Library) -> str:
    """Return the capability with which the hello tells of the library (RFC 8526 section 2)."""
    return CAPABILITY + library.content_id


class YangLibrary:
    """`ietf-yang-library:yang-library`; see `port.StateSource`.

    `origin` is scheme and authority of RESTCONF, "" while it does not listen: then no place of a text is told.
    """

    top = "ietf-yang-library:yang-library"

    def __init__(self, library: Library, datastores: Iterable[str], origin: Callable[[], str] = str) -> None:
        self._library = library
        self._datastores = tuple(datastores)
        self._origin = origin

    def tree(self) -> dict[str, Any]:
        """Return the content, as RFC 7951 writes it."""
        origin = self._origin()
        return {
            "module-set": [
                {
                    "name": MODULE_SET,
                    "module": [_module(module, origin) for module in self._library.implemented],
                    "import-only-module": [_imported(_module(module, origin)) for module in self._library.imported],
                }
            ],
            "schema": [{"name": MODULE_SET, "module-set": [MODULE_SET]}],
            "datastore": [{"name": f"ietf-datastores:{name}", "schema": MODULE_SET} for name in self._datastores],
            "content-id": self._library.content_id,
        }


class ModulesState:
    """`ietf-yang-library:modules-state`; see `port.StateSource`, and `YangLibrary` for `origin`."""

    top = "ietf-yang-library:modules-state"

    def __init__(self, library: Library, origin: Callable[[], str] = str) -> None:
        self._library = library
        self._origin = origin

    def tree(self) -> dict[str, Any]:
        """Return the content, as RFC 7951 writes it."""
        origin = self._origin()
        return {
            "module-set-id": self._library.content_id,
            "module": [
                {
                    **module.told,
                    **({"schema": _location(module, origin)} if origin else {}),
                    "conformance-type": "implement" if module.implemented else "import",
                }
                for module in self._library.modules.values()
            ],
        }


def _module(module: YangModule, origin: str) -> dict[str, Any]:
    return {**module.told, **({"location": [_location(module, origin)]} if origin else {})}


def _location(module: YangModule, origin: str) -> str:
    return f"{origin}{SCHEMAS}{module.name}@{module.revision}"


def _imported(told: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in told.items() if name != "feature"}

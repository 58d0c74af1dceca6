"""The YANG library as data: `yang-library` (RFC 8525) and, for older clients, `modules-state` (RFC 7895)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

    from promise.northbound.library.modules import Library

MODULE_SET: Final = "promise"
"""The name of the one module-set, and of the one schema made of it: every datastore has the same."""

CAPABILITY: Final = "urn:ietf:params:netconf:capability:yang-library:1.1?revision=2019-01-04&content-id="


def capability(library: Library) -> str:
    """Return the capability with which the hello tells of the library (RFC 8526 section 2)."""
    return CAPABILITY + library.content_id


class YangLibrary:
    """`ietf-yang-library:yang-library`; see `port.StateSource`."""

    top = "ietf-yang-library:yang-library"

    def __init__(self, library: Library, datastores: Iterable[str]) -> None:
        self._tree: dict[str, Any] = {
            "module-set": [
                {
                    "name": MODULE_SET,
                    "module": [module.told for module in library.implemented],
                    "import-only-module": [_imported(module.told) for module in library.imported],
                }
            ],
            "schema": [{"name": MODULE_SET, "module-set": [MODULE_SET]}],
            "datastore": [{"name": f"ietf-datastores:{name}", "schema": MODULE_SET} for name in datastores],
            "content-id": library.content_id,
        }

    def tree(self) -> dict[str, Any]:
        """Return the content, as RFC 7951 writes it."""
        return self._tree


class ModulesState:
    """`ietf-yang-library:modules-state`; see `port.StateSource`."""

    top = "ietf-yang-library:modules-state"

    def __init__(self, library: Library) -> None:
        self._tree: dict[str, Any] = {
            "module-set-id": library.content_id,
            "module": [
                {**module.told, "conformance-type": "implement" if module.implemented else "import"}
                for module in library.modules.values()
            ],
        }

    def tree(self) -> dict[str, Any]:
        """Return the content, as RFC 7951 writes it."""
        return self._tree


def _imported(told: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in told.items() if name != "feature"}

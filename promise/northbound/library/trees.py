"""The YANG library as data: `yang-library` (RFC 8525) and, for older clients, `modules-state` (RFC 7895)."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, Final

from promise.northbound.unchanging import Unchanging

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


class _Library(ABC):
    """A tree of the library, made anew only when `origin` has changed.

    That is scheme and authority of RESTCONF, "" while it does not listen: then no place of a text is told.
    """

    def __init__(self, library: Library, origin: Callable[[], str] = str) -> None:
        self._library = library
        self._origin = origin
        self._known: tuple[str, Unchanging] | None = None

    def tree(self) -> dict[str, Any]:
        """Return the content, as RFC 7951 writes it."""
        origin = self._origin()
        if self._known is None or self._known[0] != origin:
            self._known = origin, Unchanging(self._made(origin))
        return self._known[1]

    @abstractmethod
    def _made(self, origin: str) -> dict[str, Any]:
        """Return the content where RESTCONF is reached there."""


class YangLibrary(_Library):
    """`ietf-yang-library:yang-library`; see `port.StateSource`."""

    top = "ietf-yang-library:yang-library"

    def __init__(self, library: Library, datastores: Iterable[str], origin: Callable[[], str] = str) -> None:
        super().__init__(library, origin)
        self._datastores = tuple(datastores)

    def _made(self, origin: str) -> dict[str, Any]:
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


class ModulesState(_Library):
    """`ietf-yang-library:modules-state`; see `port.StateSource`."""

    top = "ietf-yang-library:modules-state"

    def _made(self, origin: str) -> dict[str, Any]:
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

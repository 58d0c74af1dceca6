"""Names in values: in a document they have its prefixes, in a tree the names of modules (RFC 7951 section 6.8)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from promise.northbound.library.modules import library

if TYPE_CHECKING:
    from collections.abc import Mapping

_QUALIFIED: Final = re.compile(r"([A-Za-z_][\w.-]*):(?!:)|\"[^\"]*\"|'[^']*'")
"""A name before a colon that is no axis, outside of literals."""


def declarations(text: str) -> dict[str, str]:
    """Return the prefixes of a value in a tree, with their namespaces, by name."""
    modules = library().modules
    used = {match[1] for match in _QUALIFIED.finditer(text) if match[1] in modules}
    return {name: modules[name].namespace for name in sorted(used)}


def qualified(text: str, spaces: Mapping[str | None, str]) -> str:
    """Return a value that has names in it with names of modules as prefixes; `spaces` are those of the document.

    A prefix that means no module of ours stays as it is.
    """
    modules = {module.namespace: name for name, module in library().modules.items()}

    def module(found: re.Match[str]) -> str:
        name = modules.get(spaces.get(found[1], "")) if found[1] else None
        return f"{name}:" if name else found[0]

    return _QUALIFIED.sub(module, text)

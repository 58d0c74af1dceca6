"""Names in values: in a document they have its prefixes, in a tree the names of modules (RFC 7951 section 6.8)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from promise.northbound.library.modules import library

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_QUALIFIED: Final = re.compile(r"([A-Za-z_][\w.-]*):(?!:)|\"[^\"]*\"|'[^']*'")
"""A name before a colon that is no axis, outside of literals."""


_STEP: Final = re.compile(r"\"[^\"]*\"|'[^']*'|([/\[]\s*)(?:([A-Za-z_][\w.-]*):)?([A-Za-z_][\w.-]*)")
"""A step of a path or the name of a key in a predicate, and outside of them a literal."""


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


def spelled_out(path: str) -> str:
    """Return an instance-identifier with a prefix at each name, as it must be in XML (RFC 7950 section 9.13)."""
    return _rewritten(path, lambda prefix, last: prefix or last)


def shortened(path: str) -> str:
    """Return an instance-identifier without the prefixes that are those of the name before (RFC 7951 section 6.11)."""
    return _rewritten(path, lambda prefix, last: "" if prefix == last else prefix)


def _rewritten(path: str, prefix_of: Callable[[str, str], str]) -> str:
    """Return a path with other prefixes: what is given with the prefix of a name, and that of the step before it."""
    last = ""

    def step(found: re.Match[str]) -> str:
        nonlocal last
        begin, given, name = found.groups()
        if not name:
            return found[0]
        prefix = prefix_of(given or "", last)
        if begin.startswith("/"):
            last = given or last
        return f"{begin}{prefix}:{name}" if prefix else f"{begin}{name}"

    return _STEP.sub(step, path)
